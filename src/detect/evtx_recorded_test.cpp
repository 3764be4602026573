// Real Windows event logs of attacks, each record of which must become an event.
#include <gtest/gtest.h>

#include <cstring>

#include "base/places_test_support.h"
#include "detect/tar.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"

namespace bongsu::detect {
namespace {

using namespace telemetry;

// The records that stand in the chunks' used parts, counted by their frames alone.
std::size_t count_records(std::string_view file) {
  const auto number = [&](std::size_t at) {
    std::uint32_t out = 0;
    std::memcpy(&out, file.data() + at, sizeof out);
    return out;
  };
  std::size_t count = 0;
  for (std::size_t chunk = 4096; chunk + 65536 <= file.size(); chunk += 65536) {
    if (!file.substr(chunk).starts_with("ElfChnk")) continue;
    const std::size_t end = std::min<std::size_t>(number(chunk + 48), 65536);
    for (std::size_t at = 512; at + 24 < end && number(chunk + at) == 0x00002a2a && number(chunk + at + 4) > 24;
         at += number(chunk + at + 4))
      ++count;
  }
  return count;
}

TEST(RecordedEvtx, EveryRecordOfEveryFileIsAnEvent) {
  const std::string path = shared_data("telemetry/evtx.tar.zst");
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  auto source = open_source(path);
  ASSERT_TRUE(source);
  std::size_t files = 0, records = 0, events = 0, windows = 0, timed = 0;
  const auto read = read_tar(**source, [&](std::string name, std::string content) {
    if (!name.ends_with(".evtx")) return true;
    ++files;
    const std::size_t expected = count_records(content);
    BadLines bad;
    BatchReader reader(open_memory(std::move(content), name), name, bad);
    EventParser parser(bad);
    std::size_t seen = 0;
    while (true) {
      auto batch = reader.next();
      EXPECT_TRUE(batch) << name;
      if (!batch || !*batch) break;
      parser.start(**batch);
      while (const EventView* event = parser.next()) {
        ++seen;
        windows += event->format == Format::kWindows;
        timed += event->time().has_value();
      }
    }
    EXPECT_EQ(bad.count(), 0U) << name << ": " << (bad.first().empty() ? "" : bad.first()[0].text());
    EXPECT_EQ(seen, expected) << name;
    records += expected;
    events += seen;
    return true;
  });
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(files, 290U);
  EXPECT_EQ(records, 10'483U);
  EXPECT_EQ(windows, events);
  EXPECT_EQ(timed, events);
}

}  // namespace
}  // namespace bongsu::detect
