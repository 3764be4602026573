// JSON events (Zeek, EVE, Windows): the flat walk and the document parser must agree on what is JSON, but for escapes,
// which the walk reads later, and repeated keys, which it takes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "telemetry/json_walker.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::telemetry;
  std::string text(reinterpret_cast<const char*>(data), size);
  for (char& c : text)
    if (c == '\n') c = ' ';
  JsonWalker walker(FieldMap::standard(), true);
  EventStorage storage;
  const bool good = walker.index(text) && walker.walk(0, text.size(), storage) == nullptr;
  const auto parsed = bongsu::parse_json(text);
  if (parsed && parsed->is_object() && !good) std::abort();
  if (good && !parsed && text.find('\\') == text.npos && parsed.error().message.find("twice") == std::string::npos &&
      parsed.error().message.find("deeper") == std::string::npos)
    std::abort();
  return 0;
}
