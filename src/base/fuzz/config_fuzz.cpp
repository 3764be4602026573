// Any text is either a configuration or a clear error.
#include <cstdint>
#include <string_view>

#include "base/config.h"

namespace {
struct Item {
  std::string url, label = "amber";
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono_literals;
  std::string text = "x";
  std::vector<std::string> texts;
  bool flag = false;
  std::int64_t number = 1;
  std::chrono::milliseconds duration = 1s;
  std::uint64_t bytes = 1;
  std::vector<Item> items;
  bongsu::ConfigSchema schema;
  schema.text("a.text", text, "t");
  schema.texts("a.texts", texts, "t");
  schema.flag("a.flag", flag, "t");
  schema.number("a.number", number, 0, 10, "t");
  schema.duration("b.duration", duration, 1ms, 10s, "t");
  schema.size("b.size", bytes, 1, 100, "t");
  schema.tables<Item>("item", items, "t", [](bongsu::ConfigSchema& s, Item& i) {
    s.text("url", i.url, "t").required();
    s.choice("label", i.label, {"amber", "red"}, "t");
  });
  const auto read = schema.read({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!read) BONGSU_CHECK(!read.error().message.empty());
  else BONGSU_CHECK(number >= 0 && number <= 10 && bytes <= 100);
  return 0;
}
