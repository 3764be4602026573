// Bodies that a browser sends: pasted text, drafts. Whatever is taken must become indicators that can be read back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/console/draft.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  using namespace bongsu::api;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)console::read_pasted(text, std::nullopt);
  (void)console::session_cookie(text);
  const auto body = parse_json(text);
  if (!body) return 0;
  const auto draft = console::parse_draft(*body);
  if (!draft) return 0;
  static const ConsoleNode node{.self = "cert-lt", .identity_id = "identity--c0ffee00-1111-4111-8111-111111111111"};
  static SeededRandom random(1);
  const Instant now{1'767'225'600, 0};
  for (const char* exercise : {"", "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710"}) {
    const auto composed = console::compose(*draft, node, exercise, now, random);
    if (!composed) continue;
    for (const auto& indicator : composed->indicators) {
      const auto compiled = detect::compile(indicator);
      if (!compiled || compiled->values.empty()) std::abort();
      if (!console::revoke(indicator, now)) std::abort();
    }
  }
  return 0;
}
