#include "node/admin_api.h"

#include "node/enforcement_feed.h"
#include "node/policy_report.h"

#include <fmt/format.h>
#include "flow/facts.h"

#include "node/admin_trust.h"
#include "node/registry_acts.h"
#include "node/retention_desk.h"
#include "node/backup.h"
#include "node/recall_report.h"
#include "policy/agreement.h"
#include "policy/trace.h"
#include "stix/bundle_reader.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kPairDeadline = 20s;
constexpr std::chrono::seconds kMaxRecallDeadline = std::chrono::hours{24 * 365};

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid: return 400;
    case ErrorCode::kUnauthenticated: return 401;
    case ErrorCode::kDenied: return 403;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kConflict: return 409;
    case ErrorCode::kTooLarge: return 413;
    case ErrorCode::kUnsupported: return 422;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kTimeout: return 504;
    case ErrorCode::kNoSpace: return 507;
    default: return 500;
  }
}

net::Response error_response(const Error& error) {
  return net::Response::json(http_status(error.code),
                             to_text(JsonObject{{"error", to_string(error.code)}, {"message", error.text()}}));
}

net::Response json_response(const Json& value, int status = 200) { return net::Response::json(status, to_text(value)); }

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    if (path.front() == '/') {
      path.remove_prefix(1);
      continue;
    }
    const std::size_t end = std::min(path.find('/'), path.size());
    auto decoded = net::percent_decode(path.substr(0, end));
    parts.push_back(decoded ? *decoded : std::string(path.substr(0, end)));
    path.remove_prefix(end);
  }
  return parts;
}

Result<std::string> required_text(const Json& body, std::string_view key) {
  const auto value = string_at(body, key);
  if (!value || value->empty()) return fail(ErrorCode::kInvalid, "is required", {.field = std::string(key)});
  return std::string(*value);
}

std::vector<std::string> texts_at(const Json& body, std::string_view key) {
  std::vector<std::string> out;
  if (const Json* list = find(body, key); list != nullptr && list->is_array())
    for (const auto& item : list->get_array())
      if (item.is_string()) out.emplace_back(item.get_string());
  return out;
}

JsonArray json_texts(const auto& values) {
  JsonArray out;
  for (const auto& value : values) out.emplace_back(value);
  return out;
}

Json member_json(const identity::Member& member) {
  Json json = member.json();
  json.as_object()["spoken_fingerprint"] = crypto::spoken_fingerprint(member.ca_fingerprint);
  json.as_object().erase("ca_certificate_pem");
  return json;
}

std::string_view outcome_text(flow::AdmitItem::Outcome outcome) {
  switch (outcome) {
    case flow::AdmitItem::Outcome::kNew: return "new";
    case flow::AdmitItem::Outcome::kReplaced: return "replaced";
    case flow::AdmitItem::Outcome::kDuplicate: return "duplicate";
    case flow::AdmitItem::Outcome::kOtherBytes: return "other_bytes";
    case flow::AdmitItem::Outcome::kRefused: return "refused";
    case flow::AdmitItem::Outcome::kQuarantined: return "quarantined";
  }
  return "refused";
}

std::string query_text(const std::map<std::string, std::string>& query, const char* key) {
  const auto at = query.find(key);
  return at == query.end() ? std::string() : at->second;
}

const detect::triage::Sight kEverything{.everything = true, .subjects = {}, .reads = {}};

}  // namespace

AdminApi::AdminApi(Core& core, AdminHooks hooks) : core_(core), hooks_(std::move(hooks)) {}

net::Response AdminApi::handle(net::Request&& request) {
  if (!request.peer.local) return error_response({.code = ErrorCode::kDenied, .message = "only on the admin socket"});
  const struct {
    std::string_view method, name;
    Answer (AdminApi::*answer)(const Call&);
  } kRoutes[] = {
      {"GET", "status", &AdminApi::status},           {"GET", "collections", &AdminApi::list_collections},
      {"POST", "collections", &AdminApi::add_collection}, {"GET", "accounts", &AdminApi::list_accounts},
      {"POST", "accounts", &AdminApi::add_account},   {"DELETE", "accounts", &AdminApi::remove_account},
      {"GET", "members", &AdminApi::list_members},    {"POST", "invite", &AdminApi::invite},
      {"POST", "accept", &AdminApi::accept},          {"POST", "members", &AdminApi::change_member},
      {"GET", "agreements", &AdminApi::list_agreements}, {"PUT", "agreements", &AdminApi::put_agreement},
      {"PUT", "signed-agreements", &AdminApi::put_signed_agreement},
      {"GET", "charter", &AdminApi::charter},         {"PUT", "charter", &AdminApi::accept_charter},
      {"DELETE", "agreements", &AdminApi::end_agreement}, {"POST", "import", &AdminApi::import_objects},
      {"GET", "export", &AdminApi::export_objects},   {"POST", "preview", &AdminApi::preview},
      {"POST", "backup", &AdminApi::backup},          {"POST", "erase", &AdminApi::erase},
      {"POST", "verify", &AdminApi::verify},          {"POST", "renew", &AdminApi::renew},
      {"GET", "alerts", &AdminApi::alerts},           {"GET", "hits", &AdminApi::hits},
      {"GET", "groups", &AdminApi::groups},           {"GET", "suppressions", &AdminApi::list_suppressions},
      {"POST", "suppressions", &AdminApi::suppress},  {"DELETE", "suppressions", &AdminApi::unsuppress},
      {"POST", "enforcement", &AdminApi::build_enforcement}, {"POST", "decide", &AdminApi::decide},
      {"GET", "why", &AdminApi::why},
      {"GET", "ledger", &AdminApi::ledger},           {"POST", "ledger", &AdminApi::verify_ledger},
      {"GET", "quarantine", &AdminApi::quarantine}, {"POST", "quarantine", &AdminApi::decide_held},
      {"POST", "links", &AdminApi::resume_link}, {"POST", "rules", &AdminApi::retry_rule},
      {"GET", "approvals", &AdminApi::list_approvals}, {"POST", "approvals", &AdminApi::decide_approval},
      {"GET", "crisis", &AdminApi::show_crisis}, {"POST", "crisis", &AdminApi::declare_crisis}, {"DELETE", "crisis", &AdminApi::end_crisis},
      {"GET", "retention", &AdminApi::retention},
      {"POST", "seal", &AdminApi::seal},              {"POST", "open", &AdminApi::open_sealed},
      {"GET", "prekeys", &AdminApi::give_prekeys},    {"POST", "prekeys", &AdminApi::take_prekeys},
      {"GET", "courier", &AdminApi::export_courier},  {"POST", "courier", &AdminApi::import_courier},
      {"POST", "recalls", &AdminApi::recall},         {"GET", "recalls", &AdminApi::recalls},
  };
  std::vector<std::string> parts = split_path(request.path);
  if (parts.size() < 3 || parts[0] != "admin" || parts[1] != "v1")
    return error_response({.code = ErrorCode::kNotFound, .message = "no such path"});
  for (const auto& route : kRoutes) {
    if (route.name != parts[2] || route.method != request.method) continue;
    Call call{.request = request, .rest = {parts.begin() + 3, parts.end()}, .query = {}, .body = nullptr};
    auto query = net::parse_query(request.query);
    if (!query) return error_response(query.error());
    for (auto& [key, value] : *query) call.query.insert_or_assign(key, value);
    if (const auto type = request.headers.get("Content-Type"); type == "application/json" && !request.body.empty()) {
      auto body = parse_json(request.body);
      if (!body) return error_response(body.error());
      call.body = std::move(*body);
    }
    Answer answer = (this->*route.answer)(call);
    return answer ? std::move(*answer) : error_response(answer.error());
  }
  return error_response({.code = ErrorCode::kNotFound, .message = "no such path or method"});
}

std::string AdminApi::own_link_url() const {
  if (hooks_.link_url) return hooks_.link_url();
  if (!core_.config.link_url.empty()) return core_.config.link_url;
  const auto listen = parse_listen(core_.config.link_listen);
  return fmt::format("https://{}:{}", core_.config.names.front(), listen ? listen->port : 0);
}

AdminApi::Answer AdminApi::status(const Call&) {
  BONGSU_TRY(const auto stats, core_.journal->stats());
  const auto counts = core_.alerts->counts();
  const auto totals = core_.alerts->totals(kEverything);
  JsonObject out{{"member", core_.config.member},
                 {"title", core_.config.title},
                 {"identity", core_.identity_id},
                 {"ca_fingerprint", core_.ca_fingerprint},
                 {"spoken_fingerprint", crypto::spoken_fingerprint(core_.ca_fingerprint)},
                 {"link_url", own_link_url()},
                 {"journal", JsonObject{{"last_seq", stats.last_seq}, {"bytes", stats.bytes}, {"free_bytes", stats.free_bytes}}},
                 {"search_cursor", core_.search->cursor()},
                 {"policy_epoch", core_.release->epoch()},
                 {"alerts", JsonObject{{"total", counts.total}, {"open", counts.open}, {"suppressed", counts.suppressed}, {"hits", totals.hits},
                                       {"suppressed_hits", totals.suppressed_hits}, {"unlisted_hits", totals.unlisted}}},
                 {"running", false}};
  const auto held = core_.quarantine->counts();
  out["quarantine"] = JsonObject{{"held", held.open}, {"bytes", held.bytes}, {"dropped", held.dropped}};
  JsonArray suspended;
  for (const auto& suspension : core_.suspensions->list()) suspended.push_back(suspension.json());
  out["suspended"] = std::move(suspended);
  if (const auto crisis = core_.registry->crisis(); crisis && crisis->in_force(core_.clock.now())) out["crisis"] = crisis->json();
  if (hooks_.extend_status) hooks_.extend_status(out);
  return json_response(out);
}

AdminApi::Answer AdminApi::list_collections(const Call&) {
  JsonArray out;
  for (const auto& collection : core_.collections->list()) out.push_back(collection.json());
  return json_response(JsonObject{{"collections", std::move(out)}});
}

AdminApi::Answer AdminApi::add_collection(const Call& call) {
  flow::Collection collection;
  BONGSU_TRY(collection.alias, required_text(call.body, "alias"));
  collection.id = std::string(string_at(call.body, "id").value_or(""));
  collection.title = std::string(string_at(call.body, "title").value_or(collection.alias));
  collection.description = std::string(string_at(call.body, "description").value_or(""));
  collection.exercise = std::string(string_at(call.body, "exercise").value_or(""));
  collection.writable = bool_at(call.body, "writable").value_or(true);
  if (const auto tlp = string_at(call.body, "tlp")) {
    const auto level = stix::parse_tlp(*tlp);
    if (!level) return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no TLP label", *tlp), {.field = "tlp"});
    collection.fallback = *level;
  }
  BONGSU_TRY(const auto added, core_.collections->add(std::move(collection), core_.random));
  BONGSU_TRY_VOID(core_.registry->refresh_policy());
  return json_response(added.json(), 201);
}

AdminApi::Answer AdminApi::list_accounts(const Call&) {
  JsonArray out;
  for (const auto& [name, account] : core_.accounts->accounts())
    out.push_back(JsonObject{{"name", name},
                             {"member", account.member},
                             {"role", identity::to_string(account.role)},
                             {"basic", !account.password_hash.empty()},
                             {"tokens", account.token_digests.size()},
                             {"certificates", account.certificate_fingerprints.size()},
                             {"read", json_texts(account.read)},
                             {"write", json_texts(account.write)},
                             {"enforcement", account.enforcement},
                             {"person", account.person_name()},
                             {"clearance", identity::to_json(account.clearance)},
                             {"disabled", account.disabled}});
  return json_response(JsonObject{{"accounts", std::move(out)}});
}

AdminApi::Answer AdminApi::add_account(const Call& call) {
  if (!call.rest.empty()) return change_account(call);
  identity::Account account;
  BONGSU_TRY(account.name, required_text(call.body, "name"));
  if (!identity::is_account_name(account.name))
    return fail(ErrorCode::kInvalid, "an account's name is made of a-z, 0-9, '.', '_' and '-', at most 63", {.field = "name"});
  account.member = std::string(string_at(call.body, "member").value_or(core_.config.member));
  const auto role = identity::parse_role(string_at(call.body, "role").value_or("reader"));
  if (!role) return fail(ErrorCode::kInvalid, "a role is one of reader, analyst, operator", {.field = "role"});
  account.role = *role;
  if (const auto person = string_at(call.body, "person"); person && !person->empty()) {
    if (!identity::is_account_name(*person)) return fail(ErrorCode::kInvalid, "a person is named like an account", {.field = "person"});
    account.person = *person;
  }
  BONGSU_TRY(account.clearance, identity::parse_clearance(find(call.body, "clearance")));
  account.enforcement = bool_at(call.body, "enforcement").value_or(false);
  for (const auto& [key, target] : {std::pair{"read", &account.read}, {"write", &account.write}}) {
    for (const auto& name : texts_at(call.body, key)) {
      if (name == "*") {
        target->insert(name);
        continue;
      }
      const auto collection = core_.collections->find(name);
      if (!collection) return fail(ErrorCode::kNotFound, fmt::format("there is no collection \"{}\"", name), {.field = key});
      target->insert(collection->id);
    }
  }
  std::string password, token;
  if (bool_at(call.body, "basic").value_or(false)) {
    password = std::string(string_at(call.body, "password").value_or(""));
    if (password.empty()) password = crypto::fresh_token(core_.random);
    account.password_hash = crypto::hash_password(password, core_.random);
  }
  if (bool_at(call.body, "token").value_or(false)) {
    token = crypto::fresh_token(core_.random);
    account.token_digests.insert(crypto::token_digest(token));
  }
  if (const auto pem = string_at(call.body, "certificate")) {
    BONGSU_TRY(const auto facts, crypto::read_certificate(*pem));
    account.certificate_fingerprints.insert(facts.fingerprint);
  }
  if (account.password_hash.empty() && account.token_digests.empty() && account.certificate_fingerprints.empty())
    return fail(ErrorCode::kInvalid, "an account needs a way to log in: basic, token or certificate");
  BONGSU_TRY_VOID(core_.registry->put_account(account, bool_at(call.body, "replace").value_or(false)));
  JsonObject out{{"name", account.name}, {"member", account.member}, {"role", identity::to_string(account.role)}};
  if (!password.empty() && !string_at(call.body, "password")) out["password"] = password;
  if (!token.empty()) out["token"] = token;
  return json_response(out, 201);
}

// POST /accounts/NAME/clearance: the whole clearance, and whose account it is. Credentials and rights stay.
AdminApi::Answer AdminApi::change_account(const Call& call) {
  if (call.rest.size() != 2 || call.rest[1] != "clearance") return fail(ErrorCode::kInvalid, "is /accounts/NAME/clearance");
  const Json* clearance = find(call.body, "clearance");
  if (clearance == nullptr) return fail(ErrorCode::kInvalid, "says which", {.field = "clearance"});
  BONGSU_TRY(auto parsed, identity::parse_clearance(clearance));
  BONGSU_TRY(const auto account, core_.registry->set_clearance(call.rest[0], std::move(parsed)));
  return json_response(JsonObject{{"name", account.name}, {"person", account.person_name()}, {"clearance", identity::to_json(account.clearance)}});
}

AdminApi::Answer AdminApi::remove_account(const Call& call) {
  if (call.rest.size() != 1) return fail(ErrorCode::kInvalid, "names one account: /accounts/NAME");
  BONGSU_TRY_VOID(core_.registry->remove_account(call.rest[0]));
  return json_response(JsonObject{{"removed", call.rest[0]}});
}

AdminApi::Answer AdminApi::build_enforcement(const Call& call) {
  std::vector<std::string> names = texts_at(call.body, "formats");
  if (names.empty()) names = core_.config.enforcement_formats;
  BONGSU_TRY(const auto formats, enforcement_formats(names));
  if (hooks_.build_enforcement) {
    BONGSU_TRY(JsonObject report, hooks_.build_enforcement(formats));
    return json_response(std::move(report));
  }
  // A node that is not running: lists are read for this once.
  auto lists = std::make_shared<detect::WarningLists>();
  for (const std::string& path : core_.config.warning_lists) BONGSU_TRY_VOID(lists->load(path));
  lists->finish();
  EnforcementFeed feed(core_, [lists]() -> WarningListsPtr { return lists; });
  BONGSU_TRY(JsonObject report, feed.build(formats));
  return json_response(std::move(report));
}

AdminApi::Answer AdminApi::list_members(const Call&) {
  JsonArray out;
  for (const auto& member : core_.registry->members()) {
    Json json = member_json(member);
    if (const auto agreement = core_.registry->agreement(member.id)) {
      json.as_object()["agreement_until"] = agreement->valid_until.text(0);
      json.as_object()["highest_tlp"] = stix::to_string(agreement->highest_tlp);
    }
    if (const auto suspension = core_.suspensions->find(member.id)) json.as_object()["suspended"] = suspension->json();
    out.push_back(std::move(json));
  }
  return json_response(JsonObject{{"members", std::move(out)}});
}

AdminApi::Answer AdminApi::invite(const Call& call) {
  const std::string expected(string_at(call.body, "member").value_or(""));
  BONGSU_TRY(const auto invitation, core_.registry->invite(core_.own_identity(own_link_url()).member, expected));
  return json_response(JsonObject{{"invitation", invitation.text()},
                                  {"link_url", invitation.link_url},
                                  {"expires", invitation.expires.text(0)},
                                  {"spoken_fingerprint", crypto::spoken_fingerprint(core_.ca_fingerprint)}},
                       201);
}

AdminApi::Answer AdminApi::accept(const Call& call) {
  BONGSU_TRY(const std::string text, required_text(call.body, "invitation"));
  BONGSU_TRY(const auto invitation, identity::Invitation::parse(text));
  net::ClientOptions options;
  const crypto::Identity shown = core_.tls_identity();
  options.tls = {.certificate_pem = shown.certificate_pem, .private_key_pem = shown.private_key_pem, .floor = net::TlsFloor::kTls13};
  BONGSU_TRY(const auto member, link::accept_invitation(invitation, core_.own_identity(own_link_url()), std::move(options), core_.clock, kPairDeadline));
  BONGSU_TRY_VOID(core_.registry->put_member(member));
  return json_response(member_json(member), 201);
}

AdminApi::Answer AdminApi::change_member(const Call& call) {
  if (call.rest.size() != 2) return fail(ErrorCode::kInvalid, "names a member and what to do: /members/NAME/confirm");
  const auto member = core_.registry->member(call.rest[0]);
  if (!member) return fail(ErrorCode::kNotFound, fmt::format("there is no member \"{}\"", call.rest[0]));
  std::optional<link::Suspension> lifted;
  if (call.rest[1] == "confirm") {
    BONGSU_TRY_VOID(core_.registry->confirm(member->id));
  } else if (call.rest[1] == "stop" || call.rest[1] == "resume") {
    BONGSU_TRY_VOID(core_.registry->set_stopped(member->id, call.rest[1] == "stop"));
    if (call.rest[1] == "resume") lifted = core_.suspensions->find(member->id);
    if (lifted) BONGSU_TRY_VOID(core_.suspensions->resume(member->id));
  } else {
    return fail(ErrorCode::kInvalid, "is one of confirm, stop, resume", {.field = call.rest[1]});
  }
  Json answer = member_json(*core_.registry->member(call.rest[0]));
  if (lifted) answer.as_object()["lifted"] = lifted->json();
  return json_response(std::move(answer));
}

AdminApi::Answer AdminApi::list_agreements(const Call&) {
  JsonArray out;
  for (const auto& agreement : core_.registry->agreements())
    out.push_back(JsonObject{{"partner", agreement.partner}, {"toml", policy::to_toml(agreement)}, {"explained", policy::explain(agreement)}});
  return json_response(JsonObject{{"agreements", std::move(out)}, {"signed", signed_agreements_json(*core_.registry)}});
}

AdminApi::Answer AdminApi::put_agreement(const Call& call) {
  const auto source = call.query.find("source");
  BONGSU_TRY(const auto agreement, policy::parse_agreement(call.request.body, source == call.query.end() ? "agreement" : source->second));
  if (core_.config.people_four_eyes_agreements) {
    BONGSU_TRY(auto waits, second_person(call, {.kind = std::string(kPutAgreement), .parameters = {}, .bytes = call.request.body}));
    if (waits) return std::move(*waits);
  }
  BONGSU_TRY_VOID(core_.registry->put_agreement(agreement));
  return json_response(JsonObject{{"partner", agreement.partner}, {"explained", policy::explain(agreement)}});
}

AdminApi::Answer AdminApi::end_agreement(const Call& call) {
  if (call.rest.size() != 1) return fail(ErrorCode::kInvalid, "names one partner: /agreements/NAME");
  if (core_.config.people_four_eyes_agreements) {
    BONGSU_TRY(auto waits, second_person(call, {.kind = std::string(kEndAgreement), .parameters = {{"partner", call.rest[0]}}, .bytes = call.rest[0]}));
    if (waits) return std::move(*waits);
  }
  BONGSU_TRY_VOID(core_.registry->end_agreement(call.rest[0]));
  return json_response(JsonObject{{"ended", call.rest[0]}});
}

AdminApi::Answer AdminApi::import_objects(const Call& call) {
  const auto name = call.query.find("collection");
  const auto collection = core_.collections->find(name == call.query.end() ? kSharedCollection : name->second);
  if (!collection) return fail(ErrorCode::kNotFound, fmt::format("there is no collection \"{}\"", name->second), {.field = "collection"});
  if (!collection->mirror_of.empty())
    return fail(ErrorCode::kDenied, fmt::format("\"{}\" mirrors a collection of {}; only the link writes there", collection->alias, collection->mirror_of));
  if (call.request.body.size() > kMaxImportBytes) return fail(ErrorCode::kTooLarge, fmt::format("one import request has at most {} bytes", kMaxImportBytes));

  std::vector<Result<stix::Object>> objects;
  stix::BundleReader reader("import");
  const auto take = [&](stix::BundleItem&& item) {
    objects.push_back(std::move(item.object));
    return true;
  };
  BONGSU_TRY_VOID(reader.feed(call.request.body, take));
  BONGSU_TRY_VOID(reader.finish(take));
  const std::string reason = query_text(call.query, "reason");
  BONGSU_TRY(const auto report,
             core_.admission->admit(objects, {.collection = collection->id,
                                              .origin = core_.config.member,
                                              .fallback = collection->fallback,
                                              .authority = query_text(call.query, "authority"),
                                              .authority_reason = reason,
                                              .by = std::string(flow::kLocalAdmin),
                                              .why = reason}));
  JsonArray refused;
  for (const auto& item : report.items) {
    if (item.outcome != flow::AdmitItem::Outcome::kRefused && item.outcome != flow::AdmitItem::Outcome::kOtherBytes) continue;
    JsonArray findings;
    for (const auto& finding : item.findings)
      findings.push_back(JsonObject{{"property", finding.property}, {"rule", finding.rule}, {"section", finding.section}});
    refused.push_back(JsonObject{{"id", item.id}, {"outcome", outcome_text(item.outcome)}, {"message", item.message}, {"findings", std::move(findings)}});
  }
  return json_response(JsonObject{{"collection", collection->alias}, {"admitted", report.admitted}, {"duplicates", report.duplicates},
                                  {"refused", report.refused}, {"problems", std::move(refused)}});
}

AdminApi::Answer AdminApi::export_objects(const Call& call) {
  const auto get = [&](const char* key) {
    const auto at = call.query.find(key);
    return at == call.query.end() ? std::string() : at->second;
  };
  const auto collection = core_.collections->find(get("collection").empty() ? kSharedCollection : get("collection"));
  if (!collection) return fail(ErrorCode::kNotFound, fmt::format("there is no collection \"{}\"", get("collection")), {.field = "collection"});
  const std::string member = get("member").empty() ? core_.config.member : get("member");
  BONGSU_TRY(const auto reading, core_.release->open(member, collection->id));
  journal::OutboxQuery query;
  query.view = reading.view;
  query.after = get("after").empty() ? 0 : std::strtoull(get("after").c_str(), nullptr, 10);
  query.all = get("versions") == "all";
  query.last = !query.all;
  query.limit = kExportPage;
  BONGSU_TRY(const auto page, reading.snapshot->page(query));
  std::string out = "{\"objects\":[";
  bool first = true;
  for (const auto& row : page.rows) {
    auto payload = reading.snapshot->released_payload(reading.view, row.pos);
    if (!payload) continue;  // erased meanwhile
    if (!first) out += ',';
    first = false;
    out += *payload;
  }
  out += fmt::format("],\"more\":{},\"next\":\"{}\"}}", page.more, page.rows.empty() ? query.after : page.rows.back().pos);
  return net::Response::json(200, std::move(out));
}

AdminApi::Answer AdminApi::preview(const Call& call) {
  const auto name = call.query.find("collection");
  const auto collection = core_.collections->find(name == call.query.end() ? kSharedCollection : name->second);
  if (!collection) return fail(ErrorCode::kNotFound, fmt::format("there is no collection \"{}\"", name->second), {.field = "collection"});
  BONGSU_TRY(const auto object, stix::Object::parse(call.request.body));
  BONGSU_TRY_VOID(not_recalled(core_, object.id_text(), flow::version_key_of(object)));
  BONGSU_TRY(const auto facts, core_.admission->facts_of(object, {.collection = collection->id, .origin = core_.config.member, .fallback = collection->fallback}));
  JsonArray lines;
  for (const auto& line : core_.release->preview(facts)) {
    JsonArray reasons;
    for (const auto reason : line.decision.reasons)
      reasons.push_back(JsonObject{{"reason", policy::to_string(reason)}, {"sentence", policy::sentence(reason)}});
    lines.push_back(JsonObject{{"member", line.member},
                               {"released", line.decision.verdict == policy::Verdict::kRelease},
                               {"verdict", policy::to_string(line.decision.verdict)},
                               {"reasons", std::move(reasons)},
                               {"left_out", policy::left_out_json(line.decision)}});
  }
  return json_response(JsonObject{{"object", object.id_text()}, {"label", facts.label.text()}, {"members", std::move(lines)}});
}

AdminApi::Answer AdminApi::decide(const Call& call) {
  const auto asked = [&](const char* key, const char* otherwise) {
    const auto found = call.query.find(key);
    return found == call.query.end() ? std::string(otherwise) : found->second;
  };
  const auto purpose = policy::parse_purpose(asked("purpose", "operations"));
  if (!purpose) return fail(ErrorCode::kInvalid, "is operations, exercise or crisis", {.field = "purpose"});
  BONGSU_TRY(const auto object, stix::Object::parse(call.request.body));
  BONGSU_TRY(auto trace, decide_report(core_, object, asked("collection", kSharedCollection), asked("member", ""), *purpose));
  return json_response(std::move(trace));
}

AdminApi::Answer AdminApi::why(const Call& call) {
  const auto object = call.query.find("object"), member = call.query.find("member");
  if (object == call.query.end() || member == call.query.end()) return fail(ErrorCode::kInvalid, "names an object and a member: /why?object=ID&member=NAME");
  BONGSU_TRY(auto trace, why_report(core_, object->second, member->second));
  return json_response(std::move(trace));
}

AdminApi::Answer AdminApi::backup(const Call& call) {
  BONGSU_TRY(const std::string target, required_text(call.body, "target"));
  BONGSU_TRY_VOID(backup_node(core_.directory, core_.ledger.get(), target));
  return json_response(JsonObject{{"written", target}});
}

AdminApi::Answer AdminApi::erase(const Call& call) {
  BONGSU_TRY(const std::string object, required_text(call.body, "object"));
  // Whoever was given it is told first: what is erased here cannot be asked about any more.
  const auto told = core_.recall->recall({.object_id = object, .reason = flow::RecallReason::kWithdrawn, .by = "", .note = "erase"});
  if (!told && told.error().code != ErrorCode::kNotFound) return std::unexpected(told.error());
  BONGSU_TRY(const auto seq, core_.journal->erase(object, core_.config.member));
  BONGSU_TRY_VOID(erase_beside(core_, object));
  return json_response(JsonObject{{"erased", object}, {"seq", seq}});
}

// GET quarantine: what is held, without the bytes. GET quarantine/ID: one item with them.
AdminApi::Answer AdminApi::quarantine(const Call& call) {
  if (call.rest.empty()) {
    JsonArray items;
    for (const auto& item : core_.quarantine->list()) items.push_back(flow::to_json(item));
    return json_response(JsonObject{{"items", std::move(items)}});
  }
  const auto item = core_.quarantine->find(call.rest[0]);
  if (!item) return fail(ErrorCode::kNotFound, "nothing is held under this id");
  JsonObject out = flow::to_json(*item).as_object();
  if (const auto content = core_.quarantine->content(item->id)) {
    auto object = parse_json(content->payload);
    out["object"] = object ? std::move(*object) : Json(nullptr);
  }
  return json_response(out);
}

// POST quarantine/ID {"decision": "admit" or "discard", "by", "reason"}
AdminApi::Answer AdminApi::decide_held(const Call& call) {
  if (call.rest.size() != 1) return fail(ErrorCode::kInvalid, "names one item: /quarantine/ID");
  BONGSU_TRY(const std::string decision, required_text(call.body, "decision"));
  BONGSU_TRY(const std::string by, required_text(call.body, "by"));
  BONGSU_TRY(const std::string reason, required_text(call.body, "reason"));
  if (decision == "discard") {
    BONGSU_TRY_VOID(core_.quarantine->discard(call.rest[0], by, reason));
  } else if (decision == "admit") {
    BONGSU_TRY([[maybe_unused]] const auto item, core_.admission->admit_held(call.rest[0], by, reason));
  } else {
    return fail(ErrorCode::kInvalid, "what is held is admitted or discarded", {.field = "decision"});
  }
  const auto item = core_.quarantine->find(call.rest[0]);
  return json_response(item ? flow::to_json(*item) : Json(JsonObject{}));
}

// POST rules/DIGEST {"by", "reason"}: a rule that was set aside is given to the sensor again.
AdminApi::Answer AdminApi::retry_rule(const Call& call) {
  if (call.rest.size() != 1) return fail(ErrorCode::kInvalid, "names one rule: /rules/DIGEST");
  if (!hooks_.retry_rule) return fail(ErrorCode::kUnavailable, "the node does not run: there is no sensor to give a rule to");
  BONGSU_TRY(const std::string by, required_text(call.body, "by"));
  BONGSU_TRY(const std::string reason, required_text(call.body, "reason"));
  BONGSU_TRY(auto rule, hooks_.retry_rule(call.rest[0], by, reason));
  return json_response(std::move(rule));
}

// POST links/MEMBER {"by"}: its links go on.
AdminApi::Answer AdminApi::resume_link(const Call& call) {
  if (call.rest.size() != 1) return fail(ErrorCode::kInvalid, "names one member: /links/MEMBER");
  const auto lifted = core_.suspensions->find(call.rest[0]);
  BONGSU_TRY_VOID(core_.suspensions->resume(call.rest[0]));
  core_.log.info("link.resumed", {{"member", call.rest[0]}, {"by", std::string(string_at(call.body, "by").value_or(""))}});
  JsonObject answer{{"resumed", call.rest[0]}};
  if (lifted) answer["lifted"] = lifted->json();
  return json_response(std::move(answer));
}

AdminApi::Answer AdminApi::recall(const Call& call) {
  flow::RecallWish wish;
  BONGSU_TRY(wish.object_id, required_text(call.body, "object"));
  BONGSU_TRY(const std::string reason, required_text(call.body, "reason"));
  const auto parsed = flow::parse_recall_reason(reason);
  if (!parsed || *parsed > flow::RecallReason::kPersonalData)
    return fail(ErrorCode::kInvalid, "is one of withdrawn, erroneous, compromised, personal_data", {.field = "reason"});
  wish.reason = *parsed;
  if (const auto seconds = int_at(call.body, "deadline_seconds")) {
    if (*seconds < 1 || *seconds > kMaxRecallDeadline.count())
      return fail(ErrorCode::kInvalid, "is from a second to a year", {.field = "deadline"});
    wish.deadline = std::chrono::seconds(*seconds);
  }
  wish.by = std::string(string_at(call.body, "by").value_or(""));
  wish.note = std::string(string_at(call.body, "note").value_or(""));
  wish.destroy_here = bool_at(call.body, "destroy_here").value_or(false);
  wish.preview = bool_at(call.body, "preview").value_or(false);
  BONGSU_TRY(const auto done, core_.recall->recall(wish));
  return json_response(JsonObject{{"object", wish.object_id}, {"told", json_texts(done.told)}, {"unsettled", json_texts(done.unsettled)}, {"fetched", json_texts(done.fetched)}, {"preview", wish.preview},
                                  {"derived", json_texts(done.derived)}, {"destroyed", done.destroyed}});
}

AdminApi::Answer AdminApi::recalls(const Call& call) {
  const auto object = call.query.find("object");
  return json_response(recall_report(*core_.recall, object == call.query.end() ? std::string() : object->second, core_.clock.now()));
}

AdminApi::Answer AdminApi::verify(const Call&) {
  BONGSU_TRY_VOID(core_.journal->verify([](std::uint64_t, std::uint64_t) {}));
  return json_response(JsonObject{{"verified", core_.journal->last_seq()}});
}

AdminApi::Answer AdminApi::renew(const Call&) {
  BONGSU_TRY(const auto fresh, core_.directory.renew_tls(core_.config, core_.clock, &core_.keys));
  core_.set_tls_identity(fresh);
  if (hooks_.renew_certificate) BONGSU_TRY_VOID(hooks_.renew_certificate());
  BONGSU_TRY(const auto facts, crypto::read_certificate(fresh.certificate_pem));
  return json_response(JsonObject{{"fingerprint", facts.fingerprint}, {"not_after", facts.not_after.text(0)}});
}

}  // namespace bongsu::node
