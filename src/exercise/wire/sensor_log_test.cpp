// The sensor's log of a session: who commanded what, as lines that detection reads.
#include "exercise/wire/sensor_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "exercise/wire/capture_test_support.h"
#include "exercise/wire/iec104/asdu.h"
#include "exercise/wire/iec104/frame.h"

namespace bongsu::exercise::wire {
namespace {

const Instant kNow = *Instant::parse("2026-11-26T06:00:00.5Z");

// The lines without what all of them have in common.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string& one : split(text, '\n')) {
    if (one.empty()) continue;
    auto json = parse_json(one);
    EXPECT_TRUE(json) << one;
    constexpr std::string_view common[] = {"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"};
    JsonObject rest;
    std::size_t found = 0;
    for (const auto& [key, value] : json->as_object()) {
      if (std::find(std::begin(common), std::end(common), std::string_view(key)) == std::end(common))
        rest[key] = value;
      else
        ++found;
    }
    EXPECT_EQ(found, std::size(common)) << one;
    out.push_back(to_text(rest));
  }
  return out;
}

TEST(SensorLogs, ACommandNamesItsObjectAndValue) {
  SensorLog log(Protocol::kIec104, {"198.51.100.1", 40001}, {"198.51.100.2", 2404}, kNow);
  EXPECT_EQ(log.take(Side::kClient, iec104::unnumbered_frame(iec104::Function::kStartAct), kNow), "");
  const std::string select = iec104::information_frame(3, 5, bytes_of_hex("2E 01 06 07 03 00 4C 04 00 82"));
  EXPECT_EQ(log.take(Side::kClient, select.substr(0, 9), kNow), "");
  const std::string text = log.take(Side::kClient, select.substr(9), kNow);
  EXPECT_NE(text.find(R"("ts":"2026-11-26T06:00:00.500000Z")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("id.orig_h":"198.51.100.1","id.orig_p":40001,"id.resp_h":"198.51.100.2","id.resp_p":2404)"),
            std::string::npos)
      << text;
  EXPECT_EQ(
      lines_of(text),
      std::vector<std::string>{
          R"({"_path":"iec104","apdu_len":14,"apci_type":0,"apci_tx":3,"apci_rx":5,"info_obj_type":46,"seq":0,"num_ix":1,"cause_tx":6,)"
          R"("negative":0,"test":0,"originator_address":7,"common_address":3,"type":"C_DC_NA_1","cause":"activation","ioa":[1100],"value":[2],"select":true})"});
  const auto measured =
      iec104::to_bytes({.type = iec104::TypeId::M_ME_NC_1,
                        .cause = iec104::Cause::kInterrogated,
                        .common_address = 3,
                        .sequence = true,
                        .objects = {{.address = 7, .element = iec104::Element::of_real(1.5F)},
                                    {.address = 8, .element = iec104::Element::of_real(-2, iec104::kInvalidQuality)}}});
  const auto lines = lines_of(log.take(Side::kServer, iec104::information_frame(0, 0, *measured), kNow));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find(R"("ioa":[7,8],"value":[1.5E0,-2E0],"quality":["","IV"])"), std::string::npos) << lines[0];
}

TEST(SensorLogs, AValueThatIsNoNumberIsNullAndWeird) {
  SensorLog log(Protocol::kIec104, {"198.51.100.1", 40001}, {"198.51.100.2", 2404}, kNow);
  for (const auto& [octets, text] : {std::pair{"FF FF FF FF", "-nan"}, std::pair{"00 00 80 7F", "inf"}}) {
    // C_SE_NC_1, a set point, and M_ME_NC_1, a measured value.
    for (const std::string type : {"32 01 06 00 03 00 4C 04 00", "0D 01 03 00 03 00 4C 04 00"}) {
      SCOPED_TRACE(type + " " + octets);
      const auto lines =
          lines_of(log.take(Side::kClient, iec104::information_frame(0, 0, bytes_of_hex(type + octets + " 00")), kNow));
      ASSERT_EQ(lines.size(), 2u);
      EXPECT_NE(lines[0].find(R"("ioa":[1100],"value":[null])"), std::string::npos) << lines[0];
      EXPECT_EQ(lines[1], fmt::format(R"({{"_path":"weird","name":"iec104_value_not_finite",)"
                                      R"("addl":"object 1100 has the value {}"}})",
                                      text));
    }
  }
}

TEST(SensorLogs, AWriteAndItsRefusal) {
  SensorLog log(Protocol::kModbus, {"198.51.100.1", 40001}, {"198.51.100.2", 502}, kNow);
  EXPECT_EQ(
      lines_of(log.take(Side::kClient, modbus::to_bytes(9, 1, bytes_of_hex("10 00 01 00 02 04 42 C9 00 00")), kNow)),
      std::vector<std::string>{
          R"({"_path":"modbus","tid":9,"unit":1,"func":"WRITE_MULTIPLE_REGISTERS","pdu_type":"REQ","address":1,"quantity":2,"values":[17097,0]})"});
  EXPECT_EQ(
      lines_of(log.take(Side::kServer, modbus::to_bytes(9, 1, bytes_of_hex("90 03")), kNow)),
      std::vector<std::string>{
          R"({"_path":"modbus","tid":9,"unit":1,"func":"WRITE_MULTIPLE_REGISTERS_EXCEPTION","pdu_type":"RESP","exception":"ILLEGAL_DATA_VALUE","address":1})"});
  EXPECT_EQ(lines_of(log.take(Side::kClient, modbus::to_bytes(10, 1, bytes_of_hex("01 00 00 00 03")), kNow)).size(),
            1u);
  EXPECT_EQ(
      lines_of(log.take(Side::kServer, modbus::to_bytes(10, 1, bytes_of_hex("01 01 05")), kNow)),
      std::vector<std::string>{
          R"({"_path":"modbus","tid":10,"unit":1,"func":"READ_COILS","pdu_type":"RESP","address":0,"values":[1,0,1]})"});
}

TEST(SensorLogs, WhatCannotBeReadIsWeird) {
  SensorLog log(Protocol::kIec104, {"198.51.100.1", 40001}, {"198.51.100.2", 2404}, kNow);
  const auto bad =
      lines_of(log.take(Side::kClient, iec104::information_frame(0, 0, bytes_of_hex("2E 01 06 00 03 00 4C")), kNow));
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_NE(bad[1].find("iec104_bad_asdu"), std::string::npos);
  EXPECT_EQ(
      lines_of(log.take(Side::kClient,
                        iec104::information_frame(1, 0, bytes_of_hex("7A 01 0D 00 03 00 00 00 00 01 00 00 06")), kNow))
          .size(),
      1u);
  const auto broken = lines_of(log.take(Side::kClient, "GET / HTTP/1.1\r\n", kNow));
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_NE(broken[0].find("iec104_no_frame"), std::string::npos);
  EXPECT_EQ(log.take(Side::kClient, iec104::supervisory_frame(0), kNow), "");
  EXPECT_EQ(log.take(Side::kServer, iec104::supervisory_frame(0), kNow), "") << "the other direction goes on";
}

}  // namespace
}  // namespace bongsu::exercise::wire
