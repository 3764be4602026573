#include "ledger/note.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "ledger/text_lines.h"

namespace bongsu::ledger {
namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // U+2014, space
constexpr std::size_t kEd25519Bytes = 64;
constexpr std::size_t kKeyBytes = 32;

std::string big_endian(std::uint64_t value, int bytes) {
  std::string out(static_cast<std::size_t>(bytes), '\0');
  for (int i = bytes; i-- > 0; value >>= 8) out[static_cast<std::size_t>(i)] = static_cast<char>(value & 0xff);
  return out;
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

std::string cosigned_text(std::string_view text, std::uint64_t time) {
  return fmt::format("cosignature/v1\ntime {}\n{}", time, text);
}

std::unexpected<Error> invalid(std::string why, std::uint64_t line = 0) {
  return fail(ErrorCode::kInvalid, std::move(why), {.line = line});
}

}  // namespace

bool is_key_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxKeyNameBytes || !is_note_text(name)) return false;
  for (std::size_t at = 0; at < name.size();) {
    const char32_t c = next_code_point(name, at);
    if (c == '\n' || c == '+' || is_unicode_space(c)) return false;
  }
  return true;
}

std::uint32_t VerifierKey::id() const {
  std::string input = name;
  input += '\n';
  input += static_cast<char>(type);
  input += public_key;
  const Sha256 hash = sha256(input);
  return static_cast<std::uint32_t>(read_big_endian(as_text({hash.data(), 4})));
}

std::string VerifierKey::text() const {
  std::string material(1, static_cast<char>(type));
  material += public_key;
  return fmt::format("{}+{:08x}+{}", name, id(), to_base64(as_bytes(material)));
}

Result<VerifierKey> VerifierKey::parse(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos)
    return invalid("a verifier key is name+key id+key, in hexadecimal and base64");
  VerifierKey key;
  key.name = text.substr(0, first);
  if (!is_key_name(key.name)) return invalid("the name of a verifier key has no spaces and no control characters");
  const std::string_view hex = text.substr(first + 1, second - first - 1);
  if (hex.size() != 8) return invalid("the id of a verifier key has eight hexadecimal digits");
  BONGSU_TRY(const std::string id, from_hex(hex));
  BONGSU_TRY(const std::string material, from_base64(text.substr(second + 1)));
  if (material.size() != kKeyBytes + 1) return invalid("an Ed25519 key has 32 bytes behind its type");
  const auto type = static_cast<std::uint8_t>(material[0]);
  if (type != 0x01 && type != 0x04)
    return fail(ErrorCode::kUnsupported,
                fmt::format("signature type {:#04x}; Ed25519 (0x01) and cosignature/v1 (0x04) are known", type));
  key.type = static_cast<SignatureType>(type);
  key.public_key = material.substr(1);
  if (read_big_endian(id) != key.id()) return invalid("the id of a verifier key is not that of its name and key");
  return key;
}

std::string NoteSignature::line() const {
  const std::string body = big_endian(id, 4) + bytes;
  return fmt::format("{}{} {}\n", kDash, name, to_base64(as_bytes(body)));
}

Result<NoteSignature> NoteSignature::parse(std::string_view line) {
  if (!line.ends_with('\n')) return invalid("a signature line ends with a newline");
  line.remove_suffix(1);
  if (!line.starts_with(kDash)) return invalid("a signature line begins with an em dash and a space");
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return invalid("a signature line has a name and a signature");
  NoteSignature signature;
  signature.name = line.substr(0, space);
  if (!is_key_name(signature.name)) return invalid("the key name of a signature has no spaces, plus or control characters");
  BONGSU_TRY(const std::string body, from_base64(line.substr(space + 1)));
  if (body.size() < 5) return invalid("a signature has four bytes of key id, and more");
  signature.id = static_cast<std::uint32_t>(read_big_endian(std::string_view(body).substr(0, 4)));
  signature.bytes = body.substr(4);
  return signature;
}

std::string Note::whole() const {
  std::string out = text + "\n";
  for (const auto& signature : signatures) out += signature.line();
  return out;
}

Result<Note> Note::parse(std::string_view whole) {
  if (whole.size() > kMaxNoteBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a note has at most {} bytes", kMaxNoteBytes));
  if (!is_note_text(whole)) return invalid("a note is UTF-8 without control characters but newline");
  const std::size_t blank = whole.rfind("\n\n");
  if (blank == std::string_view::npos) return invalid("a note has a blank line in front of its signatures");
  Note note;
  note.text = whole.substr(0, blank + 1);
  auto number = static_cast<std::uint64_t>(std::count(note.text.begin(), note.text.end(), '\n') + 1);
  std::string_view rest = whole.substr(blank + 2);
  if (rest.empty()) return invalid("a note has at least one signature", number + 1);
  while (!rest.empty()) {
    ++number;
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return invalid("the last line of a note ends with a newline", number);
    if (note.signatures.size() == kMaxSignatures)
      return fail(ErrorCode::kTooLarge, fmt::format("a note has at most {} signatures", kMaxSignatures));
    auto signature = NoteSignature::parse(rest.substr(0, end + 1));
    if (!signature) {
      signature.error().where.line = number;
      return std::unexpected(signature.error());
    }
    note.signatures.push_back(std::move(*signature));
    rest.remove_prefix(end + 1);
  }
  return note;
}

Result<std::vector<Signed>> Note::verify(std::span<const VerifierKey> trusted) const {
  std::vector<Signed> out;
  for (const auto& signature : signatures) {
    const auto key = std::ranges::find_if(
        trusted, [&](const VerifierKey& k) { return k.name == signature.name && k.id() == signature.id; });
    if (key == trusted.end()) continue;
    Signed by{.name = key->name, .type = key->type};
    bool good = false;
    if (key->type == SignatureType::kEd25519) {
      good = signature.bytes.size() == kEd25519Bytes && crypto::verify(key->public_key, text, signature.bytes);
    } else if (signature.bytes.size() == 8 + kEd25519Bytes) {
      by.time = read_big_endian(std::string_view(signature.bytes).substr(0, 8));
      good = by.time >> 63 == 0 && crypto::verify(key->public_key, cosigned_text(text, by.time),
                                                  std::string_view(signature.bytes).substr(8));
    }
    if (!good)
      return fail(ErrorCode::kDenied, fmt::format("the signature of \"{}\" does not verify", key->name));
    // The same key twice says no more than once.
    if (std::ranges::none_of(out, [&](const Signed& s) { return s.name == by.name && s.type == by.type; }))
      out.push_back(std::move(by));
  }
  if (out.empty()) return fail(ErrorCode::kDenied, "the note is signed by no key that is trusted for it");
  return out;
}

Result<NoteSignature> sign_note(std::string_view text, const std::string& name, const crypto::SigningKey& key) {
  BONGSU_TRY(std::string bytes, crypto::sign(key, text));
  const VerifierKey own{.name = name, .type = SignatureType::kEd25519, .public_key = key.public_key};
  return NoteSignature{.name = name, .id = own.id(), .bytes = std::move(bytes)};
}

Result<NoteSignature> cosign_note(std::string_view text, const std::string& name, const crypto::SigningKey& key,
                                  std::uint64_t time) {
  BONGSU_TRY(const std::string bytes, crypto::sign(key, cosigned_text(text, time)));
  const VerifierKey own{.name = name, .type = SignatureType::kCosignature, .public_key = key.public_key};
  return NoteSignature{.name = name, .id = own.id(), .bytes = big_endian(time, 8) + bytes};
}

}  // namespace bongsu::ledger
