// Structured logs: one line of JSON an event, on standard error. Secrets never go in: fields are named by the caller and
// `log` has no way to print a whole request or key.
//
//   log.info("link.connected", {{"member", "cert-lt"}, {"delay_ms", "12"}});
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace bongsu {

using LogField = std::pair<std::string_view, std::string_view>;
enum class LogLevel { kDebug, kInfo, kWarn, kError };

// Safe from any thread.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) = 0;

  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) { write(LogLevel::kDebug, event, fields); }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) { write(LogLevel::kInfo, event, fields); }
  void warn(std::string_view event, std::initializer_list<LogField> fields = {}) { write(LogLevel::kWarn, event, fields); }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) { write(LogLevel::kError, event, fields); }
};

// JSON lines on standard error (spdlog behind it): {"time":…,"level":…,"event":…,<fields>}.
std::unique_ptr<Log> make_stderr_log(LogLevel least);
// Drops everything.
std::unique_ptr<Log> make_null_log();

}  // namespace bongsu
