#include "detect/tar.h"

#include <algorithm>
#include <cstring>

namespace bongsu::detect {
namespace {

constexpr std::size_t kBlock = 512;

Result<bool> read_exactly(telemetry::ByteSource& source, char* out, std::size_t size) {
  std::size_t got = 0;
  while (got < size) {
    BONGSU_TRY(const std::size_t n, source.read(out + got, size - got));
    if (n == 0) {
      if (got == 0) return false;
      return fail(ErrorCode::kCorrupt, "the tar archive ends in the middle");
    }
    got += n;
  }
  return true;
}

std::uint64_t octal(const char* field, std::size_t size) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < size && field[i] != '\0'; ++i) {
    if (field[i] == ' ') continue;
    if (field[i] < '0' || field[i] > '7') return UINT64_MAX;
    out = out << 3 | static_cast<std::uint64_t>(field[i] - '0');
  }
  return out;
}

std::string field_text(const char* field, std::size_t size) { return {field, strnlen(field, size)}; }

// "27 path=some/long/name\n" records of a pax header.
std::string pax_path(std::string_view records) {
  const std::size_t at = records.find(" path=");
  if (at == records.npos) return {};
  const std::size_t begin = at + 6;
  return std::string(records.substr(begin, records.find('\n', begin) - begin));
}

}  // namespace

Result<void> read_tar(telemetry::ByteSource& source, const std::function<bool(std::string, std::string)>& each) {
  char header[kBlock];
  std::string long_name;
  while (true) {
    BONGSU_TRY(const bool more, read_exactly(source, header, kBlock));
    if (!more || header[0] == '\0') return {};
    if (std::memcmp(header + 257, "ustar", 5) != 0) return fail(ErrorCode::kCorrupt, "not a tar archive");
    const std::uint64_t size = octal(header + 124, 12);
    if (size > kMaxTarMember) return fail(ErrorCode::kTooLarge, "a file in the tar archive is too large");
    std::string content((size + kBlock - 1) / kBlock * kBlock, '\0');
    if (!content.empty()) {
      BONGSU_TRY(const bool whole, read_exactly(source, content.data(), content.size()));
      if (!whole) return fail(ErrorCode::kCorrupt, "the tar archive ends in the middle");
    }
    content.resize(size);
    const char type = header[156];
    if (type == 'x') {
      long_name = pax_path(content);
    } else if (type == 'L') {
      long_name = content.c_str();
    } else {
      std::string name = long_name;
      if (name.empty()) {
        const std::string prefix = field_text(header + 345, 155);
        name = field_text(header, 100);
        if (!prefix.empty()) name = prefix + "/" + name;
      }
      long_name.clear();
      if ((type == '0' || type == '\0') && !each(std::move(name), std::move(content))) return {};
    }
  }
}

}  // namespace bongsu::detect
