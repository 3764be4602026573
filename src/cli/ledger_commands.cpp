#include "cli/ledger_commands.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "cli/ask.h"
#include "ledger/evidence.h"
#include "net/http.h"
#include "node/data_dir.h"
#include "node/ledger_report.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;

int write_out(const Common& common, const std::string& out, std::string_view content) {
  if (out == "-") {
    std::fwrite(content.data(), 1, content.size(), stdout);
    return kExitOk;
  }
  if (auto written = node::write_file_atomically(out, content); !written) return report(written.error(), common.json);
  hint(fmt::format("Written to {}.", out));
  return kExitOk;
}

std::vector<ledger::VerifierKey> keys_of(const Json& document) {
  std::vector<ledger::VerifierKey> keys;
  if (const Json* list = find(document, "keys"); list != nullptr && list->is_array())
    for (const auto& item : list->as_array())
      if (auto key = item.is_string() ? ledger::VerifierKey::parse(std::string_view(item.as_string())) : Result<ledger::VerifierKey>(fail(ErrorCode::kInvalid, ""))) keys.push_back(std::move(*key));
  return keys;
}

// One key a line; empty lines and lines that begin with '#' are passed over.
Result<void> read_keys(std::string_view text, const std::string& source, std::vector<ledger::VerifierKey>& keys) {
  std::istringstream in{std::string(text)};
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line.starts_with('#')) continue;
    auto key = ledger::VerifierKey::parse(line);
    if (!key) {
      key.error().where = {.source = source, .line = number};
      return std::unexpected(key.error());
    }
    keys.push_back(std::move(*key));
  }
  return {};
}

std::string signers(const std::vector<ledger::Signed>& by) {
  std::string out;
  for (const auto& s : by) {
    out += (out.empty() ? "" : ", ") + s.name;
    if (s.type == ledger::SignatureType::kCosignature) out += " (cosigned " + Instant{.seconds = static_cast<std::int64_t>(s.time), .nanos = 0}.text(0) + ")";
  }
  return out;
}

struct Outcome {
  bool good = false;
  JsonObject json;
  std::vector<std::string> lines;
};

Outcome show_evidence(const std::string& file, const ledger::Checked& checked) {
  Outcome outcome{.good = checked.good(), .json = {{"file", file}, {"verified", checked.good()}, {"items", checked.items.size()}, {"consistent", checked.consistent}}, .lines = {}};
  struct Part {
    std::set<std::uint64_t> indices;
    std::set<std::string> by;
  };
  std::map<std::string, Part> logs;
  for (const auto& item : checked.items) {
    logs[item.origin].indices.insert(item.index);
    for (const auto& s : item.by) logs[item.origin].by.insert(s.name);
  }
  JsonArray parts, problems;
  for (const auto& [origin, part] : logs) {
    const std::uint64_t first = *part.indices.begin(), last = *part.indices.rbegin();
    const bool whole = last - first + 1 == part.indices.size();
    std::string names;
    for (const auto& name : part.by) names += (names.empty() ? "" : ", ") + name;
    outcome.lines.push_back(fmt::format("{}: {} entries of {} are in the log ({} to {}{}), signed by {}", file, part.indices.size(), origin, first, last, whole ? ", without a gap" : "", names));
    parts.push_back(JsonObject{{"origin", origin}, {"entries", part.indices.size()}, {"first", first}, {"last", last}, {"without_gap", whole}, {"signed_by", names}});
  }
  if (checked.consistent > 0) outcome.lines.push_back(fmt::format("{}: {} pairs of checkpoints continue each other", file, checked.consistent));
  for (const auto& problem : checked.problems) {
    outcome.lines.push_back(fmt::format("{}: NOT VERIFIED: {}", file, problem));
    problems.emplace_back(problem);
  }
  if (checked.items.empty() && checked.consistent == 0 && checked.problems.empty()) outcome.lines.push_back(file + ": NOT VERIFIED: the document shows nothing");
  outcome.json["logs"] = std::move(parts);
  outcome.json["problems"] = std::move(problems);
  return outcome;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kIo, "cannot be read", {.source = path});
  std::error_code ec;
  if (const auto size = fs::file_size(path, ec); !ec && size > ledger::kMaxEvidenceBytes) return fail(ErrorCode::kTooLarge, fmt::format("evidence has at most {} MiB", ledger::kMaxEvidenceBytes >> 20), {.source = path});
  std::stringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

Error no_report(const std::string& file) {
  return {
      .code = ErrorCode::kInvalid,
      .message = "is no report, which alone --print makes words of (\"bongsu ledger report --form json\" writes one)",
      .where = {.source = file}};
}

}  // namespace

int run_ledger_status(const Common& common) {
  return ask(common, "GET", "/ledger", nullptr, [](const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    if (const Json* logs = find(answer, "logs"); logs != nullptr && logs->is_array())
      for (const auto& log : logs->as_array())
        rows.push_back({text_of(log, "log"), fmt::to_string(int_at(log, "entries").value_or(0)), fmt::to_string(int_at(log, "cosigned").value_or(0)), text_of(log, "root")});
    print_table({"LOG", "ENTRIES", "COSIGNED", "ROOT"}, rows);
  });
}

int run_ledger_keys(const Common& common) {
  return ask(common, "GET", "/ledger/keys", nullptr, [](const Json& answer) {
    for (const auto& key : keys_of(answer)) say(key.text());
  });
}

int run_ledger_proof(const Common& common, const LedgerProofCommand& command) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  const std::string path = !command.object.empty() ? "/ledger/proof?object=" + net::percent_encode(command.object)
                                                   : fmt::format("/ledger/proof?log={}&index={}&count={}", net::percent_encode(command.log), net::percent_encode(command.index), net::percent_encode(command.count));
  const auto document = client->call("GET", path);
  if (!document) return report(document.error(), common.json);
  return write_out(common, command.out, to_pretty_text(*document) + "\n");
}

int run_ledger_verify(const Common& common) {
  return ask(common, "POST", "/ledger/verify", JsonObject{}, [](const Json& answer) {
    if (const Json* logs = find(answer, "verified"); logs != nullptr && logs->is_array())
      for (const auto& log : logs->as_array()) say(fmt::format("{}: {} entries, every hash and opening verified", text_of(log, "log"), int_at(log, "entries").value_or(0)));
  });
}

int run_ledger_report(const Common& common, const LedgerReportCommand& command) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  const auto document = client->call("GET", fmt::format("/ledger/report?member={}&from={}&until={}", net::percent_encode(command.member), net::percent_encode(command.from), net::percent_encode(command.until)));
  if (!document) return report(document.error(), common.json);
  if (command.form == "json" || common.json) return write_out(common, command.out, to_pretty_text(*document) + "\n");
  // Read out of what verifies, with the keys that this node has pinned.
  const auto keys = client->call("GET", "/ledger/keys");
  if (!keys) return report(keys.error(), common.json);
  const auto checked = ledger::check_evidence(*document, keys_of(*keys));
  if (!checked) return report(checked.error(), common.json);
  const int written = write_out(common, command.out, node::render_report(*document, *checked, command.form == "html" ? node::ReportForm::kHtml : node::ReportForm::kMarkdown));
  return written != kExitOk ? written : checked->problems.empty() ? kExitOk : kExitNo;
}

int run_verify_files(const Common& common, const VerifyCommand& command) {
  std::vector<ledger::VerifierKey> trusted;
  for (const auto& text : command.keys)
    if (auto read = read_keys(text, "--key", trusted); !read) return report(read.error(), common.json);
  for (const auto& file : command.key_files) {
    const auto text = read_file(file);
    if (!text) return report(text.error(), common.json);
    if (auto read = read_keys(*text, file, trusted); !read) return report(read.error(), common.json);
  }
  if (trusted.empty())
    return report({.code = ErrorCode::kInvalid, .message = "say whose keys you trust: --key or --keys FILE (what \"bongsu ledger keys\" prints at the members). The keys in a document are trusted by nobody"}, common.json);
  bool good = true;
  JsonArray out;
  for (const auto& file : command.files) {
    Outcome outcome;
    std::error_code ec;
    if (fs::is_directory(file, ec)) {
      if (!command.form.empty()) return report(no_report(file), common.json);
      const auto files = ledger::read_directory(file);
      std::vector<ledger::Signed> by;
      if (const auto head = ledger::check_tiles(*files, trusted, &by)) {
        outcome = {.good = true, .json = {{"file", file}, {"verified", true}, {"origin", head->origin}, {"entries", head->size}, {"signed_by", signers(by)}},
                   .lines = {fmt::format("{}: {} entries of {} have the root that was signed by {}", file, head->size, head->origin, signers(by))}};
      } else if (head.error().code == ErrorCode::kIo) {
        return report(head.error(), common.json);
      } else {
        outcome = {.good = false, .json = {{"file", file}, {"verified", false}, {"problems", JsonArray{Json(head.error().text())}}}, .lines = {fmt::format("{}: NOT VERIFIED: {}", file, head.error().text())}};
      }
    } else {
      const auto text = read_file(file);
      if (!text) return report(text.error(), common.json);
      auto json = parse_json(*text);
      if (!json) {
        json.error().where.source = file;
        return report(json.error(), common.json);
      }
      if (!command.form.empty() && find(*json, "report") == nullptr) return report(no_report(file), common.json);
      const auto checked = ledger::check_evidence(*json, trusted, command.witnesses);
      if (!checked) {
        Error error = checked.error();
        error.where.source = file;
        return report(error, common.json);
      }
      outcome = show_evidence(file, *checked);
      if (!command.form.empty() && !common.json) say(node::render_report(*json, *checked, command.form == "html" ? node::ReportForm::kHtml : node::ReportForm::kMarkdown));
    }
    good = good && outcome.good;
    out.push_back(std::move(outcome.json));
    if (!common.json && command.form.empty())
      for (const auto& line : outcome.lines) say(line);
  }
  if (common.json) print_json(JsonObject{{"verified", good}, {"files", std::move(out)}});
  return good ? kExitOk : kExitNo;
}

}  // namespace bongsu::cli
