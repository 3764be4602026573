// Objects: search, one object with its versions, relations and who may see it, and withdrawing what is ours.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "api/console/draft.h"
#include "api/console/impl.h"
#include "detect/plain.h"
#include "flow/facts.h"

namespace bongsu::api {
namespace console {

std::string name_of(const Json& object) {
  for (const std::string_view key : {"name", "value", "key", "path", "user_id", "account_login", "subject",
                                     "command_line", "relationship_type", "abstract", "explanation", "definition_type"})
    if (const auto text = string_at(object, key); text && !text->empty()) return std::string(*text);
  if (const Json* hashes = find(object, "hashes"); hashes != nullptr && hashes->is_object())
    for (const auto& [algorithm, value] : hashes->get_object())
      if (value.is_string()) return std::string(value.get_string());
  return std::string(string_at(object, "pattern").value_or(""));
}

}  // namespace console

namespace {

using console::text_json;

constexpr std::uint32_t kMaxHits = 200;
constexpr std::uint32_t kMaxRelations = 500;
constexpr std::uint32_t kMaxLookedAt = 20'000;  // hits and relations, hidden ones among them
constexpr std::size_t kMaxNames = 200;          // of neighbours looked up for one page

// Names of neighbours, each looked up once, and only those that the caller may read.
class Names {
 public:
  using Sees = std::function<bool(const std::string& collection, const std::string& label)>;
  Names(journal::Snapshot& snapshot, Sees sees) : snapshot_(snapshot), sees_(std::move(sees)) {}
  Json of(const std::string& id) {
    if (const auto it = known_.find(id); it != known_.end()) return it->second;
    if (known_.size() >= kMaxNames) return nullptr;
    Json name = nullptr;
    if (const auto versions = snapshot_.versions("", id)) {
      const journal::Entry* newest = nullptr;
      for (const auto& entry : *versions)
        if (sees_(entry.collection, entry.label) && (newest == nullptr || entry.version_key >= newest->version_key))
          newest = &entry;
      if (newest != nullptr) {
        name = text_json("");
        if (const auto payload = snapshot_.payload(newest->seq))
          if (const auto json = parse_json(*payload)) name = text_json(console::name_of(*json));
      }
    }
    return known_.emplace(id, std::move(name)).first->second;
  }

 private:
  journal::Snapshot& snapshot_;
  const Sees sees_;
  std::map<std::string, Json> known_;
};

}  // namespace

Result<std::vector<journal::SearchHit>> ConsoleApi::Impl::visible_hits(
    const Caller& caller, std::uint32_t most,
    const std::function<Result<std::vector<journal::SearchHit>>(std::uint32_t limit)>& ask) const {
  for (std::uint32_t limit = most + 1;; limit = std::min(limit * 10, kMaxLookedAt)) {
    BONGSU_TRY(auto hits, ask(limit));
    const bool all = hits.size() < limit || limit >= kMaxLookedAt;
    // The search keeps the label that an entry came with; the one that it has now is the journal's.
    const auto snapshot = deps.journal.snapshot();
    std::erase_if(hits, [&](journal::SearchHit& hit) {
      const auto entry = snapshot->entry(hit.seq);
      if (!entry || entry->object_id != hit.object_id || !caller.sees(entry->collection, entry->label)) return true;
      hit.label = entry->label;
      return false;
    });
    if (!all && hits.size() <= most) continue;
    if (hits.size() > most) hits.resize(most + 1);
    return hits;
  }
}

Result<net::Response> ConsoleApi::Impl::search(Call& call) {
  const std::string query(call.parameter("q").value_or(""));
  if (query.size() > 2'000) return fail(ErrorCode::kTooLarge, "a search is at most 2000 bytes long", {.field = "q"});
  const std::string_view only = call.parameter("only").value_or("");
  if (!only.empty() && only != "value")
    return fail(ErrorCode::kInvalid, "is \"value\", or left out", {.field = "only"});
  JsonObject out;
  out["query"] = text_json(query);
  out["understood"] = nullptr;
  std::vector<journal::SearchHit> hits;
  std::set<std::pair<std::string, std::string>> seen;
  bool truncated = false;
  const auto take = [&](std::vector<journal::SearchHit> found) {
    truncated = truncated || found.size() > kMaxHits;
    if (found.size() > kMaxHits) found.resize(kMaxHits);
    for (auto& hit : found)
      if (seen.emplace(hit.object_id, hit.collection).second) hits.push_back(std::move(hit));
  };
  std::size_t exact = 0;
  if (query.find_first_not_of(" \t\r\n") != std::string::npos) {
    // Pasted text first: an analyst who pastes hxxp://evil[.]example means the value, not the word.
    if (stix::Id::parse(query)) {
      const auto snapshot = deps.journal.snapshot();
      if (const auto versions = readable_versions(*snapshot, call.caller, query)) {
        journal::SearchHit hit{.seq = versions->front().seq,
                               .object_id = query,
                               .type = query.substr(0, query.find("--")),
                               .collection = versions->front().collection,
                               .version = versions->front().version,
                               .origin = versions->front().origin,
                               .label = versions->front().label};
        if (const auto payload = snapshot->payload(hit.seq))
          if (const auto json = parse_json(*payload)) hit.name = console::name_of(*json);
        take({std::move(hit)});
      }
    } else if (const auto pasted = console::read_pasted(query, std::nullopt);
               pasted && pasted->size() == 1 && pasted->front().value) {
      const detect::Value& value = *pasted->front().value;
      JsonObject understood;
      understood["kind"] = text_json(detect::to_string(value.kind));
      understood["text"] = text_json(value.text);
      out["understood"] = std::move(understood);
      const auto by_value = [&](const std::string& text) {
        return visible_hits(call.caller, kMaxHits, [&](std::uint32_t limit) {
          return deps.search.value(detect::to_string(value.kind), text, limit);
        });
      };
      BONGSU_TRY(auto found, by_value(value.text));
      take(std::move(found));
      // A URL that was published in another form than the normal one is indexed as it was written.
      if (const std::string plain = detect::refang(query); plain != value.text) {
        BONGSU_TRY(auto as_written, by_value(plain));
        take(std::move(as_written));
      }
    }
    exact = hits.size();
    if (only.empty()) {
      // A value is whole: only of words that are being typed the last may go on.
      const std::string words = out["understood"].is_null() ? query : query + " ";
      BONGSU_TRY(auto found, visible_hits(call.caller, kMaxHits,
                                          [&](std::uint32_t limit) { return deps.search.text(words, limit); }));
      take(std::move(found));
    }
  }
  JsonArray list;
  for (const auto& hit : hits) list.push_back(console::hit_json(hit));
  out["exact"] = exact;
  out["hits"] = std::move(list);
  out["truncated"] = truncated;
  out["behind"] = deps.journal.last_seq() - std::min(deps.journal.last_seq(), deps.search.cursor());
  return console::answer(200, out);
}

Result<std::vector<journal::Entry>> ConsoleApi::Impl::readable_versions(journal::Snapshot& snapshot,
                                                                        const Caller& caller,
                                                                        std::string_view id) const {
  if (!stix::Id::parse(id)) return fail(ErrorCode::kNotFound, "there is no such object");
  BONGSU_TRY(std::vector<journal::Entry> versions, snapshot.versions("", id));
  std::erase_if(versions, [&](const journal::Entry& e) { return !caller.sees(e.collection, e.label); });
  if (versions.empty()) return fail(ErrorCode::kNotFound, "there is no such object");
  std::ranges::sort(versions, [](const journal::Entry& a, const journal::Entry& b) {
    return a.version_key != b.version_key ? a.version_key > b.version_key : a.seq > b.seq;
  });
  return versions;
}

Result<net::Response> ConsoleApi::Impl::object(Call& call, const std::string& id) {
  const identity::Principal& who = call.caller.who;
  const auto snapshot = deps.journal.snapshot();
  BONGSU_TRY(const std::vector<journal::Entry> versions, readable_versions(*snapshot, call.caller, id));
  const journal::Entry& newest = versions.front();

  JsonObject out;
  out["id"] = text_json(id);
  out["type"] = text_json(std::string_view(id).substr(0, id.find("--")));
  out["raw"] = nullptr;
  out["name"] = "";
  bool revoked = false, ours = false;
  if (const auto payload = snapshot->payload(newest.seq)) {
    out["raw"] = text_json(*payload);
    if (const auto json = parse_json(*payload)) {
      out["name"] = text_json(console::name_of(*json));
      revoked = bool_at(*json, "revoked").value_or(false);
      ours = string_at(*json, "created_by_ref") == std::string_view(deps.node.identity_id);
    }
  } else if (payload.error().code != ErrorCode::kNotFound) {
    return std::unexpected(payload.error());
  }
  out["revoked"] = revoked;
  out["may_withdraw"] = ours && !revoked && newest.origin == deps.node.self && who.role != identity::Role::kReader &&
                        who.may_write(newest.collection);
  JsonArray list;
  for (const auto& entry : versions) list.push_back(console::entry_json(entry));
  out["versions"] = std::move(list);

  // Who may see it, collection by collection: the decision that sending would take now, on the newest version there.
  const auto members = deps.members ? deps.members() : std::vector<ConsoleMember>();
  JsonArray audiences;
  std::set<std::string> done;
  for (const auto& entry : versions) {
    if (entry.collection.empty() || !done.insert(entry.collection).second) continue;
    BONGSU_TRY(const policy::ObjectFacts facts, flow::facts_of(entry));
    JsonObject audience;
    audience["collection"] = text_json(entry.collection);
    audience["label"] = console::label_json(entry.label);
    audience["lines"] = console::preview_json(deps.release.preview(facts), members);
    audiences.push_back(std::move(audience));
  }
  out["audiences"] = std::move(audiences);

  Names names(*snapshot, [&](const std::string& collection, const std::string& label) {
    return call.caller.sees(collection, label);
  });
  // An edge is shown with both its ends and what makes it, or not at all: an id is data. What is not here looks the
  // same as what is hidden. (An edge is asked about once more where hidden ones took its place.)
  JsonArray relations;
  std::map<std::string, bool> readable;
  const auto may_see = [&](const std::string& other) {
    const auto [at, fresh] = readable.try_emplace(other);
    if (fresh) at->second = readable_versions(*snapshot, call.caller, other).has_value();
    return at->second;
  };
  bool more = false;
  for (std::uint32_t limit = kMaxRelations + 1;; limit = std::min(limit * 10, kMaxLookedAt)) {
    BONGSU_TRY(const auto edges, deps.search.relations(id, limit));
    relations.clear();
    more = false;
    for (const auto& edge : edges) {
      const bool outward = edge.from == id;
      const std::string& other = outward ? edge.to : edge.from;
      if (!may_see(other) || (!edge.through.empty() && !may_see(edge.through))) continue;
      if (relations.size() >= kMaxRelations) {
        more = true;
        break;
      }
      JsonObject item;
      item["kind"] = text_json(edge.kind);
      item["outward"] = outward;
      item["other"] = text_json(other);
      item["other_name"] = names.of(other);  // null: too many to name
      item["through"] = text_json(edge.through);
      relations.push_back(std::move(item));
    }
    if (more || edges.size() < limit || limit >= kMaxLookedAt) break;
  }
  out["relations_truncated"] = more;
  out["relations"] = std::move(relations);
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::object_version(Call& call, const std::string& id, std::string_view seq_text) {
  journal::Seq seq = 0;
  if (const auto [end, error] = std::from_chars(seq_text.data(), seq_text.data() + seq_text.size(), seq);
      error != std::errc() || end != seq_text.data() + seq_text.size())
    return fail(ErrorCode::kNotFound, "there is no such version");
  const auto snapshot = deps.journal.snapshot();
  BONGSU_TRY(const auto versions, readable_versions(*snapshot, call.caller, id));
  const auto entry = std::ranges::find(versions, seq, &journal::Entry::seq);
  if (entry == versions.end()) return fail(ErrorCode::kNotFound, "there is no such version");
  Json out = console::entry_json(*entry);
  out.get_object()["raw"] = nullptr;
  if (const auto payload = snapshot->payload(seq))
    out.get_object()["raw"] = text_json(*payload);
  else if (payload.error().code != ErrorCode::kNotFound)
    return std::unexpected(payload.error());
  return console::answer(200, out);
}

Result<net::Response> ConsoleApi::Impl::withdraw(Call& call, const std::string& id) {
  const identity::Principal& who = call.caller.who;
  BONGSU_TRY_VOID(console::require(who, identity::Role::kAnalyst));
  BONGSU_TRY(const Json body, console::json_body(call.request));
  const std::string reason(string_at(body, "reason").value_or(""));
  if (reason.size() > kConsoleMaxReasonBytes) return fail(ErrorCode::kInvalid, "is too long", {.field = "reason"});
  const auto snapshot = deps.journal.snapshot();
  BONGSU_TRY(const auto versions, readable_versions(*snapshot, call.caller, id));
  const auto ours = std::ranges::find_if(versions, [&](const journal::Entry& e) { return e.origin == deps.node.self; });
  if (ours == versions.end()) return fail(ErrorCode::kDenied, "only the member that published an object withdraws it");
  BONGSU_TRY(const flow::Collection collection, writable_collection(who, ours->collection));
  BONGSU_TRY(const std::string payload, snapshot->payload(ours->seq));
  BONGSU_TRY(const stix::Object object, stix::Object::parse(payload));
  if (!object.created_by() || object.created_by()->text() != deps.node.identity_id)
    return fail(ErrorCode::kDenied, "only the creator of an object makes new versions of it (STIX 2.1 §3.6)");
  BONGSU_TRY(stix::Object next, console::revoke(object, deps.clock.now()));
  std::vector<Result<stix::Object>> objects;
  objects.emplace_back(std::move(next));
  return admit_all(std::move(objects), 0, collection, who, "object.withdrawn");
}

}  // namespace bongsu::api
