#include "cli/signed_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
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

std::string reserved(const std::string& file) { return file + ".part"; }
std::unexpected<Error> unwritable(const std::string& file, int error) {
  return fail(error == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo,
              std::string("cannot be written: ") + std::strerror(error), {.source = file});
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

Result<ReservedFile> ReservedFile::make(const std::string& file, std::size_t most) {
  if (file == "-") return ReservedFile(file, -1);
  std::error_code ec;
  if (std::filesystem::is_directory(file, ec)) return unwritable(file, EISDIR);
  ReservedFile out(file, ::open(reserved(file).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (out.fd_ < 0) return unwritable(file, errno);
  if (const int error = ::posix_fallocate(out.fd_, 0, static_cast<off_t>(std::max<std::size_t>(most, 1)));
      error == ENOSPC || error == EFBIG || error == EDQUOT)
    return unwritable(file, error);
  return out;
}

ReservedFile::~ReservedFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(reserved(file_).c_str());
}

Result<void> ReservedFile::keep(std::string_view text, std::FILE* out) {
  if (fd_ < 0) return write_document(file_, text, out);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::pwrite(fd_, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unwritable(file_, errno);
    done += static_cast<std::size_t>(n);
  }
  if (::ftruncate(fd_, static_cast<off_t>(text.size())) != 0 || ::fsync(fd_) != 0 ||
      ::rename(reserved(file_).c_str(), file_.c_str()) != 0)
    return unwritable(file_, errno);
  ::close(std::exchange(fd_, -1));
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
