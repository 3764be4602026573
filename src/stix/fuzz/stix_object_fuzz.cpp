// Object::parse, validate, deterministic_id and marking look-ups over any bytes; what is accepted must hold together.
#include <cstdlib>

#include "stix/marking.h"
#include "stix/sco_id.h"
#include "stix/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto object = stix::Object::parse(text);
  if (!object) return 0;
  if (object->bytes() != text || !stix::Id::parse(object->id_text())) std::abort();
  const auto admitted = stix::validate(*object);
  const auto by_letter = stix::validate(*object, stix::Conformance::kLetter);
  // The letter is never the milder one.
  if (stix::has_errors(admitted) && !stix::has_errors(by_letter)) std::abort();
  (void)stix::deterministic_id(*object);
  const Json json = object->json();
  for (const auto& marking : object->granular_markings())
    for (const auto& selector : marking.selectors)
      if (const auto steps = stix::parse_selector(selector)) (void)stix::resolve(json, *steps);
  return 0;
}
