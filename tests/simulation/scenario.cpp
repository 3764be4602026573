#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "charters.h"
#include "policy/label.h"
#include "texts.h"
#include "wider.h"

namespace bongsu::simulation {
namespace {

using stix::Tlp;

constexpr Instant kStart = kScenarioStart;
constexpr Instant kForEver{4'000'000'000, 0};
constexpr std::int64_t kSetupUs = 1'000'000;
constexpr std::int64_t kRoundUs = 9'000'000;  // about how often each link is pumped

std::function<void(World&)> taking_away(const std::string& node, const std::string& id, bool erase) {
  return [=](World& w) {
    if (!w.node(node).up()) return;
    if (erase) return w.node(node).erase(id);
    const std::string newest = w.node(node).newest_own(id).value_or("");
    // What was recalled before and is still somewhere says nothing of a version that came since.
    const auto before = w.recalled().find({node, id});
    const auto is_new = [&](const auto& copy) {
      return before == w.recalled().end() || (!before->second.empty() && copy.version > before->second);
    };
    const auto has_it = [&](const std::string& member) {
      return member != node && w.node(member).up() && std::ranges::any_of(w.node(member).copies(id), is_new);
    };
    const bool out = std::ranges::any_of(w.members(), has_it);
    const std::size_t told = w.node(node).orders(id).size();
    // What nobody has, or was handed, is nobody's to destroy: it may be given later as it is.
    if (w.node(node).remove("shared", id) && (out || w.node(node).orders(id).size() > told))
      w.note_recalled(node, id, newest);
  };
}

std::function<void(World&)> recalling(const std::string& node, const std::string& id) {
  return [=](World& w) {
    if (!w.node(node).up()) return;
    // Of what it never had it can recall what refers to it, and nothing that somebody else gives later.
    const auto newest = w.node(node).newest_own(id);
    if (w.node(node).recall(id) && newest) w.note_recalled(node, id, *newest);
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
  std::string part_plain{}, part_secret{};  // what the watched member may not see of it, in either world
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
    if (options.person) scenario_.person = kPerson;
    typed_ = random_.below(2) == 0;
    scenario_.nodes.ledger = !options_.chaos && (options_.ledger || seed % 3 == 0);
    scenario_.nodes.keep_arrived = options_.recalls;
    if (seed % 5 == 0) {
      constexpr Tlp kSealed[] = {Tlp::kClear, Tlp::kGreen, Tlp::kAmber, Tlp::kAmberStrict};
      scenario_.nodes.seal_from = kSealed[random_.below(4)];
    }
    charter_ = seed % 4 == 0;
  }

  Scenario make() {
    set_up();
    for (unsigned i = 0; i < options_.events; ++i) happen();
    for (unsigned i = 0; i < options_.events; ++i) hide();
    for (unsigned i = 0; i < options_.events / 8; ++i) probe();
    if (charter_) change_charter();
    if (!options_.chaos)
      widen({.scenario = scenario_, .options = options_, .typed = typed_, .charter = charter_, .north = north_, .next_number = next_number_});
    if (options_.recalls) pass_on();
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
    a.passes_on = {"*"};
    if (to == watched_) {
      a.highest_tlp = chance(80) ? Tlp::kGreen : Tlp::kClear;
      if (typed_) a.types = kAgreedTypes;
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
    if (charter_) follow_charter();
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

  // A part that the watched member may not see, other in each world.
  void hide_a_part(Made& m) {
    const unsigned form = m.type == "ipv4-addr" ? kPartForms - 1 : static_cast<unsigned>(random_.below(kPartForms));
    // The depth of a proof's tree tells the number of an object's values, to a power of two: lists are as long in both.
    const auto items = 1 + static_cast<unsigned>(random_.below(6));
    const auto part = [&](const char* world) -> std::string {
      const auto size = form == kListForm ? items : 1 + static_cast<unsigned>(random_.below(6));
      return amber_part(form, fmt::format("{}{:06x}", world, random_.below(0x1000000)), size);
    };
    m.part_plain = part("plain");
    // Where it is sealed, its length cannot be told from that of its proof (without_seals).
    m.part_secret = m.node == watched_ || scenario_.nodes.seal_from ? m.part_plain : part("secret");
  }

  // `beside`: what is published with it in the same batch.
  void publish(Made m, std::int64_t at, std::string_view name, Beside beside = {}) {
    const std::string note = m.type == "ipv4-addr" && m.version > 0 ? fmt::format(",\"x_note\":\"{}\"", m.version) : "";
    const std::string plain = text_of(m, name, note + m.part_plain), secret = text_of(m, name, note + m.part_secret);
    add(at, m.worlds, fmt::format("{} publishes {} in {} ({})", m.node, m.id, m.collection, name),
        [node = m.node, collection = m.collection, definitions = m.definitions, plain, secret, beside](World& w) {
          if (!w.node(node).up()) return;
          std::vector<std::string> all = definitions;
          all.push_back(w.bit() == kPlain ? plain : secret);
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
      if (chance(30)) hide_a_part(m);
      Beside beside;
      if (node != watched_ && chance(30) && (!scenario_.nodes.seal_from || m.part_plain.empty())) {
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
      if (chance(30)) m.part_plain = m.part_secret = "";  // all of it is open now
      if (chance(30)) hide_a_part(m);
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
    } else if (kind < 61) {  // raised beyond what the watched member may see
      Made m = *pick(mine);
      m.version += 1;
      m.seen = false;
      m.markings = {tlp(Tlp::kAmber)};
      if (m.type != "ipv4-addr") publish(std::move(m), at, "raised");
    } else if (kind < 70) {
      change_agreement(at);
    } else if (kind < 75) {
      const std::string victim = pick(scenario_.members);
      const std::int64_t back = at + 1'000'000 + static_cast<std::int64_t>(random_.below(20'000'000));
      add(at, kBoth, victim + " dies", [victim](World& w) {
        if (w.node(victim).up()) w.crash(victim);
      });
      add(back, kBoth, victim + " starts", [victim](World& w) {
        if (!w.node(victim).up()) w.start(victim);
      });
    } else if (kind < 79) {
      const std::string one = pick(scenario_.members), two = other(one);
      add(at, kBoth, fmt::format("{} and {} are parted", one, two), [=](World& w) { w.partition(one, two, true); });
      add(later(at), kBoth, fmt::format("{} and {} meet again", one, two),
          [=](World& w) { w.partition(one, two, false); });
    } else if (kind < 82) {
      const auto by = std::chrono::milliseconds(static_cast<int>(random_.below(20'001)) - 10'000);
      add(at, kBoth, fmt::format("the clock of {} jumps by {} ms", node, by.count()),
          [=](World& w) { w.node(node).jump(by); });
    } else if (kind < (options_.recalls ? 94 : 88)) {
      const Made* victim = pick(mine);
      add(at, kBoth, fmt::format("{} recalls {}", node, victim->id), recalling(node, victim->id));
    } else if (kind < 95) {  // the sensor of a node sees something of what the watched member shares
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
    } else if (kind < 94) {
      add(at, worlds, node + " judges an alert", [=](World& w) {
        if (w.node(node).up()) w.node(node).judge_newest_alert();
      });
    } else if (kind < 97) {
      if (hidden.empty()) return;
      const Made* victim = pick(hidden);
      // Every copy of it there is recalled, whoever gave it: the watched member must not have given one.
      recalled_.insert(victim->id);
      add(at, worlds, fmt::format("{} recalls hidden {}", node, victim->id), recalling(node, victim->id));
    } else {  // others' agreements: more or less of what is hidden anyway
      const auto& [a, b] = pick(pairs_);
      if (a == watched_ || b == watched_) return;
      policy::Agreement agreement = agreements_.at({a, b});
      // Only where nothing common changes it: else what it says of open objects would differ. Of a part that b passes
      // on, the watched member sees that b got another copy (README.md).
      if (std::ranges::any_of(
              made_, [&](const auto& item) { return item.second.node == a && !item.second.part_plain.empty(); }))
        return;
      constexpr Tlp kLevels[] = {Tlp::kGreen, Tlp::kAmber, Tlp::kAmberStrict};
      const Tlp level = kLevels[random_.below(3)];
      // Nor where something open was raised: whoever may not have that any more loses what was before it (V1), and takes
      // it back from the watched member in turn.
      if (std::ranges::any_of(made_, [&](const auto& item) {
            return item.second.node == a && item.second.worlds == kBoth && !item.second.seen;
          }))
        return;
      add(at, worlds, fmt::format("{} changes in secret what {} gets", a, b), [=](World& w) {
        if (w.node(a).up()) w.node(a).change_level(b, level);
      });
    }
  }

  static constexpr unsigned kOutsiders = 4;
  static std::string outsider_name(unsigned n) { return fmt::format("far-{}", n); }

  // A member without a node here, of which the watched one knows nothing: it shares views with it, and leaves them.
  void outsider(std::int64_t at, const std::string& node, unsigned worlds) {
    const std::string name = outsider_name(static_cast<unsigned>(random_.below(kOutsiders)));
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
      if (!m.seen && !m.removed && m.collection == "shared" && m.node != watched_ && !recalled_.contains(m.id))
        hidden.push_back(&m);
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

  // ── The charter ────────────────────────────────────────────────────────────────────────────────────────────────────
  // All but one, who is let in later, and outsiders are founders.
  void follow_charter() {
    std::vector<std::string> founders;
    for (const auto& member : scenario_.members)
      if (member != watched_ && joiner_.empty())
        joiner_ = member;
      else
        founders.push_back(member);
    for (unsigned i = 0; i < kOutsiders; ++i) founders.push_back(outsider_name(i));
    charters_ = std::make_unique<CharterBook>(founders, kStart - std::chrono::hours{24});
    if (!options_.chaos)  // the watched member comes into a group that is there already
      charters_->next(kStart - std::chrono::hours{23}, [&](policy::Charter& draft) {
        north_ = {founders.begin(), founders.end()};
        north_.erase(watched_);
        CharterBook::found_group(draft, std::string(kNorth), {north_.begin(), north_.end()});
        CharterBook::change_group(draft, std::string(kNorth), kStart + std::chrono::microseconds(options_.length_us / 2),
                                  {founders.front(), founders.back(), watched_});
      });
    for (const auto& member : scenario_.members)
      add(0, kBoth, member + " follows the charter",
          [member, versions = charters_->versions()](World& w) { w.node(member).trust(versions); });
  }

  // A version of the charter, brought to one node by hand, to others by links.
  void next_charter(std::int64_t at, unsigned worlds, const std::string& what, const CharterBook::Change& change) {
    charters_->next(kStart + std::chrono::microseconds(at), change);
    const std::string node = other(watched_);
    // What is there in one world only brings nobody a version before it that others have not brought.
    auto versions = charters_->versions();
    if (worlds != kBoth) versions.erase(versions.begin(), versions.end() - 1);
    add(at, worlds, fmt::format("{} brings the charter in which {}", node, what), [node, versions](World& w) {
      if (w.node(node).up()) w.node(node).trust(versions);
    });
  }

  // Everybody in it may know it. So what is hidden in it comes after the watched member was taken out.
  void change_charter() {
    const std::int64_t step = options_.length_us / 6;
    next_charter(step, kBoth, joiner_ + " is let in",
                 [this](policy::Charter& draft) { CharterBook::admit(draft, joiner_); });
    for (int i = 2; i <= 4; ++i)  // what it agreed, as soon as both know the charter
      for (const auto& pair : pairs_)
        if (pair.first == joiner_ || pair.second == joiner_)
          add(i * step, kBoth, fmt::format("{} and {} sign", pair.first, pair.second),
              [a = pair.first, agreement = agreements_.at(pair)](World& w) {
                if (w.node(a).up()) w.node(a).agree(agreement);
              });
    const std::string cleared = pick(scenario_.members);
    next_charter(2 * step, kBoth, cleared + " is cleared for more",
                 [&](policy::Charter& draft) { CharterBook::change_clearance(draft, cleared, 2); });
    const std::string gone = chance(50) ? watched_ : outsider_name(0);
    next_charter(3 * step, kBoth, gone + " is taken out",
                 [&](policy::Charter& draft) { CharterBook::remove(draft, gone); });
    if (gone != watched_) return;
    const unsigned worlds = one_world();
    next_charter(4 * step, worlds, "another is taken out",
                 [](policy::Charter& draft) { CharterBook::remove(draft, outsider_name(1)); });
    next_charter(5 * step, worlds, "there is a group", [this](policy::Charter& draft) {
      CharterBook::found_group(
          draft, "BALT",
          {scenario_.members.front() == watched_ ? scenario_.members.back() : scenario_.members.front()});
    });
  }

  // ── Recalls: what is given is passed on ────────────────────────────────────────────────────────────────────────────
  void pass_on() {
    for (const auto& pair : pairs_)
      for (int i = 1; i <= 3; ++i) {
        policy::Agreement agreement = agreements_.at(pair);
        agreement.onward = true;
        agreement.highest_tlp = Tlp::kAmber;
        for (const auto& [from, to] : pairs_)
          if (to == pair.first && from != pair.second && chance(50)) agreement.collections.push_back(from + ".shared");
        add(some_time(kSetupUs + i * 15'000'000), kBoth, fmt::format("{} passes on to {}", pair.first, pair.second),
            [a = pair.first, agreement](World& w) {
              if (!w.node(a).up()) return;
              policy::Agreement now = agreement;
              std::erase_if(now.collections, [&](const std::string& c) { return w.node(a).collection_id(c).empty(); });
              w.node(a).agree(now);
            });
      }
    if (chance(60)) {
      const std::string away = scenario_.away = pick(scenario_.members);
      add(options_.length_us / 2, kBoth, away + " is out of reach from now on", [away](World& w) {
        for (const auto& member : w.members())
          if (member != away) w.partition(away, member, true);
      });
      // Nothing brings it back before the end.
      std::erase_if(scenario_.events, [&](const Event& event) {
        return event.at_us >= options_.length_us / 2 && event.what.ends_with("meet again");
      });
    }
    for (unsigned i = 0; i < options_.events / 3; ++i)
      add(some_time(), kBoth, "something comes again", [n = random_.next()](World& w) {
        const auto members = w.members();
        SimNode& node = w.node(members[n % members.size()]);
        if (node.up() && node.arrived() > 0) node.arrive_again((n >> 8) % node.arrived());
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
      if (scenario_.nodes.ledger)
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
  bool charter_ = false;  // there is one
  std::set<std::string> north_;  // its group, without the watched member
  std::string joiner_;    // whom a later version of it lets in
  std::unique_ptr<CharterBook> charters_;
  unsigned serial_ = 0, next_number_ = 1;
  std::vector<std::pair<std::string, std::string>> pairs_;  // (a, b): a gives to b, b follows a
  std::map<std::pair<std::string, std::string>, policy::Agreement> agreements_;
  std::multimap<std::int64_t, Made> made_;
  std::set<std::string> recalled_;  // ids of hidden objects
};

}  // namespace

Scenario non_interference_scenario(std::uint64_t seed, const ScenarioOptions& options) {
  return Generator(seed, options).make();
}

Scenario recall_scenario(std::uint64_t seed) {
  return non_interference_scenario(
      seed, {.most_members = 5, .events = 50, .chaos = true, .recalls = true, .length_us = 100'000'000});
}

}  // namespace bongsu::simulation
