// A controlling station (HMI, SCADA master) on one connection: starts the transfer, interrogates, takes what the
// station reports, sends commands and follows them to their end. IEC 60870-5-101 §7.4, 60870-5-104 §5.
//
//   Master master({.common_address = 3}, clock, {.on_value = [&](const Observed& v) { … },
//                                                .on_command = [&](std::uint64_t id, const CommandState& s) { … }});
//   master.command({.object = 1100, .type = TypeId::C_DC_NA_1, .element = {.value = 2}, .select = true});
//
// It interrogates after STARTDT, and again when the station says that it was initialised.
// Commands to one object go one after the other; a selection is followed by its execution when it was confirmed.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "exercise/wire/iec104/asdu.h"
#include "exercise/wire/iec104/link.h"
#include "exercise/wire/points.h"
#include "net/session.h"

namespace bongsu::exercise::wire::iec104 {

inline constexpr std::size_t kMaxCommands = 1'000;  // that were given and aren't done

struct MasterSettings {
  std::uint16_t common_address = 1;
  std::uint8_t originator = 0;
  LinkSettings link;
  bool interrogate = true, counters = false, set_clock = false;   // after the start
  std::chrono::seconds interrogate_every{0};                      // 0: not
  std::chrono::seconds confirm_timeout{10}, finish_timeout{120};  // of commands
};

// A value as it came.
struct Observed {
  std::uint16_t common_address = 0;
  std::uint32_t object = 0;
  TypeId type{};
  Cause cause{};
  double value = 0;
  Quality quality;
  bool in_transition = false;   // step positions
  std::optional<Instant> time;  // by the station; nullopt: none, or marked invalid
};

struct CommandOrder {
  std::uint32_t object = 0;
  TypeId type{};
  Element element;              // value, qualifier; select is set by the master
  bool select = false;          // select before operate
  std::optional<Instant> time;  // for C_*_TA_1
};
enum class CommandPhase : std::uint8_t { kSelected, kConfirmed, kDone, kRefused, kTimeout, kLost };
std::string_view to_string(CommandPhase phase);
struct CommandState {
  CommandPhase phase{};
  std::string text;  // for people: "selection refused: negative confirmation"
  bool last() const { return phase >= CommandPhase::kDone; }
};

struct MasterEvents {
  std::function<void()> on_started;
  std::function<void(const Observed&)> on_value;
  std::function<void(std::uint64_t id, const CommandState& state)> on_command;
  std::function<void(const std::string& what)> on_notice;  // "interrogation finished", "station was initialised", …
};

class Master final : public net::Session {
 public:
  // `settings.link` is good. Begins with STARTDT.
  Master(const MasterSettings& settings, const Clock& clock, MasterEvents events);
  ~Master() override;  // tells of commands that aren't done that they are lost

  // The command's number. kTooLarge: kMaxCommands; kInvalid: not one that can be written.
  Result<std::uint64_t> command(const CommandOrder& order);
  Result<void> interrogate(std::uint8_t qualifier = kStationInterrogation);
  Result<void> ask_counters(std::uint8_t qualifier = kAllCounters);
  Result<void> read(std::uint32_t object);
  Result<void> set_clock();
  bool started() const { return link_.started(); }
  bool idle() const { return waiting_.empty() && pending_.empty() && commands_.empty(); }

  Result<void> receive(std::string_view bytes) override;
  std::string take_output() override;
  std::chrono::nanoseconds wake_at() const override;
  Result<void> wake() override;

 private:
  enum class Step : std::uint8_t { kWaiting, kSelecting, kOperating, kFinishing };
  struct Running {
    std::uint64_t id = 0;
    CommandOrder order;
    Step step = Step::kWaiting;
    std::chrono::nanoseconds until{};
  };
  struct Pending {  // a request to the whole station
    TypeId type{};
    std::string what;
    bool confirmed = false;
    std::chrono::nanoseconds until{};
  };

  Result<void> take(std::string_view bytes);
  void take_values(const Asdu& asdu, const Type& type);
  void take_answer(const Asdu& asdu);
  void take_command_answer(const Asdu& asdu);
  void begin_commands();
  void send_command(Running& running, bool select);
  void tell(std::uint64_t id, CommandPhase phase, std::string text);
  void notice(const std::string& what) const;
  Result<void> request(TypeId type, Cause cause, Object object, std::string what);
  void after_start();

  MasterSettings settings_;
  const Clock& clock_;
  MasterEvents events_;
  Link link_;
  bool was_started_ = false;
  std::deque<std::string> waiting_;  // ASDUs for the window
  std::deque<Pending> pending_;
  std::vector<Running> commands_;
  std::uint64_t next_id_ = 1;
  std::chrono::nanoseconds next_interrogation_ = std::chrono::nanoseconds::max();
};

}  // namespace bongsu::exercise::wire::iec104
