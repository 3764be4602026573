// Any bytes as an archive of rules and as a rule file's outline; what is compiled is libyara's affair and not done
// here.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "detect/tar.h"
#include "detect/yara/rule_sources.h"
#include "detect/yara/rule_text.h"
#include "telemetry/byte_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::detect;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto items = outline(text);
  std::string blanked = text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].begin > items[i].end || items[i].end > text.size() || items[i].first_line > items[i].last_line)
      std::abort();
    if (items[i].condition.data() != nullptr &&
        items[i].condition.data() + items[i].condition.size() > text.data() + size)
      std::abort();
    demands_file(items[i].condition);
    if (items.size() < 100) referred_to(items, i);
    blank(blanked, items[i]);
  }
  if (blanked.size() != size || !outline(blanked).empty()) std::abort();

  const auto source = bongsu::telemetry::open_memory(text, "fuzz");
  RuleSources sources;
  (void)read_tar(*source, [&](std::string name, std::string content) {
    if (const auto path = path_within("a/b", name); path && (path->starts_with("/") || path->starts_with("..")))
      std::abort();
    sources.add_text(std::move(name), std::move(content));
    return true;
  });
  for (const RuleSource& file : sources.files()) sources.include(file.group, file.text, file.path);
  return 0;
}
