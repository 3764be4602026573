// How long does it take to seal an object to many members, and to open it at one of them? CPU time of one core, best
// and median of the rounds; what was sealed is opened by every recipient first.
//   seal_bench [recipients=70] [bytes=1024] [rounds=50]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "cpu_time.h"
#include "crypto/envelope.h"

using namespace bongsu;
using namespace bongsu::crypto;

namespace {

double cpu_ms() { return 1e3 * bench::cpu_seconds(); }

struct Keys final : EnvelopeKeys {
  std::string signing;
  const X25519Key* own = nullptr;
  std::optional<SharedSecret> agreed;
  std::optional<std::string> signing_key(std::string_view) override { return signing; }
  Result<X25519Key> prekey(std::string_view, std::string_view) override { return *own; }
  std::optional<SharedSecret> secret(std::string_view) override { return agreed; }
};

void report(const char* what, std::vector<double>& times) {
  std::sort(times.begin(), times.end());
  fmt::print("{:<28} best {:8.3f} ms   median {:8.3f} ms\n", what, times.front(), times[times.size() / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::size_t otherwise) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : otherwise;
  };
  const std::size_t members = std::max<std::size_t>(argument(1, 70), 1), bytes = argument(2, 1024),
                    rounds = std::max<std::size_t>(argument(3, 50), 1);
  SystemRandom random;
  const SigningKey signing = make_signing_key().value();
  const auto signer = open_signer(signing).value();
  const Instant now{1'800'000'000, 0};
  const std::string content(bytes, 'x');
  for (const bool with_secret : {false, true}) {
    const std::optional<SharedSecret> secret =
        with_secret ? std::optional(SharedSecret{.id = "agreement", .secret = std::string(32, 's')}) : std::nullopt;
    std::vector<X25519Key> keys;
    std::vector<SealRecipient> recipients;
    for (std::size_t i = 0; i < members; ++i) {
      keys.push_back(make_x25519_key(random).value());
      recipients.push_back({.member = fmt::format("cert-{:03}", i),
                            .prekey = {.id = prekey_id(keys[i].public_key), .public_key = keys[i].public_key},
                            .secret = secret});
    }
    const SealRequest what{
        .sender = "cert-self", .label = "TLP:RED", .content_type = "application/stix+json", .sealed_at = now};
    std::vector<double> sealing, opening;
    for (std::size_t round = 0; round < rounds; ++round) {
      double begun = cpu_ms();
      const Sealed sealed = seal(what, content, recipients, *signer, random).value();
      sealing.push_back(cpu_ms() - begun);
      std::vector<std::string> files;
      for (std::size_t i = 0; i < members; ++i) files.push_back(sealed.for_recipient(i));
      Keys mine;
      mine.signing = signing.public_key;
      mine.agreed = secret;
      begun = cpu_ms();
      for (std::size_t i = 0; i < members; ++i) {
        mine.own = &keys[i];
        const auto opened = open_envelope(files[i], recipients[i].member, mine, now);
        if (!opened || opened->content != content) {
          fmt::print(stderr, "recipient {} cannot open: {}\n", i, opened ? "another content" : opened.error().text());
          return 1;
        }
      }
      opening.push_back((cpu_ms() - begun) / static_cast<double>(members));
    }
    const char* mode = with_secret ? "PSK" : "Base";
    report(fmt::format("{}: seal {} B to {}", mode, bytes, members).c_str(), sealing);
    report(fmt::format("{}: open one", mode).c_str(), opening);
  }
}
