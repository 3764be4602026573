// Frames out of bytes: no length may lead beyond the input, and every frame is inside of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/frame_channel.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::size_t begin = 0;
  while (true) {
    const std::size_t before = begin;
    const auto frame = bongsu::net::take_frame(bytes, begin);
    if (!frame || !*frame) {
      if (begin != before) std::abort();
      return 0;
    }
    if (begin > size || begin - before != 5 + (*frame)->payload.size()) std::abort();
    if (bytes.substr(before + 5, (*frame)->payload.size()) != (*frame)->payload) std::abort();
  }
}
