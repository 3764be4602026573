// Recalls, sealing, charter and signed agreements of a SimNode, wired as node::Core and node::Node wire them.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"
#include "fake_keys.h"
#include "flow/facts.h"
#include "link/recall_links.h"
#include "node/trust_links.h"
#include "nodes.h"
#include "parts.h"
#include "policy/charter_trust.h"
#include "policy/memorandum.h"

namespace bongsu::simulation {
namespace {

constexpr std::chrono::hours kPrekeysEvery{6};  // as link::LinksOptions

// The paper of what one member gives to another: one for each direction, so that either changes its own.
std::string paper_id(std::string_view from, std::string_view to) {
  return fmt::format("{:08x}-{:04x}-4111-8111-{:012x}", hash64(from) & 0xffffffff, hash64(to) & 0xffff,
                     hash64(fmt::format("{} {}", from, to)) & 0xffffffffffff);
}

net::Request over_link(const net::ClientRequest& wanted) {
  net::Request request{.method = wanted.method, .path = wanted.url.target};
  request.headers = wanted.headers;
  request.body = wanted.body;
  return request;
}

net::Request get(std::string_view target) {
  net::Request request{.method = "GET"};
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  return request;
}

}  // namespace

// ── Recalls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

Result<std::unique_ptr<flow::Recall>> SimNode::load_recall(Parts& parts) const {
  return flow::Recall::load(
      disk_->journal, *parts.release,
      {.self = member_,
       .signing_key = signing_key_of(member_),
       .key_of = [&parts](std::string_view member) -> std::optional<std::string> {
         const auto known = parts.registry->member(member);
         auto key = known ? from_hex(known->signing_key) : Result<std::string>(std::string());
         return key && key->size() == 32 ? std::optional(std::move(*key)) : std::nullopt;
       },
       // As node::Core asks its search for relations: whatever names it.
       .referrers =
           [this](const std::string& id) -> Result<std::vector<std::string>> {
             std::vector<std::string> out;
             const std::string quoted = '"' + id + '"';
             const auto snapshot = disk_->journal.snapshot();
             for (journal::Seq after = 0;;) {
               const auto page = snapshot->entries(after, 1000);
               if (!page || page->empty()) return out;
               for (const auto& entry : *page) {
                 after = entry.seq;
                 if (entry.kind != journal::EntryKind::kObject || entry.erased || entry.object_id == id) continue;
                 const auto payload = snapshot->payload(entry.seq);
                 if (payload && payload->find(quoted) != std::string::npos) out.push_back(entry.object_id);
               }
             }
           },
       .discard_held = [this, &parts](std::string_view member, const std::string& id,
                                      const std::function<bool(std::string_view)>& covered) -> Result<void> {
         for (const auto& item : parts.quarantine->list())
           if (item.state == flow::HeldItem::State::kOpen && item.member == member && item.object_id == id &&
               covered(item.version_key))
             BONGSU_TRY_VOID(parts.quarantine->discard(item.id, member_, "its sender recalled it"));
         return {};
       }},
      clock_, *parts.log);
}

bool SimNode::recall(const std::string& object_id) {
  return parts_->recall->recall({.object_id = object_id, .reason = flow::RecallReason::kErroneous, .by = "operator"})
      .has_value();
}

void SimNode::ask_recalls(const std::string& member, const std::set<std::string>& at_work, const Send& send) {
  link::Resting& resting = parts_->resting[member];
  resting.now = [&] { return link::resting_cursors(disk_->journal, member, at_work); };
  (void)link::exchange_recalls(
      *parts_->recall, member, {"https", "p", 1, "/"},
      [&](const net::ClientRequest& request) -> Result<net::ClientResponse> {
        BONGSU_TRY(auto answer, send(over_link(request)));
        return net::ClientResponse{answer.status, answer.headers, std::move(answer.body)};
      },
      &resting);
}

bool SimNode::obeyed(const std::string& object_id) const { return !parts_->recall->taken(object_id).empty(); }

std::size_t SimNode::arrived() const { return disk_->arrived.size(); }
void SimNode::arrive_again(std::size_t which) {
  const auto& [remote, batch] = disk_->arrived.at(which);
  // Its connection is long gone: where its link stands stays as it is.
  const std::string link = fmt::format("{}/{}", remote.member, remote.id);
  const auto cursor = must(disk_->journal.state("link.cursor", link), "cursor");
  (void)parts_->applier->apply(remote, batch);
  (void)disk_->journal.put({{"link.cursor", link, cursor}});
}

std::vector<SimNode::Copy> SimNode::copies(const std::string& object_id) const {
  std::vector<Copy> out;
  const auto snapshot = disk_->journal.snapshot();
  for (const auto& entry : must(snapshot->versions("", object_id), "copies")) {
    if (!snapshot->payload(entry.seq)) continue;
    std::string alias = entry.collection;
    for (const auto& collection : parts_->collections->list())
      if (collection.id == entry.collection) alias = collection.alias;
    out.push_back({alias, entry.origin, entry.versioned ? entry.version : ""});
  }
  return out;
}

std::optional<std::string> SimNode::newest_own(const std::string& object_id) const {
  std::optional<std::string> newest;
  for (const auto& entry : must(disk_->journal.snapshot()->versions("", object_id), "versions"))
    if (entry.origin == member_) newest = std::max(newest.value_or(""), entry.versioned ? entry.version : "");
  return newest;
}

std::vector<SimNode::Order> SimNode::orders(const std::string& object_id) const {
  std::vector<Order> out;
  for (const auto& order : parts_->recall->orders(object_id)) {
    Order line{.member = order.member, .confirmed = order.receipt.has_value(), .fetched = order.fetched};
    for (const auto& range : order.objects)
      if (range.object_id == object_id) line.upto = range.version;
    if (order.receipt) line.onward_open = order.receipt->onward_open;
    out.push_back(std::move(line));
  }
  return out;
}

// ── Sealing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

void SimNode::start_sealing() {
  Parts& p = *parts_;
  crypto::Key256 master{};
  const Sha256 secret = sha256("master key of " + member_);
  std::ranges::copy(secret, master.begin());
  p.sealing = std::make_unique<link::Sealing>(
      disk_->journal, link::Sealing::Own{.self = member_, .signing_key = signing_key_of(member_), .master = master},
      link::SealingDirectory{
          .signing_key = [registry = p.registry.get()](std::string_view id) { return registry->pinned_key(id); },
          .secret = [](std::string_view) { return std::nullopt; }},
      clock_, random_);
  (void)must(p.sealing->load(), "prekeys");
}

link::SealLevel SimNode::seal_level() const {
  return options_.seal_from ? link::SealLevel{.from = *options_.seal_from} : link::SealLevel{};
}

std::function<bool(std::string_view label)> SimNode::sealed_only(std::string_view member) const {
  if (!options_.seal_from || member == member_ || !parts_->registry->member(member)) return {};
  return [member = std::string(member), level = seal_level()](std::string_view label) {
    return link::needs_sealing(flow::label_for(label, member), level);
  };
}

void SimNode::give_prekeys(const std::string& member, const Send& send) {
  Parts& p = *parts_;
  if (!p.sealing) return;
  const auto given = p.prekeys_given.find(member);
  if (given != p.prekeys_given.end() && clock_.now() - given->second < kPrekeysEvery &&
      p.sealing->own_left(member) >= link::kFewPrekeys)
    return;
  const auto exchange = link::exchange_prekeys(
      *p.sealing, member,
      [&](std::string_view method, std::string_view path, std::string body) -> Result<net::ClientResponse> {
        net::Request request{.method = std::string(method), .path = std::string(path)};
        request.body = std::move(body);
        BONGSU_TRY(auto answer, send(std::move(request)));
        return net::ClientResponse{answer.status, answer.headers, std::move(answer.body)};
      });
  if (exchange.done) p.prekeys_given.insert_or_assign(member, clock_.now());
}

// ── Charter and agreements ──────────────────────────────────────────────────────────────────────────────────────────

bool SimNode::follows(const std::string& member) const {
  const auto known = parts_->registry->member(member);
  if (!known || known->stopped) return false;
  const auto charter = parts_->registry->charter();
  return !charter || charter->charter().members.contains(member);
}

void SimNode::ask_trust(const std::string& member, const Send& send) {
  (void)link::fetch_trust(
      [&](std::string_view target) -> Result<std::string> {
        BONGSU_TRY(auto answer, send(get(target)));
        if (answer.status != 200)
          return fail(ErrorCode::kUnavailable, fmt::format("the partner answered HTTP {}", answer.status));
        return std::move(answer.body);
      },
      node::trust_books(*parts_->registry), member, *parts_->log);
}

void SimNode::trust(const std::vector<policy::SignedCharter>& versions) {
  const auto charter = parts_->registry->charter();
  const std::int64_t known = charter ? charter->charter().version : 0;
  std::vector<policy::SignedCharter> fresh;
  for (const auto& version : versions)
    if (version.charter.version > known) fresh.push_back(version);
  if (fresh.empty() || (charter && fresh.front().charter.version > known + 1)) return;
  const auto accepted = parts_->registry->accept_charter(fresh, fresh.front().charter.digest());
  if (!accepted) done(std::unexpected(accepted.error()), "charter");
}

namespace {

policy::Memorandum paper_of(const policy::Agreement& agreement, const std::string& from, const std::string& charter,
                            Instant now) {
  policy::PermitClause permit;
  permit.from = {from};
  permit.to = {agreement.partner};
  permit.collections.insert(agreement.collections.begin(), agreement.collections.end());
  permit.types = agreement.types;
  permit.highest_tlp = agreement.highest_tlp;
  permit.onward = agreement.onward;
  permit.passes_on = std::set<policy::MemberId>{"*"};
  return {.id = paper_id(from, agreement.partner),
          .title = fmt::format("What {} gives to {}", from, agreement.partner),
          .charter = charter,
          .previous = "",
          .parties = {from, agreement.partner},
          .valid_from = {now.seconds - 3600, 0},
          .valid_until = {now.seconds + 86'400, 0},
          .permits = {std::move(permit)},
          .denies = {}};
}

}  // namespace

void SimNode::agree(policy::Agreement agreement) {
  auto& registry = *parts_->registry;
  const auto charter = registry.charter();
  if (!charter) return asked(registry.put_agreement(agreement), "agreement");
  policy::Memorandum paper = paper_of(agreement, member_, charter->charter().id, clock_.now());
  if (const auto more = clauses_.find(agreement.partner); more != clauses_.end()) {
    for (policy::PermitClause permit : more->second.permits) {
      permit.from = {member_};
      permit.to = {agreement.partner};
      paper.permits.push_back(std::move(permit));
    }
    for (policy::DenyClause denial : more->second.denies) {
      denial.from = {{member_}};
      denial.to = {{agreement.partner}};
      paper.denies.push_back(std::move(denial));
    }
  }
  if (const auto before = signed_with(agreement.partner)) {
    paper.version = before->terms.version + 1;
    paper.previous = before->digest();
  }
  auto document = must(policy::unsigned_memorandum(policy::to_toml(paper), "agreement"), "agreement");
  for (const auto& party : paper.parties)
    must(policy::sign_memorandum(document, party, signing_key_of(party)), "signature");
  // Denied: a party is not in the charter that is known here.
  const auto put = registry.put_memorandum(document);
  if (!put && put.error().code != ErrorCode::kDenied) done(std::unexpected(put.error()), "agreement");
}

std::optional<policy::SignedMemorandum> SimNode::signed_with(const std::string& member) const {
  for (auto& document : parts_->registry->memoranda())
    if (document.terms.id == paper_id(member_, member)) return std::move(document);
  return std::nullopt;
}

void SimNode::change_level(const std::string& member, stix::Tlp highest) {
  auto& registry = *parts_->registry;
  if (!registry.charter()) {
    auto agreement = registry.agreement(member);
    if (!agreement || agreement->highest_tlp < stix::Tlp::kGreen) return;
    agreement->highest_tlp = highest;
    return agree(*agreement);
  }
  const auto document = signed_with(member);
  if (!document || document->terms.permits.front().highest_tlp < stix::Tlp::kGreen) return;
  const auto& permit = document->terms.permits.front();
  policy::Agreement agreement;
  agreement.partner = member;
  agreement.collections.assign(permit.collections.begin(), permit.collections.end());
  agreement.types = permit.types;
  agreement.onward = permit.onward;
  agreement.highest_tlp = highest;
  agree(agreement);
}

void SimNode::end_agreement(const std::string& member) {
  auto& registry = *parts_->registry;
  if (!registry.charter()) return (void)registry.end_agreement(member);
  auto document = signed_with(member);
  if (!document) return;
  must(policy::give_notice(*document, member_, clock_.now(), signing_key_of(member_)), "notice");
  (void)registry.put_memorandum(*document);
}

std::optional<bool> SimNode::gives(const std::string& member, const std::string& collection) const {
  const auto known = parts_->registry->member(member);
  if (!known || known->stopped) return std::nullopt;
  if (parts_->registry->charter()) return std::nullopt;
  const auto agreement = parts_->registry->agreement(member);
  return agreement && std::ranges::find(agreement->collections, collection) != agreement->collections.end();
}

}  // namespace bongsu::simulation
