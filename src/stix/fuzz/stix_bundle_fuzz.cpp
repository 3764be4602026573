// The bundle reader whole and in pieces: both passes must agree.
#include <cstdlib>
#include <string>
#include <vector>

#include "stix/bundle_reader.h"

namespace {

std::vector<std::string> read(std::string_view text, std::size_t piece) {
  using namespace bongsu;
  std::vector<std::string> out;
  stix::BundleReader reader("in");
  const auto take = [&](stix::BundleItem&& item) {
    if (item.object && text.substr(item.offset, item.object->bytes().size()) != item.object->bytes()) std::abort();
    out.push_back(item.object ? item.object->bytes() : item.object.error().text());
    return true;
  };
  Result<void> result;
  for (std::size_t at = 0; result && at < text.size(); at += piece) result = reader.feed(text.substr(at, piece), take);
  if (result) result = reader.finish(take);
  out.push_back(result ? "ok" : result.error().text());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read(text, text.size() + 1) != read(text, data[0] % 64 + 1)) std::abort();
  return 0;
}
