// Checkpoints and what is submitted to a witness. What parses is written back as it was.
#include <cstdlib>

#include "ledger/checkpoint.h"
#include "ledger/witness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::ledger;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto checkpoint = Checkpoint::parse(text); checkpoint && checkpoint->text() != text) std::abort();
  if (const auto request = parse_add_checkpoint(text)) {
    const auto again = parse_add_checkpoint(add_checkpoint_request(*request));
    if (!again || again->proof != request->proof || again->checkpoint.whole() != request->checkpoint.whole()) std::abort();
  }
  return 0;
}
