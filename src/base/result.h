// Results and errors: how every fallible function of Bongsu answers.
//
//   Result<Port> parse_port(std::string_view text) {
//     ...
//     return fail(ErrorCode::kInvalid, "a port is a number from 0 to 65535", {.field = "listen"});
//   }
//
//   Result<void> open(std::string_view text) {
//     BONGSU_TRY(Port port, parse_port(text));   // returns the error, or binds the value
//     BONGSU_TRY_VOID(bind(port));
//     return {};
//   }
//
// Exceptions of libraries stop in the module that uses the library. Broken invariants of our own abort
// (BONGSU_CHECK); input from outside never does.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace bongsu {

enum class ErrorCode : std::uint8_t {
  kInvalid,          // the input breaks a rule that the message names
  kNotFound,         // no such thing, or not one that the caller may know of
  kDenied,           // known caller, not permitted
  kUnauthenticated,  // unknown caller
  kConflict,         // the state changed meanwhile, or the name is taken
  kTooLarge,         // a named limit was exceeded
  kUnsupported,      // well-formed, but not something this program does
  kUnavailable,      // a peer or a part is not there now; try again later
  kTimeout,          // a deadline passed
  kCancelled,        // stopped on request
  kIo,               // the operating system refused
  kNoSpace,          // the disk is full
  kCorrupt,          // stored data fails its check
  kInternal,         // a fault of ours
};

// The code's name in lower case, as it stands in JSON output: "invalid", "not_found", …
std::string_view to_string(ErrorCode code);

// Where something was wrong. Empty parts are not known.
struct Where {
  std::string source;        // file, URL, member or stream
  std::uint64_t line = 0;    // 1-based; 0 = unknown
  std::uint64_t offset = 0;  // bytes from the beginning of the source or line; meaningful when has_offset
  bool has_offset = false;
  std::string field;         // property, key or path in the source's own notation
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // a sentence for a person
  Where where;

  // "feed.json:12: objects[3].pattern: a sentence for a person"
  std::string text() const;
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] std::unexpected<Error> fail(ErrorCode code, std::string message, Where where = {});

[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace bongsu

#define BONGSU_CONCAT_(a, b) a##b
#define BONGSU_CONCAT(a, b) BONGSU_CONCAT_(a, b)
#define BONGSU_TRY_(tmp, declaration, ...)                     \
  auto tmp = (__VA_ARGS__);                                    \
  if (!tmp) return std::unexpected(std::move(tmp).error());    \
  declaration = std::move(*tmp)
// BONGSU_TRY(auto value, expression): returns the error or binds the value.
#define BONGSU_TRY(declaration, ...) BONGSU_TRY_(BONGSU_CONCAT(bongsu_try_, __LINE__), declaration, __VA_ARGS__)
#define BONGSU_TRY_VOID(...)                                                                  \
  do {                                                                                        \
    if (auto bongsu_try_r = (__VA_ARGS__); !bongsu_try_r)                                     \
      return std::unexpected(std::move(bongsu_try_r).error());                                \
  } while (false)
// For invariants of our own; never for input.
#define BONGSU_CHECK(expression) \
  ((expression) ? static_cast<void>(0) : ::bongsu::check_failed(#expression, __FILE__, __LINE__))
