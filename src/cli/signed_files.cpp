#include "cli/signed_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "node/data_dir.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kMaxKeyFile = 16 * 1024;

std::string public_file(const std::string& file) {
  return file.ends_with(".key") && !std::filesystem::exists(file + ".pub") ? file.substr(0, file.size() - 4) + ".pub"
                                                                           : file + ".pub";
}

}  // namespace

Result<std::string> read_document(const std::string& file, std::size_t most) {
  if (file != "-") return node::read_small_file(file, most);
  std::string out;
  for (int c; (c = std::fgetc(stdin)) != EOF;) {
    if (out.size() >= most)
      return fail(ErrorCode::kTooLarge, fmt::format("has more than {} bytes", most), {.source = "standard input"});
    out += static_cast<char>(c);
  }
  return out;
}

Result<void> write_document(const std::string& file, std::string_view text, std::FILE* out) {
  if (file != "-") return node::write_file_atomically(file, text);
  if (std::fwrite(text.data(), 1, text.size(), out) != text.size() || std::fflush(out) != 0)
    return fail(ErrorCode::kIo, "could not be written whole", {.source = "standard output"});
  return {};
}

Result<crypto::SigningKey> make_key_file(const std::string& file) {
  std::error_code ec;
  if (std::filesystem::exists(file, ec))
    return fail(ErrorCode::kConflict, "is there already: a key is never overwritten", {.source = file});
  BONGSU_TRY(crypto::SigningKey key, crypto::make_signing_key());
  BONGSU_TRY_VOID(node::write_file_atomically(file, key.private_key_pem));
  BONGSU_TRY_VOID(node::write_file_atomically(file + ".pub", to_hex(as_bytes(key.public_key)) + "\n"));
  return key;
}

Result<crypto::SigningKey> read_key_file(const std::string& file) {
  crypto::SigningKey key;
  BONGSU_TRY(key.private_key_pem, node::read_small_file(file, kMaxKeyFile));
  BONGSU_TRY(const std::string text, node::read_small_file(public_file(file), kMaxKeyFile));
  BONGSU_TRY(key.public_key, in_file(from_hex(trim(text)), public_file(file)));
  // The two belong together: a signature under another key's name would be found out only by those who get it.
  constexpr std::string_view kTry = "bongsu/key-check/v1\n";
  BONGSU_TRY(const std::string signature, in_file(crypto::sign(key, kTry), file));
  if (!crypto::verify(key.public_key, kTry, signature))
    return fail(ErrorCode::kInvalid, "is not the public key of the private one beside it",
                {.source = public_file(file)});
  return key;
}

Result<std::string> digest_of(const std::string& digest_hex, std::string_view said) {
  std::string bare;
  for (const char c : said)
    if (static_cast<unsigned char>(c) > ' ' && c != '-') bare += lower(c);
  std::string spoken;
  for (const char c : crypto::spoken_fingerprint(digest_hex))
    if (is_digit(c)) spoken += c;
  if (bare == digest_hex || bare == spoken) return digest_hex;
  return fail(ErrorCode::kDenied,
              fmt::format("pin: the digest of this charter is {} ({}), not what was given", digest_hex,
                          crypto::spoken_fingerprint(digest_hex)),
              {.field = "digest"});
}

int trouble(const Error& error, bool json, std::FILE* err) {
  if (json)
    fmt::print(err, "{}\n", to_text(JsonObject{{"error", to_string(error.code)}, {"message", error.text()}}));
  else
    fmt::print(err, "bongsu: {}\n", for_terminal(error.text()));
  return kExitTrouble;
}

}  // namespace bongsu::cli
