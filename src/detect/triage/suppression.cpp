#include "detect/triage/suppression.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "base/uuid.h"

namespace bongsu::detect::triage {
namespace {

constexpr std::string_view kPrefix = "suppression--";

struct MatchField {
  std::string_view key;
  std::string SuppressionMatch::* member;
};
constexpr MatchField kMatchFields[] = {
    {"indicator", &SuppressionMatch::indicator}, {"value", &SuppressionMatch::value},
    {"entity", &SuppressionMatch::entity},       {"source", &SuppressionMatch::source},
    {"rule", &SuppressionMatch::rule},           {"list", &SuppressionMatch::list}};

std::unexpected<Error> bad(std::string field, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = std::move(field)});
}

bool fits(const SuppressionMatch& match, const std::vector<EntityPattern>& entity, const Alert& alert) {
  if (!match.indicator.empty() && match.indicator != alert.indicator_id) return false;
  if (!match.value.empty() && match.value != alert.value.text) return false;
  if (!match.source.empty() && match.source != alert.source) return false;
  if (!match.rule.empty() && (!alert.rule || match.rule != alert.rule->name)) return false;
  if (!match.list.empty() &&
      std::ranges::none_of(alert.warning_lists, [&](const auto& hit) { return hit.list == match.list; }))
    return false;
  return std::ranges::all_of(entity, [&](const EntityPattern& pattern) { return pattern.matches(alert.entity); });
}

}  // namespace

bool SuppressionMatch::empty() const {
  return std::ranges::all_of(kMatchFields, [&](const MatchField& f) { return (this->*f.member).empty(); });
}

Result<SuppressionMatch> SuppressionMatch::parse(const Json& json) {
  SuppressionMatch out;
  if (!json.is_object()) return bad("match", "says what it is about");
  for (const auto& [key, value] : json.get_object()) {
    const auto known = std::ranges::find(kMatchFields, std::string_view(key), &MatchField::key);
    if (known == std::end(kMatchFields) || !value.is_string())
      return bad("match." + std::string(key), "is none of indicator, value, entity, source, rule, list, each a text");
    out.*known->member = value.get_string();
  }
  return out;
}

Result<void> Suppression::check(Instant now) const {
  if (trim(author).empty()) return bad("author", "a suppression needs an author");
  if (trim(reason).empty()) return bad("reason", "a suppression needs a reason, for those who ask later");
  if (reason.size() > kMaxSuppressionReason)
    return bad("reason", fmt::format("is at most {} bytes long", kMaxSuppressionReason));
  if (until == Instant{}) return bad("until", "a suppression needs an end");
  if (until <= now) return bad("until", "lies in the past");
  if (until - now > std::chrono::nanoseconds(kLongestSuppression))
    return bad("until", fmt::format("a suppression ends after at most {} days; somebody has to look again",
                                    kLongestSuppression.count() / 24));
  if (match.empty()) return bad("match", "say what it is about: an indicator, value, entity, source, rule or list");
  for (const MatchField& f : kMatchFields)
    if ((match.*f.member).size() > kMaxSuppressionText)
      return bad(fmt::format("match.{}", f.key), fmt::format("is at most {} bytes long", kMaxSuppressionText));
  if (!match.entity.empty())
    if (const auto pattern = EntityPattern::parse(match.entity); !pattern)
      return bad("match.entity", pattern.error().message);
  return {};
}

Json Suppression::json() const {
  JsonObject what;
  for (const MatchField& f : kMatchFields)
    if (!(match.*f.member).empty()) what[f.key] = match.*f.member;
  return JsonObject{{"id", id},
                    {"author", author},
                    {"reason", reason},
                    {"created", created.text(3)},
                    {"until", until.text(3)},
                    {"match", std::move(what)}};
}

Result<Suppression> Suppression::parse(const Json& json) {
  Suppression out;
  out.id = string_at(json, "id").value_or("");
  if (!out.id.starts_with(kPrefix) || !Uuid::parse(std::string_view(out.id).substr(kPrefix.size())))
    return bad("id", "a suppression's id is suppression--UUID");
  out.author = string_at(json, "author").value_or("");
  out.reason = string_at(json, "reason").value_or("");
  const auto created = Instant::parse(string_at(json, "created").value_or(""));
  if (!created) return bad("created", "not a timestamp");
  const auto until = Instant::parse(string_at(json, "until").value_or(""));
  if (!until) return bad("until", "not a timestamp");
  out.created = *created;
  out.until = *until;
  const Json* match = bongsu::find(json, "match");
  if (match == nullptr) return bad("match", "says what it is about");
  BONGSU_TRY(out.match, SuppressionMatch::parse(*match));
  return out;
}

Result<void> Suppressions::can_add(const Suppression& rule, Instant now) const {
  BONGSU_TRY_VOID(rule.check(now));
  if (rules_.size() - ended(now).size() >= kMaxSuppressions)
    return fail(ErrorCode::kTooLarge, fmt::format("{} suppressions are in force; end some first", kMaxSuppressions));
  return {};
}

void Suppressions::put(Suppression rule) {
  remove(rule.id);
  Compiled compiled;
  if (!rule.match.entity.empty()) {
    auto pattern = EntityPattern::parse(rule.match.entity);
    if (!pattern) return;  // check() was asked before; a stored one that is broken suppresses nothing
    compiled.entity.push_back(std::move(*pattern));
  }
  compiled.rule = std::move(rule);
  const auto before = [](const Compiled& a, const Compiled& b) {
    return std::tie(a.rule.created, a.rule.id) < std::tie(b.rule.created, b.rule.id);
  };
  rules_.insert(std::upper_bound(rules_.begin(), rules_.end(), compiled, before), std::move(compiled));
}

bool Suppressions::remove(std::string_view id) {
  return std::erase_if(rules_, [&](const Compiled& one) { return one.rule.id == id; }) > 0;
}

const Suppression* Suppressions::find(const Alert& alert, Instant now) const {
  for (const Compiled& one : rules_)
    if (now < one.rule.until && fits(one.rule.match, one.entity, alert)) return &one.rule;
  return nullptr;
}

const Suppression* Suppressions::by_id(std::string_view id) const {
  for (const Compiled& one : rules_)
    if (one.rule.id == id) return &one.rule;
  return nullptr;
}

std::vector<Suppression> Suppressions::list() const {
  std::vector<Suppression> out;
  for (const Compiled& one : rules_) out.push_back(one.rule);
  return out;
}

std::vector<std::string> Suppressions::ended(Instant now) const {
  std::vector<std::string> out;
  for (const Compiled& one : rules_)
    if (one.rule.until <= now) out.push_back(one.rule.id);
  return out;
}

}  // namespace bongsu::detect::triage
