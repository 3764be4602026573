// A plain list of indicators, one a line, of the kinds and lengths that real feeds have: for measuring.
//
//   make_indicators 10000000 [SEED] > /var/tmp/10m.txt
//
// Of a hundred lines 45 are domains (two to four labels), 24 IPv4 addresses, 1 an IPv4 block, 2 IPv6 addresses, 15
// URLs, 13 hashes (MD5, SHA-1, SHA-256). The same count and seed give the same list. Nothing in it is meant to hit
// recorded telemetry: addresses come from all public space, names are made of syllables.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  std::uint64_t next() {  // splitmix64
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  std::uint64_t state_;
};

void word(Dice& dice, std::string& out, std::uint64_t syllables) {
  constexpr std::string_view kHead = "bcdfghjklmnprstvwz", kVowel = "aeiou", kTail = "nrsltx";
  for (; syllables > 0; --syllables) {
    out += kHead[dice.below(kHead.size())];
    out += kVowel[dice.below(kVowel.size())];
    if (dice.below(3) == 0) out += kTail[dice.below(kTail.size())];
  }
}

void domain(Dice& dice, std::string& out) {
  constexpr std::string_view kTop[] = {"com", "net", "org", "info", "ru", "cn", "top", "xyz", "online", "co.uk", "lt"};
  for (std::uint64_t labels = dice.below(5) / 2; labels > 0; --labels) {
    word(dice, out, 1 + dice.below(3));
    out += '.';
  }
  word(dice, out, 2 + dice.below(4));
  if (dice.below(4) == 0) out += '-', word(dice, out, 1 + dice.below(3));
  if (dice.below(5) == 0) out += std::to_string(dice.below(1000));
  out += '.';
  out += kTop[dice.below(std::size(kTop))];
}

void ipv4(Dice& dice, std::string& out, bool block) {
  std::uint64_t first = 0;
  do first = 1 + dice.below(223);
  while (first == 10 || first == 127 || first == 172 || first == 192);
  const std::uint64_t rest = dice.next();
  out += std::to_string(first) + "." + std::to_string(rest & 255) + "." + std::to_string(rest >> 8 & 255) + ".";
  out += block ? "0/24" : std::to_string(rest >> 16 & 255);
}

void hex(Dice& dice, std::string& out, int digits) {
  for (int i = 0; i < digits; ++i) out += "0123456789abcdef"[dice.below(16)];
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (count == 0) {
    std::fputs("usage: make_indicators COUNT [SEED]\n", stderr);
    return 2;
  }
  Dice dice(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
  std::string out;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t kind = dice.below(100);
    if (kind < 45) {
      domain(dice, out);
    } else if (kind < 70) {
      ipv4(dice, out, kind == 69);
    } else if (kind < 72) {
      out += "2a0" + std::to_string(dice.below(10)) + ":";
      for (int group = 0; group < 3; ++group) hex(dice, out, 4), out += ':';
      out += ':';
      hex(dice, out, 4);
    } else if (kind < 87) {
      out += dice.below(2) == 0 ? "http://" : "https://";
      if (dice.below(3) == 0)
        ipv4(dice, out, false);
      else
        domain(dice, out);
      for (std::uint64_t parts = 1 + dice.below(3); parts > 0; --parts) out += '/', word(dice, out, 1 + dice.below(4));
      if (dice.below(3) == 0) out += ".php?id=" + std::to_string(dice.below(1'000'000));
    } else {
      constexpr int kDigits[] = {32, 40, 64};
      hex(dice, out, kDigits[dice.below(3)]);
    }
    out += '\n';
    if (out.size() > 1'000'000) std::fwrite(out.data(), 1, out.size(), stdout), out.clear();
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
  return 0;
}
