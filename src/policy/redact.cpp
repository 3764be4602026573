#include "policy/redact.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"
#include "stix/marking.h"
#include "stix/object.h"
#include "stix/sco_id.h"
#include "stix/type_table.h"
#include "stix/validate.h"

namespace bongsu::policy {
namespace {

// Properties that cannot usefully be left out: with them the object is another one, or none.
constexpr std::array<std::string_view, 8> kFixed = {
    "type", "id", "spec_version", "created", "modified", "created_by_ref", "object_marking_refs", "granular_markings"};
bool is_fixed(std::string_view name) { return std::ranges::find(kFixed, name) != kFixed.end(); }
// Of these only the last part of an id can be an echo; the rest is the standard's words, and times of versions.
bool says_nothing(std::string_view name) {
  return name == "type" || name == "spec_version" || name == "created" || name == "modified" ||
         name == "granular_markings" || name == "object_marking_refs" || name == "extension_type";
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// One spelling for what people spell in many ways: case, defanging ("hxxp", "198[.]51"), percent-encoding.
std::string plain(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      c = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    }
    if (c == '[' || c == ']' || c == '(' || c == ')' || c == '{' || c == '}' || c == '\\') continue;
    out += lower(c);
  }
  for (std::size_t at = out.find("hxxp"); at != out.npos; at = out.find("hxxp", at)) out.replace(at, 4, "http");
  return out;
}

// The values that must not show, in one spelling.
class Secrets {
 public:
  void add_text(std::string_view text) {
    add(plain(text));
    // What can be looked up stands in longer texts: addresses, names, hashes.
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find_first_of(" \t\r\n\"'`,;<>|", at), text.size());
      std::string word = plain(text.substr(at, end - at));
      while (!word.empty() && (word.back() == '.' || word.back() == ':' || word.back() == '?' || word.back() == '!'))
        word.pop_back();
      if (word.size() >= 6 && word.size() < text.size() &&
          (word.find_first_of(".:@/") != word.npos ||
           std::ranges::all_of(word, [](char c) { return hex_digit(c) >= 0; })))
        add(std::move(word));
      at = end + 1;
    }
    add_ids(text);
  }
  void add_number(std::string text) {
    if (text.size() >= 3) add(std::move(text));
  }
  // An id of another object: what is secret of it is the UUID.
  void add_id(std::string_view id) {
    const std::size_t at = id.find("--");
    add(plain(at == id.npos ? id : id.substr(at + 2)));
  }
  bool shown_in(std::string_view text) const {
    const std::string spelled = plain(text);
    return std::ranges::any_of(values_, [&](const std::string& value) { return stands(value, spelled); });
  }
  std::size_t size() const { return values_.size(); }
  bool too_many() const { return values_.size() > kMaxRedactSecrets; }

 private:
  void add(std::string value) {
    const std::size_t from = value.find_first_not_of(" \t\r\n");
    if (from == value.npos || too_many()) return;
    value = value.substr(from, value.find_last_not_of(" \t\r\n") - from + 1);
    values_.insert(std::move(value));
  }
  // Observables whose id follows from the value (STIX 2.1 §2.9).
  void add_ids(std::string_view text) {
    for (const char* type : {"ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "mac-addr"}) {
      const auto id = stix::deterministic_id(Json(JsonObject{{"type", type}, {"value", text}}));
      if (id && *id) add_id((*id)->text());
    }
    for (const auto& [type, property] :
         {std::pair{"file", "name"}, {"mutex", "name"}, {"directory", "path"}, {"software", "name"}}) {
      const auto id = stix::deterministic_id(Json(JsonObject{{"type", type}, {property, text}}));
      if (id && *id) add_id((*id)->text());
    }
  }
  // Short values have to stand as words of their own, long ones anywhere.
  static bool stands(const std::string& value, const std::string& in) {
    for (std::size_t at = in.find(value); at != in.npos; at = in.find(value, at + 1)) {
      if (value.size() >= 4) return true;
      const bool before = at == 0 || !is_word(in[at - 1]);
      const bool after = at + value.size() == in.size() || !is_word(in[at + value.size()]);
      if (before && after) return true;
    }
    return false;
  }
  std::set<std::string> values_;
};

struct Copy {
  const Json& body;
  std::unordered_set<const Json*> gone;
  std::map<const Json*, std::string> replaced;
  Secrets secrets;
  std::string why;  // not empty: withhold

  void collect(const Json& value) {
    if (const auto* object = value.if_object()) {
      for (const auto& member : *object) collect(member.value());
    } else if (const auto* list = value.if_array()) {
      for (const Json& item : *list) collect(item);
    } else if (const auto* text = value.if_string()) {
      secrets.add_text(*text);
    } else if (value.is_number()) {
      secrets.add_number(to_text(value));
    }
  }

  // References by the names that all have (STIX 2.1 §3.1): _ref and _refs.
  void follow(const Json& value, std::string_view name, bool top, const RedactOptions& options) {
    if (gone.contains(&value)) return;
    if (const auto* object = value.if_object()) {
      for (const auto& member : *object)
        if (member.key() != "granular_markings" && member.key() != "object_marking_refs")
          follow(member.value(), member.key(), &value == &body, options);
      return;
    }
    if (const auto* list = value.if_array()) {
      for (const Json& item : *list) follow(item, name, top, options);
      return;
    }
    const auto* text = value.if_string();
    if (text == nullptr || !(name.ends_with("_ref") || name.ends_with("_refs"))) return;
    if (!stix::Id::parse(*text)) return;
    const auto shown = options.reference(*text);
    if (shown && *shown == std::string_view(*text)) return;
    secrets.add_id(*text);
    if (shown) {
      replaced[&value] = *shown;
    } else {
      if (top && name == "created_by_ref") why = "its author cannot be hidden without it";
      gone.insert(&value);
    }
  }

  void find_echoes(const Json& value, std::string_view name, std::string_view top) {
    if (gone.contains(&value) || replaced.contains(&value)) return;
    if (const auto* object = value.if_object()) {
      for (const auto& member : *object) {
        const std::string_view at = top.empty() ? std::string_view(member.key()) : top;
        if (top.empty() && says_nothing(member.key())) continue;
        if (!is_fixed(member.key()) && secrets.shown_in(member.key()))
          gone.insert(&member.value());  // a key is a value where keys are free
        else
          find_echoes(member.value(), member.key(), at);
      }
      return;
    }
    if (const auto* list = value.if_array()) {
      for (const Json& item : *list) find_echoes(item, name, top);
      return;
    }
    std::string text;
    if (const auto* string = value.if_string()) {
      text = std::string_view(*string);
      const bool refers = name == "id" || name.ends_with("_ref") || name.ends_with("_refs");
      if (refers && stix::Id::parse(text)) text = text.substr(text.find("--") + 2);
      if (name == "extension_type") return;
    } else if (value.is_number()) {
      text = to_text(value);
    } else {
      return;
    }
    if (!secrets.shown_in(text)) return;
    // The object's own id is a matter of its own.
    if (top == "id") return;
    if (is_fixed(top)) why = fmt::format("a value that is left out shows in {}", top);
    gone.insert(&value);
  }

  // Containers that lose everything go, too.
  bool settle(const Json& value) {
    if (gone.contains(&value)) return false;
    bool any = false, had = false;
    if (const auto* object = value.if_object()) {
      for (const auto& member : *object) {
        had = true;
        any = settle(member.value()) || any;
      }
    } else if (const auto* list = value.if_array()) {
      for (const Json& item : *list) {
        had = true;
        any = settle(item) || any;
      }
    } else {
      return true;
    }
    if (had && !any) gone.insert(&value);
    return !had || any;
  }

  Json build(const Json& value) const {
    if (const auto* object = value.if_object()) {
      JsonObject out;
      for (const auto& member : *object)
        if (!gone.contains(&member.value())) out.emplace(member.key(), build(member.value()));
      return out;
    }
    if (const auto* list = value.if_array()) {
      JsonArray out;
      for (const Json& item : *list)
        if (!gone.contains(&item)) out.push_back(build(item));
      return out;
    }
    if (const auto found = replaced.find(&value); found != replaced.end()) return Json(found->second);
    return value;
  }

  // The selector of the same place in the copy; nullopt: the place is gone, or was not there.
  std::optional<std::string> moved(std::string_view selector) const {
    const auto steps = stix::parse_selector(selector);
    if (!steps) return std::nullopt;
    std::string out;
    const Json* at = &body;
    for (const stix::SelectorStep& step : *steps) {
      if (!out.empty()) out += '.';
      if (!step.name.empty()) {
        at = find(*at, step.name);
        out += step.name;
      } else {
        const auto* list = at->if_array();
        if (list == nullptr || step.index >= list->size()) return std::nullopt;
        std::size_t index = 0;
        for (std::size_t i = 0; i < step.index; ++i) index += gone.contains(&(*list)[i]) ? 0 : 1;
        at = &(*list)[step.index];
        out += fmt::format("[{}]", index);
      }
      if (at == nullptr || gone.contains(at)) return std::nullopt;
    }
    return out;
  }

  void rewrite_granular_markings(JsonObject& out) const {
    const Json* markings = find(body, "granular_markings");
    if (markings == nullptr || !markings->is_array()) return;
    JsonArray kept;
    for (const Json& entry : markings->get_array()) {
      const Json* selectors = find(entry, "selectors");
      if (selectors == nullptr || !selectors->is_array()) continue;
      JsonArray rest;
      for (const Json& selector : selectors->get_array())
        if (selector.is_string())
          if (auto to = moved(selector.get_string())) rest.emplace_back(std::move(*to));
      if (rest.empty()) continue;
      JsonObject copy = entry.get_object();
      copy["selectors"] = std::move(rest);
      kept.push_back(std::move(copy));
    }
    if (kept.empty())
      out.erase("granular_markings");
    else
      out["granular_markings"] = std::move(kept);
  }
};

Redacted withhold(std::string why) { return {.json = std::nullopt, .why = std::move(why), .id = {}}; }

// The first error of the copy, unless the object was as wrong before.
std::optional<stix::Finding> new_error(const stix::Object& object, const stix::Object& copy) {
  std::set<std::pair<std::string, std::string>> before;
  for (const auto& finding : stix::validate(object))
    if (finding.severity == stix::Severity::kError) before.emplace(finding.property, finding.rule);
  for (const auto& finding : stix::validate(copy))
    if (finding.severity == stix::Severity::kError && !before.contains({finding.property, finding.rule}))
      return finding;
  return std::nullopt;
}

}  // namespace

std::string pseudonym(std::string_view id, std::string_view key) {
  const std::string key_hash(as_text(sha256(key)));
  const Sha256 hash = sha256("bongsu/pseudonym/v1\n" + key_hash + std::string(id));
  Uuid uuid;
  std::copy_n(hash.begin(), uuid.bytes.size(), uuid.bytes.begin());
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return std::string(id.substr(0, id.find("--"))) + "--" + uuid.text();
}

Redacted redact(std::string_view json, const std::set<std::string>& selectors, const RedactOptions& options) {
  const auto object = stix::Object::parse(json);
  if (!object) return withhold("it cannot be read");
  const Json body = object->json();
  if (selectors.size() > kMaxRedactSelectors) return withhold("too many parts of it are to be left out");
  Copy copy{.body = body, .gone = {}, .replaced = {}, .secrets = {}, .why = {}};
  for (const std::string& selector : selectors) {
    const auto steps = stix::parse_selector(selector);
    const Json* at = steps ? stix::resolve(body, *steps) : nullptr;
    if (at == nullptr) return withhold("a selector selects nothing in it");
    if (is_fixed(steps->front().name))
      return withhold(fmt::format("{} cannot be left out without the object", steps->front().name));
    copy.gone.insert(at);
  }
  for (const std::string& selector : selectors) copy.collect(*stix::resolve(body, *stix::parse_selector(selector)));
  if (options.reference) copy.follow(body, "", false, options);
  if (copy.secrets.too_many() || copy.secrets.size() * json.size() > kMaxRedactWork)
    return withhold("too many values of it are to be left out");
  copy.find_echoes(body, "", "");
  if (!copy.why.empty()) return withhold(std::move(copy.why));
  if (!copy.settle(body)) return withhold("nothing of it is left");

  Json out = copy.build(body);
  copy.rewrite_granular_markings(out.as_object());
  Redacted result;
  result.id = object->id_text();
  if (stix::category_of(object->type()) == stix::Category::kObservable) {
    const auto before = stix::deterministic_id(body), after = stix::deterministic_id(out);
    const bool tells = object->id().uuid.version() == 5 && (!before || !after || *before != *after);
    if (tells || copy.secrets.shown_in(object->id_text().substr(object->id_text().find("--") + 2))) {
      if (options.pseudonym_key.empty()) return withhold("its id can be computed from what is left out");
      result.id = pseudonym(object->id_text(), options.pseudonym_key);
      out.as_object()["id"] = result.id;
    }
  } else if (copy.secrets.shown_in(object->id_text().substr(object->id_text().find("--") + 2))) {
    return withhold("a value that is left out shows in id");
  }
  std::string text = to_text(out);
  const auto parsed = stix::Object::parse(text);
  if (!parsed) return withhold("what is left is no object");
  if (const auto error = new_error(*object, *parsed))
    return withhold(
        fmt::format("without what is left out, {} {}", error->property.empty() ? "it" : error->property, error->rule));
  result.json = std::move(text);
  return result;
}

}  // namespace bongsu::policy
