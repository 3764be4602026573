#include "stix/envelope.h"

#include <gtest/gtest.h>

#include <vector>

namespace bongsu::stix {
namespace {

struct Outcome {
  Result<EnvelopeFrame> frame;
  std::vector<std::string> elements;
};

Outcome read(std::string_view text) {
  Outcome out{.frame = EnvelopeFrame{}, .elements = {}};
  out.frame = read_envelope(text, [&](std::string_view e) {
    out.elements.emplace_back(e);
    return true;
  });
  return out;
}

TEST(Envelope, HandsOverEachElementByteForByte) {
  const auto out = read(R"( {"more":true, "next" : "a\"b", "objects":[ {"a":"}]\\\""} ,{"b":[1,{"c":2}]},7] } )");
  ASSERT_TRUE(out.frame) << out.frame.error().text();
  EXPECT_TRUE(out.frame->more);
  EXPECT_EQ(out.frame->next, "a\"b");
  EXPECT_EQ(out.frame->count, 3U);
  EXPECT_EQ(out.elements, (std::vector<std::string>{R"({"a":"}]\\\""})", R"({"b":[1,{"c":2}]})", "7"}));
}

TEST(Envelope, EmptyEnvelopeAndEmptyListAreToldApart) {
  EXPECT_FALSE(read("{}").frame->has_objects);
  const auto out = read(R"({"objects":[]})");
  EXPECT_TRUE(out.frame->has_objects);
  EXPECT_EQ(out.frame->count, 0U);
}

TEST(Envelope, CustomPropertiesAreIgnored) {  // TAXII 2.1 §7.1.1
  const auto out = read(R"({"x_example_com_score":{"deep":[1,2,{}]},"objects":[{}],"x_other":null})");
  ASSERT_TRUE(out.frame) << out.frame.error().text();
  EXPECT_EQ(out.frame->count, 1U);
}

TEST(Envelope, BrokenFramesAreRefusedWithTheirOffset) {
  for (const char* text : {"",
                           " ",
                           "[]",
                           "null",
                           "{",
                           "{]",
                           R"({"objects":[})",
                           R"({"objects":{}})",
                           R"({"objects":[{}})",
                           R"({"objects":[{]}]})",
                           R"({"objects":[{},]})",
                           R"({"objects":[{}]}x)",
                           R"({"objects":[{}]}{})",
                           R"({"objects":[{}],"objects":[{}]})",
                           R"({"more":1})",
                           R"({"next":1})",
                           R"({"more":tru})",
                           R"({"more" true})",
                           R"({"objects":[{"a":"b)",
                           R"({"objects":[{"a":"b\)",
                           R"({more:true})",
                           R"({"a":[1,2}})",
                           R"({"a":})",
                           R"({"a":1,})",
                           "{\"objects\":[\"\\",
                           R"({"objects":[,{}]})"}) {
    const auto out = read(text);
    ASSERT_FALSE(out.frame) << text;
    EXPECT_EQ(out.frame.error().code, ErrorCode::kInvalid) << text;
    EXPECT_TRUE(out.frame.error().where.has_offset) << text;
  }
}

TEST(Envelope, DepthAndMemberSizeAreLimited) {
  EXPECT_EQ(read(R"({"objects":[)" + std::string(200, '[') + std::string(200, ']') + "]}").frame.error().code,
            ErrorCode::kTooLarge);
  EXPECT_EQ(read(R"({"x_long":")" + std::string(kMaxEnvelopeMemberBytes, 'a') + R"("})").frame.error().code,
            ErrorCode::kTooLarge);
}

TEST(Envelope, EscapesBeforeAQuoteAreCounted) {
  for (const char* text : {R"("")", R"("\\")", R"("\\\\")", R"("a\"b")", R"("\"")", R"("\\\"x")", R"("\"\"\\")"}) {
    const auto out = read(std::string(R"({"objects":[)") + text + ",1]}");
    ASSERT_TRUE(out.frame) << text;
    EXPECT_EQ(out.elements, (std::vector<std::string>{text, "1"})) << text;
  }
  for (const char* text : {R"("\")", R"("\\\")", R"("\"\\\")"})
    EXPECT_FALSE(read(std::string(R"({"objects":[)") + text + "]}").frame) << text;
}

TEST(Envelope, StopsWhenTold) {
  int calls = 0;
  const auto frame = read_envelope(R"({"objects":[1,2,3]})", [&](std::string_view) { return ++calls < 2; });
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace bongsu::stix
