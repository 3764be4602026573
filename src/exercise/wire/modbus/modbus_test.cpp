// Modbus: requests and answers as the specification's own examples have them, hostile messages, a client that reads and
// writes a server, and what tshark makes of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <random>

#include "exercise/wire/capture_test_support.h"
#include "exercise/wire/local_process.h"
#include "exercise/wire/modbus/client.h"
#include "exercise/wire/modbus/server.h"
#include "exercise/wire/record.h"

namespace bongsu::exercise::wire::modbus {
namespace {

using namespace std::chrono_literals;

std::string hex_of(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{}{:02X}", out.empty() ? "" : " ", static_cast<unsigned char>(c));
  return out;
}

PointList list_of(const std::string& text) {
  auto list = read_point_list(text, "test");
  EXPECT_TRUE(list) << list.error().text();
  return *list;
}

struct World {
  FakeClock clock;
  PointList list;
  Points points;
  LocalProcess process;
  Server server;
  std::vector<ServerReport> reports;
  explicit World(const std::string& text)
      : list(list_of(text)),
        points(points_of(list), clock.now()),
        process(list, points, clock),
        server(list, points, process, {}, clock) {
    server.on_report([this](const ServerReport& r) { reports.push_back(r); });
  }
  // One PDU to another, in hex.
  std::string ask(std::string_view hex, std::uint8_t unit = 1) {
    auto session = server.accept("test");
    EXPECT_TRUE(session->receive(to_bytes(0x1234, unit, bytes_of_hex(hex))));
    const std::string out = session->take_output();
    std::size_t begin = 0;
    const auto adu = take_adu(out, begin);
    EXPECT_TRUE(adu && *adu && begin == out.size());
    EXPECT_EQ((*adu)->transaction, 0x1234);
    EXPECT_EQ((*adu)->unit, unit);
    return hex_of((*adu)->pdu);
  }
};

const char* const kList =
    "name,kind,value,modbus,format,scale,min,max,operate_ms\n"
    "c0,single,1,coil:0,,,,,\n"
    "c1,single,0,coil:1,,,,,\n"
    "cb,double,1,coil:2,,,,,500\n"
    "d,single,1,discrete:10,,,,,\n"
    "u,real,110.5,input:100,i16,10,,,\n"
    "f,real,50.25,input:101,f32,,,,\n"
    "n,scaled,-7,holding:0,,,,,\n"
    "set,real,12.5,holding:1,f32,,0,100,\n"
    "w,real,1,holding:3,f32_swapped,,,,\n"
    "k,counter,-2,holding:5,,,,,\n"
    "free,bits,18,holding:7,u16,,,,\n";

TEST(ModbusServer, AnswersByteForByte) {
  World world(kList);
  const std::pair<const char*, const char*> table[] = {
      {"01 00 00 00 03", "01 01 01"},
      {"02 00 0A 00 01", "02 01 01"},
      {"04 00 64 00 03", "04 06 04 51 42 49 00 00"},
      {"03 00 00 00 01", "03 02 FF F9"},
      {"03 00 01 00 06", "03 0C 41 48 00 00 00 00 3F 80 FF FF FF FE"},
      {"05 00 01 FF 00", "05 00 01 FF 00"},
      {"05 00 00 00 00", "05 00 00 00 00"},
      {"01 00 00 00 02", "01 01 02"},
      {"06 00 00 00 2A", "06 00 00 00 2A"},
      {"0F 00 00 00 02 01 01", "0F 00 00 00 02"},
      {"01 00 00 00 02", "01 01 01"},
      {"10 00 01 00 02 04 42 C6 00 00", "10 00 01 00 02"},
      {"03 00 01 00 02", "03 04 42 C6 00 00"},
      // APS §6.16's example: 0x12, and mask F2, or mask 25 become 0x17.
      {"16 00 07 00 F2 00 25", "16 00 07 00 F2 00 25"},
      {"03 00 07 00 01", "03 02 00 17"},
      {"17 00 07 00 01 00 00 00 01 02 00 63", "17 02 00 17"},
      {"17 00 00 00 01 00 00 00 01 02 00 64", "17 02 00 64"},
      // Half of a value that has two registers: the other half stays.
      {"06 00 02 00 01", "06 00 02 00 01"},
      {"03 00 01 00 02", "03 04 42 C6 00 01"},
      {"2B 0E 01 00", "2B 0E 01 82 00 00 03 00 06 42 6F 6E 67 73 75 01 07 50 4C 43 2D 53 49 4D 02 01 31"},
      {"2B 0E 04 01", "2B 0E 04 82 00 00 01 01 07 50 4C 43 2D 53 49 4D"},
      {"2B 0E 01 77", "2B 0E 01 82 00 00 03 00 06 42 6F 6E 67 73 75 01 07 50 4C 43 2D 53 49 4D 02 01 31"},
      // Exceptions: function, address, value, device.
      {"07", "87 01"},
      {"14 00", "94 01"},
      {"81 00 00 00 01", "81 01"},
      {"2B 0D 00", "AB 01"},
      {"2B 0E 05 00", "AB 03"},
      {"2B 0E 04 09", "AB 02"},
      {"01 00 00 00 04", "81 02"},
      {"03 FF FF 00 02", "83 02"},
      {"05 00 0A FF 00", "85 02"},
      {"06 00 64 00 00", "86 02"},
      {"01 00 00 00 00", "81 03"},
      {"01 00 00 07 D1", "81 03"},
      {"03 00 00 00 7E", "83 03"},
      {"03 00 00 00", "83 03"},
      {"03 00 00 00 01 00", "83 03"},
      {"05 00 00 00 01", "85 03"},
      {"0F 00 00 00 02 02 01 00", "8F 03"},
      {"10 00 00 00 02 04 00 00", "90 03"},
      {"10 00 00 00 7C F8", "90 03"},
      {"10 00 01 00 02 04 42 C9 00 00", "90 03"},  // 100.5, and 100 is the most
      {"10 00 01 00 02 04 7F C0 00 00", "90 03"},  // not a number
      {"17 00 64 00 01 00 00 00 01 02 00 01", "97 02"},
  };
  for (const auto& [ask, answer] : table) EXPECT_EQ(world.ask(ask), answer) << ask;
  EXPECT_EQ(world.ask("01 00 00 00 01", 9), "81 0B");
  EXPECT_EQ(world.ask("01 00 00 00 01", 0), "01 01 01");
  EXPECT_EQ(world.ask("01 00 00 00 01", 255), "01 01 01");
  EXPECT_EQ(world.points.read(6).value, 100) << "the last write of n";
  EXPECT_EQ(world.reports.front().function, 1);
}

TEST(ModbusServer, AWriteThatTheProcessCantTakeNowIsBusy) {
  World world(kList);
  EXPECT_EQ(world.ask("05 00 02 FF 00"), "05 00 02 FF 00");
  EXPECT_EQ(world.points.read(2).value, 0) << "in motion";
  EXPECT_EQ(world.ask("05 00 02 00 00"), "85 06");
  // All of a write or nothing.
  EXPECT_EQ(world.ask("0F 00 00 00 03 01 06"), "8F 06");
  EXPECT_EQ(world.points.read(1).value, 0);
  world.clock.advance(500ms);
  world.process.wake();
  EXPECT_EQ(world.points.read(2).value, 2);
  EXPECT_EQ(world.ask("01 00 02 00 01"), "01 01 01");
  EXPECT_EQ(world.reports[1].exception, Exception::kDeviceBusy);
  EXPECT_EQ(world.reports[0].written, (std::vector<std::pair<std::string, double>>{{"cb", 2}}));
}

TEST(ModbusServer, MessagesComeInPiecesAndTogether) {
  World world(kList);
  auto session = world.server.accept("test");
  const std::string two =
      to_bytes(1, 1, bytes_of_hex("01 00 00 00 01")) + to_bytes(2, 1, bytes_of_hex("03 00 00 00 01"));
  std::string out;
  for (const char c : two) {
    ASSERT_TRUE(session->receive({&c, 1}));
    out += session->take_output();
  }
  EXPECT_EQ(hex_of(out), "00 01 00 00 00 04 01 01 01 01 00 02 00 00 00 05 01 03 02 FF F9");
  ASSERT_TRUE(session->receive(two));
  EXPECT_EQ(session->take_output(), out);
  for (const char* bad : {"00 01 00 01 00 02 01 01", "00 01 00 00 00 01 01", "00 01 00 00 00 FF 01"})
    EXPECT_FALSE(world.server.accept("test")->receive(bytes_of_hex(bad))) << bad;
}

TEST(ModbusCodec, QuantitiesEndWhereTheSpecificationSays) {
  for (const auto& [function, most] : {std::pair{Function::kReadCoils, 2000},
                                       {Function::kReadDiscreteInputs, 2000},
                                       {Function::kReadHoldingRegisters, 125},
                                       {Function::kReadInputRegisters, 125}}) {
    for (const int count : {0, 1, most, most + 1, 65535}) {
      std::string pdu{static_cast<char>(function), 0, 0, static_cast<char>(count >> 8), static_cast<char>(count)};
      EXPECT_EQ(read_request(pdu).has_value(), count >= 1 && count <= most)
          << static_cast<int>(function) << " " << count;
    }
  }
  EXPECT_EQ(to_pdu(Request{.function = Function::kWriteRegisters, .values = std::vector<std::uint16_t>(123)}).size(),
            252u);
  EXPECT_EQ(to_pdu(Request{.function = Function::kWriteCoils, .values = std::vector<std::uint16_t>(1968)}).size(),
            252u);
  EXPECT_EQ(
      to_pdu(
          Request{.function = Function::kReadWriteRegisters, .count = 125, .values = std::vector<std::uint16_t>(121)})
          .size(),
      252u);
  EXPECT_EQ(
      to_pdu(Response{.function = Function::kReadHoldingRegisters, .values = std::vector<std::uint16_t>(125)}).size(),
      252u);
}

TEST(ModbusCodec, AnAnswerMustBeOneToTheRequest) {
  const Request coils{.function = Function::kReadCoils, .address = 0, .count = 9};
  const Request write{.function = Function::kWriteRegister, .address = 4, .values = {7}};
  const std::tuple<Request, const char*, const char*> table[] = {
      {coils, "01 02 FF 01", ""},
      {coils, "01 01 FF", "has 4 octets here"},
      {coils, "01 01 FF 01", "1 octets are announced, 2 were asked for"},
      {coils, "02 02 FF 01", "an answer to read discrete inputs"},
      {coils, "81 02", ""},
      {coils, "81", "has 2 octets"},
      {coils, "", "without a function"},
      {write, "06 00 04 00 07", ""},
      {write, "06 00 05 00 07", "repeats 5, and 4 was sent"},
      {write, "06 00 04 00 08", "repeats 8, and 7 was sent"},
      {{.function = Function::kEncapsulated}, "2B 0E 01 82 00 00 01 00 05 41", "goes beyond the answer"},
      {{.function = Function::kEncapsulated}, "2B 0E 01 82 00 00 01 00 01 41 42", "behind the last object"},
  };
  for (const auto& [request, hex, expected] : table) {
    const auto response = read_response(bytes_of_hex(hex), request);
    if (*expected == '\0')
      EXPECT_TRUE(response) << hex;
    else if (response)
      ADD_FAILURE() << hex << " was taken";
    else
      EXPECT_NE(response.error().message.find(expected), std::string::npos) << response.error().message;
  }
}

TEST(ModbusRegisters, EveryFormatGoesThereAndBack) {
  std::mt19937 random(502);
  for (const auto format :
       {RegisterFormat::kU16, RegisterFormat::kI16, RegisterFormat::kU32, RegisterFormat::kI32, RegisterFormat::kF32})
    for (const bool swapped : {false, true})
      for (const double scale : {1.0, 0.5, -4.0}) {
        const ModbusPlace place{.format = format, .swapped = swapped, .scale = scale};
        for (int i = 0; i < 100; ++i) {
          std::vector<std::uint16_t> registers(place.registers());
          for (auto& r : registers) r = static_cast<std::uint16_t>(random());
          if (format == RegisterFormat::kF32) registers[swapped ? 1 : 0] &= 0x7EFF;  // neither infinite nor none
          EXPECT_EQ(to_registers(place, from_registers(place, registers)), registers);
        }
      }
  EXPECT_EQ(to_registers({.format = RegisterFormat::kU16}, -3), std::vector<std::uint16_t>{0});
  EXPECT_EQ(to_registers({.format = RegisterFormat::kI16}, 1e9), std::vector<std::uint16_t>{0x7FFF});
}

struct Conversation {
  World& world;
  std::unique_ptr<net::Session> at_server;
  std::map<std::size_t, double> values;
  std::vector<std::string> said;
  Client client;
  std::string file = pcap_header();
  RecordedFlow flow{{"198.51.100.1", 40001}, {"198.51.100.2", 502}};

  explicit Conversation(World& w)
      : world(w),
        at_server(w.server.accept("hmi")),
        client(w.list, {.poll = 1s}, w.clock,
               {.on_value = [this](std::size_t point, double value) { values[point] = value; },
                .on_round = {},
                .on_written =
                    [this](std::uint64_t id, std::optional<Exception> e) {
                      said.push_back(fmt::format("{} {}", id, e ? exception_text(*e) : "written"));
                    },
                .on_notice = [this](const std::string& what) { said.push_back(what); }}) {
    file += flow.open(w.clock.now());
  }
  void exchange() {
    ASSERT_TRUE(client.wake());
    while (true) {
      const std::string up = client.take_output();
      if (up.empty()) return;
      file += flow.data(Side::kClient, up, world.clock.now());
      ASSERT_TRUE(at_server->receive(up));
      const std::string down = at_server->take_output();
      file += flow.data(Side::kServer, down, world.clock.now());
      ASSERT_TRUE(client.receive(down));
    }
  }
};

TEST(ModbusClient, ReadsAllPointsAndWritesWhatItIsTold) {
  World world(kList);
  Conversation talk(world);
  EXPECT_EQ(plan_reads(world.list).size(), 4u);
  talk.exchange();
  ASSERT_EQ(talk.values.size(), world.list.size());
  for (const auto& [point, value] : talk.values)
    EXPECT_EQ(value, world.points.read(point).value) << world.list[point].point.name;
  EXPECT_EQ(talk.client.rounds(), 1u);
  ASSERT_TRUE(talk.client.write(*world.points.find("set"), 99.5));
  ASSERT_TRUE(talk.client.write(*world.points.find("cb"), 2));
  ASSERT_TRUE(talk.client.write(*world.points.find("set"), 100.5));
  talk.exchange();
  EXPECT_EQ(talk.said, (std::vector<std::string>{"1 written", "2 written", "3 illegal data value"}));
  world.clock.advance(1s);
  world.process.wake();
  talk.exchange();
  EXPECT_EQ(talk.values[*world.points.find("set")], 99.5);
  EXPECT_EQ(talk.values[*world.points.find("cb")], 2);
  EXPECT_EQ(talk.client.rounds(), 2u);
  EXPECT_FALSE(talk.client.write(*world.points.find("d"), 1));
  EXPECT_FALSE(talk.client.write(*world.points.find("c0"), 2));
}

TEST(ModbusClient, PlansNoLongerRequestsThanThereMayBe) {
  std::string text = "name,kind,modbus,format\n";
  for (int i = 0; i < 200; ++i) text += fmt::format("f{},real,holding:{},f32\n", i, 2 * i);
  for (int i = 0; i < 2500; ++i) text += fmt::format("c{},single,coil:{},\n", i, i);
  World world(text);
  const auto plan = plan_reads(world.list);
  ASSERT_EQ(plan.size(), 2u + 4u);
  for (const PlannedRead& read : plan) EXPECT_TRUE(read_request(to_pdu(read.request)));
  EXPECT_EQ(plan[2].request.count, 124) << "no value is split";
  Conversation talk(world);
  talk.exchange();
  EXPECT_EQ(talk.values.size(), 2700u);
}

TEST(ModbusClient, GivesUpOnSilenceAndOnForeignAnswers) {
  World world(kList);
  Client client(world.list, {}, world.clock, {});
  ASSERT_TRUE(client.wake());
  EXPECT_FALSE(client.take_output().empty());
  EXPECT_FALSE(client.receive(to_bytes(77, 1, bytes_of_hex("81 02"))));
  Client other(world.list, {}, world.clock, {});
  ASSERT_TRUE(other.wake());
  EXPECT_FALSE(other.take_output().empty());
  world.clock.advance(3s);
  const auto woken = other.wake();
  ASSERT_FALSE(woken);
  EXPECT_EQ(woken.error().code, ErrorCode::kTimeout);
}

TEST(ModbusRecorded, TsharkReadsWhatWasSaid) {
  if (!have_tshark()) GTEST_SKIP() << "skipped: needs tshark";
  World world(kList);
  Conversation talk(world);
  talk.exchange();
  ASSERT_TRUE(talk.client.write(*world.points.find("n"), -300));
  ASSERT_TRUE(talk.client.write(*world.points.find("cb"), 2));
  ASSERT_TRUE(talk.client.write(*world.points.find("set"), 1000));
  talk.exchange();
  // What the client doesn't use.
  for (const char* hex : {"16 00 07 00 F2 00 25", "17 00 07 00 01 00 00 00 01 02 00 63", "2B 0E 01 00",
                          "0F 00 00 00 02 01 01", "2B 0E 04 09"}) {
    const std::string up = to_bytes(900, 1, bytes_of_hex(hex));
    talk.file += talk.flow.data(Side::kClient, up, world.clock.now());
    ASSERT_TRUE(talk.at_server->receive(up));
    talk.file += talk.flow.data(Side::kServer, talk.at_server->take_output(), world.clock.now());
  }
  talk.file += talk.flow.close(world.clock.now());
  const auto path = scratch_file("modbus.pcap");
  std::ofstream(path, std::ios::binary) << talk.file;
  EXPECT_TRUE(
      tshark(path, "_ws.malformed or _ws.expert.severity == error or tcp.analysis.flags", {"frame.number"}).empty());
  const auto rows =
      tshark(path, "modbus",
             {"mbtcp.trans_id", "modbus.func_code", "modbus.reference_num", "modbus.exception_code",
              "modbus.regval_uint16", "modbus.bitval", "modbus.and_mask", "modbus.object_str_value", "modbus.data"});
  ASSERT_EQ(rows.size(), 24u);
  const auto has = [&](std::vector<std::string> wanted) {
    for (const auto& row : rows) {
      bool same = true;
      for (std::size_t i = 0; i < wanted.size(); ++i) same = same && (wanted[i] == "*" || row[i] == wanted[i]);
      if (same) return true;
    }
    return false;
  };
  EXPECT_TRUE(has({"4", "3", "*", "", "65529,16712,0,0,16256,65535,65534,18"}));  // all holding registers
  EXPECT_TRUE(has({"5", "6", "0", "", "*", "*", "*", "*", "fed4"}));              // -300
  EXPECT_TRUE(has({"7", "16", "*", "3"}));                                        // out of range
  EXPECT_TRUE(has({"900", "22", "7", "", "*", "*", "0x00f2"}));
  EXPECT_TRUE(has({"900", "43", "*", "", "*", "*", "*", "Bongsu,PLC-SIM,1"}));
  EXPECT_TRUE(has({"900", "43", "*", "2"}));
  std::filesystem::remove(path);
}

// What others sent reads as tshark says: function, address and exception of every message.
TEST(ModbusRecorded, RecordedSessionsReadAsTsharkSays) {
  std::size_t messages = 0;
  for (const char* name : {"modbus_test.pcap", "ModbusTCP.pcap"}) {
    const auto path = shared_capture(name);
    if (!path) GTEST_SKIP() << "skipped: needs shared data";
    if (!have_tshark()) GTEST_SKIP() << "skipped: needs tshark";
    // Segments that hold whole messages only; what was cut is TCP's matter, not ours.
    std::map<std::string, std::string> theirs, ours;
    for (const auto& row :
         tshark(*path, "modbus and tcp.len > 0 and !tcp.reassembled_in and !tcp.segments and !_ws.malformed",
                {"frame.number", "mbtcp.trans_id", "mbtcp.unit_id", "modbus.func_code"}))
      theirs[row[0]] = row[1] + " " + row[2] + " " + row[3];
    for (const Segment& segment : read_capture(*path)) {
      if (segment.from_port != 502 && segment.to_port != 502) continue;
      std::string ids, units, functions;
      std::size_t begin = 0;
      while (begin < segment.payload.size()) {
        const auto adu = take_adu(segment.payload, begin);
        if (!adu || !*adu) break;
        const int function = static_cast<unsigned char>((*adu)->pdu[0]);
        const auto add = [](std::string& cell, int value) {
          cell += (cell.empty() ? "" : ",") + fmt::format("{}", value);
        };
        add(ids, (*adu)->transaction);
        add(units, (*adu)->unit);
        add(functions, function & 0x7F);
        ++messages;
        if (segment.to_port == 502) {
          const auto request = read_request((*adu)->pdu);
          if (request) EXPECT_EQ(to_pdu(*request), (*adu)->pdu);
        }
      }
      ours[fmt::format("{}", segment.frame)] = ids + " " + units + " " + functions;
    }
    for (const auto& [frame, said] : theirs) EXPECT_EQ(ours[frame], said) << name << " " << frame;
    EXPECT_GT(theirs.size(), 2000u);
  }
  EXPECT_GT(messages, 2000u);
}

}  // namespace
}  // namespace bongsu::exercise::wire::modbus
