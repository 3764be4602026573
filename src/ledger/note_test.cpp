#include "ledger/note.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "ledger/checkpoint.h"
#include "ledger/ledger_test_support.h"
#include "ledger/leaf.h"
#include "ledger/text_lines.h"
#include "ledger/tile.h"

namespace bongsu::ledger {
namespace {

// From C2SP signed-note, tlog-checkpoint and tlog-cosignature.
constexpr std::string_view kExample =
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\xc3\xa8 subito sera.\n\n"
    "\xe2\x80\x94 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
constexpr std::string_view kCosignedExample =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\xe2\x80\x94 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\xe2\x80\x94 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

TEST(Note, ReadsTheExamplesOfTheSpecificationAndWritesThemBack) {
  for (const std::string_view text : {kExample, kCosignedExample}) {
    const auto note = Note::parse(text);
    ASSERT_TRUE(note) << note.error().text();
    EXPECT_EQ(note->whole(), text);
  }
  const auto note = *Note::parse(kExample);
  EXPECT_TRUE(note.text.ends_with("sera.\n"));
  EXPECT_EQ(note.signatures[0].id, 0x367ba04bU);
  const auto cosigned = *Note::parse(kCosignedExample);
  const auto head = Checkpoint::parse(cosigned.text);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->size, 20852163U);
  EXPECT_EQ(head->text(), cosigned.text);
  EXPECT_EQ(cosigned.signatures[1].bytes.size(), 72U);
}

TEST(Note, SignaturesAreVerifiedByNameIdAndKey) {
  const std::string text = "bongsu/ledger/cert-lt/node\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
  const VerifierKey log = log_key("cert-lt", "node", test_key(0).public_key), witness = witness_key("cert-ua", test_key(1).public_key);
  Note note{.text = text, .signatures = {*sign_note(text, log.name, test_key(0)), *cosign_note(text, witness.name, test_key(1), 1679315147)}};
  note = *Note::parse(note.whole());
  const std::vector<VerifierKey> both = {log, witness};
  const auto by = note.verify(both);
  ASSERT_TRUE(by) << by.error().text();
  ASSERT_EQ(by->size(), 2u);
  EXPECT_EQ((*by)[0].name, log.name);
  EXPECT_EQ((*by)[1].time, 1679315147u);

  const auto refused = [&](const Note& n, const std::vector<VerifierKey>& keys) { return !n.verify(keys).has_value(); };
  // Unknown keys are ignored, but somebody has to be known.
  EXPECT_FALSE(refused(note, {witness}));
  EXPECT_TRUE(refused(note, {}));
  EXPECT_TRUE(refused(note, {log_key("cert-lt", "node", test_key(2).public_key)}));
  EXPECT_TRUE(refused(note, {log_key("cert-fi", "node", test_key(0).public_key)}));
  // A cosignature is no signature of the log and the other way round, with the same key.
  EXPECT_TRUE(refused(Note{.text = text, .signatures = {*cosign_note(text, log.name, test_key(0), 5)}}, {log}));
  // A known key whose signature is wrong spoils the note, even if another is right.
  Note damaged = note;
  damaged.signatures[0].bytes[9] ^= 1;
  EXPECT_TRUE(refused(damaged, both));
  damaged = note;
  damaged.signatures[1].bytes[7] ^= 1;  // its time
  EXPECT_TRUE(refused(damaged, both));
  damaged = note;
  damaged.text[0] = 'B';
  EXPECT_TRUE(refused(damaged, both));
}

TEST(Note, KeysAreReadAsTheyAreWritten) {
  for (const VerifierKey& key : {log_key("cert-lt", "node", test_key(0).public_key), witness_key("cert-ua", test_key(1).public_key)}) {
    const auto read = VerifierKey::parse(key.text());
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(*read, key);
  }
  const std::string good = log_key("cert-lt", "node", test_key(0).public_key).text();
  for (std::string bad : {std::string(), std::string("name"), "x" + good, good.substr(0, good.size() - 4), good + "AAAA"}) EXPECT_FALSE(VerifierKey::parse(bad)) << bad;
}

TEST(Note, BadNotesAreRefusedWithTheirLine) {
  const std::string good(kExample);
  struct Case {
    std::string text;
    std::uint64_t line;
  };
  const std::string signature = good.substr(good.find("\n\n\xe2\x80\x94") + 2);
  const Case cases[] = {
      {"", 0},
      {"text\n", 0},
      {"text\n\n", 3},
      {"text\n\n" + signature.substr(0, signature.size() - 1), 3},
      {"text\n\n" + signature + "no signature\n", 4},
      {"text\n\n- name NnugSzTj\n", 3},
      {"text\n\n\xe2\x80\x94 name NnugSzTj!\n", 3},
      {"text\n\n\xe2\x80\x94 name NnugSw==\n", 3},          // an id and nothing
      {"text\n\n\xe2\x80\x94  NnugSzTj\n", 3},              // no name
      {"text\n\n\xe2\x80\x94 na+me NnugSzTj\n", 3},
      {"text\n\n\xe2\x80\x94 na\xc2\xa0me NnugSzTj\n", 3},  // a space all the same
      {"te\txt\n\n" + signature, 0},
      {"te\rxt\n\n" + signature, 0},
      {"te\xffxt\n\n" + signature, 0},
      {"te\xc0\xafxt\n\n" + signature, 0},                  // overlong
      {"te\xed\xa0\x80xt\n\n" + signature, 0},              // a surrogate
  };
  for (const auto& c : cases) {
    const auto note = Note::parse(c.text);
    ASSERT_FALSE(note) << c.text;
    EXPECT_EQ(note.error().where.line, c.line) << c.text << note.error().text();
  }
  std::string many = "text\n\n";
  for (std::size_t i = 0; i <= kMaxSignatures; ++i) many += signature;
  EXPECT_EQ(Note::parse(many).error().code, ErrorCode::kTooLarge);
}

TEST(Checkpoint, BadOnesAreRefused) {
  const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
  for (const std::string& bad : {std::string(), std::string("origin\n"), "origin\n1\n" + root, "\n1\n" + root + "\n", "origin\n01\n" + root + "\n", "origin\n-1\n" + root + "\n",
                                 "origin\n99999999999999999999999\n" + root + "\n", "origin\n1\n" + root.substr(1) + "\n", "ori gin\n1\n" + root + "\n", "origin\n1\n" + root + "\n\n"})
    EXPECT_FALSE(Checkpoint::parse(bad)) << bad;
  EXPECT_EQ(Checkpoint::parse("origin\n1\n" + root + "\nmore\n")->extensions, std::vector<std::string>{"more"});
}

TEST(Proof, IsReadAsItIsWrittenAndVerifiesItsEntryOnly) {
  const std::vector<std::string> entries = {"a", "b", "c", "d", "e"};
  const VerifierKey key = log_key("cert-lt", "node", test_key(0).public_key);
  Note note;
  note.text = Checkpoint{.origin = key.name, .size = 5, .root = slow_root(entries, 0, 5), .extensions = {}}.text();
  note.signatures = {*sign_note(note.text, key.name, test_key(0))};
  for (std::size_t i = 0; i < 5; ++i) {
    const Proof made{.extra = i == 2 ? "something" : "", .index = i, .path = slow_path(i, entries, 0, 5), .checkpoint = note};
    const auto read = Proof::parse(made.text());
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->text(), made.text());
    EXPECT_TRUE(read->verify(entries[i], {&key, 1}));
    EXPECT_FALSE(read->verify("x", {&key, 1}));
    EXPECT_FALSE(read->verify(entries[(i + 1) % 5], {&key, 1}));
    EXPECT_FALSE(read->verify(entries[i], {}));
  }
  const std::string text = Proof{.extra = "", .index = 1, .path = slow_path(1, entries, 0, 5), .checkpoint = note}.text();
  for (std::size_t cut = 0; cut < text.size(); ++cut) EXPECT_FALSE(Proof::parse(text.substr(0, cut))) << cut;
  EXPECT_FALSE(Proof::parse("x" + text));
}

TEST(Tile, PathsAreThoseOfTheSpecification) {
  EXPECT_EQ(tile_path({.level = 0, .index = 1234067}), "tile/0/x001/x234/067");
  EXPECT_EQ(tile_path({.level = 1, .index = 0, .width = 17}), "tile/1/000.p/17");
  EXPECT_EQ(tile_path({.entries = true, .index = 273, .width = 112}), "tile/entries/273.p/112");
  for (const TileName& name : {TileName{.level = 63, .index = 999}, TileName{.level = 0, .index = 1000, .width = 1}, TileName{.entries = true, .index = 123456789, .width = 255}})
    EXPECT_EQ(*parse_tile_path(tile_path(name)), name) << tile_path(name);
  for (const char* bad : {"", "tile", "tile/", "tile/64/000", "tile/00/000", "tile/0/00", "tile/0/0000", "tile/0/x000", "tile/0/x000/001", "tile/0/001/002", "tile/0/000.p/0", "tile/0/000.p/256",
                          "tile/0/000.p/01", "tile/0/000/", "tile/entries/", "tile/0/../000", "tile/0/x001/x002/x003/x004/x005/x006/007", "tile/0/00a"})
    EXPECT_FALSE(parse_tile_path(bad)) << bad;
  // A tree of 70,000: 273 full tiles and one of 112; one full tile and one of 17; one of one.
  EXPECT_EQ(hashes_at_level(70'000, 0) / 256, 273u);
  EXPECT_EQ(hashes_at_level(70'000, 0) % 256, 112u);
  EXPECT_EQ(hashes_at_level(70'000, 1), 273u);
  EXPECT_EQ(hashes_at_level(70'000, 2), 1u);
}

TEST(Tile, BundlesNameWhatIsWrongWithThem) {
  const std::vector<std::string> entries = {"one", "", std::string(kMaxEntryBytes, 'x')};
  const std::string bytes = bundle_bytes(entries);
  EXPECT_EQ(*parse_bundle(bytes, 3), entries);
  EXPECT_FALSE(parse_bundle(bytes, 2));
  EXPECT_FALSE(parse_bundle(bytes, 4));
  for (const std::size_t cut : {std::size_t{1}, std::size_t{4}, std::size_t{6}, bytes.size() - 1}) EXPECT_FALSE(parse_bundle(std::string_view(bytes).substr(0, cut), 3)) << cut;
}

TEST(Leaf, CommitsWithoutSayingWhatTo) {
  const Salt salt = {1, 2, 3};
  const Event event{.kind = "release", .time = *Instant::parse("2026-01-02T03:04:05.678901Z"), .details = {{"object", "indicator--1"}, {"member", "cert-ua"}}, .subject = "indicator--1"};
  const auto sealed = seal(event, salt);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->opening.content, R"({"member":"cert-ua","object":"indicator--1"})");
  EXPECT_EQ(sealed->leaf.find("indicator"), std::string::npos);
  const auto leaf = Leaf::parse(sealed->leaf);
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->text(), sealed->leaf);
  EXPECT_EQ(*to_canonical_text(*parse_json(sealed->leaf)), sealed->leaf);
  EXPECT_TRUE(check_opening(*leaf, sealed->opening));
  Opening other = sealed->opening;
  other.salt[31] ^= 1;
  EXPECT_EQ(check_opening(*leaf, other).error().code, ErrorCode::kDenied);
  other = sealed->opening;
  other.content += " ";
  EXPECT_EQ(check_opening(*leaf, other).error().code, ErrorCode::kDenied);
  // The same event under another salt is another leaf.
  EXPECT_NE(seal(event, Salt{4})->leaf, sealed->leaf);
  for (const char* kind : {"", "Release", "-a", "a-", "a b", "a\n"}) EXPECT_FALSE(seal({.kind = kind, .time = event.time, .details = {}, .subject = {}}, salt)) << kind;
  EXPECT_FALSE(Leaf::parse(sealed->leaf + " "));
  EXPECT_FALSE(Leaf::parse("{}"));
}

}  // namespace
}  // namespace bongsu::ledger
