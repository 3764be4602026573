#include "detect/rule_object.h"

#include <algorithm>
#include <filesystem>

#include "base/json.h"
#include "base/uuid.h"
#include "detect/sigma/rule.h"
#include "detect/yara/rule_sources.h"
#include "detect/yara/yara_set.h"

namespace bongsu::detect {
namespace {

// Namespace of the ids: a random UUID, fixed for ever.
constexpr Uuid kRuleNamespace{
    {0x8d, 0x27, 0x5b, 0x90, 0x61, 0x4e, 0x4c, 0x0a, 0xb1, 0x75, 0x2f, 0xd3, 0x9c, 0x48, 0xe6, 0x1b}};
constexpr std::string_view kOldest = "2000-01-01T00:00:00Z";
constexpr std::size_t kMaxReferences = 32;

struct About {
  std::string key;  // what the id is made of
  std::string title, description;
  std::vector<std::string> references;
  Instant created;
};

Result<About> about_sigma(std::string_view text, const std::string& name) {
  const sigma::ReadFile read = sigma::read_sigma(text, name);
  if (!read.errors.empty()) return std::unexpected(read.errors.front());
  if (read.documents.empty()) return fail(ErrorCode::kInvalid, "there is no rule in this file", {.source = name});
  const auto& header = std::visit([](const auto& document) -> const sigma::Header& { return document; }, read.documents.front());
  About out{.key = header.id, .title = header.title, .description = header.description, .references = header.references, .created = {}};
  std::string date = header.date;  // 2024-05-31, of old 2024/05/31
  std::ranges::replace(date, '/', '-');
  out.created = Instant::parse(date + "T00:00:00Z").value_or(*Instant::parse(kOldest));
  return out;
}

Result<About> about_yara(std::string_view text, const std::string& name) {
  RuleSources sources;
  sources.add_text(name, std::string(text));
  if (!sources.errors().empty()) return std::unexpected(sources.errors().front());
  const YaraSetPtr set = YaraSet::compile(sources);
  if (!set->errors().empty()) return std::unexpected(set->errors().front());
  if (set->rules().empty()) return fail(ErrorCode::kInvalid, "there is no rule in this file", {.source = name});
  const YaraRule& first = set->rules().front();
  return About{.key = {},
               .title = set->rules().size() == 1 ? first.name : std::filesystem::path(name).stem().string(),
               .description = std::string(first.meta_value("description")),
               .references = {},
               .created = *Instant::parse(kOldest)};
}

}  // namespace

std::optional<Language> language_of_file(std::string_view name) {
  for (const std::string_view end : {".yml", ".yaml"})
    if (name.ends_with(end)) return Language::kSigma;
  for (const std::string_view end : {".yar", ".yara", ".rule"})
    if (name.ends_with(end)) return Language::kYara;
  return std::nullopt;
}

Result<stix::Object> indicator_of_rules(Language language, std::string_view text, const std::string& name,
                                        const Instant& modified) {
  if (text.size() > kMaxRuleTextBytes)
    return fail(ErrorCode::kTooLarge, "a file of rules that is shared is at most 1 MiB", {.source = name});
  if (language == Language::kStix)
    return fail(ErrorCode::kUnsupported, "STIX patterns stand in indicators already", {.source = name});
  BONGSU_TRY(About about, language == Language::kSigma ? about_sigma(text, name) : about_yara(text, name));
  if (about.key.empty()) about.key = std::filesystem::path(name).filename().string();
  const std::string key = std::string(to_string(language)) + ":" + about.key;

  const std::string created = about.created.text(3);
  JsonObject o;
  o["type"] = "indicator";
  o["spec_version"] = "2.1";
  o["id"] = "indicator--" + Uuid::from_name(kRuleNamespace, key).text();
  o["created"] = created;
  o["modified"] = std::max(about.created, modified).text(3);
  if (!about.title.empty()) o["name"] = about.title;
  if (!about.description.empty()) o["description"] = about.description;
  o["indicator_types"] = JsonArray{"malicious-activity"};
  o["pattern"] = text;
  o["pattern_type"] = to_string(language);
  o["valid_from"] = created;
  JsonArray references;
  for (const std::string& reference : about.references)
    if (references.size() < kMaxReferences && (reference.starts_with("https://") || reference.starts_with("http://")))
      references.push_back(JsonObject{{"source_name", "reference"}, {"url", reference}});
  if (!references.empty()) o["external_references"] = std::move(references);
  auto object = stix::Object::parse(to_text(o));
  if (!object) object.error().where.source = name;
  return object;
}

}  // namespace bongsu::detect
