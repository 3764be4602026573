#include "flow/lowering_gate.h"

#include <fmt/format.h>

#include "flow/admit.h"
#include "flow/facts.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kDeletedSpace = "label.deleted";

// The way in as parameters of a proposal, and back.
JsonObject parameters_of(const AdmitContext& context) {
  JsonArray persons;
  for (const auto& person : context.persons) persons.emplace_back(person);
  return {{"collection", context.collection},
          {"fallback", stix::to_string(context.fallback)},
          {"persons", std::move(persons)}};
}

Result<AdmitContext> context_of(const Proposed& what, const std::string& self) {
  const Json parameters(what.parameters);
  const auto fallback = stix::parse_tlp(string_at(parameters, "fallback").value_or(""));
  const auto collection = string_at(parameters, "collection");
  const Json* persons = find(parameters, "persons");
  if (!fallback || !collection || persons == nullptr || !persons->is_array())
    return fail(ErrorCode::kCorrupt, "the proposal does not say where the object goes");
  AdmitContext context{.collection = std::string(*collection), .origin = self, .fallback = *fallback};
  for (const Json& person : persons->get_array())
    if (person.is_string()) context.persons.emplace(person.get_string());
  return context;
}

}  // namespace

Result<std::unique_ptr<LoweringGate>> LoweringGate::load(journal::Journal& journal, const Release& release,
                                                         const Collections& collections, Approvals& approvals,
                                                         Admission& admission, LoweringOptions options) {
  std::unique_ptr<LoweringGate> out(
      new LoweringGate(journal, release, collections, approvals, admission, std::move(options)));
  BONGSU_TRY(const auto stored, journal.states(kDeletedSpace));
  for (const auto& [id, text] : stored) {
    BONGSU_TRY(auto label, policy::Label::parse(text));
    out->deleted_.emplace(id, std::move(label));
  }
  approvals.add(out->act(kLowerLabel, &LoweringGate::plan_lowering, false));
  approvals.add(out->act(kOverrideRecall, &LoweringGate::plan_override, true));
  return out;
}

Result<std::optional<policy::Label>> LoweringGate::standing(const std::string& object_id) const {
  if (!approvals_.four_eyes()) return std::nullopt;
  return label_here(object_id);
}

Result<std::optional<policy::Label>> LoweringGate::label_here(const std::string& object_id) const {
  std::optional<policy::Label> label;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = deleted_.find(object_id); at != deleted_.end()) label = at->second;
  }
  BONGSU_TRY(const auto versions, journal_.snapshot()->versions("", object_id));
  const journal::Entry* newest = nullptr;
  for (const auto& entry : versions)
    if (entry.origin == options_.self && (newest == nullptr || entry.version_key >= newest->version_key))
      newest = &entry;
  if (newest == nullptr) return label;
  // One version may lie in several collections, each with a label of its own.
  std::optional<policy::Label> shown;
  for (const auto& entry : versions) {
    if (entry.origin != options_.self || entry.version_key != newest->version_key) continue;
    // Objects without a version have one each time: only the newest of them counts.
    if (newest->version_key.empty() && entry.seq != newest->seq) continue;
    BONGSU_TRY(const auto facts, facts_of(entry));
    shown = shown ? policy::join(*shown, facts.label) : facts.label;
  }
  return shown;
}

Result<std::optional<std::string>> LoweringGate::propose(const stix::Object& object, const AdmitContext& context) {
  return ask(kLowerLabel, object, context, "lowers the label of what this node made");
}

Result<std::optional<std::string>> LoweringGate::override_recall(const stix::Object& object,
                                                                 const AdmitContext& context,
                                                                 const std::string& giver) {
  const std::string words = fmt::format("was recalled by {}, who gave it", giver);
  if (!approvals_.four_eyes())
    return std::optional(words + ": only two persons bring it in again, where people.four_eyes is on");
  return ask(kOverrideRecall, object, context, words);
}

Result<std::optional<std::string>> LoweringGate::ask(std::string_view kind, const stix::Object& object,
                                                     const AdmitContext& context, const std::string& words) {
  if (context.by.empty())
    return std::optional(words + "; a person has to propose it, and a second one to approve it");
  BONGSU_TRY(const auto waits, approvals_.ask({.kind = std::string(kind),
                                               .parameters = parameters_of(context),
                                               .bytes = object.bytes()},
                                              {.account = context.by}, context.why));
  if (!waits) return std::optional<std::string>();
  return std::optional(fmt::format("{}: waits for a second person until {}, as approval {}", words,
                                   waits->expires.text(0), waits->id));
}

std::optional<journal::StateChange> LoweringGate::deleted(const std::string& object_id, const policy::Label& label) {
  if (!policy::is_guarded(label, options_.from)) return std::nullopt;
  return journal::StateChange{std::string(kDeletedSpace), object_id, policy::whole(label).text()};
}

void LoweringGate::written(const std::string& object_id, const policy::Label& label) {
  const std::lock_guard lock(mutex_);
  deleted_.insert_or_assign(object_id, policy::whole(label));
}

Act LoweringGate::act(std::string_view kind, Plan plan, bool never_alone) {
  return {.kind = std::string(kind),
          .plan = [this, plan](const Proposed& what) { return (this->*plan)(what); },
          .may_decide =
              [](const identity::Account& account, const Proposed& what, const ActPlan&) {
                const identity::Principal who = identity::principal_of(account);
                const std::string collection(string_at(Json(what.parameters), "collection").value_or(""));
                return who.role != identity::Role::kReader && who.may_write(collection) && who.may_read(collection);
              },
          .may_see =
              [this](const identity::Account& account, const ActPlan& plan) {
                return views_.of(identity::principal_of(account))->sees_label(plan.label);
              },
          .never_alone = never_alone,
          .execute = [this](const Proposed& what, const Closing& closing) { return execute(what, closing); }};
}

Result<ActPlan> LoweringGate::plan_override(const Proposed& what) const {
  BONGSU_TRY(const AdmitContext context, context_of(what, options_.self));
  BONGSU_TRY(const stix::Object object, stix::Object::parse(what.bytes));
  BONGSU_TRY(const auto giver, admission_.recalled_by(object.id_text(), version_key_of(object)));
  if (!giver) return fail(ErrorCode::kConflict, "nobody's recall stands against it any more");
  BONGSU_TRY(const policy::ObjectFacts facts, admission_.facts_of(object, context));
  const auto collection = collections_.find(context.collection);
  return ActPlan{.subject = object.id_text(),
                 .summary = fmt::format("brings {}, which {} recalled, back into {} as this node's own",
                                        object.id_text(), *giver, collection ? collection->alias : context.collection),
                 .changes = {{"recalled by", *giver, ""}},
                 .label = facts.label.text()};
}

Result<ActPlan> LoweringGate::plan_lowering(const Proposed& what) const {
  BONGSU_TRY(const AdmitContext context, context_of(what, options_.self));
  BONGSU_TRY(const stix::Object object, stix::Object::parse(what.bytes));
  BONGSU_TRY(const auto before, standing(object.id_text()));
  if (!before) return fail(ErrorCode::kConflict, "the object whose label it lowers is not here any more");
  BONGSU_TRY(const auto versions, journal_.snapshot()->versions(context.collection, object.id_text()));
  for (const auto& entry : versions)
    if (entry.origin == options_.self && !entry.erased &&
        (object.version() != nullptr ? entry.version_key == object.version()->key() : entry.hash == object.hash()))
      return fail(ErrorCode::kConflict, "this version is here already");
  BONGSU_TRY(const policy::ObjectFacts facts, admission_.facts_of(object, context));
  const auto collection = collections_.find(context.collection);
  ActPlan plan{.subject = object.id_text(),
               .summary = fmt::format("lowers the label of {} in {}", object.id_text(),
                                      collection ? collection->alias : context.collection),
               .changes = {},
               .label = before->text()};
  for (auto& difference : policy::differences(*before, facts.label))
    plan.changes.push_back({std::move(difference.what), std::move(difference.before), std::move(difference.after)});
  return plan;
}

Result<void> LoweringGate::execute(const Proposed& what, const Closing& closing) {
  BONGSU_TRY(AdmitContext context, context_of(what, options_.self));
  context.states = closing.states;
  context.notes = closing.notes;
  context.two_persons = true;
  context.authority = "two persons";  // the notes of the approval say who
  context.authority_reason = "as proposed and approved";
  std::vector<Result<stix::Object>> objects;
  objects.push_back(stix::Object::parse(what.bytes));
  if (!objects.front()) return std::unexpected(objects.front().error());
  const std::string id = objects.front()->id_text();
  context.states.push_back({std::string(kDeletedSpace), id, std::nullopt});
  BONGSU_TRY(const auto report, admission_.admit(objects, context));
  if (report.items.front().outcome != AdmitItem::Outcome::kNew)
    return fail(ErrorCode::kConflict, "it was not admitted: " + report.items.front().message);
  const std::lock_guard lock(mutex_);
  deleted_.erase(id);
  return {};
}

}  // namespace bongsu::flow
