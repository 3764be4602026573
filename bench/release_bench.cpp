// What does it cost to decide one object for seventy members, and to admit it? Processor time, best of several rounds.
//   release_bench [members=70] [objects=2000] [rounds=5]
// Four arrangements: members who share one view; members with a view each; objects releasable to named members, so that
// every member of a view is asked; objects with a part that half of the members may not have, in one view for each
// half. The journal is in memory; what decide_for leaves to do is not in `decide_us`.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "cpu_time.h"
#include "flow/admit.h"
#include "flow/markings.h"
#include "flow/release.h"
#include "journal/journal.h"

using namespace bongsu;

namespace {

constexpr const char* kGreen = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
constexpr const char* kAmber = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";

std::string member_id(std::size_t m) { return fmt::format("cert-{:03}", m); }

std::string object(std::size_t i, const std::string& marking, bool in_parts) {
  return fmt::format(
      R"({{"type":"indicator","spec_version":"2.1","id":"indicator--{:08x}-1111-4111-8111-111111111111","created":"2026-01-01T00:00:00.000Z",)"
      R"("modified":"2026-01-01T00:00:00.000Z","name":"n{}","description":"It calls a server once an hour and writes what it hears into a file.",)"
      R"("pattern":"[domain-name:value = 'c{}.example.org']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","object_marking_refs":["{}"{}]{}}})",
      i, i, i, kGreen, marking.empty() ? "" : ",\"" + marking + '"',
      in_parts ? fmt::format(R"(,"granular_markings":[{{"marking_ref":"{}","selectors":["description"]}}])", kAmber)
               : "");
}

struct World {
  FakeClock clock;
  SeededRandom random{1};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<journal::Journal> journal = journal::make_memory_journal(clock, random);
  std::unique_ptr<flow::Release> release = std::move(*flow::Release::load(*journal, clock, *log));
  std::unique_ptr<flow::Markings> markings = std::move(*flow::Markings::load(*journal));
  flow::Admission admission{*journal, *release, *markings, *log};

  World(std::size_t members, bool apart, bool halves) {
    policy::PolicyState state{.self = "cert-self"};
    for (std::size_t m = 0; m < members; ++m) {
      state.members[member_id(m)];
      policy::Agreement& a = state.agreements[member_id(m)];
      a.partner = member_id(m);
      a.collections = {"c1"};
      a.highest_tlp = halves && m % 2 == 0 ? stix::Tlp::kGreen : stix::Tlp::kAmber;
      a.types = {"*"};
      if (apart) a.types = {"indicator", "marking-definition", fmt::format("x-type-{}", m)};
      a.valid_until = Instant{4'000'000'000, 0};
    }
    BONGSU_CHECK(release->apply(std::move(state), {"c1"}).has_value());
  }
};

void measure(const char* name, std::size_t members, std::size_t objects, std::size_t rounds, bool apart, bool named,
             bool in_parts) {
  double deciding = 1e9, admitting = 1e9;
  std::size_t released = 0, views = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    World world(members, apart, in_parts);
    std::string marking;
    if (named) {
      std::set<policy::MemberId> half;
      for (std::size_t m = 0; m < members; m += 2) half.insert(member_id(m));
      const std::string text = policy::make_releasable_to_marking(half, "cert-self", Instant{1'767'225'600, 0});
      const std::vector<Result<stix::Object>> definition{stix::Object::parse(text)};
      BONGSU_CHECK(world.admission.admit(definition, {.collection = "c1", .origin = "cert-self"}).has_value());
      marking = std::string(*string_at(*parse_json(text), "id"));
    }
    std::vector<Result<stix::Object>> parsed;
    for (std::size_t i = 0; i < objects; ++i) parsed.push_back(stix::Object::parse(object(i, marking, in_parts)));
    const flow::AdmitContext context{.collection = "c1", .origin = "cert-self"};
    std::vector<policy::ObjectFacts> facts;
    for (const auto& one : parsed) facts.push_back(*world.admission.facts_of(*one, context));
    journal::NewEntry entry{.collection = "c1"};
    entry.payload = parsed[0]->bytes();
    BONGSU_CHECK(world.release->decide_for(entry, facts[0]).has_value());  // splits what has to be split
    double start = bench::cpu_seconds();
    for (std::size_t i = 0; i < objects; ++i) {
      entry.object_id = facts[i].object_id;
      entry.payload = parsed[i]->bytes();
      BONGSU_CHECK(world.release->decide_for(entry, facts[i]).has_value());
      released += entry.releases.size();
    }
    deciding = std::min(deciding, bench::cpu_seconds() - start);
    views = world.journal->views()->size();
    start = bench::cpu_seconds();
    for (std::size_t i = 0; i < objects; i += 100)
      BONGSU_CHECK(world.admission.admit(std::span(parsed).subspan(i, std::min<std::size_t>(100, objects - i)), context)
                       .has_value());
    admitting = std::min(admitting, bench::cpu_seconds() - start);
  }
  const auto each = static_cast<double>(objects);
  fmt::print(
      "{{\"case\":\"{}\",\"members\":{},\"views\":{},\"decide_us\":{:.2f},\"admit_us\":{:.2f},\"rows\":{:.1f}}}\n",
      name, members, views, deciding / each * 1e6, admitting / each * 1e6,
      static_cast<double>(released) / each / static_cast<double>(rounds));
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::size_t otherwise) {
    return std::max<std::size_t>(argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : otherwise,
                                 1);
  };
  const std::size_t members = argument(1, 70), objects = argument(2, 2000), rounds = argument(3, 5);
  measure("one view", members, objects, rounds, false, false, false);
  measure("a view each", members, objects, rounds, true, false, false);
  measure("named members", members, objects, rounds, false, true, false);
  measure("half in part", members, objects, rounds, false, false, true);
}
