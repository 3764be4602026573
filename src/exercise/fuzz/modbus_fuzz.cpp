// Modbus messages out of bytes: as requests, and as answers to a request; what was read is written the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/wire/modbus/pdu.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::exercise::wire::modbus;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::optional<Request> last;
  for (std::size_t begin = 0;;) {
    const std::size_t before = begin;
    const auto adu = take_adu(bytes, begin);
    if (!adu || !*adu) {
      if (begin != before) std::abort();
      return 0;
    }
    if (begin > size || (*adu)->pdu.empty() || (*adu)->pdu.size() > kMaxPduBytes) std::abort();
    if (to_bytes((*adu)->transaction, (*adu)->unit, (*adu)->pdu) != bytes.substr(before, begin - before)) std::abort();
    if (last) {
      if (const auto response = read_response((*adu)->pdu, *last);
          response && to_pdu(*response).size() != (*adu)->pdu.size())
        std::abort();
    }
    if (auto request = read_request((*adu)->pdu)) {
      const std::string written = to_pdu(*request);
      const auto again = read_request(written);
      if (written.size() != (*adu)->pdu.size() || !again || *again != *request) std::abort();
      last = std::move(*request);
    }
  }
}
