// YARA over files and over fields of events. One a thread, the set inside shared.
//
//   YaraMatcher matcher(set);
//   std::vector<YaraHit> hits;
//   if (const auto scanned = matcher.scan_file("/srv/upload/a.exe", hits); !scanned) …   // too large, too slow, no
//   file matcher.match(event, hits);                       // hit.field says where
//
// Files: regular ones only, read into memory (a file that changes or shrinks meanwhile cannot hurt), at most
// `max_file_bytes`. The variables of the rules: filename, filepath (with the name), extension (".exe", lower case),
// filetype (of the first bytes: EXE, ELF, MACH-O, PDF, RTF, ZIP, MDMP; else empty), owner (the user's number).
//
// Fields: those of the role "text" of the field map (command lines, ScriptBlockText, payloads, messages; in plain text
// the whole line) of at least `min_field_bytes`, the first `max_field_bytes` of each, unescaped. A rule is reported
// once an event, at the first field that it matches. Rules that demand a file (rule_text.h, demands_file) are not
// asked. What was found in a value is remembered, for logs repeat themselves: with thousands of rules a new value costs
// a tenth of a millisecond and more, a known one a microsecond.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "detect/yara/yara_library.h"
#include "detect/yara/yara_set.h"
#include "telemetry/event.h"

namespace bongsu::detect {

struct YaraLimits {
  std::size_t max_file_bytes = 256 * 1024 * 1024;
  std::size_t max_field_bytes = 256 * 1024;
  std::size_t min_field_bytes = 4;  // of shorter ones libyara has no atom to look for
  int file_timeout_seconds = 60;
  int field_timeout_seconds = 1;  // libyara counts in seconds
};

inline constexpr std::uint64_t kMaxYaraTimeouts = 3;        // in one stretch; then its other new values are left out
inline constexpr std::size_t kRememberedFields = 1 << 16;  // without a hit: 16 bytes each
inline constexpr std::size_t kRememberedHits = 4'096;      // values with hits…
inline constexpr std::size_t kRememberedHitsEach = 16;     // …at most so many each

struct YaraCounts {
  std::uint64_t left_out = 0;                  // fields behind too many that were given up
  std::uint64_t files = 0, bytes = 0;        // scanned
  std::uint64_t fields = 0, remembered = 0;  // looked at; of them known from before
  std::uint64_t cut_fields = 0;              // longer than the limit
  std::uint64_t timeouts = 0;                // files and fields that were given up
  std::uint64_t faults = 0;                  // libyara's own errors
  std::uint64_t dropped_hits = 0;            // beyond kMaxYaraHits
  std::uint64_t limited_strings = 0;         // with more matches than libyara counts
};

class YaraMatcher {
 public:
  explicit YaraMatcher(YaraSetPtr set, const YaraLimits& limits = {});

  // Appends hits. kNotFound, kIo; kUnsupported: a directory, FIFO, device or socket; kTooLarge; kTimeout.
  Result<void> scan_file(const std::string& path, std::vector<YaraHit>& hits);
  // Bytes that are in memory already, under a name.
  Result<void> scan_bytes(std::string_view bytes, const std::string& name, std::vector<YaraHit>& hits);
  // Errors are counted: an event is matched as far as it goes.
  void match(const telemetry::EventView& event, std::vector<YaraHit>& hits);

  // A new stretch of events: fields are scanned again after kMaxYaraTimeouts of them were given up.
  void begin() { given_up_ = 0; }
  YaraCounts counts() const;
  std::uint64_t timeouts() const { return counts_.timeouts; }
  const Error& last_timeout() const { return last_timeout_; }
  const YaraSet& set() const { return *set_; }

 private:
  struct Key {
    std::uint64_t a = 0, b = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.a; }
  };

  Result<void> scan_bytes_of(std::string_view bytes, const std::string& path, const std::string& owner,
                             std::vector<YaraHit>& hits);
  void define(const char* name, const std::string& value);
  const std::vector<YaraHit>& scan_field(std::string_view text);
  Result<void> scan_parts(std::string_view text, std::vector<YaraHit>& hits);

  YaraSetPtr set_;
  YaraLimits limits_;
  YaraCounts counts_;
  std::uint64_t given_up_ = 0;
  Error last_timeout_;
  std::unique_ptr<yara::Scanner> files_;
  struct FieldScanner {
    std::unique_ptr<yara::Scanner> rules, sieve;
  };
  std::vector<FieldScanner> fields_;
  std::string buffer_, scratch_;
  Key seeds_;
  std::vector<Key> clean_;
  std::unordered_map<Key, std::vector<YaraHit>, KeyHash> known_;
  std::vector<YaraHit> found_, sieved_;
};

}  // namespace bongsu::detect
