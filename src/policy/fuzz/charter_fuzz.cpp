// Any text is a signed charter or an error; what is read has one text, and nothing that is read is trusted unsigned.
#include "policy/charter_trust.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto application = policy::CharterApplication::parse(text); application)
    BONGSU_CHECK(policy::CharterApplication::parse(application->text()) == *application);
  const auto document = policy::parse_signed_charter(text);
  if (!document) return 0;
  const auto again = policy::parse_signed_charter(document->text());
  BONGSU_CHECK(again && *again == *document && again->charter.digest() == document->charter.digest());
  const policy::SponsorCount count = policy::count_sponsors(document->charter, *document);
  const auto trusted = policy::trust_first(*document, document->charter.digest(), document->charter.issued);
  BONGSU_CHECK(!trusted || count.enough());
  if (trusted) BONGSU_CHECK(policy::TrustedCharter::parse(trusted->text()) == *trusted);
  return 0;
}
