#include "detect/rule_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>

#include "detect/sigma/collection.h"
#include "detect/sigma/pipeline.h"
#include "detect/yara/rule_sources.h"
#include "telemetry/byte_source.h"

namespace bongsu::detect {
namespace {

constexpr std::string_view kRefSource = "indicator:";
constexpr std::size_t kMaxFieldsOfText = 500;  // that one text of Sigma rules may name: the map of fields is everybody's

// A rule's text has no file: line and column in it are enough.
Error of_text(Error error) {
  error.where.source.clear();
  return error;
}

// Errors of rules that came as indicators go back to who gave them, once each; others are of files.
void sort_out(std::vector<Error> errors, RuleBuild& done, std::set<std::uint64_t>& refused) {
  for (Error& error : errors) {
    if (const auto ref = ref_of_source(error.where.source)) {
      if (refused.insert(*ref).second) done.refused.push_back({*ref, of_text(std::move(error))});
    } else {
      done.errors.push_back(std::move(error));
    }
  }
}

// Behind what is there; numbers go on.
void append(sigma::RuleSet& to, sigma::RuleSet from) {
  const std::size_t rules = to.rules.size(), correlations = to.correlations.size();
  for (sigma::LinkedCorrelation& correlation : from.correlations) {
    for (auto& reference : correlation.references) reference.index += reference.correlation ? correlations : rules;
    to.correlations.push_back(std::move(correlation));
  }
  std::ranges::move(from.rules, std::back_inserter(to.rules));
  to.rule_speaks.insert(to.rule_speaks.end(), from.rule_speaks.begin(), from.rule_speaks.end());
  to.correlation_speaks.insert(to.correlation_speaks.end(), from.correlation_speaks.begin(), from.correlation_speaks.end());
  std::ranges::move(from.errors, std::back_inserter(to.errors));
  std::ranges::move(from.waiting, std::back_inserter(to.waiting));
  to.files += from.files;
  to.filters += from.filters;
}

void fields_of(const sigma::Detection& detection, std::set<std::string_view>& names) {
  for (const auto& child : detection.children) {
    if (const auto* inner = std::get_if<sigma::Detection>(&child)) fields_of(*inner, names);
    else if (const auto& field = std::get<sigma::Item>(child).field) names.insert(*field);
  }
}
std::size_t fields_of(const sigma::RuleSet& set) {
  std::set<std::string_view> names;
  for (const sigma::Rule& rule : set.rules)
    for (const auto& [name, detection] : rule.detections) fields_of(detection, names);
  return names.size();
}

Result<void> add_pipeline(sigma::Collection& collection, const std::string& path) {
  BONGSU_TRY(const std::string text, telemetry::read_whole(path, formats::kMaxYamlBytes));
  BONGSU_TRY(auto pipeline, sigma::Pipeline::read(text, path));
  collection.add_pipeline(std::move(pipeline));
  return {};
}

void failed(const std::vector<Rule>& rules, const Error& error, RuleBuild& done) {
  for (const Rule& rule : rules) done.refused.push_back({rule.ref, error});
  if (rules.empty()) done.errors.push_back(error);
}

// The beginning of a pattern, whole characters of UTF-8.
std::string shown(std::string_view text) {
  if (text.size() <= kShownPatternBytes) return std::string(text);
  std::size_t size = kShownPatternBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "…";
}

}  // namespace

std::string rule_source(std::uint64_t ref) { return fmt::format("{}{}", kRefSource, ref); }

std::optional<std::uint64_t> ref_of_source(std::string_view source) {
  if (!source.starts_with(kRefSource)) return std::nullopt;
  source.remove_prefix(kRefSource.size());
  std::uint64_t ref = 0;
  const auto [end, error] = std::from_chars(source.data(), source.data() + source.size(), ref);
  if (error != std::errc() || end != source.data() + source.size()) return std::nullopt;
  return ref;
}

RuleBook::RuleBook(telemetry::FieldMapPtr map) { begin_with(std::move(map)); }

void RuleBook::begin_with(telemetry::FieldMapPtr map) {
  const std::lock_guard lock(mutex_);
  auto sets = std::make_shared<RuleSets>();
  sets->map = std::move(map);
  sets_ = std::move(sets);
}

Result<void> RuleBook::add(std::span<const Rule> rules) {
  const std::lock_guard lock(mutex_);
  bool full = false;
  for (const Rule& rule : rules) {
    for (Kept& kept : kept_) drop(kept, rule.ref);
    std::size_t size = 0;
    for (const Kept& kept : kept_) size += kept.rules.size();
    if (size >= kMaxRulesOfBook || bytes_ + rule.text.size() > kMaxRuleBytesOfBook) {
      full = true;
      continue;
    }
    Kept& kept = kept_[static_cast<std::size_t>(rule.language)];
    kept.rules.emplace(rule.ref, rule);
    bytes_ += rule.text.size();
    kept.changed = true;
  }
  if (full)
    return fail(ErrorCode::kTooLarge,
                fmt::format("more than {} rules, or {} bytes of them", kMaxRulesOfBook, kMaxRuleBytesOfBook));
  return {};
}

void RuleBook::drop(Kept& kept, std::uint64_t ref) {
  const auto at = kept.rules.find(ref);
  if (at == kept.rules.end()) return;
  bytes_ -= at->second.text.size();
  kept.rules.erase(at);
  kept.changed = true;
}

void RuleBook::remove(std::span<const std::uint64_t> refs) {
  const std::lock_guard lock(mutex_);
  for (const std::uint64_t ref : refs)
    for (Kept& kept : kept_) drop(kept, ref);
}

Result<void> RuleBook::load(Language language, const std::string& path) {
  if (language == Language::kStix)
    return fail(ErrorCode::kUnsupported, "STIX patterns are read by IndicatorFiles", {.source = path});
  const std::lock_guard building(building_);
  (language == Language::kSigma ? sigma_paths_ : yara_paths_).push_back(path);
  const std::lock_guard lock(mutex_);
  kept_[static_cast<std::size_t>(language)].changed = true;
  return {};
}

Result<void> RuleBook::load_pipeline(const std::string& path) {
  const std::lock_guard building(building_);
  pipeline_paths_.push_back(path);
  const std::lock_guard lock(mutex_);
  kept_[static_cast<std::size_t>(Language::kSigma)].changed = true;
  return {};
}

bool RuleBook::changed() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(kept_, [](const Kept& kept) { return kept.changed; });
}

RuleSetsPtr RuleBook::sets() const {
  const std::lock_guard lock(mutex_);
  return sets_;
}

std::size_t RuleBook::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t size = 0;
  for (const Kept& kept : kept_) size += kept.rules.size();
  return size;
}

std::vector<Rule> RuleBook::rules(Language language, const RefRange& refs) const {
  const std::lock_guard lock(mutex_);
  const auto& of = kept_[static_cast<std::size_t>(language)].rules;
  std::vector<Rule> out;
  for (auto at = of.lower_bound(refs.first); at != of.end() && at->first <= refs.last; ++at) out.push_back(at->second);
  return out;
}

RuleBuild RuleBook::build() {
  const std::lock_guard building(building_);
  auto next = std::make_shared<RuleSets>();
  std::vector<Rule> changed[kLanguages];
  bool of[kLanguages] = {};
  {
    const std::lock_guard lock(mutex_);
    *next = *sets_;
    for (std::size_t i = 0; i < kLanguages; ++i) {
      of[i] = std::exchange(kept_[i].changed, false);
      if (!of[i]) continue;
      for (const auto& [ref, rule] : kept_[i].rules) changed[i].push_back(rule);
    }
  }
  RuleBuild done;
  const auto at = [&](Language language) {
    if (!of[static_cast<std::size_t>(language)]) return false;
    if (slot_ != nullptr) slot_->begin(Step::kBuild, language, nullptr);
    return true;
  };
  if (at(Language::kStix)) build_patterns(*next, changed[0], done);
  if (at(Language::kSigma)) build_sigma(*next, changed[1], done);
  if (at(Language::kYara)) build_yara(*next, changed[2], done);
  if (slot_ != nullptr) slot_->rest();

  const std::lock_guard lock(mutex_);
  // What was refused is not tried again; what was added, replaced or withdrawn meanwhile is for the next build.
  for (const RuleBuild::Refused& refused : done.refused)
    for (std::size_t i = 0; i < kLanguages; ++i) {
      const auto tried = std::ranges::lower_bound(changed[i], refused.ref, {}, &Rule::ref);
      const auto kept = kept_[i].rules.find(refused.ref);
      if (tried == changed[i].end() || tried->ref != refused.ref || kept == kept_[i].rules.end() ||
          kept->second.text != tried->text)
        continue;
      bytes_ -= kept->second.text.size();
      kept_[i].rules.erase(kept);
    }
  next->terms.clear();
  for (const Kept& kept : kept_)
    for (const auto& [ref, rule] : kept.rules) next->terms[ref] = {rule.valid_from, rule.valid_until, rule.confidence,
                          rule.language == Language::kStix ? shown(rule.text) : std::string()};
  ++next->version;
  done.patterns = next->patterns ? next->patterns->size() : 0;
  done.sigma = next->sigma ? next->sigma->rules().size() + next->sigma->correlations().size() : 0;
  done.yara = next->yara ? next->yara->rules().size() : 0;
  sets_ = std::move(next);
  return done;
}

void RuleBook::build_patterns(RuleSets& sets, const std::vector<Rule>& rules, RuleBuild& done) {
  sets.patterns = nullptr;
  if (rules.empty()) return;
  PatternSet::Builder builder(sets.map);
  std::size_t good = 0;
  for (const Rule& rule : rules) {
    if (auto added = builder.add(rule.ref, rule.text, rule.valid_from, rule.valid_until); !added)
      done.refused.push_back({rule.ref, std::move(added).error()});
    else
      ++good;
  }
  if (good == 0) return;
  auto set = builder.build();
  if (!set) return failed(rules, set.error(), done);
  // A wider map: what the patterns read is emitted, also where it is a number.
  telemetry::FieldMapBuilder fields(*sets.map);
  for (const telemetry::FieldId field : (*set)->fields())
    if (const auto wanted = fields.want(sets.map->row(field).path); !wanted) return failed(rules, wanted.error(), done);
  auto map = fields.build();
  if (!map) return failed(rules, map.error(), done);
  sets.map = std::move(*map);
  sets.patterns = std::move(*set);
}

void RuleBook::build_sigma(RuleSets& sets, const std::vector<Rule>& rules, RuleBuild& done) const {
  // A set that cannot be built at all leaves the one before in force.
  const sigma::SigmaSetPtr before = std::exchange(sets.sigma, nullptr);
  if (rules.empty() && sigma_paths_.empty()) return;
  sigma::Collection collection;
  for (const std::string& path : pipeline_paths_) {
    if (auto read = add_pipeline(collection, path); !read) done.errors.push_back(std::move(read).error());
  }
  for (const std::string& path : sigma_paths_)
    if (auto loaded = collection.load(path); !loaded) done.errors.push_back(std::move(loaded).error());
  sigma::RuleSet all = std::move(collection).finish();
  // Each text that came as an indicator by itself: its filters, names and correlations are no business of others.
  for (const Rule& rule : rules) {
    sigma::Collection own;
    own.add(rule.text, rule_source(rule.ref));
    sigma::RuleSet read = std::move(own).finish();
    if (fields_of(read) > kMaxFieldsOfText) {
      done.refused.push_back({rule.ref, {ErrorCode::kTooLarge, fmt::format("a text of rules names at most {} fields", kMaxFieldsOfText), {}}});
      continue;
    }
    append(all, std::move(read));
  }
  const auto keep = [&](const Error& error) {
    sets.sigma = before;
    done.errors.push_back(error);
  };
  telemetry::FieldMapBuilder fields(*sets.map);
  sigma::SigmaReport report;
  auto set = sigma::SigmaSet::compile(std::move(all), *sets.map, fields, report);
  if (!set) return keep(set.error());
  auto map = fields.build();
  if (!map) return keep(map.error());
  std::set<std::uint64_t> refused;
  for (const RuleBuild::Refused& one : done.refused) refused.insert(one.ref);
  sort_out(std::move(report.errors), done, refused);
  // A rule that waits for a value that nobody will give it is refused.
  for (Error& error : report.waiting) {
    if (ref_of_source(error.where.source)) sort_out({std::move(error)}, done, refused);
    else done.remarks.push_back(std::move(error));
  }
  for (Error& error : report.unmapped)
    if (!ref_of_source(error.where.source)) done.remarks.push_back(std::move(error));
  // Texts in which there is no document at all.
  std::set<std::uint64_t> there;
  const auto note = [&](const std::string& source) {
    if (const auto ref = ref_of_source(source)) there.insert(*ref);
  };
  for (const sigma::Rule& rule : (*set)->rules()) note(rule.source);
  for (const sigma::LinkedCorrelation& correlation : (*set)->correlations()) note(correlation.correlation.source);
  for (const Rule& rule : rules)
    if (!there.contains(rule.ref) && refused.insert(rule.ref).second)
      done.refused.push_back({rule.ref, {ErrorCode::kInvalid, "there is no rule in this text", {}}});
  if ((*set)->rules().empty()) return;
  sets.map = std::move(*map);
  sets.sigma = std::move(*set);
}

void RuleBook::build_yara(RuleSets& sets, const std::vector<Rule>& rules, RuleBuild& done) const {
  sets.yara = nullptr;
  if (rules.empty() && yara_paths_.empty()) return;
  RuleSources sources;
  for (const std::string& path : yara_paths_) sources.add(path);
  for (const Rule& rule : rules) sources.add_text(rule_source(rule.ref), rule.text);
  YaraSetPtr set = YaraSet::compile(sources);
  std::set<std::uint64_t> refused;
  sort_out(sources.errors(), done, refused);
  sort_out(set->errors(), done, refused);
  std::set<std::uint64_t> there;
  for (const YaraRule& rule : set->rules())
    if (const auto ref = ref_of_source(rule.name_space)) there.insert(*ref);
  for (const Rule& rule : rules)
    if (!there.contains(rule.ref) && refused.insert(rule.ref).second)
      done.refused.push_back({rule.ref, {ErrorCode::kInvalid, "there is no rule in this text", {}}});
  if (!set->rules().empty()) sets.yara = std::move(set);
}

}  // namespace bongsu::detect
