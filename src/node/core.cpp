#include "node/core.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "journal/sqlite/sqlite_journal.h"
#include "node/registry_acts.h"
#include "policy/charter_state.h"

namespace bongsu::node {
namespace {

std::string make_identity_object(const std::string& id, const NodeConfig& config, Instant now) {
  const std::string time = now.text(3);
  const JsonObject object{{"type", "identity"},         {"spec_version", "2.1"},
                          {"id", id},                   {"created_by_ref", id},
                          {"created", time},            {"modified", time},
                          {"name", config.title.empty() ? config.member : config.title},
                          {"identity_class", "organization"},
                          {"object_marking_refs", JsonArray{Json(stix::tlp_marking_id(stix::Tlp::kClear).text())}}};
  return to_text(object);
}

}  // namespace

Core::~Core() {
  if (journal) journal->close();
}

Result<std::unique_ptr<Core>> Core::open(const DataDir& directory, Log& log) {
  std::unique_ptr<Core> core(new Core(directory, log));
  BONGSU_TRY(core->config, directory.config());
  BONGSU_TRY(core->keys, directory.keys());
  BONGSU_TRY(const auto ca, crypto::read_certificate(core->keys.ca.certificate_pem));
  core->ca_fingerprint = ca.fingerprint;

  BONGSU_TRY(core->journal, journal::open_sqlite_journal(
                                {.directory = directory.root(), .master_key = core->keys.master, .reserve_bytes = core->config.reserve},
                                core->clock, core->random, log));
  BONGSU_TRY(core->search, journal::open_search(directory.root()));
  BONGSU_TRY(core->collections, flow::Collections::load(*core->journal));
  BONGSU_TRY(core->markings, flow::Markings::load(*core->journal));
  BONGSU_TRY(core->release, flow::Release::load(*core->journal, core->clock, log));
  BONGSU_TRY(core->origins, flow::Origins::load(*core->journal, core->clock, core->random));
  BONGSU_TRY(auto signer, crypto::OriginSigner::make(core->config.member, core->keys.signing));
  core->origins->sign_as(std::make_shared<const crypto::OriginSigner>(std::move(signer)));
  BONGSU_TRY(core->quarantine, flow::Quarantine::load(*core->journal, core->clock, core->random, core->config.member, log));
  BONGSU_TRY(core->suspensions, link::Suspensions::load(*core->journal, core->clock));
  Core* self = core.get();
  BONGSU_TRY(core->recall,
             flow::Recall::load(
                 *core->journal, *core->release,
                 flow::RecallOptions{.self = core->config.member,
                                     .signing_key = core->keys.signing,
                                     .key_of = [self](std::string_view member) -> std::optional<std::string> {
                                       const auto known = self->registry ? self->registry->member(member) : std::nullopt;
                                       auto key = known ? from_hex(known->signing_key) : Result<std::string>(std::string());
                                       return key && key->size() == 32 ? std::optional(std::move(*key)) : std::nullopt;
                                     },
                                     .referrers = [self](const std::string& id) { return self->search->referrers(id); },
                                     .referrers_upto = [self] { return self->search->cursor(); },
                                     .discard_held = [self](std::string_view member, const std::string& id,
                                                            const std::function<bool(std::string_view)>& covered) -> Result<void> {
                                       for (const auto& item : self->quarantine->list())
                                         if (item.state == flow::HeldItem::State::kOpen && item.member == member && item.object_id == id && covered(item.version_key))
                                           BONGSU_TRY_VOID(self->quarantine->discard(item.id, self->config.member, "its sender recalled it"));
                                       return {};
                                     }},
                 core->clock, log));
  core->admission = std::make_unique<flow::Admission>(*core->journal, *core->release, *core->markings, log);
  core->admission->use(*core->origins, *core->quarantine);
  core->admission->use(*core->collections);
  core->admission->set_recall(core->recall.get());
  core->accounts = std::make_unique<identity::AccountBook>(core->clock, core->random);
  BONGSU_TRY(core->registry, Registry::load(core->config.member, *core->journal, *core->collections, *core->release, *core->accounts, core->clock, core->random));
  BONGSU_TRY(core->approvals, flow::Approvals::load(*core->journal, *core->accounts, core->clock, core->random, core->config.member,
                                                    {.four_eyes = core->config.people_four_eyes,
                                                     .lifetime = std::chrono::duration_cast<std::chrono::seconds>(core->config.people_approval_expires)},
                                                    log));
  add_registry_acts(*core->approvals, *core->registry);
  BONGSU_TRY(core->lowering, flow::LoweringGate::load(*core->journal, *core->release, *core->collections, *core->approvals, *core->admission,
                                                      {.self = core->config.member, .from = stix::parse_tlp(core->config.people_four_eyes_from).value_or(stix::Tlp::kRed)}));
  core->admission->use(*core->lowering);
  BONGSU_TRY_VOID(core->note_four_eyes());
  const std::int64_t own_days = core->config.people_personal_data_days;
  core->retention = std::make_unique<flow::Retention>(*core->journal, *core->release, core->clock, log,
                                                      flow::RetentionOptions{.self = core->config.member, .own_days = own_days == 0 ? std::nullopt : std::optional(own_days)});
  BONGSU_TRY_VOID(core->retention->load());
  // One who told two histories gets nothing either, and its links end.
  core->suspensions->on_change([registry = core->registry.get()](const link::Suspension& suspension, bool suspended) {
    return registry->set_suspended(suspension, suspended);
  });
  if (auto ledger = ledger::Ledger::open(directory.root() / "ledger", {.member = core->config.member, .key = core->keys.signing, .salt = {}}, core->random, log); ledger) {
    core->ledger = std::move(*ledger);
  } else {
    core->ledger_problem = ledger.error().text();
    log.error("ledger.open", {{"error", core->ledger_problem}});
  }
  core->sealing = std::make_unique<link::Sealing>(
      *core->journal,
      link::Sealing::Own{.self = core->config.member, .signing_key = core->keys.signing, .master = core->keys.master},
      link::SealingDirectory{
          .signing_key = [registry = core->registry.get()](std::string_view id) { return registry->pinned_key(id); },
          .secret = [raw = core.get()](std::string_view id) { return raw->agreed_secret(id); }},
      core->clock, core->random);
  BONGSU_TRY(const auto lost, core->sealing->load());
  for (const auto& error : lost) log.warn("prekeys.unreadable", {{"error", error.text()}});
  BONGSU_TRY(const auto identity, core->journal->state("node", "identity"));
  core->identity_id = identity.value_or("");
  core->origins->set_own_identity(core->identity_id);
  core->origins->know_keys([registry = core->registry.get()](std::string_view id) {
    std::vector<flow::OriginKey> keys;
    for (const auto& listed : registry->keys_of(id))
      if (auto key = from_hex(listed.key)) keys.push_back({std::move(*key), listed.until});
    return keys;
  });
  core->origins->know_owners([registry = core->registry.get()](std::string_view identity) { return registry->owner_of(identity); });
  if (!core->identity_id.empty()) core->admission->set_own_identity(core->identity_id);
  const auto sightings = core->collections->find(kSightingsCollection);
  BONGSU_TRY(auto triage, core->config.triage_policy());
  core->techniques = std::make_unique<TechniqueBook>(*core->journal, *core->search);
  core->alerts = std::make_unique<flow::Alerts>(
      *core->journal, *core->release, *core->markings, core->clock, core->random, log,
      flow::AlertsOptions{.self = core->config.member,
                          .identity_id = core->identity_id,
                          .sightings_collection = sightings ? sightings->id : "",
                          .exercise_collection =
                              [&collections = *core->collections](std::string_view exercise) {
                                const auto own = collections.own_of(exercise);
                                return own ? own->id : std::string();
                              },
                          .sighting_window = std::chrono::duration_cast<std::chrono::seconds>(core->config.sighting_window),
                          .triage = std::move(triage),
                          .techniques = [book = core->techniques.get()](const detect::Alert& alert) { return book->of(alert); }});
  return core;
}

Result<void> Core::note_four_eyes() {
  const std::string now = !config.people_four_eyes ? "off" : fmt::format("from {}{}", config.people_four_eyes_from, config.people_four_eyes_agreements ? ", agreements" : "");
  BONGSU_TRY(const auto before, journal->state("people", "four_eyes"));
  if (before.value_or("off") == now) return {};
  journal::Batch batch;
  batch.states.push_back({"people", "four_eyes", now});
  batch.entries.push_back({.kind = journal::EntryKind::kNote,
                           .origin = config.member,
                           .payload = to_text(JsonObject{{"event", "people.four_eyes"}, {"before", before.value_or("off")}, {"now", now}, {"at", clock.now().text(6)}})});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal->append(batch));
  return {};
}

link::SealLevel Core::seal_level() const {
  return link::SealLevel::parse(config.link_seal_from).value_or(link::SealLevel{});
}

std::optional<crypto::SharedSecret> Core::agreed_secret(std::string_view member) const {
  const auto found = keys.secrets.find(member);
  return found == keys.secrets.end() ? std::nullopt : std::optional(found->second);
}

crypto::Identity Core::tls_identity() const {
  const std::lock_guard lock(tls_mutex_);
  return keys.tls;
}

void Core::set_tls_identity(crypto::Identity identity) {
  const std::lock_guard lock(tls_mutex_);
  keys.tls = std::move(identity);
}

link::OwnIdentity Core::own_identity(const std::string& link_url) const {
  link::OwnIdentity own;
  own.member.id = config.member;
  own.member.title = config.title;
  own.member.country = config.country;
  own.member.link_url = link_url;
  own.member.ca_fingerprint = ca_fingerprint;
  own.member.ca_certificate_pem = keys.ca.certificate_pem;
  own.member.signing_key = to_hex(as_bytes(keys.signing.public_key));
  own.signing_key = keys.signing;
  return own;
}

Result<std::string> Core::first_run() {
  admission->set_may_widen([this](const policy::MemberId& maker, const policy::MemberId& member) {
    const auto charter = registry->charter();
    return charter && policy::may_widen(registry->memoranda(), charter->charter(), maker, member, clock.now());
  });
  const struct {
    const char *alias, *title, *description;
  } kFirst[] = {
      {kSharedCollection, "Shared intelligence", "What this member gives to its partners, as its agreements permit."},
      {kSightingsCollection, "Sightings", "Sightings of indicators, given back to whom they came from."},
      {kFeedsCollection, "Feeds", "Intelligence fetched from feeds."},
      {kPrivateCollection, "Private", "For this member alone unless an agreement names it."},
  };
  for (const auto& first : kFirst) {
    if (collections->find(first.alias)) continue;
    flow::Collection collection;
    collection.alias = first.alias;
    collection.title = first.title;
    collection.description = first.description;
    BONGSU_TRY([[maybe_unused]] const auto added, collections->add(std::move(collection), random));
  }
  BONGSU_TRY_VOID(registry->refresh_policy());

  if (identity_id.empty()) {
    identity_id = "identity--" + Uuid::random(random).text();
    origins->set_own_identity(identity_id);
    const std::vector<Result<stix::Object>> objects{stix::Object::parse(make_identity_object(identity_id, config, clock.now()))};
    flow::AdmitContext context{.collection = collections->find(kSharedCollection)->id, .origin = config.member};
    context.states.push_back({.space = "node", .key = "identity", .value = identity_id});
    BONGSU_TRY(const auto report, admission->admit(objects, context));
    admission->set_own_identity(identity_id);
    alerts->set_sightings(identity_id, collections->find(kSightingsCollection)->id);
    if (report.refused != 0) return fail(ErrorCode::kInternal, "the node's own identity object was refused: " + report.items.front().message);
  }

  if (!accounts->accounts().empty()) return std::string();
  const std::string token = crypto::fresh_token(random);
  identity::Account account;
  account.name = "operator";
  account.member = config.member;
  account.role = identity::Role::kOperator;
  account.token_digests = {crypto::token_digest(token)};
  account.read = account.write = {"*"};
  account.clearance.custodian = true;  // somebody has to look at what nobody understands, until others are appointed
  BONGSU_TRY_VOID(registry->put_account(account, false));
  return token;
}

}  // namespace bongsu::node
