// JSON events (Zeek, EVE, Windows): the flat walk and the document parser must agree on what is JSON, but for escapes,
// which the walk reads later, repeated keys and numbers beyond all doubles, which it takes. Lines of one run, walked
// one after the other, must give what each gives alone, whatever keys were met before.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "telemetry/json_walker.h"

namespace {

using namespace bongsu::telemetry;

// A walker that has met no key yet. One for all inputs: the table of keys is half a megabyte.
JsonWalker& fresh(JsonWalker& walker) {
  walker.use(FieldMap::standard());
  return walker;
}

void each_as_alone(const std::string& text) {
  static JsonWalker kept(FieldMap::standard(), true), kept_alone(FieldMap::standard(), true);
  JsonWalker& walker = fresh(kept);
  if (!walker.index(text)) return;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      if (begin == end) {
        ++begin;
        continue;
      }
      const std::string line = text.substr(begin, end - begin);
      JsonWalker& alone = fresh(kept_alone);
      EventStorage one, other;
      const char* wrong = walker.walk(begin, end, one);
      if (alone.index(line)) {
        const char* wrong_alone = alone.walk(0, line.size(), other);
        if ((wrong == nullptr) != (wrong_alone == nullptr)) std::abort();
        if (wrong == nullptr) {
          if (one.leaves.size() != other.leaves.size() || one.mark != other.mark) std::abort();
          for (std::size_t i = 0; i < one.leaves.size(); ++i) {
            const Leaf &a = one.leaves[i], &b = other.leaves[i];
            if (a.raw() != b.raw() || std::string_view(a.key, a.key_size) != std::string_view(b.key, b.key_size) ||
                a.parent != b.parent || a.field != b.field || a.role != b.role || a.quoted != b.quoted)
              std::abort();
          }
        }
      }
      begin = end + 1;
    }
    if (!walker.index(text)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  each_as_alone(text);
  for (char& c : text)
    if (c == '\n') c = ' ';
  static JsonWalker kept(FieldMap::standard(), true);
  JsonWalker& walker = fresh(kept);
  EventStorage storage;
  const bool good = walker.index(text) && walker.walk(0, text.size(), storage) == nullptr;
  const auto parsed = bongsu::parse_json(text);
  if (parsed && parsed->is_object() && !good) std::abort();
  if (good && !parsed && text.find('\\') == text.npos && parsed.error().message.find("twice") == std::string::npos &&
      parsed.error().message.find("deeper") == std::string::npos &&
      parsed.error().message.find("exponent overflow") == std::string::npos)
    std::abort();
  return 0;
}
