// Any text is a label or an error, and each label has one text.
#include "policy/label.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto label = policy::Label::parse(text);
  if (!label) return 0;
  BONGSU_CHECK(label->text() == text);
  const policy::Label joined = policy::join(*label, policy::deny_all());
  BONGSU_CHECK(joined.unknown && joined.tlp == stix::Tlp::kRed && joined.releasable_to->empty());
  BONGSU_CHECK(policy::at_most(*label, joined));
  const policy::Label met = policy::meet(*label, policy::deny_all());
  BONGSU_CHECK(policy::at_most(met, *label) && policy::Label::parse(met.text()) == met);
  BONGSU_CHECK(policy::at_most(*label, policy::whole(*label)));
  return 0;
}
