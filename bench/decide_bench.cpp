// How many release decisions a second does one core make? Distinct (object, member) pairs, nothing cached, reasons
// given.
//   decide_bench [members=100] [objects=10000] [rounds=3]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "policy/decide.h"

using namespace bongsu;
using namespace bongsu::policy;

namespace {

PolicyState make_state(SeededRandom& random, std::size_t members, std::size_t collections) {
  PolicyState state{.self = "cert-self", .epoch = 7};
  for (std::size_t m = 0; m < members; ++m) {
    const std::string name = fmt::format("cert-{:03}", m);
    state.members[name].stopped = random.below(50) == 0;
    Agreement a{.partner = name,
                .highest_tlp = static_cast<stix::Tlp>(random.below(4)),
                .valid_until = Instant{4'000'000'000, 0}};
    for (std::size_t c = 0; c < collections; ++c)
      if (random.below(2) == 0) a.collections.push_back(fmt::format("91a7b528-80eb-42ed-a74d-c6fbd5a2{:04}", c));
    if (random.below(2) == 0)
      a.types = {"*"};
    else
      a.types = {"indicator", "malware", "relationship", "identity"};
    a.onward = random.below(4) == 0;
    state.agreements[name] = std::move(a);
  }
  return state;
}

std::vector<ObjectFacts> make_objects(SeededRandom& random, std::size_t count, std::size_t members,
                                      std::size_t collections) {
  constexpr std::string_view kTypes[] = {"indicator", "malware", "relationship", "report", "ipv4-addr"};
  std::vector<ObjectFacts> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i].type = kTypes[random.below(5)];
    out[i].object_id = fmt::format("{}--{:08x}-1111-4111-8111-111111111111", out[i].type, i);
    out[i].collection = fmt::format("91a7b528-80eb-42ed-a74d-c6fbd5a2{:04}", random.below(collections));
    out[i].origin = random.below(3) == 0 ? fmt::format("cert-{:03}", random.below(members)) : "cert-self";
    out[i].label.tlp = static_cast<stix::Tlp>(random.below(5));
    if (random.below(5) == 0) {
      out[i].label.releasable_to.emplace();
      for (std::size_t m = 0; m < 10; ++m)
        out[i].label.releasable_to->insert(fmt::format("cert-{:03}", random.below(members)));
    }
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::size_t otherwise) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : otherwise;
  };
  const std::size_t members = std::max<std::size_t>(argument(1, 100), 1), objects = argument(2, 10'000),
                    rounds = argument(3, 3);
  constexpr std::size_t kCollections = 5;
  SeededRandom random(1);
  const PolicyState state = make_state(random, members, kCollections);
  const auto facts = make_objects(random, objects, members, kCollections);
  std::vector<std::string> names;
  for (const auto& [name, _] : state.members) names.push_back(name);
  const Instant now{1'800'000'000, 0};
  for (std::size_t round = 0; round < rounds; ++round) {
    std::size_t released = 0, reasons = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const auto& object : facts) {
      for (const auto& name : names) {
        const Decision d = decide(object, name, Purpose::kOperations, state, now);
        released += d.verdict == Verdict::kRelease ? 1 : 0;
        reasons += d.reasons.size();
      }
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double count = static_cast<double>(facts.size() * names.size());
    fmt::print("{{\"decisions\":{},\"per_second\":{:.0f},\"released\":{},\"reasons\":{},\"members\":{}}}\n", count,
               count / seconds, released, reasons, members);
  }
}
