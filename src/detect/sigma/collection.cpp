#include "detect/sigma/collection.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <unordered_map>

namespace bongsu::detect::sigma {
namespace {

namespace fs = std::filesystem;

// "1 of selection_*" as the identifiers that it names now, so that what filters and pipelines add is not among them.
Condition written_out(const Condition& condition, const std::vector<std::pair<std::string, Detection>>& detections) {
  using Kind = Condition::Kind;
  Condition out = condition;
  if (condition.kind == Kind::kOneOf || condition.kind == Kind::kAllOf) {
    out.kind = condition.kind == Kind::kOneOf ? Kind::kOr : Kind::kAnd;
    out.name.clear();
    for (const auto& [name, detection] : detections)
      if (pattern_names(condition.name, name)) out.children.push_back({Kind::kName, name, {}});
    return out;
  }
  for (Condition& child : out.children) child = written_out(child, detections);
  return out;
}

void rename(Condition& condition, const std::string& prefix) {
  if (condition.kind == Condition::Kind::kName) condition.name = prefix + condition.name;
  for (Condition& child : condition.children) rename(child, prefix);
}

// The name of a placeholder that nothing has replaced.
std::string left_placeholder(const Detection& detection) {
  for (const auto& child : detection.children) {
    if (const Detection* inner = std::get_if<Detection>(&child)) {
      if (std::string name = left_placeholder(*inner); !name.empty()) return name;
      continue;
    }
    for (const auto& value : std::get<Item>(child).values)
      for (const Test& test : value)
        for (const Part& part : test.pattern.parts)
          if (part.kind == Part::Kind::kPlaceholder) return part.text;
  }
  return {};
}

Result<std::string> read_file(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return fail(ErrorCode::kIo, error.message(), {.source = path.string()});
  if (size > formats::kMaxYamlBytes)
    return fail(
        ErrorCode::kTooLarge,
        "the file has " + std::to_string(size) + " bytes; at most " + std::to_string(formats::kMaxYamlBytes) + " are read",
        {.source = path.string()});
  std::ifstream in(path, std::ios::binary);
  std::string out(size, '\0');
  if (!in.read(out.data(), static_cast<std::streamsize>(size)) && in.gcount() != static_cast<std::streamsize>(size))
    return fail(ErrorCode::kIo, "cannot be read", {.source = path.string()});
  return out;
}

}  // namespace

void Collection::add(std::string_view text, const std::string& source) {
  ++files_;
  ReadFile read = read_sigma(text, source);
  for (Document& document : read.documents) {
    if (documents_.size() >= kMaxRules) {
      errors_.push_back(
          Error{ErrorCode::kTooLarge, "more than " + std::to_string(kMaxRules) + " rules", {.source = source}});
      break;
    }
    documents_.push_back(std::move(document));
  }
  std::ranges::move(read.errors, std::back_inserter(errors_));
}

Result<void> Collection::load(const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) return fail(ErrorCode::kNotFound, "there is no such file or directory", {.source = path});
  std::vector<fs::path> files;
  if (fs::is_directory(status)) {
    for (auto entry = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      const fs::path& file = entry->path();
      if (!entry->is_regular_file(error) || (file.extension() != ".yml" && file.extension() != ".yaml")) continue;
      if (files.size() >= kMaxRuleFiles)
        return fail(ErrorCode::kTooLarge, "more than " + std::to_string(kMaxRuleFiles) + " rule files",
                    {.source = path});
      files.push_back(file);
    }
    if (error) return fail(ErrorCode::kIo, error.message(), {.source = path});
    std::ranges::sort(files);
  } else {
    files.emplace_back(path);
  }
  for (const fs::path& file : files) {
    auto text = read_file(file);
    if (text) {
      add(*text, file.string());
    } else {
      ++files_;
      errors_.push_back(std::move(text).error());
    }
  }
  return {};
}

RuleSet Collection::finish() && {
  RuleSet out;
  out.files = files_;
  out.errors = std::move(errors_);
  std::vector<const Pipeline*> pipelines;
  for (const Pipeline& pipeline : pipelines_) pipelines.push_back(&pipeline);
  std::ranges::sort(pipelines, [](const Pipeline* a, const Pipeline* b) {
    return std::pair(a->priority(), a) < std::pair(b->priority(), b);
  });

  std::vector<Rule> rules;
  std::vector<Correlation> correlations;
  std::vector<Filter> filters;
  struct Named {
    std::string source, where;
    bool joined = false;
  };
  std::unordered_map<std::string, Named> ids;
  for (Document& document : documents_) {
    const Header& header = std::visit([](const auto& one) -> const Header& { return one; }, document);
    const Rule* as_rule = std::get_if<Rule>(&document);
    const Named here{header.source, header.source + ":" + std::to_string(header.place.line),
                     as_rule != nullptr && as_rule->joined};
    bool twice = false;
    for (const std::string* name : {&header.id, &header.name}) {
      if (name->empty()) continue;
      const auto [there, fresh] = ids.try_emplace(*name, here);
      const Named& other = there->second;
      if (!fresh && other.where != here.where && !(here.joined && other.source == here.source)) {
        out.errors.push_back(Error{ErrorCode::kConflict,
                                   "\"" + *name + "\" is the id or name of " + other.where + " already",
                                   at(header.source, header.place, name == &header.id ? "id" : "name")});
        twice = true;
        break;
      }
    }
    if (twice) continue;
    if (Rule* rule = std::get_if<Rule>(&document)) {
      for (Condition& condition : rule->conditions) condition = written_out(condition, rule->detections);
      rules.push_back(std::move(*rule));
    } else if (Correlation* correlation = std::get_if<Correlation>(&document)) {
      correlations.push_back(std::move(*correlation));
    } else {
      filters.push_back(std::move(std::get<Filter>(document)));
    }
  }
  documents_.clear();
  out.filters = filters.size();

  // Filters: "(the rule's condition) and (the filter's)".
  std::vector<bool> filter_used(filters.size(), false);
  for (Rule& rule : rules) {
    for (std::size_t f = 0; f < filters.size(); ++f) {
      const Filter& filter = filters[f];
      const bool named = filter.any_rule || std::ranges::any_of(filter.rules, [&](const std::string& name) {
                           return name == rule.id || (!rule.name.empty() && name == rule.name);
                         });
      if (!named || !filter.log_source.contains(rule.log_source)) continue;
      filter_used[f] = true;
      const std::string prefix = "_filter_" + std::to_string(f) + "_";
      Condition add = written_out(filter.condition, filter.detections);
      rename(add, prefix);
      for (const auto& [name, detection] : filter.detections) rule.detections.emplace_back(prefix + name, detection);
      for (Condition& condition : rule.conditions) {
        Condition both{Condition::Kind::kAnd, {}, {}};
        both.children.push_back(std::move(condition));
        both.children.push_back(add);
        condition = std::move(both);
      }
    }
  }
  for (std::size_t f = 0; f < filters.size(); ++f)
    if (!filter_used[f] && !filters[f].any_rule)
      out.errors.push_back(
          Error{ErrorCode::kNotFound,
                "the filter applies to no rule that is loaded: none of its rules is there with its log source",
                at(filters[f].source, filters[f].place, "filter.rules")});

  // Pipelines.
  std::unordered_map<std::string, std::size_t> rule_of;
  std::unordered_map<std::string, std::string> refused;  // id or name → why
  for (Rule& rule : rules) {
    Pipeline::Trace trace;
    Result<void> applied;
    for (const Pipeline* pipeline : pipelines) {
      applied = pipeline->apply(rule, trace);
      if (!applied) break;
    }
    std::string why;
    if (!applied) {
      why = applied.error().message;
      out.errors.push_back(std::move(applied).error());
    } else if (!rule.taxonomy.empty() && rule.taxonomy != "sigma" && rule.custom["taxonomy"] != "sigma") {
      why = "it is written in the taxonomy \"" + rule.taxonomy +
            "\"; a pipeline that maps it sets the custom attribute taxonomy to sigma";
      out.errors.push_back(Error{ErrorCode::kUnsupported, why, at(rule.source, rule.place, "taxonomy")});
    } else {
      for (const auto& [name, detection] : rule.detections) {
        const std::string placeholder = left_placeholder(detection);
        if (placeholder.empty()) continue;
        why = "the placeholder %" + placeholder +
              "% has no value; a pipeline gives it one (value_placeholders, wildcard_placeholders)";
        out.waiting.push_back(
            Error{ErrorCode::kUnavailable, why, at(rule.source, detection.place, "detection." + name)});
        break;
      }
    }
    for (const std::string* name : {&rule.id, &rule.name}) {
      if (name->empty()) continue;
      if (why.empty()) {
        rule_of[*name] = out.rules.size();
      } else {
        refused[*name] = why;
      }
    }
    if (why.empty()) out.rules.push_back(std::move(rule));
  }

  // References of correlations, those of inner ones first.
  std::unordered_map<std::string, std::size_t> correlation_of;
  for (std::size_t i = 0; i < correlations.size(); ++i)
    for (const std::string* name : {&correlations[i].id, &correlations[i].name})
      if (!name->empty()) correlation_of[*name] = i;
  enum class State : std::uint8_t { kNew, kOpen, kLinked, kRefused };
  std::vector<State> states(correlations.size(), State::kNew);
  std::vector<std::size_t> linked(correlations.size(), 0);
  const std::function<bool(std::size_t, std::size_t)> link = [&](std::size_t i, std::size_t depth) -> bool {
    if (states[i] == State::kLinked || states[i] == State::kRefused) return states[i] == State::kLinked;
    Correlation& correlation = correlations[i];
    const auto refuse = [&](std::string message, ErrorCode code = ErrorCode::kInvalid) {
      out.errors.push_back(Error{code, message, at(correlation.source, correlation.rules_place, "correlation.rules")});
      for (const std::string* name : {&correlation.id, &correlation.name})
        if (!name->empty()) refused[*name] = message;
      states[i] = State::kRefused;
      return false;
    };
    if (depth > kMaxCorrelationDepth)
      return refuse("correlations refer to each other more than " + std::to_string(kMaxCorrelationDepth) + " deep",
                    ErrorCode::kTooLarge);
    states[i] = State::kOpen;
    LinkedCorrelation made;
    std::vector<const Rule*> referred;
    for (const std::string& name : correlation.rules) {
      if (const auto rule = rule_of.find(name); rule != rule_of.end()) {
        made.references.push_back({false, rule->second, name});
        referred.push_back(&out.rules[rule->second]);
      } else if (const auto other = correlation_of.find(name); other != correlation_of.end()) {
        if (states[other->second] == State::kOpen)
          return refuse("the correlation refers to itself through \"" + name + "\"");
        if (!link(other->second, depth + 1))
          return refuse("the correlation \"" + name + "\" that it refers to was refused");
        made.references.push_back({true, linked[other->second], name});
      } else if (const auto why = refused.find(name); why != refused.end()) {
        return refuse("the rule \"" + name + "\" that it refers to cannot be used: " + why->second);
      } else {
        return refuse("there is no rule with the id or name \"" + name + "\"", ErrorCode::kNotFound);
      }
    }
    for (const auto& [alias, fields] : correlation.aliases)
      for (const auto& [rule, field] : fields)
        if (!rule_of.contains(rule) && !correlation_of.contains(rule))
          return refuse("the alias \"" + alias + "\" names \"" + rule + "\", which is no rule", ErrorCode::kNotFound);
    Pipeline::Trace trace;
    for (const Pipeline* pipeline : pipelines) {
      if (auto applied = pipeline->apply(correlation, referred, trace); !applied) {
        states[i] = State::kRefused;
        for (const std::string* name : {&correlation.id, &correlation.name})
          if (!name->empty()) refused[*name] = applied.error().message;
        out.errors.push_back(std::move(applied).error());
        return false;
      }
    }
    made.correlation = correlation;
    linked[i] = out.correlations.size();
    out.correlations.push_back(std::move(made));
    states[i] = State::kLinked;
    return true;
  };
  for (std::size_t i = 0; i < correlations.size(); ++i) link(i, 0);

  std::vector<int> rule_voice(out.rules.size(), 0),
      correlation_voice(out.correlations.size(), 0);  // 1: silent, 2: generate
  for (const LinkedCorrelation& one : out.correlations)
    for (const auto& reference : one.references) {
      int& voice = (reference.correlation ? correlation_voice : rule_voice)[reference.index];
      voice = std::max(voice, one.correlation.generate ? 2 : 1);
    }
  for (const int voice : rule_voice) out.rule_speaks.push_back(voice != 1);
  for (const int voice : correlation_voice) out.correlation_speaks.push_back(voice != 1);
  return out;
}

}  // namespace bongsu::detect::sigma
