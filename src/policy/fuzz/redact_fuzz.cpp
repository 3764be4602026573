// Any object and any selectors: a copy that is an object of the same type without the selected values, or a reason.
//   selector,selector…\n{object}
#include "base/json.h"
#include "policy/redact.h"
#include "stix/marking.h"
#include "stix/object.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  if (line == text.npos) return 0;
  std::set<std::string> selectors;
  for (std::size_t at = 0; at < line;) {
    const std::size_t end = std::min(text.find(',', at), line);
    selectors.emplace(text.substr(at, end - at));
    at = end + 1;
  }
  const std::string_view json = text.substr(line + 1);
  const policy::Redacted copy = policy::redact(json, selectors, {.reference = {}, .pseudonym_key = "key"});
  BONGSU_CHECK(copy.json.has_value() == copy.why.empty());
  if (!copy.json) return 0;
  const auto before = stix::Object::parse(json), after = stix::Object::parse(*copy.json);
  BONGSU_CHECK(before && after && before->type() == after->type() && after->id_text() == copy.id);
  for (const auto& selector : selectors) {
    const Json body = before->json();
    const Json* value = stix::resolve(body, *stix::parse_selector(selector));
    BONGSU_CHECK(value != nullptr);
    if (value->is_string() && value->get_string().size() >= 40 &&
        to_text(*value).size() == value->get_string().size() + 2)
      BONGSU_CHECK(copy.json->find(to_text(*value)) == copy.json->npos);
  }
  return 0;
}
