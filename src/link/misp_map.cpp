#include "link/misp_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/uuid.h"
#include "link/misp_types.h"
#include "policy/label.h"
#include "stix/object.h"
#include "stix/sco_id.h"
#include "stix/validate.h"

namespace bongsu::link {
namespace {

using formats::MispAttribute;
using formats::MispCluster;
using formats::MispDistribution;
using formats::MispEvent;
using formats::MispObject;

// Names made from MISP's UUIDs live here (UUIDv5).
const Uuid kNamespace = *Uuid::parse("6f1c5bd4-6a35-4a9e-8d5e-3f0a4c1b7e52");
// Organisations and galaxy clusters have no dates in MISP.
constexpr Instant kNoDate{0, 0};
// The marking "releasable to us alone" is always the same object.
constexpr Instant kMarkingDate{1'767'225'600, 0};  // 2026-01-01
constexpr std::size_t kMaxNameBytes = 250;         // longer values are in the pattern only
// Of base64: larger would leave no room in a STIX object.
constexpr std::size_t kMaxDataBytes = 12 * 1024 * 1024;

// "2019-06-02T22:14:28.711954+00:00" → "…Z"; nullopt for what is no time.
std::optional<std::string> stix_time(std::string_view text) {
  const auto instant = Instant::parse(text);
  if (!instant) return std::nullopt;
  return instant->text(instant->nanos == 0 ? 0 : 6);
}

Uuid derived(const Uuid& from, std::string_view what) {
  return Uuid::from_name(kNamespace, from.text() + "/" + std::string(what));
}

class Mapper {
 public:
  Mapper(const MispEvent& event, const MispMapOptions& options) : event_(event), options_(options) {
    const MispLabel feed{options.feed_label, false};
    label_ =
        misp_label(feed, event.tags,
                   event.distribution == MispDistribution::kInherit ? MispDistribution::kUnknown : event.distribution);
    restricted_ = label_ != feed;
  }

  MappedEvent run() {
    out_.proposals = event_.proposals;
    marking_refs(label_);
    author_ = organisation();
    for (const MispCluster& cluster : event_.clusters) add_cluster(cluster, label_);
    for (const MispAttribute& attribute : event_.attributes) add_attribute(attribute, label_, nullptr);
    for (const MispObject& object : event_.objects) add_object(object);
    for (const auto& report : event_.reports) add_text(report);
    add_report();
    return std::move(out_);
  }

 private:
  JsonArray marking_refs(const MispLabel& label) {
    JsonArray refs;
    refs.emplace_back(stix::tlp_marking_id(label.tlp).text());
    if (!label.own_only) return refs;
    if (own_only_id_.empty()) {
      const auto definition =
          parse_json(policy::make_releasable_to_marking({options_.self}, options_.self, kMarkingDate));
      BONGSU_CHECK(definition.has_value());
      own_only_id_ = *string_at(*definition, "id");
      out_.objects.insert(out_.objects.begin(),
                          {.body = definition->get_object(), .changed = kMarkingDate, .versioned = false});
    }
    refs.emplace_back(own_only_id_);
    return refs;
  }

  JsonObject begin(std::string_view type, const Uuid& uuid, const MispLabel& label, bool author = true) {
    JsonObject body{{"type", type}, {"spec_version", "2.1"}, {"id", fmt::format("{}--{}", type, uuid.text())}};
    if (author && !author_.empty()) body["created_by_ref"] = author_;
    body["object_marking_refs"] = marking_refs(label);
    return body;
  }

  // Adds what the standard accepts; false otherwise.
  bool add(JsonObject body, Instant changed, bool versioned = true, bool in_report = true) {
    PreparedObject object{.body = std::move(body), .changed = changed, .versioned = versioned};
    const std::string stamp = changed.text(3);
    const auto parsed = stix::Object::parse(text_of(object, stamp, stamp));
    if (!parsed || stix::has_errors(stix::validate(*parsed))) return false;
    std::string id = object.id();
    if (!seen_.insert(id).second) return true;  // the same observable or cluster again
    if (in_report) refs_.push_back(std::move(id));
    out_.objects.push_back(std::move(object));
    return true;
  }

  // An id for what several events share. Restricted events have one of their own: who may not see them must not learn
  // from it that they exist, nor may their wider twin be replaced.
  Uuid shared_uuid(const Uuid& uuid) const {
    if (!restricted_) return uuid;
    return derived(uuid, fmt::format("{}/{}", stix::to_string(label_.tlp), label_.own_only ? "own" : ""));
  }

  std::string organisation() {
    if (event_.orgc.name.empty() && !event_.orgc.uuid) return {};
    const Uuid uuid = event_.orgc.uuid ? *event_.orgc.uuid : Uuid::from_name(kNamespace, "org/" + event_.orgc.name);
    JsonObject body = begin("identity", shared_uuid(uuid), label_, false);
    body["name"] = event_.orgc.name.empty() ? uuid.text() : event_.orgc.name;
    body["identity_class"] = "organization";
    std::string id(string_at(body, "id").value());
    return add(std::move(body), kNoDate, true, false) ? id : std::string();
  }

  JsonArray labels_of(const MispAttribute& a) const {
    JsonArray labels;
    for (const auto& tag : a.tags) labels.emplace_back(tag);
    labels.emplace_back(fmt::format("misp:type=\"{}\"", a.type));
    if (!a.category.empty()) labels.emplace_back(fmt::format("misp:category=\"{}\"", a.category));
    labels.emplace_back(fmt::format("misp:to_ids=\"{}\"", a.to_ids));
    if (!a.object_relation.empty()) labels.emplace_back(fmt::format("misp:object_relation=\"{}\"", a.object_relation));
    if (!a.sharing_group.empty()) labels.emplace_back(fmt::format("misp:sharing_group=\"{}\"", a.sharing_group));
    if (!a.last_seen.empty() && a.to_ids) labels.emplace_back(fmt::format("misp:last_seen=\"{}\"", a.last_seen));
    return labels;
  }

  // The types under which an attribute may have been published before.
  void forget(const MispAttribute& a) {
    for (const char* type :
         {"indicator", "observed-data", "vulnerability", "campaign", "threat-actor", "x-misp-attribute"})
      out_.deleted.push_back(fmt::format("{}--{}", type, a.uuid.text()));
  }

  void add_attribute(const MispAttribute& a, const MispLabel& outer, std::vector<std::string>* ids) {
    ++out_.attributes;
    out_.proposals += a.proposals;
    if (a.deleted) {
      ++out_.deleted_attributes;
      forget(a);
      return;
    }
    const MispLabel label = misp_label(outer, a.tags, a.distribution);
    for (const MispCluster& cluster : a.clusters) add_cluster(cluster, label);
    const std::size_t before = refs_.size();
    if (a.to_ids && add_indicator(a, label)) {
      ++out_.indicators;
    } else if (a.type == "vulnerability" && add_vulnerability(a, label)) {
      ++out_.vulnerabilities;
    } else if ((a.type == "campaign-name" || a.type == "threat-actor") && add_named(a, label)) {
      ++out_.others;
    } else if (!a.to_ids && add_observed(a, label)) {
      ++out_.observed;
    } else if (add_as_it_is(a, label)) {
      ++out_.kept_as_they_are;
    } else {
      problem(a, "cannot be kept: it is too large");
    }
    if (ids) ids->insert(ids->end(), refs_.begin() + static_cast<std::ptrdiff_t>(before), refs_.end());
  }

  void problem(const MispAttribute& a, std::string message) {
    out_.problems.add(fmt::format("Attribute {}", a.uuid.text()), std::move(message));
  }

  void describe(JsonObject& body, const MispAttribute& a) const {
    std::string text = a.comment;
    // Of a name and a hash only the hash is in the pattern.
    if (a.type.starts_with("filename|") || a.type == "malware-sample") text += (text.empty() ? "" : "\n") + a.value;
    if (!text.empty()) body["description"] = text;
  }

  bool add_indicator(const MispAttribute& a, const MispLabel& label) {
    JsonObject body = begin("indicator", a.uuid, label);
    if (const auto language = misp_rule_language(a.type)) {
      body["pattern"] = a.value;
      body["pattern_type"] = *language;
    } else {
      const auto pattern = misp_pattern(a.type, a.value);
      if (!pattern) {
        if (pattern.error().code == ErrorCode::kInvalid) problem(a, pattern.error().message);
        return false;
      }
      body["pattern"] = *pattern;
      body["pattern_type"] = "stix";
    }
    if (a.value.size() <= kMaxNameBytes) body["name"] = a.value;
    describe(body, a);
    body["valid_from"] = stix_time(a.first_seen).value_or(a.timestamp.text(0));
    body["labels"] = labels_of(a);
    return add(std::move(body), a.timestamp);
  }

  bool add_vulnerability(const MispAttribute& a, const MispLabel& label) {
    JsonObject body = begin("vulnerability", a.uuid, label);
    body["name"] = a.value;
    describe(body, a);
    if (lowered(a.value).starts_with("cve-"))
      body["external_references"] = JsonArray{JsonObject{{"source_name", "cve"}, {"external_id", a.value}}};
    body["labels"] = labels_of(a);
    return add(std::move(body), a.timestamp);
  }

  bool add_named(const MispAttribute& a, const MispLabel& label) {
    JsonObject body = begin(a.type == "threat-actor" ? "threat-actor" : "campaign", a.uuid, label);
    body["name"] = a.value;
    describe(body, a);
    body["labels"] = labels_of(a);
    return add(std::move(body), a.timestamp);
  }

  bool add_observed(const MispAttribute& a, const MispLabel& label) {
    auto observables = misp_observables(a.type, a.value);
    if (!observables) {
      if (observables.error().code == ErrorCode::kInvalid) problem(a, observables.error().message);
      return false;
    }
    if (!a.data.empty()) {
      if (a.data.size() > kMaxDataBytes) {
        problem(a, "its data is too large for a STIX object and is left out");
      } else {
        JsonObject artifact{{"type", "artifact"}, {"spec_version", "2.1"}, {"payload_bin", a.data}};
        if (a.type == "malware-sample") {  // MISP: a zip with the password "infected"
          artifact["mime_type"] = "application/zip";
          artifact["encryption_algorithm"] = "mime-type-indicated";
          artifact["decryption_key"] = "infected";
        }
        observables->push_back(std::move(artifact));
      }
    }
    JsonArray ids;
    std::vector<JsonObject> made;
    for (std::size_t i = 0; i < observables->size(); ++i) {
      JsonObject& observable = (*observables)[i];
      const auto id = stix::deterministic_id(Json(observable));
      const std::string type(string_at(observable, "type").value());
      const std::string text =
          id && *id ? (*id)->text() : fmt::format("{}--{}", type, derived(a.uuid, std::to_string(i)).text());
      JsonObject body{{"type", type}, {"spec_version", "2.1"}, {"id", text}};
      for (const auto& [key, value] : observable)
        if (!body.contains(key)) body[key] = value;
      body["object_marking_refs"] = marking_refs(label);
      const auto parsed = stix::Object::parse(to_text(body));
      if (!parsed || stix::has_errors(stix::validate(*parsed))) {
        problem(a, fmt::format("the value is no {}", a.type));
        return false;
      }
      ids.emplace_back(text);
      made.push_back(std::move(body));
    }
    JsonObject body = begin("observed-data", a.uuid, label);
    const std::string first = stix_time(a.first_seen).value_or(a.timestamp.text(0));
    const std::string last = stix_time(a.last_seen).value_or(first);
    body["first_observed"] = first;
    body["last_observed"] = Instant::parse(last) < Instant::parse(first) ? first : last;
    body["number_observed"] = 1;
    body["object_refs"] = std::move(ids);
    JsonArray labels = labels_of(a);
    if (!a.comment.empty()) labels.emplace_back(fmt::format("misp:comment=\"{}\"", a.comment));
    body["labels"] = std::move(labels);
    for (auto& observable : made)
      if (!add(std::move(observable), a.timestamp, false)) return false;
    return add(std::move(body), a.timestamp);
  }

  bool add_as_it_is(const MispAttribute& a, const MispLabel& label) {
    JsonObject body = begin("x-misp-attribute", a.uuid, label);
    body["x_misp_type"] = a.type;
    body["x_misp_category"] = a.category;
    body["x_misp_value"] = a.value;
    if (!a.comment.empty()) body["x_misp_comment"] = a.comment;
    if (!a.first_seen.empty()) body["x_misp_first_seen"] = a.first_seen;
    if (!a.last_seen.empty()) body["x_misp_last_seen"] = a.last_seen;
    if (!a.data.empty()) {
      if (a.data.size() <= kMaxDataBytes)
        body["x_misp_data"] = a.data;
      else
        problem(a, "its data is too large for a STIX object and is left out");
    }
    body["labels"] = labels_of(a);
    return add(std::move(body), a.timestamp);
  }

  void add_cluster(const MispCluster& cluster, const MispLabel& label) {
    static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{"attack-pattern", "attack-pattern"},
                                                                               {"intrusion-set", "intrusion-set"},
                                                                               {"course-of-action", "course-of-action"},
                                                                               {"threat-actor", "threat-actor"},
                                                                               {"malware", "malware"},
                                                                               {"malpedia", "malware"},
                                                                               {"ransomware", "malware"},
                                                                               {"banker", "malware"},
                                                                               {"rat", "malware"},
                                                                               {"botnet", "malware"},
                                                                               {"stealer", "malware"},
                                                                               {"tool", "tool"}};
    std::string_view type = "x-misp-galaxy-cluster";
    for (const auto& [part, stix_type] : kTypes)
      if (cluster.galaxy_type == part || cluster.galaxy_type.ends_with(std::string("-").append(part))) {
        type = stix_type;
        break;
      }
    const Uuid uuid = cluster.uuid
                          ? *cluster.uuid
                          : Uuid::from_name(kNamespace, "cluster/" + cluster.galaxy_type + "/" + cluster.value);
    const MispLabel feed{options_.feed_label, false};
    const Uuid own = label == feed
                         ? uuid
                         : derived(uuid, fmt::format("{}/{}", stix::to_string(label.tlp), label.own_only ? "own" : ""));
    JsonObject body = begin(type, own, label, false);
    const bool custom = type.starts_with("x-");
    body[custom ? "x_misp_value" : "name"] = cluster.value;
    if (!cluster.description.empty()) body[custom ? "x_misp_description" : "description"] = cluster.description;
    if (type == "malware") body["is_family"] = true;
    JsonArray labels{fmt::format("misp:galaxy=\"{}\"", cluster.galaxy_type)};
    if (!cluster.tag_name.empty()) labels.emplace_back(cluster.tag_name);
    body["labels"] = std::move(labels);
    if (!add(std::move(body), kNoDate))
      out_.problems.add(fmt::format("GalaxyCluster {}", cluster.value), "cannot be written as STIX");
  }

  void add_object(const MispObject& object) {
    const MispLabel label = misp_label(label_, {}, object.distribution);
    std::vector<std::string> ids;
    JsonObject relations;
    for (const MispAttribute& source : object.attributes) {
      MispAttribute attribute = source;
      attribute.deleted = attribute.deleted || object.deleted;
      const std::size_t before = ids.size();
      add_attribute(attribute, label, &ids);
      for (std::size_t i = before; i < ids.size(); ++i)
        if (!attribute.object_relation.empty()) relations[ids[i]] = attribute.object_relation;
    }
    if (object.deleted) {
      out_.deleted.push_back("x-misp-object--" + object.uuid.text());
      return;
    }
    JsonObject body = begin("x-misp-object", object.uuid, label);
    body["x_misp_name"] = object.name;
    body["x_misp_meta_category"] = object.meta_category;
    if (!object.comment.empty()) body["x_misp_comment"] = object.comment;
    if (!object.description.empty()) body["x_misp_description"] = object.description;
    if (!object.sharing_group.empty()) body["x_misp_sharing_group"] = object.sharing_group;
    if (!object.first_seen.empty()) body["x_misp_first_seen"] = object.first_seen;
    if (!object.last_seen.empty()) body["x_misp_last_seen"] = object.last_seen;
    if (!ids.empty()) {
      JsonArray refs;
      for (const auto& id : ids) refs.emplace_back(id);
      body["object_refs"] = std::move(refs);
    }
    if (!relations.empty()) body["x_misp_relations"] = std::move(relations);
    JsonArray references;
    for (const auto& reference : object.references)
      references.push_back(JsonObject{{"referenced_uuid", reference.referenced_uuid},
                                      {"relationship_type", reference.relationship_type}});
    if (!references.empty()) body["x_misp_references"] = std::move(references);
    if (!add(std::move(body), object.timestamp))
      out_.problems.add(fmt::format("Object {}", object.uuid.text()), "cannot be written as STIX");
  }

  void add_text(const formats::MispEventReport& report) {
    if (report.deleted) {
      out_.deleted.push_back("note--" + report.uuid.text());
      return;
    }
    JsonObject body = begin("note", report.uuid, misp_label(label_, {}, report.distribution));
    if (!report.name.empty()) body["abstract"] = report.name;
    body["content"] = report.content;
    // About the report, which is written last; its id is known.
    body["object_refs"] = JsonArray{report_id()};
    if (!add(std::move(body), report.timestamp, true, false))
      out_.problems.add(fmt::format("EventReport {}", report.uuid.text()), "cannot be written as STIX");
  }

  std::string report_id() const {
    return fmt::format("{}--{}", event_.published ? "report" : "grouping", event_.uuid.text());
  }

  void add_report() {
    JsonObject body = begin(event_.published ? "report" : "grouping", event_.uuid, label_);
    out_.report_id = report_id();
    body["name"] = event_.info.empty() ? event_.uuid.text() : event_.info;
    if (event_.published) {
      body["published"] = event_.publish_timestamp.value_or(event_.timestamp).text(0);
    } else {
      body["context"] = "suspicious-activity";
    }
    JsonArray refs;
    for (const auto& id : refs_) refs.emplace_back(id);
    if (refs.empty() && !author_.empty())
      refs.emplace_back(author_);  // an event without content has an author at least
    if (refs.empty()) {
      out_.problems.add("Event", "has neither content nor author: there is nothing to write");
      return;
    }
    body["object_refs"] = std::move(refs);
    JsonArray labels;
    for (const auto& tag : event_.tags) labels.emplace_back(tag);
    if (event_.threat_level) labels.emplace_back(fmt::format("misp:threat_level=\"{}\"", *event_.threat_level));
    if (event_.analysis) labels.emplace_back(fmt::format("misp:analysis=\"{}\"", *event_.analysis));
    if (!event_.date.empty()) labels.emplace_back(fmt::format("misp:date=\"{}\"", event_.date));
    if (!event_.extends_uuid.empty()) labels.emplace_back(fmt::format("misp:extends=\"{}\"", event_.extends_uuid));
    if (!event_.sharing_group.empty())
      labels.emplace_back(fmt::format("misp:sharing_group=\"{}\"", event_.sharing_group));
    if (!labels.empty()) body["labels"] = std::move(labels);
    if (!add(std::move(body), event_.timestamp))
      out_.problems.add("Event", "cannot be written as a STIX report: it is too large");
    if (event_.published)
      out_.deleted.push_back("grouping--" + event_.uuid.text());  // it was one before it was published
  }

  const MispEvent& event_;
  const MispMapOptions& options_;
  MispLabel label_;
  bool restricted_ = false;
  std::string author_, own_only_id_;
  std::set<std::string> seen_;
  std::vector<std::string> refs_;
  MappedEvent out_;
};

}  // namespace

std::string text_of(const PreparedObject& object, std::string_view created, std::string_view modified) {
  if (!object.versioned) return to_text(object.body);
  JsonObject out;
  out.reserve(object.body.size() + 2);
  for (const auto& [key, value] : object.body) {
    out[key] = value;
    if (key == "id") {
      out["created"] = created;
      out["modified"] = modified;
    }
  }
  return to_text(out);
}

MispLabel stricter(const MispLabel& a, const MispLabel& b) {
  return {std::max(a.tlp, b.tlp), a.own_only || b.own_only};
}

MispLabel misp_label(const MispLabel& outer, const std::vector<std::string>& tags, MispDistribution distribution) {
  MispLabel label = outer;
  for (const std::string& tag : tags) {
    const std::string name = lowered(tag);
    if (!name.starts_with("tlp:")) continue;
    label = stricter(label, {stix::parse_tlp(name).value_or(stix::Tlp::kAmberStrict), false});
  }
  switch (distribution) {
    case MispDistribution::kAbsent:
    case MispDistribution::kInherit:
    case MispDistribution::kAll:
      break;
    case MispDistribution::kConnected:
      return stricter(label, {stix::Tlp::kAmber, true});
    case MispDistribution::kCommunity:
    case MispDistribution::kOrganisation:
    case MispDistribution::kSharingGroup:
    case MispDistribution::kUnknown:
      return stricter(label, {stix::Tlp::kAmberStrict, true});
  }
  return label;
}

MappedEvent map_misp_event(const MispEvent& event, const MispMapOptions& options) {
  return Mapper(event, options).run();
}

}  // namespace bongsu::link
