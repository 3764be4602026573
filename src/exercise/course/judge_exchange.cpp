// Answers that are shared: bundles of STIX objects and agreements, held against the standard and the release decision.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "exercise/course/judge.h"
#include "exercise/scenario/write.h"
#include "policy/decide.h"
#include "policy/state_file.h"
#include "stix/bundle_reader.h"
#include "stix/validate.h"

namespace bongsu::exercise::course {
namespace {

constexpr std::size_t kMaxBundleObjects = 1'000;

Verdict wrong(std::string said) { return {false, std::move(said)}; }

struct Bundle {
  std::vector<stix::Object> objects;  // all of them
  std::map<stix::Id, Json> markings;
};

// The first rule that it breaks is said.
std::expected<Bundle, std::string> bundle_of(std::string_view text) {
  Bundle out;
  std::string broken;
  stix::BundleReader reader("your bundle");
  const auto take = [&](stix::BundleItem&& item) {
    if (!item.object) {
      broken = item.object.error().text();
      return false;
    }
    for (const stix::Finding& finding : stix::validate(*item.object, stix::Conformance::kLetter)) {
      if (finding.severity == stix::Severity::kWarning) continue;
      broken = fmt::format("{}: {}: {} ({})", item.object->id_text(), finding.property, finding.rule, finding.section);
      return false;
    }
    if (item.object->type() == "marking-definition")
      out.markings.insert_or_assign(item.object->id(), item.object->json());
    out.objects.push_back(std::move(*item.object));
    return out.objects.size() <= kMaxBundleObjects;
  };
  const auto fed = reader.feed(text, take);
  const auto finished = fed ? reader.finish(take) : fed;
  if (!broken.empty()) return std::unexpected(broken);
  if (!finished) return std::unexpected(finished.error().text());
  if (!reader.remarks().empty()) return std::unexpected(reader.remarks().front().text());
  if (out.objects.empty()) return std::unexpected("it holds no object");
  return out;
}

std::string text_of(const Json& value) { return value.is_string() ? std::string(value.get_string()) : to_text(value); }
bool has(const Json& object, const std::string& property, const std::string& wanted) {
  const Json* value = find(object, property);
  if (value == nullptr) return false;
  if (wanted == "*") return true;
  if (value->is_array())
    return std::ranges::any_of(value->get_array(),
                               [&](const Json& item) { return lowered(text_of(item)) == lowered(wanted); });
  return lowered(text_of(*value)) == lowered(wanted);
}

policy::Label label_of(const stix::Object& object, const Bundle& bundle) {
  return policy::label_of(
      object,
      [&](const stix::Id& id) -> const Json* {
        const auto found = bundle.markings.find(id);
        return found == bundle.markings.end() ? nullptr : &found->second;
      },
      stix::Tlp::kAmberStrict);
}

Result<std::optional<std::string>> objects_missing(const BundleCheck& check, const Bundle& bundle,
                                                   const Values& values) {
  for (const BundleObject& wanted : check.objects) {
    std::map<std::string, std::string> properties;
    for (const auto& [property, pattern] : wanted.has) {
      BONGSU_TRY(properties[property], values.fill(pattern));
    }
    std::size_t count = 0, of_type = 0;
    for (const stix::Object& object : bundle.objects) {
      if (object.type() != wanted.type) continue;
      ++of_type;
      const Json json = object.json();
      count += std::ranges::all_of(properties, [&](const auto& p) { return has(json, p.first, p.second); }) ? 1 : 0;
    }
    if (count >= wanted.count) continue;
    std::vector<std::string> names;
    for (const auto& [property, _] : properties) names.push_back(property);
    return std::optional(
        of_type < wanted.count
            ? fmt::format("There are {} objects of type {}, {} are wanted.", of_type, wanted.type, wanted.count)
            : fmt::format("No {} says what it should in: {}.", wanted.type, fmt::join(names, ", ")));
  }
  return std::optional<std::string>();
}

std::optional<std::string> reference_missing(const Bundle& bundle) {
  std::set<stix::Id> there;
  for (const stix::Object& object : bundle.objects) there.insert(object.id());
  for (const stix::Object& object : bundle.objects)
    for (const stix::Reference& reference : object.references())
      if (!there.contains(reference.target) && reference.target.type != "marking-definition")
        return fmt::format("{} refers to {} ({}), which is not in the bundle.", object.id_text(),
                           reference.target.text(), reference.property);
  return std::nullopt;
}

Result<std::optional<std::string>> release_wrong(const BundleCheck& check, const Bundle& bundle, const Values& values) {
  BONGSU_TRY(const std::string state_text, values.fill(check.state));
  BONGSU_TRY(const policy::PolicyState state, policy::parse_state(state_text, "state"));
  BONGSU_TRY(const Instant now, values.time(check.at));
  const auto decide = [&](const stix::Object& object, const std::string& member) {
    const policy::ObjectFacts facts{.object_id = object.id_text(),
                                    .type = object.type(),
                                    .collection = check.collection,
                                    .origin = state.self,
                                    .label = label_of(object, bundle)};
    return policy::decide(facts, member, policy::Purpose::kOperations, state, now);
  };
  for (const stix::Object& object : bundle.objects) {
    if (object.type() == "marking-definition") continue;
    for (const std::string& member : check.released)
      if (const auto decision = decide(object, member); decision.verdict != policy::Verdict::kRelease)
        return std::optional(fmt::format("{} would not reach {}: {}.", object.id_text(), member,
                                         policy::sentence(decision.reasons.front())));
    for (const std::string& member : check.withheld)
      if (decide(object, member).verdict != policy::Verdict::kWithhold)
        return std::optional(fmt::format("{} would reach {}, who must not have it.", object.id_text(), member));
  }
  return std::optional<std::string>();
}

}  // namespace

Result<Verdict> judge_bundle(const BundleCheck& check, const Judged& j) {
  const auto bundle = bundle_of(j.answer);
  if (!bundle) return wrong("It is no good STIX: " + bundle.error());
  BONGSU_TRY(const auto missing, objects_missing(check, *bundle, j.values));
  if (missing) return wrong(*missing);
  if (check.complete)
    if (const auto dangling = reference_missing(*bundle)) return wrong(*dangling);
  if (!check.tlp.empty()) {
    BONGSU_TRY(const policy::Label wanted, scenario::parse_label(check.tlp));
    for (const stix::Object& object : bundle->objects) {
      if (object.type() == "marking-definition") continue;
      const policy::Label label = label_of(object, *bundle);
      if (label.unknown) return wrong(fmt::format("{} has a marking that cannot be understood.", object.id_text()));
      if (!label.marked) return wrong(fmt::format("{} bears no TLP marking.", object.id_text()));
      if (label.tlp != wanted.tlp) return wrong(fmt::format("{} is not marked {}.", object.id_text(), check.tlp));
    }
  }
  if (!check.state.empty()) {
    BONGSU_TRY(const auto leak, release_wrong(check, *bundle, j.values));
    if (leak) return wrong(*leak);
  }
  if (check.detects) {
    std::vector<std::string> patterns;
    for (const stix::Object& object : bundle->objects)
      if (object.type() == "indicator")
        if (const Json json = object.json(); string_at(json, "pattern_type") == "stix")
          patterns.emplace_back(string_at(json, "pattern").value_or(""));
    if (patterns.empty()) return wrong("There is no indicator with a STIX pattern.");
    BONGSU_TRY(Verdict detected, judge_detection(*check.detects, patterns, j));
    if (!detected.right) return wrong("The indicators' patterns: " + detected.said);
  }
  return Verdict{true, fmt::format("{} objects, and all of them are as they should be.", bundle->objects.size())};
}

Result<Verdict> judge_agreement(const AgreementCheck& check, const Judged& j) {
  BONGSU_TRY(const std::string self, j.values.fill(check.self));
  BONGSU_TRY(const std::string partner, j.values.fill(check.partner));
  const auto agreement = policy::parse_agreement(j.answer, "your agreement");
  if (!agreement) return wrong(agreement.error().text());
  if (agreement->partner != partner)
    return wrong(fmt::format("The agreement is with {}, not with {}.", agreement->partner, partner));
  policy::PolicyState state;
  state.self = self;
  state.epoch = 1;
  state.members[partner] = {};
  state.agreements[partner] = *agreement;
  std::vector<std::string> off;
  for (const FlowCase& one : check.cases) {
    BONGSU_TRY(const policy::Label label, scenario::parse_label(one.tlp));
    BONGSU_TRY(const Instant at, j.values.time(one.at));
    BONGSU_TRY(const std::string collection, j.values.fill(one.collection));
    const std::string origin = one.origin.empty() ? self : one.origin;
    state.members[origin == self ? partner : origin] = {};
    // It is asked about the agreement with the partner: who gave it has consented.
    if (origin != self && origin != partner) state.agreements[origin].passes_on = {partner};
    policy::ObjectFacts facts{.object_id = one.type + "--6f1d2c3b-0f4e-4a55-9a0e-3f9d5c1b7e21",
                              .type = one.type,
                              .collection = collection,
                              .origin = origin,
                              .label = label};
    facts.label.marked = true;
    const auto decision = policy::decide(facts, partner, policy::Purpose::kOperations, state, at);
    if ((decision.verdict == policy::Verdict::kRelease) != one.flows)
      off.push_back(fmt::format("{} {} ({})", one.about, one.flows ? "does not flow" : "flows",
                                policy::sentence(decision.reasons.front())));
  }
  if (off.empty()) return Verdict{true, fmt::format("All {} cases flow, or do not, as agreed.", check.cases.size())};
  return wrong(fmt::format("{} of {} cases are right. Not so: {}.", check.cases.size() - off.size(), check.cases.size(),
                           fmt::join(off, "; ")));
}

}  // namespace bongsu::exercise::course
