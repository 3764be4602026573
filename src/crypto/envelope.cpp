#include "crypto/envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <set>

#include "base/bytes.h"

namespace bongsu::crypto {
namespace {

constexpr std::string_view kKeyContext = "bongsu/envelope/v1 key\n";
constexpr std::string_view kContentContext = "bongsu/envelope/v1 content\n";
constexpr std::string_view kKeySalt = "bongsu/envelope/v1";
constexpr std::uint8_t kFormVersion = 1;
constexpr std::size_t kSignatureBytes = 64, kWrappedBytes = 32 + kHpkeTagBytes;
constexpr std::size_t kTail = kSignatureBytes + kX25519Bytes + kWrappedBytes;  // of a header, behind its part
constexpr std::size_t kMaxShortBytes = 64;                                     // prekey and secret ids
constexpr std::size_t kMaxSealedBytes = kMaxEnvelopeContentBytes + kMaxEnvelopeContentBytes / 8 + 64;

std::string_view text_of(std::span<const std::uint8_t> raw) {
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}
void put_text(std::string& out, std::string_view text, int length_bytes) {
  put_number(out, text.size(), length_bytes);
  out += text;
}

// Takes fields off the front; the first that is not there makes everything after it fail.
class Reader {
 public:
  Reader(std::string_view text, std::size_t base) : rest_(text), size_(text.size()), base_(base) {}
  std::string_view take(std::size_t bytes) {
    if (bytes > rest_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view out = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return out;
  }
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const char c : take(bytes)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string text(std::size_t length_bytes, std::size_t most) {
    const std::uint64_t length = number(length_bytes);
    if (length > most) good_ = false;
    return good_ ? std::string(take(length)) : std::string();
  }
  template <class Array>
  Array array() {
    Array out{};
    const std::string_view raw = take(out.size());
    std::copy(raw.begin(), raw.end(), out.begin());
    return out;
  }
  bool good() const { return good_; }
  bool done() const { return good_ && rest_.empty(); }
  std::uint64_t offset() const { return base_ + size_ - rest_.size(); }

 private:
  std::string_view rest_;
  std::size_t size_, base_;
  bool good_ = true;
};

std::unexpected<Error> broken(std::string what, std::uint64_t offset) {
  return fail(ErrorCode::kInvalid, "not a sealed envelope: " + std::move(what), {.offset = offset, .has_offset = true});
}

bool is_member(std::string_view text) {
  if (text.empty() || text.size() > kMaxEnvelopeMemberBytes || text[0] == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

// One line that can be shown: no control characters. UTF-8 is not looked into; who shows it does.
bool is_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

Result<void> check_request(const SealRequest& request) {
  const auto bad = [](std::string what, std::string field) {
    return fail(ErrorCode::kInvalid, std::move(what), {.field = std::move(field)});
  };
  if (!is_member(request.sender)) return bad("a sender is a member's short name", "sender");
  if (request.label.size() > kMaxEnvelopeLabelBytes || !is_line(request.label))
    return bad(fmt::format("a label is one line of at most {} bytes", kMaxEnvelopeLabelBytes), "label");
  if (request.content_type.empty() || request.content_type.size() > kMaxEnvelopeTypeBytes ||
      !is_line(request.content_type))
    return bad(fmt::format("a content type is one line of 1 to {} bytes", kMaxEnvelopeTypeBytes), "content_type");
  return {};
}

std::string part_of(const EnvelopeHeader& h) {
  std::string out;
  put_number(out, kFormVersion, 1);
  put_number(out, h.with_secret ? 1 : 0, 1);
  put_number(out, static_cast<std::uint16_t>(h.aead), 2);
  put_number(out, static_cast<std::uint64_t>(h.sealed_at.micros()), 8);
  put_text(out, h.sender, 1);
  put_text(out, h.recipient, 1);
  put_text(out, h.prekey, 1);
  put_text(out, h.secret_id, 1);
  put_text(out, h.label, 2);
  put_text(out, h.content_type, 1);
  out += text_of(h.commitment);
  out += text_of(h.content_hash);
  return out;
}

Result<EnvelopeHeader> read_header(std::string_view raw, std::size_t base) {
  if (raw.size() < kTail) return broken("a header is cut off", base);
  EnvelopeHeader h;
  h.part = raw.substr(0, raw.size() - kTail);
  Reader part(h.part, base);
  if (part.number(1) != kFormVersion) return broken("a header of another version", base);
  const std::uint64_t mode = part.number(1);
  const std::uint64_t aead = part.number(2);
  const std::int64_t micros = static_cast<std::int64_t>(part.number(8));
  h.sealed_at = Instant::from_micros(micros);
  h.sender = part.text(1, kMaxEnvelopeMemberBytes);
  h.recipient = part.text(1, kMaxEnvelopeMemberBytes);
  h.prekey = part.text(1, kMaxShortBytes);
  h.secret_id = part.text(1, kMaxShortBytes);
  h.label = part.text(2, kMaxEnvelopeLabelBytes);
  h.content_type = part.text(1, kMaxEnvelopeTypeBytes);
  h.commitment = part.array<Key256>();
  h.content_hash = part.array<Sha256>();
  if (!part.done()) return broken("a header's fields do not fill it", part.offset());
  if (mode > 1 || (aead != 2 && aead != 3)) return broken("a header with an unknown kind of encryption", base);
  h.with_secret = mode == 1;
  h.aead = static_cast<HpkeAead>(aead);
  // What was signed is the text as it stands; only the one way of writing it is taken.
  if (h.with_secret == h.secret_id.empty() || !is_member(h.sender) || !is_member(h.recipient) || !is_line(h.label) ||
      !is_line(h.content_type) || h.content_type.empty() || h.prekey.empty() || !is_line(h.prekey) ||
      !is_line(h.secret_id) || h.sealed_at.micros() != micros)
    return broken("a header's fields are not what they should be", base);
  Reader tail(raw.substr(h.part.size()), base + h.part.size());
  h.signature = tail.take(kSignatureBytes);
  h.encapsulated = tail.take(kX25519Bytes);
  h.wrapped = tail.take(kWrappedBytes);
  return h;
}

struct ContentKeys {
  HpkeContext::Secrets secrets;  // the content's key with the zero nonce
  Key256 commitment{};
};
ContentKeys derive(const Key256& content_key) {
  Key256 prk = hkdf_extract(kKeySalt, text_of(content_key));
  std::string key = hkdf_expand(prk, "content", 32).value(), commitment = hkdf_expand(prk, "commitment", 32).value();
  ContentKeys out;
  std::copy(key.begin(), key.end(), out.secrets.key.begin());
  std::copy(commitment.begin(), commitment.end(), out.commitment.begin());
  wipe(prk);
  wipe(key);
  return out;
}

std::string content_aad(std::string_view sender, std::string_view label, std::string_view type, Instant at) {
  std::string out(kContentContext);
  put_text(out, sender, 1);
  put_text(out, label, 2);
  put_text(out, type, 1);
  put_number(out, static_cast<std::uint64_t>(at.micros()), 8);
  return out;
}

std::string info_of(const EnvelopeHeader& h) { return std::string(kKeyContext) + h.part + h.signature; }

std::string padded(std::string_view content) {
  std::string out;
  out.reserve(padme_length(content.size() + 8));
  put_number(out, content.size(), 8);
  out += content;
  out.resize(padme_length(out.size()), '\0');
  return out;
}

std::string assemble(std::span<const std::string> headers, std::string_view content) {
  std::string out(kEnvelopeMagic);
  put_number(out, headers.size(), 2);
  for (const std::string& header : headers) put_text(out, header, 2);
  put_number(out, content.size(), 8);
  out += content;
  return out;
}

}  // namespace

std::uint64_t padme_length(std::uint64_t length) {
  if (length < 2) return length;
  const int exponent = static_cast<int>(std::bit_width(length)) - 1;
  const int precision = std::bit_width(static_cast<unsigned>(exponent));
  const std::uint64_t mask = (std::uint64_t{1} << std::max(exponent - precision, 0)) - 1;
  return (length + mask) & ~mask;
}

std::string Sealed::for_recipient(std::size_t index) const { return assemble({&headers.at(index), 1}, content); }
std::string Sealed::together() const { return assemble(headers, content); }

Result<Sealed> seal(const SealRequest& request, std::string_view content, std::span<const SealRecipient> recipients,
                    const Signer& signer, Random& random) {
  BONGSU_TRY_VOID(check_request(request));
  if (content.size() > kMaxEnvelopeContentBytes)
    return fail(ErrorCode::kTooLarge, "a sealed envelope holds at most one gigabyte");
  if (recipients.empty()) return fail(ErrorCode::kInvalid, "sealed for nobody", {.field = "recipients"});
  if (recipients.size() > kMaxEnvelopeRecipients)
    return fail(ErrorCode::kTooLarge, fmt::format("an envelope is for at most {} members", kMaxEnvelopeRecipients));
  std::set<std::string_view> seen;
  for (const SealRecipient& recipient : recipients)
    if (!is_member(recipient.member) || !seen.insert(recipient.member).second)
      return fail(ErrorCode::kInvalid,
                  fmt::format("\"{}\" is no member's short name, or stands there twice", recipient.member),
                  {.field = "recipients"});

  Key256 content_key = fresh_key(random);
  ContentKeys keys = derive(content_key);
  Sealed out;
  {
    HpkeContext cipher(request.aead, keys.secrets);
    std::string plain = padded(content);
    auto sealed =
        cipher.seal(plain, content_aad(request.sender, request.label, request.content_type, request.sealed_at));
    wipe(plain);
    wipe(keys.secrets.key);
    if (!sealed) return std::unexpected(sealed.error());
    out.content = std::move(*sealed);
  }
  EnvelopeHeader header{.sender = request.sender,
                        .label = request.label,
                        .content_type = request.content_type,
                        .sealed_at = request.sealed_at,
                        .aead = request.aead,
                        .commitment = keys.commitment,
                        .content_hash = sha256(out.content)};
  out.headers.reserve(recipients.size());
  const auto one = [&](const SealRecipient& recipient) -> Result<std::string> {
    header.recipient = recipient.member;
    header.prekey = recipient.prekey.id;
    header.with_secret = recipient.secret.has_value();
    header.secret_id = recipient.secret ? recipient.secret->id : "";
    if (header.prekey.empty() || header.prekey.size() > kMaxShortBytes || header.secret_id.size() > kMaxShortBytes ||
        !is_line(header.secret_id))
      return fail(ErrorCode::kInvalid, "a prekey or secret has no name, or too long a one");
    header.part = part_of(header);
    BONGSU_TRY(header.signature, signer.sign(std::string(kEnvelopeContext) + header.part));
    if (header.signature.size() != kSignatureBytes)
      return fail(ErrorCode::kInternal, "a signature has another length than Ed25519's");
    const std::string info = info_of(header);
    HpkeParameters parameters{.aead = request.aead, .info = info};
    if (recipient.secret) {
      parameters.psk = recipient.secret->secret;
      parameters.psk_id = recipient.secret->id;
    }
    BONGSU_TRY(const HpkeSealed wrapped,
               hpke_seal(parameters, recipient.prekey.public_key, text_of(content_key), "", random));
    return header.part + header.signature + wrapped.encapsulated + wrapped.ciphertext;
  };
  for (const SealRecipient& recipient : recipients) {
    auto made = one(recipient);
    if (!made) {
      wipe(content_key);
      made.error().where = {.field = recipient.member};
      return std::unexpected(made.error());
    }
    out.headers.push_back(std::move(*made));
  }
  wipe(content_key);
  return out;
}

Result<Envelope> read_envelope(std::string_view file) {
  Reader reader(file, 0);
  if (reader.take(kEnvelopeMagic.size()) != kEnvelopeMagic) return broken("it does not begin like one", 0);
  const std::uint64_t count = reader.number(2);
  if (!reader.good() || count == 0 || count > kMaxEnvelopeRecipients)
    return broken(fmt::format("it has {} recipients", count), reader.offset());
  Envelope envelope;
  std::set<std::string> seen;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t length = reader.number(2);
    const std::size_t at = reader.offset();
    const std::string_view raw = reader.take(length);
    if (!reader.good()) return broken("it ends inside of a header", at);
    BONGSU_TRY(EnvelopeHeader header, read_header(raw, at));
    if (!seen.insert(header.recipient).second) return broken("it has two headers for one member", at);
    envelope.headers.push_back(std::move(header));
  }
  const std::uint64_t length = reader.number(8);
  if (length > kMaxSealedBytes) return fail(ErrorCode::kTooLarge, "a sealed envelope holds at most one gigabyte");
  envelope.content = reader.take(length);
  if (!reader.done()) return broken("its content has another length than it says", reader.offset());
  return envelope;
}

Result<void> check_envelope(const EnvelopeHeader& header, std::string_view content, std::string_view signing_key) {
  if (!verify(signing_key, std::string(kEnvelopeContext) + header.part, header.signature))
    return fail(ErrorCode::kDenied, fmt::format("the envelope is not signed by {}", header.sender));
  if (sha256(content) != header.content_hash)
    return fail(ErrorCode::kDenied, "the envelope's content is not the one that was signed");
  return {};
}

Result<Opened> open_envelope(std::string_view file, std::string_view self, EnvelopeKeys& keys, Instant now) {
  BONGSU_TRY(Envelope envelope, read_envelope(file));
  const auto mine = std::find_if(envelope.headers.begin(), envelope.headers.end(),
                                 [&](const EnvelopeHeader& header) { return header.recipient == self; });
  if (mine == envelope.headers.end())
    return fail(ErrorCode::kNotFound, fmt::format("the envelope is not sealed to {}", self));
  Opened out{.header = std::move(*mine)};
  const EnvelopeHeader& h = out.header;
  const auto signing_key = keys.signing_key(h.sender);
  if (!signing_key)
    return fail(ErrorCode::kUnauthenticated,
                fmt::format("the envelope comes from {}, who is no member here", h.sender));
  BONGSU_TRY_VOID(check_envelope(h, envelope.content, *signing_key));
  if (h.sealed_at > now + kEnvelopeClockSkew)
    return fail(ErrorCode::kDenied, fmt::format("the envelope was sealed in the future ({})", h.sealed_at.text(0)));

  const auto secret = keys.secret(h.sender);
  if (secret && !h.with_secret)
    return fail(ErrorCode::kDenied, fmt::format("{} sealed this without the secret that was agreed", h.sender));
  if (h.with_secret && (!secret || secret->id != h.secret_id))
    return fail(ErrorCode::kNotFound,
                fmt::format("{} sealed this with the agreed secret \"{}\", which is not here", h.sender, h.secret_id));
  BONGSU_TRY(const X25519Key prekey, keys.prekey(h.prekey, h.sender));

  const std::string info = info_of(h);
  HpkeParameters parameters{.aead = h.aead, .info = info};
  if (secret) {
    parameters.psk = secret->secret;
    parameters.psk_id = secret->id;
  }
  auto unwrapped = hpke_open(parameters, prekey, h.encapsulated, h.wrapped, "");
  if (!unwrapped || unwrapped->size() != 32)
    return fail(ErrorCode::kDenied, "the envelope's key was not wrapped to us under this header");
  Key256 content_key{};
  std::copy(unwrapped->begin(), unwrapped->end(), content_key.begin());
  wipe(*unwrapped);
  ContentKeys derived = derive(content_key);
  wipe(content_key);
  if (!equal_constant_time(text_of(derived.commitment), text_of(h.commitment))) {
    wipe(derived.secrets.key);
    return fail(ErrorCode::kDenied, "the envelope's key is not the one that was committed to");
  }
  HpkeContext cipher(h.aead, derived.secrets);
  wipe(derived.secrets.key);
  auto plain = cipher.open(envelope.content, content_aad(h.sender, h.label, h.content_type, h.sealed_at));
  if (!plain) return fail(ErrorCode::kDenied, "the envelope's content does not open under its key");
  Reader reader(*plain, 0);
  const std::uint64_t length = reader.number(8);
  if (!reader.good() || length > plain->size() - 8 || padme_length(length + 8) != plain->size() ||
      plain->find_first_not_of('\0', 8 + length) != std::string::npos)
    return fail(ErrorCode::kDenied, "the envelope's content is not padded as it should be");
  plain->erase(8 + length);
  plain->erase(0, 8);
  out.content = std::move(*plain);
  return out;
}

}  // namespace bongsu::crypto
