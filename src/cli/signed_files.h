// What the commands for signed documents have in common: keys in files, documents in files or on standard streams, and
// digests as people read them out.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "crypto/keys.h"

namespace bongsu::cli {

// "-" is standard input.
Result<std::string> read_document(const std::string& file, std::size_t most);
// Whole or not at all, readable by its owner; "-" is `out`.
Result<void> write_document(const std::string& file, std::string_view text, std::FILE* out);

// A place for what can be had only once: made beside FILE, with room for `most` bytes, before it is asked for. What is
// not kept is removed.
class ReservedFile {
 public:
  // "-": nothing is made.
  static Result<ReservedFile> make(const std::string& file, std::size_t most);
  ReservedFile(ReservedFile&& other) noexcept : file_(std::move(other.file_)), fd_(std::exchange(other.fd_, -1)) {}
  ReservedFile& operator=(ReservedFile&&) = delete;
  ~ReservedFile();
  // As write_document().
  Result<void> keep(std::string_view text, std::FILE* out);

 private:
  ReservedFile(std::string file, int fd) : file_(std::move(file)), fd_(fd) {}
  std::string file_;
  int fd_ = -1;
};

// FILE (PKCS#8, 0600) and FILE.pub (hex). kConflict: there is a file already.
Result<crypto::SigningKey> make_key_file(const std::string& file);
// FILE with FILE.pub beside it; also keys/signing.key of a node with signing.pub.
Result<crypto::SigningKey> read_key_file(const std::string& file);

// Is `said` (64 hexadecimal digits, or the forty decimal ones that are read out, with any blanks) this digest? Gives
// the digest; kDenied.
Result<std::string> digest_of(const std::string& digest_hex, std::string_view said);

template <class T>
Result<T> in_file(Result<T> result, const std::string& file) {
  if (!result && result.error().where.source.empty()) result.error().where.source = file;
  return result;
}

// As report(), on a given stream.
int trouble(const Error& error, bool json, std::FILE* err);

}  // namespace bongsu::cli
