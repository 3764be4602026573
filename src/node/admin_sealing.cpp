// Sealing on the admin socket: seal and open files, prekeys for couriers, and the courier's file itself: what a member
// may have, sealed to it.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "flow/facts.h"
#include "flow/label_beside.h"
#include "link/applier.h"
#include "node/admin_api.h"
#include "node/sealed_release.h"

namespace bongsu::node {
namespace {

constexpr std::string_view kFileType = "application/octet-stream";
constexpr std::string_view kCourierType = "application/vnd.bongsu.courier+json;v=1";
constexpr std::size_t kCourierBatch = 1000;
constexpr std::size_t kMaxCourierLine = 4096 + 2 * flow::kMaxLabelBeside, kMaxCourierCollections = 256;

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string query_text(const std::map<std::string, std::string>& query, const std::string& key) {
  const auto found = query.find(key);
  return found == query.end() ? std::string() : found->second;
}

net::Response raw(std::string bytes) {
  net::Response response = net::Response::json(200, std::move(bytes));
  response.headers.set("Content-Type", "application/octet-stream");
  return response;
}

// What is inside of a courier's file: lines of JSON, the first {"type":"bongsu-courier","version":1}, then for each
// collection
// {"collection":{"id","alias","title"}}, followed by its objects: {"bytes":N}, a newline, N bytes exactly as they were
// released, a newline; with a proof of origin {"bytes":N,"proof_bytes":M}, and the M bytes of the proof between the
// two. "label" beside them is the label that the sender decided on (flow/label_beside.h); absent: an older sender.
struct CourierCollection {
  std::string id, alias, title, exercise;
  std::uint64_t tombstones = 0;                   // that the sender had made for us (link/tail_event.h)
  std::vector<std::string_view> objects, proofs;  // empty: there is none
  std::vector<std::string> labels;                // likewise
};

Result<std::vector<CourierCollection>> read_courier(std::string_view text) {
  const std::size_t whole = text.size();
  const auto broken = [&](std::string what) {
    return fail(ErrorCode::kInvalid, "the courier's file: " + std::move(what),
                {.offset = whole - text.size(), .has_offset = true});
  };
  const auto line = [&]() -> Result<Json> {
    const std::size_t end = text.substr(0, kMaxCourierLine).find('\n');
    if (end == std::string_view::npos) return broken("a line without an end");
    auto json = parse_json(text.substr(0, end));
    if (!json || !json->is_object()) return broken("a line that is no JSON object");
    text.remove_prefix(end + 1);
    return json;
  };
  BONGSU_TRY(const Json first, line());
  if (string_at(first, "type") != "bongsu-courier" || int_at(first, "version") != 1)
    return broken("has another form inside");
  std::vector<CourierCollection> out;
  while (!text.empty()) {
    BONGSU_TRY(const Json json, line());
    if (const Json* collection = find(json, "collection")) {
      CourierCollection next{.id = std::string(string_at(*collection, "id").value_or("")),
                             .alias = std::string(string_at(*collection, "alias").value_or("")),
                             .title = std::string(string_at(*collection, "title").value_or("")),
                             .exercise = std::string(string_at(*collection, "exercise").value_or("")),
                             .tombstones = static_cast<std::uint64_t>(
                                 std::max<std::int64_t>(0, int_at(*collection, "tombstones").value_or(0))),
                             .objects = {},
                             .proofs = {},
                             .labels = {}};
      if (!Uuid::parse(next.id) || next.alias.empty()) return broken("a collection without id or alias");
      if (out.size() >= kMaxCourierCollections)
        return broken(fmt::format("more than {} collections", kMaxCourierCollections));
      out.push_back(std::move(next));
      continue;
    }
    const auto bytes = int_at(json, "bytes");
    const std::int64_t proof_bytes = int_at(json, "proof_bytes").value_or(0);
    if (proof_bytes < 0 || static_cast<std::uint64_t>(proof_bytes) > journal::kMaxProofBytes)
      return broken("a proof of an impossible length");
    const std::size_t proof_size = static_cast<std::size_t>(proof_bytes);
    if (!bytes || *bytes < 0 || static_cast<std::uint64_t>(*bytes) >= text.size() ||
        proof_size >= text.size() - static_cast<std::size_t>(*bytes) ||
        text[static_cast<std::size_t>(*bytes) + proof_size] != '\n')
      return broken("an object of another length than is said");
    if (out.empty()) return broken("an object in front of the first collection");
    const std::size_t size = static_cast<std::size_t>(*bytes);
    out.back().objects.push_back(text.substr(0, size));
    out.back().proofs.push_back(text.substr(size, proof_size));
    const Json* said = find(json, "label");
    if (said != nullptr && (!said->is_string() || said->get_string().empty())) return broken("a label that is no text");
    out.back().labels.emplace_back(said == nullptr ? std::string_view() : std::string_view(said->get_string()));
    text.remove_prefix(size + proof_size + 1);
  }
  return out;
}

void log_lie(Core& core, const std::string& member, const std::vector<std::string>& lies) {
  core.log.error("link.suspended",
                 {{"member", member}, {"reason", lies.front()}, {"objects", std::to_string(lies.size())}});
}

Json header_json(const crypto::EnvelopeHeader& header) {
  return JsonObject{{"sender", header.sender},
                    {"label", header.label},
                    {"content_type", header.content_type},
                    {"sealed_at", header.sealed_at.text(6)},
                    {"with_secret", header.with_secret}};
}

}  // namespace

// POST seal?to=a,b&label=…&collection=…  the file's bytes → the envelope's, if each of them may have all of it
AdminApi::Answer AdminApi::seal(const Call& call) {
  const auto members = split_list(query_text(call.query, "to"));
  if (members.empty()) return fail(ErrorCode::kInvalid, "names nobody", {.field = "to"});
  if (call.request.body.size() > kMaxImportBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a sealed file has at most {} bytes", kMaxImportBytes));
  for (const auto& member : members) {
    const auto known = core_.registry->member(member);
    if (!known)
      return fail(ErrorCode::kNotFound, fmt::format("{} is not paired with this node", member), {.field = "to"});
    if (known->stopped)
      return fail(ErrorCode::kDenied, fmt::format("nothing is released to {}: it is stopped", member), {.field = "to"});
  }
  const std::string collection = query_text(call.query, "collection");
  // A recall sees the file as handed out, or nothing of it is decided.
  const auto handing_out = core_.recall->hand_out();
  BONGSU_TRY(const FileToSeal content, file_to_seal(core_, call.request.body, query_text(call.query, "label"),
                                                    collection.empty() ? kSharedCollection : collection));
  for (const auto& member : members) BONGSU_TRY_VOID(may_seal(core_, content, member));
  BONGSU_TRY(std::string file,
             core_.sealing->seal_together(members, {link::handling_text(content.label), std::string(kFileType)},
                                          call.request.body));
  BONGSU_TRY_VOID(core_.sealing->flush());
  // Before the file leaves: the ledger tells it to each pair.
  journal::Batch batch;
  for (const auto& member : members) note_sealed(core_, content, member, batch);
  BONGSU_TRY([[maybe_unused]] const auto receipt, core_.journal->append(batch));
  return raw(std::move(file));
}

// POST open  the envelope's bytes → {"sender":…,"label":…,"content":base64}; its one-time key is destroyed unless
// keep=1, and also if its sender recalled meanwhile what is in it: then nobody opens it any more
AdminApi::Answer AdminApi::open_sealed(const Call& call) {
  BONGSU_TRY(auto opened, core_.sealing->open(call.request.body));
  if (opened.opened.header.content_type != kFileType)
    return fail(ErrorCode::kUnsupported,
                fmt::format("this is no sealed file but {}: use `bongsu import`", opened.opened.header.content_type));
  const auto readable = may_open(core_, opened.opened.header.sender, opened.opened.content);
  const auto destroy_key = [&]() -> Result<void> {
    if (opened.states.empty()) return {};
    journal::Batch batch;
    batch.states = opened.states;
    BONGSU_TRY([[maybe_unused]] const auto receipt, core_.journal->append(batch));
    core_.sealing->committed(opened);
    return {};
  };
  if (!readable) {
    BONGSU_TRY_VOID(destroy_key());
    return std::unexpected(readable.error());
  }
  JsonObject out = header_json(opened.opened.header).as_object();
  out["content"] = to_base64(as_bytes(opened.opened.content));
  if (query_text(call.query, "keep") != "1") BONGSU_TRY_VOID(destroy_key());
  return net::Response::json(200, to_text(out));
}

// GET prekeys/MEMBER → our bundle for it; POST prekeys/MEMBER takes its bundle for us.
AdminApi::Answer AdminApi::give_prekeys(const Call& call) {
  if (call.rest.size() != 1 || !core_.registry->member(call.rest[0]))
    return fail(ErrorCode::kNotFound, "no such member");
  BONGSU_TRY(std::string bundle, core_.sealing->bundle_for(call.rest[0]));
  return net::Response::json(200, std::move(bundle));
}

AdminApi::Answer AdminApi::take_prekeys(const Call& call) {
  if (call.rest.size() != 1) return fail(ErrorCode::kNotFound, "no such path");
  BONGSU_TRY(const std::size_t left, core_.sealing->take_bundle(call.rest[0], call.request.body));
  return net::Response::json(200, to_text(JsonObject{{"member", call.rest[0]}, {"one_time_left", left}}));
}

// GET courier?member=…[&collection=a,b] → what the member may have, from its own views as release decides now, sealed
// to it.
AdminApi::Answer AdminApi::export_courier(const Call& call) {
  const std::string member = query_text(call.query, "member");
  if (!core_.registry->member(member))
    return fail(ErrorCode::kNotFound, fmt::format("{} is not paired with this node", member), {.field = "member"});
  const auto wanted = split_list(query_text(call.query, "collection"));
  policy::Label label = policy::bottom();  // of all that is in it
  std::string text = "{\"type\":\"bongsu-courier\",\"version\":1}\n";
  std::size_t objects = 0, collections = 0;
  for (const std::string& id : core_.release->readable_collections(member)) {
    const auto collection = core_.collections->find(id);
    if (!collection || (!wanted.empty() && std::find(wanted.begin(), wanted.end(), collection->alias) == wanted.end() &&
                        std::find(wanted.begin(), wanted.end(), id) == wanted.end()))
      continue;
    JsonObject head{{"id", id}, {"alias", collection->alias}, {"title", collection->title}};
    if (!collection->exercise.empty()) head["exercise"] = collection->exercise;
    {
      const auto handing_out = core_.recall->hand_out();
      head["tombstones"] = core_.recall->decided_now(member);
    }
    text += to_text(JsonObject{{"collection", std::move(head)}}) + "\n";
    ++collections;
    for (journal::OutboxQuery query{.last = false, .all = true, .limit = kExportPage};;) {
      BONGSU_TRY_VOID(core_.release->keep_up());
      // A recall sees what goes into the file as handed out, or nothing of it is read.
      const auto handing_out = core_.recall->hand_out();
      BONGSU_TRY(const auto reading, core_.release->look(member, id));
      if (query.view == 0) query.view = reading.view;
      if (reading.view != query.view)
        return fail(ErrorCode::kConflict, "what the member may have changed meanwhile; run it again");
      BONGSU_TRY(const auto page, reading.snapshot->page(query));
      for (const auto& row : page.rows) {
        BONGSU_TRY(const auto entry, reading.snapshot->entry(row.seq));
        BONGSU_TRY(const auto facts, flow::facts_of(entry));
        // Decided again, by the function that preview and sending use.
        const auto decision = core_.release->decision_for(member, facts);
        if (!decision || decision->verdict == policy::Verdict::kWithhold) continue;
        const auto content = reading.snapshot->released(reading.view, row.pos);
        if (!content) continue;  // erased meanwhile
        const std::string proof = core_.origins->proof_of(*reading.snapshot, row, *content);
        if (text.size() + content->payload.size() + proof.size() > kMaxImportBytes)
          return fail(ErrorCode::kTooLarge,
                      fmt::format("a courier's file holds at most {} bytes; name fewer collections", kMaxImportBytes));
        const auto own = policy::Label::parse(flow::label_for(entry.label, member));
        if (!own) continue;  // nobody knows how to handle it
        label = policy::join(label, policy::whole(*own));
        JsonObject line{{"bytes", content->payload.size()}, {"label", flow::label_beside(*own, *core_.markings, content->payload, member)}};
        if (!proof.empty()) line["proof_bytes"] = proof.size();
        text += to_text(line) + '\n';
        text.append(content->payload).append(proof).append("\n");
        ++objects;
      }
      if (!page.rows.empty()) core_.recall->handed_out(member, id, page.rows.back().pos);
      if (!page.more || page.rows.empty()) break;
      query.after = page.rows.back().pos;
    }
  }
  BONGSU_TRY_VOID(core_.recall->write_down());  // before the file leaves
  if (collections == 0)
    return fail(ErrorCode::kNotFound, fmt::format("nothing is released to {}: is there an agreement?", member));
  BONGSU_TRY(std::string file,
             core_.sealing->seal(member, {link::handling_text(label), std::string(kCourierType)}, text));
  BONGSU_TRY_VOID(core_.sealing->flush());
  net::Response response = raw(std::move(file));
  response.headers.set("Bongsu-Objects", std::to_string(objects));
  return response;
}

// POST courier  a courier's file → admitted into the mirrors of the sender's collections, as from the sender.
AdminApi::Answer AdminApi::import_courier(const Call& call) {
  BONGSU_TRY(auto opened, core_.sealing->open(call.request.body));
  const auto& header = opened.opened.header;
  if (header.content_type != kCourierType)
    return fail(ErrorCode::kUnsupported, fmt::format("this is no courier's file but {}", header.content_type));
  if (const auto why = core_.suspensions->reason_of(header.sender))
    return fail(ErrorCode::kDenied,
                fmt::format("nothing is taken from {} until it is resumed: {}", header.sender, *why));
  BONGSU_TRY(const auto collections, read_courier(opened.opened.content));
  std::uint64_t admitted = 0, duplicates = 0, refused = 0, quarantined = 0;
  JsonArray problems;
  for (const CourierCollection& item : collections) {
    BONGSU_TRY(const auto mirror,
               core_.collections->mirror(header.sender, item.id, item.alias, item.title, item.exercise, core_.random));
    BONGSU_TRY_VOID(core_.registry->refresh_policy());
    for (std::size_t at = 0; at < item.objects.size(); at += kCourierBatch) {
      std::vector<Result<stix::Object>> batch;
      for (std::size_t i = at; i < std::min(at + kCourierBatch, item.objects.size()); ++i)
        batch.push_back(stix::Object::parse(item.objects[i]));
      const auto first = item.proofs.begin() + static_cast<std::ptrdiff_t>(at);
      const auto labels = item.labels.begin() + static_cast<std::ptrdiff_t>(at);
      BONGSU_TRY(const auto report,
                 core_.admission->admit(batch, {.collection = mirror.id,
                                                .origin = header.sender,
                                                .fallback = mirror.fallback,
                                                .proofs = {first, first + static_cast<std::ptrdiff_t>(batch.size())},
                                                .labels = {labels, labels + static_cast<std::ptrdiff_t>(batch.size())},
                                                .decided_after = std::vector(batch.size(), item.tombstones)}));
      admitted += report.admitted;
      duplicates += report.duplicates;
      refused += report.refused;
      quarantined += report.quarantined;
      if (!report.lies.empty()) {
        // As over a link: who passed it on is trusted with nothing more until a person says so.
        log_lie(core_, header.sender, report.lies);
        BONGSU_TRY_VOID(core_.suspensions->suspend({.member = header.sender, .reason = report.lies.front()}));
        return fail(ErrorCode::kDenied, fmt::format("{} is suspended: {}", header.sender, report.lies.front()));
      }
      for (const auto& one : report.items)
        if (one.outcome == flow::AdmitItem::Outcome::kRefused && problems.size() < 100)
          problems.push_back(JsonObject{{"id", one.id}, {"message", one.message}});
    }
  }
  // The key dies last: an import that was cut off can be done again.
  journal::Batch done;
  done.states = opened.states;
  if (!done.states.empty()) {
    BONGSU_TRY([[maybe_unused]] const auto receipt, core_.journal->append(done));
  }
  core_.sealing->committed(opened);
  JsonObject out = header_json(header).as_object();
  out["admitted"] = admitted;
  out["duplicates"] = duplicates;
  out["refused"] = refused;
  out["quarantined"] = quarantined;
  out["problems"] = std::move(problems);
  return net::Response::json(200, to_text(out));
}

}  // namespace bongsu::node
