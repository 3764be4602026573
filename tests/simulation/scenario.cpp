#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>

#include "policy/label.h"
#include "texts.h"

namespace bongsu::simulation {
namespace {

using stix::Tlp;

constexpr Instant kStart{1'767'225'600, 0};  // 2026-01-01T00:00:00Z
constexpr Instant kForEver{4'000'000'000, 0};
constexpr std::int64_t kSetupUs = 1'000'000;
constexpr std::int64_t kRoundUs = 9'000'000;  // about how often each link is pumped

std::function<void(World&)> taking_away(const std::string& node, const std::string& id, bool erase) {
  return [=](World& w) {
    if (!w.node(node).up()) return;
    if (erase)
      w.node(node).erase(id);
    else
      w.node(node).remove("shared", id);
  };
}

// What the generator knows of an object it made.
struct Made {
  std::string id, type, node, collection;
  unsigned number = 0, version = 0;
  unsigned worlds = kBoth;
  bool seen = false;  // the watched member may see it by its label
  bool removed = false;
  std::vector<std::string> markings, definitions;
};

// What is published in one batch with something else, in these worlds only.
struct Beside {
  unsigned worlds = 0;
  std::vector<std::string> texts{};
};

class Generator {
 public:
  Generator(std::uint64_t seed, const ScenarioOptions& options) : random_(seed * 0x9e3779b9 + 77), options_(options) {
    scenario_.seed = seed;
    const auto size = options.least_members + random_.below(options.most_members - options.least_members + 1);
    for (std::size_t i = 0; i < size; ++i) {
      scenario_.members.push_back(
          fmt::format("cert-{}{}", static_cast<char>('a' + i % 26), i / 26 ? fmt::format("{}", i / 26) : ""));
      scenario_.skews.push_back(std::chrono::milliseconds(static_cast<int>(random_.below(4001)) - 2000));
    }
    watched_ = scenario_.members[random_.below(size)];
    scenario_.watched = watched_;
    typed_ = random_.below(2) == 0;
    scenario_.ledger = !options_.chaos && (options_.ledger || seed % 3 == 0);
  }

  Scenario make() {
    set_up();
    for (unsigned i = 0; i < options_.events; ++i) happen();
    for (unsigned i = 0; i < options_.events; ++i) hide();
    for (unsigned i = 0; i < options_.events / 8; ++i) probe();
    if (options_.chaos) break_disks();
    schedule();
    scenario_.pairs = pairs_;
    std::ranges::sort(scenario_.events, {}, [](const Event& e) { return std::tuple(e.at_us, e.key, e.worlds); });
    return std::move(scenario_);
  }

 private:
  // ── Times and choices ──────────────────────────────────────────────────────────────────────────────────────────────
  // Half of all events fall on whole ten seconds: many in one microsecond.
  std::int64_t some_time(std::int64_t from = kSetupUs) {
    std::int64_t at =
        from + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(options_.length_us - from)));
    if (random_.below(2) == 0) at = std::max(from, at - at % 10'000'000);
    return at;
  }
  // Some time after `after`, perhaps the same instant.
  std::int64_t later(std::int64_t after) {
    if (after >= options_.length_us) return after;
    return std::max(after, some_time(after));
  }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[random_.below(from.size())];
  }
  bool chance(unsigned in_hundred) { return random_.below(100) < in_hundred; }
  const std::string& other(const std::string& than) {
    for (;;) {
      const auto& member = pick(scenario_.members);
      if (member != than) return member;
    }
  }
  void add(std::int64_t at_us, unsigned worlds, std::string what, std::function<void(World&)> run) {
    // Serial numbers are given in the order of generation, so that events that depend on each other keep their order
    // within an instant.
    scenario_.events.push_back({at_us, fmt::format("e{:06}", serial_++), worlds, std::move(what), std::move(run)});
  }
  unsigned number() { return next_number_++; }

  // ── The beginning: pairs, agreements, accounts, lists of members ───────────────────────────────────────────────────
  policy::Agreement draft(const std::string& from, const std::string& to) {
    policy::Agreement a;
    a.partner = to;
    a.collections = {"shared"};
    if (chance(70)) a.collections.emplace_back("sightings");
    a.types = {"*"};
    a.valid_until = kForEver;
    a.onward = chance(50);
    if (to == watched_) {
      a.highest_tlp = chance(80) ? Tlp::kGreen : Tlp::kClear;
      if (typed_) a.types = {"indicator", "malware", "relationship", "report", "sighting", "ipv4-addr", "identity"};
    } else {
      constexpr Tlp kLevels[] = {Tlp::kGreen, Tlp::kAmber, Tlp::kAmberStrict};
      a.highest_tlp = kLevels[random_.below(3)];
      if (chance(30)) a.collections.emplace_back("feeds");
    }
    (void)from;
    return a;
  }

  void set_up() {
    const auto& members = scenario_.members;
    for (const auto& a : members)
      for (const auto& b : members) {
        if (a >= b || (a != watched_ && b != watched_ && !chance(options_.pairs_in_hundred))) continue;
        pairs_.emplace_back(a, b);
        pairs_.emplace_back(b, a);
      }
    for (const auto& [a, b] : pairs_) {
      policy::Agreement agreement = draft(a, b);
      agreements_[{a, b}] = agreement;
      add(0, kBoth, fmt::format("{} pairs with {}", a, b), [=](World& w) {
        w.node(a).know(b);
        w.node(a).agree(agreement);
        w.node(a).add_account("client-" + b, b, {"shared"});
      });
    }
    for (const auto& a : members)
      add(0, kBoth, a + " defines lists of members", [=, watched = watched_](World& w) {
        for (const auto& list : open_lists(w.members(), watched))
          w.node(a).publish("shared", {policy::make_releasable_to_marking(list, a, kStart)}, a);
      });
  }
  static std::vector<std::set<std::string>> open_lists(const std::vector<std::string>& members,
                                                       const std::string& watched) {
    return {{watched}, {watched, members.front(), members.back()}};
  }
  static std::string definition_id(const std::string& definition) {
    const auto at = definition.find("marking-definition--");
    return definition.substr(at, std::string("marking-definition--").size() + 36);
  }

  // ── What everybody may know of ─────────────────────────────────────────────────────────────────────────────────────
  std::string text_of(const Made& m, std::string_view name, std::string_view more = "") const {
    if (m.type == "ipv4-addr") return address(m.number, m.markings, more);
    return domain_object(m.type, m.number, m.markings, m.version, name, more);
  }

  // `beside`: what is published with it in the same batch.
  void publish(Made m, std::int64_t at, std::string_view name, Beside beside = {}) {
    std::vector<std::string> texts = m.definitions;
    texts.push_back(
        text_of(m, name, m.type == "ipv4-addr" && m.version > 0 ? fmt::format(",\"x_note\":\"{}\"", m.version) : ""));
    add(at, m.worlds, fmt::format("{} publishes {} in {} ({})", m.node, m.id, m.collection, name),
        [node = m.node, collection = m.collection, texts, beside](World& w) {
          if (!w.node(node).up()) return;
          std::vector<std::string> all = texts;
          if (beside.worlds & w.bit()) {
            all.insert(all.begin(), beside.texts.begin(), beside.texts.end());
            all.push_back(beside.texts.front());  // twice in a batch
          }
          w.node(node).publish(collection, all, node);
        });
    made_.emplace(at, std::move(m));
  }

  Made fresh(const std::string& node, const std::vector<std::string>& types) {
    Made m{.type = pick(types), .node = node, .collection = "shared", .number = number()};
    m.id = id_of(m.type, m.number);
    return m;
  }

  void open_label(Made& m) {
    m.seen = true;
    switch (random_.below(4)) {
      case 0:
        m.markings = {tlp(Tlp::kClear)};
        break;
      case 1: {
        const auto lists = open_lists(scenario_.members, watched_);
        m.markings = {tlp(Tlp::kGreen), definition_id(policy::make_releasable_to_marking(pick(lists), m.node, kStart))};
        break;
      }
      case 2:
        m.markings = {tlp(Tlp::kGreen)};
        break;
      default:
        break;  // the collection's fallback
    }
  }

  // Objects that stand at their place before `at` in all of these worlds.
  std::vector<const Made*> there(std::int64_t at, unsigned worlds, const std::string& node, bool seen_only) const {
    std::vector<const Made*> out;
    for (const auto& [when, m] : made_)
      if (when < at && (m.worlds & worlds) == worlds && !m.removed && (node.empty() || m.node == node) &&
          (!seen_only || m.seen))
        out.push_back(&m);
    return out;
  }

  void happen() {
    const std::int64_t at = some_time();
    const std::string node = pick(scenario_.members);
    const auto mine = there(at, kBoth, node, true);
    const unsigned kind = static_cast<unsigned>(random_.below(100));
    if (kind < 34 || mine.empty()) {
      Made m = fresh(node, {"indicator", "indicator", "malware", "ipv4-addr"});
      open_label(m);
      Beside beside;
      if (node != watched_ && chance(30)) {
        beside.worlds = one_world();
        for (std::uint64_t n = 1 + random_.below(3); n > 0; --n) {
          Made hidden = fresh(node, {"indicator", "malware", "ipv4-addr", "campaign"});
          hidden.worlds = beside.worlds;
          hidden_label(hidden);
          beside.texts.insert(beside.texts.end(), hidden.definitions.begin(), hidden.definitions.end());
          beside.texts.push_back(text_of(hidden, "beside"));
          made_.emplace(at, std::move(hidden));
        }
      }
      publish(std::move(m), at, "open", std::move(beside));
    } else if (kind < 42) {  // a newer version
      Made m = *pick(mine);
      m.version += 1 + static_cast<unsigned>(random_.below(3));
      publish(std::move(m), at, "open again");
    } else if (kind < 50) {
      const Made *from = pick(mine), *to = pick(mine);
      const unsigned n = number();
      const std::string text = chance(60) ? relationship(n, from->id, to->id, {tlp(Tlp::kGreen)})
                                          : report(n, {from->id, to->id}, {tlp(Tlp::kClear)});
      add(at, kBoth, fmt::format("{} relates {} and {}", node, from->id, to->id), [=](World& w) {
        if (w.node(node).up()) w.node(node).publish("shared", {text}, node);
      });
    } else if (kind < 56) {
      const Made* victim = pick(mine);
      const bool erase = chance(30);
      add(at, kBoth, fmt::format("{} {} {}", node, erase ? "erases" : "removes", victim->id),
          taking_away(node, victim->id, erase));
    } else if (kind < 62) {  // raised beyond what the watched member may see
      Made m = *pick(mine);
      m.version += 1;
      m.seen = false;
      m.markings = {tlp(Tlp::kAmber)};
      if (m.type != "ipv4-addr") publish(std::move(m), at, "raised");
    } else if (kind < 72) {
      change_agreement(at);
    } else if (kind < 77) {
      const std::string victim = pick(scenario_.members);
      const std::int64_t back = at + 1'000'000 + static_cast<std::int64_t>(random_.below(20'000'000));
      add(at, kBoth, victim + " dies", [victim](World& w) {
        if (w.node(victim).up()) w.crash(victim);
      });
      add(back, kBoth, victim + " starts", [victim](World& w) {
        if (!w.node(victim).up()) w.start(victim);
      });
    } else if (kind < 81) {
      const std::string one = pick(scenario_.members), two = other(one);
      add(at, kBoth, fmt::format("{} and {} are parted", one, two), [=](World& w) { w.partition(one, two, true); });
      add(later(at), kBoth, fmt::format("{} and {} meet again", one, two),
          [=](World& w) { w.partition(one, two, false); });
    } else if (kind < 85) {
      const auto by = std::chrono::milliseconds(static_cast<int>(random_.below(20'001)) - 10'000);
      add(at, kBoth, fmt::format("the clock of {} jumps by {} ms", node, by.count()),
          [=](World& w) { w.node(node).jump(by); });
    } else if (kind < 93) {  // the sensor of a node sees something of what the watched member shares
      const auto indicators = there(at, kBoth, "", true);
      std::vector<const Made*> found;
      for (const auto* m : indicators)
        if (m->type == "indicator") found.push_back(m);
      if (found.empty()) return;
      const Hit hit{pick(found)->id, number()};
      add(at, kBoth, fmt::format("{} is hit by {}", node, hit.indicator_id), [=](World& w) {
        if (w.node(node).up()) w.node(node).raise({hit});
      });
    } else {  // the watched member posts, and takes back
      const std::string asker = watched_, to = other(asker);
      Made m = fresh(asker, {"indicator", "malware", "ipv4-addr"});
      open_label(m);
      post(at, to, m);
    }
  }

  void post(std::int64_t at, const std::string& to, const Made& m) {
    const std::string text = text_of(m, "posted"), asker = watched_;
    add(at, kBoth, fmt::format("{} posts {} to {}", asker, m.id, to), [=](World& w) {
      w.ask(asker, to,
            {.method = "POST", .path = "/api1/collections/shared/objects/", .body = "{\"objects\":[" + text + "]}"});
    });
    if (chance(50))
      add(later(at), kBoth, fmt::format("{} takes {} back", asker, m.id), [=, id = m.id](World& w) {
        w.ask(asker, to, {.method = "DELETE", .path = "/api1/collections/shared/objects/" + id + "/"});
      });
  }

  void change_agreement(std::int64_t at) {
    const auto& [a, b] = pick(pairs_);
    switch (random_.below(5)) {
      case 0:
        add(at, kBoth, fmt::format("{} ends its agreement with {}", a, b), [a, b](World& w) {
          if (w.node(a).up()) w.node(a).end_agreement(b);
        });
        break;
      case 1: {
        const bool stop = chance(50);
        add(at, kBoth, fmt::format("{} {} {}", a, stop ? "stops" : "resumes", b), [a, b, stop](World& w) {
          if (w.node(a).up()) w.node(a).stop_member(b, stop);
        });
        break;
      }
      default: {
        policy::Agreement agreement = draft(a, b);
        if (b == watched_ && chance(40))  // what others gave to a, onward
          for (const auto& [c, d] : pairs_)
            if (c == a && d != watched_) agreement.collections.push_back(d + ".shared");
        add(at, kBoth, fmt::format("{} agrees anew with {}", a, b), [a, agreement](World& w) {
          if (!w.node(a).up()) return;
          policy::Agreement now = agreement;
          std::erase_if(now.collections, [&](const std::string& c) { return w.node(a).collection_id(c).empty(); });
          w.node(a).agree(now);
        });
      }
    }
  }

  // ── What the watched member may not know of ────────────────────────────────────────────────────────────────────────
  std::vector<std::string> hidden_members() const {
    std::vector<std::string> out;
    for (const auto& m : scenario_.members)
      if (m != watched_) out.push_back(m);
    return out;
  }

  void hidden_label(Made& m) {
    m.seen = false;
    const auto to = [&](std::set<std::string> list) {
      const std::string definition = policy::make_releasable_to_marking(list, m.node, kStart);
      m.definitions = {definition};
      m.markings = {tlp(chance(50) ? Tlp::kGreen : Tlp::kClear), definition_id(definition)};
    };
    switch (random_.below(7)) {
      case 0:
        m.markings = {tlp(Tlp::kRed)};
        break;
      case 1:
        m.markings = {tlp(Tlp::kAmber)};
        break;
      case 2:
        m.markings = {tlp(Tlp::kAmberStrict)};
        break;
      case 3:
        to({other(watched_)});
        break;
      case 4: {
        const auto all = hidden_members();
        to({all.begin(), all.end()});
        break;
      }
      case 5:
        to({});  // nobody
        break;
      default:
        m.markings = {tlp(Tlp::kClear), id_of("marking-definition", 0x77)};  // not known to anybody
    }
  }

  unsigned one_world() { return chance(50) ? kPlain : kSecret; }

  void take_hidden_away(const Made& victim, std::int64_t at, unsigned worlds) {
    const std::string id = victim.id, node = victim.node;
    const bool erase = chance(30);
    // Nothing refers to it any more from here on.
    for (auto& [when, m] : made_)
      if (m.id == id && m.node == node) m.removed = true;
    add(at, worlds, fmt::format("{} {} hidden {}", node, erase ? "erases" : "removes", id),
        taking_away(node, id, erase));
  }

  void hide() {
    const std::int64_t at = some_time();
    const std::string node = other(watched_);
    const unsigned worlds = one_world();
    const unsigned kind = static_cast<unsigned>(random_.below(100));
    std::vector<const Made*> hidden;
    for (const auto* m : there(at, worlds, node, false))
      if (!m->seen && m->collection == "shared" && m->worlds == worlds) hidden.push_back(m);
    if (kind < 30 || (kind < 56 && hidden.empty())) {
      Made m = fresh(node, {"indicator", "malware", "ipv4-addr", "campaign"});
      m.worlds = worlds;
      hidden_label(m);
      publish(m, at, "hidden");
      if (chance(30)) {  // the other world has something else there
        Made instead = fresh(node, {"indicator", "malware", "ipv4-addr"});
        instead.worlds = kBoth & ~worlds;
        hidden_label(instead);
        publish(std::move(instead), at, "hidden instead");
      }
    } else if (kind < 36) {  // one object with other markings in each world
      Made m = fresh(node, {"indicator", "malware"});
      Made twin = m;
      m.worlds = kPlain;
      twin.worlds = kSecret;
      hidden_label(m);
      hidden_label(twin);
      publish(std::move(m), at, "hidden so");
      publish(std::move(twin), at, "hidden otherwise");
    } else if (kind < 44) {  // relations that look open and lead to what is hidden
      const Made* target = pick(hidden);
      const auto open = there(at, worlds, node, true);
      const std::string source = open.empty() || chance(30) ? pick(hidden)->id : pick(open)->id;
      const unsigned n = number();
      std::string text;
      switch (random_.below(3)) {
        case 0:
          text = relationship(n, source, target->id, {tlp(Tlp::kClear)});
          break;
        case 1:
          text = report(n, {source, target->id}, {tlp(Tlp::kClear)});
          break;
        default:
          text =
              target->type == "ipv4-addr" ? report(n, {target->id}, {}) : sighting(n, target->id, {tlp(Tlp::kClear)});
      }
      add(at, worlds, fmt::format("{} relates {} to hidden {}", node, source, target->id),
          [=, id = target->id, watched = watched_](World& w) {
            // To something that is not here (any more), or that the watched one gave, it would be as open as it looks.
            if (w.node(node).up() && w.node(node).holds(id, watched)) w.node(node).publish("shared", {text}, node);
          });
      // Mostly before anybody has pulled it: who gets the relation then never knows what it leads to.
      if (chance(25)) take_hidden_away(*target, at + static_cast<std::int64_t>(random_.below(kRoundUs)), worlds);
    } else if (kind < 50) {
      take_hidden_away(*pick(hidden), later(at), worlds);
    } else if (kind < 56) {
      Made m = *pick(hidden);
      m.version += 1;
      m.worlds = worlds;
      publish(std::move(m), at, "hidden again");
    } else if (kind < 64) {  // in collections that it has no part in
      Made m = fresh(node, {"indicator", "malware", "ipv4-addr"});
      m.worlds = worlds;
      m.collection = chance(50) ? "feeds" : "private";
      open_label(m);
      m.seen = false;
      publish(std::move(m), at, "elsewhere");
    } else if (kind < 80) {
      outsider(at, node, worlds);
    } else if (kind < 85) {
      const std::string alias = fmt::format("hidden-{}", number());
      add(at, worlds, fmt::format("{} adds the collection {}", node, alias), [=](World& w) {
        if (w.node(node).up()) w.node(node).add_collection(alias);
      });
    } else if (kind < 93) {  // hits of what others gave, of one's own, of what is hidden
      std::vector<const Made*> found;
      for (const auto* m : there(at, worlds, "", false))
        if (m->type == "indicator" && m->node != watched_) found.push_back(m);
      if (found.empty()) return;
      std::vector<Hit> hits;
      for (std::uint64_t n = 1 + random_.below(3); n > 0; --n) hits.push_back({pick(found)->id, number(), watched_});
      add(at, worlds, fmt::format("{} is hit by {} in secret", node, hits.front().indicator_id), [=](World& w) {
        if (w.node(node).up()) w.node(node).raise(hits);
      });
    } else if (kind < 96) {
      add(at, worlds, node + " judges an alert", [=](World& w) {
        if (w.node(node).up()) w.node(node).judge_newest_alert();
      });
    } else {  // others' agreements: more or less of what is hidden anyway
      const auto& [a, b] = pick(pairs_);
      if (a == watched_ || b == watched_) return;
      policy::Agreement agreement = agreements_.at({a, b});
      // Only where nothing common changes it: else what it says of open objects would differ.
      constexpr Tlp kLevels[] = {Tlp::kGreen, Tlp::kAmber, Tlp::kAmberStrict};
      const Tlp level = kLevels[random_.below(3)];
      add(at, worlds, fmt::format("{} changes in secret what {} gets", a, b), [=](World& w) {
        if (w.node(a).up()) w.node(a).change_level(b, level);
      });
    }
  }

  // A member without a node here, of which the watched one knows nothing: it shares views with it, and leaves them.
  void outsider(std::int64_t at, const std::string& node, unsigned worlds) {
    const std::string name = fmt::format("far-{}", random_.below(4));
    policy::Agreement agreement = draft(node, name);
    if (chance(60)) {  // on the watched member's own terms
      const auto same = agreements_.find({node, watched_});
      if (same != agreements_.end()) agreement = same->second;
      agreement.partner = name;
    }
    const std::uint64_t kind = random_.below(5);
    add(at, worlds, fmt::format("{} deals with {} ({})", node, name, kind), [=](World& w) {
      if (!w.node(node).up()) return;
      w.node(node).know(name);
      switch (kind) {
        case 0:
          w.node(node).end_agreement(name);
          break;
        case 1:
          w.node(node).stop_member(name, true);
          break;
        case 2:
          w.node(node).add_account("client-" + name, name, {"shared"});
          [[fallthrough]];
        default:
          w.node(node).agree(agreement);
      }
    });
    if (kind == 2) {  // it posts, what the watched member may not have
      Made m = fresh(node, {"indicator", "malware"});
      m.worlds = worlds;
      hidden_label(m);
      m.markings = {tlp(Tlp::kAmber)};
      const std::string text = text_of(m, "from afar");
      add(later(at), worlds, fmt::format("{} posts {} to {}", name, m.id, node), [=](World& w) {
        if (w.node(node).up()) w.node(node).publish("shared", {text}, name);
      });
    }
  }

  // The watched member posts objects under ids that may be hidden ones, or that refer to them, and looks what becomes
  // of them: the same, whether there is such an object or not. For its own eyes only, so that nobody passes them on.
  void probe() {
    std::vector<const Made*> hidden;
    for (const auto& [_, m] : made_)
      if (!m.seen && !m.removed && m.collection == "shared" && m.node != watched_) hidden.push_back(&m);
    if (hidden.empty()) return;
    const Made* target = pick(hidden);
    const std::string asker = watched_, to = target->node,
                      own = definition_id(policy::make_releasable_to_marking({asker}, to, kStart));
    Made m = *target;
    m.markings = {tlp(chance(50) ? Tlp::kClear : Tlp::kGreen), own};
    std::string text, id = m.id;
    if (chance(50)) {
      const unsigned n = number();
      id = id_of("report", n);
      text = report(n, {m.id}, m.markings);
    } else {
      m.version = 1000 + number();
      text = text_of(m, "probe", m.type == "ipv4-addr" ? fmt::format(",\"x_note\":\"{}\"", m.version) : "");
    }
    const std::int64_t at = some_time();
    add(at, kBoth, fmt::format("{} tries {} at {}", asker, m.id, to), [=](World& w) {
      w.ask(asker, to,
            {.method = "POST", .path = "/api1/collections/shared/objects/", .body = "{\"objects\":[" + text + "]}"});
      w.ask(asker, to, {.method = "GET", .path = "/api1/collections/shared/objects/" + id + "/"});
    });
    add(later(at), kBoth, fmt::format("{} looks for {} at {}", asker, id, to), [=](World& w) {
      w.ask(asker, to,
            {.method = "GET", .path = "/api1/collections/shared/objects/" + id + "/", .query = "match[version]=all"});
      w.ask(asker, to, {.method = "DELETE", .path = "/api1/collections/shared/objects/" + id + "/"});
    });
  }

  // A node whose disk is full from the n-th write of something on, until later.
  void break_disks() {
    for (int i = 0; i < 6; ++i) {
      const std::string node = pick(scenario_.members);
      const std::int64_t at = some_time();
      const int changes = 1 + static_cast<int>(random_.below(6));
      add(at, kBoth, fmt::format("the disk of {} fails at write {}", node, changes),
          [=](World& w) { w.node(node).fail_after(changes); });
      add(at + 2'000'000, kBoth, fmt::format("the disk of {} is good again, after it dies", node), [=](World& w) {
        w.node(node).heal();
        if (w.node(node).up()) w.crash(node);
      });
      add(at + 3'000'000, kBoth, node + " starts", [=](World& w) {
        if (!w.node(node).up()) w.start(node);
      });
    }
  }

  // ── Links, ticks, and what the watched member asks ─────────────────────────────────────────────────────────────────
  void schedule() {
    for (std::int64_t at = kSetupUs; at < options_.length_us + 4 * kRoundUs; at += kRoundUs) {
      for (const auto& [consumer, producer] : pairs_) {
        const std::int64_t when = at + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(kRoundUs)));
        // Only what the watched member itself receives may be cut anywhere: the bytes are the same in both worlds.
        const std::int64_t cut = (consumer == watched_ || options_.chaos) && chance(12)
                                     ? static_cast<std::int64_t>(random_.below(4000))
                                     : -1;
        add(when, kBoth, fmt::format("{} follows {}{}", consumer, producer, cut < 0 ? "" : ", cut"),
            [=](World& w) { w.pump(consumer, producer, cut); });
      }
      if (scenario_.ledger)
        for (const auto& member : scenario_.members)
          add(at + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(kRoundUs))), kBoth,
              member + " has its logs cosigned", [=](World& w) {
                if (w.node(member).up()) w.cosign(member);
              });
      add(at, kBoth, "a second passes", [](World& w) {
        for (const auto& member : w.members())
          if (w.node(member).up()) w.node(member).tick();
      });
    }
    std::vector<std::string> ids;
    for (const auto& [_, m] : made_) ids.push_back(m.id);
    ids.push_back(id_of("indicator", 0xffffff));  // there is none
    for (unsigned i = 0; i < options_.events / 2; ++i) ask(some_time(), ids);
    for (const auto& member : scenario_.members)
      if (member != watched_) read_all(options_.length_us + 5 * kRoundUs, member);
  }

  void ask(std::int64_t at, const std::vector<std::string>& ids) {
    const std::string asker = watched_, to = other(asker);
    const std::string& id = pick(ids);
    const auto get = [&](const std::string& path, const std::string& query = "") {
      add(at, kBoth, fmt::format("{} asks {} for {}?{}", asker, to, path, query),
          [=](World& w) { w.ask(asker, to, {.method = "GET", .path = path, .query = query}); });
    };
    const std::string base = "/api1/collections/shared/";
    switch (random_.below(16)) {
      case 0:
        return get("/api1/collections/");
      case 1:
        return get(fmt::format("/api1/collections/{}/", chance(50) ? "private" : "hidden-3"));
      case 2:
        return get(base + "manifest/", "limit=3");
      case 3:
        return get(base + "objects/", fmt::format("match[id]={},{}", id, pick(ids)));
      case 4:
        return get(base + "objects/",
                   fmt::format("match[type]={}", pick(std::vector<std::string>{"indicator", "campaign", "relationship",
                                                                               "sighting", "ipv4-addr"})));
      case 5:
        return get(base + "objects/" + id + "/");
      case 6:
        return get(base + "objects/" + id + "/versions/", "match[version]=all");
      case 7:
        return get(base + "objects/", "match[version]=first&limit=2");
      case 8:
        return get("/api1/status/00000000-1111-4111-8111-111111111111/");
      case 9:
        add(at, kBoth, fmt::format("{} deletes {} at {}", asker, id, to),
            [=](World& w) { w.ask(asker, to, {.method = "DELETE", .path = base + "objects/" + id + "/"}); });
        return;
      case 10:  // a tail from the beginning, beside the one that it follows
        return read_again(at, to);
      case 11:
        return get("/api1/collections/sightings/objects/", "match[type]=sighting&match[version]=all");
      case 12:
        return get(base + "manifest/",
                   fmt::format("added_after={}", (kStart + std::chrono::microseconds(at / 2)).text(6)));
      case 13:  // a collection that it has no part in, by its id
        add(at, kBoth, fmt::format("{} asks {} for the tail of a hidden collection", asker, to), [=](World& w) {
          if (!w.reachable(asker, to)) return;
          const std::string hidden = w.node(to).collection_id("private");
          w.note(w.node(to).link({.method = "GET", .path = "/link/v1/tail/" + hidden}, asker).text());
        });
        return;
      default:
        return read_all(at, to);
    }
  }

  // Page by page, by `next`.
  void read_all(std::int64_t at, const std::string& to) {
    const std::string asker = watched_;
    add(at, kBoth, fmt::format("{} reads all of {}", asker, to), [=](World& w) {
      for (const char* endpoint : {"manifest", "objects"}) {
        std::string query = "match[version]=all&limit=5";
        for (int page = 0; page < 40; ++page) {
          const Answer answer =
              w.ask(asker, to,
                    {.method = "GET", .path = fmt::format("/api1/collections/shared/{}/", endpoint), .query = query});
          const auto next = answer.body.find("\"next\":\"");
          if (next == std::string::npos) break;
          const auto from = next + 8;
          query = "match[version]=all&limit=5&next=" + answer.body.substr(from, answer.body.find('"', from) - from);
        }
      }
    });
  }

  void read_again(std::int64_t at, const std::string& to) {
    const std::string asker = watched_;
    add(at, kBoth, fmt::format("{} reads the tail of {} from the beginning", asker, to), [=](World& w) {
      if (!w.reachable(asker, to)) return;
      Answer answer =
          w.node(to).link({.method = "GET", .path = "/link/v1/tail/" + w.node(to).collection_id("shared")}, asker);
      w.note(answer.text());
      if (!answer.tail) return;
      std::string bytes;
      for (int i = 0; i < 8; ++i) {
        const std::size_t before = bytes.size();
        const auto going = answer.tail->pull(bytes, false);
        if (!going || !*going || bytes.size() == before) break;
      }
      w.note(bytes);
    });
  }

  SeededRandom random_;
  ScenarioOptions options_;
  Scenario scenario_;
  std::string watched_;
  bool typed_ = false;
  unsigned serial_ = 0, next_number_ = 1;
  std::vector<std::pair<std::string, std::string>> pairs_;  // (a, b): a gives to b, b follows a
  std::map<std::pair<std::string, std::string>, policy::Agreement> agreements_;
  std::multimap<std::int64_t, Made> made_;
};

}  // namespace

Scenario non_interference_scenario(std::uint64_t seed, const ScenarioOptions& options) {
  return Generator(seed, options).make();
}

namespace {

void play_in(World& world, const Scenario& scenario, unsigned world_bit, bool trace) {
  world.step(0, "start");
  for (std::size_t i = 0; i < scenario.members.size(); ++i)
    world.add(scenario.members[i], scenario.skews[i], scenario.ledger);
  world.watch(scenario.watched);
  for (const auto& event : scenario.events) {
    if ((event.worlds & world_bit) == 0) continue;
    world.step(event.at_us, event.key);
    const std::size_t heard = world.transcript().size();
    event.run(world);
    if (scenario.ledger) world.follow_ledgers();
    if (!trace) continue;
    std::printf("%12.6f %s %s%s\n", static_cast<double>(event.at_us) / 1e6, event.key.c_str(),
                event.worlds == kBoth ? "" : "(secret) ", event.what.c_str());
    for (std::size_t i = heard; i < world.transcript().size(); ++i)
      std::printf("               %s\n", world.transcript()[i].c_str());
  }
}

}  // namespace

std::string unsettled(const Scenario& scenario, unsigned world_bit) {
  World world(kStart, world_bit);
  play_in(world, scenario, world_bit, false);
  std::int64_t at = world.now_us();
  world.step(at += 1'000'000, "all starts");
  for (const auto& a : world.members()) {
    world.node(a).heal();
    if (!world.node(a).up()) world.start(a);
    for (const auto& b : world.members())
      if (a < b) world.partition(a, b, false);
  }
  // Each round a link connects, or delivers; what came in is passed on in the next ones. Backing off takes up to a
  // minute.
  for (int round = 0; round < 12; ++round) {
    world.step(at += 61'000'000, fmt::format("round {}", round));
    for (const auto& [consumer, producer] : scenario.pairs) {
      world.pump(consumer, producer);
      world.pump(consumer, producer);
      world.pump(consumer, producer);
    }
  }
  std::string out;
  for (const auto& [consumer, producer] : scenario.pairs) {
    const auto due = world.node(producer).visible_to(consumer, "shared");
    if (!due) continue;
    auto there = world.node(consumer).contents(producer + ".shared");
    std::multiset<std::string> missing(due->begin(), due->end()), too_many;
    for (const auto& payload : there)
      if (const auto found = missing.find(payload); found != missing.end())
        missing.erase(found);
      else
        too_many.insert(payload);
    for (const auto& payload : missing) out += fmt::format("{} lacks of {}: {}\n", consumer, producer, payload);
    for (const auto& payload : too_many) out += fmt::format("{} still has of {}: {}\n", consumer, producer, payload);
  }
  return out;
}

Outcome play(const Scenario& scenario, unsigned world_bit, bool trace) {
  World world(kStart, world_bit);
  play_in(world, scenario, world_bit, trace);
  Outcome out;
  out.transcript = without_seals(world.transcript());
  out.bytes = world.delivered_bytes();
  for (const auto& member : world.members()) {
    out.entries += world.node(member).entries();
    if (member == scenario.watched) out.dump = world.node(member).dump();
    if (!scenario.ledger || member == scenario.watched) continue;
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
