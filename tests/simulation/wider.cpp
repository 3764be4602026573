#include "wider.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/random.h"
#include "charters.h"
#include "policy/decide.h"
#include "policy/label.h"
#include "policy/memorandum.h"
#include "switches.h"
#include "texts.h"

namespace bongsu::simulation {

const std::set<std::string> kAgreedTypes = {"indicator", "malware",   "relationship",   "report",
                                            "sighting",  "ipv4-addr", "identity",       "observed-data",
                                            "grouping",  "note",      "network-traffic"};

namespace {

using stix::Tlp;
using Strings = std::vector<std::string>;

constexpr std::int64_t kSetupUs = 1'000'000;  // before it nobody reads anything
constexpr unsigned kEventsForEach = 5;        // events of a scenario for each difference of these kinds
constexpr const char* kNationals = "nationals:lt";
constexpr const char* kDrill = "5d0c0f6e-1111-4111-8111-111111111111";

std::string definition_id(const std::string& definition) {
  const auto at = definition.find("marking-definition--");
  return definition.substr(at, std::string("marking-definition--").size() + 36);
}

// ── Objects ─────────────────────────────────────────────────────────────────────────────────────────────────────────

std::string observable(std::string_view type, unsigned number, std::string_view own, const Strings& markings) {
  return fmt::format(R"({{"type":"{}","spec_version":"2.1","id":"{}",{}{}}})", type, id_of(type, number), own,
                     list_of("object_marking_refs", markings));
}

std::string object(std::string_view type, unsigned number, const Strings& markings, std::string_view name,
                   std::string_view more = "", unsigned version = 0) {
  if (type == "ipv4-addr") return address(number, markings, more);
  if (type == "file") return observable(type, number, fmt::format(R"("name":"{}.bin")", number), markings);
  if (type == "domain-name") return observable(type, number, fmt::format(R"("value":"n{}.example")", number), markings);
  if (type == "mac-addr")
    return observable(
        type, number,
        fmt::format(R"("value":"00:00:{:02x}:{:02x}:{:02x}:01")", number >> 16 & 255, number >> 8 & 255, number & 255),
        markings);
  return domain_object(type, number, markings, version, name, more);
}

bool is_observable(const std::string& id) {
  return std::ranges::any_of(Strings{"ipv4-addr", "file", "domain-name", "mac-addr"},
                             [&](const std::string& type) { return id.starts_with(type + "--"); });
}

// What looks open and refers to `target`; `anchor` is open and there in both worlds.
std::string referring(SeededRandom& random, unsigned number, const std::string& target, const std::string& anchor,
                      const Strings& markings, std::string& id) {
  const auto about = [&](std::string_view type, std::string_view more) {
    id = id_of(type, number);
    return domain_object(type, number, markings, 0, "n", more);
  };
  const auto plain = [&](std::string_view type, std::string text) {
    id = id_of(type, number);
    return text;
  };
  const auto refs = fmt::format(R"(,"object_refs":["{}"])", target);
  const auto observed = [&] {
    id = id_of("observed-data", number);
    return fmt::format(
        R"({{"type":"observed-data","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","first_observed":"2026-01-01T00:00:00Z","last_observed":"2026-01-01T00:00:00Z","number_observed":1,"object_refs":["{}"]{}}})",
        id, target, list_of("object_marking_refs", markings));
  };
  std::vector<std::function<std::string()>> forms = {
      [&] { return plain("relationship", relationship(number, anchor, target, markings)); },
      [&] { return plain("relationship", relationship(number, target, anchor, markings)); },
      [&] { return plain("report", report(number, {anchor, target}, markings)); },
      [&] { return about("grouping", R"(,"context":"suspicious-activity")" + refs); },
      [&] { return about("note", R"(,"content":"c")" + refs); }};
  if (!is_observable(target))
    forms.emplace_back([&] { return plain("sighting", sighting(number, target, markings)); });
  else
    for (int twice = 0; twice < 2; ++twice) forms.emplace_back(observed);
  if (target.starts_with("file--"))
    forms.emplace_back([&] { return about("malware", fmt::format(R"(,"sample_refs":["{}"])", target)); });
  if (target.starts_with("mac-addr--"))
    forms.emplace_back([&] {
      return plain("ipv4-addr", address(number, markings, fmt::format(R"(,"resolves_to_refs":["{}"])", target)));
    });
  if (target.starts_with("domain-name--") || target.starts_with("ipv4-addr--"))
    forms.emplace_back([&] {
      return plain("network-traffic",
                   observable("network-traffic", number, fmt::format(R"("protocols":["tcp"],"dst_ref":"{}")", target),
                              markings));
    });
  return forms[random.below(forms.size())]();
}

class Widening {
 public:
  explicit Widening(const Ground& ground)
      : ground_(ground),
        scenario_(ground.scenario),
        watched_(scenario_.watched),
        random_(scenario_.seed * 0x2545f491 + 4711) {}

  void widen() {
    set_up();
    std::vector<std::string_view> kinds;
    for (const Kind& kind : kKinds)
      if (can(kind.name) && (ground_.options.kind.empty() ? kind.on : ground_.options.kind == kind.name))
        kinds.push_back(kind.name);
    if (kinds.empty()) return;
    if (std::ranges::any_of(kinds, [](std::string_view kind) { return kind.ends_with("-end"); })) come_late();
    for (unsigned i = 0; i < ground_.options.events / kEventsForEach; ++i) differ(kinds[random_.below(kinds.size())]);
  }

 private:
  bool can(std::string_view kind) const {
    if (kind == "refers-to-type") return ground_.typed;
    if (kind == "refers-to-sector") return ground_.typed && ground_.charter;
    if (kind == "refers-to-denied") return ground_.charter;
    if (kind == "for-another-person") return ground_.options.person;
    return true;
  }

  // ── Times and choices ──────────────────────────────────────────────────────────────────────────────────────────────
  std::int64_t some_time(std::int64_t from = kSetupUs) {
    const auto length = static_cast<std::uint64_t>(std::max<std::int64_t>(1, ground_.options.length_us - from));
    return from + static_cast<std::int64_t>(random_.below(length));
  }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[random_.below(from.size())];
  }
  bool chance(unsigned in_hundred) { return random_.below(100) < in_hundred; }
  unsigned one_world() { return chance(50) ? kPlain : kSecret; }
  unsigned number() { return ground_.next_number++; }
  const std::string& another() {
    for (;;)
      if (const auto& member = pick(scenario_.members); member != watched_) return member;
  }
  std::set<std::string> others() const {
    std::set<std::string> out(scenario_.members.begin(), scenario_.members.end());
    out.erase(watched_);
    return out;
  }
  void add(std::int64_t at, unsigned worlds, std::string what, std::function<void(World&)> run, char first = 'w') {
    scenario_.events.push_back({at, fmt::format("{}{:06}", first, serial_++), worlds, std::move(what), std::move(run)});
  }
  // In a collection of the node, if it is up. A node that forgets this kind shows `bare` instead, in the open.
  void give(std::int64_t at, unsigned worlds, std::string_view kind, const std::string& node,
            const std::string& collection, Strings texts, const std::string& bare) {
    add(at, worlds, fmt::format("{} has in {} ({}): {}", node, collection, kind, texts.back()),
        [=, kind = std::string(kind)](World& w) {
          SimNode& at_node = w.node(node);
          if (!at_node.up()) return;
          if (at_node.forgets(kind) && !bare.empty()) return (void)at_node.publish("shared", {bare}, node);
          at_node.publish(collection, texts, node);
        });
  }

  // ── The beginning ──────────────────────────────────────────────────────────────────────────────────────────────────
  static std::string anchor_of(std::size_t n) { return id_of("indicator", 0xf00000 + static_cast<unsigned>(n)); }
  std::string anchor(const std::string& node) const {
    return anchor_of(static_cast<std::size_t>(std::ranges::find(scenario_.members, node) - scenario_.members.begin()));
  }
  // For the watched member's eyes only: nobody passes it on.
  Strings own_eyes(const std::string& node) const {
    return {tlp(Tlp::kClear), definition_id(policy::make_releasable_to_marking({watched_}, node, kScenarioStart))};
  }

  void set_up() {
    for (std::size_t n = 0; n < scenario_.members.size(); ++n) {
      const std::string& node = scenario_.members[n];
      if (ground_.charter)
        add(
            0, kBoth, node + " means more clauses",
            [=, self = node, watched = watched_, typed = ground_.typed, person = ground_.options.person](World& w) {
              if (self != watched) w.node(self).also_agree(watched, clauses(typed, person));
            },
            'a');
      const std::string text = object("indicator", 0xf00000 + static_cast<unsigned>(n), {tlp(Tlp::kClear)}, "anchor");
      add(300'000, kBoth, node + " has a drill, and something open", [=](World& w) {
        w.node(node).add_collection("drill", kDrill);
        w.node(node).publish("shared", {text}, node);
      });
      if (ground_.options.person && node != watched_)
        add(950'000, kBoth, fmt::format("{} has an account for a person of {}", node, watched_),
            [=, watched = watched_](World& w) {
              w.node(node).add_account(fmt::format("{}-{}", kPerson, watched), watched, {"shared"}, kPerson);
            });
    }
  }

  // One node agrees with the watched member after the others: what it did before, nobody has seen.
  void come_late() {
    late_ = another();
    const std::string pairing = fmt::format("{} pairs with {}", late_, watched_);
    for (Event& event : scenario_.events)
      if (event.what == pairing) event.at_us = 900'000;
  }

  // What the watched member's papers say beyond their first clause: tools, where they concern some sectors; all, in a
  // crisis; and what is denied in any case.
  static SimNode::Clauses clauses(bool typed, bool person) {
    SimNode::Clauses out;
    policy::PermitClause tools, crisis;
    tools.collections = crisis.collections = {"shared"};
    tools.types = {"tool"};
    tools.sectors = std::set<std::string>{"energy", "health"};
    if (typed) out.permits.push_back(std::move(tools));
    if (person) {
      policy::PermitClause nationals;  // the member honours it, and the person who is watched has no nationality
      nationals.collections = {"shared"};
      nationals.types = typed ? kAgreedTypes : std::set<std::string>{"*"};
      nationals.caveats = {kNationals};
      out.permits.push_back(std::move(nationals));
    }
    crisis.types = {"*"};
    crisis.highest_tlp = Tlp::kAmberStrict;
    crisis.purposes = {policy::Purpose::kCrisis};
    out.permits.push_back(std::move(crisis));
    policy::DenyClause pattern, health;
    pattern.what.types = std::set<std::string>{"attack-pattern"};
    health.what.types = std::set<std::string>{"tool"};
    health.what.sectors = std::set<std::string>{"health"};
    out.denies = {std::move(pattern), std::move(health)};
    return out;
  }

  // ── Hidden by something else than its label ────────────────────────────────────────────────────────────────────────
  struct Hidden {
    std::string type, collection = "shared", more{};
  };
  Hidden hidden_by(std::string_view way) {
    if (way == "collection")
      return {pick(Strings{"indicator", "malware", "ipv4-addr", "file"}), chance(50) ? "feeds" : "private"};
    if (way == "type") return {pick(Strings{"campaign", "domain-name", "mac-addr"})};
    if (way == "sector") return {"tool", "shared", R"(,"sectors":["water"])"};
    if (way == "denied")
      return chance(50) ? Hidden{"attack-pattern"} : Hidden{"tool", "shared", R"(,"sectors":["energy","health"])"};
    return {"indicator", "drill"};
  }
  Strings open_markings() {
    switch (random_.below(3)) {
      case 0:
        return {};
      case 1:
        return {tlp(Tlp::kClear)};
      default:
        return {tlp(Tlp::kGreen)};
    }
  }

  // Gives its id.
  std::string hide(std::string_view kind, std::string_view way, const std::string& node, std::int64_t at,
                   unsigned worlds) {
    const Hidden hidden = hidden_by(way);
    const unsigned n = number();
    const Strings markings = open_markings();
    give(at, worlds, kind, node, hidden.collection, {object(hidden.type, n, markings, "hidden", hidden.more)},
         object("indicator", n, markings, "bare"));
    return id_of(hidden.type, n);
  }

  void elsewhere(std::string_view kind) {
    Strings ways = {"collection", "drill"};
    if (ground_.typed) ways.emplace_back("type");
    if (ground_.charter) ways.emplace_back("denied");
    if (ground_.typed && ground_.charter) ways.emplace_back("sector");
    hide(kind, pick(ways), another(), some_time(), one_world());
  }

  // Until ends that come later are looked for, what refers is for the watched member's eyes: others could get it before
  // what it refers to, and pass it on.
  void refer(std::string_view kind, std::string_view way) {
    const std::string node = another();
    const unsigned worlds = one_world();
    const std::int64_t at = some_time(), then = some_time(at);
    const std::string target = hide(kind, way, node, at, worlds);
    const Strings markings = kind == "passed-on-before-its-end" ? open_markings() : own_eyes(node);
    std::string id;
    Strings texts = {referring(random_, number(), target, anchor(node), markings, id)};
    if (chance(30)) texts.push_back(referring(random_, number(), id, anchor(node), markings, id));  // and to that
    add(then, worlds, fmt::format("{} has what refers to {} ({}): {}", node, target, kind, texts.back()),
        [=, watched = watched_](World& w) {
          if (w.node(node).up() && w.node(node).holds(target, watched)) w.node(node).publish("shared", texts, node);
        });
  }

  // ── Labels of every kind ───────────────────────────────────────────────────────────────────────────────────────────
  policy::Label hidden_label(unsigned which) {
    policy::Label label = policy::bottom();
    const std::string far = "far-1";
    switch (which) {
      case 0:
        label.rank = chance(50) ? policy::ClassRank::kSecret : policy::ClassRank::kTopSecret;
        break;
      case 1:
        label.national = {{"se", policy::Authority::kMilitary, "HEMLIG/SECRET"}};
        break;
      case 2:
        label.categories = {"ZEBRA"};
        break;
      case 3:
        label.persons = std::set<std::string>{far + "/olena", another() + "/jonas"};
        break;
      case 4:
        label.caveats = {chance(50) ? kNationals : "no-tools"};
        break;
      case 5:
        label.expires = kScenarioStart;
        break;
      case 6:
        label.originator_controlled = true;
        label.releasable_to = others();
        break;
      case 7:
        label.clauses = {{{far}, {north()}}};  // as it was before the watched member came into the group
        break;
      default:
        label.rank = policy::ClassRank::kRestricted;
        label.categories = {"YAK", "ZEBRA"};
        label.caveats = {"no-tools"};
    }
    return label;
  }
  static constexpr unsigned kLabels = 9;
  policy::GroupRef north() const {
    const std::string group = CharterBook::group_id(std::string(kNorth));
    return {group, policy::group_version(group, 1, ground_.north)};
  }

  void label(std::string_view kind) {
    const std::string node = another();
    const unsigned worlds = one_world(), n = number();
    policy::Label hidden = hidden_label(static_cast<unsigned>(random_.below(kLabels)));
    if (kind == "definition" && hidden.expires) hidden.rank = policy::ClassRank::kSecret;  // until when is no secret
    const auto made = policy::make_label_marking(hidden, node, kScenarioStart);
    if (!made) return;
    const std::int64_t at = some_time();
    const bool definition_too = kind == "definition";
    if (!definition_too) give(350'000, kBoth, kind, node, "shared", {*made}, "");
    const Strings markings = {tlp(chance(50) ? Tlp::kClear : Tlp::kGreen), definition_id(*made)};
    const std::string type = pick(Strings{"indicator", "malware", "ipv4-addr"});
    Strings texts = {object(type, n, markings, "hidden")};
    if (definition_too) texts.insert(texts.begin(), *made);
    give(at, worlds, kind, node, "shared", texts, object(type, n, {}, "bare"));
    if (chance(30))  // and what leads to it
      add(some_time(at), worlds, fmt::format("{} relates what is hidden by a label ({})", node, kind),
          [=, watched = watched_, id = id_of(type, n), anchor = anchor(node), text = number()](World& w) {
            if (w.node(node).up() && w.node(node).holds(id, watched))
              w.node(node).publish("shared", {relationship(text, anchor, id, {tlp(Tlp::kClear)})}, node);
          });
  }

  // ── What the watched member tries ──────────────────────────────────────────────────────────────────────────────────
  static std::string envelope(const std::string& text) { return "{\"objects\":[" + text + "]}"; }

  // Hidden from the watched member, and what it tries then, that is the same in both worlds.
  struct Trial {
    Strings known, hidden, tried;
    std::string id;  // that it looks for
  };
  Trial trial(std::string_view kind, const std::string& to, unsigned n) {
    const std::string list = policy::make_releasable_to_marking(others(), to, kScenarioStart);
    const Strings secret = {tlp(Tlp::kClear), definition_id(list)};
    const Strings own = own_eyes(to);
    if (kind == "tries-definition") {
      // A definition of its own for each, whose id the watched member knows from somewhere.
      policy::Label label = policy::bottom();
      label.releasable_to = others();
      label.caveats = {fmt::format("case {}", n)};
      const auto made = policy::make_label_marking(label, to, kScenarioStart);
      const std::string definition = made ? *made : "", id = definition_id(definition);
      std::string other = definition;
      if (const auto at = other.find(fmt::format("case {}", n)); at != std::string::npos) other.replace(at, 4, "mine");
      Strings tried = {chance(50) ? definition : other, object("indicator", n + 1, {tlp(Tlp::kClear), id}, "mine")};
      return {{}, {definition, object("indicator", n, {tlp(Tlp::kClear), id}, "hidden")}, std::move(tried), id};
    }
    const std::string type =
        kind == "tries-observable" ? "ipv4-addr" : pick(Strings{"indicator", "malware", "campaign"});
    const std::string hidden = object(type, n, secret, "hidden");
    const bool same =
        kind == "tries-same-bytes" || ((kind == "tries-by-link" || kind == "tries-observable") && chance(50));
    return {{list}, {hidden}, {same ? hidden : object(type, n, own, "mine")}, id_of(type, n)};
  }

  void attempt(std::string_view kind) {
    const std::string to = another(), asker = watched_;
    const unsigned n = number();
    (void)number();
    const Trial trial = this->trial(kind, to, n);
    // Whether a definition is known decides about what bears it; that is another kind's matter.
    if (!trial.known.empty()) give(350'000, kBoth, kind, to, "shared", trial.known, "");
    const std::int64_t at = some_time(), then = some_time(at), last = some_time(then);
    give(at, one_world(), kind, to, "shared", trial.hidden, object("indicator", n, {}, "bare"));
    const std::string path = "/api1/collections/shared/objects/" + trial.id + "/";
    if (kind == "tries-by-link") {
      add(then, kBoth, fmt::format("{} gives {} itself ({})", asker, trial.id, kind), [=](World& w) {
        if (w.node(asker).up()) w.node(asker).publish("shared", trial.tried, asker);
      });
      add(last, kBoth, fmt::format("{} takes {} back ({})", asker, trial.id, kind), [=](World& w) {
        if (w.node(asker).up()) w.node(asker).remove("shared", trial.id);
      });
      return;
    }
    add(then, kBoth, fmt::format("{} tries {} at {} ({})", asker, trial.id, to, kind), [=](World& w) {
      for (const std::string& text : trial.tried)
        w.ask(asker, to, {.method = "POST", .path = "/api1/collections/shared/objects/", .body = envelope(text)});
      w.ask(asker, to, {.method = "GET", .path = path});
    });
    add(last, kBoth, fmt::format("{} looks for {} at {} ({})", asker, trial.id, to, kind), [=](World& w) {
      w.ask(asker, to,
            {.method = "POST", .path = "/api1/collections/shared/objects/", .body = envelope(trial.tried.back())});
      w.ask(asker, to, {.method = "GET", .path = path, .query = "match[version]=all"});
      w.ask(asker, to, {.method = "DELETE", .path = path});
    });
  }

  // ── The label beside an object ─────────────────────────────────────────────────────────────────────────────────────
  // Another member's copy in a collection that the watched one has no part in, for it and for a member that is another
  // in each world; then the same from somebody else, for all: it is given with what the copy demands.
  void beside(std::string_view kind) {
    const std::string node = another();
    const unsigned n = number(), form = static_cast<unsigned>(random_.below(3));
    const auto copy = [&](const std::string& third) -> Strings {
      policy::Label label = policy::bottom();
      if (form == 0)
        label.releasable_to = std::set<std::string>{watched_, third};
      else if (form == 1)
        label.persons = std::set<std::string>{watched_ + "/olena", third + "/jonas"};
      else
        label.clauses = {{{watched_, third}, {north()}}};
      const auto made = policy::make_label_marking(label, node, kScenarioStart);
      if (!made) return {};
      return {*made, object("indicator", n, {tlp(Tlp::kClear), definition_id(*made)}, "open")};
    };
    // Givers who let it be passed on, in both worlds alike: whether one does is what whoever gets it sees by getting it.
    const auto give = [node](World& w, const std::string& giver, const std::string& collection, const Strings& texts) {
      SimNode& here = w.node(node);
      if (!here.up()) return;
      policy::Agreement consent;
      consent.partner = giver;
      consent.passes_on = {"*"};
      consent.valid_until = Instant{4'000'000'000, 0};
      here.know(giver);
      here.agree(consent);
      here.publish(collection, texts, giver);
    };
    const std::int64_t at = some_time(), then = some_time(at);
    add(at, kBoth, fmt::format("{} gets a copy of {} for some ({})", node, id_of("indicator", n), kind),
        [=, plain = copy("far-2"), secret = copy("far-3")](World& w) {
          give(w, "giver-1", "private", w.bit() == kPlain ? plain : secret);
        });
    add(then, kBoth, fmt::format("{} gets a copy of {} for all ({})", node, id_of("indicator", n), kind),
        [=, text = object("indicator", n, {tlp(Tlp::kClear)}, "open")](World& w) {
          give(w, "giver-0", "shared", {text});
        });
  }

  // ── Ends that are raised, or come, after what refers to them ───────────────────────────────────────────────────────
  // All of it before the node agrees with the watched member on anything.
  void late_end(std::string_view kind) {
    const unsigned worlds = one_world(), n = number();
    const std::string type = pick(Strings{"indicator", "malware", "campaign"}), target = id_of(type, n);
    std::string id;
    const std::string edge = referring(random_, number(), target, anchor(late_), own_eyes(late_), id);
    const std::string raised = object(type, n, {tlp(Tlp::kAmber)}, "raised", "", 1);
    Strings before = {edge};
    if (kind == "raised-end") before.insert(before.begin(), object(type, n, {tlp(Tlp::kGreen)}, "open"));
    give(500'000, worlds, kind, late_, "shared", before, "");
    give(600'000, worlds, kind, late_, "shared", {raised}, object(type, n, {}, "bare"));
  }

  // ── Pairing ────────────────────────────────────────────────────────────────────────────────────────────────────────
  // Under the name of a member that is paired in one world only, or with its authority under another name.
  void pairing(std::string_view kind) {
    const std::string node = another(), name = fmt::format("new-{}", number());
    const bool by_authority = chance(30), invited = chance(80);
    const std::int64_t at = some_time();
    add(at, one_world(), fmt::format("{} pairs with {} ({})", node, name, kind), [=](World& w) {
      if (w.node(node).up()) w.node(node).know(name, by_authority ? SimNode::strange_authority() : "");
    });
    add(some_time(at), kBoth, fmt::format("{} asks {} to be paired as {} ({})", watched_, node, name, kind),
        [=, watched = watched_](World& w) {
          if (w.reachable(watched, node))
            w.note(w.node(node).pair(watched, by_authority ? name + "-too" : name, invited).text());
        });
  }

  void differ(std::string_view kind) {
    if (kind == "elsewhere") return elsewhere(kind);
    if (constexpr std::string_view kRefers = "refers-to-"; kind.starts_with(kRefers))
      return refer(kind, kind.substr(kRefers.size()));
    if (kind.starts_with("tries-")) return attempt(kind);
    if (kind == "passed-on-before-its-end") return refer(kind, "collection");
    if (kind.ends_with("-end")) return late_end(kind);
    if (kind == "pairing") return pairing(kind);
    if (kind == "label" || kind == "definition" || kind == "for-another-person") return label(kind);
    if (kind == "names-beside") return beside(kind);
  }

  const Ground& ground_;
  Scenario& scenario_;
  const std::string watched_;
  std::string late_;  // agrees with the watched member after the others
  SeededRandom random_;
  unsigned serial_ = 0;
};

}  // namespace

void widen(const Ground& ground) { Widening(ground).widen(); }

}  // namespace bongsu::simulation
