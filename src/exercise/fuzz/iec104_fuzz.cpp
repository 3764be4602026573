// IEC 104 frames and ASDUs out of bytes: no length leads beyond the input, and what was read is written the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/wire/iec104/asdu.h"
#include "exercise/wire/iec104/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::exercise::wire::iec104;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto look = [](std::string_view asdu) {
    const auto read = read_asdu(asdu);
    if (!read) return;
    const auto written = to_bytes(*read);
    if (!written || written->size() != asdu.size()) std::abort();
    const auto again = read_asdu(*written);
    if (!again || *again != *read) std::abort();
  };
  look(bytes);
  for (std::size_t begin = 0;;) {
    const std::size_t before = begin;
    const auto frame = take_frame(bytes, begin);
    if (!frame || !*frame) {
      if (begin != before) std::abort();
      return 0;
    }
    if (begin > size || begin < before + 6 || begin - before > kMaxFrameBytes) std::abort();
    if ((*frame)->kind == FrameKind::kInformation) look((*frame)->asdu);
  }
}
