#include "policy/redact.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <span>
#include <unordered_map>
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

// The UUID of "type--UUID"; of any other text the whole.
std::string_view uuid_in(std::string_view id) {
  const std::size_t at = id.find("--");
  return at == id.npos ? id : id.substr(at + 2);
}

// Properties that cannot usefully be left out: with them the object is another one, or none.
// Nor what ends its validity: a copy without that would be believed for longer, and is no part of what was signed
// (crypto/disclosure.h).
constexpr std::array<std::string_view, 10> kFixed = {"type",
                                                     "id",
                                                     "spec_version",
                                                     "created",
                                                     "modified",
                                                     "created_by_ref",
                                                     "object_marking_refs",
                                                     "granular_markings",
                                                     "revoked",
                                                     "valid_until"};
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

// The values that must not show, in one spelling. Looked for all at once (Aho and Corasick, 1975): a text is read once,
// however many values there are.
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
      // Where an object refers to it, the UUID alone stands for the id.
      if (stix::Id::parse(word)) add_id(word);
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
  void add_id(std::string_view id) { add(plain(uuid_in(id))); }
  bool too_many() const { return values_.size() > kMaxRedactSecrets || bytes_ > kMaxRedactSecretBytes; }

  // Once all are added.
  void seal() {
    nodes_.assign(1, {});
    edges_.reserve(bytes_ + 1);
    for (const std::string& value : values_) {
      std::uint32_t at = 0;
      for (const char c : value) {
        const auto [edge, fresh] = edges_.try_emplace(edge_of(at, c), static_cast<std::uint32_t>(nodes_.size()));
        if (fresh) nodes_.push_back({.parent = at, .byte = c});
        at = edge->second;
      }
      if (value.size() >= kAnywhere)
        nodes_[at].anywhere = true;
      else
        nodes_[at].words = static_cast<std::uint8_t>(nodes_[at].words | (1U << value.size()));
    }
    // Shorter nodes first: an edge leads to a node whose fallback follows from that of its parent.
    std::vector<std::uint32_t> depth(nodes_.size(), 0), order(nodes_.size());
    for (std::uint32_t i = 1; i < nodes_.size(); ++i) depth[i] = depth[nodes_[i].parent] + 1;  // parents come first
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::uint32_t i) { return depth[i]; });
    for (const std::uint32_t i : order) {
      if (depth[i] < 2) continue;
      Node& node = nodes_[i];
      node.fallback = step(nodes_[node.parent].fallback, node.byte);
      node.anywhere = node.anywhere || nodes_[node.fallback].anywhere;
      node.words = static_cast<std::uint8_t>(node.words | nodes_[node.fallback].words);
    }
  }

  // Short values have to stand as words of their own, long ones anywhere.
  bool shown_in(std::string_view text) const {
    if (values_.empty()) return false;
    const std::string in = plain(text);
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      at = step(at, in[i]);
      const Node& node = nodes_[at];
      if (node.anywhere) return true;
      if (node.words == 0 || (i + 1 < in.size() && is_word(in[i + 1]))) continue;
      for (std::size_t length = 1; length < kAnywhere; ++length)
        if ((node.words >> length & 1) != 0 && (i + 1 == length || !is_word(in[i - length]))) return true;
    }
    return false;
  }

 private:
  static constexpr std::size_t kAnywhere = 4;  // from this length on a value counts inside of words
  struct Node {
    std::uint32_t parent = 0, fallback = 0;  // the longest shorter ending that begins a value
    char byte = 0;
    bool anywhere = false;   // a long value ends here
    std::uint8_t words = 0;  // bit n: a value of n bytes ends here
  };
  static std::uint64_t edge_of(std::uint32_t node, char byte) {
    return std::uint64_t{node} << 8 | static_cast<unsigned char>(byte);
  }
  std::uint32_t step(std::uint32_t at, char byte) const {
    for (;; at = nodes_[at].fallback) {
      if (const auto edge = edges_.find(edge_of(at, byte)); edge != edges_.end()) return edge->second;
      if (at == 0) return 0;
    }
  }

  void add(std::string value) {
    const std::size_t from = value.find_first_not_of(" \t\r\n");
    if (from == value.npos || too_many()) return;
    value = value.substr(from, value.find_last_not_of(" \t\r\n") - from + 1);
    bytes_ += value.size();
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

  std::unordered_set<std::string> values_;
  std::size_t bytes_ = 0;
  std::vector<Node> nodes_;
  std::unordered_map<std::uint64_t, std::uint32_t> edges_;
};

struct Copy {
  const Json& body;
  std::unordered_set<const Json*> gone;
  std::map<const Json*, std::string> replaced;
  std::unordered_map<const JsonArray*, std::vector<std::uint32_t>> counts;  // gone_before
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
      if (refers && stix::Id::parse(text)) text = std::string(uuid_in(text));
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

  // How many items are gone before each of a list.
  const std::vector<std::uint32_t>& gone_before(const JsonArray& list) {
    std::vector<std::uint32_t>& out = counts[&list];
    if (out.size() == list.size()) return out;
    std::uint32_t count = 0;
    for (const Json& item : list) {
      out.push_back(count);
      if (gone.contains(&item)) ++count;
    }
    return out;
  }

  // The selector of the same place in the copy; nullopt: the place is gone, or was not there.
  std::optional<std::string> moved(std::string_view selector) {
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
        at = &(*list)[step.index];
        out += fmt::format("[{}]", step.index - gone_before(*list)[step.index]);
      }
      if (at == nullptr || gone.contains(at)) return std::nullopt;
    }
    return out;
  }

  // Does a text of this entry tell what is left out? Its selectors do where they name what is gone by its value, and
  // the rest of it may hold anything (STIX 2.1 §7.2.3 forbids custom properties nowhere).
  bool tells(const Json& value) const {
    if (const auto* object = value.if_object())
      return std::ranges::any_of(
          *object, [&](const auto& member) { return secrets.shown_in(member.key()) || tells(member.value()); });
    if (const auto* list = value.if_array())
      return std::ranges::any_of(*list, [&](const Json& item) { return tells(item); });
    if (const auto* text = value.if_string()) {
      // Of an id the UUID alone is anybody's secret.
      const bool id = stix::Id::parse(std::string_view(*text)).has_value();
      return secrets.shown_in(id ? uuid_in(*text) : std::string_view(*text));
    }
    return value.is_number() && secrets.shown_in(to_text(value));
  }

  // What is kept of them must not echo what is gone either. An entry that does cannot be left out alone: what it marks
  // would stand there with a weaker marking.
  void rewrite_granular_markings(JsonObject& out) {
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
      if (tells(kept.back())) why = "a value that is left out shows in granular_markings";
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
  Copy copy{.body = body, .gone = {}, .replaced = {}, .counts = {}, .secrets = {}, .why = {}};
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
  if (copy.secrets.too_many()) return withhold("too many values of it are to be left out");
  copy.secrets.seal();
  copy.find_echoes(body, "", "");
  if (!copy.why.empty()) return withhold(std::move(copy.why));
  if (!copy.settle(body)) return withhold("nothing of it is left");

  Json out = copy.build(body);
  copy.rewrite_granular_markings(out.as_object());
  if (!copy.why.empty()) return withhold(std::move(copy.why));
  Redacted result;
  result.id = object->id_text();
  if (stix::category_of(object->type()) == stix::Category::kObservable) {
    const auto before = stix::deterministic_id(body), after = stix::deterministic_id(out);
    const bool tells = object->id().uuid.version() == 5 && (!before || !after || *before != *after);
    if (tells || copy.secrets.shown_in(uuid_in(object->id_text()))) {
      if (options.pseudonym_key.empty()) return withhold("its id can be computed from what is left out");
      result.id = pseudonym(object->id_text(), options.pseudonym_key);
      out.as_object()["id"] = result.id;
    }
  } else if (copy.secrets.shown_in(uuid_in(object->id_text()))) {
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

Label separate(const Label& label, std::string_view json) {
  if (label.parts.size() < 2) return label;
  const auto can_go = [&](const std::set<std::string>& selectors) { return redact(json, selectors).json.has_value(); };
  std::set<std::string> all;
  for (const LabelPart& part : std::span(label.parts).subspan(1))
    all.insert(part.selectors.begin(), part.selectors.end());
  if (can_go(all)) return label;
  Label out = label;
  out.redact.clear();
  out.parts.clear();
  // What is left without more is less, so what cannot be left out alone cannot be left out with others either.
  LabelPart own = label.parts.front();
  std::vector<LabelPart> rest;
  std::set<std::string> selectors;
  for (const LabelPart& part : std::span(label.parts).subspan(1)) {
    if (label.parts.size() == 2 || !can_go(part.selectors)) {
      own.label = join(own.label, part.label);
    } else {
      rest.push_back(part);
      selectors.insert(part.selectors.begin(), part.selectors.end());
    }
  }
  // What is at most as strict as the object itself is now is no part of it any more.
  std::erase_if(rest, [&](const LabelPart& part) { return !part.label.unknown && at_most(part.label, own.label); });
  if (rest.empty() || !can_go(selectors)) return out;
  for (const LabelPart& part : rest) out.redact.insert(part.selectors.begin(), part.selectors.end());
  out.parts.push_back(std::move(own));
  std::ranges::move(rest, std::back_inserter(out.parts));
  return out;
}

}  // namespace bongsu::policy
