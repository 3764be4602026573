#include "node/ledger_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"

namespace bongsu::node {
namespace {

std::string_view text(const Json& json, std::string_view key) { return string_at(json, key).value_or(""); }

// A cell of a table, in either form: what partners wrote must not become markup.
std::string cell(std::string_view value, ReportForm form) {
  std::string out;
  for (const char c : value.substr(0, 300)) {
    if (form == ReportForm::kHtml) {
      if (c == '<') out += "&lt;";
      else if (c == '>') out += "&gt;";
      else if (c == '&') out += "&amp;";
      else if (c == '"') out += "&quot;";
      else if (static_cast<unsigned char>(c) < 0x20) out += ' ';
      else out += c;
    } else {
      if (static_cast<unsigned char>(c) < 0x20) out += ' ';
      else if (std::string_view("|\\`*_<>[]#").find(c) != std::string_view::npos) (out += '\\') += c;
      else out += c;
    }
  }
  return out;
}

class Page {
 public:
  explicit Page(ReportForm form) : form_(form) {
    if (form == ReportForm::kHtml)
      out_ = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Report from the ledger</title>\n<style>body{font:11pt serif;max-width:60em;margin:2em auto}table{border-collapse:collapse;width:100%;"
             "font-size:9pt}th,td{border:1px solid #888;padding:2px 4px;text-align:left;vertical-align:top;overflow-wrap:anywhere}@media print{tr{break-inside:avoid}thead{display:table-header-group}}</style>\n";
  }
  void heading(int level, std::string_view words) { out_ += form_ == ReportForm::kHtml ? fmt::format("<h{0}>{1}</h{0}>\n", level, cell(words, form_)) : fmt::format("{} {}\n\n", std::string(static_cast<std::size_t>(level), '#'), cell(words, form_)); }
  void paragraph(std::string_view words) { out_ += form_ == ReportForm::kHtml ? fmt::format("<p>{}</p>\n", cell(words, form_)) : cell(words, form_) + "\n\n"; }
  void table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
    if (form_ == ReportForm::kHtml) {
      out_ += "<table><thead><tr>";
      for (const auto& c : head) out_ += fmt::format("<th>{}</th>", cell(c, form_));
      out_ += "</tr></thead>\n";
      for (const auto& row : rows) {
        out_ += "<tr>";
        for (const auto& c : row) out_ += fmt::format("<td>{}</td>", cell(c, form_));
        out_ += "</tr>\n";
      }
      out_ += "</table>\n";
      return;
    }
    out_ += "|";
    for (const auto& c : head) out_ += " " + cell(c, form_) + " |";
    out_ += "\n|";
    for (std::size_t i = 0; i < head.size(); ++i) out_ += "---|";
    out_ += "\n";
    for (const auto& row : rows) {
      out_ += "|";
      for (const auto& c : row) out_ += " " + cell(c, form_) + " |";
      out_ += "\n";
    }
    out_ += "\n";
  }
  std::string take() { return std::move(out_); }

 private:
  ReportForm form_;
  std::string out_;
};

}  // namespace

std::vector<ledger::VerifierKey> ledger_keys(Core& core) {
  const std::string& self = core.config.member;
  std::vector<ledger::VerifierKey> keys = {ledger::log_key(self, ledger::kNodeLog, core.keys.signing.public_key)};
  for (const auto& member : core.registry->members()) {
    const auto key = from_hex(member.signing_key);
    if (!key || key->size() != 32) continue;
    keys.push_back(ledger::log_key(self, ledger::pair_log(member.id), core.keys.signing.public_key));
    keys.push_back(ledger::witness_key(member.id, *key));
  }
  return keys;
}

Result<JsonObject> make_report(Core& core, const ReportRequest& request) {
  const auto member = core.registry->member(request.member);
  if (!member) return fail(ErrorCode::kNotFound, fmt::format("there is no member \"{}\"", request.member), {.field = "member"});
  const ledger::Store& store = core.ledger->store();
  JsonArray items;
  Error failed;
  bool good = true;
  const auto take = [&](std::string_view log, std::uint64_t index) {
    auto item = items.size() < kMaxReportItems ? ledger::evidence_item(store, log, index)
                                               : Result<JsonObject>(fail(ErrorCode::kTooLarge, fmt::format("a report has at most {} entries; choose a shorter time", kMaxReportItems), {.field = "from"}));
    if (item) {
      items.push_back(std::move(*item));
    } else {
      failed = item.error();
      good = false;
    }
    return good;
  };
  const auto within = [&](Instant time) { return (!request.from || time >= *request.from) && (!request.until || time < *request.until); };
  const std::string pair = ledger::pair_log(request.member);
  BONGSU_TRY_VOID(store.visit(pair, 0, ~std::uint64_t{0}, [&](std::uint64_t index, const std::string& entry, const ledger::Opening&) {
    const auto leaf = ledger::Leaf::parse(entry);
    return !leaf || !within(leaf->time) || take(pair, index);
  }));
  if (!good) return std::unexpected(failed);
  // Agreements that were made before the time may have been in force in it, so these are taken whenever they were.
  BONGSU_TRY_VOID(store.visit(ledger::kNodeLog, 0, ~std::uint64_t{0}, [&](std::uint64_t index, const std::string& entry, const ledger::Opening& opening) {
    const auto leaf = ledger::Leaf::parse(entry);
    if (!leaf || opening.erased) return true;
    const bool about = leaf->kind.starts_with("agreement-") || leaf->kind.starts_with("member-") || leaf->kind.starts_with("release-") || leaf->kind.starts_with("link-");
    if (!about || (request.until && leaf->time >= *request.until)) return true;
    const auto json = parse_json(opening.content);
    const Json* note = json ? find(*json, "note") : nullptr;
    return note == nullptr || string_at(*note, "subject") != request.member || take(ledger::kNodeLog, index);
  }));
  if (!good) return std::unexpected(failed);
  // The keys of others are nobody's affair here.
  std::vector<ledger::VerifierKey> keys;
  const std::string node_origin = ledger::origin_of(core.config.member, ledger::kNodeLog), pair_origin = ledger::origin_of(core.config.member, pair);
  for (auto& key : ledger_keys(core))
    if (key.name == node_origin || key.name == pair_origin || key.name == ledger::witness_name(request.member)) keys.push_back(std::move(key));
  JsonObject document = ledger::evidence_document(std::move(items), {}, keys);
  const auto head = store.head(pair);
  document["report"] = JsonObject{{"by", core.config.member}, {"by_title", core.config.title}, {"member", request.member}, {"member_title", member->title}, {"made", core.clock.now().text(0)},
                                  {"from", request.from ? Json(request.from->text(0)) : Json()}, {"until", request.until ? Json(request.until->text(0)) : Json()}, {"entries_in_log", head ? head->size : 0}};
  return document;
}

std::string render_report(const Json& document, const ledger::Checked& checked, ReportForm form) {
  const Json empty = JsonObject{};
  const Json* about = find(document, "report");
  if (about == nullptr) about = &empty;
  const std::string by(text(*about, "by")), member(text(*about, "member"));
  Page page(form);
  page.heading(1, fmt::format("What {} gave {}", by, member));
  const std::string from(text(*about, "from")), until(text(*about, "until"));
  page.paragraph(fmt::format("Made on {} by the node of {} ({}). Time: {} to {}. Partner: {} ({}).", text(*about, "made"), by, text(*about, "by_title"), from.empty() ? "the beginning" : from,
                             until.empty() ? "the making of this report" : until, member, text(*about, "member_title")));
  if (!checked.problems.empty()) {
    page.heading(2, "What does not hold");
    page.paragraph(fmt::format("{} statements of the document did not verify. They are not in the tables below.", checked.problems.size()));
    std::vector<std::vector<std::string>> rows;
    for (const auto& problem : checked.problems) rows.push_back({problem});
    page.table({"Problem"}, rows);
  }
  const std::string pair_origin = ledger::origin_of(by, ledger::pair_log(member)), node_origin = ledger::origin_of(by, ledger::kNodeLog);
  const auto confirmed = [&](const ledger::CheckedItem& item) {
    for (const auto& s : item.by)
      if (s.type == ledger::SignatureType::kCosignature && s.name == ledger::witness_name(member)) return "by " + member + " on " + Instant{.seconds = static_cast<std::int64_t>(s.time), .nanos = 0}.text(0);
    return std::string("not yet");
  };
  std::vector<std::vector<std::string>> given, taken, received, agreements;
  std::vector<std::uint64_t> indices;
  std::map<std::string, std::string> who;  // agreement hash → who put it into force
  for (const auto& item : checked.items) {
    if (item.origin != node_origin) continue;
    const auto json = parse_json(item.content);
    const Json* note = json ? find(*json, "note") : nullptr;
    if (note == nullptr) continue;
    const std::string hash(text(*note, "agreement_sha256")), person(text(*note, "by").empty() ? "the operator of " + by : std::string(text(*note, "by")));
    if (!hash.empty()) who[hash] = person;
    agreements.push_back({item.leaf.time.text(3), item.leaf.kind, hash.substr(0, 16), person, std::string(text(*note, "agreement").empty() ? text(*note, "reason") : text(*note, "agreement")), fmt::to_string(item.index)});
  }
  for (const auto& item : checked.items) {
    if (item.origin != pair_origin) continue;
    indices.push_back(item.index);
    const auto json = item.content.empty() ? Result<Json>(Json(JsonObject{})) : parse_json(item.content);
    const std::string object = item.content.empty() ? "erased with its salt" : json ? std::string(text(*json, "object")) : "";
    const std::string version = json ? std::string(text(*json, "version")) : "", hash = json ? std::string(text(*json, "sha256")) : "", agreement = json ? std::string(text(*json, "agreement")) : "";
    const std::vector<std::string> common = {item.leaf.time.text(3), object, version, hash.substr(0, 16)};
    const auto with = [&](std::vector<std::string> rest) {
      std::vector<std::string> row = common;
      row.insert(row.end(), rest.begin(), rest.end());
      return row;
    };
    if (item.leaf.kind == "release" || item.leaf.kind == "sealed-file") {
      const auto person = who.find(agreement);
      given.push_back(with({agreement.substr(0, 16), person == who.end() ? std::string(text(json ? *json : empty, "decided_by")) : "policy, by the agreement that " + person->second + " put into force", fmt::to_string(item.index), confirmed(item)}));
    } else if (item.leaf.kind == "withdrawal") {
      taken.push_back(with({fmt::to_string(item.index), confirmed(item)}));
    } else {
      received.push_back(with({item.leaf.kind, fmt::to_string(item.index), confirmed(item)}));
    }
  }
  std::ranges::sort(indices);
  bool whole = true;
  for (std::size_t i = 0; i < indices.size(); ++i) whole = whole && indices[i] == indices.front() + i;
  page.heading(2, "Given");
  page.paragraph(given.empty() ? "Nothing was given." : fmt::format("{} objects were given.", given.size()));
  if (!given.empty()) page.table({"When", "Object", "Version", "SHA-256 of the bytes", "Agreement", "Decided by", "Entry", "Confirmed"}, given);
  if (!taken.empty()) {
    page.heading(2, "Taken back");
    page.table({"When", "Object", "Version", "SHA-256", "Entry", "Confirmed"}, taken);
  }
  if (!received.empty()) {
    page.heading(2, "Received from it, and other entries");
    page.table({"When", "Object", "Version", "SHA-256", "Kind", "Entry", "Confirmed"}, received);
  }
  if (!agreements.empty()) {
    page.heading(2, "Agreements and decisions of people");
    page.table({"When", "What", "Agreement", "By", "Text", "Entry of the node log"}, agreements);
  }
  page.heading(2, "How this can be checked");
  page.paragraph(fmt::format("Every line above is an entry of a Merkle log (RFC 6962) of {}. Entries {} of the log of this pair are shown{}. The document beside this page holds, for each, the entry, its salt and content, and a proof "
                             "of inclusion under a signed checkpoint. \"bongsu verify\" checks them offline with the keys of both members, and so does any program that knows C2SP tlog-proof. \"Confirmed\" says when the partner's own node "
                             "cosigned a checkpoint that covers the entry: from then on neither side can deny it or change it.",
                             by, indices.empty() ? "none" : fmt::format("{} to {}", indices.front(), indices.back()), indices.empty() || whole ? ", without a gap" : ", with gaps"));
  return page.take();
}

}  // namespace bongsu::node
