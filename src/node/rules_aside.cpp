#include "node/rules_aside.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/files.h"
#include "base/hash.h"

namespace bongsu::node {
namespace {

constexpr std::size_t kShortestDigest = 8;

Json json_of(const RuleAside& rule) {
  return JsonObject{{"digest", rule.digest}, {"language", rule.language}, {"indicator", rule.indicator},
                    {"giver", rule.giver},   {"reason", rule.reason},     {"since", rule.since.text(3)}};
}

}  // namespace

std::string RulesAside::digest(const detect::Rule& rule) {
  const Sha256 sum = sha256(fmt::format("{}\n{}", to_string(rule.language), rule.text));
  return to_hex(sum);
}

Result<std::unique_ptr<RulesAside>> RulesAside::open(const std::filesystem::path& file) {
  std::unique_ptr<RulesAside> out(new RulesAside(file));
  const auto damaged = [&](std::string what) {
    return fail(ErrorCode::kCorrupt, std::move(what), {.source = file.string()});
  };
  std::error_code ec;
  if (!std::filesystem::exists(file, ec)) return out;
  BONGSU_TRY(const std::string text, read_small_file(file, kMaxRulesAsideBytes));
  const auto json = parse_json(text);
  const Json* rules = json ? bongsu::find(*json, "rules") : nullptr;
  if (rules == nullptr || !rules->is_array()) return damaged("not a list of rules that were set aside");
  for (const Json& one : rules->get_array()) {
    const auto word = [&](std::string_view key) { return std::string(string_at(one, key).value_or("")); };
    const auto since = Instant::parse(word("since"));
    const std::string digest = word("digest");
    if (!since || digest.size() != 2 * sizeof(Sha256))
      return damaged(fmt::format("rule {} is malformed", out->rules_.size() + 1));
    out->rules_[digest] = {.digest = digest,
                           .language = word("language"),
                           .indicator = word("indicator"),
                           .giver = word("giver"),
                           .reason = word("reason"),
                           .since = *since};
  }
  return out;
}

Result<void> RulesAside::write(const std::map<std::string, RuleAside>& rules) const {
  JsonArray all;
  for (const auto& [digest, rule] : rules) all.push_back(json_of(rule));
  return write_file_atomically(file_, to_text(JsonObject{{"rules", std::move(all)}}));
}

std::optional<RuleAside> RulesAside::find(const detect::Rule& rule) const {
  const std::lock_guard lock(mutex_);
  if (rules_.empty()) return std::nullopt;  // the usual case costs no digest
  const auto at = rules_.find(digest(rule));
  return at == rules_.end() ? std::nullopt : std::optional(at->second);
}

Result<void> RulesAside::add(RuleAside rule) {
  rule.reason.resize(std::min(rule.reason.size(), kMaxAsideReasonBytes));
  const std::lock_guard lock(mutex_);
  if (rules_.contains(rule.digest)) return {};
  if (rules_.size() >= kMaxRulesAside)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} rules were set aside", kMaxRulesAside),
                {.source = file_.string()});
  auto next = rules_;
  next[rule.digest] = std::move(rule);
  BONGSU_TRY_VOID(write(next));
  rules_ = std::move(next);
  return {};
}

Result<RuleAside> RulesAside::take_back(std::string_view digest) {
  const std::lock_guard lock(mutex_);
  const auto at = rules_.lower_bound(std::string(digest));
  if (digest.size() < kShortestDigest || at == rules_.end() || !at->first.starts_with(digest))
    return fail(ErrorCode::kNotFound, fmt::format("no rule of this digest was set aside: {}", digest));
  if (const auto after = std::next(at); after != rules_.end() && after->first.starts_with(digest))
    return fail(ErrorCode::kConflict, fmt::format("several rules begin with {}", digest));
  RuleAside rule = at->second;
  auto next = rules_;
  next.erase(rule.digest);
  BONGSU_TRY_VOID(write(next));
  rules_ = std::move(next);
  return rule;
}

std::vector<RuleAside> RulesAside::list() const {
  std::vector<RuleAside> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [digest, rule] : rules_) out.push_back(rule);
  }
  std::ranges::sort(out, {}, [](const RuleAside& rule) { return std::pair(rule.since, rule.digest); });
  return out;
}

JsonArray RulesAside::json() const {
  JsonArray out;
  for (const auto& rule : list()) out.push_back(json_of(rule));
  return out;
}

}  // namespace bongsu::node
