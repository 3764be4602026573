// Bytes that nobody should send: recorded sessions and our own, changed at random under a seed, against everything that
// reads: a station, a master, a Modbus server and client. They end with an error or go on; they neither crash nor hang,
// and what they keep stays small.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "exercise/wire/capture_test_support.h"
#include "exercise/wire/iec104/master.h"
#include "exercise/wire/iec104/station.h"
#include "exercise/wire/local_process.h"
#include "exercise/wire/modbus/client.h"
#include "exercise/wire/modbus/server.h"

namespace bongsu::exercise::wire {
namespace {

using namespace std::chrono_literals;

constexpr const char* kList =
    "name,kind,value,ioa,command,select,cyclic_s,modbus,min,max\n"
    "cb,double,1,100,1100,yes,,coil:0,,\n"
    "door,single,0,110,10010,,,coil:1,,\n"
    "u,real,110,140,,,1,holding:0,,\n"
    "tap,step,0,120,1120,,,holding:2,-9,9\n"
    "p,scaled,50,150,1150,no,,holding:3,0,100\n"
    "e,counter,7,200,,,,input:0,,\n";

struct World {
  FakeClock clock;
  PointList list = *read_point_list(kList, "test");
  Points points{points_of(list), clock.now()};
  LocalProcess process{list, points, clock};
};

// What is in the recordings, and what ours say.
std::vector<std::string> seeds(std::uint16_t port) {
  std::vector<std::string> out;
  for (const char* name :
       {"TestDissectIec104.pcap", "lib60870_session.pcap", "IEC104_SQ.pcapng", "modbus_test.pcap", "dnp3.pcap"})
    if (const auto path = shared_capture(name))
      for (const Segment& segment : read_capture(*path))
        if (segment.from_port == port || segment.to_port == port) out.push_back(segment.payload);
  if (port == 2404) {
    for (const char* hex :
         {"64 01 06 00 01 00 00 00 00 14", "2E 01 06 00 01 00 4C 04 00 82", "2E 01 06 00 01 00 4C 04 00 02",
          "67 01 06 00 01 00 00 00 00 00 00 00 00 01 01 1A", "65 01 06 00 01 00 00 00 00 05",
          "66 01 05 00 01 00 8C 00 00", "31 01 06 00 01 00 7E 04 00 0A 00 00", "2F 01 06 00 01 00 60 04 00 02",
          "69 01 06 00 01 00 00 00 00 01"})
      out.push_back(iec104::information_frame(0, 0, bytes_of_hex(hex)));
  } else {
    for (const char* hex : {"01 00 00 00 02", "03 00 00 00 04", "04 00 00 00 02", "05 00 01 FF 00", "06 00 03 00 2A",
                            "0F 00 00 00 02 01 02", "10 00 00 00 02 04 42 C8 00 00", "16 00 03 00 F2 00 25",
                            "17 00 00 00 02 00 03 00 01 02 00 05", "2B 0E 01 00"})
      out.push_back(modbus::to_bytes(1, 1, bytes_of_hex(hex)));
  }
  return out;
}

std::string mutated(std::string bytes, std::mt19937& random) {
  const int changes = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < changes && !bytes.empty(); ++i) {
    const std::size_t at = random() % bytes.size();
    switch (random() % 5) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
        break;
      case 2:
        bytes.erase(at, 1 + random() % 4);
        break;
      case 3:
        bytes.insert(at, 1 + random() % 4, static_cast<char>(random()));
        break;
      default:
        bytes[at] = static_cast<char>(random() % 2 == 0 ? 0xFF : 0x00);
        break;
    }
  }
  return bytes;
}

int rounds() {
  const char* wanted = std::getenv("BONGSU_LONG");
  return wanted != nullptr && *wanted == '1' ? 2'000'000 : 40'000;
}

// I frames get the number that is expected half of the time, so that what is behind the numbers is reached.
std::string numbered(std::string bytes, std::uint16_t& next) {
  if (bytes.size() > 6 && bytes[0] == 0x68 && (bytes[2] & 1) == 0) {
    bytes[2] = static_cast<char>(next << 1);
    bytes[3] = static_cast<char>(next >> 7);
    bytes[4] = bytes[5] = 0;
    next = static_cast<std::uint16_t>((next + 1) % iec104::kSequenceModulus);
  }
  return bytes;
}

TEST(HostileBytes, AStationAndAMasterEndOrGoOn) {
  World world;
  iec104::Station station(world.list, world.points, world.process, {.common_address = 1, .max_events = 100},
                          world.clock);
  const auto seed = seeds(2404);
  std::mt19937 random(2404);
  std::size_t ended = 0, answered = 0;
  for (int round = 0; round < rounds(); ++round) {
    const bool with_master = round % 2 == 1;
    std::unique_ptr<net::Session> session;
    if (with_master)
      session = std::make_unique<iec104::Master>(iec104::MasterSettings{.common_address = 1}, world.clock,
                                                 iec104::MasterEvents{.on_value = [](const auto&) {}});
    else
      session = station.accept("hostile");
    ASSERT_TRUE(session->receive(
        iec104::unnumbered_frame(with_master ? iec104::Function::kStartCon : iec104::Function::kStartAct)));
    std::uint16_t next = 0;
    bool open = true;
    for (int i = 0; open && i < 12; ++i) {
      std::string bytes = seed[random() % seed.size()];
      if (random() % 4 != 0) bytes = mutated(bytes, random);
      if (random() % 2 != 0) bytes = numbered(bytes, next);
      open = session->receive(bytes).has_value();
      const std::string out = session->take_output();
      answered += !out.empty();
      ASSERT_LE(out.size(), 2u * 1024 * 1024);
      std::size_t begin = 0;
      while (begin < out.size()) {
        const auto frame = iec104::take_frame(out, begin);
        ASSERT_TRUE(frame && *frame) << "what we say is well-formed, whatever was said to us";
      }
      if (!open) ++ended;
      world.clock.advance(100ms);
      world.process.wake();
      if (open) open = session->wake().has_value();
    }
  }
  EXPECT_GT(ended, static_cast<std::size_t>(rounds()) / 10);
  EXPECT_GT(answered, static_cast<std::size_t>(rounds()) / 10);
}

TEST(HostileBytes, AModbusServerAndClientEndOrGoOn) {
  World world;
  modbus::Server server(world.list, world.points, world.process, {}, world.clock);
  const auto seed = seeds(502);
  std::mt19937 random(502);
  std::size_t ended = 0, answered = 0;
  for (int round = 0; round < rounds(); ++round) {
    const bool with_client = round % 2 == 1;
    std::unique_ptr<net::Session> session;
    if (with_client)
      session =
          std::make_unique<modbus::Client>(world.list, modbus::ClientSettings{}, world.clock, modbus::ClientEvents{});
    else
      session = server.accept("hostile");
    bool open = true;
    for (int i = 0; open && i < 12; ++i) {
      std::string bytes = seed[random() % seed.size()];
      if (with_client) {
        if (open = session->wake().has_value(); !open) {  // no answer came to what was asked before
          ++ended;
          break;
        }
        const std::string asked = session->take_output();
        // An answer that looks like one: the transaction, the function and the count are right.
        if (asked.size() >= 12 && random() % 4 != 0) {
          const std::size_t count = static_cast<unsigned char>(asked[11]);
          std::string pdu{asked[7], static_cast<char>(asked[7] <= 2 ? (count + 7) / 8 : 2 * count)};
          pdu.append(static_cast<unsigned char>(pdu[1]), '\x55');
          bytes = modbus::to_bytes(static_cast<std::uint16_t>(static_cast<unsigned char>(asked[0]) << 8 |
                                                              static_cast<unsigned char>(asked[1])),
                                   1, pdu);
        }
      }
      if (random() % 4 != 0) bytes = mutated(bytes, random);
      open = session->receive(bytes).has_value();
      if (!open) ++ended;
      if (with_client) {
        world.clock.advance(1s);
        continue;
      }
      const std::string out = session->take_output();
      answered += !out.empty();
      std::size_t begin = 0;
      while (begin < out.size()) {
        const auto adu = modbus::take_adu(out, begin);
        ASSERT_TRUE(adu && *adu) << "what we say is well-formed, whatever was said to us";
      }
    }
  }
  EXPECT_GT(ended, static_cast<std::size_t>(rounds()) / 10);
  EXPECT_GT(answered, static_cast<std::size_t>(rounds()) / 10);
  EXPECT_TRUE(holds(PointKind::kStep, world.points.read(3).value));
}

// Recorded by others and malformed on purpose, as it is: read to the first frame that can't be, and no further.
TEST(HostileBytes, TheMalformedRecordingIsReadToWhereItBreaks) {
  const auto path = shared_capture("TestDissectIec104.pcap");
  if (!path) GTEST_SKIP() << "skipped: needs shared data";
  std::size_t good = 0, bad = 0;
  for (const Segment& segment : read_capture(*path)) {
    if (segment.from_port != 2404 && segment.to_port != 2404) continue;
    for (std::size_t begin = 0; begin < segment.payload.size();) {
      const auto frame = iec104::take_frame(segment.payload, begin);
      if (!frame || !*frame) {
        ++bad;
        break;
      }
      if ((*frame)->kind == iec104::FrameKind::kInformation && !iec104::read_asdu((*frame)->asdu))
        ++bad;
      else
        ++good;
    }
  }
  EXPECT_GT(good, 40u);
  EXPECT_GT(bad, 3u);
}

}  // namespace
}  // namespace bongsu::exercise::wire
