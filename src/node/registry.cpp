#include "node/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"

namespace bongsu::node {
namespace {

constexpr std::chrono::hours kWriteClockEvery{1};
constexpr std::string_view kAgreements = "agreements", kAccounts = "accounts", kCrisis = "crisis", kDeclared = "declared";

Error in_state(Error error, std::string_view space, std::string_view key) {
  error.code = ErrorCode::kCorrupt;
  error.where.source = fmt::format("stored {} \"{}\"", space, key);
  return error;
}

}  // namespace

Result<std::unique_ptr<Registry>> Registry::load(std::string self, journal::Journal& journal, flow::Collections& collections,
                                                 flow::Release& release, identity::AccountBook& accounts, const Clock& clock,
                                                 Random& random) {
  std::unique_ptr<Registry> registry(new Registry(std::move(self), journal, collections, release, accounts, clock, random));
  BONGSU_TRY(const auto agreements, journal.states(kAgreements));
  for (const auto& [partner, text] : agreements) {
    auto agreement = policy::parse_agreement(text, partner);
    if (!agreement) return std::unexpected(in_state(agreement.error(), kAgreements, partner));
    registry->agreements_.emplace(partner, std::move(*agreement));
  }
  BONGSU_TRY(registry->trust_, TrustBook::load(journal));
  BONGSU_TRY(const auto declared, journal.state(kCrisis, kDeclared));
  if (declared) {
    const auto json = parse_json(*declared);
    auto crisis = json ? Crisis::parse(*json) : Result<Crisis>(std::unexpected(json.error()));
    if (!crisis) return std::unexpected(in_state(crisis.error(), kCrisis, kDeclared));
    registry->crisis_ = std::move(*crisis);
  }
  BONGSU_TRY(const auto stored, journal.states(kAccounts));
  std::map<std::string, identity::Account> book;
  for (const auto& [name, text] : stored) {
    auto json = parse_json(text);
    auto account = json ? identity::Account::parse(*json) : Result<identity::Account>(std::unexpected(json.error()));
    if (!account) return std::unexpected(in_state(account.error(), kAccounts, name));
    book.emplace(name, std::move(*account));
  }
  accounts.replace(std::move(book));
  BONGSU_TRY_VOID(registry->refresh_members());
  return registry;
}

Result<void> Registry::write(std::vector<journal::StateChange> changes, std::string_view event, std::string_view subject, JsonObject details,
                             const flow::Closing& closing) {
  journal::Batch batch;
  batch.states = std::move(changes);
  std::ranges::copy(closing.states, std::back_inserter(batch.states));
  JsonObject note{{"event", event}, {"subject", subject}, {"at", clock_.now().text()}};
  for (auto& [key, value] : details) note[key] = std::move(value);
  batch.entries.push_back({.kind = journal::EntryKind::kNote,
                           .object_id = "note--" + Uuid::random(random_).text(),
                           .origin = self_,
                           .payload = to_text(note)});
  std::ranges::copy(closing.notes, std::back_inserter(batch.entries));
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  return {};
}

Result<void> Registry::apply_policy() {
  policy::PolicyState state;
  state.self = self_;
  const Instant now = clock_.now();
  const bool crisis = crisis_ && crisis_->in_force(now);
  for (const auto& [id, member] : members_) state.members[id] = {.stopped = member.stopped};
  for (const auto& [partner, agreement] : agreements_) {
    policy::Agreement resolved = agreement;
    resolved.collections.clear();
    for (const auto& name : agreement.collections)
      if (const auto collection = collections_.find(name)) resolved.collections.push_back(collection->id);
    state.agreements.emplace(partner, std::move(resolved));
  }
  policy::end_consents(state, now, crisis);
  if (const auto& charter = trust_.charter()) {
    // Who shows another authority or key than the charter lists is not whom the charter means.
    for (const auto& [id, member] : members_) {
      const auto listed = charter->charter().members.find(id);
      if (listed == charter->charter().members.end() || listed->second.ca_fingerprint != member.ca_fingerprint ||
          std::ranges::find(listed->second.keys, member.signing_key) == listed->second.keys.end())
        state.members[id].stopped = true;
    }
    policy::apply_trust(state, *charter, trust_.agreements(), now, crisis);
    const auto resolve = [&](std::string& name) {
      if (const auto collection = collections_.find(name)) name = collection->id;
    };
    const auto resolve_all = [&](policy::Agreement& agreement) {
      std::vector<std::string> known;
      for (const auto& name : agreement.collections)
        if (const auto collection = collections_.find(name)) known.push_back(collection->id);
      agreement.collections = std::move(known);
      for (auto& denial : agreement.denies) {
        if (!denial.collections) continue;
        std::set<std::string> resolved;
        for (std::string name : *denial.collections) resolve(name), resolved.insert(name);
        denial.collections = std::move(resolved);
      }
    };
    for (auto& [_, agreement] : state.agreements) resolve_all(agreement);
    for (auto& [_, list] : state.further)
      for (auto& agreement : list) resolve_all(agreement);
  }
  if (crisis_) apply_crisis(state, *crisis_, now);
  std::vector<std::string> ids;
  for (const auto& collection : collections_.list()) {
    ids.push_back(collection.id);
    if (!collection.exercise.empty()) state.exercises.emplace(collection.id, collection.exercise);
  }
  return release_.apply(std::move(state), ids);
}

Result<void> Registry::refresh_policy() {
  {
    const std::lock_guard lock(mutex_);
    BONGSU_TRY_VOID(apply_policy());
  }
  changed();
  return {};
}

void Registry::on_change(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  callbacks_.push_back(std::move(callback));
}

void Registry::changed() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    callbacks = callbacks_;
  }
  for (const auto& callback : callbacks) callback();
}

std::vector<identity::Member> Registry::members() const {
  const std::lock_guard lock(mutex_);
  std::vector<identity::Member> out;
  for (const auto& [id, member] : members_) out.push_back(member);
  return out;
}

std::optional<identity::Member> Registry::member(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto at = members_.find(id);
  if (at == members_.end()) return std::nullopt;
  return at->second;
}

Result<void> Registry::refresh_members() {
  {
    // Read under the lock: whoever applies last has read the newest, so that a stop is not undone by somebody's older list.
    const std::lock_guard lock(mutex_);
    BONGSU_TRY(const auto stored, book_.members());
    members_.clear();
    for (const auto& [id, member] : stored) members_.emplace(id, member);
    directory_.replace(stored);
    BONGSU_TRY_VOID(apply_policy());
  }
  changed();
  return {};
}

Result<void> Registry::put_member(const identity::Member& member) {
  if (member.id == self_) return fail(ErrorCode::kConflict, "that is this node's own name", {.field = "member"});
  BONGSU_TRY_VOID(book_.store(member));
  BONGSU_TRY_VOID(write({}, "member.paired", member.id));
  return refresh_members();
}

Result<void> Registry::confirm(std::string_view id) {
  BONGSU_TRY_VOID(book_.update(id, [](identity::Member& member) { member.confirmed = true; }));
  BONGSU_TRY_VOID(write({}, "member.confirmed", id));
  return refresh_members();
}

Result<void> Registry::set_stopped(std::string_view id, bool stopped) {
  if (stopped) {
    // The gate first, whatever the disk says: a stop holds even when it cannot be written down.
    const std::lock_guard lock(mutex_);
    if (const auto at = members_.find(id); at != members_.end()) {
      at->second.stopped = true;
      (void)apply_policy();
    }
  }
  if (stopped) changed();
  BONGSU_TRY_VOID(book_.update(id, [&](identity::Member& member) { member.stopped = stopped; }));
  BONGSU_TRY_VOID(refresh_members());
  return write({}, stopped ? "release.stop" : "release.resume", id);
}

Result<void> Registry::set_suspended(const link::Suspension& suspension, bool suspended) {
  if (suspension.stops_giving) BONGSU_TRY_VOID(set_stopped(suspension.member, suspended));
  return write({}, suspended ? "link.suspended" : "link.resumed", suspension.member, {{"reason", suspension.reason}});
}

Result<identity::Invitation> Registry::invite(const identity::Member& self, const std::string& expected) {
  BONGSU_TRY(auto invitation, book_.invite(self, kInvitationLifetime, expected));
  BONGSU_TRY_VOID(write({}, "member.invite", expected));
  return invitation;
}

std::vector<policy::Agreement> Registry::agreements() const {
  const std::lock_guard lock(mutex_);
  std::vector<policy::Agreement> out;
  for (const auto& [partner, agreement] : agreements_) out.push_back(agreement);
  return out;
}

std::optional<policy::Agreement> Registry::agreement(std::string_view partner) const {
  const std::lock_guard lock(mutex_);
  const auto at = agreements_.find(partner);
  if (at == agreements_.end()) return std::nullopt;
  return at->second;
}

Result<void> Registry::put_agreement(const policy::Agreement& agreement, const flow::Closing& closing) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto& charter = trust_.charter())
      return fail(ErrorCode::kDenied, fmt::format("under the charter {} an agreement needs the signatures of its parties: bongsu agreement sign", charter->charter().id), {.field = "charter"});
    if (!members_.contains(agreement.partner))
      return fail(ErrorCode::kNotFound, fmt::format("there is no member \"{}\"; pair first: bongsu member invite", agreement.partner), {.field = "partner"});
    for (const auto& name : agreement.collections)
      if (!collections_.find(name))
        return fail(ErrorCode::kNotFound, fmt::format("there is no collection \"{}\"; add it first: bongsu collection add", name), {.field = "collections"});
    BONGSU_TRY_VOID(write({{.space = std::string(kAgreements), .key = agreement.partner, .value = policy::to_toml(agreement)}}, "agreement.put", agreement.partner,
                           {{"agreement", policy::to_toml(agreement)}, {"agreement_sha256", to_hex(sha256(policy::to_toml(agreement)))}}, closing));
    agreements_.insert_or_assign(agreement.partner, agreement);
    BONGSU_TRY_VOID(apply_policy());
  }
  changed();
  return {};
}

Result<void> Registry::end_agreement(std::string_view partner, const flow::Closing& closing) {
  {
    const std::lock_guard lock(mutex_);
    const auto at = agreements_.find(partner);
    if (at == agreements_.end()) return fail(ErrorCode::kNotFound, fmt::format("there is no agreement with \"{}\"", partner));
    BONGSU_TRY_VOID(write({{.space = std::string(kAgreements), .key = std::string(partner), .value = std::nullopt}}, "agreement.end", partner, {}, closing));
    agreements_.erase(at);
    BONGSU_TRY_VOID(apply_policy());
  }
  changed();
  return {};
}

std::optional<Crisis> Registry::crisis() const {
  const std::lock_guard lock(mutex_);
  return crisis_;
}

Result<Crisis> Registry::declare_crisis(Crisis crisis, const flow::Closing& closing) {
  {
    const std::lock_guard lock(mutex_);
    const Instant now = clock_.now();
    crisis.since = crisis_ && crisis_->in_force(now) ? crisis_->since : now;
    BONGSU_TRY_VOID(check_crisis(crisis, now));
    BONGSU_TRY_VOID(write({{.space = std::string(kCrisis), .key = std::string(kDeclared), .value = to_text(crisis.json())}}, "crisis.declared", crisis.by,
                          crisis.json(), closing));
    crisis_ = crisis;
    BONGSU_TRY_VOID(apply_policy());
  }
  changed();
  return crisis;
}

Result<Crisis> Registry::end_crisis(const std::string& by, const std::string& reason) {
  Crisis ended;
  {
    const std::lock_guard lock(mutex_);
    const Instant now = clock_.now();
    if (!crisis_ || !crisis_->in_force(now)) return fail(ErrorCode::kNotFound, "no crisis is declared on this node");
    ended = *crisis_;
    ended.until = now;
    BONGSU_TRY_VOID(write({{.space = std::string(kCrisis), .key = std::string(kDeclared), .value = to_text(ended.json())}}, "crisis.ended", by,
                          {{"by", by}, {"reason", reason}}));
    crisis_ = ended;
    BONGSU_TRY_VOID(apply_policy());
  }
  changed();
  return ended;
}

std::optional<policy::TrustedCharter> Registry::charter() const {
  const std::lock_guard lock(mutex_);
  return trust_.charter();
}

Result<policy::TrustedCharter> Registry::accept_charter(std::span<const policy::SignedCharter> versions, std::string_view digest,
                                                        const flow::Closing& closing) {
  std::optional<policy::TrustedCharter> accepted;
  {
    const std::lock_guard lock(mutex_);
    BONGSU_TRY(auto change, trust_.accept(versions, digest, clock_.now()));
    accepted = change.charter;
    if (trust_.charter() && trust_.charter()->charter().version == accepted->charter().version) {
      if (!closing.states.empty()) return fail(ErrorCode::kConflict, "this version is in force already");
      return std::move(*accepted);
    }
    BONGSU_TRY_VOID(write(change.states, "charter.accept", fmt::format("{} {} {}", accepted->charter().id, accepted->charter().version, accepted->charter().digest()), {}, closing));
    trust_.take(std::move(change));
    BONGSU_TRY_VOID(apply_policy());
  }
  changed();
  return std::move(*accepted);
}

Result<std::vector<policy::SignedCharter>> Registry::charter_versions(std::int64_t after, std::size_t most) const {
  return TrustBook::versions(journal_, after, most);
}

std::optional<std::string> Registry::pinned_key(std::string_view id) const {
  const auto known = member(id);
  if (!known || known->stopped) return std::nullopt;
  auto key = from_hex(known->signing_key);
  return key && key->size() == 32 ? std::optional(std::move(*key)) : std::nullopt;
}

std::vector<TrustBook::ListedKey> Registry::keys_of(std::string_view member) const {
  const std::lock_guard lock(mutex_);
  if (trust_.charter()) return trust_.keys_of(member);
  const auto at = members_.find(member);
  if (at == members_.end() || at->second.signing_key.empty()) return {};
  return {{at->second.signing_key, std::nullopt}};
}

std::optional<std::string> Registry::owner_of(std::string_view identity) const {
  const std::lock_guard lock(mutex_);
  return trust_.owner_of(identity);
}

std::vector<policy::SignedMemorandum> Registry::memoranda() const {
  const std::lock_guard lock(mutex_);
  return trust_.agreements();
}

Result<policy::SignedMemorandum> Registry::put_memorandum(const policy::SignedMemorandum& document, const flow::Closing& closing) {
  std::optional<policy::SignedMemorandum> put;
  {
    const std::lock_guard lock(mutex_);
    BONGSU_TRY(auto change, trust_.put(document, self_));
    put = change.agreement;
    if (change.states.empty()) {
      if (!closing.states.empty()) return fail(ErrorCode::kConflict, "it is here already, with these signatures");
      return std::move(*put);
    }
    BONGSU_TRY_VOID(write(change.states, "agreement.signed", fmt::format("{} {} {}", put->terms.id, put->terms.version, put->digest()), {}, closing));
    trust_.take(std::move(change));
    BONGSU_TRY_VOID(apply_policy());
  }
  changed();
  return std::move(*put);
}

void Registry::look_at_the_clock() {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  // What was seen is written down once an hour: a clock that is set back while the node is off is noticed to the hour.
  if (trust_.charter() && now - trust_.charter()->latest_seen > kWriteClockEvery) {
    auto change = trust_.saw(now);
    journal::Batch batch;
    batch.states = change.states;
    if (journal_.append(batch)) trust_.take(std::move(change));
  }
  (void)apply_policy();  // does nothing where nothing changed; what failed is tried again the next time
}

Result<void> Registry::put_account(const identity::Account& account, bool replace) {
  const std::lock_guard lock(mutex_);
  auto book = accounts_.accounts();
  if (!replace && book.contains(account.name))
    return fail(ErrorCode::kConflict, fmt::format("there is an account \"{}\" already", account.name), {.field = "name"});
  if (account.member != self_ && !members_.contains(account.member) && !agreements_.contains(account.member))
    return fail(ErrorCode::kNotFound, fmt::format("there is no member \"{}\" that the account could act for", account.member), {.field = "member"});
  if (account.enforcement && account.member != self_)
    return fail(ErrorCode::kInvalid, "files for enforcement points hold what this node may know: only its own accounts read them", {.field = "enforcement"});
  BONGSU_TRY_VOID(write({{.space = std::string(kAccounts), .key = account.name, .value = to_text(account.json())}}, "account.put", account.name));
  book.insert_or_assign(account.name, account);
  accounts_.replace(std::move(book));
  return {};
}

Result<identity::Account> Registry::change_account(std::string_view name, std::string_view event, JsonObject details,
                                                   const std::function<Result<void>(identity::Account&)>& change) {
  const std::lock_guard lock(mutex_);
  auto book = accounts_.accounts();
  const auto at = book.find(std::string(name));
  if (at == book.end()) return fail(ErrorCode::kNotFound, fmt::format("there is no account \"{}\"", name));
  BONGSU_TRY_VOID(change(at->second));
  identity::Account account = at->second;
  BONGSU_TRY_VOID(write({{.space = std::string(kAccounts), .key = account.name, .value = to_text(account.json())}}, event, account.name, std::move(details)));
  accounts_.replace(std::move(book));
  return account;
}

Result<identity::Account> Registry::set_clearance(std::string_view name, identity::Clearance clearance) {
  JsonObject details{{"clearance", identity::to_json(clearance)}};
  return change_account(name, "account.clearance", std::move(details), [&](identity::Account& account) -> Result<void> {
    account.clearance = std::move(clearance);
    return {};
  });
}

Result<void> Registry::remove_account(std::string_view name) {
  const std::lock_guard lock(mutex_);
  auto book = accounts_.accounts();
  if (book.erase(std::string(name)) == 0) return fail(ErrorCode::kNotFound, fmt::format("there is no account \"{}\"", name));
  BONGSU_TRY_VOID(write({{.space = std::string(kAccounts), .key = std::string(name), .value = std::nullopt}}, "account.remove", name));
  accounts_.replace(std::move(book));
  return {};
}

}  // namespace bongsu::node
