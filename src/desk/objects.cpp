#include "desk/objects.h"

#include "base/uuid.h"
#include "flow/exercise_rules.h"
#include "stix/marking.h"

namespace bongsu::desk {
namespace {

JsonArray list_of(const std::vector<std::string>& texts) { return JsonArray(texts.begin(), texts.end()); }

}  // namespace

ObjectMaker::ObjectMaker(Instant start, std::string_view exercise) : start_(start), exercise_(exercise) {}

std::string ObjectMaker::id(std::string_view type, std::string_view name) const {
  const Uuid space = Uuid::parse(exercise_).value_or(Uuid{});
  return std::string(type) + "--" + Uuid::from_name(space, std::string(type) + ' ' + std::string(name)).text();
}

JsonObject ObjectMaker::head(std::string_view type, std::string_view name, std::int64_t at_ms) const {
  const std::string at = (start_ + std::chrono::milliseconds(at_ms)).text(3);
  return {{"type", type}, {"spec_version", "2.1"}, {"id", id(type, name)}, {"created", at}, {"modified", at}};
}

JsonArray ObjectMaker::marked(JsonObject object, const policy::Label& label,
                              const std::set<std::string>& members) const {
  JsonArray out;
  JsonArray refs{stix::tlp_marking_id(label.tlp).text()};
  if (!members.empty()) {
    const std::string text = policy::make_releasable_to_marking(members, *members.begin(), start_);
    if (auto marking = parse_json(text)) {
      refs.emplace_back(string_at(*marking, "id").value_or(""));
      out.push_back(std::move(*marking));
    }
  }
  object["object_marking_refs"] = std::move(refs);
  out.push_back(std::move(object));
  return out;
}

JsonArray ObjectMaker::indicator(std::string_view name, const std::string& pattern, const policy::Label& label,
                                 const std::set<std::string>& members) const {
  JsonObject object = head("indicator", name, 0);
  object["name"] = pattern;
  object["indicator_types"] = JsonArray{"malicious-activity"};
  object["pattern"] = pattern;
  object["pattern_type"] = "stix";
  object["valid_from"] = flow::kExerciseValidFrom;
  return marked(std::move(object), label, members);
}

JsonArray ObjectMaker::text(std::string_view type, std::string_view name, const std::string& title,
                            const std::string& text, const std::vector<std::string>& about, const policy::Label& label,
                            const std::set<std::string>& members, std::int64_t at_ms,
                            const std::vector<std::string>& labels, const std::vector<std::string>& authors) const {
  JsonObject object = head(type, name, at_ms);
  if (type == "note") {
    object["abstract"] = title;
    object["content"] = text;
    object["object_refs"] = list_of(about);
    if (!authors.empty()) object["authors"] = list_of(authors);
  } else {
    object["name"] = title;
    object["description"] = text;
    if (type == "report") {
      object["published"] = object["created"];
      object["object_refs"] = list_of(about);
    }
  }
  if (!labels.empty()) object["labels"] = list_of(labels);
  return marked(std::move(object), label, members);
}

}  // namespace bongsu::desk
