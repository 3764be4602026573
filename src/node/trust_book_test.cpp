#include "node/trust_book.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "journal/journal.h"
#include "policy/charter_trust.h"

namespace bongsu::node {
namespace {

struct World {
  crypto::SigningKey sponsor = *crypto::make_signing_key(), lt = *crypto::make_signing_key(),
                     ua = *crypto::make_signing_key();
  Instant issued{1'800'000'000, 0}, now{1'800'000'100, 0};

  static std::string hex(const crypto::SigningKey& key) { return to_hex(as_bytes(key.public_key)); }
  policy::Charter first() const {
    policy::Charter c;
    c.id = "baltic";
    c.title = "Baltic";
    c.issued = issued;
    c.expires = issued + std::chrono::hours{24 * 365};
    c.sponsors = {{.nation = "lt", .title = "Ministry", .keys = {hex(sponsor)}}};
    for (const auto& [id, key, fill] : {std::tuple{"cert-lt", &lt, 'a'}, {"cert-ua", &ua, 'b'}}) {
      policy::CharterApplication a;
      a.charter = c.id;
      a.member = id;
      a.nation = std::string(id).substr(5);
      a.title = id;
      a.ca_fingerprint = std::string(64, fill);
      const auto applied = policy::apply_for_membership(std::move(a), *key);
      EXPECT_TRUE(applied);
      const auto admitted = policy::admit_member(c, *applied, {}, 0, {});
      EXPECT_TRUE(admitted) << admitted.error().text();
    }
    return c;
  }
  policy::SignedCharter sign(const policy::Charter& charter) const {
    policy::SignedCharter out{.charter = charter, .signatures = {}};
    EXPECT_TRUE(policy::sign_charter(out, sponsor));
    return out;
  }
  policy::SignedMemorandum agreement() const {
    policy::Memorandum m;
    m.id = "6f6d2c1e-97a4-4a5f-8b7e-6a5a3a0c1d22";
    m.title = "Energy";
    m.charter = "baltic";
    m.parties = {"cert-lt", "cert-ua"};
    m.valid_from = issued;
    m.valid_until = issued + std::chrono::hours{24 * 100};
    auto out = *policy::unsigned_memorandum(policy::to_toml(m), "m");
    EXPECT_TRUE(policy::sign_memorandum(out, "cert-lt", lt));
    EXPECT_TRUE(policy::sign_memorandum(out, "cert-ua", ua));
    return out;
  }
};

void commit(journal::Journal& journal, TrustBook& book, TrustBook::Change change) {
  journal::Batch batch;
  batch.states = change.states;
  ASSERT_TRUE(journal.append(batch));
  book.take(std::move(change));
}

TEST(TrustBook, KeepsWhatItTrustsOverARestart) {
  World w;
  const FakeClock clock;
  SeededRandom random(7);
  const auto journal = journal::make_memory_journal(clock, random);
  TrustBook book = *TrustBook::load(*journal);
  EXPECT_FALSE(book.charter());
  const policy::SignedCharter v1 = w.sign(w.first());
  EXPECT_EQ(book.put(w.agreement(), "cert-lt").error().where.field, "charter");
  EXPECT_EQ(book.accept(std::vector{v1}, "", w.now).error().where.field, "pin");
  EXPECT_EQ(book.accept(std::vector{v1}, std::string(64, '0'), w.now).error().where.field, "pin");
  EXPECT_FALSE(book.charter()) << "a refusal changes nothing";
  auto accepted = book.accept(std::vector{v1}, v1.charter.digest(), w.now);
  ASSERT_TRUE(accepted) << accepted.error().text();
  commit(*journal, book, std::move(*accepted));
  policy::SignedMemorandum with_junk = w.agreement();
  ASSERT_TRUE(policy::sign_memorandum(with_junk, "cert-ua", w.sponsor));
  auto put = book.put(with_junk, "cert-lt");
  ASSERT_TRUE(put) << put.error().text();
  commit(*journal, book, std::move(*put));
  EXPECT_EQ(book.agreements().front(), w.agreement()) << "without what a stranger signed";
  EXPECT_TRUE(book.put(w.agreement(), "cert-lt")->states.empty()) << "known already: nothing is written";
  EXPECT_EQ(book.put(w.agreement(), "cert-ee").error().where.field, "party");

  policy::Charter c2 = policy::next_version(v1.charter, w.now, v1.charter.expires);
  auto second = book.accept(std::vector{w.sign(c2)}, "", w.now);
  ASSERT_TRUE(second) << second.error().text();
  commit(*journal, book, std::move(*second));
  commit(*journal, book, book.saw(w.now + std::chrono::hours{5}));

  const auto again = TrustBook::load(*journal);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->charter(), book.charter());
  EXPECT_EQ(again->charter()->charter().version, 2);
  EXPECT_EQ(again->agreements(), book.agreements());
  EXPECT_EQ(again->accept(std::vector{v1}, v1.charter.digest(), w.now + std::chrono::hours{5}).error().where.field,
            "roll-back");
  EXPECT_EQ(again->charter()->in_force(w.now).error().where.field, "clock")
      << "what was seen is not forgotten by a restart";
  EXPECT_EQ(TrustBook::versions(*journal, 0, 10)->size(), 2u);
  EXPECT_EQ(TrustBook::versions(*journal, 1, 10)->front().charter, c2);
  EXPECT_EQ(TrustBook::versions(*journal, 0, 1)->front().charter, v1.charter);

  journal::Batch broken;
  broken.states.push_back({.space = "charter", .key = "trusted", .value = "{}"});
  ASSERT_TRUE(journal->append(broken));
  EXPECT_EQ(TrustBook::load(*journal).error().code, ErrorCode::kCorrupt);
}

TEST(TrustBook, KnowsFormerKeysWithTheirEndAndWhoseAnIdentityIs) {
  World w;
  const FakeClock clock;
  SeededRandom random(7);
  const auto journal = journal::make_memory_journal(clock, random);
  TrustBook book = *TrustBook::load(*journal);
  const policy::SignedCharter v1 = w.sign(w.first());
  commit(*journal, book, *book.accept(std::vector{v1}, v1.charter.digest(), w.now));
  ASSERT_EQ(book.keys_of("cert-ua").size(), 1u);
  EXPECT_TRUE(book.keys_of("cert-xx").empty());

  const std::string identity = "identity--5d7f0a51-6a8e-4c55-9c0e-3b2f4f2c6a10", old = World::hex(w.ua);
  const crypto::SigningKey fresh = *crypto::make_signing_key();
  policy::Charter c2 = policy::next_version(v1.charter, w.now, v1.charter.expires);
  policy::CharterApplication renewal{.charter = "baltic",
                                     .member = "cert-ua",
                                     .nation = "ua",
                                     .title = "cert-ua",
                                     .ca_fingerprint = std::string(64, 'b'),
                                     .identity = "identity--x",
                                     .keys = {},
                                     .proofs = {},
                                     .invitation = std::nullopt};
  EXPECT_EQ(policy::apply_for_membership(renewal, fresh).error().where.field, "identity") << "it is no id of one";
  renewal.identity = identity;
  auto changed = *policy::apply_for_membership(renewal, fresh);
  changed.identity = "identity--5d7f0a51-6a8e-4c55-9c0e-3b2f4f2c6a11";
  EXPECT_FALSE(policy::admit_member(c2, changed, {}, 0, {})) << "the member proves which identity it means";
  const auto admitted = policy::admit_member(c2, *policy::apply_for_membership(renewal, fresh), {}, 0, {});
  ASSERT_TRUE(admitted) << admitted.error().text();
  commit(*journal, book, *book.accept(std::vector{w.sign(c2)}, "", w.now));
  const TrustBook again = *TrustBook::load(*journal);
  for (const TrustBook* one : {&std::as_const(book), &again}) {
    const auto keys = one->keys_of("cert-ua");
    ASSERT_EQ(keys.size(), 2u);
    EXPECT_EQ(keys[0].key, old);
    EXPECT_EQ(keys[0].until, c2.issued);
    EXPECT_EQ(keys[1].key, World::hex(fresh));
    EXPECT_EQ(keys[1].until, std::nullopt);
    EXPECT_EQ(one->owner_of(identity), "cert-ua");
    EXPECT_EQ(one->owner_of("identity--5d7f0a51-6a8e-4c55-9c0e-3b2f4f2c6a11"), std::nullopt);
    EXPECT_EQ(one->owner_of(""), std::nullopt);
  }
}

}  // namespace
}  // namespace bongsu::node
