// How many release decisions a second does one core make, and how long does deciding one object for everybody take?
// Distinct (object, member) pairs, nothing cached, reasons given. Compiled policy, labels compiled beforehand;
// compiling them is timed apart, and so is leaving parts out of an object.
//   decide_bench [members=100] [agreements=500] [objects=10000] [rounds=5]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "cpu_time.h"
#include "policy/compiled_policy.h"
#include "policy/redact.h"

using namespace bongsu;
using namespace bongsu::policy;

namespace {

constexpr std::size_t kCollections = 5;
constexpr const char* kNations[] = {"lt", "se", "fr", "kr", "ua", "ee"};
constexpr const char* kCategories[] = {"CRYPTO", "GRID", "SPACE"};

std::string collection_id(std::size_t c) { return fmt::format("91a7b528-80eb-42ed-a74d-c6fbd5a2{:04}", c); }
std::string member_id(std::size_t m) { return fmt::format("cert-{:03}", m); }
std::string group_id(std::size_t g) { return fmt::format("6f0e1b3c-520d-4a7d-9a3e-8e415bd2{:04}", g); }

PolicyState make_state(SeededRandom& random, std::size_t members, std::size_t agreements) {
  PolicyState state;
  state.self = "cert-self";
  state.epoch = 7;
  state.charter_version = 3;
  state.own.communities = {"exchange"};
  for (std::size_t m = 0; m < members; ++m) {
    MemberStanding& standing = state.members[member_id(m)];
    standing.stopped = random.below(50) == 0;
    standing.nation = kNations[random.below(std::size(kNations))];
    standing.kind = static_cast<Authority>(random.below(3));
    standing.clearance.rank = static_cast<ClassRank>(random.below(5));
    for (const char* category : kCategories)
      if (random.below(2) == 0) standing.clearance.categories.insert(category);
    standing.communities = {"exchange"};
  }
  for (std::size_t i = 0; i < agreements; ++i) {
    const std::string name = member_id(i % members);
    Agreement a;
    a.partner = name;
    a.id = fmt::format("00000000-0000-4000-8000-{:012}", i);
    a.version = 1 + i % 7;
    a.highest_tlp = static_cast<stix::Tlp>(random.below(4));
    a.valid_until = Instant{4'000'000'000, 0};
    for (std::size_t c = 0; c < kCollections; ++c)
      if (random.below(2) == 0) a.collections.push_back(collection_id(c));
    a.types = random.below(2) == 0 ? std::set<std::string>{"*"}
                                   : std::set<std::string>{"indicator", "malware", "relationship", "identity"};
    a.onward = random.below(4) == 0;
    a.passes_on = std::set<MemberId>{"*"};
    a.highest_class = static_cast<ClassRank>(random.below(5));
    for (const char* category : kCategories)
      if (random.below(2) == 0) a.categories.insert(category);
    a.red_to_persons = random.below(2) == 0;
    if (!state.agreements.contains(name))
      state.agreements[name] = std::move(a);
    else
      state.further[name].push_back(std::move(a));
  }
  for (std::size_t g = 0; g < 8; ++g) {
    Group& group = state.groups[group_id(g)];
    for (const char* version : {"00000000000000000000000000000001", "00000000000000000000000000000002"})
      for (std::size_t m = 0; m < members; ++m)
        if (random.below(3) != 0) group.versions[version].insert(member_id(m));
    group.current = "00000000000000000000000000000002";
  }
  for (const char* nation : kNations)
    for (const Authority kind : {Authority::kCivil, Authority::kMilitary, Authority::kOperator})
      state.equivalences[{nation, kind}] = {
          {{"R", ClassRank::kRestricted}, {"C", ClassRank::kConfidential}, {"S", ClassRank::kSecret}},
          {"lt", "se", "kr"}};
  return state;
}

Label make_label(SeededRandom& random, std::size_t members) {
  Label label = bottom();
  label.tlp = static_cast<stix::Tlp>(random.below(5));
  if (random.below(5) == 0) {
    label.releasable_to.emplace();
    for (std::size_t m = 0; m < 10; ++m) label.releasable_to->insert(member_id(random.below(members)));
  }
  if (random.below(5) == 0)
    label.clauses = {{{member_id(0)}, {{group_id(random.below(8)), "00000000000000000000000000000001"}}}};
  if (random.below(4) == 0)
    label.national = {{kNations[random.below(std::size(kNations))], static_cast<Authority>(random.below(3)), "C"}};
  if (random.below(6) == 0) label.categories = {kCategories[random.below(3)]};
  if (random.below(8) == 0) label.persons = {{member_id(random.below(members)) + "/olena", member_id(1) + "/jonas"}};
  label.originator_controlled = random.below(10) == 0;
  return label;
}

std::vector<ObjectFacts> make_objects(SeededRandom& random, std::size_t count, std::size_t members) {
  constexpr std::string_view kTypes[] = {"indicator", "malware", "relationship", "report", "ipv4-addr"};
  std::vector<ObjectFacts> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    ObjectFacts& facts = out[i];
    facts.type = kTypes[random.below(5)];
    facts.object_id = fmt::format("{}--{:08x}-1111-4111-8111-111111111111", facts.type, i);
    facts.collection = collection_id(random.below(kCollections));
    facts.origin = random.below(3) == 0 ? member_id(random.below(members)) : "cert-self";
    facts.label = make_label(random, members);
    facts.can_redact = true;
    if (random.below(5) != 0) continue;
    const Label own = facts.label;
    LabelPart part{.selectors = {"description"}, .label = make_label(random, members)};
    Label with = join(own, part.label);
    with.redact = part.selectors;
    with.parts = {{.selectors = {}, .label = own}, std::move(part)};
    facts.label = with;
  }
  return out;
}

// Best of several, in processor time.
double best(std::size_t rounds, const std::function<void()>& work) {
  double out = 1e9;
  for (std::size_t round = 0; round < rounds; ++round) {
    const double start = bench::cpu_seconds();
    work();
    out = std::min(out, bench::cpu_seconds() - start);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::size_t otherwise) {
    return std::max<std::size_t>(argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : otherwise,
                                 1);
  };
  const std::size_t members = argument(1, 100), agreements = argument(2, 500), objects = argument(3, 10'000),
                    rounds = argument(4, 5);
  SeededRandom random(1);
  const PolicyState state = make_state(random, members, agreements);
  const auto facts = make_objects(random, objects, members);
  const Instant now{1'800'000'000, 0};
  const CompiledPolicy policy(state);
  const auto count = static_cast<std::uint32_t>(policy.members().size());

  // The same answers as the plain engine, before anything is timed.
  for (std::size_t i = 0; i < std::min<std::size_t>(objects, 300); ++i) {
    const CompiledObject object = policy.compile(facts[i]);
    for (std::uint32_t m = 0; m < count; ++m) {
      const CompiledDecision fast = policy.decide(object, m, Purpose::kOperations, now);
      const Decision plain = decide(facts[i], policy.members()[m], Purpose::kOperations, state, now);
      if (fast.verdict != plain.verdict || reasons_of(fast) != plain.reasons) {
        fmt::print(stderr, "the engines differ: {}\n", facts[i].label.text());
        return 1;
      }
    }
  }

  std::vector<CompiledObject> compiled;
  const double compiling = best(rounds, [&] {
    compiled.clear();
    compiled.reserve(facts.size());
    for (const auto& object : facts) compiled.push_back(policy.compile(object));
  });
  std::size_t released = 0, redacted = 0;
  std::uint64_t reasons = 0;
  const double deciding = best(rounds, [&] {
    released = redacted = 0;
    for (const auto& object : compiled) {
      for (std::uint32_t m = 0; m < count; ++m) {
        const CompiledDecision d = policy.decide(object, m, Purpose::kOperations, now);
        released += d.verdict == Verdict::kRelease ? 1 : 0;
        redacted += d.verdict == Verdict::kRedact ? 1 : 0;
        reasons ^= d.reasons;
      }
    }
  });
  const double decisions = static_cast<double>(objects) * count;
  fmt::print(
      "{{\"decisions\":{:.0f},\"per_second\":{:.0f},\"released\":{},\"redacted\":{},\"members\":{},\"agreements\":{},"
      "\"check\":{}}}\n",
      decisions, decisions / deciding, released, redacted, members, agreements, reasons & 0xffff);
  const double to_seventy = best(rounds, [&] {
    for (const auto& object : facts) {
      const CompiledObject one = policy.compile(object);
      for (std::uint32_t m = 0; m < std::min<std::uint32_t>(count, 70); ++m)
        reasons ^= policy.decide(one, m, Purpose::kOperations, now).reasons;
    }
  });
  fmt::print("{{\"compile_us\":{:.2f},\"one_object_to_{}_members_us\":{:.2f}}}\n",
             compiling / static_cast<double>(objects) * 1e6, std::min<std::uint32_t>(count, 70),
             to_seventy / static_cast<double>(objects) * 1e6);

  std::size_t plain_released = 0;
  const std::size_t some = std::min<std::size_t>(objects, 500);
  const double plain = best(1, [&] {
    for (std::size_t i = 0; i < some; ++i)
      for (const auto& name : policy.members())
        plain_released += decide(facts[i], name, Purpose::kOperations, state, now).verdict == Verdict::kRelease ? 1 : 0;
  });
  fmt::print("{{\"plain_engine_per_second\":{:.0f},\"released\":{}}}\n", static_cast<double>(some) * count / plain,
             plain_released);

  const std::string object =
      R"({"type":"malware","spec_version":"2.1","id":"malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2026-01-01T00:00:00.000Z",)"
      R"("modified":"2026-01-01T00:00:00.000Z","name":"Quux","is_family":false,"labels":["first-label","second-label"],"description":)"
      R"("It calls c2.example.org once an hour and writes what it hears into a file.","x_server":"c2.example.org",)"
      R"("granular_markings":[{"marking_ref":"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1","selectors":["x_server","labels.[0]"]}]})";
  std::size_t bytes = 0;
  const double redacting = best(rounds, [&] {
    for (int i = 0; i < 1'000; ++i) bytes += redact(object, {"labels.[0]", "x_server"}).json.value_or("").size();
  });
  fmt::print("{{\"redact_us\":{:.2f},\"bytes\":{}}}\n", redacting * 1e3, bytes / (rounds * 1'000));
}
