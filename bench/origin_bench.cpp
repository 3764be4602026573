// What does it cost to sign what we publish, and to check what others signed? CPU time an object, by getrusage.
//
//   build/bench/bin/origin_bench [objects in a batch, 1000]
//
// Objects are indicators as the other benchmarks make them, 600 to 700 bytes. Everything that is signed is checked.
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/uuid.h"
#include "cpu_time.h"
#include "crypto/origin.h"

namespace {

using namespace bongsu;

double cpu_us() { return 1e6 * bench::cpu_seconds(); }

// With granular markings it has parts, and gets a tree of its leaves.
std::string indicator(Random& random, std::size_t i, bool parts) {
  return fmt::format(
      R"({{"type":"indicator","spec_version":"2.1","id":"indicator--{}","created_by_ref":"identity--{}",)"
      R"("created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"Host {} of a botnet",)"
      R"("description":"Seen in scans of industrial gateways","indicator_types":["malicious-activity"],)"
      R"("pattern":"[domain-name:value = 'host-{}.example.org']","pattern_type":"stix","pattern_version":"2.1",)"
      R"("valid_from":"2026-01-01T00:00:00Z","confidence":80,"labels":["botnet","scan"],)"
      R"("object_marking_refs":["marking-definition--{}"]{}}})",
      Uuid::random(random).text(), Uuid::random(random).text(), i, i, Uuid::random(random).text(),
      parts ? R"(,"granular_markings":[{"marking_ref":"marking-definition--1","selectors":["name","description"]}])"
            : "");
}

template <class Body>
double best(int rounds, std::size_t objects, Body&& body) {
  double least = 1e18;
  for (int round = 0; round < rounds; ++round) {
    const double begin = cpu_us();
    body();
    least = std::min(least, (cpu_us() - begin) / static_cast<double>(objects));
  }
  return least;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  SystemRandom random;
  SystemClock clock;
  const auto key = *crypto::make_signing_key();
  const auto signer = *crypto::OriginSigner::make("cert-lt", key);
  std::vector<std::string> objects;
  for (std::size_t i = 0; i < count; ++i) objects.push_back(indicator(random, i, true));
  std::vector<std::string> wholes;
  for (std::size_t i = 0; i < count; ++i) wholes.push_back(indicator(random, i, false));
  const std::vector<std::string_view> whole_views(wholes.begin(), wholes.end());
  const std::vector<std::string_view> views(objects.begin(), objects.end());

  std::vector<std::string> proofs;
  const double sign = best(9, count, [&] { proofs = *signer.sign(views, {}, clock.now(), random); });
  const double sign_whole = best(9, count, [&] { (void)*signer.sign(whole_views, {}, clock.now(), random); });
  const auto check = [&](const std::vector<std::string>& some, const std::vector<std::string>& of) {
    crypto::OriginVerifier verifier;
    for (std::size_t i = 0; i < count; ++i) {
      const auto proof = crypto::OriginProof::parse(some[i]);
      if (!proof || verifier.verify(*proof, of[i], key.public_key) != crypto::OriginFault::kNone) std::abort();
    }
  };
  const double verify = best(9, count, [&] { check(proofs, objects); });
  const double alone = best(9, count, [&] {
    for (std::size_t i = 0; i < count; ++i)
      if (verify_origin(*crypto::OriginProof::parse(proofs[i]), objects[i], key.public_key) !=
          crypto::OriginFault::kNone)
        std::abort();
  });
  std::vector<std::string> parts, part_proofs(count);
  for (const std::string& object : objects) {
    auto json = parse_json(object)->get_object();
    json.erase("name");
    json.erase("description");
    json.erase("granular_markings");
    parts.push_back(to_text(json));
  }
  const double disclose = best(9, count, [&] {
    for (std::size_t i = 0; i < count; ++i)
      part_proofs[i] = crypto::OriginProof::parse(proofs[i])->for_part(objects[i], parts[i])->bytes();
  });
  const double verify_part = best(9, count, [&] { check(part_proofs, parts); });
  std::string one;
  const std::vector<std::string_view> single{whole_views[0]};
  const double sign_one = best(99, 1, [&] { one = signer.sign(single, {}, clock.now(), random)->front(); });

  fmt::print("{} objects of {} bytes, microseconds of CPU each\n", count, objects[0].size());
  fmt::print("sign in one batch: with parts {:.1f}, as a whole {:.1f} · alone {:.0f}\n", sign, sign_whole, sign_one);
  fmt::print("verify in a batch {:.1f} · each by itself {:.0f}\n", verify, alone);
  fmt::print("prove a redacted copy {:.1f} · verify it {:.1f}\n", disclose, verify_part);
  fmt::print("bytes of a proof: in the batch {} · alone {} · redacted {}\n", proofs[0].size(), one.size(),
             part_proofs[0].size());
}
