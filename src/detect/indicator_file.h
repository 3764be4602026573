// Files of indicators into an index: STIX bundles, TAXII envelopes, plain lists, tables of feeds; as they are or
// compressed.
//
//   IndicatorFiles files(engine.index(), {});
//   BONGSU_TRY_VOID(files.load("feed.json.zst"));
//   engine.set_origins([&](std::uint64_t ref) { return files.origin(ref); });
//   files.report() …
//
// JSON is told by its first byte ('{' or '['). Everything else is read line by line; README.md says how: comments,
// tables with a type column (type, value, feed), Zeek's Intel files, CSV, defanged values.
//
// One thread loads; origin() is safe from any thread once loading is done.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "detect/engine.h"
#include "detect/index.h"
#include "stix/object.h"
#include "telemetry/bad_lines.h"

namespace bongsu::detect {

struct LoadOptions {
  int min_confidence = 0;  // indicators that state less are left out
  std::function<void(std::span<const Indicator>)> each;  // sees what is added, batch by batch
};

struct LoadReport {
  std::uint64_t files = 0;
  std::uint64_t indicators = 0;  // lines and objects that are looked for
  std::uint64_t values = 0;
  std::uint64_t rules = 0;  // objects whose pattern is a rule: see IndicatorFiles::take_rules
  std::uint64_t revoked = 0;
  std::uint64_t low_confidence = 0;
  std::uint64_t other_objects = 0;  // STIX objects that are no indicators
  std::map<Kind, std::uint64_t> by_kind;
  std::map<Kind, std::uint64_t> guessed;  // of lines that did not say their kind
  telemetry::BadLines refused;            // with reason and place
};

class IndicatorFiles {
 public:
  IndicatorFiles(Index& index, LoadOptions options);

  // kNotFound, kIo, kCorrupt for the file as a whole; what was read before is loaded. Bad lines are in the report.
  Result<void> load(const std::string& path);
  const LoadReport& report() const { return report_; }
  Origin origin(std::uint64_t ref) const;
  // Rules of the objects read since the last call, for a RuleBook.
  std::vector<Rule> take_rules() { return std::exchange(rules_, {}); }

 private:
  struct File {
    std::string path, name;
    std::vector<std::uint32_t> feeds;  // by line; index into feed_names_ + 1
  };
  struct Columns {
    int value = -1, type = -1, source = -1;
    char separator = '\t';
  };

  Result<void> read_file(const std::string& path);
  void line(std::string_view text, std::uint64_t number, Columns& columns);
  void object(Result<stix::Object> object, std::uint64_t number, Where where);
  void keep(std::uint64_t ref, Value&& value, bool guessed);
  void pattern(std::uint64_t ref, Result<Compiled> compiled, Where where, std::string_view text);
  void take(std::uint64_t ref, Compiled compiled);
  Result<void> flush(bool force);

  Index& index_;
  LoadOptions options_;
  LoadReport report_;
  std::vector<File> files_;
  std::vector<std::string> feed_names_;
  std::unordered_map<std::string, std::uint32_t> feed_numbers_;
  std::unordered_map<std::uint64_t, Origin> objects_;
  std::vector<Indicator> pending_;
  std::array<std::uint64_t, kKinds> by_kind_{}, guessed_{};
  std::vector<Rule> rules_;
};

}  // namespace bongsu::detect
