#include "ledger/evidence.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

#include "ledger/ledger_test_support.h"

namespace bongsu::ledger {
namespace {

struct EvidenceTest : ::testing::Test {
  EvidenceTest() {
    OpenReport report;
    store = *Store::open(files, test_options(), report);
    Group group = test_group("pair/cert-ua", 0, 300);
    group.logs[0].entries[7].opening.subject = "indicator--gone";
    EXPECT_TRUE(store->commit(group));
    before = *store->checkpoint("pair/cert-ua");
    group = test_group("pair/cert-ua", 300, 20);
    EXPECT_TRUE(store->commit(group));
    after = *store->checkpoint("pair/cert-ua");
    EXPECT_EQ(*store->erase("indicator--gone"), 1u);
    Note cosigned = before;
    cosigned.signatures.push_back(*cosign_note(before.text, witness.name, test_key(1), 99));
    EXPECT_TRUE(store->put_cosigned("pair/cert-ua", cosigned));
    JsonArray items, proofs;
    for (const std::uint64_t index : {0, 7, 255, 256, 299, 319}) items.push_back(*evidence_item(*store, "pair/cert-ua", index));
    JsonArray hashes;
    const auto proof = store->consistency("pair/cert-ua", 300, 320);
    for (const Hash& hash : *proof) hashes.emplace_back(std::string(to_base64(hash)));
    proofs.push_back(JsonObject{{"old", before.whole()}, {"new", after.whole()}, {"proof", std::move(hashes)}});
    document = evidence_document(std::move(items), std::move(proofs), trusted);
  }
  MemoryFiles files;
  std::unique_ptr<Store> store;
  Note before, after;
  const VerifierKey log = log_key("cert-lt", "pair/cert-ua", test_key(0).public_key), witness = witness_key("cert-ua", test_key(1).public_key);
  const std::vector<VerifierKey> trusted = {log, witness};
  Json document;
};

TEST_F(EvidenceTest, HoldsForWhoeverTrustsTheKeys) {
  const auto checked = check_evidence(document, trusted);
  ASSERT_TRUE(checked);
  for (const auto& problem : checked->problems) ADD_FAILURE() << problem;
  ASSERT_EQ(checked->items.size(), 6u);
  EXPECT_EQ(checked->consistent, 1u);
  EXPECT_EQ(checked->items[0].content, R"({"number":0})");
  EXPECT_EQ(checked->items[1].content, "") << "erased, and shown to be there all the same";
  EXPECT_EQ(checked->items[0].by.size(), 2u) << "within what was cosigned";
  EXPECT_EQ(checked->items[5].by.size(), 1u) << "not cosigned yet";
  const std::vector<std::string> demanded = {witness.name};
  EXPECT_FALSE(check_evidence(document, trusted, demanded)->good());
  EXPECT_FALSE(check_evidence(document, {})->good());
  EXPECT_FALSE(check_evidence(document, {{witness}})->good()) << "a witness is not the log";
  EXPECT_FALSE(check_evidence(JsonObject{{"format", "other"}}, trusted));
  EXPECT_FALSE(check_evidence(evidence_document({}, {}, {}), trusted)->good()) << "nothing shown is nothing proven";
}

TEST_F(EvidenceTest, AnyChangedByteIsAProblem) {
  const std::string text = to_text(document);
  SeededRandom random(4);
  int parsed = 0;
  for (int i = 0; i < 600; ++i) {
    std::string other = text;
    const std::size_t at = random.below(other.size());
    other[at] = static_cast<char>(other[at] == 'A' ? 'B' : 'A');
    const auto json = parse_json(other);
    if (!json) continue;
    const auto checked = check_evidence(*json, trusted);
    // Names that carry no claim may change: field names then miss what they named.
    if (!checked) continue;
    ++parsed;
    const std::size_t items = text.find("\"items\"");
    if (at < items) continue;  // format and the list of keys
    bool label = false;
    for (std::size_t from = text.find("\"log\":"); from != std::string::npos; from = text.find("\"log\":", from + 1)) label = label || (at >= from && at < from + 22);
    // A salt whose name is damaged is one that is not shown.
    for (std::size_t from = text.find("\"opening\""); from != std::string::npos; from = text.find("\"opening\"", from + 1)) label = label || (at >= from && at < from + 9);
    if (label) continue;
    // A signature whose name or id nobody knows is ignored, by the specification: it is then not among those who signed.
    std::size_t signers = 0;
    for (const auto& item : checked->items) signers += item.by.size();
    EXPECT_FALSE(checked->good() && checked->items.size() == 6 && checked->consistent == 1 && signers == 11) << "byte " << at << ": " << text.substr(at > 30 ? at - 30 : 0, 60);
  }
  EXPECT_GT(parsed, 200);
}

TEST_F(EvidenceTest, TwoHistoriesOfOneSizeAreNamed) {
  MemoryFiles other_files;
  OpenReport report;
  auto other = *Store::open(other_files, test_options(), report);
  Group group = test_group("pair/cert-ua", 1, 320);
  ASSERT_TRUE(other->commit(group));
  document.as_object()["items"].as_array().push_back(*evidence_item(*other, "pair/cert-ua", 5));
  const auto checked = check_evidence(document, trusted);
  ASSERT_EQ(checked->problems.size(), 1u);
  EXPECT_NE(checked->problems[0].find("two histories of 320 entries"), std::string::npos) << checked->problems[0];
}

TEST_F(EvidenceTest, ADirectoryOfTilesIsComputedAnew) {
  ASSERT_TRUE(store->settle());
  MemoryFiles served;
  for (const auto& [path, bytes] : files.files())
    if (path.starts_with("logs/pair/cert-ua/")) served.files()[path.substr(18)] = bytes;
  std::vector<Signed> by;
  const auto head = check_tiles(served, trusted, &by);
  ASSERT_TRUE(head) << head.error().text();
  EXPECT_EQ(head->size, 320u);
  EXPECT_EQ(by.size(), 1u);
  for (const auto& [path, bytes] : std::map<std::string, std::string>(served.files())) {
    if (path.starts_with("openings") || path == "cosigned") continue;
    auto& damaged = served.files()[path];
    damaged[damaged.size() / 2] ^= 1;
    EXPECT_FALSE(check_tiles(served, trusted)) << path;
    damaged = bytes;
  }
  EXPECT_TRUE(check_tiles(served, trusted));
}

}  // namespace
}  // namespace bongsu::ledger
