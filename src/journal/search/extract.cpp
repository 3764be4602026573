#include "journal/search/extract.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <variant>

#include "base/clock.h"
#include "base/json.h"
#include "stix/object.h"
#include "stix/pattern.h"

namespace bongsu::journal::search {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](std::string_view b) { return text.starts_with(b); });
}

// "MD5", "md5", "SHA256", "sha-256" … → the name in STIX's hash vocabulary.
std::string hash_name(std::string_view text) {
  std::string plain;
  for (const char c : lower(text))
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) plain += c;
  if (plain == "md5") return "MD5";
  for (const std::string_view bits : {"1", "256", "512", "224", "384"})
    if (plain == fmt::format("sha{}", bits)) return fmt::format("SHA-{}", bits);
  return std::string(text);
}

// Structure, not text for people: identifiers, references, and what has its own place.
bool is_structure(std::string_view key) {
  static constexpr std::array kKeys = {std::string_view("id"),
                                       std::string_view("type"),
                                       std::string_view("spec_version"),
                                       std::string_view("pattern"),
                                       std::string_view("lang"),
                                       std::string_view("pattern_type"),
                                       std::string_view("pattern_version"),
                                       std::string_view("payload_bin"),
                                       std::string_view("granular_markings")};
  return std::ranges::find(kKeys, key) != kKeys.end() || key.ends_with("_ref") || key.ends_with("_refs");
}

class Extractor {
 public:
  explicit Extractor(std::string_view object_id) : object_id_(object_id) {}

  Extract run(std::string_view payload) {
    const auto json = parse_json(payload);
    if (!json) {
      out_.name = object_id_;
      return std::move(out_);
    }
    collect_text(*json, 0);
    observable(*json);
    if (const Json* embedded = find(*json, "objects");
        embedded != nullptr && embedded->is_object())  // observed-data of STIX 2.0
      for (const auto& [key, object] : embedded->get_object()) observable(object);
    if (const auto pattern = string_at(*json, "pattern");
        pattern && string_at(*json, "pattern_type").value_or("stix") == "stix")
      pattern_values(*pattern);
    edges(*json, payload);
    name(*json);
    finish(out_.values);
    finish(out_.edges);
    return std::move(out_);
  }

 private:
  template <class T>
  static void finish(std::vector<T>& list) {
    std::ranges::sort(list);
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }

  void add_text(std::string_view text) {
    if (text.empty() || out_.text.size() + text.size() + 1 > kMaxText) return;
    if (text.size() >= 20 && text.size() <= 40 && Instant::parse(text)) return;  // times are not words
    if (!out_.text.empty()) out_.text += '\n';
    out_.text += text;
  }

  void collect_text(const Json& value, int depth) {
    if (depth > static_cast<int>(kJsonMaxDepth)) return;
    if (value.is_string()) {
      add_text(std::string_view(value.get_string()));
    } else if (value.is_array()) {
      for (const Json& item : value.get_array()) collect_text(item, depth + 1);
    } else if (value.is_object()) {
      for (const auto& [key, item] : value.get_object())
        if (!is_structure(key)) collect_text(item, depth + 1);
    }
  }

  void add_value(std::string_view kind, std::string_view text) {
    if (text.empty() || text.size() > kMaxValueBytes || out_.values.size() >= kMaxValues) return;
    out_.values.push_back({std::string(kind), normal_value(kind, text)});
  }
  void add_property(const Json& object, const char* property, std::string_view kind) {
    if (const auto text = string_at(object, property)) add_value(kind, *text);
  }
  void add_hashes(const Json& object, std::string_view type) {
    const Json* hashes = find(object, "hashes");
    if (hashes == nullptr || !hashes->is_object()) return;
    for (const auto& [algorithm, hash] : hashes->get_object())
      if (hash.is_string())
        add_value(fmt::format("{}:hashes.{}", type, hash_name(algorithm)), std::string_view(hash.get_string()));
  }

  // STIX 2.1 §6: the properties by which one looks for an observable.
  void observable(const Json& object) {
    const auto type = string_at(object, "type").value_or("");
    for (const std::string_view plain : {"ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "mac-addr"})
      if (type == plain) return add_property(object, "value", plain);
    if (type == "file") {
      add_property(object, "name", "file:name");
      add_hashes(object, "file");
    } else if (type == "artifact") {
      add_property(object, "url", "url");
      add_hashes(object, "file");
    } else if (type == "directory") {
      add_property(object, "path", "file:path");
    } else if (type == "windows-registry-key") {
      add_property(object, "key", "windows-registry-key");
    } else if (type == "mutex") {
      add_property(object, "name", "mutex");
    } else if (type == "user-account") {
      add_property(object, "account_login", "user-account:account_login");
      add_property(object, "user_id", "user-account:user_id");
    } else if (type == "process") {
      add_property(object, "command_line", "process:command_line");
    } else if (type == "software") {
      add_property(object, "name", "software:name");
    } else if (type == "x509-certificate") {
      add_property(object, "serial_number", "x509-certificate:serial_number");
      add_hashes(object, "x509-certificate");
    } else if (type == "autonomous-system") {
      if (const auto number = int_at(object, "number"))
        add_value("autonomous-system:number", fmt::format("{}", *number));
    }
  }

  static std::string kind_of(const stix::ObjectPath& path) {
    std::string property;
    for (const stix::PathStep& step : path.steps)
      if (step.kind == stix::PathStep::Kind::kProperty) property += (property.empty() ? "" : ".") + step.name;
    for (const std::string_view plain : {"ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "mac-addr"})
      if (path.type == plain && property == "value") return path.type;
    if (property.starts_with("hashes.")) {
      const std::string type = path.type == "artifact" ? "file" : path.type;
      return fmt::format("{}:hashes.{}", type, hash_name(std::string_view(property).substr(7)));
    }
    if (path.type == "windows-registry-key" && property == "key") return path.type;
    if (path.type == "mutex" && property == "name") return path.type;
    if (path.type == "directory" && property == "path") return "file:path";
    if (property.ends_with("User-Agent")) return "user-agent";
    return path.type + ":" + property;
  }

  void pattern_values(std::string_view text) {
    const auto pattern = stix::parse_pattern(text);
    if (!pattern) return add_text(text);
    visit(pattern->root);
  }
  void visit(const stix::ObservationExpression& expression) {
    if (const auto* inner = std::get_if<stix::ComparisonExpression>(&expression.node)) {
      visit(*inner);
    } else {
      for (const auto& part : std::get<std::unique_ptr<stix::ObservationGroup>>(expression.node)->parts) visit(part);
    }
  }
  void visit(const stix::ComparisonExpression& expression) {
    const auto* comparison = std::get_if<stix::Comparison>(&expression.node);
    if (comparison == nullptr) {
      for (const auto& part : std::get<std::unique_ptr<stix::ComparisonGroup>>(expression.node)->parts) visit(part);
      return;
    }
    using Op = stix::ComparisonOperator;
    const bool exact = !comparison->negated &&
                       (comparison->op == Op::kEqual || comparison->op == Op::kIn || comparison->op == Op::kIsSubset);
    for (const stix::Literal& literal : comparison->values) {
      const std::string text =
          literal.kind == stix::Literal::Kind::kInteger ? fmt::format("{}", literal.integer) : literal.text;
      if (literal.kind == stix::Literal::Kind::kString) add_text(text);
      if (exact) add_value(kind_of(comparison->path), text);
    }
  }

  void add_edge(std::string_view from, std::string_view to, std::string_view kind, std::string_view through) {
    if (out_.edges.size() < kMaxValues && from != to)
      out_.edges.push_back({std::string(from), std::string(to), std::string(kind), std::string(through)});
  }

  void edges(const Json& json, std::string_view payload) {
    const auto object = stix::Object::parse(payload);
    if (!object) return;
    const std::string id = object->id_text();
    const bool relationship = object->type() == "relationship";
    for (const stix::Reference& reference : object->references()) {
      std::string kind = reference.property;
      if (const auto bracket = kind.rfind('['); bracket != std::string::npos && kind.ends_with(']'))
        kind.resize(bracket);
      // Markings are in the label; a relationship's ends are the edge itself.
      if (kind.ends_with("object_marking_refs") || kind.find("granular_markings") != std::string::npos ||
          kind.ends_with("marking_ref"))
        continue;
      if (relationship && (kind == "source_ref" || kind == "target_ref")) continue;
      add_edge(id, reference.target.text(), kind, "");
    }
    if (relationship) {
      const auto from = string_at(json, "source_ref"), to = string_at(json, "target_ref");
      if (from && to) add_edge(*from, *to, string_at(json, "relationship_type").value_or("related-to"), id);
    } else if (object->type() == "sighting") {
      const auto of = string_at(json, "sighting_of_ref");
      const Json* where = find(json, "where_sighted_refs");
      if (of && where != nullptr && where->is_array())
        for (const Json& by : where->get_array())
          if (by.is_string()) add_edge(std::string_view(by.get_string()), *of, "sighted", id);
    }
  }

  void name(const Json& json) {
    for (const char* property :
         {"name", "value", "path", "key", "account_login", "user_id", "command_line", "subject", "abstract", "opinion",
          "relationship_type", "pattern", "content", "url", "serial_number"})
      if (const auto text = string_at(json, property); text && !text->empty()) {
        out_.name = *text;
        break;
      }
    if (out_.name.empty()) {
      const auto hash = std::ranges::find_if(
          out_.values, [](const Value& v) { return v.kind.find(":hashes.") != std::string::npos; });
      out_.name = hash != out_.values.end() ? hash->text : object_id_;
    }
    if (out_.name.size() > kMaxName) {
      std::size_t cut = kMaxName;
      while (cut > 0 && (static_cast<unsigned char>(out_.name[cut]) & 0xc0) == 0x80) --cut;
      out_.name.resize(cut);
    }
  }

  std::string object_id_;
  Extract out_;
};

}  // namespace

std::string normal_value(std::string_view kind, std::string_view text) {
  if (kind == "url") {
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos) return std::string(text);
    auto rest = text.find_first_of("/?#", scheme + 3);
    if (rest == std::string_view::npos) rest = text.size();
    std::string out = lower(text.substr(0, rest));
    if (rest == text.size() || text[rest] != '/') out += '/';
    return out + std::string(text.substr(rest));
  }
  if (kind.find(":hashes.") != std::string_view::npos ||
      starts_with_any(kind, {"ipv4-addr", "ipv6-addr", "domain-name", "email-addr", "mac-addr", "windows-registry-key",
                             "file:name", "ja3"})) {
    std::string out = lower(text);
    if (kind == "domain-name" && out.size() > 1 && out.back() == '.') out.pop_back();
    return out;
  }
  return std::string(text);
}

Extract extract(std::string_view object_id, std::string_view payload) { return Extractor(object_id).run(payload); }

}  // namespace bongsu::journal::search
