// YAML of strangers: a tree within the limits, every node with its place, or an error with one.
#include <cstdlib>

#include "formats/yaml.h"

namespace {

std::size_t nodes(const bongsu::formats::Yaml& node, std::size_t depth) {
  if (depth > bongsu::formats::kMaxYamlDepth || (node.is_map() && node.keys.size() != node.items.size())) std::abort();
  std::size_t sum = 1;
  for (const auto& item : node.items) sum += nodes(item, depth + 1);
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto documents = bongsu::formats::read_yaml({reinterpret_cast<const char*>(data), size}, "fuzz.yml");
  if (!documents) {
    if (documents.error().message.empty()) std::abort();
    return 0;
  }
  std::size_t sum = 0;
  for (const auto& document : *documents) sum += nodes(document, 0);
  if (sum > bongsu::formats::kMaxYamlNodes) std::abort();
  return 0;
}
