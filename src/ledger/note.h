// Signed notes (C2SP signed-note), cosignatures (C2SP tlog-cosignature, cosignature/v1), and the keys that are trusted for them.
//
//   BONGSU_TRY(const auto note, Note::parse(text));
//   BONGSU_TRY(const auto by, note.verify(trusted));        // who of the trusted signed it, each signature checked
//   note.signatures.push_back(sign_note(note.text, name, key));
//
// Only Ed25519: signature types 0x01 (the log) and 0x04 (a witness).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace bongsu::ledger {

inline constexpr std::size_t kMaxNoteBytes = 64 * 1024;
inline constexpr std::size_t kMaxSignatures = 64;  // signed-note: at least 16 must be accepted
inline constexpr std::size_t kMaxKeyNameBytes = 255;

enum class SignatureType : std::uint8_t { kEd25519 = 0x01, kCosignature = 0x04 };

// A name and key that somebody decided to trust: "name+hex(key id)+base64(type ‖ key)".
struct VerifierKey {
  std::string name;
  SignatureType type = SignatureType::kEd25519;
  std::string public_key;  // 32 raw bytes

  std::uint32_t id() const;  // SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]
  std::string text() const;
  static Result<VerifierKey> parse(std::string_view text);
  bool operator==(const VerifierKey&) const = default;
};

// Not empty, no Unicode spaces, no plus, UTF-8, no control characters.
bool is_key_name(std::string_view name);

struct NoteSignature {
  std::string name;
  std::uint32_t id = 0;
  std::string bytes;  // without the key id

  std::string line() const;  // "— name base64\n"
  // One such line with its newline. kInvalid.
  static Result<NoteSignature> parse(std::string_view line);
  bool operator==(const NoteSignature&) const = default;
};

// What a valid signature says.
struct Signed {
  std::string name;
  SignatureType type = SignatureType::kEd25519;
  std::uint64_t time = 0;  // of a cosignature: seconds since 1970
};

struct Note {
  std::string text;  // ends with a newline; without the blank line
  std::vector<NoteSignature> signatures;

  std::string whole() const;
  // kInvalid with line and reason, kTooLarge. Nothing is verified.
  static Result<Note> parse(std::string_view whole);
  // Who of `trusted` signed. A signature that names a trusted key and does not verify makes the note worthless: kDenied. So does
  // the absence of any: kDenied. Others are ignored.
  Result<std::vector<Signed>> verify(std::span<const VerifierKey> trusted) const;
};

Result<NoteSignature> sign_note(std::string_view text, const std::string& name, const crypto::SigningKey& key);
// "cosignature/v1\ntime N\n" ‖ text
Result<NoteSignature> cosign_note(std::string_view text, const std::string& name, const crypto::SigningKey& key,
                                  std::uint64_t time);

}  // namespace bongsu::ledger
