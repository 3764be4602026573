#include "world.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "crypto/origin.h"

namespace bongsu::simulation {
namespace {

constexpr std::int64_t kLookAgainUs = 20'000'000;  // how often a follower asks what is offered
constexpr int kMaxPulls = 64;                      // of one pump
constexpr std::int64_t kRequestsBeforeACut = 8;    // halves of requests
constexpr std::size_t kClearTokenLetters = 22;     // of `next`: base64url of form, position and most of the date

}  // namespace

SimNode& World::add(const std::string& member, std::chrono::nanoseconds skew, const NodeOptions& options) {
  return *(nodes_[member] = std::make_unique<SimNode>(member, now_, skew, options));
}

std::vector<std::string> World::members() const {
  std::vector<std::string> out;
  for (const auto& [member, _] : nodes_) out.push_back(member);
  return out;
}

void World::step(std::int64_t at_us, std::string_view key) {
  now_ = start_ + std::chrono::microseconds(at_us);
  for (auto& [_, node] : nodes_) node->at(now_, hash64(key));
}

bool World::reachable(const std::string& a, const std::string& b) const {
  return nodes_.at(a)->up() && nodes_.at(b)->up() && !apart_.contains({std::min(a, b), std::max(a, b)});
}

void World::drop(Pair& pair, bool restart) {
  for (auto& [_, link] : pair.links) {
    const bool was = link.tail != nullptr;
    link.tail.reset();
    link.in_flight.clear();
    link.ended = false;
    if (was && !restart) {
      const Error error{ErrorCode::kIo, "the connection was cut", {}};
      link.follower->ended(&error);
    }
  }
  if (restart) pair.links.clear();
}

void World::partition(const std::string& a, const std::string& b, bool apart) {
  if (apart)
    apart_.insert({std::min(a, b), std::max(a, b)});
  else
    apart_.erase({std::min(a, b), std::max(a, b)});
}

void World::crash(const std::string& member) {
  for (auto& [ends, pair] : pairs_) {
    if (ends.first == member)
      drop(pair, true);  // cursors that were not written are lost with the process
    else if (ends.second == member)
      drop(pair, false);
  }
  for (auto& [ends, pair] : pairs_) pair.next_look_us = 0;
  nodes_.at(member)->crash();
}

void World::start(const std::string& member) { nodes_.at(member)->start(); }

void World::follow_ledgers() {
  for (auto& [_, node] : nodes_)
    if (node->up()) node->follow_ledger();
}

void World::cosign(const std::string& member) {
  nodes_.at(member)->cosign([&](const std::string& to, const std::string& body) -> std::optional<Answer> {
    if (!has(to) || !reachable(member, to)) return std::nullopt;
    hear(to, fmt::format("{} shows its log: {}", member, body));
    Answer answer =
        nodes_.at(to)->ledger({.method = "POST", .path = "/link/v1/ledger/add-checkpoint", .body = body}, member);
    hear(member, fmt::format("{} answers the log: {}", to, answer.text()));
    return answer;
  });
}

void World::forge(const std::string& consumer, const std::string& producer, Forge forge) {
  pairs_[{consumer, producer}].forge = std::move(forge);
}

void World::connect(const std::string& consumer, const std::string& producer, Link& link) {
  const auto wait = link.follower->wait();
  auto request = link.follower->request();
  std::string asked = fmt::format("{} asks {}: {}", consumer, producer, request.path);
  for (const auto& [name, value] : request.headers) asked += fmt::format("\n{}: {}", name, value);
  hear(producer, asked);
  Answer answer = nodes_.at(producer)->link(std::move(request), consumer);
  hear(consumer, fmt::format("{} answers {}", producer, answer.text()));
  link.next_try_us = now_us() + wait.count() * 1000;
  if (const auto accepted = link.follower->head(answer.status, answer.headers); !accepted) {
    link.follower->ended(&accepted.error());
    return;
  }
  if (!answer.tail) {
    link.follower->ended(nullptr);
    return;
  }
  link.tail = std::move(answer.tail);
  link.ended = false;
}

namespace {

// How long the proof of a part is depends on salts: what is behind one is cut off whole, so that both worlds are cut at
// the same byte.
std::size_t place_of_cut(const std::string& arriving, std::size_t cut) {
  constexpr std::string_view kProof = "\"proof\":\"";
  cut = std::min(cut, arriving.size());
  for (std::size_t at = arriving.find(kProof); at != std::string::npos && at < cut;
       at = arriving.find(kProof, at + 1)) {
    const std::size_t from = at + kProof.size();
    const auto bytes = from_base64url(std::string_view(arriving).substr(from, arriving.find('"', from) - from));
    const auto proof = bytes ? crypto::OriginProof::parse(*bytes) : std::unexpected(bytes.error());
    if (!proof || !proof->redacted()) continue;
    const std::size_t event = arriving.rfind("\nid: ", at);
    return event == std::string::npos ? 0 : event + 1;
  }
  return cut;
}

}  // namespace

void World::deliver(const std::string& consumer, const std::string& producer, Link& link, std::string_view bytes) {
  if (bytes.empty()) return;
  delivered_ += bytes.size();
  hear(consumer, fmt::format("{} sends on {}: {}", producer, link.offered.alias, bytes));
  if (const auto taken = link.follower->data(bytes); !taken) {
    link.follower->ended(&taken.error());
    link.tail.reset();
    link.in_flight.clear();
    hear(producer, fmt::format("{} closes", consumer));
  }
}

// Requests over a link beside its tails. With a cut, the connection breaks in one of them: before it arrives, or before
// its answer does.
SimNode::Send World::requests(const std::string& consumer, const std::string& producer, std::int64_t cut) {
  return [this, consumer, producer,
          left = cut < 0 ? -1 : cut % kRequestsBeforeACut](net::Request request) mutable -> Result<Answer> {
    const auto lost = [] { return fail(ErrorCode::kIo, "the connection was cut"); };
    if (left == 0) return lost();
    hear(producer, fmt::format("{} asks {}{}{} {}\n{}", consumer, request.path, request.query.empty() ? "" : "?",
                               request.query, request.method, request.body));
    Answer answer = nodes_.at(producer)->link(std::move(request), consumer);
    if (left == 1) {
      left = 0;
      return lost();
    }
    if (left > 0) left -= 2;
    hear(consumer, fmt::format("{} answers {}", producer, answer.text()));
    return answer;
  };
}

// As link::Links looks what a partner offers.
void World::look(const std::string& consumer, const std::string& producer, Pair& pair, const SimNode::Send& send) {
  SimNode& reader = *nodes_.at(consumer);
  pair.next_look_us = now_us() + kLookAgainUs;
  if (reader.follows(producer)) {
    reader.give_prekeys(producer, send);
    if (const auto answer = send({.method = "GET", .path = "/link/v1/collections"}); answer && answer->status == 200) {
      reader.ask_trust(producer, send);
      if (const auto offered = reader.read_offer(answer->body, producer))
        for (const auto& collection : *offered)
          if (!pair.links.contains(collection.id)) {
            Link link{.offered = collection, .follower = reader.follow(producer, collection)};
            if (link.follower) pair.links.emplace(collection.id, std::move(link));
          }
    }
  }
}

void World::pump(const std::string& consumer, const std::string& producer, std::int64_t cut) {
  Pair& pair = pairs_[{consumer, producer}];
  if (!nodes_.at(consumer)->up()) return;
  if (!reachable(consumer, producer)) {
    drop(pair, false);
    return;
  }
  const SimNode::Send send = requests(consumer, producer, cut);
  if (now_us() >= pair.next_look_us) look(consumer, producer, pair, send);
  if (!nodes_.at(consumer)->follows(producer)) drop(pair, true);
  for (auto& [_, link] : pair.links) {
    if (nodes_.at(consumer)->suspended(producer)) {
      link.tail.reset();
      link.in_flight.clear();
      continue;
    }
    if (!link.tail) {
      if (now_us() < link.next_try_us) continue;
      connect(consumer, producer, link);
      if (!link.tail) continue;
    } else {
      std::string arriving = std::exchange(link.in_flight, {});
      if (pair.forge) pair.forge(arriving);
      if (cut >= 0) arriving.resize(place_of_cut(arriving, static_cast<std::size_t>(cut)));
      deliver(consumer, producer, link, arriving);
      if (!link.tail) continue;
      if (cut >= 0 || link.ended) {
        const Error error{ErrorCode::kIo, "the connection was cut", {}};
        link.follower->ended(cut >= 0 ? &error : nullptr);
        link.tail.reset();
        continue;
      }
    }
    for (int pulls = 0; pulls < kMaxPulls && !link.ended; ++pulls) {
      const std::size_t before = link.in_flight.size();
      const auto going = link.tail->pull(link.in_flight, pulls == 0);
      if (!going || !*going) link.ended = true;
      if (link.in_flight.size() == before) break;
    }
  }
  std::set<std::string> at_work;
  for (const auto& [id, link] : pair.links)
    if (link.tail) at_work.insert(id);
  nodes_.at(consumer)->ask_recalls(producer, at_work, send);
}

Answer World::ask(const std::string& asker, const std::string& at, net::Request request) {
  const std::string what =
      fmt::format("{} {} {}{}{}", asker, request.method, request.path, request.query.empty() ? "" : "?", request.query);
  const auto told = [&](std::string text) {
    if (asker == watched_) transcript_.push_back(std::move(text));
  };
  if (!reachable(asker, at)) {
    told(what + ": unreachable");
    return {};
  }
  Answer answer = nodes_.at(at)->taxii(std::move(request), (person_.empty() ? "client" : person_) + "-" + asker);
  told(fmt::format("{} at {}: {}", what, at, answer.text()));
  return answer;
}

const SimNode::Follower* World::follower(const std::string& consumer, const std::string& producer,
                                         const std::string& alias) const {
  const auto pair = pairs_.find({consumer, producer});
  if (pair == pairs_.end()) return nullptr;
  for (const auto& [_, link] : pair->second.links)
    if (link.offered.alias == alias) return link.follower.get();
  return nullptr;
}

namespace {

// A proof of origin with what is drawn at random in it counted by which are equal: what it says, and how long it is.
// How many nodes of its tree stand for what a part leaves out depends on where salted hashes come to lie, which is as
// good as drawn at random; how deep the tree is does not.
std::string without_salts(std::string_view base64url, std::map<std::string, std::size_t, std::less<>>& roots) {
  const auto bytes = from_base64url(base64url);
  const auto proof =
      bytes ? crypto::OriginProof::parse(*bytes) : Result<crypto::OriginProof>(std::unexpected(bytes.error()));
  if (!proof) return fmt::format("<no proof {}>", base64url);
  std::string form = "full";
  std::size_t length = bytes->size();
  if (const auto* part = std::get_if<crypto::RedactedDisclosure>(&proof->disclosure)) {
    form = fmt::format("redacted, depth {},", part->depth);
    length -= part->hidden.size() * sizeof(Sha256);
  }
  const std::size_t root = roots.emplace(std::string(as_text(proof->root)), roots.size()).first->second;
  return fmt::format("<proof by {} ({} {}) at {} key {} {} bytes {} root {}>", proof->originator,
                     proof->claim.author ? "author" : "importer", proof->claim.received_from, proof->time.text(6),
                     to_hex(as_bytes(proof->key_id)), form, length, root);
}

}  // namespace

std::vector<std::string> without_seals(const std::vector<std::string>& transcript) {
  std::map<std::string, std::size_t, std::less<>> seen, roots;
  const auto number = [&](std::string_view seal) {
    return fmt::format("<seal {}>", seen.emplace(std::string(seal), seen.size()).first->second);
  };
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const auto is_token = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  std::vector<std::string> out;
  for (const auto& text : transcript) {
    std::string clean;
    std::size_t i = 0;
    while (i < text.size()) {
      if (const char c = text[i];
          c != 'i' && c != 'L' && c != '"' && c != 'n') {  // none of what is looked for begins so
        clean += text[i++];
        continue;
      }
      const std::string_view rest = std::string_view(text).substr(i);
      // "id: <pos>-<seal>", or <pos>.<round>-<seal>, at the beginning of a line, and the same behind Last-Event-ID.
      bool replaced = false;
      for (const std::string_view before : {std::string_view("id: "), std::string_view("Last-Event-ID: ")}) {
        if (!rest.starts_with(before) || (i > 0 && text[i - 1] != '\n' && text[i - 1] != ' ')) continue;
        std::size_t end = before.size();
        while (end < rest.size() && ((rest[end] >= '0' && rest[end] <= '9') || rest[end] == '.')) ++end;
        if (end == before.size() || end >= rest.size() || rest[end] != '-') continue;
        std::size_t seal = end + 1, stop = seal;
        while (stop < rest.size() && is_hex(rest[stop])) ++stop;
        clean += rest.substr(0, seal);
        clean += number(rest.substr(before.size(), stop - before.size()));
        i += stop;
        replaced = true;
        break;
      }
      if (replaced) continue;
      for (const std::string_view before : {std::string_view("\"next\":\""), std::string_view("next=")}) {
        if (!rest.starts_with(before)) continue;
        std::size_t stop = before.size();
        while (stop < rest.size() && is_token(rest[stop])) ++stop;
        // Its position and date stand in clear in the first 17 bytes: they count as they are.
        const std::string_view token = rest.substr(before.size(), stop - before.size());
        clean += before;
        clean += token.substr(0, kClearTokenLetters);
        clean += number(token);
        i += stop;
        replaced = true;
        break;
      }
      if (constexpr std::string_view kProof = "\"proof\":\""; rest.starts_with(kProof)) {
        std::size_t stop = kProof.size();
        while (stop < rest.size() && is_token(rest[stop])) ++stop;
        clean += kProof;
        // One that was cut off counts by its length.
        clean += stop < rest.size() && rest[stop] == '"'
                     ? without_salts(rest.substr(kProof.size(), stop - kProof.size()), roots)
                     : fmt::format("<{} letters>", stop - kProof.size());
        i += stop;
        replaced = true;
      }
      // What is sealed shows its length alone.
      if (constexpr std::string_view kSealed = "\"sealed\":\"bse1\"}\ndata: "; rest.starts_with(kSealed)) {
        const std::size_t stop = std::min(rest.find('\n', kSealed.size()), rest.size());
        clean += fmt::format("{}<{} letters>", kSealed, stop - kSealed.size());
        i += stop;
        replaced = true;
      }
      if (!replaced) clean += text[i++];
    }
    out.push_back(std::move(clean));
  }
  return out;
}

}  // namespace bongsu::simulation
