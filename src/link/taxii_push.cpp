// Pushing: envelopes within the server's limits, and what became of each object (TAXII 2.1 §4.3, §5.5).
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "link/taxii_client.h"
#include "link/taxii_refusal.h"

namespace bongsu::link {

namespace {
constexpr std::size_t kEnvelopeBytes = 16;  // around the objects: {"objects":[]}
constexpr std::chrono::milliseconds kFirstPoll{500}, kLongestPoll{30'000};
}  // namespace

class TaxiiPush {
 public:
  TaxiiPush(TaxiiClient& client, const RemoteCollection& collection, const PushOptions& options,
            const TaxiiClient::OnFailure& on_failure)
      : client_(client), collection_(collection), options_(options), on_failure_(on_failure) {
    bytes_limit_ = options.batch_bytes;
    if (collection.max_content_length > 0) bytes_limit_ = std::min(bytes_limit_, collection.max_content_length);
  }

  std::uint64_t bytes_limit() const { return bytes_limit_; }
  PushReport report;

  // Sends the objects, in smaller lots where the server refuses the lot as a whole.
  Result<void> send(std::span<const std::string> objects) {
    if (objects.empty()) return {};
    if (size_of(objects) > bytes_limit_) return split(objects, "is larger than the server takes in one request");
    std::string body = R"({"objects":[)";
    for (std::size_t i = 0; i < objects.size(); ++i) body.append(i ? "," : "").append(objects[i]);
    body.append("]}");
    BONGSU_TRY(const auto response, client_.exchange("POST", collection_.url + "objects/", body));
    if (response.status == 413) {
      bytes_limit_ = std::max<std::uint64_t>(body.size() / 2, 1024);
      return split(objects, "is larger than the server takes in one request");
    }
    const auto json = parse_json(response.body);
    if (response.status == 400 || response.status == 422) {
      const auto why = json ? string_at(*json, "description") : std::nullopt;
      return split(objects, fmt::format("the server refused it ({}){}{}", response.status, why ? ": " : "",
                                        why ? why->substr(0, 300) : ""));
    }
    if (response.status != 200 && response.status != 201 && response.status != 202)
      return taxii_refusal(response, collection_.url);
    report.sent += objects.size();
    if (!json || !json->is_object()) {  // accepted, but no word about the objects
      report.pending += objects.size();
      return {};
    }
    return settle(*json, objects.size());
  }

 private:
  static std::uint64_t size_of(std::span<const std::string> objects) {
    std::uint64_t total = kEnvelopeBytes;
    for (const auto& object : objects) total += object.size() + 1;
    return total;
  }

  Result<void> split(std::span<const std::string> objects, const std::string& why) {
    if (objects.size() > 1) {
      BONGSU_TRY_VOID(send(objects.first(objects.size() / 2)));
      return send(objects.subspan(objects.size() / 2));
    }
    const auto json = parse_json(objects.front());
    const auto text = [&](std::string_view key) { return std::string(json ? string_at(*json, key).value_or("") : ""); };
    ++report.sent;
    ++report.refused;
    on_failure_({.id = text("id"), .version = text("modified"), .message = why});
    return {};
  }

  // Asks until the status is complete, then counts.
  Result<void> settle(Json status, std::size_t objects) {
    const auto began = client_.clock_.monotonic();
    auto wait = kFirstPoll;
    while (string_at(status, "status") == "pending" && client_.clock_.monotonic() - began < options_.status_deadline) {
      const auto id = string_at(status, "id");
      if (!id) break;
      const std::string url = collection_.root_url + "status/" + net::percent_encode(*id) + "/";
      BONGSU_TRY_VOID(client_.sleeper_.sleep(wait));
      wait = std::min(wait * 2, kLongestPoll);
      auto answer = client_.get_json(url);
      if (!answer && answer.error().code == ErrorCode::kNotFound) break;  // forgotten: what we know stays
      if (!answer) return std::unexpected(std::move(answer).error());
      status = std::move(*answer);
    }
    const auto count = [&](std::string_view key) {
      const auto value = int_at(status, key).value_or(0);
      return std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)), objects);
    };
    const std::uint64_t refused = count("failure_count");
    const std::uint64_t accepted = std::min(count("success_count"), objects - refused);
    report.accepted += accepted;
    report.refused += refused;
    report.pending += objects - accepted - refused;
    tell_failures(status, refused);
    return {};
  }

  void tell_failures(const Json& status, std::uint64_t refused) {
    std::uint64_t told = 0;
    if (const Json* list = find(status, "failures"); list && list->is_array())
      for (const Json& item : list->get_array()) {
        if (told == refused) break;
        ++told;
        on_failure_({.id = std::string(string_at(item, "id").value_or("")),
                     .version = std::string(string_at(item, "version").value_or("")),
                     .message = std::string(string_at(item, "message").value_or("the server gave no reason"))});
      }
    for (; told < refused; ++told)
      on_failure_({.id = {}, .version = {}, .message = "the server did not say which object and why"});
  }

  TaxiiClient& client_;
  const RemoteCollection& collection_;
  const PushOptions& options_;
  const TaxiiClient::OnFailure& on_failure_;
  std::uint64_t bytes_limit_ = 0;
};

PushReport TaxiiClient::push(const RemoteCollection& collection, const PushOptions& options,
                             const NextObject& next_object, const OnFailure& on_failure,
                             const OnProgress& on_progress) {
  TaxiiPush push(*this, collection, options, on_failure);
  std::vector<std::string> lot;
  std::uint64_t bytes = kEnvelopeBytes;
  const auto send = [&]() -> Result<void> {
    BONGSU_TRY_VOID(push.send(lot));
    lot.clear();
    bytes = kEnvelopeBytes;
    on_progress(push.report);
    return {};
  };
  const auto run = [&]() -> Result<void> {
    for (;;) {
      BONGSU_TRY(auto object, next_object());
      if (!object) return send();
      if (!lot.empty() && (bytes + object->size() + 1 > push.bytes_limit() || lot.size() >= options.batch_objects))
        BONGSU_TRY_VOID(send());
      bytes += object->size() + 1;
      lot.push_back(std::move(*object));
    }
  };
  if (auto done = run(); !done) push.report.trouble = std::move(done).error();
  return push.report;
}

}  // namespace bongsu::link
