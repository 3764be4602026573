#include "crypto/prekey.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/bytes.h"
#include "base/json.h"

namespace bongsu::crypto {
namespace {

using namespace std::chrono_literals;

struct Prekeys : testing::Test {
  SeededRandom random{1};
  Instant now{1'800'000'000, 0};
  Key256 master = fresh_key(random);
  SigningKey signing = make_signing_key().value();
  std::shared_ptr<const Signer> signer = open_signer(signing).value();
  PrekeyBook book{"cert-lt", master};

  std::string document(std::string_view reader = "cert-ua") {
    return book.issue(reader, now, random).value().sign(*signer).value();
  }
  Result<PrekeyBundle> read(std::string_view text, std::string_view reader = "cert-ua") {
    return PrekeyBundle::read(text, signing.public_key, "cert-lt", reader, now);
  }
};

TEST_F(Prekeys, ABundleIsReadAsItWasSignedAndByItsReaderOnly) {
  const std::string text = document();
  const PrekeyBundle bundle = read(text).value();
  EXPECT_EQ(bundle.one_time.size(), kOneTimePerReader);
  EXPECT_FALSE(bundle.last_resort.one_time);
  EXPECT_EQ(bundle.last_resort.expires, now + kLastResortLifetime);
  EXPECT_EQ(read(text, "cert-ee").error().code, ErrorCode::kDenied);
  EXPECT_EQ(PrekeyBundle::read(text, signing.public_key, "cert-lv", "cert-ua", now).error().code, ErrorCode::kDenied);
  EXPECT_EQ(PrekeyBundle::read(text, make_signing_key().value().public_key, "cert-lt", "cert-ua", now).error().code,
            ErrorCode::kDenied);
  EXPECT_EQ(PrekeyBundle::read(text, signing.public_key, "cert-lt", "cert-ua", now - 1h).error().code,
            ErrorCode::kInvalid)
      << "issued in the future";
  EXPECT_EQ(PrekeyBundle::read(text, signing.public_key, "cert-lt", "cert-ua", now + kOneTimeLifetime).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(Prekeys, AnyChangedValueOfABundleIsRefused) {
  const std::string text = document();
  // Each byte of the first two keys and of everything that is no key, with another one in its place.
  for (std::size_t i = 0; i < text.size(); i += i < 600 ? 1 : 37) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(read(changed)) << i << ": " << changed.substr(i > 20 ? i - 20 : 0, 40);
  }
  EXPECT_FALSE(read(text.substr(0, text.size() - 1)));
  EXPECT_EQ(read(std::string(kMaxBundleBytes + 1, ' ')).error().code, ErrorCode::kTooLarge);
}

// What a member may sign all the same: form and limits are the reader's to check.
TEST_F(Prekeys, SignedNonsenseIsRefusedWithItsField) {
  const Json good = parse_json(document()).value().at("signed");
  const struct {
    std::function<void(JsonObject&)> spoil;
    std::string field;
    ErrorCode code;
  } kBad[] = {
      {[](JsonObject& o) { o.erase("issued"); }, "issued", ErrorCode::kInvalid},
      {[](JsonObject& o) { o.erase("last_resort"); }, "last_resort", ErrorCode::kInvalid},
      {[](JsonObject& o) { o["one_time"] = 1; }, "one_time", ErrorCode::kInvalid},
      {[](JsonObject& o) { o["one_time"].as_array().push_back(o["one_time"].as_array()[0]); }, "one_time",
       ErrorCode::kTooLarge},
      {[](JsonObject& o) { o["one_time"].as_array()[1] = o["one_time"].as_array()[0]; }, "one_time[1]",
       ErrorCode::kInvalid},
      {[](JsonObject& o) { o["one_time"].as_array()[0].as_object()["key"] = "AAAA"; }, "one_time[0].key",
       ErrorCode::kInvalid},
      {[](JsonObject& o) { o["last_resort"].as_object()["id"] = "0000000000000000"; }, "last_resort.id",
       ErrorCode::kInvalid},
      {[](JsonObject& o) { o["last_resort"].as_object()["expires"] = "soon"; }, "expires", ErrorCode::kInvalid},
  };
  for (const auto& bad : kBad) {
    JsonObject content = good.as_object();
    bad.spoil(content);
    const std::string signature =
        signer->sign(std::string(kPrekeyContext) + to_canonical_text(content).value()).value();
    const auto got = read(to_text(JsonObject{{"signed", content}, {"signature", to_base64url(as_bytes(signature))}}));
    ASSERT_FALSE(got) << bad.field;
    EXPECT_EQ(got.error().code, bad.code) << bad.field;
    EXPECT_EQ(got.error().where.field, bad.field);
  }
}

TEST_F(Prekeys, AOneTimeKeyOpensForItsSenderOnceAndALastResortUntilItExpires) {
  const PrekeyBundle bundle = read(document()).value();
  const PublicPrekey& one = bundle.one_time[0];
  EXPECT_EQ(book.find(one.id, "cert-ua", now).value().public_key, one.public_key);
  EXPECT_EQ(book.find(one.id, "cert-ee", now).error().code, ErrorCode::kDenied);
  book.consume(one.id);
  EXPECT_EQ(book.find(one.id, "cert-ua", now).error().code, ErrorCode::kNotFound);
  book.consume(bundle.last_resort.id);
  EXPECT_TRUE(book.find(bundle.last_resort.id, "cert-ua", now));
  EXPECT_TRUE(book.find(bundle.last_resort.id, "cert-ua", bundle.last_resort.expires + 1h)) << "a courier is late";
  now = bundle.last_resort.expires + kPrekeyGrace;
  EXPECT_EQ(book.find(bundle.last_resort.id, "cert-ua", now).error().code, ErrorCode::kNotFound);
  book.sweep(now);
  EXPECT_EQ(book.find(bundle.last_resort.id, "cert-ua", now - 1h).error().code, ErrorCode::kNotFound) << "destroyed";
}

TEST_F(Prekeys, KeysAreToppedUpAndTheLastResortRotates) {
  const PrekeyBundle first = read(document()).value();
  const PrekeyBundle same = read(document()).value();
  EXPECT_EQ(same.last_resort.id, first.last_resort.id);
  EXPECT_EQ(book.size(), kOneTimePerReader + 1) << "asking again makes nothing new";
  for (int i = 0; i < 10; ++i) book.consume(first.one_time[static_cast<std::size_t>(i)].id);
  EXPECT_EQ(read(document()).value().one_time.size(), kOneTimePerReader);
  now = now + kLastResortRotation;
  const PrekeyBundle later = read(document()).value();
  EXPECT_NE(later.last_resort.id, first.last_resort.id);
  EXPECT_TRUE(book.find(first.last_resort.id, "cert-ua", now)) << "what is under way still opens";
  book.forget("cert-ua");
  EXPECT_EQ(book.size(), 0u);
}

TEST_F(Prekeys, AReaderThatLostItsKeysGetsNewOnesWithinABound) {
  std::set<std::string> shown;
  for (int i = 0; i < 6; ++i) {
    const PrekeyBundle bundle = book.issue("cert-ua", now, random, kOneTimePerReader).value();
    EXPECT_EQ(bundle.one_time.size(), kOneTimePerReader);
    for (const auto& key : bundle.one_time) EXPECT_TRUE(shown.insert(key.id).second) << "the newest are shown";
    EXPECT_LE(book.size(), kMostOneTimePerReader + 1);
  }
  EXPECT_EQ(book.issue("cert-ua", now, random).value().one_time.size(), kOneTimePerReader);
}

TEST_F(Prekeys, ReadersAreBounded) {
  for (std::size_t i = 0; i < kMaxPrekeyReaders; ++i) ASSERT_TRUE(book.issue("m" + std::to_string(i), now, random));
  EXPECT_EQ(book.issue("one-more", now, random).error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(book.issue("m0", now, random)) << "those who have keys already get more";
  book.forget("m1");
  EXPECT_TRUE(book.issue("one-more", now, random));
}

TEST_F(Prekeys, WhatIsStoredComesBackUnderTheSameMasterKeyOnly) {
  const PrekeyBundle bundle = read(document()).value();
  std::map<std::string, std::string> store;
  const auto keep = [&] {
    for (auto& change : book.changed(random))
      if (change.value)
        store[change.name] = *change.value;
      else
        store.erase(change.name);
  };
  keep();
  EXPECT_EQ(store.size(), kOneTimePerReader + 1);
  for (const auto& [name, value] : store) {
    const Key256 secret = book.find(name, "cert-ua", now).value().private_key;
    EXPECT_EQ(value.find(to_base64url(secret)), std::string::npos);
    EXPECT_EQ(value.find(to_hex(secret)), std::string::npos);
  }
  book.consume(bundle.one_time[0].id);
  keep();
  EXPECT_FALSE(store.contains(bundle.one_time[0].id)) << "destroyed on disk as well";

  PrekeyBook again("cert-lt", master), other("cert-lt", fresh_key(random));
  for (const auto& [name, value] : store) {
    ASSERT_TRUE(again.load(name, value));
    EXPECT_EQ(other.load(name, value).error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(again.load("0123456789abcdef", value).error().code, ErrorCode::kCorrupt) << "under another name";
  }
  EXPECT_EQ(again.find(bundle.one_time[1].id, "cert-ua", now).value().private_key,
            book.find(bundle.one_time[1].id, "cert-ua", now).value().private_key);
  EXPECT_TRUE(again.changed(random).empty());
  std::string longer = store.begin()->second;
  const auto at = longer.find("cert-ua");
  longer.replace(at, 7, "cert-ee");
  EXPECT_EQ(again.load(store.begin()->first, longer).error().code, ErrorCode::kCorrupt) << "given to another reader";
}

TEST_F(Prekeys, AShelfGivesEachOneTimeKeyOnceAcrossBundlesAndRestarts) {
  PrekeyShelf shelf;
  EXPECT_EQ(shelf.take(now).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(shelf.usable(now));
  ASSERT_TRUE(shelf.put(read(document()).value()));
  std::set<std::string> given;
  for (std::size_t i = 0; i < 10; ++i) {
    const PublicPrekey key = shelf.take(now).value();
    EXPECT_TRUE(key.one_time);
    EXPECT_TRUE(given.insert(key.id).second);
  }
  // The same bundle again (nothing was used up at its owner yet), and a restart.
  ASSERT_TRUE(shelf.put(read(document()).value()));
  shelf = PrekeyShelf::load(shelf.state()).value();
  for (std::size_t i = 10; i < kOneTimePerReader; ++i) EXPECT_TRUE(given.insert(shelf.take(now).value().id).second);
  EXPECT_EQ(shelf.one_time_left(now), 0u);
  const PublicPrekey last = shelf.take(now).value();
  EXPECT_FALSE(last.one_time);
  EXPECT_EQ(shelf.take(now).value().id, last.id);
  EXPECT_EQ(shelf.take(last.expires).error().code, ErrorCode::kUnavailable);
  PrekeyBundle older = read(document()).value();
  older.issued = older.issued - 1s;
  EXPECT_FALSE(shelf.put(older)) << "an older bundle brings nothing back";
  for (const char* const bad : {"", "{}", "[]", R"({"bundle":{},"used":{}})", R"({"bundle":null,"used":{"a":1}})"})
    EXPECT_EQ(PrekeyShelf::load(bad).error().code, ErrorCode::kCorrupt) << bad;
}

}  // namespace
}  // namespace bongsu::crypto
