// Frames and ASDUs: hostile bytes first, then every type there and back, then tshark's opinion.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "exercise/wire/capture_test_support.h"
#include "exercise/wire/iec104/asdu.h"
#include "exercise/wire/iec104/frame.h"
#include "exercise/wire/record.h"

namespace bongsu::exercise::wire::iec104 {
namespace {

// What the bytes are, in words: "I 1 2 asdu", "S 5", "U TESTFR act", "…" for not whole, "! message".
std::string words(std::string_view hex) {
  const std::string bytes = bytes_of_hex(hex);
  std::size_t begin = 0;
  const auto frame = take_frame(bytes, begin);
  if (!frame) return fmt::format("! {}", frame.error().message);
  if (!*frame) return "…";
  EXPECT_EQ(begin, bytes.size());
  switch ((*frame)->kind) {
    case FrameKind::kInformation:
      return fmt::format("I {} {} of {}", (*frame)->send, (*frame)->receive, (*frame)->asdu.size());
    case FrameKind::kSupervisory:
      return fmt::format("S {}", (*frame)->receive);
    case FrameKind::kUnnumbered:
      return fmt::format("U {}", to_string((*frame)->function));
  }
  return "";
}

TEST(Iec104Frames, BytesReadLikeTheStandard) {
  const std::pair<const char*, const char*> table[] = {
      {"69 04 01 00 00 00", "! a frame starts with 0x68, not 0x69"},
      {"68 03 01 00 00", "! the length of a frame is 4 to 253, not 3"},
      {"68 FE 00", "! the length of a frame is 4 to 253, not 254"},
      {"68 04 00 00 00 00", "! an I frame without an ASDU"},
      {"68 05 01 00 00 00 00", "! an S or U frame has the length 4, not 5"},
      {"68 04 05 00 00 00", "! reserved bits of an S frame are set"},
      {"68 04 03 00 00 00", "! 0x03 is not one function of a U frame"},
      {"68 04 4F 00 00 00", "! 0x4F is not one function of a U frame"},
      {"68 04 43 00 01 00", "! reserved octets of a U frame are not zero"},
      {"68 05 00 00 01 00 01", "! the lowest bit of an I frame's third octet is set"},
      {"", "…"},
      {"68", "…"},
      {"68 04", "…"},
      {"68 04 07 00 00", "…"},
      {"68 04 07 00 00 00", "U STARTDT act"},
      {"68 04 0B 00 00 00", "U STARTDT con"},
      {"68 04 13 00 00 00", "U STOPDT act"},
      {"68 04 23 00 00 00", "U STOPDT con"},
      {"68 04 43 00 00 00", "U TESTFR act"},
      {"68 04 83 00 00 00", "U TESTFR con"},
      {"68 04 01 00 0A 00", "S 5"},
      {"68 04 01 00 FE FF", "S 32767"},
      {"68 05 02 00 04 00 64", "I 1 2 of 1"},
      {"68 05 FE FF 00 01 64", "I 32767 128 of 1"},
  };
  for (const auto& [hex, expected] : table) EXPECT_EQ(words(hex), expected) << hex;
}

TEST(Iec104Frames, WhatIsWrittenIsRead) {
  for (const int number : {0, 1, 127, 128, 255, 256, 32766, 32767}) {
    const auto n = static_cast<std::uint16_t>(number);
    const std::uint16_t m = static_cast<std::uint16_t>(32767 - n);
    const std::string asdu(1 + n % kMaxAsduBytes, 'x');
    std::string bytes = information_frame(n, m, asdu) + supervisory_frame(n) + unnumbered_frame(Function::kTestAct);
    std::size_t begin = 0;
    const auto i = take_frame(bytes, begin), s = take_frame(bytes, begin), u = take_frame(bytes, begin);
    ASSERT_TRUE(i && *i && s && *s && u && *u);
    EXPECT_EQ((*i)->send, n);
    EXPECT_EQ((*i)->receive, m);
    EXPECT_EQ((*i)->asdu, asdu);
    EXPECT_EQ((*s)->receive, n);
    EXPECT_EQ((*u)->function, Function::kTestAct);
    EXPECT_EQ(begin, bytes.size());
  }
}

TEST(Iec104Times, InstantsGoThereAndBackToTheMillisecond) {
  for (const char* text : {"2000-01-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z", "2026-11-26T05:33:03.250Z",
                           "2099-12-31T12:00:00.001Z"}) {
    const Instant instant = *Instant::parse(text);
    const WireTime time = wire_time(instant);
    EXPECT_FALSE(time.invalid) << text;
    EXPECT_EQ(instant_of(time), instant) << text;
  }
  EXPECT_EQ(wire_time(*Instant::parse("2026-11-26T00:00:00Z")).weekday, 4);  // a Thursday
  EXPECT_TRUE(wire_time(*Instant::parse("1999-12-31T00:00:00Z")).invalid);
  EXPECT_EQ(instant_of({.day = 30, .month = 2, .year = 24}), std::nullopt);
  EXPECT_EQ(instant_of({.day = 29, .month = 2, .year = 23}), std::nullopt);
  EXPECT_EQ(instant_of({.milliseconds = 60'000, .day = 1, .month = 1}), std::nullopt);
  EXPECT_EQ(instant_of({.hour = 24, .day = 1, .month = 1}), std::nullopt);
  EXPECT_EQ(instant_of({}), std::nullopt);
}

Element random_element(Shape shape, std::mt19937& random) {
  const auto upto = [&](std::uint32_t n) { return static_cast<std::int32_t>(random() % (n + 1)); };
  const auto quality = [&](std::uint8_t bits) { return static_cast<std::uint8_t>(random() & bits); };
  Element e;
  switch (shape) {
    case Shape::kNothing:
      break;
    case Shape::kSingle:
      e.value = upto(1), e.quality = quality(0xF0);
      break;
    case Shape::kDouble:
      e.value = upto(3), e.quality = quality(0xF0);
      break;
    case Shape::kStep:
      e.value = upto(127) - 64, e.qualifier = quality(1), e.quality = quality(0xF1);
      break;
    case Shape::kBits:
    case Shape::kPackedSingles:
      e.value = static_cast<std::int32_t>(random()), e.quality = quality(0xF1);
      break;
    case Shape::kReal:
      e = Element::of_real(static_cast<float>(upto(2'000'000) - 1'000'000) / 64, quality(0xF1));
      break;
    case Shape::kNormalized:
    case Shape::kScaled:
      e.value = upto(65535) - 32768, e.quality = quality(0xF1);
      break;
    case Shape::kNormalizedBare:
      e.value = upto(65535) - 32768;
      break;
    case Shape::kCounter:
      e.value = static_cast<std::int32_t>(random()), e.qualifier = quality(31), e.quality = quality(0xE0);
      break;
    case Shape::kSingleCommand:
      e.value = upto(1), e.qualifier = quality(31), e.select = upto(1) == 1;
      break;
    case Shape::kDoubleCommand:
    case Shape::kStepCommand:
      e.value = upto(3), e.qualifier = quality(31), e.select = upto(1) == 1;
      break;
    case Shape::kSetNormalized:
    case Shape::kSetScaled:
      e.value = upto(65535) - 32768, e.qualifier = quality(127), e.select = upto(1) == 1;
      break;
    case Shape::kSetReal:
      e = Element::of_real(static_cast<float>(upto(1000)) / 8), e.qualifier = quality(127), e.select = upto(1) == 1;
      break;
    case Shape::kSetBits:
      e.value = static_cast<std::int32_t>(random());
      break;
    case Shape::kCause:
      e.qualifier = quality(127), e.quality = quality(128);
      break;
    case Shape::kQualifier:
      e.qualifier = quality(255);
      break;
    case Shape::kPattern:
    case Shape::kDelay:
      e.value = upto(65535);
      break;
    case Shape::kParameterNormalized:
    case Shape::kParameterScaled:
      e.value = upto(65535) - 32768, e.qualifier = quality(255);
      break;
    case Shape::kParameterReal:
      e = Element::of_real(static_cast<float>(upto(1000)) / 8), e.qualifier = quality(255);
      break;
  }
  return e;
}

WireTime random_time(TimeKind kind, std::mt19937& random) {
  const Instant instant{static_cast<std::int64_t>(946'684'800 + random() % 3'000'000'000u),
                        static_cast<std::int32_t>(random() % 1000) * 1'000'000};
  WireTime full = wire_time(instant);
  if (kind == TimeKind::kCp24) full = {.milliseconds = full.milliseconds, .minute = full.minute};
  full.invalid = random() % 8 == 0;
  return full;
}

Asdu random_asdu(const Type& type, std::mt19937& random) {
  Asdu a{.type = type.id,
         .cause = static_cast<Cause>(random() % 48),
         .negative = random() % 4 == 0,
         .test = random() % 4 == 0,
         .originator = static_cast<std::uint8_t>(random()),
         .common_address = static_cast<std::uint16_t>(random()),
         .sequence = random() % 3 == 0};
  const std::size_t most = objects_that_fit(type.id, a.sequence);
  const std::size_t count = random() % 5 == 0 ? most : 1 + random() % std::min<std::size_t>(most, 6);
  std::uint32_t address = random() % 0x00FF'0000;
  for (std::size_t i = 0; i < count; ++i) {
    Object o{.address = address, .element = random_element(type.shape, random)};
    if (type.time != TimeKind::kNone) o.time = random_time(type.time, random);
    a.objects.push_back(o);
    address = a.sequence ? address + 1 : random() % 0x0100'0000;
  }
  return a;
}

std::vector<const Type*> all_types() {
  std::vector<const Type*> out;
  for (int id = 0; id < 256; ++id)
    if (const Type* type = type_of(static_cast<std::uint8_t>(id))) out.push_back(type);
  return out;
}

TEST(Iec104Asdus, EveryTypeGoesThereAndBack) {
  std::mt19937 random(104);
  for (const Type* type : all_types()) {
    for (int i = 0; i < 200; ++i) {
      const Asdu asdu = random_asdu(*type, random);
      const auto bytes = to_bytes(asdu);
      ASSERT_TRUE(bytes) << type->name << ": " << bytes.error().text();
      ASSERT_LE(bytes->size(), kMaxAsduBytes);
      const auto back = read_asdu(*bytes);
      ASSERT_TRUE(back) << type->name << ": " << back.error().text();
      ASSERT_EQ(*back, asdu) << type->name;
      // Any other length is refused, with the type's name.
      for (const std::size_t size : {std::size_t{0}, bytes->size() - 1, bytes->size() / 2})
        ASSERT_FALSE(read_asdu(std::string_view(*bytes).substr(0, size)));
      const auto longer = read_asdu(*bytes + '\0');
      ASSERT_FALSE(longer);
      EXPECT_NE(longer.error().message.find(type->name), std::string::npos);
    }
  }
  EXPECT_EQ(all_types().size(), 53u);
}

TEST(Iec104Asdus, WhatCannotBeOnTheWireIsNotWritten) {
  const auto message = [](Asdu a) {
    const auto bytes = to_bytes(a);
    return bytes ? "written" : bytes.error().message;
  };
  const Asdu good{
      .type = TypeId::M_SP_NA_1, .cause = Cause::kSpontaneous, .common_address = 1, .objects = {{.address = 1}}};
  EXPECT_EQ(message(good), "written");
  Asdu a = good;
  a.objects.clear();
  EXPECT_EQ(message(a), "M_SP_NA_1 without an object");
  a = good;
  a.objects[0].element.value = 2;
  EXPECT_EQ(message(a), "M_SP_NA_1, object 1: 2 is not from 0 to 1");
  a = good;
  a.objects[0].element.quality = kOverflow;
  EXPECT_EQ(message(a), "M_SP_NA_1, object 1: a bit of quality that the type doesn't have");
  a = good;
  a.objects[0].time = WireTime{};
  EXPECT_EQ(message(a), "M_SP_NA_1, object 1: the type has no time");
  a = good;
  a.type = TypeId::M_SP_TB_1;
  EXPECT_EQ(message(a), "M_SP_TB_1, object 1: the type has a time");
  a = good;
  a.objects[0].address = kMaxObjectAddress + 1;
  EXPECT_EQ(message(a), "M_SP_NA_1, object 16777216: the address is beyond 2^24");
  a = good;
  a.sequence = true;
  a.objects.push_back({.address = 3});
  EXPECT_EQ(message(a), "M_SP_NA_1, object 3: not the address that follows");
  a = good;
  a.objects.resize(61, a.objects[0]);
  EXPECT_EQ(message(a), "61 objects of M_SP_NA_1 don't fit into one ASDU");
  a.objects.resize(60);
  EXPECT_EQ(message(a), "written");
}

TEST(Iec104Asdus, WhatIsNotReadIsNamed) {
  const auto message = [](std::string_view hex) {
    const auto asdu = read_asdu(bytes_of_hex(hex));
    return asdu ? "read" : asdu.error().message;
  };
  EXPECT_EQ(message("64 01 06 00 01"), "an ASDU has at least 6 octets, not 5");
  EXPECT_EQ(message("7D 01 06 00 01 00 00 00 00"), "F_SG_NA_1 is not a type that is read here");
  EXPECT_EQ(message("C8 01 06 00 01 00"), "type 200 is not a type that is read here");
  EXPECT_EQ(message("64 00 06 00 01 00"), "C_IC_NA_1 without an object");
  EXPECT_EQ(message("64 01 06 00 01 00 00 00 00"), "C_IC_NA_1 with 1 object(s) has 10 octets, not 9");
  EXPECT_EQ(message("01 82 14 00 01 00 FF FF FF 00 01"), "the addresses of a sequence go beyond 2^24");
  EXPECT_EQ(message("0D 7F 14 00 01 00 FF FF FF 00 01"), "127 objects of M_ME_NC_1 don't fit into one ASDU");
}

// tshark knows the protocol by other people's code: what it reads out of our frames is what we put in.
TEST(Iec104Asdus, TsharkReadsTheSame) {
  if (!have_tshark()) GTEST_SKIP() << "skipped: needs tshark";
  std::mt19937 random(60870);
  std::vector<Asdu> sent;
  std::string file = pcap_header();
  RecordedFlow flow({"198.51.100.1", 40001}, {"198.51.100.2", 2404});
  const Instant now{1'795'000'000, 0};
  file += flow.open(now);
  file += flow.data(Side::kClient, unnumbered_frame(Function::kStartAct), now);
  file += flow.data(Side::kServer, unnumbered_frame(Function::kStartCon), now);
  for (const Type* type : all_types())
    for (int i = 0; i < 12; ++i) {
      sent.push_back(random_asdu(*type, random));
      file += flow.data(Side::kServer,
                        information_frame(static_cast<std::uint16_t>(sent.size() - 1), 0, *to_bytes(sent.back())), now);
    }
  file += flow.close(now);
  const auto path = scratch_file("asdus.pcap");
  std::ofstream(path, std::ios::binary) << file;
  EXPECT_TRUE(
      tshark(path, "_ws.malformed or _ws.expert.severity == error or tcp.analysis.flags", {"frame.number"}).empty());

  const std::vector<std::string> fields{
      "typeid",        "sq",     "numix",       "causetx",      "nega",          "test",         "oa",
      "addr",          "ioa",    "siq.spi",     "diq.dpi",      "vti.v",         "bitstring",    "normval",
      "scalval",       "float",  "bcr.count",   "bcr.sq",       "sco.on",        "dco.on",       "rco.up",
      "qoi",           "coi_r",  "cp56time.ms", "cp56time.min", "cp56time.hour", "cp56time.day", "cp56time.month",
      "cp56time.year", "siq.iv", "qds.iv",      "qds.ov",       "qds.nt",        "sco.se",       "sco.qu",
      "qos.ql",        "qos.se", "vti.t",       "rawdata"};
  std::vector<std::string> names;
  for (const auto& field : fields) names.push_back("iec60870_asdu." + field);
  const auto rows = tshark(path, "iec60870_asdu", names);
  ASSERT_EQ(rows.size(), sent.size());
  std::size_t values = 0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const Asdu& a = sent[i];
    const Type& type = type_of(a.type);
    const auto cell = [&](std::string_view name) {
      for (std::size_t f = 0; f < fields.size(); ++f)
        if (fields[f] == name) return rows[i][f];
      ADD_FAILURE() << name;
      return std::string();
    };
    const auto truth = [&](std::string_view name) { return cell(name) == "1" || cell(name) == "True"; };
    ASSERT_EQ(cell("typeid"), fmt::format("{}", static_cast<int>(a.type)));
    EXPECT_EQ(truth("sq"), a.sequence);
    EXPECT_EQ(cell("numix"), fmt::format("{}", a.objects.size()));
    EXPECT_EQ(cell("causetx"), fmt::format("{}", static_cast<int>(a.cause)));
    EXPECT_EQ(truth("nega"), a.negative);
    EXPECT_EQ(truth("test"), a.test);
    EXPECT_EQ(cell("oa"), fmt::format("{}", a.originator));
    EXPECT_EQ(cell("addr"), fmt::format("{}", a.common_address));
    const auto list = [&](std::string_view name, auto value_of) {
      const auto got = split(cell(name), ',');
      ASSERT_EQ(got.size(), a.objects.size()) << type.name << " " << name << ": " << cell(name);
      for (std::size_t o = 0; o < got.size(); ++o) {
        if (got[o].empty()) {
          ADD_FAILURE() << type.name << " has no " << name;
          continue;
        }
        const double number = got[o] == "True"           ? 1
                              : got[o] == "False"        ? 0
                              : got[o].starts_with("0x") ? static_cast<double>(std::stoul(got[o], nullptr, 16))
                                                         : std::stod(got[o]);
        const double expected = value_of(a.objects[o]);
        EXPECT_NEAR(number, expected, std::abs(expected) * 1e-5 + 1e-5) << type.name << " " << name << " " << got[o];
        ++values;
      }
    };
    // Types that tshark doesn't take apart have their first address, and octets.
    const bool taken_apart = cell("rawdata").empty() && a.type != TypeId::C_RD_NA_1 && a.type != TypeId::C_TS_TA_1;
    if (taken_apart)
      list("ioa", [](const Object& o) { return o.address; });
    else
      EXPECT_EQ(cell("ioa"), fmt::format("{}", a.objects[0].address));
    const auto whole = [](const Object& o) { return static_cast<double>(o.element.value); };
    const auto real = [](const Object& o) { return static_cast<double>(o.element.real()); };
    // tshark shows the octets of bit strings as they stand on the wire.
    const auto as_sent = [](const Object& o) {
      return static_cast<double>(__builtin_bswap32(static_cast<std::uint32_t>(o.element.value)));
    };
    const auto normal = [](const Object& o) { return o.element.value / kNormalizedOne; };
    const auto bit = [](std::uint8_t mask) {
      return [mask](const Object& o) { return (o.element.quality & mask) != 0 ? 1.0 : 0.0; };
    };
    switch (type.shape) {
      case Shape::kSingle:
        list("siq.spi", whole), list("siq.iv", bit(kInvalidQuality));
        break;
      case Shape::kDouble:
        list("diq.dpi", whole);
        break;
      case Shape::kStep:
        list("vti.v", whole), list("vti.t", [](const Object& o) { return o.element.qualifier; }),
            list("qds.nt", bit(kNotTopical));
        break;
      case Shape::kBits:
        list("bitstring", as_sent), list("qds.ov", bit(kOverflow));
        break;
      case Shape::kNormalized:
        list("normval", normal), list("qds.iv", bit(kInvalidQuality));
        break;
      case Shape::kNormalizedBare:
        list("normval", normal);
        break;
      case Shape::kScaled:
        list("scalval", whole), list("qds.ov", bit(kOverflow));
        break;
      case Shape::kReal:
        list("float", real), list("qds.iv", bit(kInvalidQuality));
        break;
      case Shape::kCounter:
        list("bcr.count", whole), list("bcr.sq", [](const Object& o) { return o.element.qualifier; });
        break;
      case Shape::kSingleCommand:
        list("sco.on", whole), list("sco.qu", [](const Object& o) { return o.element.qualifier; });
        list("sco.se", [](const Object& o) { return o.element.select ? 1.0 : 0.0; });
        break;
      case Shape::kDoubleCommand:
        list("dco.on", whole);
        break;
      case Shape::kStepCommand:
        list("rco.up", whole);
        break;
      case Shape::kSetNormalized:
        list("normval", normal), list("qos.ql", [](const Object& o) { return o.element.qualifier; });
        break;
      case Shape::kSetScaled:
        list("scalval", whole), list("qos.se", [](const Object& o) { return o.element.select ? 1.0 : 0.0; });
        break;
      case Shape::kSetReal:
        list("float", real);
        break;
      case Shape::kSetBits:
        list("bitstring", as_sent);
        break;
      case Shape::kCause:
        list("coi_r", [](const Object& o) { return o.element.qualifier; });
        break;
      case Shape::kQualifier:
        if (a.type == TypeId::C_IC_NA_1) list("qoi", [](const Object& o) { return o.element.qualifier; });
        break;
      case Shape::kParameterNormalized:
        list("normval", normal);
        break;
      case Shape::kParameterScaled:
        list("scalval", whole);
        break;
      case Shape::kParameterReal:
        list("float", real);
        break;
      case Shape::kNothing:
      case Shape::kPackedSingles:
      case Shape::kPattern:
      case Shape::kDelay:
        break;
    }
    if (type.time == TimeKind::kCp56 && taken_apart) {
      list("cp56time.ms", [](const Object& o) { return o.time->milliseconds; });
      list("cp56time.min", [](const Object& o) { return o.time->minute; });
      list("cp56time.hour", [](const Object& o) { return o.time->hour; });
      list("cp56time.day", [](const Object& o) { return o.time->day; });
      list("cp56time.month", [](const Object& o) { return o.time->month; });
      list("cp56time.year", [](const Object& o) { return o.time->year; });
    }
  }
  EXPECT_GT(values, 5000u);
  std::filesystem::remove(path);
}

// What others sent, read by both: the same types, causes and addresses, and we refuse what tshark calls malformed.
TEST(Iec104Asdus, RecordedSessionsReadAsTsharkSays) {
  bool any = false;
  for (const char* name : {"lib60870_session.pcap", "IEC104_SQ.pcapng"}) {
    const auto path = shared_capture(name);
    if (!path) GTEST_SKIP() << "skipped: needs shared data";
    if (!have_tshark()) GTEST_SKIP() << "skipped: needs tshark";
    const auto rows =
        tshark(*path, "iec60870_asdu and !_ws.malformed",
               {"iec60870_asdu.typeid", "iec60870_asdu.causetx", "iec60870_asdu.addr", "iec60870_asdu.ioa"});
    std::vector<std::vector<std::string>> ours;
    for (const Segment& segment : read_capture(*path)) {
      if (segment.from_port != 2404 && segment.to_port != 2404) continue;
      std::vector<std::string> row(4);
      const auto add = [](std::string& cell, auto value) {
        cell += (cell.empty() ? "" : ",") + fmt::format("{}", value);
      };
      std::size_t begin = 0;
      while (begin < segment.payload.size()) {
        const auto frame = take_frame(segment.payload, begin);
        ASSERT_TRUE(frame && *frame) << name;
        if ((*frame)->kind != FrameKind::kInformation) continue;
        const auto asdu = read_asdu((*frame)->asdu);
        ASSERT_TRUE(asdu) << name << ": " << asdu.error().text();
        add(row[0], static_cast<int>(asdu->type));
        add(row[1], static_cast<int>(asdu->cause));
        add(row[2], asdu->common_address);
        for (const Object& object : asdu->objects) add(row[3], object.address);
      }
      if (!row[0].empty()) ours.push_back(row);
    }
    EXPECT_EQ(ours, rows) << name;
    any = any || !rows.empty();
  }
  EXPECT_TRUE(any);
}

}  // namespace
}  // namespace bongsu::exercise::wire::iec104
