#include "flow/admit.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "flow/append_decided.h"
#include "flow/comparable_label.h"
#include "flow/exercise_rules.h"
#include "flow/facts.h"
#include "flow/label_beside.h"
#include "flow/reference_labels.h"

namespace bongsu::flow {
namespace {

using Outcome = AdmitItem::Outcome;

constexpr std::size_t kNoItem = std::numeric_limits<std::size_t>::max();

void refuse(AdmitItem& item, stix::Finding finding) {
  item.outcome = Outcome::kRefused;
  item.message = finding.property.empty() ? finding.rule : fmt::format("{} {}", finding.property, finding.rule);
  item.findings.push_back(std::move(finding));
}

stix::Finding finding_of(const Error& error, std::string property) {
  return {.severity = stix::Severity::kError, .property = std::move(property), .rule = error.message, .section = ""};
}

// TLP:RED that names nobody is for those who brought it in: for them the exchange was (FIRST TLP 2.0).
void name_persons(policy::Label& label, const std::set<std::string>& persons) {
  if (persons.empty()) return;
  if (label.tlp == stix::Tlp::kRed && !label.persons) label.persons = persons;
  for (policy::LabelPart& part : label.parts)
    if (part.label.tlp == stix::Tlp::kRed && !part.label.persons) part.label.persons = persons;
}

// Raised by another copy's label, a label still says whether its object is marked itself.
void raise(policy::Label& label, const policy::Label& by) {
  const bool marked = label.marked;
  label = policy::join(label, by);
  label.marked = marked;
}

bool is_definition(const Result<stix::Object>& object) { return object && object->type() == "marking-definition"; }

std::size_t tlp_markings(const stix::Object& object) {
  return static_cast<std::size_t>(
      std::ranges::count_if(object.object_markings(), [](const stix::Id& id) { return stix::tlp_of(id).has_value(); }));
}

std::string shown_version(const journal::NewEntry& entry, std::int64_t added_us) {
  return entry.version.empty() ? Instant::from_micros(added_us).text(6) : entry.version;
}

}  // namespace

// A new version whose label is not as low as that of versions before.
struct Admission::Raised {
  std::size_t entry = 0;  // in the batch
  std::vector<journal::Entry> before;
};

// One object on its way through a batch.
struct Admission::Work {
  std::size_t item = 0;
  const stix::Object* object = nullptr;
  policy::ObjectFacts facts;
  OriginVerdict verdict{};
  policy::Label given;  // before what is here raised it
  std::vector<journal::Seq> apart{};
};

// One object that goes to quarantine instead.
struct Admission::Held {
  std::size_t item = 0;
  Quarantine::Placed placed;
  bool secret = true;                // the sender is not told
  std::optional<std::size_t> entry;  // in the batch
};

Admission::Admission(journal::Journal& journal, Release& release, Markings& markings, Log& log)
    : journal_(journal), release_(release), markings_(markings), log_(log), known_(journal) {}

void Admission::set_own_identity(std::string stix_id) {
  const std::lock_guard lock(mutex_);
  own_identity_ = std::move(stix_id);
}

std::string Admission::own_identity() const {
  const std::lock_guard lock(mutex_);
  return own_identity_;
}

// Empty: the collection is for live information.
std::string Admission::exercise_of(std::string_view collection) const {
  // As it was made, also while no policy knows of it yet.
  if (collections_ != nullptr)
    if (const auto known = collections_->find(collection); known && known->id == collection) return known->exercise;
  const auto state = release_.state();
  const auto found = state->exercises.find(std::string(collection));
  return found == state->exercises.end() ? std::string() : found->second;
}

// The member whose identity it names as its creator; nullopt: this node, or nobody that is known.
std::optional<policy::MemberId> Admission::made_by_another(const stix::Object& object) const {
  if (!object.created_by() || origins_ == nullptr) return std::nullopt;
  auto maker = origins_->owner_of(object.created_by()->text());
  return maker && *maker != self() ? maker : std::nullopt;
}

// May what is put in here be a partner's, which gave it before? By its maker's name, where it has one that is known; else
// by its id, which nobody comes to twice: but an observable's follows from its value, and what a feed brought was had
// without the giver.
bool Admission::may_be_given(const stix::Object& object, const AdmitContext& context) const {
  if (context.origin != self()) return false;
  if (origins_ != nullptr && object.created_by())
    if (const auto owner = origins_->owner_of(object.created_by()->text())) return *owner != self();
  return object.version() != nullptr && context.received_from.empty();
}

// What a partner gave does not become ours by being put in here: whom it may go to is its giver's to widen (R8). What
// everybody may have was had without the giver.
void Admission::keep_with_givers(const stix::Object& object, const AdmitContext& context,
                                 const std::vector<KnownCopy>& copies, policy::Label& label) const {
  const policy::MemberId us = self();
  const auto maker = made_by_another(object);
  const auto ours = std::ranges::find(copies, us, &KnownCopy::origin);
  for (const KnownCopy& copy : copies) {
    if (copy.origin == us || (maker && copy.origin != *maker)) continue;
    // Ours was here first, unless it says whose it is.
    if (!maker && ours != copies.end() && !ours->label.reveals.contains(copy.origin)) continue;
    const policy::Label standing = standing_label(copy, object, context.origin);
    if (!maker && as_low(standing, policy::bottom())) continue;
    policy::Label its = policy::bottom();
    its.reveals.insert(copy.origin);
    raise(label, policy::join(its, standing));
  }
}

// Whoever reads this node's objects of a drill knows their marking before them.
Result<void> Admission::define_exercise(const std::string& exercise, const std::string& collection) {
  const std::vector<Result<stix::Object>> definition{stix::Object::parse(exercise_definition(exercise, self()))};
  BONGSU_CHECK(definition.front().has_value());
  BONGSU_TRY(const auto there, journal_.snapshot()->versions(collection, definition.front()->id_text()));
  if (std::ranges::any_of(there, [](const journal::Entry& entry) { return !entry.erased; })) return {};
  BONGSU_TRY([[maybe_unused]] const auto report, admit(definition, {.collection = collection, .origin = self()}));
  return {};
}

policy::MemberId Admission::self() const {
  const auto state = release_.state();
  return state ? state->self : policy::MemberId();
}

void Admission::use(Origins& origins, Quarantine& quarantine) {
  origins_ = &origins;
  quarantine_ = &quarantine;
}

Result<AdmitReport> Admission::admit(std::span<const Result<stix::Object>> objects, const AdmitContext& context) {
  return admit_with(objects, context, false);
}

Result<AdmitReport> Admission::admit_with(std::span<const Result<stix::Object>> objects, const AdmitContext& context,
                                          bool by_person) {
  const policy::MemberId self = this->self();
  if (self.empty()) return fail(ErrorCode::kUnavailable, "no policy was applied yet: nothing can be admitted");
  if (context.collection.empty())
    return fail(ErrorCode::kInvalid, "an object is admitted into a collection", {.field = "collection"});
  const bool foreign = context.origin != self;
  const std::string own_identity = this->own_identity();

  AdmitReport report;
  report.items.resize(objects.size());
  journal::Batch batch;
  batch.states = context.states;
  journal::Batch aside;  // entries of what is held, behind the others
  std::vector<Held> held;
  std::vector<std::string> owned;  // identities that got an owner with this batch
  const auto proof_of = [&](std::size_t i) {
    return i < context.proofs.size() ? std::string_view(context.proofs[i]) : std::string_view();
  };
  const auto label_said = [&](std::size_t i) {
    return foreign && i < context.labels.size() ? std::string_view(context.labels[i]) : std::string_view();
  };
  const std::string exercise = exercise_of(context.collection);
  // Keeps an object aside. `told`: the reason depends on nothing but what was sent and what everyone may know.
  const auto hold = [&](std::size_t i, HeldFor reason, std::string property, std::string why, bool told,
                        const OriginVerdict& verdict) {
    AdmitItem& item = report.items[i];
    refuse(item, {.property = std::move(property), .rule = std::move(why)});
    if (quarantine_ == nullptr) return;
    const stix::Object& object = *objects[i];
    const stix::Timestamp* version = object.version();
    Quarantine::Hold what{.member = context.origin,
                          .collection = context.collection,
                          .object_id = item.id,
                          .version = version ? version->text() : "",
                          .version_key = version ? version->key() : "",
                          .spec_version = object.spec_version(),
                          .originator = verdict.originator,
                          .fallback = context.fallback,
                          .reason = reason,
                          .why = item.message,
                          .bytes = object.bytes(),
                          .proof = std::string(proof_of(i)),
                          .label = std::string(label_said(i))};
    Held one{.item = i, .placed = {}, .secret = !told, .entry = aside.entries.size()};
    one.placed = quarantine_->hold(what, aside);
    if (one.placed.as != HeldAs::kNew) one.entry.reset();
    item.outcome = Outcome::kQuarantined;
    held.push_back(std::move(one));
  };

  // Definitions of this batch that cannot be here, and so what they mark.
  std::map<stix::Id, std::string> not_here;
  const auto why_not_here = [&](const stix::Object& object, const policy::Label& label) -> std::optional<std::string> {
    if (const auto why = against_exercise(label, exercise)) return std::string(*why);
    const auto by = [&](const stix::Id& marking) { return not_here.contains(marking); };
    for (const stix::Id& marking : object.object_markings())
      if (by(marking)) return not_here.at(marking);
    for (const auto& granular : object.granular_markings())
      if (granular.marking_ref && by(*granular.marking_ref)) return not_here.at(*granular.marking_ref);
    return std::nullopt;
  };
  const auto refuse_exercise = [&](std::size_t i, std::string_view why, const OriginVerdict& verdict) {
    log_.warn("admit.of_an_exercise", {{"from", context.origin}, {"id", report.items[i].id}});
    if (foreign && !by_person)
      hold(i, HeldFor::kExercise, "object_marking_refs", std::string(why), true, verdict);
    else
      refuse(report.items[i], {.property = "object_marking_refs", .rule = std::string(why)});
  };

  // What somebody else gave before cannot be made one's own by signing it first.
  KnownObjects::Look look = known_.look();
  const auto known_from_others = [&](const std::string& id, const std::string& originator) {
    const auto copies = look.copies(id);
    return !copies || std::ranges::any_of(*copies, [&](const KnownCopy& copy) { return copy.origin != originator; });
  };

  if (!foreign && !exercise.empty() && !std::ranges::all_of(objects, is_definition))
    BONGSU_TRY_VOID(define_exercise(exercise, context.collection));

  // What is recalled meanwhile is recalled before this batch or after it.
  std::optional<std::shared_lock<FairSharedMutex>> admitting;
  if (recall_ != nullptr) admitting.emplace(recall_->admit());

  // 1. Each object by itself: the standard, who speaks, marking definitions pinned.
  std::vector<Work> work;
  work.reserve(objects.size());
  // Marking definitions first: what they mark is judged by them here, and a recipient has to know them before it.
  std::vector<std::size_t> order;
  for (const bool definitions : {true, false})
    for (std::size_t i = 0; i < objects.size(); ++i)
      if (is_definition(objects[i]) == definitions) order.push_back(i);
  std::deque<stix::Object> marked;  // with the exercise's marking, where they came without
  for (const std::size_t i : order) {
    AdmitItem& item = report.items[i];
    if (!objects[i]) {
      item.id = objects[i].error().where.field;
      refuse(item, finding_of(objects[i].error(), ""));
      continue;
    }
    const stix::Object& object = *objects[i];
    item.id = object.id_text();
    item.findings = stix::validate(object);
    if (stix::has_errors(item.findings)) {
      const auto first = std::ranges::find(item.findings, stix::Severity::kError, &stix::Finding::severity);
      item.message = fmt::format("{} {}", first->property, first->rule);
      continue;
    }
    // Whatever becomes of a definition, what it marks is judged by what it says.
    const bool definition = is_definition(objects[i]);
    std::optional<std::string> elsewhere;
    if (definition || object.type() == "identity")
      elsewhere = why_not_here(object, markings_.label_of(object, context.fallback, exercise));
    if (definition && elsewhere) not_here.emplace(object.id(), *elsewhere);
    const std::string version_key = version_key_of(object);
    const std::uint64_t after = i < context.decided_after.size() ? context.decided_after[i] : 0;
    if (recall_ != nullptr && recall_->refuses(context.origin, item.id, version_key, after)) {
      refuse(item, {.property = "id",
                    .rule = foreign ? "was recalled by the member that gave it: this version does not come back"
                                    : "was recalled or removed by this node: publish a new version",
                    .section = ""});
      log_.info("admit.recalled", {{"from", context.origin}, {"id", item.id}});
      continue;
    }
    if (!foreign && !context.two_persons) {
      BONGSU_TRY(auto why, against_override(object, context));
      if (why) {
        log_.warn("admit.overrides_recall", {{"id", item.id}, {"by", context.by}});
        refuse(item, {.property = "id", .rule = std::move(*why), .section = ""});
        continue;
      }
    }
    if (recall_ != nullptr && foreign) recall_->note_later(context.origin, item.id, version_key, after, batch.states);
    const std::string creator = object.created_by() ? object.created_by()->text() : std::string();
    OriginVerdict verdict;
    if (foreign && origins_ != nullptr) {
      verdict = origins_->judge(proof_of(i), object.bytes());
      if (verdict.kind == OriginVerdict::Kind::kBad) {
        log_.warn("admit.bad_proof", {{"from", context.origin}, {"id", item.id}, {"why", verdict.why}});
        if (!by_person) {
          hold(i, HeldFor::kBadProof, "", verdict.why, true, verdict);
          // What is held already was told once; a link that was resumed gets it again and goes on.
          if (held.empty() || held.back().item != i || held.back().placed.as != HeldAs::kAgain)
            report.lies.push_back(fmt::format("{} {}", item.id, verdict.why));
          continue;
        }
        verdict = {};
      }
      if (verdict.proven_by(context.origin)) origins_->note_signs(context.origin, batch.states);
      if (verdict.kind == OriginVerdict::Kind::kUnsigned && !context.proofs.empty() && !by_person &&
          origins_->signs(context.origin)) {
        hold(i, HeldFor::kUnsigned, "", "has no proof of origin, and its sender's node signs what it gives", true,
             verdict);
        continue;
      }
    }
    if (foreign && !own_identity.empty() && (item.id == own_identity || creator == own_identity) &&
        !verdict.proven_by(self) && !by_person) {
      log_.warn("admit.forged_origin", {{"from", context.origin}, {"id", item.id}});
      hold(i, HeldFor::kOurIdentity, item.id == own_identity ? "id" : "created_by_ref",
           "is the identity of the node that it is sent to", true, verdict);
      continue;
    }
    // Before it takes an id or an identity from what is live.
    if (elsewhere) {
      refuse_exercise(i, *elsewhere, verdict);
      continue;
    }
    if (foreign && origins_ != nullptr && !by_person) {
      // Whoever may speak under an identity that has an owner: the owner's proof, or the owner itself by a way in that
      // carries no proofs.
      const auto may_use = [&](const std::string& identity) {
        const auto owner = origins_->owner_of(identity);
        if (!owner || verdict.proven_by(*owner)) return true;
        return verdict.kind == OriginVerdict::Kind::kUnsigned && context.proofs.empty() && context.origin == *owner;
      };
      const bool id_taken = object.type() == "identity" && !may_use(item.id);
      if (id_taken || (!creator.empty() && !may_use(creator))) {
        log_.warn("admit.not_theirs", {{"from", context.origin}, {"id", item.id}});
        hold(i, HeldFor::kNotTheirs, id_taken ? "id" : "created_by_ref",
             "is an identity that another member brought, with proof that it is its own", false, verdict);
        continue;
      }
      // A drill makes nobody the owner of anything.
      if (exercise.empty() && object.type() == "identity" && verdict.kind == OriginVerdict::Kind::kProven && verdict.author &&
          (creator == item.id || (!creator.empty() && origins_->owner_of(creator) == verdict.originator)) &&
          !known_from_others(item.id, verdict.originator) && origins_->own(item.id, verdict.originator, batch.states))
        owned.push_back(item.id);
    }
    // Identities that this node makes: nobody else speaks under them.
    if (!foreign && exercise.empty() && origins_ != nullptr && object.type() == "identity" && !own_identity.empty() &&
        creator == own_identity && origins_->own(item.id, self, batch.states))
      owned.push_back(item.id);
    if (definition) {
      if (auto pinned = markings_.pin(object, batch.states, exercise); !pinned) {
        log_.warn("admit.marking_conflict", {{"from", context.origin}, {"id", item.id}});
        if (foreign && pinned.error().code == ErrorCode::kConflict && !by_person)
          hold(i, HeldFor::kMarkingConflict, pinned.error().where.field, pinned.error().message, false, verdict);
        else
          refuse(item, finding_of(pinned.error(), pinned.error().where.field));
        continue;
      }
    }
    if (tlp_markings(object) > 1) {
      item.findings.push_back({.severity = stix::Severity::kWarning,
                               .property = "object_marking_refs",
                               .rule = "names more than one TLP level; the strictest holds"});
      log_.warn("admit.two_tlp_levels", {{"from", context.origin}, {"id", item.id}});
    }
    const stix::Object* admitted = &object;
    // What this node makes in a drill says so wherever its bytes go.
    if (!foreign && !exercise.empty() && !definition &&
        !markings_.label_of(object, context.fallback, exercise).exercises.contains(exercise)) {
      auto one = !context.received_from.empty() || made_by_another(object)
                     ? needs_exercise_marking(exercise, self)
                     : with_exercise_marking(object, exercise, self);
      if (!one) {
        refuse(item, finding_of(one.error(), "object_marking_refs"));
        continue;
      }
      admitted = &marked.emplace_back(std::move(*one));
    }
    work.push_back({.item = i, .object = admitted, .facts = {}, .verdict = std::move(verdict)});
  }

  // What was given elsewhere in a drill says nothing about what is live.
  const auto copies_of = [&](const std::string& id) -> Result<std::vector<KnownCopy>> {
    BONGSU_TRY(auto copies, look.copies(id));
    if (exercise.empty()) leave_out_drills(copies);
    return copies;
  };

  std::optional<Result<Reading>> shown;  // what the sender may see, opened once if it is asked for

  // 2. Labels, with every definition of the batch known; then the copies of others; then what references reveal.
  std::vector<Referring> referring;
  referring.reserve(work.size());
  for (Work& w : work) {
    w.facts = {.object_id = w.object->id_text(),
               .type = w.object->type(),
               .collection = context.collection,
               .origin = context.origin,
               .label = markings_.label_of(*w.object, context.fallback, exercise)};
    policy::Label& label = w.facts.label;
    if (const auto why = why_not_here(*w.object, label)) {
      refuse_exercise(w.item, *why, w.verdict);
      w.object = nullptr;
      continue;
    }
    // What comes into an exercise's collection belongs to it, whether it says so or not.
    if (!exercise.empty()) label.exercises.insert(exercise);
    name_persons(label, context.persons);
    if (const std::string_view said = label_said(w.item); !said.empty()) raise(label, read_label_beside(said));
    if (foreign) {
      w.given = label;
      BONGSU_TRY(const auto copies, copies_of(w.object->id_text()));
      for (const auto& copy : copies) {
        const policy::Label standing = standing_label(copy, *w.object, context.origin);
        if (copy.origin == context.origin || as_low(standing, label)) continue;
        // Kept, and not said: a refusal would tell the sender that the id is known here.
        if (label.marked) log_.warn("admit.weaker_label", {{"from", context.origin}, {"id", report.items[w.item].id}});
        raise(label, standing);
      }
      BONGSU_TRY(w.apart, stands_apart(*w.object, context, copies, shown));
      // Whoever followed two copies of one version would lose both with the first that is taken back.
      if (!w.apart.empty()) {
        policy::Label alone = policy::bottom();
        alone.releasable_to = {context.origin, self};
        raise(label, alone);
      }
    }
  }
  std::erase_if(work, [](const Work& w) { return w.object == nullptr; });
  for (Work& w : work) {
    if (!may_be_given(*w.object, context)) continue;
    BONGSU_TRY(const auto copies, copies_of(w.object->id_text()));
    keep_with_givers(*w.object, context, copies, w.facts.label);
  }
  // A version before one that is raised, in this batch, goes to nobody who may not have that one (V1).
  std::map<std::string_view, const Work*> newest;
  for (const Work& w : work) {
    if (w.object->version() == nullptr) continue;
    const Work*& known = newest[report.items[w.item].id];
    if (known == nullptr || known->object->version()->key() < w.object->version()->key()) known = &w;
  }
  for (Work& w : work) {
    const auto at = newest.find(report.items[w.item].id);
    if (at == newest.end() || at->second == &w || w.object->version() == nullptr) continue;
    const policy::Label& label = at->second->facts.label;
    if (!as_low(label, w.facts.label)) raise(w.facts.label, comparable(label));
  }
  for (Work& w : work) {
    read_facts(w.facts, *w.object);
    referring.push_back({w.object, &w.facts, !foreign || !label_said(w.item).empty()});
  }
  BONGSU_TRY_VOID(find_sighted(referring, exercise.empty(), look));
  std::set<std::string> unknown, changed_ends;
  BONGSU_TRY_VOID(raise_by_references(referring, context.origin, self, exercise.empty(), look, &unknown));
  await(unknown, batch.states);
  for (const Work& w : work) {
    if (!exercise.empty() || w.facts.label.exercises.empty()) continue;
    log_.warn("admit.refers_to_an_exercise", {{"from", context.origin}, {"id", report.items[w.item].id}});
    if (!foreign)
      report.items[w.item].findings.push_back(
          {.severity = stix::Severity::kWarning,
           .rule = "refers to what is known here from an exercise only: it goes to nobody"});
  }
  if (!foreign && gate_ != nullptr && !context.two_persons) BONGSU_TRY_VOID(hold_lowered(work, context, report));

  // 3. Entries, each version once.
  std::vector<Raised> raised;
  std::vector<std::string> lowerings;
  std::vector<std::optional<policy::ObjectFacts>> facts;
  std::vector<std::size_t> entry_item;                              // entry → item; kNoItem: the deletion before it
  std::set<std::size_t> replaced;                                   // items
  std::map<std::pair<std::string, std::string>, std::size_t> seen;  // (id, version key or hash) → item
  std::vector<std::pair<std::size_t, std::size_t>> again;           // (item, first item) of the same version
  std::vector<const stix::Object*> to_sign;
  std::vector<std::size_t> to_sign_entry;
  for (const Work& w : work) {
    AdmitItem& item = report.items[w.item];
    const stix::Timestamp* version = w.object->version();
    const Sha256& hash = w.object->hash();
    const auto [first, fresh] = seen.emplace(
        std::pair{item.id, version != nullptr ? "v" + version->key() : "h" + std::string(as_text(hash))}, w.item);
    if (!fresh) {
      again.emplace_back(w.item, first->second);
      continue;
    }
    journal::Seq place_of = 0;  // the copy that it replaces
    if (foreign && context.replaces) {
      BONGSU_TRY(const auto stored, told_otherwise(w, context, look));
      if (stored) {
        place_of = stored->seq;
        BONGSU_TRY(auto of_others_too, of_others(*stored));
        batch.entries.push_back({.kind = journal::EntryKind::kDeletion,
                                 .collection = context.collection,
                                 .object_id = item.id,
                                 .version = stored->version,
                                 .version_key = stored->version_key,
                                 .origin = context.origin,
                                 .apart = std::move(of_others_too)});
        facts.emplace_back();
        entry_item.push_back(kNoItem);
        replaced.insert(w.item);
      }
    }
    if (recall_ != nullptr && version != nullptr) {
      BONGSU_TRY(auto before, versions_before(w, context, place_of, look));
      Raised changed{.entry = batch.entries.size()};
      bool lowered = false;  // against the newest that can be read
      for (const auto& older : before) {
        const auto old = policy::Label::parse(stored_label(older.label));
        if (!old || !as_low(w.facts.label, *old)) changed.before.push_back(older);
        if (!older.erased) lowered = old && older.origin == context.origin && !as_low(*old, w.facts.label);
      }
      if (lowered && !foreign && context.authority.empty()) {
        refuse(item, {.property = "object_marking_refs",
                      .rule = "lowers the label of the version before: that needs a named authority and a reason"});
        log_.warn("admit.lowered_without_authority", {{"id", item.id}});
        continue;
      }
      if (lowered) {
        log_.info("admit.label_lowered", {{"id", item.id},
                                          {"from", context.origin},
                                          {"authority", foreign ? context.origin : context.authority},
                                          {"reason", context.authority_reason}});
        lowerings.push_back(item.id);
      }
      // As in remove(): a drill takes nothing live from anybody.
      BONGSU_TRY(const bool also_elsewhere, stands_outside(exercise, item.id));
      if (!changed.before.empty() && !also_elsewhere) raised.push_back(std::move(changed));
    }
    BONGSU_TRY_VOID(note_end(w.facts, version != nullptr ? version->key() : std::string(), look, changed_ends, batch.states));
    journal::NewEntry& entry = batch.entries.emplace_back();
    entry.collection = context.collection;
    entry.object_id = item.id;
    if (version != nullptr) {
      entry.version = version->text();
      entry.version_key = version->key();
    }
    entry.spec_version = w.object->spec_version();
    entry.origin = context.origin;
    entry.label = stored_facts(w.facts);
    // To who gave it, its accounts included, it is what it was as it came: what raised it here is no affair of theirs.
    if (foreign && w.given != w.facts.label) entry.label = with_given(std::move(entry.label), context.origin, w.given);
    entry.payload = w.object->bytes();
    entry.apart = w.apart;
    if (origins_ != nullptr) {
      // What could not be verified here is not passed on: whoever knows that key would take it for a lie of this node.
      if (w.verdict.kind != OriginVerdict::Kind::kProven) {
        to_sign.push_back(w.object);
        to_sign_entry.push_back(batch.entries.size() - 1);
      } else {
        entry.proof = proof_of(w.item);
      }
    }
    facts.push_back(w.facts);
    entry_item.push_back(w.item);
  }

  // What nobody signed, or nobody whom this node can verify, is signed by this node: as its author if it is ours, else as whoever received it.
  if (!to_sign.empty()) {
    auto proofs = origins_->sign(to_sign, foreign ? context.origin : context.received_from);
    for (std::size_t i = 0; i < proofs.size(); ++i) batch.entries[to_sign_entry[i]].proof = std::move(proofs[i]);
  }
  for (const auto& id : lowerings) {
    journal::NewEntry& note = batch.entries.emplace_back();
    note.kind = journal::EntryKind::kNote;
    note.object_id = "note--label.lowered";
    note.origin = self;
    note.payload = to_text(JsonObject{{"event", "label.lowered"},
                                      {"subject", id},
                                      {"authority", foreign ? context.origin : context.authority},
                                      {"reason", context.authority_reason}});
    facts.emplace_back();
    entry_item.push_back(kNoItem);
  }
  const std::size_t first_aside = batch.entries.size();
  std::ranges::move(aside.entries, std::back_inserter(batch.entries));
  std::ranges::move(aside.states, std::back_inserter(batch.states));
  if (context.two_persons && (!held.empty() || static_cast<std::size_t>(std::ranges::count_if(entry_item, [](std::size_t item) {
                                return item != kNoItem;
                              })) != objects.size()))
    return fail(ErrorCode::kConflict, report.items.empty() ? "nothing was approved" : report.items.front().message);
  std::ranges::copy(context.notes, std::back_inserter(batch.entries));
  facts.resize(batch.entries.size());

  // 4. Decide and write.
  if (!batch.entries.empty() || !batch.states.empty()) {
    Recall::Plan plan;
    TakeAway take_away;
    for (const Raised& change : raised)
      for (const auto& older : change.before)
        if (older.origin != self && !older.erased) BONGSU_TRY_VOID(release_.part_giver(flow::facts_or_deny(older)));
    if (!raised.empty())
      take_away = [&](const Release::Readers& readers, journal::Batch& decided) -> Result<void> {
        plan = {};
        return take_from_excluded(raised, readers, decided, plan);
      };
    const auto appended_batch = append_decided(journal_, release_, batch, facts, take_away);
    if (!appended_batch) {
      for (const std::string& identity : owned) origins_->forget_owner(identity);
      for (const Held& one : held)
        if (one.entry) quarantine_->not_written(one.placed.id);
      return std::unexpected(appended_batch.error());
    }
    if (!raised.empty()) recall_->made_durable(std::move(plan));
    const journal::Receipt& receipt = *appended_batch;
    markings_.made_durable(batch.states);
    for (Held& one : held)
      if (one.entry) {
        one.placed.seq = receipt.entries[first_aside + *one.entry].seq;
        quarantine_->written(one.placed.id, one.placed.seq);
      }
    for (std::size_t e = 0; e < entry_item.size(); ++e) {
      if (entry_item[e] == kNoItem) {
        known_.forget(batch.entries[e].object_id);
        continue;
      }
      AdmitItem& item = report.items[entry_item[e]];
      const journal::AppendedEntry& appended = receipt.entries[e];
      item.seq = appended.seq;
      item.version = shown_version(batch.entries[e], appended.added_us);
      switch (appended.outcome) {
        case journal::AppendedEntry::Outcome::kNew:
          item.outcome = replaced.contains(entry_item[e]) ? Outcome::kReplaced : Outcome::kNew;
          known_.admitted(item.id, known_copy(*facts[e], stix::Timestamp::parse(item.version).value_or(stix::Timestamp()).key()));
          break;
        case journal::AppendedEntry::Outcome::kDuplicate:
          item.outcome = Outcome::kDuplicate;
          item.message = "this version is here already";
          break;
        case journal::AppendedEntry::Outcome::kOtherBytes:
          item.outcome = Outcome::kOtherBytes;
          item.message = "this version is here already with other content; the first stays";
          break;
      }
    }
    ends_written(changed_ends, unknown);
    for (const auto& [index, before] : again) {
      AdmitItem& item = report.items[index];
      const AdmitItem& first = report.items[before];
      const bool same = objects[index]->hash() == objects[before]->hash();
      item.seq = first.seq;
      item.version = first.version;
      item.outcome = first.outcome == Outcome::kOtherBytes || !same ? Outcome::kOtherBytes : Outcome::kDuplicate;
      item.message = same ? "this version stands twice in the batch"
                          : "this version stands in the batch with other content; the first stays";
    }
  }
  if (foreign) shown.reset();  // as it stands after the commit
  for (AdmitItem& item : report.items) {
    if (foreign && (item.outcome == Outcome::kDuplicate || item.outcome == Outcome::kOtherBytes)) {
      if (!shown) shown = release_.open(context.origin, context.collection);
      item.unseen = !sees_whole(context.origin, *shown, item.seq);
    }
    // Trying values for what was left out of its copy would find them (D7).
    if (item.unseen && item.outcome == Outcome::kDuplicate) {
      item.outcome = Outcome::kOtherBytes;
      item.message = "this version is here already with other content; the first stays";
    }
    item.told = item.outcome;
  }
  for (const Held& one : held) {
    AdmitItem& item = report.items[one.item];
    item.seq = one.placed.seq;
    item.told = Outcome::kRefused;
    if (!one.secret) continue;
    item.told = one.placed.as == HeldAs::kAgain        ? Outcome::kDuplicate
                : one.placed.as == HeldAs::kOtherBytes ? Outcome::kOtherBytes
                                                       : Outcome::kNew;
    const stix::Timestamp* version = objects[one.item]->version();
    if (version != nullptr) item.version = version->text();
    if (item.told != Outcome::kNew) continue;
    // It may have been admitted before it became a reason to be held: then that is what it looks like.
    BONGSU_TRY(const auto versions, journal_.snapshot()->versions(context.collection, item.id));
    for (const auto& stored : versions) {
      const bool same = stored.hash == objects[one.item]->hash();
      if (version != nullptr ? stored.version_key != version->key() : !same) continue;
      if (!shown) shown = release_.open(context.origin, context.collection);
      if (!was_shown(context.origin, *shown, stored)) continue;
      item.told = same ? Outcome::kDuplicate : Outcome::kOtherBytes;
      item.seq = stored.seq;
      item.version = stored.version;
    }
  }
  admitting.reset();
  // It is admitted, whatever becomes of that: what is left is noted, and done later. Not while an approval is carried out:
  // who proposes another waits for that one, admitting.
  if (!context.two_persons)
    if (const auto followed = follow_ends(); !followed)
      log_.warn("admit.follow_ends", {{"error", followed.error().text()}});
  for (const AdmitItem& item : report.items) {
    if (item.outcome == Outcome::kQuarantined)
      ++report.quarantined;
    else if (item.outcome == Outcome::kNew || item.outcome == Outcome::kReplaced)
      ++report.admitted;
    else if (item.outcome == Outcome::kDuplicate)
      ++report.duplicates;
    else
      ++report.refused;
  }
  return report;
}

Result<std::optional<std::string>> Admission::recalled_by(const std::string& object_id,
                                                          const std::string& version_key) const {
  const auto giver = recall_ == nullptr ? std::nullopt : recall_->recalled_by(object_id, version_key);
  if (!giver) return std::nullopt;
  BONGSU_TRY(const auto copies, journal_.snapshot()->versions("", object_id));
  const bool here = std::ranges::any_of(copies, [&](const journal::Entry& copy) {
    return !copy.erased && (copy.origin == self() || (copy.origin == *giver && copy.version_key == version_key));
  });
  return here ? std::nullopt : giver;
}

Result<std::optional<std::string>> Admission::against_override(const stix::Object& object,
                                                               const AdmitContext& context) {
  BONGSU_TRY(const auto giver, recalled_by(object.id_text(), version_key_of(object)));
  if (!giver) return std::nullopt;
  if (gate_ == nullptr)
    return std::optional(fmt::format("was recalled by {}, who gave it: it does not come back by hand", *giver));
  auto waits = gate_->override_recall(object, context, *giver);
  if (waits || waits.error().code == ErrorCode::kUnavailable) return waits;
  return std::optional(fmt::format("was recalled by {}, who gave it: {}", *giver, waits.error().message));
}

// Of what is ours: versions that lower a guarded label are taken out of the batch and proposed.
Result<void> Admission::hold_lowered(std::vector<Work>& work, const AdmitContext& context, AdmitReport& report) {
  std::map<std::string, policy::Label> newest;  // in this batch
  for (Work& w : work) {
    const std::string& id = report.items[w.item].id;
    std::optional<policy::Label> before;
    if (const auto at = newest.find(id); at != newest.end()) {
      before = at->second;
    } else {
      BONGSU_TRY(before, gate_->standing(id));
    }
    if (before && gate_->takes_two(*before, w.facts.label)) {
      auto waits = gate_->propose(*w.object, context);
      if (!waits && waits.error().code != ErrorCode::kInvalid && waits.error().code != ErrorCode::kDenied &&
          waits.error().code != ErrorCode::kConflict && waits.error().code != ErrorCode::kTooLarge)
        return std::unexpected(waits.error());
      if (!waits || *waits) {
        log_.warn("admit.lowers_label", {{"id", id}, {"by", context.by}});
        refuse(report.items[w.item], {.property = "", .rule = waits ? **waits : "lowers the label of what this node made: " + waits.error().message, .section = ""});
        w.object = nullptr;
        continue;
      }
    }
    newest.insert_or_assign(id, w.facts.label);
  }
  std::erase_if(work, [](const Work& w) { return w.object == nullptr; });
  return {};
}

// Does this member have the stored bytes, by having given them or by its outbox?
bool Admission::sees_whole(const std::string& member, const Result<Reading>& reading, journal::Seq seq) {
  const auto snapshot = reading ? nullptr : journal_.snapshot();
  journal::Snapshot& look = reading ? *reading->snapshot : *snapshot;
  const auto entry = look.entry(seq);
  if (!entry) return false;
  if (entry->origin == member) return true;
  if (!reading) return false;
  const auto pos = look.position(reading->view, seq);
  if (!pos || *pos == 0) return false;
  const auto shown = look.released_payload(reading->view, *pos);
  return shown && sha256(*shown) == entry->hash;
}

// What a copy that is here demands of another one by this member. A delegate of the maker may widen to whom what it made
// may go (R8), and nothing else of its label.
policy::Label Admission::standing_label(const KnownCopy& copy, const stix::Object& object,
                                        const std::string& member) const {
  policy::Label label = comparable(copy.label);
  if (origins_ == nullptr || !object.created_by() || origins_->owner_of(object.created_by()->text()) != copy.origin)
    return label;
  const auto state = release_.state();
  const auto agreement = state->agreements.find(copy.origin);
  const bool delegate = member == state->self ? agreement != state->agreements.end() && agreement->second.widens
                                              : may_widen_ && may_widen_(copy.origin, member);
  if (!delegate) return label;
  const auto widen = [](policy::Label& part) {
    part.releasable_to.reset();
    part.clauses.clear();
  };
  widen(label);
  for (policy::LabelPart& part : label.parts) widen(part.label);
  return label;
}

// The member whose identity stands in a sighting as who made it, empty if that is nobody's that is known, or somebody's
// behind this node; nullopt: it is this node, or it does not say.
std::optional<policy::MemberId> Admission::sighted_by(const stix::Object& sighting) const {
  if (!sighting.created_by() || sighting.created_by()->text() == own_identity()) return std::nullopt;
  return made_by_another(sighting).value_or(policy::MemberId());
}

// A sighting whose markings name nobody flows back to whoever else gave what was sighted (D6): to nobody where that is
// not known here. What somebody says of an object that nobody else gave is its own affair, and its label's.
Result<void> Admission::find_sighted(const std::vector<Referring>& batch, bool live, KnownObjects::Look& look) const {
  std::optional<std::set<std::string>> here;
  for (const Referring& one : batch) {
    policy::ObjectFacts& facts = *one.facts;
    if (facts.type == "sighting") facts.sighted_by = sighted_by(*one.object);
    if (!flows_back(facts)) continue;
    if (!here) {
      here.emplace();
      for (const Referring& other : batch) here->insert(other.object->id_text());
    }
    for (const auto& reference : one.object->references()) {
      if (reference.property != "sighting_of_ref") continue;
      const std::string target = reference.target.text();
      BONGSU_TRY(auto copies, look.copies(target));
      if (live) leave_out_drills(copies);
      const bool its_own = !copies.empty() || here->contains(target);
      std::erase_if(copies, [&](const KnownCopy& copy) { return copy.origin == facts.origin; });
      const KnownCopy* copy = standing_copy(copies, self());
      if (copy != nullptr)
        facts.sighting_of = copy->origin;
      else if (!its_own)
        facts.sighting_of.emplace();
    }
  }
  return {};
}

// Older versions in this collection, oldest first, if this one is new here; of objects that are known at all. Those too
// whose content was erased: whoever was handed them before has them.
Result<std::vector<journal::Entry>> Admission::versions_before(const Work& work, const AdmitContext& context,
                                                               journal::Seq place_of, KnownObjects::Look& look) {
  const stix::Object& object = *work.object;
  BONGSU_TRY(const auto copies, look.copies(object.id_text()));
  if (copies.empty()) return std::vector<journal::Entry>();
  BONGSU_TRY(auto versions, journal_.snapshot()->versions(context.collection, object.id_text()));
  // One that is here already changes nothing when it comes again, nor does other content of it: the first stays.
  if (std::ranges::any_of(versions, [&](const auto& entry) {
        return entry.version_key == object.version()->key() && (entry.hash == object.hash() || entry.seq != place_of) &&
               std::ranges::find(work.apart, entry.seq) == work.apart.end();
      }))
    return std::vector<journal::Entry>();
  std::erase_if(versions, [&](const auto& entry) { return entry.version_key >= object.version()->key(); });
  return versions;
}

// Whoever may have the versions before and may not have the new one has those no longer.
Result<void> Admission::take_from_excluded(const std::vector<Raised>& raised, const Release::Readers& readers,
                                           journal::Batch& batch, Recall::Plan& plan) {
  std::vector<Recall::Rows> rows;
  for (const Raised& change : raised) {
    const journal::NewEntry& entry = batch.entries[change.entry];
    for (const auto& reader : readers(entry.collection)) {
      if (std::ranges::find(entry.releases, reader.view, &journal::ReleaseTo::view) != entry.releases.end()) continue;
      Recall::Rows part{.view = reader.view, .member = reader.member, .collection = entry.collection, .seqs = {}};
      std::map<std::string_view, std::string_view> erased;  // by giver: the newest version's key
      // What raised it here is no affair of who gave a version before.
      for (const auto& older : change.before) {
        if (older.origin == reader.member) continue;
        if (older.erased)
          erased[older.origin] = older.version_key;
        else
          part.seqs.push_back(older.seq);
      }
      for (const auto& [giver, upto] : erased)
        rows.push_back({.view = reader.view,
                        .member = reader.member,
                        .collection = entry.collection,
                        .seqs = {},
                        .before = Recall::Rows::Before{entry.object_id, std::string(upto), std::string(giver)}});
      if (!part.seqs.empty()) rows.push_back(std::move(part));
    }
  }
  BONGSU_TRY(plan, recall_->plan_withdrawal(rows, RecallReason::kLabelRaised, batch));
  Recall::withdraw(rows, batch);
  for (const Raised& change : raised)
    recall_->bar_raised(plan, batch, change.before.back().object_id, change.before.back().version);
  return {};
}

// The stored copy of this version that the same member gave with other bytes, or with a label that was not as strict.
Result<std::optional<journal::Entry>> Admission::told_otherwise(const Work& work, const AdmitContext& context,
                                                                KnownObjects::Look& look) {
  const stix::Object& object = *work.object;
  BONGSU_TRY(const auto copies, look.copies(object.id_text()));
  if (std::ranges::find(copies, context.origin, &KnownCopy::origin) == copies.end()) return std::nullopt;
  BONGSU_TRY(auto versions, journal_.snapshot()->versions(context.collection, object.id_text()));
  for (auto& entry : versions) {
    if (entry.origin != context.origin || entry.erased) continue;
    if (entry.hash == object.hash()) {
      // As its sender said it both times: what is known here is no reason to tell it anew.
      const auto before = policy::Label::parse(label_for(entry.label, context.origin));
      if (before && as_low(work.given, *before)) continue;
    } else if (object.version() == nullptr || entry.version_key != object.version()->key()) {
      continue;  // without a version, other bytes are another object version
    }
    return std::optional(std::move(entry));
  }
  return std::nullopt;
}

Result<policy::ObjectFacts> Admission::facts_of(const stix::Object& object, const AdmitContext& context) {
  const std::string exercise = exercise_of(context.collection);
  policy::ObjectFacts facts{.object_id = object.id_text(),
                            .type = object.type(),
                            .collection = context.collection,
                            .origin = context.origin,
                            .label = markings_.label_of(object, context.fallback, exercise)};
  if (!exercise.empty()) facts.label.exercises.insert(exercise);
  name_persons(facts.label, context.persons);
  KnownObjects::Look look = known_.look();
  if (may_be_given(object, context)) {
    BONGSU_TRY(auto copies, look.copies(facts.object_id));
    if (exercise.empty()) leave_out_drills(copies);
    keep_with_givers(object, context, copies, facts.label);
  }
  read_facts(facts, object);
  BONGSU_TRY_VOID(find_sighted({{&object, &facts}}, exercise.empty(), look));
  BONGSU_TRY_VOID(raise_by_references({{&object, &facts}}, context.origin, self(), exercise.empty(), look));
  return facts;
}

}  // namespace bongsu::flow
