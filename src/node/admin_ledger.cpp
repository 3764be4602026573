// The ledger on the admin socket: what there is, proofs, the report, and checking all of it.
#include <fmt/format.h>

#include <charconv>

#include "base/bytes.h"

#include "node/admin_api.h"
#include "node/ledger_desk.h"
#include "node/ledger_report.h"

namespace bongsu::node {
namespace {

constexpr std::size_t kMaxProofItems = 10'000;

net::Response answer(const Json& value) { return net::Response::json(200, to_text(value)); }

Result<std::optional<Instant>> time_at(const std::map<std::string, std::string>& query, const std::string& key) {
  const auto at = query.find(key);
  if (at == query.end() || at->second.empty()) return std::nullopt;
  const auto time = Instant::parse(at->second);
  if (!time) return fail(ErrorCode::kInvalid, "is no time; write it as 2026-11-26T00:00:00Z", {.field = key});
  return *time;
}

}  // namespace

Result<ledger::Ledger*> AdminApi::own_ledger() {
  if (!core_.ledger) return fail(ErrorCode::kCorrupt, "the ledger cannot be used: " + core_.ledger_problem);
  if (hooks_.follow_ledger) {
    BONGSU_TRY_VOID(hooks_.follow_ledger());
  } else {
    LedgerFeed feed(ledger_feed_deps(core_));
    BONGSU_TRY_VOID(feed.catch_up());
  }
  return core_.ledger.get();
}

AdminApi::Answer AdminApi::ledger(const Call& call) {
  BONGSU_TRY(const ledger::Ledger* ledger, own_ledger());
  const ledger::Store& store = ledger->store();
  const std::string what = call.rest.empty() ? "" : call.rest[0];
  const auto parameter = [&](const char* name) {
    const auto at = call.query.find(name);
    return at == call.query.end() ? std::string() : at->second;
  };
  if (what == "report") {
    ReportRequest request{.member = parameter("member"), .from = {}, .until = {}};
    BONGSU_TRY(request.from, time_at(call.query, "from"));
    BONGSU_TRY(request.until, time_at(call.query, "until"));
    BONGSU_TRY(JsonObject report, make_report(core_, request));
    return answer(report);
  }
  if (what == "proof") {
    JsonArray items;
    if (const std::string object = parameter("object"); !object.empty()) {
      Error failed;
      bool good = true;
      for (const auto& log : store.logs()) {
        BONGSU_TRY_VOID(store.visit(log, 0, ~std::uint64_t{0}, [&](std::uint64_t index, const std::string&, const ledger::Opening& opening) {
          if (opening.subject != object) return true;
          auto item = items.size() < kMaxProofItems ? ledger::evidence_item(store, log, index) : Result<JsonObject>(fail(ErrorCode::kTooLarge, fmt::format("more than {} entries are about it", kMaxProofItems)));
          good = item.has_value();
          if (good) items.push_back(std::move(*item));
          else failed = item.error();
          return good;
        }));
        if (!good) return std::unexpected(failed);
      }
      if (items.empty()) return fail(ErrorCode::kNotFound, "no entry of the ledger is about it", {.field = "object"});
    } else {
      const std::string index = parameter("index");
      std::uint64_t number = 0;
      const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), number);
      if (error != std::errc{} || end != index.data() + index.size()) return fail(ErrorCode::kInvalid, "is the number of an entry", {.field = "index"});
      const std::string log = parameter("log"), many = parameter("count");
      std::uint64_t count = 1;
      if (!many.empty()) {
        const auto [stop, wrong] = std::from_chars(many.data(), many.data() + many.size(), count);
        if (wrong != std::errc{} || stop != many.data() + many.size() || count == 0 || count > kMaxProofItems)
          return fail(ErrorCode::kInvalid, fmt::format("is a number from 1 to {}", kMaxProofItems), {.field = "count"});
      }
      const auto head = store.head(log);
      for (std::uint64_t at = number; at == number || (head && at < head->size && at - number < count); ++at) {
        BONGSU_TRY(auto item, ledger::evidence_item(store, log, at));
        items.push_back(std::move(item));
      }
    }
    return answer(ledger::evidence_document(std::move(items), {}, ledger_keys(core_)));
  }
  JsonArray keys, logs;
  for (const auto& key : ledger_keys(core_)) keys.emplace_back(key.text());
  if (what == "keys") return answer(JsonObject{{"keys", std::move(keys)}});
  if (!what.empty()) return fail(ErrorCode::kNotFound, "no such path");
  for (const auto& log : store.logs()) {
    const auto head = store.head(log);
    if (!head) continue;
    const auto cosigned = store.cosigned(log);
    const auto seen = cosigned ? ledger::Checkpoint::parse(cosigned->text) : Result<ledger::Checkpoint>(fail(ErrorCode::kNotFound, ""));
    logs.push_back(JsonObject{{"log", log}, {"origin", ledger::origin_of(core_.config.member, log)}, {"entries", head->size}, {"root", to_hex(head->root)}, {"cosigned", seen ? seen->size : 0}});
  }
  return answer(JsonObject{{"logs", std::move(logs)}, {"keys", std::move(keys)}});
}

AdminApi::Answer AdminApi::verify_ledger(const Call& call) {
  if (call.rest.size() != 1 || call.rest[0] != "verify") return fail(ErrorCode::kNotFound, "no such path");
  BONGSU_TRY(const ledger::Ledger* ledger, own_ledger());
  JsonArray logs;
  for (const auto& log : ledger->store().logs()) {
    const auto head = ledger->store().head(log);
    if (!head) continue;
    BONGSU_TRY_VOID(ledger->store().verify(log));
    logs.push_back(JsonObject{{"log", log}, {"entries", head->size}});
  }
  return answer(JsonObject{{"verified", std::move(logs)}});
}

}  // namespace bongsu::node
