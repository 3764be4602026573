#include "detect/pattern/slow_event_test_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "detect/pattern/event_paths.h"

namespace bongsu::detect {
namespace {

using Kind = ObservedValue::Kind;
using stix::PathStep;

struct Entry {
  std::string label;
  stix::ObjectPath path;
  bool hashes = false;
};

Entry parsed(std::string_view text) {
  Entry out;
  std::string path(trim(text));
  const std::size_t at = path.find('@'), colon = path.find(':');
  if (at < colon) {
    out.label = path.substr(at, colon - at);
    path.erase(at, colon - at);
  }
  auto pattern = stix::parse_pattern("[EXISTS " + path + "]");
  out.path = std::get<stix::Comparison>(std::get<stix::ComparisonExpression>(pattern->root.node).node).path;
  out.hashes = out.path.steps.back().name == "hashes";
  return out;
}

// The objects of the event by who they are.
class Graph {
 public:
  bool has(const std::string& key) const { return objects_.contains(key + "#0"); }

  void place(const Entry& entry, std::span<const PathStep> steps, const CutValue& value, bool address) {
    bool list = false;
    for (const PathStep& step : steps) list = list || step.kind == PathStep::Kind::kAny;
    const bool registry = entry.path.type == "windows-registry-key";
    if (address && steps.size() == 1) {  // a root of the value's own type
      const char* type = type_of(value.address);
      if (entry.path.type != type) return;
    }
    const std::size_t object = !list ? value.ordinal : registry ? 1 : 0;
    const std::size_t index = registry ? value.ordinal / 2 : value.ordinal;
    put(fmt::format("{}{}#{}", entry.path.type, entry.label, object), entry.path.type, steps, index, value);
  }

  std::vector<CyberObjectPtr> take() {
    std::vector<CyberObjectPtr> out;
    for (auto& [key, object] : objects_) out.push_back(std::make_shared<CyberObject>(object));
    return out;
  }

 private:
  static const char* type_of(AddressKind kind) {
    return kind == AddressKind::kIpv4 ? "ipv4-addr" : kind == AddressKind::kIpv6 ? "ipv6-addr" : "domain-name";
  }

  static ObservedValue& member(ObservedValue& of, const std::string& name) {
    of.kind = Kind::kDictionary;
    for (ObservedMember& m : of.members)
      if (m.name == name) return m.value;
    of.members.push_back({name, {}});
    return of.members.back().value;
  }

  void put(const std::string& key, const std::string& type, std::span<const PathStep> steps, std::size_t index,
           const CutValue& value) {
    CyberObject& object = objects_[key];
    object.id = key;
    object.type = type;
    ObservedValue& own = member(object.properties, "type");
    own.kind = Kind::kString;
    own.text = type;
    ObservedValue* at = &object.properties;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].kind == PathStep::Kind::kAny) {
        at->kind = Kind::kList;
        ObservedValue* list = at;
        if (at->list.size() <= index) at->list.resize(index + 1);
        at = &at->list[index];
        if (i + 1 == steps.size() && at->kind != Kind::kNull) {  // another field's values stand behind
          list->list.emplace_back();
          at = &list->list.back();
        }
      } else {
        at = &member(*at, steps[i].name);
      }
      const bool many = i + 1 < steps.size() && steps[i + 1].kind == PathStep::Kind::kAny;
      const std::string& name = steps[i].kind == PathStep::Kind::kAny ? steps[i - 1].name : steps[i].name;
      if (many || i + 1 == steps.size() || !(name.ends_with("_ref") || name.ends_with("_refs"))) continue;
      static const std::map<std::string, std::string> kTypes = {{"image_ref", "file"},
                                                                {"parent_directory_ref", "directory"},
                                                                {"parent_ref", "process"},
                                                                {"child_refs", "process"},
                                                                {"creator_user_ref", "user-account"},
                                                                {"opened_connection_refs", "network-traffic"},
                                                                {"from_ref", "email-addr"},
                                                                {"sender_ref", "email-addr"},
                                                                {"to_refs", "email-addr"},
                                                                {"cc_refs", "email-addr"},
                                                                {"bcc_refs", "email-addr"},
                                                                {"belongs_to_ref", "user-account"},
                                                                {"contains_refs", "file"},
                                                                {"content_ref", "artifact"}};
      const auto known = kTypes.find(name);
      const std::string next = known != kTypes.end() ? known->second : type_of(value.address);
      at->kind = Kind::kReference;
      at->text = fmt::format("{}/{}{}:{}", key, name, name.ends_with("s") ? fmt::format("[{}]", index) : "", next);
      return put(std::string(at->text), next, steps.subspan(i + 1), index, value);
    }
    if (at->kind != Kind::kNull && value.kind == Kind::kString && at->kind == value.kind && at->text != value.text)
      also_.emplace_back(key, value.text);
    at->kind = value.kind;
    at->text = value.text;
    at->integer = value.integer;
    at->number = value.number;
    at->boolean = value.boolean;
  }

  std::map<std::string, CyberObject> objects_;

 public:
  std::vector<std::pair<std::string, std::string>> also_;  // a property that two fields say differently
};

constexpr std::pair<Cut, const char*> kHashes[] = {{Cut::kMd5, "MD5"},
                                                   {Cut::kSha1, "SHA-1"},
                                                   {Cut::kSha256, "SHA-256"},
                                                   {Cut::kSha512, "SHA-512"},
                                                   {Cut::kImphash, "IMPHASH"}};

// What event_paths.cpp says of each path, asked of it through a table of that path alone.
Cut cut_of(const telemetry::FieldMap& map, telemetry::FieldId field, const stix::ObjectPath& path) {
  static std::map<std::pair<telemetry::FieldId, std::string>, Cut> known;
  const auto [at, fresh] = known.try_emplace({field, path.text()}, Cut::kText);
  if (fresh) {
    PathTable table;
    const std::uint32_t id = table.add(path);
    const auto paths = EventPaths::make(map, table);
    for (const EventTarget& target : (*paths)->targets(field))
      if (target.path == id) at->second = target.cut;
  }
  return at->second;
}

}  // namespace

Observation observe(const telemetry::EventView& event, const telemetry::FieldMap& map) {
  Graph graph;
  std::map<telemetry::FieldId, std::uint16_t> counts;
  std::string scratch;
  for (const bool choices : {false, true}) {
    counts.clear();
    for (const telemetry::Leaf& leaf : event.leaves) {
      if (leaf.field == telemetry::kNoField) continue;
      const std::uint16_t n = counts[leaf.field]++;
      if (n >= kMaxEventValues) continue;
      const std::string text(event.text(leaf, scratch));
      for (const std::string& written : map.row(leaf.field).stix) {
        const bool choice = written.find('|') != std::string::npos;
        if (choice != choices) continue;
        Entry entry =
            parsed(std::string_view(written).substr(written.rfind('|') == written.npos ? 0 : written.rfind('|') + 1));
        for (std::string_view rest = written; choice && !rest.empty();) {
          const std::size_t end = std::min(rest.find('|'), rest.size());
          Entry option = parsed(rest.substr(0, end));
          rest.remove_prefix(std::min(end + 1, rest.size()));
          if (graph.has(option.path.type + option.label)) {
            entry = std::move(option);
            break;
          }
        }
        const auto each = [&](const stix::ObjectPath& path, Cut cut) {
          std::vector<CutValue> values;
          std::size_t size = 0;
          cut_values(cut, text, leaf.quoted, n, values, size);
          for (std::size_t i = 0; i < size; ++i) graph.place(entry, path.steps, values[i], cut == Cut::kAddress);
        };
        if (!entry.hashes) {
          each(entry.path, cut_of(map, leaf.field, entry.path));
          continue;
        }
        for (const auto& [cut, name] : kHashes) {
          stix::ObjectPath path = entry.path;
          path.steps.push_back({PathStep::Kind::kProperty, name, 0});
          each(path, cut);
        }
      }
    }
  }
  std::string request[3];
  for (const telemetry::Leaf& leaf : event.leaves) {
    const telemetry::Role roles[] = {telemetry::Role::kHttpHost, telemetry::Role::kHttpUri, telemetry::Role::kHttpPort};
    for (int i = 0; i < 3; ++i)
      if (leaf.role == roles[i]) request[i] = event.text(leaf, scratch);
  }
  std::vector<CutValue> urls;
  std::size_t size = 0;
  request_urls(request[0], request[1], request[2], urls, size);
  for (std::size_t i = 0; i < size; ++i) {
    const Entry url = parsed("url@request:value");
    graph.place(url, url.path.steps, urls[i], false);
  }
  Observation out;
  for (CyberObjectPtr& object : graph.take()) out.add(std::move(object));
  if (!graph.also_.empty()) out.id = "two fields for one property";
  return out;
}

stix::ComparisonExpression in_event_form(const stix::ComparisonExpression& e) {
  if (const auto* c = std::get_if<stix::Comparison>(&e.node)) {
    bool ignore_case = false;
    stix::Comparison out = event_form(*c, ignore_case);
    if (ignore_case && out.op == stix::ComparisonOperator::kMatches) out.values[0].text = "(?i)" + out.values[0].text;
    return {std::move(out)};
  }
  const auto& group = *std::get<std::unique_ptr<stix::ComparisonGroup>>(e.node);
  auto out = std::make_unique<stix::ComparisonGroup>();
  out->op = group.op;
  for (const auto& part : group.parts) out->parts.push_back(in_event_form(part));
  return {std::move(out)};
}

}  // namespace bongsu::detect
