// What reading and checking one STIX object costs: Object::parse and validate over the ATT&CK history, on one core.
//
//   stix_bench attack-history.json       (zstd -d it first)
#include <fmt/format.h>
#include <time.h>

#include <fstream>
#include <iterator>
#include <vector>

#include "stix/bundle_reader.h"
#include "stix/validate.h"

namespace {

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace bongsu;
  if (argc != 2) {
    fmt::print(stderr, "stix_bench FILE: a bundle or a list of objects\n");
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::string> bodies;
  std::size_t bytes = 0;
  const auto keep = [&](stix::BundleItem&& item) {
    if (item.object) bodies.push_back(item.object->bytes());
    return true;
  };
  double started = cpu_seconds();
  stix::BundleReader reader(argv[1]);
  if (!reader.feed(text, keep) || !reader.finish(keep) || bodies.empty()) return 2;
  const double read = cpu_seconds() - started;
  for (const std::string& body : bodies) bytes += body.size();
  const auto count = static_cast<double>(bodies.size());
  fmt::print("{} objects, {} bytes each; out of the bundle {:.0f} MB/s\n", bodies.size(), bytes / bodies.size(),
             static_cast<double>(text.size()) / read / 1e6);

  for (int round = 0; round < 5; ++round) {
    std::size_t findings = 0;
    double parsing = 0, checking = 0;
    for (const std::string& body : bodies) {
      started = cpu_seconds();
      const auto object = stix::Object::parse(body);
      const double parsed = cpu_seconds();
      findings += stix::validate(*object).size();
      checking += cpu_seconds() - parsed;
      parsing += parsed - started;
    }
    fmt::print("parse {:.2f} µs, validate {:.2f} µs, together {:.0f} objects/s a core ({} findings)\n",
               parsing / count * 1e6, checking / count * 1e6, count / (parsing + checking), findings);
  }
  return 0;
}
