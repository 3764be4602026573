// A station and a master that talk to each other by hand: what the process does arrives, what the operator orders
// happens.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "exercise/wire/capture_test_support.h"
#include "exercise/wire/iec104/master.h"
#include "exercise/wire/iec104/station.h"
#include "exercise/wire/local_process.h"

namespace bongsu::exercise::wire::iec104 {
namespace {

using namespace std::chrono_literals;

constexpr const char* kList =
    "name,kind,unit,value,ioa,command,select,deadband,cyclic_s,group,min,max,operate_ms\n"
    "cb1,double,,1,100,1100,yes,,,1,,,500\n"
    "cb2,double,,2,101,1101,no,,,1,,,500\n"
    "door,single,,0,110,1110,,,,2,,,\n"
    "tap,step,,3,120,1120,,,,,-5,5,\n"
    "bits,bits,,7,130,1130,,,,,,,\n"
    "u,real,kV,110,140,,,0.5,10,2,,,\n"
    "p,scaled,MW,50,150,1150,no,2,,,0,100,\n"
    "q,normalized,,0.25,160,1160,no,,,,,,\n"
    "f,real,Hz,50,141,1141,yes,,,,49,51,\n"
    "e1,counter,kWh,1000,200,,,,,1,,,\n"
    "e2,counter,kWh,2000,201,,,,,2,,,\n";

PointList list_of(std::string text) {
  auto list = read_point_list(text, "test");
  EXPECT_TRUE(list) << list.error().text();
  return *list;
}

std::string text_of(const CommandState& s) {
  return std::string(to_string(s.phase)) + (s.text.empty() ? "" : ": " + s.text);
}

// A master, the station's session for it, and what came.
struct Line {
  std::vector<Observed> values;
  std::vector<std::string> commands, notices;
  std::optional<Error> ended;
  std::unique_ptr<net::Session> at_station;
  std::unique_ptr<Master> master;  // when it goes it still tells of its commands

  Observed last(std::uint32_t object) const {
    for (auto v = values.rbegin(); v != values.rend(); ++v)
      if (v->object == object) return *v;
    return {};
  }
  std::size_t count(std::uint32_t object) const {
    return static_cast<std::size_t>(
        std::count_if(values.begin(), values.end(), [&](const auto& v) { return v.object == object; }));
  }
};

struct World {
  FakeClock clock;
  PointList list;
  Points points;
  LocalProcess process;
  Station station;
  std::vector<std::string> reports;

  explicit World(StationSettings settings = {.common_address = 3}, std::string text = kList)
      : list(list_of(std::move(text))),
        points(points_of(list), clock.now()),
        process(list, points, clock),
        station(list, points, process, settings, clock) {
    station.on_report([this](const StationReport& r) {
      reports.push_back(fmt::format("{} {} {} {}", type_of(r.type).name, r.object, r.point, r.outcome));
    });
  }

  std::unique_ptr<Line> connect(MasterSettings settings = {.common_address = 3}, const std::string& peer = "hmi") {
    auto line = std::make_unique<Line>();
    Line* l = line.get();
    line->at_station = station.accept(peer);
    line->master = std::make_unique<Master>(
        settings, clock,
        MasterEvents{
            .on_started = {},
            .on_value = [l](const Observed& v) { l->values.push_back(v); },
            .on_command = [l](std::uint64_t id,
                              const CommandState& s) { l->commands.push_back(fmt::format("{} {}", id, text_of(s))); },
            .on_notice = [l](const std::string& what) { l->notices.push_back(what); }});
    exchange(*line);
    return line;
  }

  void exchange(Line& line) {
    while (!line.ended) {
      const std::string up = line.master->take_output();
      if (auto r = up.empty() ? Result<void>{} : line.at_station->receive(up); !r) line.ended = r.error();
      const std::string down = line.at_station->take_output();
      if (auto r = down.empty() ? Result<void>{} : line.master->receive(down); !r) line.ended = r.error();
      if (up.empty() && down.empty()) return;
    }
  }

  // Time passes; everybody is woken when they asked for it.
  void pass(std::chrono::nanoseconds span, std::vector<Line*> lines) {
    const auto end = clock.monotonic() + span;
    while (true) {
      auto next = process.wake_at();
      for (Line* line : lines)
        if (!line->ended) next = std::min({next, line->master->wake_at(), line->at_station->wake_at()});
      if (next > end) break;
      clock.advance(std::max(next - clock.monotonic(), std::chrono::nanoseconds(0)));
      process.wake();
      for (Line* line : lines) {
        if (line->ended) continue;
        if (auto r = line->master->wake(); !r) line->ended = r.error();
        if (auto r = line->at_station->wake(); !r) line->ended = r.error();
        exchange(*line);
      }
    }
    clock.advance(end - clock.monotonic());
    for (Line* line : lines) exchange(*line);
  }

  void set(const std::string& name, double value, Quality quality = {}) {
    points.set(*points.find(name), {.value = value, .quality = quality, .time = clock.now()});
  }
};

// A connection by hand: ASDUs in hex, without numbers. What it gets back, in hex, one ASDU a line.
struct Raw {
  World& world;
  std::unique_ptr<net::Session> session;
  Link link;
  std::vector<std::string> got;

  explicit Raw(World& w) : world(w), session(w.station.accept("raw")), link(Role::kControlling, {}, w.clock) {
    link.start();
    exchange();
    got.clear();
  }
  void exchange() {
    for (int i = 0; i < 20; ++i) {
      if (const std::string up = link.take_output(); !up.empty()) {
        ASSERT_TRUE(session->receive(up));
      }
      if (const std::string down = session->take_output(); !down.empty()) {
        ASSERT_TRUE(link.receive(down, [&](std::string_view asdu) -> Result<void> {
          if (read_header(asdu)->cause == Cause::kPeriodic) return {};
          std::string hex;
          for (const char c : asdu) hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
          got.push_back(hex);
          return {};
        }));
      }
    }
  }
  std::vector<std::string> ask(std::string_view hex) {
    got.clear();
    link.send(bytes_of_hex(hex));
    exchange();
    return got;
  }
};

TEST(Iec104Station, AnInterrogationBringsEveryPointAsItIs) {
  World world;
  world.set("u", 112.5, {.not_topical = true});
  const auto line = world.connect();
  EXPECT_EQ(line->notices, (std::vector<std::string>{"the station was initialised", "interrogation finished"}));
  ASSERT_EQ(line->values.size(), 9u + 1u);  // counters aren't part of it; u's change waited in the buffer
  EXPECT_EQ(line->values[0].cause, Cause::kSpontaneous);
  for (const PointRow& row : world.list) {
    if (row.point.kind == PointKind::kCounter) continue;
    const Observed got = line->last(row.iec104->object);
    EXPECT_EQ(got.cause, Cause::kInterrogated) << row.point.name;
    EXPECT_EQ(got.value, world.points.read(*world.points.find(row.point.name)).value) << row.point.name;
    EXPECT_EQ(got.common_address, 3);
    EXPECT_FALSE(got.time);
  }
  EXPECT_TRUE(line->last(140).quality.not_topical);
  EXPECT_TRUE(line->last(141).quality.good());
}

TEST(Iec104Station, AGroupIsItsPointsOnly) {
  World world;
  const auto line = world.connect({.common_address = 3, .interrogate = false});
  line->values.clear();
  ASSERT_TRUE(line->master->interrogate(22));
  world.exchange(*line);
  ASSERT_EQ(line->values.size(), 2u);
  EXPECT_EQ(line->values[0].object, 110u);
  EXPECT_EQ(line->values[1].object, 140u);
  EXPECT_EQ(static_cast<int>(line->values[1].cause), 22);
  ASSERT_TRUE(line->master->interrogate(37));
  world.exchange(*line);
  EXPECT_EQ(line->notices.back(), "interrogation was refused: negative confirmation");
}

TEST(Iec104Station, ManyPointsGoInSequencesOfFullFrames) {
  std::string text = "name,kind,ioa\n";
  for (int i = 0; i < 5000; ++i) text += fmt::format("s{},single,{}\n", i, 1000 + i + (i >= 2500 ? 7 : 0));
  for (int i = 0; i < 300; ++i) text += fmt::format("m{},real,{}\n", i, 20000 + 2 * i);
  World world({.common_address = 3}, text);
  const auto line = world.connect();
  EXPECT_EQ(line->values.size(), 5300u);
  EXPECT_EQ(line->notices.back(), "interrogation finished");
  Raw raw(world);
  const auto got = raw.ask("64 01 06 00 03 00 00 00 00 14");
  // 127 single points fit a sequence: 20 frames for each of the two runs; 30 reals fit without one.
  EXPECT_EQ(got.size(), 1 + 20 + 20 + 10 + 1u);
}

TEST(Iec104Station, ChangesComeWithTheirTimeAndDeadBandsHold) {
  World world;
  const auto line = world.connect();
  line->values.clear();
  world.clock.advance(1234567us);
  const Instant at = world.clock.now();
  world.set("cb1", 2);
  world.set("u", 110.4);  // within 0.5 of 110
  world.set("u", 110.5);
  world.set("u", 110.9);  // within 0.5 of 110.5
  world.set("u", 110.9, {.invalid = true});
  world.set("door", 0);  // as it was
  world.exchange(*line);
  ASSERT_EQ(line->values.size(), 3u);
  EXPECT_EQ(line->values[0].object, 100u);
  EXPECT_EQ(line->values[0].type, TypeId::M_DP_TB_1);
  EXPECT_EQ(line->values[0].cause, Cause::kSpontaneous);
  EXPECT_EQ(line->values[0].time->millis(), at.millis());
  EXPECT_EQ(line->values[1].value, 110.5);
  EXPECT_FLOAT_EQ(static_cast<float>(line->values[2].value), 110.9F);
  EXPECT_TRUE(line->values[2].quality.invalid);
}

TEST(Iec104Station, CyclicValuesComeAtTheirInterval) {
  World world;
  const auto line = world.connect();
  line->values.clear();
  world.pass(35s, {line.get()});
  EXPECT_EQ(line->count(140), 3u);
  EXPECT_EQ(line->last(140).cause, Cause::kPeriodic);
  EXPECT_EQ(line->values.size(), 3u);
  EXPECT_FALSE(line->ended);
}

TEST(Iec104Station, SelectBeforeOperateGoesToItsEnd) {
  World world;
  const auto line = world.connect();
  line->values.clear();
  ASSERT_TRUE(
      line->master->command({.object = 1100, .type = TypeId::C_DC_NA_1, .element = {.value = 2}, .select = true}));
  world.exchange(*line);
  EXPECT_EQ(line->commands, (std::vector<std::string>{"1 selected", "1 confirmed"}));
  EXPECT_EQ(line->last(100).value, 0);  // in motion
  EXPECT_EQ(line->last(100).cause, Cause::kReturnRemote);
  world.pass(500ms, {line.get()});
  EXPECT_EQ(line->commands.back(), "1 done");
  EXPECT_EQ(line->last(100).value, 2);
  EXPECT_EQ(line->last(100).cause, Cause::kReturnRemote);
  EXPECT_EQ(world.points.read(0).value, 2);
  EXPECT_TRUE(line->master->idle());
  EXPECT_EQ(world.reports.back(), "C_DC_NA_1 1100 cb1 confirmed");
  // Where the process needs no time, the value still comes before the termination.
  line->values.clear();
  ASSERT_TRUE(line->master->command({.object = 1110, .type = TypeId::C_SC_NA_1, .element = {.value = 1}}));
  world.exchange(*line);
  EXPECT_EQ(line->commands.back(), "2 done");
  EXPECT_EQ(line->last(110).value, 1);
}

TEST(Iec104Station, EveryKindTakesItsCommand) {
  World world;
  const auto line = world.connect();
  const auto order = [&](std::uint32_t object, TypeId type, Element element, bool select = false) {
    ASSERT_TRUE(line->master->command({.object = object, .type = type, .element = element, .select = select}));
    world.exchange(*line);
    EXPECT_TRUE(line->commands.back().ends_with(" done")) << object << ": " << line->commands.back();
  };
  order(1120, TypeId::C_RC_NA_1, {.value = 2});
  EXPECT_EQ(line->last(120).value, 4);
  order(1120, TypeId::C_RC_NA_1, {.value = 1});
  order(1120, TypeId::C_RC_NA_1, {.value = 1});
  EXPECT_EQ(line->last(120).value, 2);
  order(1130, TypeId::C_BO_NA_1, {.value = -1});
  EXPECT_EQ(line->last(130).value, 4294967295.0);
  order(1150, TypeId::C_SE_NB_1, {.value = 77});
  EXPECT_EQ(line->last(150).value, 77);
  order(1160, TypeId::C_SE_NA_1, {.value = -16384});
  EXPECT_EQ(line->last(160).value, -0.5);
  order(1141, TypeId::C_SE_NC_1, Element::of_real(49.5F), true);
  EXPECT_EQ(line->last(141).value, 49.5);
  // With a time tag, too.
  ASSERT_TRUE(line->master->command(
      {.object = 1110, .type = TypeId::C_SC_TA_1, .element = {.value = 1}, .time = world.clock.now()}));
  world.exchange(*line);
  EXPECT_TRUE(line->commands.back().ends_with(" done"));
}

using Outcome = std::pair<std::string, std::string>;

TEST(Iec104Station, WhatMayNotBeIsRefusedWithAReason) {
  World world;
  const auto line = world.connect();
  const auto outcome = [&](CommandOrder order) {
    EXPECT_TRUE(line->master->command(order));
    world.exchange(*line);
    return Outcome(line->commands.back().substr(line->commands.back().find(' ') + 1), world.reports.back());
  };
  EXPECT_EQ(outcome({.object = 1100, .type = TypeId::C_DC_NA_1, .element = {.value = 2}}),
            Outcome("refused: the command was not confirmed", "C_DC_NA_1 1100 cb1 refused: not selected"));
  EXPECT_EQ(outcome({.object = 1100, .type = TypeId::C_DC_NA_1, .element = {.value = 3}, .select = true}),
            Outcome("refused: the selection was not confirmed", "C_DC_NA_1 1100 cb1 refused: not a permitted value"));
  EXPECT_EQ(outcome({.object = 1150, .type = TypeId::C_SE_NB_1, .element = {.value = 101}}),
            Outcome("refused: the command was not confirmed", "C_SE_NB_1 1150 p refused: out of range"));
  EXPECT_EQ(outcome({.object = 9, .type = TypeId::C_SC_NA_1, .element = {.value = 1}}),
            Outcome("refused: unknown information object address", "C_SC_NA_1 9  unknown information object address"));
  EXPECT_EQ(
      outcome({.object = 1100, .type = TypeId::C_SC_NA_1, .element = {.value = 1}}),
      Outcome("refused: unknown information object address", "C_SC_NA_1 1100  unknown information object address"));
  EXPECT_EQ(outcome({.object = 1141, .type = TypeId::C_SE_NC_1, .element = {.value = 0x7FC00000}, .select = true}),
            Outcome("refused: the selection was not confirmed", "C_SE_NC_1 1141 f refused: not a permitted value"));
  EXPECT_EQ(world.points.read(0).value, 1);
}

TEST(Iec104Station, SelectionsBelongToOneConnectionOneCommandAndATime) {
  World world({.common_address = 3, .each_connection = true});
  Raw one(world), two(world);
  const std::string select = "2E 01 06 00 03 00 4C 04 00 82", execute = "2E 01 06 00 03 00 4C 04 00 02",
                    off = "2E 01 06 00 03 00 4C 04 00 01";
  const auto positive = [](std::string_view bytes) { return std::vector<std::string>{std::string(bytes)}; };
  EXPECT_EQ(one.ask(select), positive("2E01070003004C040082"));
  EXPECT_EQ(two.ask(select), positive("2E01470003004C040082"));
  EXPECT_EQ(two.ask(execute), positive("2E01470003004C040002"));
  EXPECT_EQ(one.ask(off), positive("2E01470003004C040001"));      // another command than was selected; and it is gone
  EXPECT_EQ(one.ask(execute), positive("2E01470003004C040002"));  // not selected any more
  EXPECT_EQ(one.ask(select), positive("2E01070003004C040082"));
  world.clock.advance(30s);
  EXPECT_EQ(one.ask(execute), positive("2E01470003004C040002"));  // too late
  EXPECT_EQ(one.ask(select), positive("2E01070003004C040082"));
  EXPECT_EQ(one.ask("2E 01 08 00 03 00 4C 04 00 82"), positive("2E01090003004C040082"));  // cancelled
  EXPECT_EQ(one.ask("2E 01 08 00 03 00 4C 04 00 82"), positive("2E01490003004C040082"));  // nothing to cancel
  EXPECT_EQ(two.ask(select), positive("2E01070003004C040082"));
  two.session.reset();  // the selection goes with its connection
  EXPECT_EQ(one.ask(select), positive("2E01070003004C040082"));
  EXPECT_EQ(world.points.read(0).value, 1);
  EXPECT_EQ(one.ask(execute)[0], "2E01070003004C040002");
}

TEST(Iec104Station, AnswersToOddRequestsAreTheStandards) {
  World world;
  Raw raw(world);
  const struct {
    const char *about, *ask;
    std::vector<std::string> answer;
  } table[] = {
      {"unknown type",
       "C8 01 06 00 03 00 00 00 00 14",
       {"C8016C000300000000"
        "14"}},
      {"a type of the monitoring direction",
       "01 01 03 00 03 00 64 00 00 01",
       {"01016C000300640000"
        "01"}},
      {"files aren't done", "7A 01 0D 00 03 00 00 00 00 01 00 00 06", {"7A016C00030000000001000006"}},
      {"unknown cause", "64 01 03 00 03 00 00 00 00 14", {"64016D00030000000014"}},
      {"deactivation where there is none",
       "67 01 08 00 03 00 00 00 00 00 00 00 00 00 00 00",
       {"67016D00030000000000000000000000"}},
      {"unknown common address", "64 01 06 00 04 00 00 00 00 14", {"64016E00040000000014"}},
      {"commands aren't for all", "2D 01 06 00 FF FF 56 04 00 01", {"2D016E00FFFF56040001"}},
      {"unknown object, command", "2D 01 06 00 03 00 01 00 00 01", {"2D016F00030001000001"}},
      {"unknown object, read", "66 01 05 00 03 00 01 00 00", {"66016F000300010000"}},
      {"interrogation of an object", "64 01 06 00 03 00 01 00 00 14", {"64016F00030001000014"}},
      {"two objects in a command", "2D 02 06 00 03 00 56 04 00 01 57 04 00 01", {"2D02470003005604000157040001"}},
      {"read",
       "66 01 05 07 03 00 96 00 00",
       {"0B01050703009600003200"
        "00"}},
      {"read a counter", "66 01 05 00 03 00 C8 00 00", {"0F0105000300C80000E803000000"}},
      {"test command", "68 01 06 00 03 00 00 00 00 AA 55", {"680107000300000000AA55"}},
      {"test command, another pattern", "68 01 06 00 03 00 00 00 00 AA 54", {"680147000300000000AA54"}},
      {"a command that is a test", "2D 01 86 00 03 00 56 04 00 01", {"2D018700030056040001", "2D018A00030056040001"}},
      {"originator and broadcast",
       "64 01 06 09 FF FF 00 00 00 15",
       {"64010709030000000015", "0302150003006400000165000002", "64010A09030000000015"}},
      {"reset of the process", "69 01 06 00 03 00 00 00 00 01", {"69010700030000000001", "46010400030000000002"}},
      {"another reset", "69 01 06 00 03 00 00 00 00 05", {"69014700030000000005"}},
  };
  for (const auto& [about, ask, answer] : table) EXPECT_EQ(raw.ask(ask), answer) << about;
  EXPECT_EQ(world.points.read(2).value, 0) << "a test changes nothing";
}

TEST(Iec104Station, TheClockIsSetAndTheConfirmationHasTheTimeBefore) {
  World world;
  const auto line = world.connect({.common_address = 3, .set_clock = true});
  EXPECT_EQ(world.station.now(), world.clock.now());
  Raw raw(world);
  const Instant before = world.station.now(), wanted = *Instant::parse("2030-06-01T12:30:15.500Z");
  const auto bytes = to_bytes({.type = TypeId::C_CS_NA_1,
                               .cause = Cause::kActivation,
                               .common_address = 3,
                               .objects = {{.time = wire_time(wanted)}}});
  std::string hex;
  for (const char c : *bytes) hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
  const auto got = raw.ask(hex);
  ASSERT_EQ(got.size(), 1u);
  const auto answer = read_asdu(bytes_of_hex(got[0]));
  EXPECT_EQ(answer->cause, Cause::kActivationCon);
  EXPECT_EQ(instant_of(*answer->objects[0].time)->millis(), before.millis());
  EXPECT_EQ(world.station.now(), wanted);
  // Changes then carry the station's time.
  world.clock.advance(1s);
  world.set("door", 1);
  raw.exchange();
  EXPECT_EQ(instant_of(*read_asdu(bytes_of_hex(raw.got.back()))->objects[0].time), wanted + 1s);
  EXPECT_EQ(raw.ask("67 01 06 00 03 00 00 00 00 00 00 00 00 00 00 00"),
            std::vector<std::string>{"67014700030000000000000000000000"})
      << "no such day";
}

TEST(Iec104Station, CountersAreFrozenAndReset) {
  World world;
  const auto line = world.connect({.common_address = 3, .interrogate = false});
  const auto ask = [&](std::uint8_t qualifier) {
    line->values.clear();
    EXPECT_TRUE(line->master->ask_counters(qualifier));
    world.exchange(*line);
    std::vector<double> out;
    for (const auto& v : line->values) out.push_back(v.value);
    return out;
  };
  EXPECT_EQ(ask(5), (std::vector<double>{1000, 2000}));
  EXPECT_EQ(line->values[0].cause, Cause::kCounterRequested);
  EXPECT_EQ(ask(2), (std::vector<double>{2000}));
  EXPECT_EQ(static_cast<int>(line->values[0].cause), 39);
  world.set("e1", 1010);
  EXPECT_EQ(ask(0x80 | 5), std::vector<double>{});  // freeze with reset
  world.set("e1", 1015);
  EXPECT_EQ(ask(5), (std::vector<double>{1010, 2000}));
  EXPECT_EQ(ask(0x40 | 5), std::vector<double>{});  // freeze
  EXPECT_EQ(ask(5), (std::vector<double>{5, 0}));
  EXPECT_EQ(ask(6), std::vector<double>{});
  EXPECT_EQ(line->notices.back(), "counter interrogation was refused: negative confirmation");
}

TEST(Iec104Station, WhatWasNotAcknowledgedIsSentAgainOnTheNextConnection) {
  World world;
  auto first = world.connect();
  world.set("door", 1);
  world.exchange(*first);
  EXPECT_EQ(first->last(110).value, 1);
  // Sent, and never acknowledged: the line breaks.
  world.set("cb2", 1);
  EXPECT_FALSE(first->at_station->take_output().empty());
  first.reset();
  world.set("cb2", 2);
  auto second = world.connect({.common_address = 3, .interrogate = false});
  std::vector<double> states;
  for (const auto& v : second->values)
    if (v.object == 101) states.push_back(v.value);
  EXPECT_EQ(states, (std::vector<double>{1, 2}));
}

TEST(Iec104Station, AFullBufferDropsTheOldestAndCountsThem) {
  World world({.common_address = 3, .max_events = 10});
  for (int i = 0; i < 25; ++i) world.set("door", i % 2 == 0 ? 1 : 0), world.set("u", 200 + i);
  EXPECT_EQ(world.station.lost_events(), 40u);
  const auto line = world.connect({.common_address = 3, .interrogate = false});
  EXPECT_EQ(line->values.size(), 10u);
  EXPECT_EQ(line->last(140).value, 224);
}

TEST(Iec104Station, AFloodWithoutAcknowledgementStopsAtKAndThenEnds) {
  World world({.common_address = 3, .max_events = 100});
  auto session = world.station.accept("deaf");
  ASSERT_TRUE(session->receive(unnumbered_frame(Function::kStartAct)));
  std::string out = session->take_output();
  for (int i = 0; i < 5000; ++i) {
    world.set("door", i % 2 == 0 ? 1 : 0);
    out += session->take_output();
  }
  std::size_t frames = 0;
  for (std::size_t begin = 0; begin < out.size();) {
    const auto frame = take_frame(out, begin);
    ASSERT_TRUE(frame && *frame);
    frames += (*frame)->kind == FrameKind::kInformation;
  }
  EXPECT_EQ(frames, 12u);
  EXPECT_GT(world.station.lost_events(), 4800u);
  world.clock.advance(15s);
  const auto woken = session->wake();
  ASSERT_FALSE(woken);
  EXPECT_EQ(woken.error().code, ErrorCode::kTimeout);
}

TEST(Iec104Station, OneOfAGroupIsStartedAndTheLatestWins) {
  World world;
  const auto one = world.connect(), two = world.connect();
  one->values.clear();
  two->values.clear();
  world.set("door", 1);
  world.exchange(*one);
  world.exchange(*two);
  EXPECT_EQ(one->values.size(), 0u);
  EXPECT_EQ(two->values.size(), 1u);
  ASSERT_TRUE(one->master->command({.object = 1110, .type = TypeId::C_SC_NA_1, .element = {.value = 0}}));
  world.exchange(*one);
  ASSERT_TRUE(one->ended);
  EXPECT_NE(one->ended->message.find("isn't started"), std::string::npos);
}

TEST(Iec104Station, EachConnectionMayHaveItsOwnReports) {
  World world({.common_address = 3, .each_connection = true});
  const auto one = world.connect(), two = world.connect();
  world.set("door", 1);
  world.exchange(*one);
  world.exchange(*two);
  EXPECT_EQ(one->last(110).value, 1);
  EXPECT_EQ(two->last(110).value, 1);
  ASSERT_TRUE(one->master->command({.object = 1110, .type = TypeId::C_SC_NA_1, .element = {.value = 0}}));
  world.exchange(*one);
  world.exchange(*two);
  EXPECT_EQ(two->last(110).cause, Cause::kReturnRemote);
  EXPECT_EQ(two->last(110).value, 0);
}

TEST(Iec104Station, MoreRequestsThanAreAnsweredEndTheConnection) {
  World world;
  auto session = world.station.accept("flood");
  ASSERT_TRUE(session->receive(unnumbered_frame(Function::kStartAct)));
  const std::string test = bytes_of_hex("68 01 06 00 03 00 00 00 00 AA 55");
  std::uint16_t number = 0;
  Result<void> taken;
  while (taken && number < 5000) taken = session->receive(information_frame(number++, 0, test));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kTooLarge);
  EXPECT_LE(number, kMaxAnswers + 2);
}

TEST(Iec104Master, CommandsThatNobodyAnswersTimeOut) {
  FakeClock clock;
  std::vector<std::string> states;
  Master master({.common_address = 3, .interrogate = false}, clock,
                {.on_command = [&](std::uint64_t, const CommandState& s) { states.push_back(text_of(s)); }});
  ASSERT_TRUE(master.command({.object = 1, .type = TypeId::C_SC_NA_1}));
  EXPECT_EQ(master.take_output(), unnumbered_frame(Function::kStartAct));
  ASSERT_TRUE(master.receive(unnumbered_frame(Function::kStartCon)));
  EXPECT_FALSE(master.take_output().empty());
  ASSERT_TRUE(master.receive(supervisory_frame(1)));
  clock.advance(10s);
  ASSERT_TRUE(master.wake());
  EXPECT_EQ(states, std::vector<std::string>{"timeout: not confirmed in time"});
  EXPECT_FALSE(master.command({.object = 1, .type = TypeId::M_SP_NA_1}));
  EXPECT_FALSE(master.command({.object = 1, .type = TypeId::C_SC_NA_1, .element = {.value = 7}}));
}

TEST(Iec104Station, AConnectionStartedAgainInTheSameBytesHaltsTheOtherOne) {
  World w;
  // Frames by hand: STARTDT act, and what the station confirms.
  const std::string start("\x68\x04\x07\x00\x00\x00", 6), confirmed("\x68\x04\x0B\x00\x00\x00", 6);
  auto a = w.station.accept("a"), b = w.station.accept("b");
  const auto starts = [&](net::Session& session) {
    EXPECT_TRUE(session.receive(start));
    return session.take_output().substr(0, 6);
  };
  EXPECT_EQ(starts(*a), confirmed);
  EXPECT_EQ(starts(*b), confirmed);
  EXPECT_EQ(starts(*a), confirmed);
  // A change goes to the one that was started last, and to nobody else.
  w.points.set(2, {.value = 1, .time = w.clock.now()});
  EXPECT_FALSE(a->take_output().empty());
  EXPECT_TRUE(b->take_output().empty());
}

TEST(Iec104Station, ACounterBeyond32BitsGoesRoundWhetherItIsFrozenOrNot) {
  World w;
  auto line = w.connect();
  const std::size_t e1 = w.points.find("e1").value();
  const auto asked = [&](std::uint8_t qualifier) {
    EXPECT_TRUE(line->master->ask_counters(qualifier));
    w.exchange(*line);
    return line->last(200).value;
  };
  w.points.set(e1, {.value = -2147483648.0, .time = w.clock.now()});
  asked(5 | 3 << 6);  // reset: counts from here on
  w.points.set(e1, {.value = 2147483647.0, .time = w.clock.now()});
  EXPECT_EQ(asked(5), -1) << "4294967295 as 32 bits";
  asked(5 | 1 << 6);  // freeze
  EXPECT_EQ(asked(5), -1);
}

}  // namespace
}  // namespace bongsu::exercise::wire::iec104
