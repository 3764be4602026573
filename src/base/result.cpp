#include "base/result.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace bongsu {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return "invalid";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kDenied: return "denied";
    case ErrorCode::kUnauthenticated: return "unauthenticated";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kTooLarge: return "too_large";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kNoSpace: return "no_space";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

std::string Error::text() const {
  std::string out = where.source;
  if (where.line != 0) out += fmt::format("{}{}", out.empty() ? "line " : ":", where.line);
  if (where.has_offset) out += fmt::format("{}{}", out.empty() ? "offset " : " at offset ", where.offset);
  if (!where.field.empty()) out += (out.empty() ? "" : ": ") + where.field;
  if (!out.empty()) out += ": ";
  return out + message;
}

std::unexpected<Error> fail(ErrorCode code, std::string message, Where where) {
  return std::unexpected(Error{code, std::move(message), std::move(where)});
}

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "bongsu: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace bongsu
