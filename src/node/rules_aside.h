// Rules that are not given to the sensor because they ended it or ran into their limit alone: kept by their text, so
// that a copy by another way or the same text after a restart is known, and a corrected version is tried anew.
//
//   BONGSU_TRY(auto aside, RulesAside::open(directory / "rules-aside.json"));
//   aside->add({.language = Language::kYara, .digest = RulesAside::digest(rule), …});   // durable when it returns
//   if (const auto why = aside->find(rule)) …
//   aside->take_back(digest);                                                           // a person lets it in again
//
// Any thread.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "detect/rule.h"

namespace bongsu::node {

struct RuleAside {
  std::string digest;  // of language and text: RulesAside::digest
  std::string language;
  std::string indicator;  // STIX id of the entry that it was found in
  std::string giver;      // which member gave it; empty: this node
  std::string reason;
  Instant since;
};

inline constexpr std::size_t kMaxRulesAside = 10'000;
inline constexpr std::size_t kMaxRulesAsideBytes = 16 * 1024 * 1024;  // of the file
inline constexpr std::size_t kMaxAsideReasonBytes = 500;

class RulesAside {
 public:
  // A file that is not there: none. kCorrupt with the file's name.
  static Result<std::unique_ptr<RulesAside>> open(const std::filesystem::path& file);
  static std::string digest(const detect::Rule& rule);  // SHA-256, in hexadecimal

  std::optional<RuleAside> find(const detect::Rule& rule) const;
  // Durable when it returns. One that is there stays as it was. kTooLarge at kMaxRulesAside.
  Result<void> add(RuleAside rule);
  // By digest, or a beginning of it of at least 8 digits. kNotFound; kConflict: several.
  Result<RuleAside> take_back(std::string_view digest);
  std::vector<RuleAside> list() const;  // oldest first
  JsonArray json() const;

 private:
  explicit RulesAside(std::filesystem::path file) : file_(std::move(file)) {}
  Result<void> write(const std::map<std::string, RuleAside>& rules) const;

  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::map<std::string, RuleAside> rules_;  // by digest
};

}  // namespace bongsu::node
