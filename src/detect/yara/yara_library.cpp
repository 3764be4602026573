#include "detect/yara/yara_library.h"

#include <cstring>
#include <fmt/format.h>
#include <yara.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>

namespace bongsu::detect::yara {
namespace {

constexpr std::size_t kMaxFaults = 1'000;        // of one text
constexpr std::size_t kMaxIncludeReads = 1'000;  // of one text

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

// libyara is initialised as long as one of these lives.
class Library {
 public:
  Library() {
    const std::lock_guard lock(library_mutex());
    good_ = yr_initialize() == ERROR_SUCCESS;
    // What libyara keeps of each match: with a million matches a string allowed, its default of 512 bytes is too much.
    // Once: scanners of other sets may be at work.
    static bool configured = false;
    if (good_ && !configured) yr_set_configuration_uint32(YR_CONFIG_MAX_MATCH_DATA, kMaxYaraShownBytes);
    configured = configured || good_;
  }
  ~Library() {
    const std::lock_guard lock(library_mutex());
    if (good_) yr_finalize();
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  bool good() const { return good_; }

 private:
  bool good_ = false;
};

std::string text_of(const char* text) { return text == nullptr ? std::string() : std::string(text); }

YaraRule rule_of(const YR_RULE* from) {
  YaraRule rule{.name = text_of(from->identifier), .name_space = text_of(from->ns->name), .tags = {}, .meta = {}};
  const char* tag = nullptr;
  yr_rule_tags_foreach(from, tag) rule.tags.emplace_back(tag);
  const YR_META* meta = nullptr;
  yr_rule_metas_foreach(from, meta) {
    std::string value = meta->type == META_TYPE_INTEGER   ? std::to_string(meta->integer)
                        : meta->type == META_TYPE_BOOLEAN ? (meta->integer != 0 ? "true" : "false")
                                                          : text_of(meta->string);
    rule.meta.emplace_back(text_of(meta->identifier), std::move(value));
  }
  return rule;
}

}  // namespace

class Compiled {
 public:
  Library library;  // first in, last out
  YR_RULES* yr = nullptr;
  std::vector<YaraRule> rules;
  std::size_t strings = 0;
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (yr != nullptr) yr_rules_destroy(yr);
  }
};

const std::vector<YaraRule>& rules_of(const Compiled& compiled) { return compiled.rules; }
std::size_t strings_of(const Compiled& compiled) { return compiled.strings; }

namespace {

struct Compilation {
  const Includes* includes = nullptr;
  std::size_t text = 0;
  std::string top_include;  // the text's own include statement that is being followed
  std::size_t reads = 0;
  std::vector<Fault> faults;
};

void on_message(int level, const char* file, int line, const YR_RULE* rule, const char* message, void* user) {
  auto& compilation = *static_cast<Compilation*>(user);
  if (level != YARA_ERROR_LEVEL_ERROR || compilation.faults.size() >= kMaxFaults) return;
  compilation.faults.push_back({.text = compilation.text,
                                .included = file != nullptr ? compilation.top_include : "",
                                .file = text_of(file),
                                .line = line > 0 ? static_cast<std::uint64_t>(line) : 0,
                                .rule = rule != nullptr ? text_of(rule->identifier) : "",
                                .message = text_of(message)});
}

const char* on_include(const char* name, const char* from, const char*, void* user) {
  auto& compilation = *static_cast<Compilation*>(user);
  if (from == nullptr) compilation.top_include = text_of(name);
  if (++compilation.reads > kMaxIncludeReads) return nullptr;
  const auto text = (*compilation.includes)(compilation.text, text_of(name), text_of(from));
  if (!text || text->find('\0') != text->npos) return nullptr;
  return ::strdup(text->c_str());
}

void free_include(const char* text, void*) { std::free(const_cast<char*>(text)); }

struct CompilerEnd {
  void operator()(YR_COMPILER* compiler) const { yr_compiler_destroy(compiler); }
};

Fault trouble(std::string message) {
  return {.text = 0, .included = {}, .file = {}, .line = 0, .rule = {}, .message = std::move(message)};
}

}  // namespace

std::expected<CompiledPtr, std::vector<Fault>> compile(std::span<const Text> texts, const Externals& externals,
                                                       const Includes& includes) {
  auto out = std::make_shared<Compiled>();
  YR_COMPILER* made = nullptr;
  if (!out->library.good() || yr_compiler_create(&made) != ERROR_SUCCESS)
    return std::unexpected(std::vector{trouble("libyara could not be started")});
  const std::unique_ptr<YR_COMPILER, CompilerEnd> compiler(made);
  Compilation compilation{.includes = &includes, .text = 0, .top_include = {}, .reads = 0, .faults = {}};
  yr_compiler_set_callback(made, on_message, &compilation);
  yr_compiler_set_include_callback(made, on_include, free_include, &compilation);
  for (const auto& [name, value] : externals) yr_compiler_define_string_variable(made, name.c_str(), value.c_str());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    compilation.text = i;
    compilation.reads = 0;
    compilation.top_include.clear();
    if (yr_compiler_add_string(made, texts[i].text, std::string(texts[i].name_space).c_str()) == 0) continue;
    if (compilation.faults.empty()) {
      compilation.faults.push_back(trouble("libyara does not say why"));
      compilation.faults.back().text = i;
    }
    return std::unexpected(std::move(compilation.faults));
  }
  if (yr_compiler_get_rules(made, &out->yr) != ERROR_SUCCESS)
    return std::unexpected(std::vector{trouble("libyara could not put the rules together (out of memory?)")});
  YR_RULE* rule = nullptr;
  yr_rules_foreach(out->yr, rule) out->rules.push_back(rule_of(rule));
  YR_RULES_STATS stats{};
  if (yr_rules_get_stats(out->yr, &stats) == ERROR_SUCCESS) out->strings = stats.num_strings;
  return out;
}

struct Scanner::Impl {
  CompiledPtr compiled;
  YR_SCANNER* scanner = nullptr;
  std::vector<YaraHit>* hits = nullptr;
  std::size_t hits_before = 0;
  std::uint64_t dropped = 0, limited = 0;

  ~Impl() {
    if (scanner != nullptr) yr_scanner_destroy(scanner);
  }

  void take(YR_SCAN_CONTEXT* context, const YR_RULE* rule) {
    if (hits->size() - hits_before >= kMaxYaraHits) {
      ++dropped;
      return;
    }
    YaraHit& hit = hits->emplace_back();
    hit.rule = &compiled->rules[static_cast<std::size_t>(rule - compiled->yr->rules_table)];
    const YR_STRING* string = nullptr;
    yr_rule_strings_foreach(rule, string) {
      if (hit.strings.size() >= kMaxYaraStrings) break;
      if (STRING_IS_PRIVATE(string)) continue;
      // libyara keeps its matches behind one another, wherever the one before ended: they are copied out.
      YR_MATCH match;
      const YR_MATCH* next = context->matches[string->idx].head;
      for (; next != nullptr; next = match.next) {
        std::memcpy(&match, static_cast<const void*>(next), sizeof match);
        if (!match.is_private) break;
      }
      if (next == nullptr) continue;
      const auto shown = static_cast<std::size_t>(std::max(match.data_length, 0));
      hit.strings.push_back(
          {.name = text_of(string->identifier),
           .offset = static_cast<std::uint64_t>(match.base + match.offset),
           .length = static_cast<std::uint64_t>(std::max(match.match_length, 0)),
           .data = {reinterpret_cast<const char*>(match.data), std::min(shown, kMaxYaraShownBytes)}});
    }
  }
};

namespace {

int on_scan(YR_SCAN_CONTEXT* context, int message, void* data, void* user) {
  auto& scan = *static_cast<Scanner::Impl*>(user);
  if (message == CALLBACK_MSG_RULE_MATCHING) scan.take(context, static_cast<const YR_RULE*>(data));
  if (message == CALLBACK_MSG_TOO_MANY_MATCHES) ++scan.limited;
  return CALLBACK_CONTINUE;
}

}  // namespace

Scanner::Scanner(CompiledPtr compiled) : impl_(std::make_unique<Impl>()) {
  impl_->compiled = std::move(compiled);
  if (yr_scanner_create(impl_->compiled->yr, &impl_->scanner) != ERROR_SUCCESS) return;
  yr_scanner_set_callback(impl_->scanner, on_scan, impl_.get());
  // Fast mode: where a condition asks only whether a string is there, its first match is enough.
  yr_scanner_set_flags(impl_->scanner,
                       SCAN_FLAGS_FAST_MODE | SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING);
}

Scanner::~Scanner() = default;
Scanner::Scanner(Scanner&&) noexcept = default;
Scanner& Scanner::operator=(Scanner&&) noexcept = default;

void Scanner::define(const std::string& name, const std::string& value) {
  if (impl_->scanner != nullptr) yr_scanner_define_string_variable(impl_->scanner, name.c_str(), value.c_str());
}

Result<void> Scanner::scan(std::string_view bytes, int timeout_seconds, std::vector<YaraHit>& hits) {
  if (impl_->scanner == nullptr) return fail(ErrorCode::kInternal, "libyara could not make a scanner (out of memory?)");
  impl_->hits = &hits;
  impl_->hits_before = hits.size();
  yr_scanner_set_timeout(impl_->scanner, timeout_seconds);
  static constexpr std::uint8_t kNothing = 0;
  const auto* data = bytes.empty() ? &kNothing : reinterpret_cast<const std::uint8_t*>(bytes.data());
  const int code = yr_scanner_scan_mem(impl_->scanner, data, bytes.size());
  if (code == ERROR_SUCCESS) return {};
  hits.resize(impl_->hits_before);
  if (code == ERROR_SCAN_TIMEOUT)
    return fail(ErrorCode::kTimeout, fmt::format("YARA did not come to an end within {} s", timeout_seconds));
  const YR_RULE* rule = yr_scanner_last_error_rule(impl_->scanner);
  return fail(ErrorCode::kInternal,
              fmt::format("libyara stopped with error {}{}{}", code, rule != nullptr ? " at rule " : "",
                          rule != nullptr ? rule->identifier : ""));
}

std::uint64_t Scanner::dropped_hits() const { return impl_->dropped; }
std::uint64_t Scanner::limited_strings() const { return impl_->limited; }

}  // namespace bongsu::detect::yara
