#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/taxii/negotiation.h"
#include "api/taxii/taxii_test_support.h"
#include "crypto/secret.h"

namespace bongsu::api {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().text();
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::string replaced(std::string text, std::string_view from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

Json Answer::json() const {
  auto parsed = parse_json(body);
  EXPECT_TRUE(parsed) << body;
  return parsed ? std::move(*parsed) : Json();
}

std::string Answer::header(std::string_view name) const { return std::string(headers.get(name).value_or("(none)")); }

World::World(TaxiiOptions wanted) : options(std::move(wanted)) {
  journal = journal::make_memory_journal(clock, random);
  release = must(flow::Release::load(*journal, clock, *log));
  markings = must(flow::Markings::load(*journal));
  collections = must(flow::Collections::load(*journal));
  admission = std::make_unique<flow::Admission>(*journal, *release, *markings, *log);
  flow::Collection c;
  c.alias = "shared";
  c.title = "Shared";
  c.description = "What we share";
  shared = must(collections->add(c, random));
  c.alias = "other";
  c.title = "Other";
  other = must(collections->add(c, random));
  mirror = must(collections->mirror("cert-ee", "e5b2a5a4-5a2a-4a52-8a2a-5a2a5a2a5a2a", "theirs", "Theirs", "", random));

  policy.self = "cert-lt";
  policy.members["cert-ee"] = {};
  policy::Agreement agreement;
  agreement.partner = "cert-ee";
  agreement.collections = {shared.id};
  agreement.highest_tlp = stix::Tlp::kGreen;
  agreement.types = {"*"};
  agreement.valid_until = clock.now() + std::chrono::hours(24 * 365);
  policy.agreements["cert-ee"] = agreement;
  apply_policy();

  accounts = std::make_unique<identity::AccountBook>(clock, random);
  std::map<std::string, identity::Account> list;
  const auto account = [&](const std::string& name, const std::string& member, std::set<std::string> read,
                           std::set<std::string> write) -> identity::Account& {
    identity::Account& a = list[name];
    a.name = name;
    a.member = member;
    a.read = std::move(read);
    a.write = std::move(write);
    a.token_digests = {crypto::token_digest(name + "-token")};
    return a;
  };
  auto& writer = account("writer", "cert-lt", {"*"}, {"*"});
  static const std::string kHash = [] {
    SystemRandom entropy;
    return crypto::hash_password("pass:word", entropy);
  }();
  writer.password_hash = kHash;
  writer.certificate_fingerprints = {std::string(64, 'a')};
  account("reader", "cert-ee", {"*"}, {});
  account("second", "cert-ee", {"*"}, {});
  account("dropbox", "cert-ee", {}, {shared.id});
  account("stranger", "cert-xx", {"*"}, {});
  accounts->replace(std::move(list));
  restart();
}

void World::apply_policy() {
  const auto applied = release->apply(policy, {shared.id, other.id, mirror.id});
  ASSERT_TRUE(applied) << applied.error().text();
}

void World::restart() {
  server.reset();
  server =
      must(TaxiiServer::open({*journal, *release, *admission, *collections, *accounts, clock, random, *log}, options));
}

Answer World::send(net::Request request) {
  request.received = clock.now();
  auto response = server->handle(std::move(request));
  Answer answer{.status = response.status, .headers = std::move(response.headers), .body = {}};
  if (auto* text = std::get_if<std::string>(&response.body)) {
    answer.body = std::move(*text);
  } else {
    auto& source = std::get<std::unique_ptr<net::BodySource>>(response.body);
    for (;;) {
      const auto more = source->read(answer.body);
      answer.cut = !more;
      if (!more || !*more) break;
    }
  }
  return answer;
}

Answer World::raw(std::string text, const net::Peer& peer) {
  text = replaced(replaced(replaced(std::move(text), "$shared", shared.id), "$other", other.id), "$mirror", mirror.id);
  net::Request request;
  request.peer = peer;
  const auto end = text.find("\r\n\r\n");
  request.body = end == std::string::npos ? "" : text.substr(end + 4);
  const std::string head = text.substr(0, end) + "\r\n";
  const auto line = head.substr(0, head.find("\r\n"));
  request.method = line.substr(0, line.find(' '));
  std::string target = line.substr(request.method.size() + 1);
  target = target.substr(0, target.find(' '));
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (auto at = head.find("\r\n") + 2; at < head.size();) {
    const auto stop = head.find("\r\n", at);
    const auto colon = head.find(':', at);
    request.headers.add(head.substr(at, colon - at), head.substr(colon + 2, stop - colon - 2));
    at = stop + 2;
  }
  return send(std::move(request));
}

Answer World::get(std::string_view path, std::string_view account) {
  return raw(fmt::format("GET {} HTTP/1.1\r\nAccept: {}\r\nAuthorization: Bearer {}-token\r\n\r\n", path,
                         kTaxiiMediaType, account));
}

Answer World::remove(std::string_view path, std::string_view account) {
  return raw(fmt::format("DELETE {} HTTP/1.1\r\nAccept: {}\r\nAuthorization: Bearer {}-token\r\n\r\n", path,
                         kTaxiiMediaType, account));
}

Answer World::post(std::string_view body, std::string_view account, std::string_view collection) {
  return raw(
      fmt::format("POST /api1/collections/{}/objects/ HTTP/1.1\r\nAccept: {}\r\nContent-Type: {}\r\n"
                  "Authorization: Bearer {}-token\r\n\r\n{}",
                  collection, kTaxiiMediaType, kTaxiiMediaType, account, body));
}

void World::add(const std::vector<std::string>& list) {
  std::string body = R"({"objects":[)";
  for (const auto& object : list) body.append(&object == list.data() ? "" : ",").append(object);
  const Answer answer = post(body + "]}");
  ASSERT_EQ(answer.status, 202) << answer.body;
  ASSERT_EQ(int_at(answer.json(), "failure_count"), 0) << answer.body;
}

std::string World::objects(std::string_view rest) const {
  return fmt::format("/api1/collections/{}/objects/{}", shared.id, rest);
}

std::string indicator_id(int n) { return fmt::format("indicator--00000000-0000-4000-8000-{:012d}", n); }
std::string indicator_version(int version) { return fmt::format("2024-01-{:02d}T00:00:00.000Z", version); }

std::string indicator(int n, int version, std::string_view extra, std::string_view marking) {
  return fmt::format(
      R"({{"type":"indicator","spec_version":"2.1","id":"{}","created":"2024-01-01T00:00:00.000Z","modified":"{}",)"
      R"("pattern":"[domain-name:value = 'n{}.example']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z",)"
      R"("object_marking_refs":["{}"]{}}})",
      indicator_id(n), indicator_version(version), n, marking.empty() ? kTlpClear : marking, extra);
}

std::string address_id(int n) { return fmt::format("ipv4-addr--00000000-0000-4000-8000-{:012d}", n); }
std::string address(int n, std::string_view extra) {
  return fmt::format(
      R"({{"type":"ipv4-addr","spec_version":"2.1","id":"{}","value":"198.51.100.{}","object_marking_refs":["{}"]{}}})",
      address_id(n), n, kTlpClear, extra);
}

std::vector<std::string> ids_of(const Answer& answer) {
  std::vector<std::string> out;
  const Json json = answer.json();
  const Json* list = find(json, "objects");
  if (!list) return out;
  for (const Json& item : list->get_array()) out.emplace_back(string_at(item, "id").value_or("?"));
  return out;
}

}  // namespace bongsu::api
