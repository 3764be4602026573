#include "cli/range_hmi_command.h"

#include <fmt/format.h>

#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/text.h"
#include "cli/range_wire_io.h"
#include "cli/terminal.h"
#include "exercise/wire/iec104/master.h"
#include "exercise/wire/iec104/monitored.h"
#include "exercise/wire/modbus/client.h"

namespace bongsu::cli {

using namespace exercise::wire;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMaxNotices = 5;     // below the table
constexpr std::size_t kMaxShown = 65'536;  // objects
constexpr auto kRedraw = 500ms;

struct Shown {
  std::string name, unit, source;  // source: cause, or table
  double value = 0;
  Quality quality;
  std::string at;
};

class Hmi {
 public:
  Hmi(const RangeHmiOptions& options, std::FILE* out)
      : o_(options), out_(out), table_(!options.json && is_terminal(out)) {}
  ~Hmi() { loop_.close_all(); }  // sessions tell of their end, while all that they tell it to is still there
  Hmi(const Hmi&) = delete;
  Hmi& operator=(const Hmi&) = delete;

  int run();

 private:
  Result<void> connect();
  void connect_or_retry();
  std::unique_ptr<net::Session> make_master();
  std::unique_ptr<net::Session> make_client();
  Result<void> order(std::string_view line);  // kInvalid
  Result<void> command(std::string_view target, std::string_view value, bool select);
  Result<void> send_waiting();
  void observe(const iec104::Observed& v);
  void show(std::uint64_t key, Shown shown, JsonObject extra);
  void command_state(std::uint64_t id, const std::string& phase, const std::string& text, bool last, bool done);
  void notice(const std::string& what);
  void event(const std::string& what, const std::string& text);
  void print_line(const JsonObject& object);
  void add_notice(const std::string& text);
  void draw();
  void end_when_done();
  std::string name_of(std::uint32_t object) const;

  const RangeHmiOptions& o_;
  std::FILE* out_;
  bool table_;
  SystemClock clock_;
  PointList list_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::unordered_map<std::uint32_t, std::size_t> by_object_;
  net::SessionLoop loop_{clock_};
  std::unique_ptr<Recorder> recorder_;
  iec104::Master* master_ = nullptr;  // of the loop, while connected
  modbus::Client* client_ = nullptr;
  bool connected_ = false, first_read_ = false, changed_ = true;
  std::deque<std::string> waiting_;  // orders, until there is a connection
  std::map<std::uint64_t, std::string> running_;
  std::size_t failed_ = 0;
  std::map<std::uint64_t, Shown> shown_;
  std::deque<std::string> notices_;
  std::string state_ = "connecting";
};

std::string Hmi::name_of(std::uint32_t object) const {
  const auto found = by_object_.find(object);
  return found == by_object_.end() ? fmt::format("ioa {}", object) : list_[found->second].point.name;
}

void Hmi::print_line(const JsonObject& object) {
  fmt::print(out_, "{}\n", to_text(object));
  std::fflush(out_);
}

void Hmi::add_notice(const std::string& text) {
  notices_.push_back(fmt::format("{} {}", clock_.now().text(0).substr(11, 8), text));
  while (notices_.size() > kMaxNotices) notices_.pop_front();
  changed_ = true;
}

void Hmi::event(const std::string& what, const std::string& text) {
  if (!table_) {
    JsonObject object{{"time", clock_.now().text(3)}, {"event", what}};
    if (!text.empty()) object["text"] = text;
    print_line(object);
  }
  add_notice(fmt::format("{}{}{}", what, text.empty() ? "" : ": ", text));
}

void Hmi::notice(const std::string& what) {
  if (what == "interrogation finished") first_read_ = true;
  event("notice", what);
  end_when_done();
}

void Hmi::show(std::uint64_t key, Shown shown, JsonObject extra) {
  changed_ = true;
  if (!table_) {
    JsonObject object{{"time", clock_.now().text(3)}, {"event", "value"}, {"point", shown.name}};
    for (auto& [name, value] : extra) object[name] = value;
    put_value(object, shown.value);
    if (!shown.unit.empty()) object["unit"] = shown.unit;
    object["quality"] = quality_words(shown.quality);
    if (!shown.at.empty()) object["at"] = shown.at;
    print_line(object);
    return;
  }
  if (shown_.contains(key) || shown_.size() < kMaxShown) shown_[key] = std::move(shown);
}

void Hmi::observe(const iec104::Observed& v) {
  const auto found = by_object_.find(v.object);
  Shown shown{.name = name_of(v.object),
              .unit = found == by_object_.end() ? "" : list_[found->second].point.unit,
              .source = iec104::cause_text(v.cause),
              .value = v.value,
              .quality = v.quality,
              .at = v.time ? v.time->text(3) : ""};
  JsonObject extra{
      {"object", v.object}, {"type", iec104::type_of(v.type).name}, {"cause", iec104::cause_text(v.cause)}};
  if (v.in_transition) extra["in_transition"] = true;
  show(v.object, std::move(shown), std::move(extra));
}

void Hmi::command_state(std::uint64_t id, const std::string& phase, const std::string& text, bool last, bool done) {
  const auto found = running_.find(id);
  const std::string target = found == running_.end() ? "?" : found->second;
  if (!table_) {
    JsonObject object{
        {"time", clock_.now().text(3)}, {"event", "command"}, {"id", id}, {"command", target}, {"state", phase}};
    if (!text.empty()) object["text"] = text;
    print_line(object);
  }
  add_notice(fmt::format("{}: {}{}{}", target, phase, text.empty() ? "" : ", ", text));
  if (!last) return;
  running_.erase(id);
  if (!done) ++failed_;
  end_when_done();
}

void Hmi::end_when_done() {
  if (o_.once && first_read_ && running_.empty() && waiting_.empty()) loop_.stop();
}

std::unique_ptr<net::Session> Hmi::make_master() {
  auto master = std::make_unique<iec104::Master>(
      iec104::MasterSettings{.common_address = o_.common_address,
                             .originator = static_cast<std::uint8_t>(o_.originator),
                             .interrogate_every = std::chrono::seconds(o_.interrogate_every)},
      clock_,
      iec104::MasterEvents{.on_started =
                               [this] {
                                 event("started", "");
                                 if (const auto sent = send_waiting(); !sent) event("refused", sent.error().message);
                               },
                           .on_value = [this](const iec104::Observed& v) { observe(v); },
                           .on_command =
                               [this](std::uint64_t id, const iec104::CommandState& s) {
                                 command_state(id, std::string(to_string(s.phase)), s.text, s.last(),
                                               s.phase == iec104::CommandPhase::kDone);
                               },
                           .on_notice = [this](const std::string& what) { notice(what); }});
  master_ = master.get();
  return master;
}

std::unique_ptr<net::Session> Hmi::make_client() {
  auto client = std::make_unique<modbus::Client>(
      list_,
      modbus::ClientSettings{.unit = static_cast<std::uint8_t>(o_.unit), .poll = std::chrono::milliseconds(o_.poll_ms)},
      clock_,
      modbus::ClientEvents{
          .on_value =
              [this](std::size_t point, double value) {
                const PointRow& row = list_[point];
                const std::string table(to_string(row.modbus->table));
                show(point, {.name = row.point.name, .unit = row.point.unit, .source = table, .value = value, .at = ""},
                     {{"table", table}, {"address", row.modbus->address}});
              },
          .on_round =
              [this] {
                first_read_ = true;
                end_when_done();
              },
          .on_written =
              [this](std::uint64_t id, std::optional<modbus::Exception> e) {
                command_state(id, e ? "refused" : "done", e ? modbus::exception_text(*e) : "", true, !e);
              },
          .on_notice = [this](const std::string& what) { notice(what); }});
  client_ = client.get();
  return client;
}

Result<void> Hmi::connect() {
  BONGSU_TRY(const Endpoint endpoint, parse_endpoint(o_.iec104.empty() ? o_.modbus : o_.iec104));
  BONGSU_TRY_VOID(loop_.connect(
      {.host = endpoint.address, .port = endpoint.port},
      [this](const std::string& peer) {
        state_ = "connected to " + peer;
        connected_ = true;
        event("connected", peer);
        return o_.iec104.empty() ? make_client() : make_master();
      },
      [this](const std::string&, const Error& why) {
        master_ = nullptr;
        client_ = nullptr;
        connected_ = false;
        state_ = "not connected";
        event("disconnected", why.message);
        // Writes that no answer came to; the master tells of its own.
        for (const auto& [id, target] : std::map(running_))
          command_state(id, "lost", "the connection ended", true, false);
        for (const std::string& line : std::exchange(waiting_, {})) {
          ++failed_;
          event("refused", line + ": the connection ended before it could be sent");
        }
        if (o_.once && why.code != ErrorCode::kCancelled) {  // not by our own end
          ++failed_;
          loop_.stop();
        }
      }));
  if (client_ != nullptr) return send_waiting();
  return {};
}

void Hmi::connect_or_retry() {
  if (connected_) return;
  if (const auto done = connect(); !done) event("unreachable", done.error().message);
}

// NAME=VALUE, TYPE:OBJECT=VALUE[:select] and words.
Result<void> Hmi::order(std::string_view line) {
  const auto wrong = [&](std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.field = std::string(line)});
  };
  if (line == "quit") {
    loop_.stop();
    return {};
  }
  if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
    std::string_view value = line.substr(equals + 1);
    const bool select = value.ends_with(":select");
    if (select) value.remove_suffix(std::string_view(":select").size());
    return command(line.substr(0, equals), value, select);
  }
  if (master_ == nullptr)
    return wrong("orders are NAME=VALUE and quit; interrogate, counters, clock and read NAME are for IEC 104");
  if (line == "interrogate") return master_->interrogate();
  if (line == "counters") return master_->ask_counters();
  if (line == "clock") return master_->set_clock();
  if (line.starts_with("read ")) {
    const auto found = by_name_.find(std::string(line.substr(5)));
    if (found != by_name_.end() && list_[found->second].iec104)
      return master_->read(list_[found->second].iec104->object);
    if (const auto object = finite_number(line.substr(5));
        object && *object >= 0 && *object <= iec104::kMaxObjectAddress)
      return master_->read(static_cast<std::uint32_t>(*object));
    return wrong("read is followed by a point's name or address");
  }
  return wrong("orders are NAME=VALUE, TYPE:OBJECT=VALUE[:select], interrogate, counters, clock, read NAME, quit");
}

Result<void> Hmi::command(std::string_view target, std::string_view value_text, bool select) {
  const auto wrong = [&](std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.field = std::string(target)});
  };
  const auto value = finite_number(value_text);
  if (!value) return wrong(fmt::format("\"{}\" is not a number", value_text));
  const std::string text = fmt::format("{}={}", target, value_text);
  const auto found = by_name_.find(std::string(target));
  if (client_ != nullptr) {
    if (found == by_name_.end()) return wrong("no point of the list has this name");
    BONGSU_TRY(const auto id, client_->write(found->second, *value));
    running_[id] = text;
    return {};
  }
  iec104::CommandOrder order{.select = select};
  if (found != by_name_.end()) {
    const PointRow& row = list_[found->second];
    if (!row.iec104 || !row.iec104->command) return wrong("the point takes no commands");
    order.object = *row.iec104->command;
    order.type = *iec104::command_type(row.point.kind);
    order.select = select || row.iec104->select;
  } else {
    const std::size_t colon = target.find(':');
    const auto object = finite_number(colon == std::string_view::npos ? std::string_view() : target.substr(colon + 1));
    if (!object || *object < 0 || *object > iec104::kMaxObjectAddress || *object != std::floor(*object))
      return wrong("neither a point of the list nor TYPE:OBJECT");
    bool known = false;
    for (int id = 0; id < 256; ++id)
      if (const auto* type = iec104::type_of(static_cast<std::uint8_t>(id));
          type != nullptr && type->name == target.substr(0, colon)) {
        order.type = type->id;
        known = true;
      }
    if (!known) return wrong("not the name of a type, as C_SC_NA_1");
    order.object = static_cast<std::uint32_t>(*object);
    if (iec104::type_of(order.type).time != iec104::TimeKind::kNone) order.time = clock_.now();
  }
  // A step of a listed point is said as 1 (higher) or -1 (lower); by address it is the octet's 2 or 1.
  double asked = *value;
  if (found != by_name_.end() && order.type == iec104::TypeId::C_RC_NA_1) {
    if (asked != 1 && asked != -1) return wrong("a step is 1 (higher) or -1 (lower)");
    asked = asked > 0 ? 2 : 1;
  }
  const auto element = iec104::commanded_element(order.type, asked);
  if (!element) return wrong(fmt::format("{} can't be told {}", iec104::type_of(order.type).name, value_text));
  order.element = *element;
  BONGSU_TRY(const auto id, master_->command(order));
  running_[id] = text;
  return {};
}

Result<void> Hmi::send_waiting() {
  Result<void> out;
  while (!waiting_.empty()) {
    const std::string line = std::move(waiting_.front());
    waiting_.pop_front();
    if (auto done = order(line); !done) {
      ++failed_;
      out = std::move(done);
    }
  }
  end_when_done();
  return out;
}

void Hmi::draw() {
  if (!table_ || !changed_) return;
  changed_ = false;
  fmt::print(out_, "\x1b[H\x1b[J{}   {}\n\n", clock_.now().text(0), printable(state_));
  std::size_t width = 5;
  for (const auto& [key, s] : shown_) width = std::max(width, s.name.size());
  fmt::print(out_, "{:<{}}  {:>12} {:<6} {:<20} {:<24} {}\n", "point", width, "value", "unit", "quality",
             "time of the station", "from");
  for (const auto& [key, s] : shown_)
    fmt::print(out_, "{:<{}}  {:>12.6g} {:<6} {:<20} {:<24} {}\n", printable(s.name), width, s.value, printable(s.unit),
               quality_words(s.quality), s.at, s.source);
  fmt::print(out_, "\n");
  for (const std::string& line : notices_) fmt::print(out_, "{}\n", printable(line));
  std::fflush(out_);
}

int Hmi::run() {
  const auto refuse = [&](std::string message, std::string field) {
    return report({.code = ErrorCode::kInvalid, .message = std::move(message), .where = {.field = std::move(field)}},
                  o_.json);
  };
  if (o_.iec104.empty() == o_.modbus.empty())
    return refuse("one of --iec104 and --modbus says whom to connect to", "iec104");
  if (o_.originator > 255) return refuse("an originator address is 0 to 255", "originator");
  if (o_.unit > 255) return refuse("a unit is 0 to 255", "unit");
  if (o_.poll_ms < 10) return refuse("polling is at most every 10 ms", "poll");
  if (o_.retry_s < 1) return refuse("a retry comes after one second at the earliest", "retry");
  if (!o_.modbus.empty() && o_.points.empty())
    return refuse("Modbus has no names and no kinds: a list of points is needed", "points");
  if (!o_.points.empty()) {
    auto list = load_point_list(o_.points);
    if (!list) return report(list.error(), o_.json);
    list_ = std::move(*list);
    for (std::size_t i = 0; i < list_.size(); ++i) {
      by_name_.emplace(list_[i].point.name, i);
      if (list_[i].iec104) by_object_.emplace(list_[i].iec104->object, i);
    }
  }
  if (!o_.record.empty()) {
    auto recorder =
        Recorder::open(o_.record, "", o_.iec104.empty() ? Protocol::kModbus : Protocol::kIec104, loop_, clock_);
    if (!recorder) return report(recorder.error(), o_.json);
    recorder_ = std::move(*recorder);
  }
  waiting_.assign(o_.commands.begin(), o_.commands.end());
  stop_on_signal(loop_);
  if (const auto done = connect(); !done) {
    if (o_.once || done.error().code == ErrorCode::kInvalid) return report(done.error(), o_.json);
    event("unreachable", done.error().message);
  }
  loop_.every(std::chrono::seconds(o_.retry_s), [this] { connect_or_retry(); });
  loop_.every(kRedraw, [this] { draw(); });
  if (o_.input)
    read_lines(loop_, [this](const std::string* line) {
      if (line == nullptr) return;
      // An order is for the plant as the operator sees it now: none is kept until a line comes back.
      if (!connected_ && *line != "quit") {
        event("refused", *line + ": not connected; orders are not kept for later");
      } else if (master_ != nullptr && !master_->started() && *line != "quit") {
        if (waiting_.size() < iec104::kMaxCommands)
          waiting_.push_back(*line);
        else
          event("refused", *line + ": too many orders wait for the start of data transfer");
      } else if (const auto done = order(*line); !done) {
        event("refused", done.error().text());
      }
    });
  loop_.run();
  draw();
  loop_.close_all();
  return failed_ > 0 ? kExitNo : kExitOk;
}

}  // namespace

int run_range_hmi(const RangeHmiOptions& options, std::FILE* out) { return Hmi(options, out).run(); }

}  // namespace bongsu::cli
