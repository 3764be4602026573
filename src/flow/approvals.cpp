#include "flow/approvals.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/uuid.h"
#include "flow/entry_search.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kSpace = "approvals";

std::string entry_id(std::string_view id) { return fmt::format("approval--{}", id); }

Json plan_json(const ActPlan& plan) {
  JsonArray changes;
  for (const auto& change : plan.changes)
    changes.push_back(JsonObject{{"what", change.what}, {"before", change.before}, {"after", change.after}});
  return JsonObject{
      {"subject", plan.subject}, {"summary", plan.summary}, {"changes", std::move(changes)}, {"label", plan.label}};
}

// What the second person approves: nothing of it can be another afterwards.
Result<std::string> hash_of(const Proposed& what, const ActPlan& plan) {
  BONGSU_TRY(const std::string text, to_canonical_text(JsonObject{{"kind", what.kind},
                                                                  {"parameters", what.parameters},
                                                                  {"plan", plan_json(plan)},
                                                                  {"bytes_sha256", to_hex(sha256(what.bytes))}}));
  return to_hex(sha256(text));
}

Result<Proposal> parse_proposal(std::string_view id, const Json& json) {
  const auto at = [&](const Json& from, std::string_view key) {
    return std::string(string_at(from, key).value_or(""));
  };
  Proposal out;
  out.id = id;
  out.kind = at(json, "kind");
  if (const Json* parameters = find(json, "parameters"); parameters != nullptr && parameters->is_object())
    out.parameters = parameters->get_object();
  out.plan = {
      .subject = at(json, "subject"), .summary = at(json, "summary"), .changes = {}, .label = at(json, "label")};
  if (const Json* changes = find(json, "changes"); changes != nullptr && changes->is_array())
    for (const Json& change : changes->get_array())
      out.plan.changes.push_back({at(change, "what"), at(change, "before"), at(change, "after")});
  out.sha256 = at(json, "sha256");
  out.bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, int_at(json, "bytes").value_or(0)));
  out.by = at(json, "by");
  out.by_person = at(json, "by_person");
  out.why = at(json, "why");
  out.decided_by = at(json, "decided_by");
  out.decided_why = at(json, "decided_why");
  if (const auto decided = Instant::parse(at(json, "decided"))) out.decided = *decided;
  const auto since = Instant::parse(at(json, "since")), expires = Instant::parse(at(json, "expires"));
  const std::string state = at(json, "state");
  bool known = false;
  for (const auto one :
       {Proposal::State::kOpen, Proposal::State::kExecuted, Proposal::State::kRefused, Proposal::State::kExpired})
    if (to_string(one) == state) out.state = one, known = true;
  if (!since || !expires || !known || out.kind.empty() || out.sha256.empty())
    return fail(ErrorCode::kCorrupt, "a record of what waits for a second person cannot be read", {.field = out.id});
  out.since = *since;
  out.expires = *expires;
  return out;
}

Result<void> check_reason(std::string_view why) {
  if (why.find_first_not_of(" \t\r\n") == std::string_view::npos || why.size() > kMaxProposalReasonBytes)
    return fail(ErrorCode::kInvalid, fmt::format("a reason has 1 to {} bytes", kMaxProposalReasonBytes),
                {.field = "reason"});
  return {};
}

}  // namespace

std::string_view to_string(Proposal::State state) {
  switch (state) {
    case Proposal::State::kOpen:
      return "open";
    case Proposal::State::kExecuted:
      return "executed";
    case Proposal::State::kRefused:
      return "refused";
    case Proposal::State::kExpired:
      break;
  }
  return "expired";
}

Json to_json(const Proposal& proposal) {
  JsonObject out = plan_json(proposal.plan).get_object();
  out["id"] = proposal.id;
  out["kind"] = proposal.kind;
  out["parameters"] = proposal.parameters;
  out["sha256"] = proposal.sha256;
  out["bytes"] = proposal.bytes;
  out["by"] = proposal.by;
  out["by_person"] = proposal.by_person;
  out["why"] = proposal.why;
  out["since"] = proposal.since.text(3);
  out["expires"] = proposal.expires.text(3);
  out["state"] = to_string(proposal.state);
  if (proposal.decided) {
    out["decided"] = proposal.decided->text(3);
    out["decided_by"] = proposal.decided_by;
    out["decided_why"] = proposal.decided_why;
  }
  return out;
}

Result<std::unique_ptr<Approvals>> Approvals::load(journal::Journal& journal, const identity::AccountBook& accounts,
                                                   const Clock& clock, Random& random, std::string self,
                                                   ApprovalOptions options, Log& log) {
  std::unique_ptr<Approvals> out(new Approvals(journal, accounts, clock, random, std::move(self), options, log));
  BONGSU_TRY(const auto stored, journal.states(kSpace));
  std::vector<std::string> unfinished;  // decided, and the process died before the bytes were erased
  for (const auto& [id, text] : stored) {
    BONGSU_TRY(const Json json, parse_json(text));
    BONGSU_TRY(Proposal proposal, parse_proposal(id, json));
    out->after_[id] = static_cast<journal::Seq>(std::max<std::int64_t>(0, int_at(json, "after").value_or(0)));
    if (proposal.state != Proposal::State::kOpen && !bool_at(json, "erased").value_or(false)) unfinished.push_back(id);
    out->proposals_.emplace(id, std::move(proposal));
  }
  for (const std::string& id : unfinished) BONGSU_TRY_VOID(out->finish(out->proposals_.find(id)->second));
  return out;
}

void Approvals::add(Act act) { acts_.push_back(std::move(act)); }

const Act* Approvals::act_of(std::string_view kind) const {
  const auto at = std::ranges::find(acts_, kind, &Act::kind);
  return at == acts_.end() ? nullptr : &*at;
}

// The account, if it is ours, enabled, and has the right.
std::optional<identity::Account> Approvals::able(std::string_view account, const Act& act, const Proposed& what,
                                                 const ActPlan& plan) const {
  auto found = accounts_.find(std::string(account));
  if (!found || found->disabled || found->member != self_ || !act.may_decide(*found, what, plan) ||
      (act.may_see && !act.may_see(*found, plan)))
    return std::nullopt;
  return found;
}

std::size_t Approvals::persons_able(const Act& act, const Proposed& what, const ActPlan& plan) const {
  std::set<std::string> persons;
  for (const auto& [name, account] : accounts_.accounts())
    if (!account.disabled && account.member == self_ && act.may_decide(account, what, plan))
      persons.insert(account.person_name());
  return persons.size();
}

journal::NewEntry Approvals::note(std::string_view event, const Proposal& proposal, std::string_view by,
                                  std::string_view why) const {
  return {.kind = journal::EntryKind::kNote,
          .origin = self_,
          .payload = to_text(JsonObject{{"event", fmt::format("approval.{}", event)},
                                        {"approval", proposal.id},
                                        {"act", proposal.kind},
                                        {"subject", proposal.plan.subject},
                                        {"sha256", proposal.sha256},
                                        {"proposed_by", proposal.by},
                                        {"by", by},
                                        {"why", why},
                                        {"at", clock_.now().text(6)}})};
}

Result<std::optional<Proposal>> Approvals::ask(const Proposed& what, const Asker& by, std::string_view why) {
  if (!options_.four_eyes) return std::nullopt;
  const Act* act = act_of(what.kind);
  if (act == nullptr) return fail(ErrorCode::kNotFound, fmt::format("there is no act \"{}\"", what.kind));
  if (what.bytes.size() > kMaxProposalBytes)
    return fail(ErrorCode::kTooLarge,
                fmt::format("what a second person approves has at most {} bytes", kMaxProposalBytes));
  BONGSU_TRY(const ActPlan plan, act->plan(what));
  const auto fresh_id = [&] {
    const std::lock_guard lock(mutex_);
    return Uuid::random(random_).text();
  };
  Proposal proposal{.id = fresh_id(),
                    .kind = what.kind,
                    .parameters = what.parameters,
                    .plan = plan,
                    .sha256 = {},
                    .bytes = what.bytes.size(),
                    .by = by.account,
                    .by_person = {},
                    .why = std::string(why),
                    .since = clock_.now(),
                    .expires = clock_.now() + options_.lifetime,
                    .decided_by = {},
                    .decided_why = {},
                    .decided = {}};
  BONGSU_TRY(proposal.sha256, hash_of(what, plan));
  if (persons_able(*act, what, plan) < 2) {
    if (act->never_alone)
      return fail(ErrorCode::kDenied, "only two persons do this, and fewer than two of this node have the right");
    journal::Batch batch;
    batch.entries.push_back(note("alone", proposal, by.account, why));
    BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
    log_.warn("approval.alone", {{"act", what.kind}, {"subject", plan.subject}, {"by", by.account}});
    return std::nullopt;
  }
  BONGSU_TRY_VOID(check_reason(why));
  if (by.account != kLocalAdmin) {
    const auto account = able(by.account, *act, what, plan);
    if (!account) return fail(ErrorCode::kDenied, fmt::format("{} has not the right to propose this", by.account));
    proposal.by_person = account->person_name();
  }
  const std::lock_guard asking(asking_);
  {
    const std::lock_guard lock(mutex_);
    std::size_t open = 0;
    for (const auto& [id, other] : proposals_) {
      if (other.state != Proposal::State::kOpen) continue;
      ++open;
      if (other.sha256 == proposal.sha256 && other.by == proposal.by && clock_.now() < other.expires) return other;
    }
    if (open >= kMaxOpenProposals)
      return fail(ErrorCode::kUnavailable, fmt::format("{} proposals wait already; decide some first", open));
  }
  const journal::Seq after = journal_.last_seq();
  Json record = to_json(proposal);
  record.get_object()["after"] = after;
  journal::Batch batch;
  batch.entries.push_back({.kind = journal::EntryKind::kQuarantined,
                           .object_id = entry_id(proposal.id),
                           .origin = self_,
                           .payload = what.bytes});
  batch.entries.push_back(note("proposed", proposal, by.account, why));
  batch.states.push_back({std::string(kSpace), proposal.id, to_text(record)});
  BONGSU_TRY(const auto receipt, journal_.append(batch));
  const std::lock_guard lock(mutex_);
  seqs_[proposal.id] = receipt.entries.front().seq;
  after_[proposal.id] = after;
  proposals_.emplace(proposal.id, proposal);
  return proposal;
}

std::vector<Proposal> Approvals::list() const {
  std::vector<Proposal> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, proposal] : proposals_) out.push_back(proposal);
  }
  std::ranges::sort(out, [](const Proposal& a, const Proposal& b) {
    const bool open_a = a.state == Proposal::State::kOpen, open_b = b.state == Proposal::State::kOpen;
    if (open_a != open_b) return open_a;
    return a.since != b.since ? a.since > b.since : a.id < b.id;
  });
  return out;
}

std::optional<Proposal> Approvals::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto at = proposals_.find(id);
  if (at == proposals_.end()) return std::nullopt;
  return at->second;
}

Result<Proposal> Approvals::open_one(std::string_view id) const {
  auto found = find(id);
  if (!found) return fail(ErrorCode::kNotFound, "nothing waits under this id");
  if (found->state != Proposal::State::kOpen)
    return fail(ErrorCode::kConflict,
                found->decided_by.empty()
                    ? std::string("it has expired")
                    : fmt::format("{} has decided already: {}", found->decided_by, to_string(found->state)));
  if (clock_.now() >= found->expires) return fail(ErrorCode::kConflict, "it has expired; it has to be proposed again");
  return std::move(*found);
}

Result<std::string> Approvals::content_of(const std::string& id) {
  journal::Seq seq = 0, after = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = seqs_.find(id); at != seqs_.end()) seq = at->second;
    if (const auto at = after_.find(id); at != after_.end()) after = at->second;
  }
  if (seq == 0) {
    BONGSU_TRY(seq, find_entry(journal_, entry_id(id), after));
    const std::lock_guard lock(mutex_);
    seqs_[id] = seq;
  }
  return journal_.snapshot()->payload(seq);
}

Result<std::string> Approvals::content(std::string_view id) {
  BONGSU_TRY(const Proposal proposal, open_one(id));
  return content_of(proposal.id);
}

Result<void> Approvals::may_decide(const Proposal& proposal, std::string_view account) const {
  const Act* act = act_of(proposal.kind);
  if (act == nullptr) return fail(ErrorCode::kUnsupported, fmt::format("this node does no \"{}\"", proposal.kind));
  const Proposed what{.kind = proposal.kind, .parameters = proposal.parameters, .bytes = {}};
  const auto who = able(account, *act, what, proposal.plan);
  if (!who) return fail(ErrorCode::kDenied, "this takes somebody who could do it, too");
  if (proposal.by == account || (!proposal.by_person.empty() && proposal.by_person == who->person_name()))
    return fail(ErrorCode::kDenied, "a second person decides; who proposed it does not");
  return {};
}

bool Approvals::may_see(const Proposal& proposal, std::string_view account) const {
  if (proposal.by == account) return true;
  const Act* act = act_of(proposal.kind);
  return act != nullptr &&
         able(account, *act, {.kind = proposal.kind, .parameters = proposal.parameters, .bytes = {}}, proposal.plan);
}

Result<Proposal> Approvals::approve(std::string_view id, std::string_view account, std::string_view sha256_seen,
                                    std::string_view why) {
  BONGSU_TRY_VOID(check_reason(why));
  const std::lock_guard deciding(deciding_);
  BONGSU_TRY(Proposal proposal, open_one(id));
  BONGSU_TRY_VOID(may_decide(proposal, account));
  if (sha256_seen != proposal.sha256)
    return fail(ErrorCode::kConflict, "what you looked at is not what was proposed; look again", {.field = "sha256"});
  const Act& act = *act_of(proposal.kind);
  Proposed what{.kind = proposal.kind, .parameters = proposal.parameters, .bytes = {}};
  if (proposal.by != kLocalAdmin && !able(proposal.by, act, what, proposal.plan))
    return fail(ErrorCode::kDenied, fmt::format("{}, who proposed it, has no such right any more", proposal.by));
  BONGSU_TRY(what.bytes, content_of(proposal.id));
  const auto plan = act.plan(what);
  if (!plan) {
    Error error = plan.error();
    error.message = "it cannot be done as it was proposed any more: " + error.message;
    return std::unexpected(std::move(error));
  }
  BONGSU_TRY(const std::string now, hash_of(what, *plan));
  if (now != proposal.sha256)
    return fail(ErrorCode::kConflict,
                "what it would change has changed since it was proposed; refuse it, and propose it again");
  const Proposal before = proposal;
  proposal.state = Proposal::State::kExecuted;
  proposal.decided_by = account;
  proposal.decided_why = why;
  proposal.decided = clock_.now();
  Closing closing;
  closing.states.push_back({std::string(kSpace), proposal.id, to_text(to_json(proposal))});
  closing.notes.push_back(note("executed", proposal, account, why));
  if (auto done = act.execute(what, closing); !done) {
    // An act that failed behind its commit is open again, and the journal says so.
    BONGSU_TRY(const auto stored, journal_.state(kSpace, proposal.id));
    if (stored && *stored == closing.states.front().value) {
      Json record = to_json(before);
      {
        const std::lock_guard lock(mutex_);
        record.get_object()["after"] = after_[proposal.id];
      }
      journal::Batch batch;
      batch.entries.push_back(note("failed", before, account, done.error().message));
      batch.states.push_back({std::string(kSpace), proposal.id, to_text(record)});
      BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
    }
    return std::unexpected(done.error());
  }
  {
    const std::lock_guard lock(mutex_);
    proposals_.find(proposal.id)->second = proposal;
  }
  if (auto erased = finish(proposal); !erased)  // it is done; what is left is done at the next start
    log_.warn("approval.finish", {{"approval", proposal.id}, {"error", erased.error().text()}});
  return proposal;
}

Result<Proposal> Approvals::refuse(std::string_view id, std::string_view account, std::string_view why) {
  BONGSU_TRY_VOID(check_reason(why));
  const std::lock_guard deciding(deciding_);
  BONGSU_TRY(Proposal proposal, open_one(id));
  // Who proposed it may take it back.
  if (proposal.by != account) BONGSU_TRY_VOID(may_decide(proposal, account));
  return settle(std::move(proposal), Proposal::State::kRefused, account, why);
}

// Under deciding_.
Result<Proposal> Approvals::settle(Proposal proposal, Proposal::State state, std::string_view by,
                                   std::string_view why) {
  proposal.state = state;
  proposal.decided_by = by;
  proposal.decided_why = why;
  proposal.decided = clock_.now();
  journal::Batch batch;
  batch.entries.push_back(note(to_string(state), proposal, by, why));
  batch.states.push_back({std::string(kSpace), proposal.id, to_text(to_json(proposal))});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  {
    const std::lock_guard lock(mutex_);
    proposals_.find(proposal.id)->second = proposal;
  }
  BONGSU_TRY_VOID(finish(proposal));
  return proposal;
}

Result<void> Approvals::finish(const Proposal& proposal) {
  BONGSU_TRY([[maybe_unused]] const auto erased, journal_.erase(entry_id(proposal.id), self_));
  Json record = to_json(proposal);
  record.get_object()["erased"] = true;
  std::vector<journal::StateChange> states{{std::string(kSpace), proposal.id, to_text(record)}};
  std::string oldest;
  {
    const std::lock_guard lock(mutex_);
    std::size_t decided = 0;
    const Proposal* first = nullptr;
    for (const auto& [id, other] : proposals_) {
      if (other.state == Proposal::State::kOpen) continue;
      ++decided;
      if (first == nullptr || other.decided < first->decided) first = &other;
    }
    if (decided > kMaxDecidedProposals && first->id != proposal.id) oldest = first->id;
  }
  if (!oldest.empty()) states.push_back({std::string(kSpace), oldest, std::nullopt});
  BONGSU_TRY_VOID(journal_.put(std::move(states)));
  const std::lock_guard lock(mutex_);
  seqs_.erase(proposal.id);
  after_.erase(proposal.id);
  if (!oldest.empty()) proposals_.erase(oldest);
  return {};
}

Result<void> Approvals::keep_up() {
  const std::lock_guard deciding(deciding_);
  for (Proposal& proposal : list())
    if (proposal.state == Proposal::State::kOpen && clock_.now() >= proposal.expires) {
      BONGSU_TRY([[maybe_unused]] const auto settled,
                 settle(std::move(proposal), Proposal::State::kExpired, "", "nobody decided in time"));
    }
  return {};
}

Result<std::size_t> Approvals::erase_subject(std::string_view subject) {
  const std::lock_guard deciding(deciding_);
  std::size_t gone = 0;
  for (Proposal& proposal : list()) {
    if (proposal.state != Proposal::State::kOpen || proposal.plan.subject != subject) continue;
    BONGSU_TRY([[maybe_unused]] const auto settled,
               settle(std::move(proposal), Proposal::State::kRefused, self_, "the object was erased"));
    ++gone;
  }
  return gone;
}

}  // namespace bongsu::flow
