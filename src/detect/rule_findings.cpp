#include "detect/rule_findings.h"

#include <fmt/format.h>

namespace bongsu::detect {
namespace {

constexpr std::size_t kMaxMatchedBytes = 4096;  // then no further group-by value is shown

}  // namespace

Result<void> RuleFinder::use(RuleSetsPtr sets) {
  if (yara_) yara_->begin();
  if (sets_ == sets) return {};
  if (!sets_ || sets_->patterns != sets->patterns)
    patterns_ = sets->patterns ? std::make_unique<EventMatcher>(sets->patterns) : nullptr;
  if (!sets_ || sets_->yara != sets->yara) yara_ = sets->yara ? std::make_unique<YaraMatcher>(sets->yara) : nullptr;
  if (!sets_ || sets_->sigma != sets->sigma) {
    sigma_ = sets->sigma ? std::make_unique<sigma::SigmaMatcher>() : nullptr;
    if (sigma_) {
      if (auto used = sigma_->use(sets->sigma); !used) {
        sigma_ = nullptr;
        correlations_ = false;
        sets_ = std::move(sets);
        return used;
      }
    }
  }
  sets_ = std::move(sets);
  correlations_ = sigma_ && !sets_->sigma->correlations().empty();
  return {};
}

void RuleFinder::match(const telemetry::EventView& event, const std::string& source, RuleFindings& findings, unsigned left_out) {
  pattern_hits_.clear();
  sigma_hits_.clear();
  yara_hits_.clear();
  const auto goes = [&](Language language) {
    if ((left_out >> static_cast<unsigned>(language) & 1) != 0) return false;
    const EventMark mark{source_, event.offset};
    if (slot_ != nullptr) slot_->begin(Step::kMatch, language, &mark);
    return true;
  };
  if (patterns_ && goes(Language::kStix)) patterns_->match(event, pattern_hits_);
  if (sigma_ && goes(Language::kSigma)) sigma_->match(event, sigma_hits_);
  if (yara_ && goes(Language::kYara)) {
    const std::uint64_t before = yara_->timeouts();
    yara_->match(event, yara_hits_);
    if (yara_->timeouts() != before) findings.gave_up = yara_->last_timeout();
  }
  if (slot_ != nullptr) slot_->rest();
  if (correlations_)
    if (const auto time = event.time()) findings.newest = time;
  if (pattern_hits_.empty() && sigma_hits_.empty() && yara_hits_.empty()) return;
  findings.events.push_back({.offset = event.offset,
                             .line = event.line,
                             .time = event.time(),
                             .raw = std::string(event.raw.substr(0, kMaxAlertEventBytes)),
                             .cut = event.raw.size() > kMaxAlertEventBytes,
                             .entity = entity_of(event, yara_hits_.empty() ? std::string_view() : yara_hits_.front().field, source),
                             .patterns = pattern_hits_,
                             .sigma = std::move(sigma_hits_),
                             .yara = std::move(yara_hits_)});
}

void RuleSequencer::use(const RuleSetsPtr& sets) {
  if (sets_ == sets) return;
  if (!sets->patterns) {
    patterns_ = nullptr;
  } else if (!patterns_) {
    patterns_ = std::make_unique<PatternSequencer>(sets->patterns);
  } else if (sets_->patterns != sets->patterns) {
    patterns_->use(sets->patterns);
  }
  if (!sets->sigma) {
    sigma_ = nullptr;
  } else if (!sigma_) {
    sigma_ = std::make_unique<sigma::SigmaSequencer>(sets->sigma);
  } else if (sets_->sigma != sets->sigma) {
    sigma_->use(sets->sigma);
  }
  sets_ = sets;
}

telemetry::Position RuleSequencer::position_of(std::uint64_t number) const {
  const Place& place = places_[places_.size() - (next_ - number)];
  return {*place.source, place.offset, place.line};
}

// All but the last, which is the alert's own.
void RuleSequencer::name_events(AlertRule& rule, std::span<const std::uint64_t> numbers) const {
  for (const std::uint64_t number : numbers) {
    if (number + 1 == next_) continue;
    if (next_ - number > places_.size() || rule.events.size() >= kMaxAlertEvents) {
      ++rule.left_out;
    } else {
      rule.events.push_back(position_of(number));
    }
  }
}

const RuleTerms* RuleSequencer::terms_of(std::uint64_t ref, const Instant& time) const {
  const auto at = sets_->terms.find(ref);
  return at != sets_->terms.end() && at->second.in_force(time) ? &at->second : nullptr;
}

// By where the rule stands: of an indicator, which may be withdrawn or not in force, or of a file.
bool RuleSequencer::place(RuleHit& hit, const std::string& rule_source, std::string id, const Instant& time) const {
  hit.ref = ref_of_source(rule_source);
  if (!hit.ref) {
    hit.rule_id = std::move(id);
    hit.rule_file = rule_source;
    return true;
  }
  const RuleTerms* terms = terms_of(*hit.ref, time);
  if (terms == nullptr) return false;
  hit.confidence = terms->confidence;
  return true;
}

void RuleSequencer::say_pattern(const PatternFound& found, const Say& hit, RuleHit out) const {
  const auto terms = sets_->terms.find(found.ref);  // validity is the set's own matter
  if (terms == sets_->terms.end()) return;
  out.ref = found.ref;
  out.rule = {.language = "stix", .name = terms->second.name};
  out.confidence = terms->second.confidence;
  out.matched = terms->second.name;
  name_events(out.rule, found.events);
  hit(std::move(out));
}

void RuleSequencer::say_sigma(const RuleFindings::Event* event, const Say& hit) {
  for (const sigma::SigmaHit& found : sigma_hits_) {
    const sigma::Header& header = found.correlation
                                      ? static_cast<const sigma::Header&>(sets_->sigma->correlations()[found.index].correlation)
                                      : sets_->sigma->rules()[found.index];
    RuleHit out;
    out.rule = {.language = "sigma", .name = header.title, .level = std::string(to_string(header.level)), .techniques = header.techniques()};
    if (out.rule.techniques.size() > kMaxAlertTechniques) out.rule.techniques.resize(kMaxAlertTechniques);
    if (!place(out, header.source, "sigma:" + header.reference(), found.at.time)) continue;
    out.matched = header.title;
    for (const auto& [field, value] : found.group)
      if (out.matched.size() < kMaxMatchedBytes) out.matched += fmt::format(", {}={}", field, value);
    out.position = {*found.at.source, found.at.offset, found.at.line};
    out.time = found.at.time;
    // A window that ended is judged later: its last event may be of a batch before.
    if (event != nullptr && found.at.offset == event->offset && found.at.line == event->line) out.event = event;
    for (const sigma::EventPlace& other : found.events) {
      if (out.rule.events.size() >= kMaxAlertEvents) ++out.rule.left_out;
      else out.rule.events.push_back({*other.source, other.offset, other.line});
    }
    hit(std::move(out));
  }
}

void RuleSequencer::say_yara(const YaraHit& found, const Say& hit, RuleHit out) const {
  const YaraRule& rule = *found.rule;
  out.rule = {.language = "yara", .name = rule.name, .level = std::string(rule.level()), .techniques = rule.techniques()};
  if (out.rule.techniques.size() > kMaxAlertTechniques) out.rule.techniques.resize(kMaxAlertTechniques);
  out.field = found.field;
  if (!place(out, rule.name_space, fmt::format("yara:{}:{}", rule.name_space, rule.name), *out.time)) return;
  out.matched = found.strings.empty() ? rule.name : found.strings.front().data;
  hit(std::move(out));
}

void RuleSequencer::take(const RuleFindings& findings, const std::string& source, const Instant& now, const Say& hit) {
  if (!findings.sets) return;
  use(findings.sets);
  const auto name = std::make_shared<const std::string>(source);
  for (const RuleFindings::Event& event : findings.events) {
    const Instant time = event.time.value_or(now);
    places_.push_back({name, event.offset, event.line});
    if (places_.size() > kRememberedPositions) places_.pop_front();
    const std::uint64_t number = next_++;
    RuleHit here;
    here.position = {source, event.offset, event.line};
    here.time = time;
    here.event = &event;

    if (patterns_ && !event.patterns.empty()) {
      found_.clear();
      patterns_->take(event.patterns, time, number, found_);
      for (const PatternFound& found : found_) say_pattern(found, hit, here);
    }
    if (sigma_ && !event.sigma.empty()) {
      sigma_hits_.clear();
      sigma_->take(event.sigma, {name, event.offset, event.line, time}, sigma_hits_);
      say_sigma(&event, hit);
    }
    for (const YaraHit& found : event.yara) say_yara(found, hit, here);
  }
  if (sigma_ && findings.newest) {
    sigma_hits_.clear();
    sigma_->take({}, {name, 0, 0, *findings.newest}, sigma_hits_);
    say_sigma(nullptr, hit);
  }
}

void RuleSequencer::finish(const Say& hit) {
  if (!sigma_) return;
  sigma_hits_.clear();
  sigma_->finish(sigma_hits_);
  say_sigma(nullptr, hit);
}

std::vector<std::string> RuleSequencer::remarks() const {
  std::vector<std::string> out;
  if (patterns_)
    if (auto remark = patterns_->remark()) out.push_back(std::move(*remark));
  if (sigma_ && sigma_->counters().forgotten > 0)
    out.push_back(fmt::format("Sigma's correlations let go of {} events and groups for want of room: hits may be missing",
                              sigma_->counters().forgotten));
  return out;
}

}  // namespace bongsu::detect
