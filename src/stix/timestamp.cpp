#include "stix/object.h"

namespace bongsu::stix {

// STIX 2.1 §2.16.1: YYYY-MM-DDTHH:mm:ss[.s+]Z, no other offset, no lower case.
std::optional<Timestamp> Timestamp::parse(std::string_view text) {
  constexpr std::size_t kUpToSeconds = 19;
  if (text.size() <= kUpToSeconds || text.back() != 'Z' || text[10] != 'T') return std::nullopt;
  const std::optional<Instant> instant = Instant::parse(text);
  if (!instant) return std::nullopt;

  Timestamp timestamp;
  timestamp.text_ = text;
  timestamp.instant_ = *instant;
  std::string_view key = text.substr(0, text.size() - 1);
  if (key.size() > kUpToSeconds) {
    while (key.back() == '0') key.remove_suffix(1);
    if (key.back() == '.') key.remove_suffix(1);
  }
  timestamp.key_ = key;
  // A leap second is the next second as an instant; its key must say so, or text and instant would order differently.
  if (text.substr(17, 2) == "60") timestamp.key_.replace(0, kUpToSeconds, instant->text(0).substr(0, kUpToSeconds));
  return timestamp;
}

}  // namespace bongsu::stix
