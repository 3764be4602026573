#include "crypto/envelope.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "base/bytes.h"

namespace bongsu::crypto {
namespace {

using namespace std::chrono_literals;

// A member with its keys, as the others and as it itself knows it.
struct Party {
  std::string id;
  SigningKey signing = make_signing_key().value();
  std::shared_ptr<const Signer> signer = open_signer(signing).value();
  X25519Key prekey;
  PublicPrekey shown;
  Party(std::string name, Random& random) : id(std::move(name)), prekey(make_x25519_key(random).value()) {
    shown = {.id = prekey_id(prekey.public_key), .public_key = prekey.public_key};
  }
};

struct Keys final : EnvelopeKeys {
  explicit Keys(const Party& p) : own(p) {}
  const Party& own;
  std::map<std::string, std::string, std::less<>> members;
  std::map<std::string, SharedSecret, std::less<>> secrets;
  std::optional<std::string> signing_key(std::string_view member) override {
    const auto found = members.find(member);
    return found == members.end() ? std::nullopt : std::optional(found->second);
  }
  Result<X25519Key> prekey(std::string_view id, std::string_view) override {
    if (id != own.shown.id) return fail(ErrorCode::kNotFound, "no such prekey");
    return own.prekey;
  }
  std::optional<SharedSecret> secret(std::string_view sender) override {
    const auto found = secrets.find(sender);
    return found == secrets.end() ? std::nullopt : std::optional(found->second);
  }
};

struct Envelopes : testing::Test {
  SeededRandom random{1};
  Instant now{1'800'000'000, 123'000};
  Party ua{"cert-ua", random}, lt{"cert-lt", random}, ee{"cert-ee", random}, mallory{"cert-xx", random};

  SealRequest request() const {
    return {.sender = "cert-ua", .label = "TLP:RED", .content_type = "text/plain", .sealed_at = now};
  }
  Keys keys_of(const Party& party) const {
    Keys keys(party);
    for (const Party* p : {&ua, &lt, &ee, &mallory}) keys.members[p->id] = p->signing.public_key;
    return keys;
  }
  static SealRecipient to(const Party& party) { return {.member = party.id, .prekey = party.shown}; }
  Sealed sealed(std::string_view content, std::vector<SealRecipient> recipients) {
    return seal(request(), content, recipients, *ua.signer, random).value();
  }
  Result<Opened> open(std::string_view file, const Party& party) {
    Keys keys = keys_of(party);
    return open_envelope(file, party.id, keys, now);
  }
};

TEST_F(Envelopes, OpenForEachRecipientAndForNobodyElse) {
  for (const HpkeAead aead : {HpkeAead::kAes256Gcm, HpkeAead::kChaCha20Poly1305})
    for (const std::size_t size : {0u, 1u, 7u, 55u, 56u, 57u, 1000u, 100'000u}) {
      const std::string content(size, 'c');
      SealRequest what = request();
      what.aead = aead;
      const std::vector<SealRecipient> recipients{to(lt), to(ee)};
      const Sealed s = seal(what, content, recipients, *ua.signer, random).value();
      EXPECT_EQ(s.content.size(), padme_length(size + 8) + 16);
      for (const auto& [file, party] : {std::pair(s.for_recipient(0), &lt), std::pair(s.for_recipient(1), &ee),
                                        std::pair(s.together(), &lt), std::pair(s.together(), &ee)}) {
        const auto opened = open(file, *party);
        ASSERT_TRUE(opened) << opened.error().text();
        EXPECT_EQ(opened->content, content);
        EXPECT_EQ(opened->header.sender, "cert-ua");
        EXPECT_EQ(opened->header.label, "TLP:RED");
        EXPECT_EQ(opened->header.sealed_at.micros(), now.micros());
      }
      EXPECT_EQ(open(s.for_recipient(0), ee).error().code, ErrorCode::kNotFound);
      EXPECT_EQ(open(s.together(), mallory).error().code, ErrorCode::kNotFound);
    }
}

TEST_F(Envelopes, TellNothingOfOtherRecipientsAndNotTheExactSize) {
  const Sealed s = sealed("secret words", {to(lt), to(ee)});
  EXPECT_EQ(s.for_recipient(0).find("cert-ee"), std::string::npos);
  EXPECT_EQ(s.for_recipient(0).find(ee.shown.id), std::string::npos);
  EXPECT_EQ(s.for_recipient(0).find("secret words"), std::string::npos);
  EXPECT_EQ(sealed(std::string(9000, 'x'), {to(lt)}).content.size(),
            sealed(std::string(9100, 'x'), {to(lt)}).content.size());
  std::uint64_t last = 0;
  for (std::uint64_t n = 2; n < 100'000; n += 7) {
    const std::uint64_t padded = padme_length(n);
    EXPECT_GE(padded, n);
    EXPECT_LE(padded - n, n / 8 + 1);
    EXPECT_EQ(padme_length(padded), padded);
    EXPECT_GE(padded, last);
    last = padded;
  }
}

TEST_F(Envelopes, EveryFlippedBitIsRefused) {
  const std::string file = sealed("a sentence that matters", {to(lt)}).for_recipient(0);
  ASSERT_TRUE(open(file, lt));
  for (std::size_t i = 0; i < file.size(); ++i)
    for (const int bit : {0, 3, 7}) {
      std::string changed = file;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      ASSERT_FALSE(open(changed, lt)) << "byte " << i << " bit " << bit;
    }
  for (std::size_t length = 0; length < file.size(); ++length) ASSERT_FALSE(open(file.substr(0, length), lt)) << length;
  EXPECT_EQ(open(file + "x", lt).error().code, ErrorCode::kInvalid);
}

std::string one_header(const EnvelopeHeader& h) { return h.part + h.signature + h.encapsulated + h.wrapped; }

// Rewrites a header's recipient, sender or label as its part has them (texts of equal length).
std::string with(std::string part, std::string_view from, std::string_view instead) {
  const auto at = part.find(from);
  EXPECT_NE(at, std::string::npos);
  return part.replace(at, from.size(), instead);
}

TEST_F(Envelopes, TamperingIsRefusedAndNamed) {
  const Sealed s = sealed("to lt and ee", {to(lt), to(ee)});
  const Sealed other = sealed("another content", {to(lt)});
  const EnvelopeHeader h = read_envelope(s.for_recipient(0)).value().headers[0];
  const EnvelopeHeader for_ee = read_envelope(s.for_recipient(1)).value().headers[0];
  const auto build = [](const EnvelopeHeader& header, std::string_view content) {
    return Sealed{.headers = {one_header(header)}, .content = std::string(content)}.for_recipient(0);
  };
  const auto signed_by = [](EnvelopeHeader header, const Party& party) {
    header.signature = party.signer->sign(std::string(kEnvelopeContext) + header.part).value();
    return header;
  };
  const auto changed = [](EnvelopeHeader header, const std::function<void(EnvelopeHeader&)>& change) {
    change(header);
    return header;
  };
  // The one who has the key and signs as himself, but cannot wrap it anew as the sender's.
  const EnvelopeHeader renamed = changed(h, [&](auto& x) { x.part = with(x.part, "cert-ua", "cert-xx"); });
  const EnvelopeHeader relabelled = changed(h, [&](auto& x) { x.part = with(x.part, "TLP:RED", "TLP:GRN"); });
  const EnvelopeHeader readdressed = changed(for_ee, [&](auto& x) {
    x.part = with(x.part, "cert-ee", "cert-lt");
    x.part = with(x.part, ee.shown.id, lt.shown.id);
  });
  const struct {
    const char* what;
    std::string file;
    ErrorCode code;
  } kCases[] = {
      {"another content under the header", build(h, other.content), ErrorCode::kDenied},
      {"a changed label", build(relabelled, s.content), ErrorCode::kDenied},
      {"a changed label, signed by another member in the sender's name",
       build(signed_by(relabelled, mallory), s.content), ErrorCode::kDenied},
      {"passed off as his own by another member", build(signed_by(renamed, mallory), s.content), ErrorCode::kDenied},
      {"replayed to another recipient", build(readdressed, s.content), ErrorCode::kDenied},
      {"replayed to another recipient by the sender, with the first one's wrapped key",
       build(signed_by(readdressed, ua), s.content), ErrorCode::kDenied},
      {"the wrapped key of another header",
       build(changed(h, [&](auto& x) { x.wrapped = for_ee.wrapped, x.encapsulated = for_ee.encapsulated; }), s.content),
       ErrorCode::kDenied},
      {"the signature of another header",
       build(changed(h, [&](auto& x) { x.signature = for_ee.signature; }), s.content), ErrorCode::kDenied},
      {"a header twice", Sealed{.headers = {one_header(h), one_header(h)}, .content = s.content}.together(),
       ErrorCode::kInvalid},
      {"no header", std::string("BSE1\0\0", 6) + std::string(8, '\0'), ErrorCode::kInvalid},
      {"an encapsulated key of small order",
       build(changed(h, [&](auto& x) { x.encapsulated = std::string(32, '\0'); }), s.content), ErrorCode::kDenied},
  };
  for (const auto& c : kCases) {
    const auto opened = open(c.file, lt);
    ASSERT_FALSE(opened) << c.what;
    EXPECT_EQ(opened.error().code, c.code) << c.what << ": " << opened.error().text();
  }
  EXPECT_TRUE(open(build(h, s.content), lt)) << "the table's own tools change nothing by themselves";
}

// One sender, two keys, one ciphertext: the commitment ties the header to one key.
TEST_F(Envelopes, AKeyThatWasNotCommittedToIsRefused) {
  const Sealed s = sealed("text", {to(lt)});
  EnvelopeHeader h = read_envelope(s.for_recipient(0)).value().headers[0];
  // The sender himself wraps another key under a header that he signs.
  const std::string info = "bongsu/envelope/v1 key\n" + h.part + h.signature;
  const HpkeSealed wrapped = hpke_seal({.info = info}, lt.shown.public_key, std::string(32, 'k'), "", random).value();
  h.encapsulated = wrapped.encapsulated;
  h.wrapped = wrapped.ciphertext;
  const auto opened = open(Sealed{.headers = {one_header(h)}, .content = s.content}.for_recipient(0), lt);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("committed"), std::string::npos) << opened.error().text();
}

TEST_F(Envelopes, AnAgreedSecretIsNeededOnBothSides) {
  const SharedSecret secret{.id = "agreement-7", .secret = std::string(32, 's')};
  SealRecipient recipient = to(lt);
  recipient.secret = secret;
  const std::string with_secret =
      seal(request(), "c", std::array{recipient}, *ua.signer, random).value().for_recipient(0);
  const std::string without = sealed("c", {to(lt)}).for_recipient(0);
  Keys keys = keys_of(lt);
  EXPECT_EQ(open_envelope(with_secret, "cert-lt", keys, now).error().code, ErrorCode::kNotFound);
  keys.secrets["cert-ua"] = secret;
  EXPECT_EQ(open_envelope(with_secret, "cert-lt", keys, now).value().content, "c");
  EXPECT_EQ(open_envelope(without, "cert-lt", keys, now).error().code, ErrorCode::kDenied) << "a downgrade";
  keys.secrets["cert-ua"].secret[0] = 'S';
  EXPECT_EQ(open_envelope(with_secret, "cert-lt", keys, now).error().code, ErrorCode::kDenied);
  recipient.secret->secret = "short";
  EXPECT_EQ(seal(request(), "c", std::array{recipient}, *ua.signer, random).error().code, ErrorCode::kInvalid);
}

TEST_F(Envelopes, UnknownSendersAndSealsOfTheFutureAreRefused) {
  const std::string file = sealed("c", {to(lt)}).for_recipient(0);
  Keys keys = keys_of(lt);
  keys.members.erase("cert-ua");
  EXPECT_EQ(open_envelope(file, "cert-lt", keys, now).error().code, ErrorCode::kUnauthenticated);
  keys.members = keys_of(lt).members;
  EXPECT_EQ(open_envelope(file, "cert-lt", keys, now - 1h).error().code, ErrorCode::kDenied);
  EXPECT_TRUE(check_envelope(read_envelope(file)->headers[0], read_envelope(file)->content, ua.signing.public_key))
      << "a relay can check what it cannot read";
}

TEST_F(Envelopes, WhatCannotBeSealedIsSaidBeforeAnythingIsMade) {
  const auto refused = [&](const SealRequest& what, std::vector<SealRecipient> recipients,
                           std::string_view content = "c") {
    const auto made = seal(what, content, recipients, *ua.signer, random);
    return made ? ErrorCode::kInternal : made.error().code;
  };
  SealRequest what = request();
  EXPECT_EQ(refused(what, {}), ErrorCode::kInvalid);
  EXPECT_EQ(refused(what, {to(lt), to(lt)}), ErrorCode::kInvalid);
  EXPECT_EQ(refused(what, {SealRecipient{.member = "Not A Member", .prekey = lt.shown}}), ErrorCode::kInvalid);
  EXPECT_EQ(refused(what, {SealRecipient{.member = "cert-lt", .prekey = {}}}), ErrorCode::kInvalid);
  SealRecipient small = to(lt);
  small.prekey.public_key = std::string(32, '\0');
  EXPECT_EQ(refused(what, {small}), ErrorCode::kInvalid);
  EXPECT_EQ(refused(what, std::vector<SealRecipient>(kMaxEnvelopeRecipients + 1, to(lt))), ErrorCode::kTooLarge);
  what.sender = "";
  EXPECT_EQ(refused(what, {to(lt)}), ErrorCode::kInvalid);
  what = request();
  what.label = "two\nlines";
  EXPECT_EQ(refused(what, {to(lt)}), ErrorCode::kInvalid);
  what.label = std::string(kMaxEnvelopeLabelBytes + 1, 'l');
  EXPECT_EQ(refused(what, {to(lt)}), ErrorCode::kInvalid);
  what = request();
  what.content_type = "";
  EXPECT_EQ(refused(what, {to(lt)}), ErrorCode::kInvalid);
}

}  // namespace
}  // namespace bongsu::crypto
