// The matching rules of README.md once more: slow, obvious, and without any of the matcher's code. It shares the
// declared table of fields (data) and the indicators' normal forms (the meaning of equality), nothing else.
#pragma once

#include <map>
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

class SlowMatcher {
 public:
  explicit SlowMatcher(const std::vector<Indicator>& indicators, Instant now);

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

  std::map<std::pair<Kind, std::string>, std::vector<Indicator>> indicators_;
  std::map<std::string, telemetry::Role, std::less<>> roles_;
  std::set<int> v4_prefixes_, v6_prefixes_;
  std::vector<std::string> path_suffixes_;
  Instant now_;
  bool header_ = false;
  char separator_ = '\t';
  std::string set_separator_ = ",", empty_ = "(empty)", unset_ = "-";
  std::vector<std::string> names_, types_;
};

}  // namespace bongsu::detect
