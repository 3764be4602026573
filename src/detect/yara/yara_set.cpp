#include "detect/yara/yara_set.h"

#include <algorithm>
#include <map>
#include <set>

#include "detect/yara/rule_text.h"
#include "detect/yara/yara_library.h"

namespace bongsu::detect {
namespace {

// What signature-base's rules ask for (its README, "External Variables in YARA Rules").
constexpr const char* kExternals[] = {"filename", "filepath", "extension", "filetype", "owner"};

yara::Externals externals_of(const YaraOptions& options) {
  yara::Externals out;
  for (const char* name : kExternals) out.emplace_back(name, "");
  for (const auto& [name, value] : options.externals) {
    const auto same = std::find_if(out.begin(), out.end(), [&](const auto& e) { return e.first == name; });
    if (same == out.end()) {
      out.emplace_back(name, value);
    } else {
      same->second = value;
    }
  }
  return out;
}

struct Work {
  const RuleSource* source = nullptr;
  std::string text;
};

}  // namespace

class YaraSetBuilder {
 public:
  YaraSetBuilder(const RuleSources& sources, const YaraOptions& options, YaraSet& out)
      : sources_(sources), externals_(externals_of(options)), out_(out) {}

  void run(bool for_events) {
    for (const Error& error : sources_.errors()) name(error);
    std::vector<Work> works;
    for (const RuleSource& source : sources_.files()) works.push_back({&source, source.text});
    out_.all_ = whole(works, true);
    out_.files_ = works.size();
    if (for_events) make_parts(works);
  }

 private:
  // From the texts that were good: the rules without and those with modules of executables.
  void make_parts(const std::vector<Work>& works) {
    std::vector<Work> light, heavy, sieve;
    for (const Work& work : works) {
      Work rest{work.source, work.text}, with{work.source, work.text};
      std::vector<RuleItem> items = outline(work.text);
      bool tied = false;  // rules that hang together stay together
      std::vector<bool> uses(items.size(), false);
      bool any_use = false, any_rule = false;
      for (std::size_t i = 0; i < items.size(); ++i) {
        const RuleItem& item = items[i];
        if (item.kind == RuleItem::Kind::kInclude) tied = true;
        if (item.kind != RuleItem::Kind::kRule) continue;
        const bool needed = referred_to(items, i);
        tied = tied || item.global || needed;
        if (!item.global && !needed && demands_file(item.condition)) {
          blank(rest.text, item);
          blank(with.text, item);
          continue;
        }
        any_rule = true;
        uses[i] = uses_heavy_module(item.condition);
        any_use = any_use || uses[i];
      }
      if (!any_rule && !tied) continue;
      if (any_use && !tied) {
        for (std::size_t i = 0; i < items.size(); ++i)
          if (items[i].kind == RuleItem::Kind::kRule) blank(uses[i] ? rest.text : with.text, items[i]);
        heavy.push_back(with);
      } else if (any_use) {
        heavy.push_back(std::move(with));
        continue;
      }
      drop_imports(rest.text);
      light.push_back(std::move(rest));
    }
    if (const auto compiled = whole(light, false)) out_.events_.push_back({compiled, nullptr});
    const auto compiled = heavy.empty() ? nullptr : whole(heavy, false);
    if (!compiled) return;
    for (const Work& work : heavy) {
      Work sieved{work.source, sieve_text(work.text)};
      drop_imports(sieved.text);
      sieve.push_back(std::move(sieved));
    }
    // A sieve that had to be mended would let something through unseen: better none.
    const auto together = attempt(sieve);
    out_.events_.push_back({compiled, together ? *together : nullptr});
  }

  // An import costs each scan the making of the module's values, used or not.
  static void drop_imports(std::string& text) {
    const std::string before = text;
    const std::vector<RuleItem> items = outline(before);
    for (std::size_t i = 0; i < items.size(); ++i)
      if (items[i].kind == RuleItem::Kind::kImport && is_heavy_module(items[i].name) && !referred_to(items, i))
        blank(text, items[i]);
  }

  static std::string sieve_text(const std::string& text) {
    std::string out;
    std::size_t done = 0;
    for (const RuleItem& item : outline(text)) {
      if (item.kind != RuleItem::Kind::kRule || item.condition.empty()) continue;
      const auto begin = static_cast<std::size_t>(item.condition.data() - text.data());
      out.append(text, done, begin - done);
      const bool strings = text.substr(item.begin, begin - item.begin).find("strings") != text.npos;
      out += !strings ? " true " : demands_string(item.condition) ? " any of them " : " true or any of them ";
      done = begin + item.condition.size();
    }
    return out + text.substr(done);
  }

  void name(Error error) {
    ++out_.error_count_;
    if (out_.errors_.size() < kMaxYaraErrors) out_.errors_.push_back(std::move(error));
  }

  std::expected<yara::CompiledPtr, std::vector<yara::Fault>> attempt(std::span<const Work> works) {
    std::vector<yara::Text> texts;
    for (const Work& work : works) texts.push_back({work.source->name, work.text.c_str()});
    // Where the files that were included stand, by the names that they were included under.
    std::map<std::string, std::string, std::less<>> paths;
    std::size_t of = works.size();
    return yara::compile(texts, externals_,
                         [&, of](std::size_t text, std::string_view name, std::string_view from) mutable {
                           if (text != of) paths.clear();
                           of = text;
                           const RuleSource& source = *works[text].source;
                           const auto found = paths.find(from);
                           const std::string base = found == paths.end() ? source.path : found->second;
                           const std::size_t slash = base.rfind('/');
                           if (const auto path = path_within(slash == base.npos ? "" : base.substr(0, slash), name))
                             paths.insert_or_assign(std::string(name), *path);
                           return sources_.include(source.group, name, base);
                         });
  }

  // All texts together. If one is bad, each is tried alone and mended, and the rest is put together again; `works`
  // keeps what was used.
  yara::CompiledPtr whole(std::vector<Work>& works, bool tell) {
    auto compiled = attempt(works);
    if (compiled) return *compiled;
    std::erase_if(works, [&](Work& work) { return !mend(work, tell); });
    while (true) {
      compiled = attempt(works);
      if (compiled) return *compiled;
      // Good alone and bad together: only a limit of the whole can be the cause.
      const yara::Fault& fault = compiled.error().front();
      if (works.empty() || fault.text >= works.size()) {
        if (tell) name({ErrorCode::kInternal, fault.message, {}});
        return nullptr;
      }
      if (tell)
        name({ErrorCode::kInvalid, fault.message, {.source = works[fault.text].source->name, .line = fault.line}});
      works.erase(works.begin() + static_cast<std::ptrdiff_t>(fault.text));
    }
  }

  // Leaves out what libyara refuses, until it takes the rest. false: nothing of the file can be used.
  bool mend(Work& work, bool tell) {
    std::set<std::size_t> left_out;
    for (std::size_t pass = 0;; ++pass) {
      const auto compiled = attempt(std::span(&work, 1));
      if (compiled) return true;
      const std::vector<RuleItem> items = outline(work.text);
      bool smaller = false;
      std::string text = work.text;
      for (const yara::Fault& fault : compiled.error()) {
        const RuleItem* item = blame(items, fault);
        if (item == nullptr || !left_out.insert(item->begin).second) continue;
        if (tell) name(error_of(*work.source, fault, *item));
        blank(text, *item);
        smaller = true;
        if (pass < kMaxRuleRepairs) break;  // later faults may come of this one
      }
      if (smaller) {
        work.text = std::move(text);
        continue;
      }
      const yara::Fault& fault = compiled.error().front();
      if (tell)
        name({ErrorCode::kInvalid,
              fault.message + " (the whole file is left out)",
              {.source = work.source->name, .line = fault.line}});
      return false;
    }
  }

  // The statement that a fault speaks of: the rule of that name around the line, else what stands at or before the
  // line.
  static const RuleItem* blame(const std::vector<RuleItem>& items, const yara::Fault& fault) {
    const RuleItem* before = nullptr;
    for (const RuleItem& item : items) {
      if (!fault.included.empty()) {
        if (item.kind == RuleItem::Kind::kInclude && item.name == fault.included) return &item;
        continue;
      }
      if (item.first_line > fault.line) break;
      if (!fault.rule.empty() && item.kind == RuleItem::Kind::kRule && item.name == fault.rule &&
          item.last_line >= fault.line)
        return &item;
      before = &item;
    }
    return before;
  }

  static Error error_of(const RuleSource& source, const yara::Fault& fault, const RuleItem& item) {
    static constexpr const char* kKinds[] = {"import", "include", "rule"};
    std::string message = fault.message;
    if (!fault.file.empty()) message += " (in the included file, line " + std::to_string(fault.line) + ")";
    return {ErrorCode::kInvalid,
            std::move(message),
            {.source = source.name,
             .line = fault.file.empty() ? fault.line : item.first_line,
             .offset = 0,
             .has_offset = false,
             .field = std::string(kKinds[static_cast<std::size_t>(item.kind)]) + " " + item.name}};
  }

  const RuleSources& sources_;
  yara::Externals externals_;
  YaraSet& out_;
};

YaraSetPtr YaraSet::load(const std::vector<std::string>& paths, const YaraOptions& options) {
  RuleSources sources;
  for (const std::string& path : paths) sources.add(path);
  return compile(sources, options);
}

YaraSetPtr YaraSet::compile(const RuleSources& sources, const YaraOptions& options) {
  auto out = std::make_shared<YaraSet>();
  out->options_ = options;
  YaraSetBuilder(sources, options, *out).run(options.for_events);
  return out;
}

namespace {
const std::vector<YaraRule> kNoRules;
}

const std::vector<YaraRule>& YaraSet::rules() const { return all_ ? yara::rules_of(*all_) : kNoRules; }
std::size_t YaraSet::event_rules() const {
  std::size_t n = 0;
  for (const Part& part : events_) n += yara::rules_of(*part.rules).size();
  return n;
}
std::size_t YaraSet::strings() const { return all_ ? yara::strings_of(*all_) : 0; }

}  // namespace bongsu::detect
