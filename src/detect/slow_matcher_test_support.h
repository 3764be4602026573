// The matching rules of README.md once more: slow, obvious, and without any of the matcher's code. It shares the
// declared table of fields (data) and the indicators' normal forms (the meaning of equality), nothing else.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "detect/indicator.h"
#include "telemetry/field_map.h"

namespace bongsu::detect {

// Which indicator hit which field of the event at which offset.
using SlowHit = std::tuple<std::uint64_t, std::uint64_t, std::string>;  // offset, ref, field

// What is looked for, by its normal form. The usual ones are kept in memory; a bench with ten million has its own.
class SlowIndicators {
 public:
  virtual ~SlowIndicators() = default;
  virtual std::vector<Indicator> with(Kind kind, const std::string& text) const = 0;
  // Lengths of the prefixes of the networks among them; of a single address 32 and 128.
  std::set<int> v4_prefixes, v6_prefixes;

 protected:
  void note_prefix(const Value& value);
};

class SlowMatcher {
 public:
  explicit SlowMatcher(const std::vector<Indicator>& indicators, Instant now);
  SlowMatcher(std::shared_ptr<const SlowIndicators> indicators, Instant now);

  // Lines in order; Zeek headers are remembered. Returns false for lines that are neither events nor blank.
  bool line(std::string_view line, std::uint64_t offset, std::set<SlowHit>& hits);

 private:
  struct Leaf {
    std::string path, text;
    telemetry::Role role;
  };
  void walk(const Json& value, const std::string& key, const std::string& path, const std::string& prefix,
            telemetry::Role role, std::vector<Leaf>& out) const;
  std::optional<Instant> time_of(const std::vector<Leaf>& leaves) const;
  void event(const std::vector<Leaf>& leaves, std::uint64_t offset, std::set<SlowHit>& hits) const;
  bool header_line(const std::string& line);
  void text_fields(const std::string& line, std::vector<Leaf>& out) const;
  void field(const std::string& path, const std::string& raw, const std::string& plain, std::vector<Leaf>& out) const;
  std::optional<std::string> syslog_fields(const std::string& line, std::vector<Leaf>& out) const;
  bool security_fields(const std::string& text, std::vector<Leaf>& out) const;
  void pair_fields(const std::string& text, std::vector<Leaf>& out) const;

  std::shared_ptr<const SlowIndicators> indicators_;
  std::map<std::string, telemetry::Role, std::less<>> roles_;
  Instant now_;
  bool header_ = false;
  char separator_ = '\t';
  std::string set_separator_ = ",", empty_ = "(empty)", unset_ = "-";
  std::vector<std::string> names_, types_;
};

}  // namespace bongsu::detect
