// A node without sockets for tests of links: journal in memory, flow, and a wire that can be cut at any byte.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "flow/admit.h"
#include "flow/collections.h"
#include "flow/flow_test_support.h"
#include "flow/markings.h"
#include "flow/release.h"
#include "journal/journal.h"
#include "link/applier.h"
#include "link/consumer.h"
#include "link/partners.h"
#include "link/tail_server.h"

namespace bongsu::link::test {

inline std::string ca_of(std::string_view member) { return fmt::format("{:064x}", hash64(member)); }

// What a tail's stream says.
inline std::vector<TailItem> items_of(const std::string& stream) {
  std::vector<TailItem> out;
  SseParser parser;
  EXPECT_TRUE(parser.feed(stream, [&](SseEvent& event) {
    auto item = parse_tail_event(event);
    EXPECT_TRUE(item) << item.error().text();
    if (item && *item) out.push_back(std::move(**item));
    return true;
  }));
  return out;
}

struct Node {
  Node(std::string member, FakeClock& c, Random& r, std::uint64_t = 0)
      : self(std::move(member)), clock(c), random(r), log(make_null_log()),
        journal(std::make_unique<flow::test::FaultyJournal>(journal::make_memory_journal(c, r))) {
    release = std::move(flow::Release::load(*journal, clock, *log).value());
    markings = std::move(flow::Markings::load(*journal).value());
    collections = std::move(flow::Collections::load(*journal).value());
    admission = std::make_unique<flow::Admission>(*journal, *release, *markings, *log);
  }

  std::string add_collection(const std::string& alias) { return collections->add({.alias = alias, .title = alias}, random)->id; }

  // One agreement for each partner over `collections`; empty = none.
  void agree(const std::map<std::string, std::vector<std::string>>& partners, stix::Tlp highest = stix::Tlp::kGreen,
             const std::set<std::string>& stopped = {}) {
    policy::PolicyState state{.self = self};
    for (const auto& [member, ids] : partners) {
      state.members[member] = {.stopped = stopped.contains(member)};
      if (!ids.empty())
        state.agreements[member] = {.partner = member,
                                    .collections = ids,
                                    .highest_tlp = highest,
                                    .types = {"*"},
                                    .valid_until = clock.now() + std::chrono::hours(1000)};
    }
    std::vector<std::string> all;
    for (const auto& c : collections->list()) all.push_back(c.id);
    ASSERT_TRUE(release->apply(std::move(state), all));
  }

  void publish(const std::string& collection, const std::vector<std::string>& texts) {
    std::vector<Result<stix::Object>> objects;
    for (const auto& text : texts) objects.push_back(stix::Object::parse(text));
    const auto report = admission->admit(objects, {.collection = collection, .origin = self, .fallback = stix::Tlp::kGreen});
    ASSERT_TRUE(report) << report.error().text();
    ASSERT_EQ(report->admitted, texts.size()) << report->items[0].message;
    clock.advance(std::chrono::microseconds(10));
  }

  // Payloads of the objects in a collection, in order of entry.
  std::vector<std::string> contents(const std::string& collection) {
    std::vector<std::string> out;
    const auto snapshot = journal->snapshot();
    journal::Seq after = 0;
    while (true) {
      const auto page = snapshot->collection_entries(collection, after, 1000);
      if (!page || page->empty()) return out;
      for (const auto& entry : *page) {
        out.push_back(snapshot->payload(entry.seq).value_or("<gone>"));
        after = entry.seq;
      }
    }
  }

  std::string self;
  FakeClock& clock;
  Random& random;
  std::unique_ptr<Log> log;
  std::unique_ptr<flow::test::FaultyJournal> journal;
  std::unique_ptr<flow::Release> release;
  std::unique_ptr<flow::Markings> markings;
  std::unique_ptr<flow::Collections> collections;
  std::unique_ptr<flow::Admission> admission;
};

inline std::string indicator(unsigned number, std::string_view marking = "", std::string_view name = "n") {
  return fmt::format(
      "{{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--{:08x}-1111-4111-8111-111111111111\","
      "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"{}\",{}"
      "\"pattern\":\"[domain-name:value = 'a{}.example']\",\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\"}}",
      number, name, marking.empty() ? "" : fmt::format("\"object_marking_refs\":[\"{}\"],", marking), number);
}

inline std::string marking(stix::Tlp level) { return stix::tlp_marking_id(level).text(); }

// The producing side with its gate and the members it knows.
struct Producer {
  explicit Producer(Node& n, TailServerOptions options = {}) : node(n), gate(make_release_gate(*n.release, *n.collections)) {
    options.self = n.self;
    options.cursor_secret = *load_cursor_secret(*n.journal, n.random);
    tails = std::make_unique<TailServer>(
        *n.journal, *gate,
        [](const net::Peer& peer) -> std::optional<std::string> {
          for (const char* m : {"cert-lt", "cert-ua", "cert-kr"})
            if (peer.issuer_fingerprint == ca_of(m)) return m;
          return std::nullopt;
        },
        std::move(options), *n.log);
  }

  net::Response get(const std::string& member, std::string target, const net::Headers& headers = {}) {
    net::Request request{.method = "GET"};
    const auto question = target.find('?');
    if (question != std::string::npos) {
      request.query = target.substr(question + 1);
      target.resize(question);
    }
    request.path = target;
    request.headers = headers;
    request.peer.issuer_fingerprint = request.peer.certificate_fingerprint = ca_of(member);
    return tails->handle(std::move(request));
  }

  Node& node;
  std::unique_ptr<TailGate> gate;
  std::unique_ptr<TailServer> tails;
};

// An open response, read as a socket would read it.
class Wire {
 public:
  explicit Wire(net::Response response) : response_(std::move(response)) {
    if (auto* tail = std::get_if<std::unique_ptr<net::TailSource>>(&response_.body)) (*tail)->on_ready([this] { woken_ = true; });
  }
  const net::Response& head() const { return response_; }
  bool woken() { return std::exchange(woken_, false); }
  bool ended() const { return ended_; }
  // What the source has to say now.
  std::string pull(bool heartbeat = false) {
    std::string out;
    const auto going = try_pull(out, heartbeat);
    EXPECT_TRUE(going) << going.error().text();
    return out;
  }
  Result<bool> try_pull(std::string& out, bool heartbeat = false) {
    auto* tail = std::get_if<std::unique_ptr<net::TailSource>>(&response_.body);
    if (!tail || ended_) return false;
    auto going = (*tail)->pull(out, heartbeat);
    if (!going || !*going) ended_ = true;
    return going;
  }
  // Everything until it is silent.
  std::string drain() {
    std::string out;
    while (true) {
      const std::string piece = pull();
      out += piece;
      if (ended_ || (piece.empty() && !woken())) return out;
    }
  }

 private:
  net::Response response_;
  bool woken_ = false, ended_ = false;
};

}  // namespace bongsu::link::test
