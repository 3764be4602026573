#include "detect/hunt/hunt_keys.h"

#include <algorithm>

namespace bongsu::detect {
namespace {

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char c : bytes) out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

constexpr std::uint64_t kV4 = 0xffffffff00000000;

// Least significant digit first, 16 bits at a time over the bits that a dictionary keeps; a million keys in some tens
// of milliseconds.
void radix_sort(std::vector<std::uint64_t>& values) {
  constexpr std::size_t kSmall = 4096;
  if (values.size() < kSmall) {
    std::ranges::sort(values);
    return;
  }
  std::vector<std::uint64_t> other(values.size());
  for (unsigned shift = 16; shift < 64; shift += 16) {
    std::vector<std::uint32_t> at(65'537);
    for (const std::uint64_t value : values) ++at[(value >> shift & 0xffff) + 1];
    for (std::size_t i = 1; i < at.size(); ++i) at[i] += at[i - 1];
    for (const std::uint64_t value : values) other[at[value >> shift & 0xffff]++] = value;
    values.swap(other);
  }
}

}  // namespace

std::uint64_t hunt_keyed_by(const telemetry::FieldMap& map) {
  std::uint64_t out = hash64("hunt keys", kHuntKeyRules);
  for (const telemetry::FieldRow& row : map.rows()) {
    if (row.role == telemetry::Role::kShape) continue;
    // A sum: the order of rows says nothing.
    out += hash64(row.path, static_cast<std::uint64_t>(row.role) + 1);
  }
  return out;
}

std::uint64_t ordered_key(Kind kind, std::string_view bytes) {
  return kind == Kind::kIpv4 ? kV4 | big_endian(bytes.substr(0, 4)) : big_endian(bytes.substr(0, 8));
}

Result<void> HuntKeys::add(std::span<const Indicator> indicators) {
  const std::size_t hashes = hashes_.size(), ranges = ranges_.size();
  for (const Indicator& indicator : indicators) {
    const Kind kind = indicator.value.kind;
    const auto bytes = key_bytes(indicator.value);
    if (!bytes) {
      hashes_.resize(hashes);
      ranges_.resize(ranges);
      return fail(ErrorCode::kInvalid, "a value is not in normal form", {.field = indicator.value.text.substr(0, 100)});
    }
    if (kind != Kind::kIpv4 && kind != Kind::kIpv6) {
      hashes_.push_back(key_hash(seeds_, kind, *bytes));
      continue;
    }
    const std::uint64_t low = ordered_key(kind, *bytes);
    const unsigned prefix = static_cast<unsigned char>(bytes->back());
    const unsigned width = kind == Kind::kIpv4 ? 32 : 64;
    const std::uint64_t hosts = prefix >= width              ? 0
                                : prefix == 0 && width == 64 ? ~std::uint64_t{0}
                                                             : (std::uint64_t{1} << (width - prefix)) - 1;
    ranges_.push_back({low, low | hosts});
  }
  return {};
}

void HuntKeys::sort() {
  radix_sort(hashes_);
  std::ranges::sort(ranges_);
  ranges_.erase(std::ranges::unique(ranges_).begin(), ranges_.end());
}

std::vector<std::uint32_t> HuntKeys::parts_in(const telemetry::KeyDictionary& dictionary, std::size_t parts) const {
  std::vector<bool> hit(parts);
  const auto note = [&](std::span<const std::uint32_t> found) {
    for (const std::uint32_t part : found) hit[part] = true;
  };
  dictionary.find(hashes_, [&](std::size_t, std::span<const std::uint32_t> found) { note(found); });
  for (const Range& range : ranges_) dictionary.find_range(range.low, range.high, note);
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < parts; ++i)
    if (hit[i]) out.push_back(i);
  return out;
}

}  // namespace bongsu::detect
