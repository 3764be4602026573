// Every version of ATT&CK for ICS and mobile ever released, as a stranger would send them.
#include <gtest/gtest.h>
#include <zstd.h>

#include <map>

#include "stix/bundle_reader.h"
#include "stix/test_support.h"
#include "stix/validate.h"

namespace bongsu::stix {
namespace {

std::string unpack(const std::string& packed) {
  const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  std::string out(size < 1'000'000'000 ? size : 64'000'000, '\0');
  const std::size_t written = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(written) != 0) return {};
  out.resize(written);
  return out;
}

TEST(AttackHistory, IsAdmittedWholeAndItsLapsesAreNamed) {
  const auto path = shared_data("stix/attack-history.json.zst");
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  const std::string text = unpack(read_file(path));
  ASSERT_FALSE(text.empty());

  std::size_t count = 0, warned = 0, bytes = 0;
  std::map<std::string, int> by_the_letter;
  BundleReader reader("attack-history.json");
  const auto take = [&](BundleItem&& item) {
    EXPECT_TRUE(item.object) << item.object.error().text();
    if (!item.object) return true;
    ++count;
    bytes += item.object->bytes().size();
    EXPECT_EQ(std::string_view(text).substr(item.offset, item.object->bytes().size()), item.object->bytes());
    const auto findings = validate(*item.object);
    EXPECT_FALSE(has_errors(findings)) << item.raw_id;
    warned += findings.empty() ? 0 : 1;
    for (const Finding& finding : validate(*item.object, Conformance::kLetter))
      if (finding.severity == Severity::kError) ++by_the_letter[finding.rule];
    return true;
  };
  for (std::size_t at = 0; at < text.size(); at += 100'000)
    ASSERT_TRUE(reader.feed(std::string_view(text).substr(at, 100'000), take));
  ASSERT_TRUE(reader.finish(take));
  EXPECT_EQ(count, 16'151u);

  // What MITRE's data breaks is in the data, and it is these two things only.
  EXPECT_EQ(by_the_letter, (std::map<std::string, int>{
                               {"is an empty list; it is left out instead", 258},
                               {"is empty; an empty list or dictionary is left out instead", 542},
                               {"is earlier than created", 410},
                           }));
  EXPECT_LT(warned, 1'300u);
}

}  // namespace
}  // namespace bongsu::stix
