#include "api/taxii/status_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/json.h"

namespace bongsu::api {
namespace {

constexpr const char* kBodies = "taxii.status";
constexpr const char* kIndex = "taxii.status.index";  // small, so that a start does not read every body

void append_details(std::string& out, std::string_view name, const std::vector<StatusDetail>& details) {
  if (details.empty()) return;  // TAXII 2.1 §2: no empty lists
  out.append(",\"").append(name).append("\":[");
  const char* separator = "";
  for (const auto& detail : details) {
    out.append(separator).append("{\"id\":");
    append_json_string(out, detail.id);
    out.append(",\"version\":");
    append_json_string(out, detail.version);
    if (!detail.message.empty()) {
      out.append(",\"message\":");
      append_json_string(out, detail.message);
    }
    out.push_back('}');
    separator = ",";
  }
  out.push_back(']');
}

}  // namespace

std::string Status::json() const {
  std::string out;
  out.reserve(256 + (successes.size() + failures.size()) * 120);
  fmt::format_to(std::back_inserter(out),
                 R"({{"id":"{}","status":"complete","request_timestamp":"{}","total_count":{},"success_count":{})", id,
                 requested.text(6), successes.size() + failures.size(), successes.size());
  append_details(out, "successes", successes);
  fmt::format_to(std::back_inserter(out), R"(,"failure_count":{})", failures.size());
  append_details(out, "failures", failures);
  out.append(R"(,"pending_count":0})");
  return out;
}

std::string StatusBook::Kept::index_key() const { return fmt::format("{:020}-{}", added_us, id); }

void StatusBook::keep(const std::string& owner, Kept kept) {
  owner_of_[kept.id] = owner;
  Account& account = accounts_[owner];
  account.bytes += kept.bytes;
  account.kept.push_back(std::move(kept));
}

Result<std::unique_ptr<StatusBook>> StatusBook::load(journal::Journal& journal, Log& log) {
  auto book = std::unique_ptr<StatusBook>(new StatusBook(journal, log));
  BONGSU_TRY(const auto rows, journal.states(kIndex));  // by key: oldest first
  for (const auto& [key, value] : rows) {
    const auto json = parse_json(value);
    const auto owner = json ? string_at(*json, "owner") : std::nullopt;
    const auto bytes = json ? int_at(*json, "bytes") : std::nullopt;
    const auto added = json ? int_at(*json, "added_us") : std::nullopt;
    if (!owner || !bytes || !added || *bytes < 0 || key.size() < 22)
      return fail(ErrorCode::kCorrupt, "the index of status resources is damaged", {.source = kIndex, .field = key});
    book->keep(std::string(*owner),
               {.id = key.substr(21), .added_us = *added, .bytes = static_cast<std::uint64_t>(*bytes)});
  }
  book->thread_ = std::thread([raw = book.get()] { raw->write(); });
  return book;
}

StatusBook::~StatusBook() { close(); }

void StatusBook::close() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void StatusBook::write() {
  constexpr auto kBeforeTryingAgain = std::chrono::milliseconds(500);
  bool again = false;  // what is written now failed once
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !next_.states.empty(); });
    if (next_.states.empty()) return;  // stopping, and all is written
    journal::Batch batch = std::exchange(next_, {});
    lock.unlock();
    const auto done = journal_.append(batch);
    lock.lock();
    if (!done && !again) {
      again = true;
      std::ranges::move(next_.states, std::back_inserter(batch.states));
      next_ = std::move(batch);
      wake_.wait_for(lock, kBeforeTryingAgain, [&] { return stopping_; });
      continue;
    }
    again = false;
    // The clients have their answers: what is lost is only that they may ask again.
    if (!done) log_.warn("taxii.statuses_not_kept", {{"error", done.error().text()}});
    for (const auto& change : batch.states) {
      const auto at = change.space == kBodies ? unwritten_.find(change.key) : unwritten_.end();
      if (at == unwritten_.end() || !change.value) continue;
      unwritten_bytes_ -= at->second.size();
      unwritten_.erase(at);
    }
    written_.notify_all();
  }
}

void StatusBook::add(std::string_view owner, std::string_view id, const std::string& body, Instant now) {
  Kept kept{.id = std::string(id), .added_us = now.micros(), .bytes = body.size()};
  JsonObject row;
  row["owner"] = owner;
  row["bytes"] = body.size();
  row["added_us"] = kept.added_us;
  {
    std::unique_lock lock(mutex_);
    const bool room = written_.wait_for(lock, kStatusPatience, [&] {
      return unwritten_.empty() ||
             (unwritten_.size() < kMaxUnwrittenStatuses && unwritten_bytes_ + body.size() <= kMaxUnwrittenStatusBytes);
    });
    if (!room || stopping_) {
      log_.warn("taxii.status_not_kept", {{"id", id}});
      return;
    }
    if (unwritten_.emplace(kept.id, body).second) unwritten_bytes_ += body.size();
    next_.states.push_back({.space = kBodies, .key = kept.id, .value = body});
    next_.states.push_back({.space = kIndex, .key = kept.index_key(), .value = to_text(row)});
    const std::string name(owner);
    keep(name, std::move(kept));
    Account& account = accounts_[name];
    const std::int64_t oldest = (now - kKeepStatus).micros();
    while (account.kept.size() > 1 &&
           (account.kept.size() > kMaxStatusesPerAccount || account.bytes > kMaxStatusBytesPerAccount ||
            account.kept.front().added_us < oldest)) {
      const Kept& gone = account.kept.front();
      next_.states.push_back({.space = kBodies, .key = gone.id, .value = std::nullopt});
      next_.states.push_back({.space = kIndex, .key = gone.index_key(), .value = std::nullopt});
      owner_of_.erase(gone.id);
      account.bytes -= gone.bytes;
      account.kept.pop_front();
    }
  }
  wake_.notify_one();
}

Result<std::string> StatusBook::get(std::string_view owner, std::string_view id) const {
  const auto missing = [] { return fail(ErrorCode::kNotFound, "there is no such status"); };
  {
    const std::lock_guard lock(mutex_);
    const auto found = owner_of_.find(id);
    if (found == owner_of_.end() || found->second != owner) return missing();
    if (const auto fresh = unwritten_.find(id); fresh != unwritten_.end()) return fresh->second;
  }
  BONGSU_TRY(auto body, journal_.state(kBodies, id));
  if (!body) return missing();
  return std::move(*body);
}

}  // namespace bongsu::api
