// Invitation text: comes by mail or paste. What parses must survive being written and read again.
#include <cstdlib>

#include "base/bytes.h"
#include "identity/members.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using bongsu::identity::Invitation;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& input :
       {std::string(text), "bongsu-invite:1:" + bongsu::to_base64url(bongsu::as_bytes(text))}) {
    const auto first = Invitation::parse(input);
    if (!first) continue;
    const auto second = Invitation::parse(first->text());
    if (!second || second->text() != first->text()) std::abort();
  }
  return 0;
}
