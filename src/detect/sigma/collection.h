// Rules, correlations, filters and pipelines together: what a user loads, and what of it can be compiled.
//
//   Collection collection;
//   collection.add_pipeline(std::move(pipeline));
//   collection.load("sigma/rules");                       // a file, or a directory with everything below it
//   RuleSet rules = std::move(collection).finish();       // filters applied, references resolved, pipelines run
//   for (const Error& error : rules.errors) …             // file, line, field, reason: each cost itself alone
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/pipeline.h"
#include "detect/sigma/rule.h"

namespace bongsu::detect::sigma {

inline constexpr std::size_t kMaxRules = 100'000;
inline constexpr std::size_t kMaxRuleFiles = 200'000;
inline constexpr std::size_t kMaxCorrelationDepth = 16;  // correlations that refer to correlations

// A correlation with its references resolved.
struct LinkedCorrelation {
  struct Reference {
    bool correlation = false;
    std::size_t index = 0;  // among rules, or among correlations
    std::string written;    // as the correlation names it
  };
  Correlation correlation;
  std::vector<Reference> references;  // in the order of correlation.rules
};

struct RuleSet {
  std::vector<Rule> rules;                      // conditions name identifiers only: every pattern is written out
  std::vector<LinkedCorrelation> correlations;  // those that are referred to stand before those that refer
  // Is there a hit of its own? Not for what is only part of a correlation without `generate`.
  std::vector<bool> rule_speaks, correlation_speaks;
  std::vector<Error> errors;
  // Rules that are well-formed and cannot be looked for until a pipeline gives their placeholders values.
  std::vector<Error> waiting;
  std::size_t files = 0, filters = 0;
};

class Collection {
 public:
  // Pipelines run by priority, the lowest first, then in the order in which they were added.
  void add_pipeline(Pipeline pipeline) { pipelines_.push_back(std::move(pipeline)); }
  void add(std::string_view text, const std::string& source);
  // kIo, kNotFound for the path itself; what is wrong in files goes to the errors of finish().
  Result<void> load(const std::string& path);

  RuleSet finish() &&;

 private:
  std::vector<Pipeline> pipelines_;
  std::vector<Document> documents_;
  std::vector<Error> errors_;
  std::size_t files_ = 0;
};

}  // namespace bongsu::detect::sigma
