// Playing a scenario: its transcripts, where two worlds differ, whether it settles, what becomes of recalls.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/random.h"
#include "scenario.h"

namespace bongsu::simulation {
namespace {

constexpr int kRoundsToQuiet = 12;

// With a trace, BONGSU_FOLLOW=ID: who has which copies of this object, and who was told to destroy it, whenever that
// changes.
class Follow {
 public:
  void look(World& world) {
    if (id_ == nullptr) return;
    for (const auto& member : world.members()) {
      if (!world.node(member).up()) continue;
      std::string now;
      for (const auto& copy : world.node(member).copies(id_))
        now += fmt::format(" {} of {} in {};", copy.version, copy.giver, copy.collection);
      for (const auto& order : world.node(member).orders(id_))
        now += fmt::format(" tells {} up to {}{}{};", order.member, order.upto, order.confirmed ? ", confirmed" : "",
                           order.fetched ? ", fetched" : "");
      std::string& before = has_[member];
      if (now != before) std::printf("               ▸ %s:%s\n", member.c_str(), now.c_str());
      before = std::move(now);
    }
  }

 private:
  const char* id_ = std::getenv("BONGSU_FOLLOW");
  std::map<std::string, std::string> has_;
};

void play_in(World& world, const Scenario& scenario, unsigned world_bit, bool trace) {
  Follow follow;
  world.step(0, "start");
  for (std::size_t i = 0; i < scenario.members.size(); ++i)
    world.add(scenario.members[i], scenario.skews[i], scenario.nodes);
  for (const auto& event : scenario.events) {
    if ((event.worlds & world_bit) == 0) continue;
    world.step(event.at_us, event.key);
    const std::size_t heard = world.transcript().size();
    event.run(world);
    if (scenario.nodes.ledger) world.follow_ledgers();
    if (!trace) continue;
    std::printf("%12.6f %s %s%s\n", static_cast<double>(event.at_us) / 1e6, event.key.c_str(),
                event.worlds == kBoth ? "" : "(secret) ", event.what.c_str());
    for (std::size_t i = heard; i < world.transcript().size(); ++i)
      std::printf("               %s\n", world.transcript()[i].c_str());
    follow.look(world);
  }
}

// Each round a link connects, or delivers; what came in is passed on in the next ones. Backing off takes up to a
// minute.
void run_links(World& world, const Scenario& scenario, int rounds, std::string_view key) {
  std::int64_t at = world.now_us();
  for (int round = 0; round < rounds; ++round) {
    world.step(at += 61'000'000, fmt::format("{} {}", key, round));
    for (const auto& [consumer, producer] : scenario.pairs)
      for (int i = 0; i < 3; ++i) world.pump(consumer, producer);
    for (const auto& member : world.members()) world.node(member).tick();
  }
}

// Every node starts, the network heals, and the links run until they are quiet; `away` reaches nobody.
void settle(World& world, const Scenario& scenario, const std::string& away, std::string_view key) {
  world.step(world.now_us() + 1'000'000, fmt::format("{}: all start", key));
  for (const auto& a : world.members()) {
    world.node(a).heal();
    if (!world.node(a).up()) world.start(a);
    for (const auto& b : world.members())
      if (a < b) world.partition(a, b, a == away || b == away);
  }
  run_links(world, scenario, kRoundsToQuiet, key);
}

// ── Recalls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

bool meant(const std::string& upto, const std::string& version) { return upto.empty() || version <= upto; }

std::string text_in(const std::string& payload, std::string_view name) {
  const auto at = payload.find(name);
  if (at == std::string::npos) return "";
  const auto from = at + name.size();
  return payload.substr(from, payload.find('"', from) - from);
}
std::string modified_of(const std::string& payload) { return text_in(payload, "\"modified\":\""); }
std::string id_in(const std::string& payload) { return text_in(payload, "\"id\":\""); }

bool any_open(const std::vector<SimNode::Order>& orders, const std::string& member) {
  return std::ranges::any_of(orders, [&](const SimNode::Order& order) {
    return (member.empty() || order.member == member) && (!order.confirmed || order.onward_open > 0);
  });
}

// Through whose hands a copy in this collection came: "cert-b.cert-d.shared" at cert-a is cert-d, cert-b, cert-a.
std::vector<std::string> hands_of(const std::string& alias, const std::string& member) {
  std::vector<std::string> out{member};
  std::size_t from = 0;
  for (auto dot = alias.find('.'); dot != std::string::npos; from = dot + 1, dot = alias.find('.', from))
    out.push_back(alias.substr(from, dot - from));
  std::ranges::reverse(out);
  return out;
}

// What of recalled objects can be read or is served where it may not, with `away` out of reach.
void look_for_recalled(World& world, const std::string& away, std::string_view when, Recalled& out) {
  for (const auto& [what, upto] : world.recalled()) {
    const auto& [owner, id] = what;
    for (const auto& member : world.members()) {
      const SimNode& node = world.node(member);
      for (const auto& copy : node.copies(id)) {
        if (member == owner || !meant(upto, copy.version)) continue;
        const std::string text = fmt::format("{} {} (recalled by {} up to {}) at {}, in {}", id, copy.version, owner,
                                             upto, member, copy.collection);
        const auto hands = hands_of(copy.collection, member);
        if (std::ranges::find(hands, away) == hands.end()) {
          out.problems += fmt::format("{}: survives {}\n", text, when);
          continue;
        }
        ++out.exposed;
        // Who gave it over the edge that nothing passes lists it as open, and whoever gave it to that one knows that.
        if (!any_open(world.node(owner).orders(id), ""))
          out.problems += fmt::format("{}: its owner lists nothing as open {}\n", text, when);
        for (std::size_t i = 0; i + 1 < hands.size(); ++i) {
          if (hands[i] != away && hands[i + 1] != away) continue;
          if (!any_open(world.node(hands[i]).orders(id), hands[i + 1]))
            out.problems += fmt::format("{}: {} does not list {} as open {}\n", text, hands[i], hands[i + 1], when);
          break;
        }
      }
      for (const auto& alias : node.collections()) {
        const auto hands = hands_of(alias, member);
        if (member == away || std::ranges::find(hands, away) != hands.end()) continue;
        for (const auto& reader : world.members()) {
          const auto shown = reader == member ? std::nullopt : node.visible_to(reader, alias);
          for (const auto& payload : shown.value_or(std::vector<std::string>{}))
            if (payload.find(fmt::format("\"id\":\"{}\"", id)) != std::string::npos &&
                meant(upto, modified_of(payload)))
              out.problems += fmt::format("{}: {} serves it to {} from {} {}\n", id, member, reader, alias, when);
        }
      }
    }
  }
}

// So many in a hundred of them, in any order, some of them more than once.
std::uint64_t bring_again(World& world, const std::string& away, Random& random, std::size_t in_hundred) {
  std::uint64_t count = 0;
  for (const auto& member : world.members()) {
    SimNode& node = world.node(member);
    const std::size_t there = member == away ? 0 : node.arrived();
    for (std::size_t i = 0; i < there * in_hundred / 100; ++i, ++count) {
      world.step(world.now_us() + 1000, fmt::format("again {} {}", member, i));
      node.arrive_again(random.below(there));
    }
  }
  return count;
}

}  // namespace

Recalled play_recalls(const Scenario& scenario) {
  World world(kScenarioStart, kSecret);
  SeededRandom random(scenario.seed);
  play_in(world, scenario, kBoth, false);
  Recalled out;
  out.objects = world.recalled().size();
  const std::string& away = scenario.away;
  settle(world, scenario, away, "quiet");
  look_for_recalled(world, away, "when the network is quiet", out);
  out.again += bring_again(world, away, random, 150);
  look_for_recalled(world, away, "after everything came again", out);
  for (const auto& member : world.members()) {
    world.crash(member);
    world.start(member);
  }
  out.again += bring_again(world, away, random, 50);
  look_for_recalled(world, away, "after crashes", out);
  settle(world, scenario, "", "all are back");
  look_for_recalled(world, "", "when all are back", out);
  for (const auto& [what, _] : world.recalled())
    for (const auto& order : world.node(what.first).orders(what.second)) out.confirmed += order.confirmed;
  return out;
}

std::string unsettled(const Scenario& scenario, unsigned world_bit) {
  World world(kScenarioStart, world_bit);
  play_in(world, scenario, world_bit, false);
  settle(world, scenario, "", "settle");
  std::string out;
  for (const auto& [consumer, producer] : scenario.pairs) {
    if (!world.node(consumer).follows(producer)) continue;  // stopped, or out of the charter
    const auto due = world.node(producer).visible_to(consumer, "shared");
    if (!due) continue;
    auto there = world.node(consumer).contents(producer + ".shared");
    // Contents of an object without versions that differ only in what is left out for this member are one to it.
    std::set<std::string> missing(due->begin(), due->end());
    std::multiset<std::string> too_many;
    for (const auto& payload : there)
      if (const auto found = missing.find(payload); found != missing.end())
        missing.erase(found);
      else
        too_many.insert(payload);
    // What was recalled and may be given again comes when the link begins anew.
    std::erase_if(missing, [&](const auto& payload) { return world.node(consumer).obeyed(id_in(payload)); });
    for (const auto& payload : missing) out += fmt::format("{} lacks of {}: {}\n", consumer, producer, payload);
    for (const auto& payload : too_many) out += fmt::format("{} still has of {}: {}\n", consumer, producer, payload);
  }
  return out;
}

Outcome play(const Scenario& scenario, unsigned world_bit, bool trace) {
  World world(kScenarioStart, world_bit);
  if (scenario.person.empty())
    world.watch(scenario.watched);
  else
    world.watch_person(scenario.watched, scenario.person);
  play_in(world, scenario, world_bit, trace);
  Outcome out;
  out.transcript = without_seals(world.transcript());
  out.bytes = world.delivered_bytes();
  for (const auto& member : world.members()) {
    out.entries += world.node(member).entries();
    if (!scenario.person.empty()) continue;  // what its member has is none of its affairs
    if (member == scenario.watched) out.dump = world.node(member).dump();
    if (!scenario.nodes.ledger || member == scenario.watched) continue;
    for (const auto& [by, of] : {std::pair(member, scenario.watched), std::pair(scenario.watched, member)})
      if (world.node(by).up()) out.pair_logs[fmt::format("{} of {}", by, of)] = world.node(by).pair_log(of);
  }
  return out;
}

std::string difference(const Outcome& a, const Outcome& b) {
  for (std::size_t i = 0; i < std::max(a.transcript.size(), b.transcript.size()); ++i) {
    const std::string left = i < a.transcript.size() ? a.transcript[i] : "<nothing more>";
    const std::string right = i < b.transcript.size() ? b.transcript[i] : "<nothing more>";
    if (left != right) {
      std::size_t at = 0;
      while (at < left.size() && at < right.size() && left[at] == right[at]) ++at;
      return fmt::format("message {} differs from byte {}:\n── in the plain world\n{}\n── in the secret world\n{}\n", i,
                         at, left, right);
    }
  }
  for (const auto& [name, log] : a.pair_logs)
    if (const auto other = b.pair_logs.find(name); other == b.pair_logs.end() || other->second != log)
      return fmt::format("the log of {} differs:\n── in the plain world\n{}\n── in the secret world\n{}\n", name, log,
                         other == b.pair_logs.end() ? "<none>" : other->second);
  return a.dump == b.dump ? "" : "the watched member's journals differ";
}

Scenario shrink(Scenario scenario) {
  const auto differs = [](const Scenario& s) { return !difference(play(s, kPlain), play(s, kSecret)).empty(); };
  for (std::size_t part = scenario.events.size() / 2; part > 0; part /= 2) {
    for (std::size_t from = 0; from < scenario.events.size();) {
      Scenario less = scenario;
      const auto begin = less.events.begin() + static_cast<std::ptrdiff_t>(from);
      const auto end = less.events.begin() + static_cast<std::ptrdiff_t>(std::min(from + part, less.events.size()));
      less.events.erase(begin, end);
      if (differs(less))
        scenario = std::move(less);
      else
        from += part;
    }
  }
  return scenario;
}

}  // namespace bongsu::simulation
