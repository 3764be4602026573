// A Modbus client (the HMI's side) on one connection: reads all points of a list in as few requests as there can be, at
// an interval, and writes what it is told to.
//
//   Client client(list, {}, clock, {.on_value = [&](std::size_t point, double value) { … }});
//   client.write(3, 50);   // by the point's place in the list
//
// One request at a time; an answer that doesn't come, or isn't one to the request, ends the connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "exercise/wire/modbus/pdu.h"
#include "exercise/wire/point_list.h"
#include "net/session.h"

namespace bongsu::exercise::wire::modbus {

inline constexpr std::size_t kMaxWrites = 1'000;  // that wait

struct ClientSettings {
  std::uint8_t unit = 1;
  std::chrono::milliseconds poll{1'000}, answer_timeout{3'000};
};

struct ClientEvents {
  std::function<void(std::size_t point, double value)> on_value;
  std::function<void()> on_round;  // every point was read once more
  std::function<void(std::uint64_t id, std::optional<Exception> exception)> on_written;
  std::function<void(const std::string& what)> on_notice;  // "read coils 4 to 9: illegal data address"
};

// A request, and which points its answer has.
struct PlannedRead {
  Request request;
  std::vector<std::pair<std::size_t, std::size_t>> points;  // point, where its values begin in the answer
};
// Runs of addresses that follow each other, as long as the functions allow; no value is split.
std::vector<PlannedRead> plan_reads(const PointList& list);

class Client final : public net::Session {
 public:
  // The list outlives the client.
  Client(const PointList& list, const ClientSettings& settings, const Clock& clock, ClientEvents events);

  // The write's number. kInvalid: a point that can't be written, or a value that it can't hold; kTooLarge: kMaxWrites.
  Result<std::uint64_t> write(std::size_t point, double value);
  std::uint64_t rounds() const { return rounds_; }

  Result<void> receive(std::string_view bytes) override;
  std::string take_output() override;
  std::chrono::nanoseconds wake_at() const override;
  Result<void> wake() override;

 private:
  struct Asked {
    Request request;
    std::uint16_t transaction = 0;
    std::optional<std::uint64_t> write;
    std::size_t read = 0;  // of the plan
    std::chrono::nanoseconds until{};
  };
  void ask(Request request, std::optional<std::uint64_t> write, std::size_t read);
  Result<void> take(const Adu& adu);

  const PointList& list_;
  ClientSettings settings_;
  const Clock& clock_;
  ClientEvents events_;
  std::vector<PlannedRead> plan_;
  std::size_t next_read_;
  std::chrono::nanoseconds next_round_;
  std::deque<std::pair<std::uint64_t, Request>> writes_;
  std::optional<Asked> asked_;
  std::uint16_t transaction_ = 0;
  std::uint64_t next_id_ = 1, rounds_ = 0;
  std::string input_, output_;
};

}  // namespace bongsu::exercise::wire::modbus
