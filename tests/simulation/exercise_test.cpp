// A drill on live nodes, under seeds: nothing that belongs to it is in a live collection or leaves by one, whatever its
// players, partitions, crashes, changed agreements and a liar on the line do; and within it things do flow.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"
#include "policy/label.h"
#include "seeds.h"
#include "texts.h"
#include "world.h"

namespace bongsu::simulation {
namespace {

constexpr Instant kStart{1'767'225'600, 0};
constexpr std::string_view kDrills[] = {"0e0e1b3c-520d-4a7d-9a3e-8e415bd27710", "0e0e1b3c-520d-4a7d-9a3e-8e415bd27711"};
constexpr unsigned kFirstOfDrill = 0x0d000000;  // numbers of objects from here on belong to drills

std::string marking_of(std::string_view drill) {
  policy::Label label = policy::bottom();
  label.exercises = {std::string(drill)};
  return *policy::make_label_marking(label, "cert-a", kStart);
}
std::string marking_id(std::string_view drill) { return std::string(*string_at(*parse_json(marking_of(drill)), "id")); }

// Says a text anything about an object of a drill?
bool tells_of_a_drill(std::string_view text) {
  constexpr std::string_view kBegins = "--0d00", kEnds = "-1111-4111";  // id_of; a random id could begin so
  for (std::size_t at = text.find(kBegins); at != text.npos; at = text.find(kBegins, at + 1))
    if (text.substr(std::min(text.size(), at + 10)).starts_with(kEnds)) return true;
  return false;
}

struct Tally {
  std::size_t drilled = 0, arrived = 0, sighted = 0, refused = 0;
};

class Drill {
 public:
  explicit Drill(std::uint64_t seed) : random_(seed), world_(kStart), seed_(seed) {
    step();
    const std::size_t count = 3 + random_.below(4);
    for (std::size_t i = 0; i < count; ++i) names_.push_back(std::string("cert-") + static_cast<char>('a' + i));
    for (const auto& name : names_)
      world_.add(name, std::chrono::milliseconds(random_.below(2000)) - std::chrono::seconds(1));
    for (const auto& name : names_) {
      for (std::size_t d = 0; d < std::size(kDrills); ++d) {
        if (name != "cert-a" && name != "cert-b" && random_.below(2) != 0) continue;
        world_.node(name).add_collection(alias_of(d), std::string(kDrills[d]));
        plays_.emplace(name, d);
      }
    }
    for (const auto& a : names_)
      for (const auto& b : names_)
        if (a != b) {
          world_.node(a).know(b);
          agree(a, b);
        }
    world_.forge("cert-b", "cert-a", [this](std::string& bytes) { lie(bytes); });
  }

  void play(std::size_t events) {
    for (std::size_t i = 0; i < events; ++i) {
      step();
      act();
      if (i % 16 == 15) check();
    }
    for (const auto& name : names_) world_.start(name);
    for (const auto& a : names_)
      for (const auto& b : names_) world_.partition(a, b, false);
    lying_ = false;
    for (int round = 0; round < 4; ++round) {
      at_us_ += 61'000'000;
      step();
      for (const auto& name : names_) world_.node(name).tick();
      pump_all();
    }
    check();
    count_arrived();
  }

  const Tally& tally() const { return tally_; }

 private:
  static std::string alias_of(std::size_t drill) { return "drill" + std::to_string(drill); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_.below(n)); }
  const std::string& somebody() { return names_[below(names_.size())]; }
  void step() {
    at_us_ += static_cast<std::int64_t>(random_.below(3'000'000));
    world_.step(at_us_, std::to_string(seed_) + "/" + std::to_string(++steps_));
  }

  // Half of all agreements are for exercises, too; those that are not may name a drill's collection all the same.
  void agree(const std::string& node, const std::string& with) {
    policy::Agreement agreement;
    agreement.partner = with;
    agreement.collections = {"shared", "sightings"};
    for (std::size_t d = 0; d < std::size(kDrills); ++d)
      if (plays_.contains({node, d}) && random_.below(4) != 0) agreement.collections.push_back(alias_of(d));
    agreement.highest_tlp = stix::Tlp::kAmber;
    agreement.types = {"*"};
    agreement.onward = random_.below(2) == 0;
    agreement.passes_on = {"*"};
    agreement.valid_until = Instant{4'000'000'000, 0};
    const bool exercise = random_.below(3) != 0;
    if (exercise) agreement.purposes.insert(policy::Purpose::kExercise);
    for_exercise_[{node, with}] = exercise;
    world_.node(node).heal();
    world_.node(node).agree(agreement);
  }

  // On the way from cert-a to cert-b, live objects get a drill's marking in place of their TLP.
  void lie(std::string& bytes) const {
    if (!lying_) return;
    const std::string green = tlp(stix::Tlp::kGreen), drill = marking_id(kDrills[0]);
    for (std::size_t at = bytes.find(green); at != std::string::npos; at = bytes.find(green, at + 1))
      bytes.replace(at, green.size(), drill);
  }

  void pump_all() {
    for (const auto& consumer : names_)
      for (const auto& producer : names_)
        if (consumer != producer) world_.pump(consumer, producer);
  }

  std::vector<std::string> markings(std::size_t drill) {
    std::vector<std::string> out{tlp(random_.below(3) == 0 ? stix::Tlp::kAmber : stix::Tlp::kGreen)};
    if (random_.below(2) == 0) out.push_back(marking_id(kDrills[drill]));
    return out;
  }

  void act() {
    const std::string& name = somebody();
    if (!world_.node(name).up()) {
      world_.start(name);
      return;
    }
    SimNode& node = world_.node(name);
    const std::size_t drill = below(std::size(kDrills));
    const unsigned live = static_cast<unsigned>(below(24)),
                   drilled = kFirstOfDrill + static_cast<unsigned>(drill * 64 + below(24));
    const std::string indicator = id_of("indicator", drilled);
    const bool plays = plays_.contains({name, drill}), knows = node.holds(indicator);
    switch (below(18)) {
      case 0:
      case 1:
      case 2:  // the drill's own objects
        if (!plays) break;
        tally_.drilled += node.publish(alias_of(drill),
                                       {marking_of(kDrills[drill]),
                                        domain_object("indicator", drilled, markings(drill), ++version_, "drilled")},
                                       name)
                              .admitted;
        break;
      case 3:  // live ones, by a hand that slips: into a drill's collection goes what becomes a drill's
        node.publish("shared", {domain_object("indicator", live, {tlp(stix::Tlp::kGreen)}, ++version_, "live")}, name);
        break;
      case 4: {  // a drill's object put where live information is, or into another drill
        const std::string other = random_.below(2) == 0 ? "shared" : alias_of(1 - drill);
        if (node.collection_id(other).empty()) break;
        const auto done =
            node.publish(other,
                         {marking_of(kDrills[drill]),
                          domain_object("indicator", drilled, {tlp(stix::Tlp::kGreen), marking_id(kDrills[drill])},
                                        ++version_, "slipped")},
                         name);
        EXPECT_GE(done.refused, 1U) << "seed " << seed_;
        tally_.refused += done.refused;
        break;
      }
      case 5:  // what is live and tells of a drill
        if (!knows) break;
        node.publish(
            "shared",
            {relationship(kFirstOfDrill + 0x1000 + live, indicator, id_of("indicator", live), {tlp(stix::Tlp::kClear)}),
             report(live, {indicator}, {tlp(stix::Tlp::kClear)}), sighting(live, indicator, {tlp(stix::Tlp::kClear)})},
            name);
        break;
      case 6:  // a drill tells of what is live
        if (plays)
          node.publish(alias_of(drill),
                       {relationship(kFirstOfDrill + 0x2000 + live, indicator, id_of("indicator", live),
                                     {tlp(stix::Tlp::kClear)})},
                       name);
        break;
      case 7:
      case 8:
        node.raise({{.indicator_id = random_.below(3) == 0 ? id_of("indicator", live) : indicator,
                     .number = static_cast<unsigned>(steps_)}});
        break;
      case 9:
        node.tick();
        break;
      case 10: {
        const std::string& other = somebody();
        if (other != name) agree(name, other);
        break;
      }
      case 11: {
        const std::string& other = somebody();
        if (other != name) world_.partition(name, other, random_.below(2) == 0);
        break;
      }
      case 12:
        if (random_.below(3) == 0)
          node.fail_after(1 + static_cast<int>(below(3)));
        else
          node.heal();
        if (random_.below(2) == 0) world_.crash(name);
        break;
      default:
        lying_ = random_.below(3) == 0;
        pump_all();
    }
  }

  void check() {
    for (const auto& name : names_) {
      if (!world_.node(name).up()) continue;
      SimNode& node = world_.node(name);
      node.heal();
      for (const auto& alias : node.collections()) {
        const std::string exercise = node.exercise_of(alias);
        for (const auto& other : names_) {
          if (other == name) continue;
          const auto visible = node.visible_to(other, alias);
          for (const auto& text : visible ? *visible : std::vector<std::string>()) {
            if (exercise.empty())
              ASSERT_FALSE(tells_of_a_drill(text))
                  << "seed " << seed_ << ": " << name << " shows " << other << " in the live " << alias << ": " << text;
            else
              ASSERT_TRUE((for_exercise_[{name, other}])) << "seed " << seed_ << ": " << name << " shows " << other
                                                          << " a drill by an agreement that is not for one: " << text;
          }
        }
        if (!exercise.empty()) continue;
        for (const auto& text : node.contents(alias)) {
          const auto json = parse_json(text);
          const std::string id(string_at(*json, "id").value_or(""));
          // What was said live about a drill stays where it was said.
          if (id.starts_with("indicator--"))
            ASSERT_FALSE(tells_of_a_drill(id))
                << "seed " << seed_ << ": " << name << " has in its live " << alias << ": " << text;
        }
      }
    }
  }

  void count_arrived() {
    for (const auto& name : names_) {
      const SimNode& node = world_.node(name);
      for (const auto& alias : node.collections()) {
        if (node.exercise_of(alias).empty() || alias.find('.') == std::string::npos) continue;
        for (const auto& text : node.contents(alias)) {
          tally_.arrived += text.find(R"("type":"indicator")") != std::string::npos;
          tally_.sighted += text.find(R"("type":"sighting")") != std::string::npos;
        }
      }
    }
  }

  SeededRandom random_;
  World world_;
  std::uint64_t seed_, steps_ = 0;
  std::int64_t at_us_ = 0;
  unsigned version_ = 0;
  bool lying_ = false;
  std::vector<std::string> names_;
  std::set<std::pair<std::string, std::size_t>> plays_;
  std::map<std::pair<std::string, std::string>, bool> for_exercise_;
  Tally tally_;
};

TEST(Exercises, NothingOfADrillReachesALiveCollection) {
  const auto [from, to] = seeds_of(200);
  const std::uint64_t seeds = to + 1 - from;
  Tally all;
  for (std::uint64_t seed = from; seed <= to && !HasFatalFailure(); ++seed) {
    Drill drill(seed);
    drill.play(160);
    all.drilled += drill.tally().drilled;
    all.arrived += drill.tally().arrived;
    all.sighted += drill.tally().sighted;
    all.refused += drill.tally().refused;
  }
  EXPECT_GT(all.arrived, seeds) << "players do see what the drill has";
  if (seeds >= 100) EXPECT_GT(all.sighted, seeds / 16) << "and sightings go home in it";
  EXPECT_GT(all.refused, seeds) << "what slips is refused";
  std::printf("%llu seeds: %zu objects of drills, %zu arrived, %zu sightings went home, %zu slips refused\n",
              static_cast<unsigned long long>(seeds), all.drilled, all.arrived, all.sighted, all.refused);
}

}  // namespace
}  // namespace bongsu::simulation
