#include "link/tail_event.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/bytes.h"

namespace bongsu::link {
namespace {

Result<std::optional<TailItem>> through_the_wire(const std::string& stream) {
  SseParser parser;
  Result<std::optional<TailItem>> out = fail(ErrorCode::kNotFound, "no event");
  EXPECT_TRUE(parser.feed(stream, [&](SseEvent& event) {
    out = parse_tail_event(event);
    return true;
  }));
  return out;
}

TEST(TailEvent, GivesBackTheBytesOfAnObjectWhateverTheyAre) {
  for (const std::string& bytes : {std::string(R"({"type":"indicator"})"), std::string("{\n  \"a\": 1\n}\n"),
                                   std::string("{\r\n  \"a\": 1\r\n}\r\n"), std::string("\n\n"), std::string("\r"),
                                   std::string("data: x\n\nevent: y"), std::string("\xff\x00\x01", 3)}) {
    const TailItem item{.kind = TailItem::Kind::kObject,
                        .pos = 7,
                        .cursor = "7-abc",
                        .object_id = "indicator--x\"\n",
                        .version = "2026-01-01T00:00:00.000Z",
                        .added_us = 1'767'225'600'123'456,
                        .bytes = bytes};
    std::string stream;
    append_tail_event(stream, item);
    const auto back = through_the_wire(stream);
    ASSERT_TRUE(back && *back);
    EXPECT_EQ((*back)->bytes, bytes);
    EXPECT_EQ((*back)->object_id, item.object_id);
    EXPECT_EQ((*back)->version, item.version);
    EXPECT_EQ((*back)->added_us, item.added_us);
    EXPECT_EQ((*back)->pos, 7u);
    EXPECT_EQ((*back)->cursor, "7-abc");
  }
}

TEST(TailEvent, CarriesWithdrawalsAndVoids) {
  std::string stream;
  append_tail_event(stream,
                    {.kind = TailItem::Kind::kWithdrawn, .pos = 1, .cursor = "1-a", .object_id = "x", .version = "v"});
  auto back = through_the_wire(stream);
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->kind, TailItem::Kind::kWithdrawn);
  EXPECT_EQ((*back)->version, "v");
  stream.clear();
  append_tail_event(stream, {.kind = TailItem::Kind::kVoid, .pos = 2, .cursor = "2-a", .object_id = "secret"});
  EXPECT_EQ(stream.find("secret"), std::string::npos);
  EXPECT_EQ(stream.find("proof"), std::string::npos);
  back = through_the_wire(stream);
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->kind, TailItem::Kind::kVoid);
}

TEST(TailEvent, CarriesSealedObjectsOfWhichItTellsPositionAndDateOnly) {
  const TailItem clear{.kind = TailItem::Kind::kObject,
                       .pos = 7,
                       .object_id = "indicator--1",
                       .version = "v",
                       .added_us = 1'767'225'600'123'456,
                       .bytes = "{\r\n}",
                       .proof = std::string("who\0made it", 11)};
  TailItem sealed{
      .kind = TailItem::Kind::kObject, .pos = 7, .cursor = "7-a", .object_id = "secret", .added_us = clear.added_us};
  sealed.sealed = std::string("BSE1\x00\xff\n", 7);
  std::string stream;
  append_tail_event(stream, sealed);
  EXPECT_EQ(stream.find("secret"), std::string::npos);
  auto back = through_the_wire(stream);
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->sealed, sealed.sealed);
  EXPECT_EQ((*back)->added_us, clear.added_us);
  EXPECT_TRUE((*back)->bytes.empty() && (*back)->object_id.empty());
  ASSERT_TRUE(read_tail_object(tail_object_text(clear), **back));
  EXPECT_EQ((*back)->object_id, clear.object_id);
  EXPECT_EQ((*back)->version, "v");
  EXPECT_EQ((*back)->bytes, clear.bytes);
  EXPECT_EQ((*back)->proof, clear.proof) << "the proof of origin is inside of the seal";
  EXPECT_TRUE((*back)->sealed.empty());
  (*back)->pos = 8;
  EXPECT_EQ(read_tail_object(tail_object_text(clear), **back).error().code, ErrorCode::kInvalid) << "another position";
  for (const char* const bad : {"", "{}", "{\"pos\":8}\n", "{\"pos\":8,\"id\":\"x\"}\n{}", "{\"pos\":8,\"id\":\"x\"}"})
    EXPECT_EQ(read_tail_object(bad, **back).error().code, ErrorCode::kInvalid) << bad;
  for (const char* const bad : {"id: 1-a\nevent: object\ndata: {\"pos\":1,\"sealed\":\"bse2\"}\ndata: AAAA\n\n",
                                "id: 1-a\nevent: object\ndata: {\"pos\":1,\"sealed\":\"bse1\"}\ndata: !\n\n",
                                "id: 1-a\nevent: object\ndata: {\"pos\":1,\"sealed\":\"bse1\"}\n\n",
                                "id: 1-a\nevent: withdrawn\ndata: {\"pos\":1,\"sealed\":\"bse1\"}\ndata: AAAA\n\n"})
    EXPECT_EQ(through_the_wire(bad).error().code, ErrorCode::kInvalid) << bad;
}

TEST(TailEvent, AVoidRowSaysWhyWhereThatIsTold) {
  TailItem item{.kind = TailItem::Kind::kVoid, .pos = 2, .cursor = "2-a"};
  item.withheld = "no \"keys\"";
  std::string stream;
  append_tail_event(stream, item);
  const auto back = through_the_wire(stream);
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->kind, TailItem::Kind::kVoid);
  EXPECT_EQ((*back)->withheld, item.withheld);
}

TEST(TailEvent, IgnoresWhatCarriesNoRow) {
  std::string stream;
  append_live_event(stream);
  auto back = through_the_wire(stream);
  ASSERT_TRUE(back);
  EXPECT_FALSE(*back);
  back = through_the_wire("id: 9\nevent: weather\ndata: rain\n\n");
  ASSERT_TRUE(back);
  EXPECT_FALSE(*back);
}

TEST(TailEvent, RefusesWhatIsBroken) {
  const std::string hash = "\"sha256\":\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"";  // of {}
  EXPECT_TRUE(through_the_wire("id: 1-a\nevent: object\ndata: {\"pos\":1,\"id\":\"x\"," + hash + "}\ndata: {}\n\n"));
  for (const std::string& bad : std::vector<std::string>{
           "event: object\ndata: {\"pos\":1,\"id\":\"x\"," + hash + "}\ndata: {}\n\n",
           "id: 1-a\nevent: object\ndata: {\"pos\":0,\"id\":\"x\"," + hash + "}\ndata: {}\n\n",
           "id: 1-a\nevent: object\ndata: {\"pos\":\"1\",\"id\":\"x\"," + hash + "}\ndata: {}\n\n",
           "id: 1-a\nevent: object\ndata: {\"pos\":1," + hash + "}\ndata: {}\n\n",
           "id: 1-a\nevent: object\ndata: {\"pos\":1,\"id\":\"x\"," + hash + "}\n\n",
           "id: 1-a\nevent: object\ndata: {\"pos\":1,\"id\":\"x\"," + hash + "}\ndata: {} \n\n",
           "id: 1-a\nevent: object\ndata: {\"pos\":1,\"id\":\"x\"," + hash + ",\"encoding\":\"rot13\"}\ndata: {}\n\n",
           "id: 1-a\nevent: object\ndata: {\"pos\":1,\"id\":\"x\"," + hash + ",\"encoding\":\"base64\"}\ndata: {}\n\n",
           "id: 1-a\nevent: object\ndata: {\"pos\":1,\"id\":\"x\"," + hash + ",\"date_added\":\"now\"}\ndata: {}\n\n",
           "id: 1-a\nevent: object\ndata: []\ndata: {}\n\n", std::string("id: 1-a\nevent: void\ndata: {\n\n"),
           std::string("id: 1-a\nevent: withdrawn\ndata: {\"pos\":1}\n\n"),
           "id: " + std::string(65, 'c') + "\nevent: void\ndata: {\"pos\":1}\n\n"}) {
    const auto back = through_the_wire(bad);
    ASSERT_FALSE(back) << bad;
    EXPECT_EQ(back.error().code, ErrorCode::kInvalid) << bad;
  }
}

TEST(TailEvent, TellsOfARowThatIsGoneWithoutACursor) {
  std::string stream;
  append_tail_event(
      stream, {.kind = TailItem::Kind::kWithdrawn, .pos = 0, .cursor = "unused", .object_id = "x", .version = "v"});
  EXPECT_EQ(stream.find("id: "), std::string::npos);
  const auto back = through_the_wire(stream);
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->kind, TailItem::Kind::kWithdrawn);
  EXPECT_EQ((*back)->pos, 0u);
  EXPECT_EQ((*back)->object_id, "x");
  EXPECT_FALSE(through_the_wire("event: gone\ndata: {}\n\n"));
}

TEST(TailEvent, TellsWhatStaysOfAnObjectWithoutVersions) {
  const std::vector<Sha256> kept{sha256("a"), sha256("b")};
  for (const journal::Pos pos : {journal::Pos{0}, journal::Pos{4}}) {
    std::string stream;
    append_tail_event(stream, {.kind = TailItem::Kind::kWithdrawn,
                               .pos = pos,
                               .cursor = "4-a",
                               .object_id = "x",
                               .version = "",
                               .kept = kept});
    const auto back = through_the_wire(stream);
    ASSERT_TRUE(back && *back);
    EXPECT_EQ((*back)->kept, kept);
  }
  std::string many = "event: gone\ndata: {\"id\":\"x\",\"version\":\"\",\"kept\":[";
  for (std::size_t i = 0; i <= kMaxKept; ++i) many += (i ? ",\"" : "\"") + to_hex(kept[0]) + '"';
  for (const std::string& bad :
       {many + "]}\n\n", std::string("event: gone\ndata: {\"id\":\"x\",\"kept\":[\"00\"]}\n\n"),
        std::string("event: gone\ndata: {\"id\":\"x\",\"kept\":[7]}\n\n"),
        std::string("id: 1-a\nevent: withdrawn\ndata: {\"pos\":1,\"id\":\"x\",\"kept\":\"all\"}\n\n")})
    EXPECT_FALSE(through_the_wire(bad)) << bad;
}

TEST(CursorSeal, ProvesOnlyThePlaceAndMarkItWasMadeFor) {
  using Verdict = CursorSeal::Verdict;
  const CursorSeal seal("secret"), other("other");
  const Place place{.origin = 3, .pos = 5, .seq = 9, .added_us = 77};
  const std::string cursor = seal.make("cert-ua", "c1", place, 42);
  EXPECT_LE(cursor.size(), kMaxCursorBytes);
  EXPECT_EQ(CursorSeal::read(cursor)->pos, 5u);
  EXPECT_EQ(CursorSeal::read(cursor)->round, 0u);
  EXPECT_EQ(seal.judge(cursor, "cert-ua", "c1", place, 42), Verdict::kPlaceAndMark);
  EXPECT_EQ(seal.judge(cursor, "cert-ua", "c1", place, 43), Verdict::kPlace);
  EXPECT_EQ(seal.judge(seal.make("cert-ua", "c1", place, 0), "cert-ua", "c1", place, 0),
            Verdict::kPlace);  // 0 is never enough
  EXPECT_EQ(other.judge(cursor, "cert-ua", "c1", place, 42), Verdict::kForeign);
  EXPECT_EQ(seal.judge(cursor, "cert-lt", "c1", place, 42), Verdict::kForeign);
  EXPECT_EQ(seal.judge(cursor, "cert-ua", "c2", place, 42), Verdict::kForeign);
  for (const Place& wrong :
       {Place{4, 5, 9, 77}, Place{3, 6, 9, 77}, Place{3, 5, 8, 77}, Place{3, 5, 9, 78}, Place{3, 5, 9, 77, 1}})
    EXPECT_EQ(seal.judge(cursor, "cert-ua", "c1", wrong, 42), Verdict::kForeign);
  for (const char* bad : {"", "-", "0-aa", "5", "x-aa", "-1-aa", "99999999999999999999999-aa", "5.-aa", "5.0-aa",
                          "5.x-aa", "5.1.1-aa", ".1-aa"})
    EXPECT_FALSE(CursorSeal::read(bad)) << bad;
}

TEST(CursorSeal, NamesTheRoundThatItIsOf) {
  const CursorSeal seal("secret");
  const Place place{.origin = 3, .pos = 5, .seq = 9, .added_us = 77, .round = 2};
  const std::string cursor = seal.make("cert-ua", "c1", place, 42);
  EXPECT_LE(cursor.size(), kMaxCursorBytes);
  EXPECT_EQ(CursorSeal::read(cursor)->pos, 5u);
  EXPECT_EQ(CursorSeal::read(cursor)->round, 2u);
  EXPECT_EQ(seal.judge(cursor, "cert-ua", "c1", place, 42), CursorSeal::Verdict::kPlaceAndMark);
  Place later = place;
  ++later.round;
  EXPECT_EQ(seal.judge(cursor, "cert-ua", "c1", later, 42), CursorSeal::Verdict::kForeign);
  std::string forged = cursor;
  forged[2] = '3';
  EXPECT_EQ(seal.judge(forged, "cert-ua", "c1", later, 42), CursorSeal::Verdict::kForeign);
}

}  // namespace
}  // namespace bongsu::link
