// Any line as an event against indicators of every kind.
#include <cstddef>
#include <cstdint>

#include "detect/matcher.h"
#include "telemetry/line_batch.h"

using namespace bongsu::detect;

static SnapshotPtr indicators() {
  static Index index(1);
  const std::pair<Kind, const char*> values[] = {{Kind::kIpv4, "10.0.0.0/8"},
                                                 {Kind::kIpv6, "2001:db8::/32"},
                                                 {Kind::kDomain, "a.bc"},
                                                 {Kind::kUrl, "http://a.bc/"},
                                                 {Kind::kEmail, "a@a.bc"},
                                                 {Kind::kMd5, "d41d8cd98f00b204e9800998ecf8427e"},
                                                 {Kind::kMac, "00:00:00:00:00:00"},
                                                 {Kind::kFileName, "a.exe"},
                                                 {Kind::kFilePath, "\\a\\b"},
                                                 {Kind::kRegistryKey, "HKLM\\a"},
                                                 {Kind::kMutex, "a"},
                                                 {Kind::kUserAgent, "a"},
                                                 {Kind::kJa3, "d41d8cd98f00b204e9800998ecf8427e"},
                                                 {Kind::kText, "a"}};
  std::vector<Indicator> all;
  for (const auto& [kind, text] : values) all.push_back({all.size(), *normalise(kind, text), {}, {}, -1});
  if (!index.add(all)) return nullptr;
  return index.snapshot();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const SnapshotPtr snapshot = indicators();
  bongsu::telemetry::BadLines bad;
  bongsu::telemetry::LineBatch batch{std::make_shared<const std::string>("fuzz"),
                                     std::string(reinterpret_cast<const char*>(data), size), 0, 1, nullptr};
  bongsu::telemetry::EventParser parser(bad);
  parser.start(batch);
  Matcher matcher;
  matcher.use(snapshot);
  std::vector<Hit> hits;
  while (const auto* event = parser.next()) matcher.match(*event, {}, hits);
  return 0;
}
