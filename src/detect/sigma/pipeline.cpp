// Pipelines applied to rules and correlations.
#include <algorithm>
#include <charconv>
#include <functional>

#include "detect/sigma/pipeline_steps.h"

namespace bongsu::detect::sigma {
namespace {

bool before_wildcard(std::string_view text, std::size_t at) {
  return at < text.size() && (text[at] == '*' || text[at] == '?');
}

// As written(), but that backslashes before wildcards are doubled: "dir\" and a wildcard are no escaped wildcard.
std::string replaceable(const Pattern& pattern) {
  std::string out;
  for (std::size_t p = 0; p < pattern.parts.size(); ++p) {
    const Part& part = pattern.parts[p];
    if (part.kind != Part::Kind::kText) {
      out += Pattern{{part}}.written();
      continue;
    }
    const bool wildcard_behind = p + 1 < pattern.parts.size() && (pattern.parts[p + 1].kind == Part::Kind::kMany ||
                                                                  pattern.parts[p + 1].kind == Part::Kind::kOne);
    for (std::size_t i = 0; i < part.text.size();) {
      const std::size_t end = std::min(part.text.find_first_not_of('\\', i), part.text.size());
      const bool plain_behind = before_wildcard(part.text, end);
      out.append((end - i) * (plain_behind || (end == part.text.size() && wildcard_behind) ? 2 : 1), '\\');
      if (plain_behind) out += '\\';
      if (end < part.text.size()) out += part.text[end];
      i = end + 1;
    }
  }
  return out;
}

template <class F>
void each_item(Detection& detection, F&& f) {
  for (auto& child : detection.children) {
    if (Item* item = std::get_if<Item>(&child)) {
      f(*item);
    } else {
      each_item(std::get<Detection>(child), f);
    }
  }
}
template <class F>
bool any_item(const Detection& detection, F&& f) {
  return std::ranges::any_of(detection.children, [&](const auto& child) {
    const Item* item = std::get_if<Item>(&child);
    return item != nullptr ? f(*item) : any_item(std::get<Detection>(child), f);
  });
}

template <class F>
bool hold(const Checks& checks, F&& one) {
  if (checks.list.empty()) return true;
  bool out;
  if (checks.expression) {
    const std::function<bool(const Condition&)> eval = [&](const Condition& c) -> bool {
      switch (c.kind) {
        case Condition::Kind::kNot:
          return !eval(c.children[0]);
        case Condition::Kind::kAnd:
          return std::ranges::all_of(c.children, eval);
        case Condition::Kind::kOr:
          return std::ranges::any_of(c.children, eval);
        default:
          return one(*std::ranges::find(checks.list, c.name, &Check::id));
      }
    };
    out = eval(*checks.expression);
  } else {
    out = checks.any ? std::ranges::any_of(checks.list, one) : std::ranges::all_of(checks.list, one);
  }
  return out != checks.negate;
}

bool compare(std::string_view op, int order) {
  if (op == "eq") return order == 0;
  if (op == "ne") return order != 0;
  if (op == "gte") return order >= 0;
  if (op == "gt") return order > 0;
  if (op == "lte") return order <= 0;
  return order < 0;
}

// -1, 0, 1; numbers as such, other texts byte by byte (dates are written so that this is their order).
int order_of(const std::string& a, const std::string& b) {
  const auto left = number_of(a), right = number_of(b);
  if (!left || !right) return a.compare(b);
  return *left < *right ? -1 : *left > *right ? 1 : 0;
}

bool attribute_holds(const Check& check, const Header& header) {
  const auto list = [&](const std::vector<std::string>& values) {
    const bool in = std::ranges::find(values, check.value) != values.end();
    return check.op == "in" ? in : check.op == "not_in" ? !in : check.op == "ne";
  };
  if (check.key == "tags") return list(header.tags);
  if (check.key == "references") return list(header.references);
  if (check.key == "fields") return list(header.fields);
  if (check.key == "falsepositives") return list(header.falsepositives);
  if (check.key == "scope") return list(header.scope);
  if (check.key == "level") {
    const auto wanted = parse_level(check.value);
    return wanted && header.level != Level::kNone &&
           compare(check.op, static_cast<int>(header.level) - static_cast<int>(*wanted));
  }
  if (check.key == "status") {
    constexpr std::string_view kOrder[] = {"unsupported", "deprecated", "experimental", "test", "stable"};
    const auto have = std::ranges::find(kOrder, header.status), want = std::ranges::find(kOrder, check.value);
    return have != std::end(kOrder) && want != std::end(kOrder) && compare(check.op, static_cast<int>(have - want));
  }
  const std::map<std::string_view, const std::string*> kTexts = {
      {"title", &header.title},       {"id", &header.id},
      {"name", &header.name},         {"description", &header.description},
      {"author", &header.author},     {"date", &header.date},
      {"modified", &header.modified}, {"license", &header.license},
      {"taxonomy", &header.taxonomy}};
  const std::string* value = nullptr;
  if (const auto found = kTexts.find(check.key); found != kTexts.end()) {
    value = found->second;
  } else if (const auto custom = header.custom.find(check.key); custom != header.custom.end()) {
    value = &custom->second;
  }
  if (value == nullptr || value->empty()) return false;
  return compare(check.op, order_of(*value, check.value));
}

bool has_applied(const std::vector<std::string>& applied, const std::string& id) {
  return std::ranges::find(applied, id) != applied.end();
}

bool state_holds(const Check& check, const Pipeline::Trace& trace) {
  const auto found = trace.state.find(check.key);
  if (found == trace.state.end()) return check.op == "ne";
  return compare(check.op, order_of(found->second, check.value));
}

bool rule_holds(const Checks& checks, const Rule* rule, const Header& header, const std::vector<const Rule*>& referred,
                const Pipeline::Trace& trace) {
  return hold(checks, [&](const Check& check) -> bool {
    const auto in_rules = [&](auto&& f) {
      return rule != nullptr ? f(*rule) : std::ranges::any_of(referred, [&](const Rule* r) { return f(*r); });
    };
    const auto items = [&](auto&& f) {
      return rule != nullptr &&
             std::ranges::any_of(rule->detections, [&](const auto& one) { return any_item(one.second, f); });
    };
    switch (check.kind) {
      case Check::Kind::kLogSource:
        return in_rules([&](const Rule& r) { return check.log_source.contains(r.log_source); });
      case Check::Kind::kContainsField:
        return items([&](const Item& item) { return item.field == check.field; });
      case Check::Kind::kContainsItem:
        return items([&](const Item& item) {
          return item.field == check.field && std::ranges::any_of(item.values, [&](const auto& value) {
                   return std::ranges::find(value, check.wanted) != value.end();
                 });
        });
      case Check::Kind::kItemApplied:
        return has_applied(trace.applied, check.key);
      case Check::Kind::kState:
        return state_holds(check, trace);
      case Check::Kind::kIsRule:
        return rule != nullptr;
      case Check::Kind::kIsCorrelation:
        return rule == nullptr;
      case Check::Kind::kAttribute:
        return attribute_holds(check, header);
      case Check::Kind::kTag:
        return std::ranges::find(header.tags, check.value) != header.tags.end();
      default:
        return false;
    }
  });
}

bool field_holds(const Checks& checks, const std::optional<std::string>& field, const std::vector<std::string>& applied,
                 const Pipeline::Trace& trace) {
  return hold(checks, [&](const Check& check) -> bool {
    switch (check.kind) {
      case Check::Kind::kIncludeFields:
      case Check::Kind::kExcludeFields: {
        bool in = false;
        if (field) {
          // As Python's re.match: from the beginning, not to the end.
          in = check.patterns.empty() ? std::ranges::find(check.fields, *field) != check.fields.end()
                                      : std::ranges::any_of(check.patterns, [&](const RegexPtr& p) {
                                          return p->Match(*field, 0, field->size(), re2::RE2::ANCHOR_START, nullptr, 0);
                                        });
        }
        return in == (check.kind == Check::Kind::kIncludeFields);
      }
      case Check::Kind::kItemApplied:
        return has_applied(applied, check.key);
      case Check::Kind::kState:
        return state_holds(check, trace);
      default:
        return false;
    }
  });
}

bool item_holds(const Checks& checks, const Item& item, const Pipeline::Trace& trace) {
  return hold(checks, [&](const Check& check) -> bool {
    if (check.kind == Check::Kind::kItemApplied) return has_applied(item.applied, check.key);
    if (check.kind == Check::Kind::kState) return state_holds(check, trace);
    const auto one = [&](const Test& test) {
      switch (check.kind) {
        case Check::Kind::kMatchString: {
          if (test.kind != Test::Kind::kPattern) return check.negate;
          const std::string text = test.pattern.written();
          return check.patterns[0]->Match(text, 0, text.size(), re2::RE2::ANCHOR_START, nullptr, 0) != check.negate;
        }
        case Check::Kind::kMatchValue:
          return (test == check.wanted) != check.negate;
        case Check::Kind::kContainsWildcard:
          return (test.kind == Test::Kind::kPattern &&
                  (test.pattern.has(Part::Kind::kMany) || test.pattern.has(Part::Kind::kOne))) != check.negate;
        default:
          return (test.kind == Test::Kind::kNull) != check.negate;
      }
    };
    const auto value = [&](const std::vector<Test>& tests) {
      return check.all ? std::ranges::all_of(tests, one) : std::ranges::any_of(tests, one);
    };
    return check.all ? std::ranges::all_of(item.values, value) : std::ranges::any_of(item.values, value);
  });
}

// The new names of a field; empty: it stays.
std::vector<std::string> mapped(const Step& step, const std::string& field) {
  using enum Step::Kind;
  switch (step.kind) {
    case kFieldMapping: {
      const auto found = step.mapping.find(field);
      return found == step.mapping.end() ? std::vector<std::string>{} : found->second;
    }
    case kPrefixMapping: {
      std::vector<std::string> out;
      for (const auto& [prefix, to] : step.prefixes) {
        if (!field.starts_with(prefix)) continue;
        for (const std::string& one : to) out.push_back(one + field.substr(prefix.size()));
        break;
      }
      return out;
    }
    case kFieldPrefix:
      return {step.text + field};
    case kFieldSuffix:
      return {field + step.text};
    default:
      return {};
  }
}

}  // namespace

const std::string& Pipeline::name() const { return impl_->title; }
std::int64_t Pipeline::priority() const { return impl_->priority; }

Result<std::vector<Test>> Pipeline::Impl::placeholders(const Test& test, const Step& step, const Rule& rule) const {
  std::vector<Test> out;
  const auto handled = [&](const std::string& placeholder) {
    return step.has_include ? std::ranges::find(step.include, placeholder) != step.include.end()
                            : std::ranges::find(step.exclude, placeholder) == step.exclude.end();
  };
  std::vector<Pattern> patterns{{}};
  for (const Part& part : test.pattern.parts) {
    if (part.kind != Part::Kind::kPlaceholder || !handled(part.text)) {
      for (Pattern& pattern : patterns) pattern.add(part);
      continue;
    }
    std::vector<Pattern> choices;
    if (step.kind == Step::Kind::kWildcardPlaceholders) {
      choices.push_back(Pattern::parse("*"));
    } else {
      const auto found = vars.find(part.text);
      if (found == vars.end())
        return refused(step, rule, "the placeholder %" + part.text + "% has no value among the pipeline's vars");
      for (const std::string& value : found->second) choices.push_back(Pattern::parse(value));
    }
    if (patterns.size() * choices.size() > kMaxExpansions)
      return refused(step, rule,
                     "the placeholders of one value give more than " + std::to_string(kMaxExpansions) + " values");
    std::vector<Pattern> next;
    for (const Pattern& pattern : patterns)
      for (const Pattern& choice : choices) {
        next.push_back(pattern);
        next.back().append(choice);
      }
    patterns = std::move(next);
  }
  for (Pattern& pattern : patterns) {
    Test one = test;
    one.pattern = std::move(pattern);
    out.push_back(std::move(one));
  }
  return out;
}

// replace_string: the value after it; nothing when the expression is not found in it.
Result<std::optional<Pattern>> Pipeline::Impl::replace(const Test& test, const Step& step, const Rule& rule) const {
  const bool pattern = test.kind == Test::Kind::kPattern;
  if (pattern && step.skip_special) {
    Pattern next;
    bool found = false;
    for (Part part : test.pattern.parts) {
      if (part.kind == Part::Kind::kText && re2::RE2::GlobalReplace(&part.text, *step.regex, step.text) > 0) {
        found = true;
        if (step.interpret_special) {
          next.append(Pattern::parse(part.text).with_placeholders());
          continue;
        }
      }
      next.add(std::move(part));
    }
    return found ? std::optional(std::move(next)) : std::nullopt;
  }
  if (pattern && test.pattern.has(Part::Kind::kDash))
    return refused(step, rule, "replace_string cannot be applied to a value with windash");
  std::string text = pattern ? replaceable(test.pattern) : test.text;
  if (re2::RE2::GlobalReplace(&text, *step.regex, step.text) == 0) return std::nullopt;
  // Backslashes are single there, but before wildcards.
  std::string escaped;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find_first_not_of('\\', i), text.size());
    escaped.append((end - i) * (before_wildcard(text, end) ? 1 : 2), '\\');
    if (end < text.size()) escaped += text[end];
    i = end + 1;
  }
  Pattern next = Pattern::parse(escaped);
  if (pattern && test.pattern.has(Part::Kind::kPlaceholder)) next = next.with_placeholders();
  return next;
}

// Values of one item; true when the step applies to it.
Result<bool> Pipeline::Impl::change(Item& item, const Step& step, const Rule& rule) const {
  using enum Step::Kind;
  std::vector<std::vector<Test>> values;
  bool changed = false;
  for (std::vector<Test>& value : item.values) {
    std::vector<Test> tests;
    for (Test& test : value) {
      const bool pattern = test.kind == Test::Kind::kPattern;
      switch (step.kind) {
        case kValuePlaceholders:
        case kWildcardPlaceholders: {
          if (pattern && test.pattern.has(Part::Kind::kPlaceholder)) {
            BONGSU_TRY(std::vector<Test> more, placeholders(test, step, rule));
            tests.insert(tests.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
            changed = true;
            continue;
          }
          break;
        }
        case kReplaceString:
          if (pattern || test.kind == Test::Kind::kNumber) {
            BONGSU_TRY(const auto replaced, replace(test, step, rule));
            if (replaced) {
              test.kind = Test::Kind::kPattern;
              test.text.clear();
              test.pattern = std::move(*replaced);
              changed = true;
            }
          }
          break;
        case kMapString:
          if (pattern)
            if (const auto found = step.mapping.find(test.pattern.written()); found != step.mapping.end()) {
              for (const std::string& to : found->second) {
                tests.push_back(test);
                tests.back().pattern = Pattern::parse(to);
              }
              changed = true;
              continue;
            }
          break;
        case kSetValue:
          test = step.value;
          changed = true;
          break;
        case kConvertType:
          if (step.to_number && pattern && !test.pattern.special()) {
            const auto number = formats::canonical_number(test.pattern.text());
            if (!number)
              return refused(step, rule, "\"" + test.pattern.text() + "\" cannot be converted into a number");
            test = {};
            test.kind = Test::Kind::kNumber;
            test.text = *number;
            changed = true;
          } else if (!step.to_number && test.kind == Test::Kind::kNumber && test.compare == Test::Compare::kEqual) {
            test.kind = Test::Kind::kPattern;
            test.pattern = Pattern::plain(std::move(test.text));
            test.text.clear();
            changed = true;
          }
          break;
        default:
          break;
      }
      tests.push_back(std::move(test));
    }
    values.push_back(std::move(tests));
  }
  item.values = std::move(values);
  return changed;
}

Result<void> Pipeline::Impl::walk(Detection& detection, const Step& step, const Rule& rule, Trace& trace) const {
  using enum Step::Kind;
  std::vector<std::variant<Item, Detection>> children;
  for (auto& child : detection.children) {
    if (Detection* inner = std::get_if<Detection>(&child)) {
      BONGSU_TRY_VOID(walk(*inner, step, rule, trace));
      if (!inner->children.empty()) children.push_back(std::move(child));
      continue;
    }
    Item& item = std::get<Item>(child);
    if (!item_holds(step.on_item, item, trace) || !field_holds(step.on_field, item.field, item.applied, trace)) {
      children.push_back(std::move(child));
      continue;
    }
    if (step.kind == kDrop) continue;
    if (step.kind == kItemFailure) return refused(step, rule, step.text);
    if (step.kind == kFieldMapping || step.kind == kPrefixMapping || step.kind == kFieldPrefix ||
        step.kind == kFieldSuffix) {
      // Names in fieldref values, too.
      for (auto& value : item.values)
        for (Test& test : value)
          if (test.kind == Test::Kind::kFieldRef) {
            std::vector<std::string> names;
            for (const std::string& name : test.other_fields) {
              std::vector<std::string> to = mapped(step, name);
              if (to.empty()) to = {name};
              names.insert(names.end(), to.begin(), to.end());
            }
            test.other_fields = std::move(names);
          }
      const std::vector<std::string> to = item.field ? mapped(step, *item.field) : std::vector<std::string>{};
      if (!to.empty()) item.applied.push_back(step.id);
      if (to.size() == 1) {
        item.field = to[0];
      } else if (to.size() > 1) {
        // Any of them; negated: none of them.
        Detection either;
        either.any = !item.negated;
        either.place = item.place;
        for (const std::string& name : to) {
          Item copy = item;
          copy.field = name;
          either.children.emplace_back(std::move(copy));
        }
        children.emplace_back(std::move(either));
        continue;
      }
    } else {
      BONGSU_TRY(const bool changed, change(item, step, rule));
      if (changed) item.applied.push_back(step.id);
    }
    children.push_back(std::move(child));
  }
  detection.children = std::move(children);
  return {};
}

Result<void> Pipeline::Impl::apply(Rule& rule, Trace& trace, const Step& step, std::size_t number) const {
  using enum Step::Kind;
  if (!rule_holds(step.on_rule, &rule, rule, {}, trace)) return {};
  trace.applied.push_back(step.id);
  switch (step.kind) {
    case kAddCondition: {
      Yaml conditions = step.conditions;
      if (step.templated) {
        const auto substitute = [&](std::string& text) {
          for (const auto& [name, value] : {std::pair{std::string_view("category"), &rule.log_source.category},
                                            {"product", &rule.log_source.product},
                                            {"service", &rule.log_source.service}})
            for (const std::string& form : {"${" + std::string(name) + "}", "$" + std::string(name)})
              for (std::size_t at = text.find(form); at != text.npos; at = text.find(form, at + value->size()))
                text.replace(at, form.size(), *value);
        };
        for (Yaml& item : conditions.items) {
          substitute(item.text);
          for (Yaml& inner : item.items) substitute(inner.text);
        }
      }
      std::size_t values = 0;
      BONGSU_TRY(Detection detection, read_detection(conditions, source, values));
      const std::string name = !step.key.empty() ? step.key : "_cond_" + std::to_string(number);
      if (rule.detection(name) != nullptr)
        return refused(step, rule, "the rule has a search identifier \"" + name + "\" already");
      rule.detections.emplace_back(name, std::move(detection));
      for (Condition& condition : rule.conditions) {
        Condition added{Condition::Kind::kName, name, {}};
        if (step.negated) {
          Condition no{Condition::Kind::kNot, {}, {}};
          no.children.push_back(std::move(added));
          added = std::move(no);
        }
        // A name that the rule's own patterns would take in must not change what they mean.
        Condition both{Condition::Kind::kAnd, {}, {}};
        both.children.push_back(std::move(added));
        both.children.push_back(std::move(condition));
        condition = std::move(both);
      }
      return {};
    }
    case kChangeLogSource:
      rule.log_source = step.log_source;
      return {};
    case kSetState:
      trace.state[step.key] = step.text;
      return {};
    case kSetAttribute:
      rule.custom[step.key] = step.text;
      return {};
    case kAddField:
      rule.fields.insert(rule.fields.end(), step.fields.begin(), step.fields.end());
      return {};
    case kRemoveField:
      std::erase_if(rule.fields, [&](const std::string& field) {
        return std::ranges::find(step.fields, field) != step.fields.end();
      });
      return {};
    case kSetField:
      rule.fields = step.fields;
      return {};
    case kRuleFailure:
      return refused(step, rule, step.text);
    default:
      break;
  }
  for (auto& [name, detection] : rule.detections) BONGSU_TRY_VOID(walk(detection, step, rule, trace));
  if (step.kind == kDrop) {
    for (const auto& [name, detection] : rule.detections)
      if (detection.children.empty())
        return refused(step, rule, "drop_detection_item leaves nothing of \"" + name + "\"");
  }
  if (step.kind == kFieldMapping || step.kind == kPrefixMapping || step.kind == kFieldPrefix ||
      step.kind == kFieldSuffix) {
    std::vector<std::string> fields;
    for (const std::string& field : rule.fields) {
      std::vector<std::string> to =
          field_holds(step.on_field, field, {}, trace) ? mapped(step, field) : std::vector<std::string>{};
      if (to.empty()) to = {field};
      fields.insert(fields.end(), to.begin(), to.end());
    }
    rule.fields = std::move(fields);
  }
  return {};
}

Result<void> Pipeline::apply(Rule& rule, Trace& trace) const {
  for (std::size_t i = 0; i < impl_->steps.size(); ++i) BONGSU_TRY_VOID(impl_->apply(rule, trace, impl_->steps[i], i));
  return {};
}

Result<void> Pipeline::apply(Correlation& correlation, const std::vector<const Rule*>& referred, Trace& trace) const {
  using enum Step::Kind;
  for (const Step& step : impl_->steps) {
    if (!rule_holds(step.on_rule, nullptr, correlation, referred, trace)) continue;
    trace.applied.push_back(step.id);
    if (step.kind == kSetState) trace.state[step.key] = step.text;
    if (step.kind == kSetAttribute) correlation.custom[step.key] = step.text;
    if (step.kind == kRuleFailure && !step.on_rule.list.empty()) return impl_->refused(step, correlation, step.text);
    if (step.kind != kFieldMapping && step.kind != kPrefixMapping && step.kind != kFieldPrefix &&
        step.kind != kFieldSuffix)
      continue;
    const auto rename = [&](std::string& field) -> Result<void> {
      if (!field_holds(step.on_field, field, {}, trace)) return {};
      const std::vector<std::string> to = mapped(step, field);
      if (to.size() > 1)
        return impl_->refused(step, correlation,
                              "the field \"" + field + "\" of a correlation is mapped to more than one");
      if (to.size() == 1) field = to[0];
      if (!good_field_name(field))
        return impl_->refused(
            step, correlation,
            "a correlation's field has a name that is empty or too long now: \"" + field.substr(0, 80) + "\"");
      return {};
    };
    for (std::string& field : correlation.group_by)
      if (!correlation.aliases.contains(field)) BONGSU_TRY_VOID(rename(field));
    for (std::string& field : correlation.value_fields) BONGSU_TRY_VOID(rename(field));
    for (auto& [alias, fields] : correlation.aliases)
      for (auto& [rule, field] : fields) BONGSU_TRY_VOID(rename(field));
  }
  return {};
}

}  // namespace bongsu::detect::sigma
