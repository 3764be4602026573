#include "node/trust_links.h"

#include <algorithm>

namespace bongsu::node {

link::TrustBooks trust_books(Registry& registry) {
  link::TrustBooks out;
  out.version = [&registry]() -> std::optional<std::int64_t> {
    const auto charter = registry.charter();
    if (!charter) return std::nullopt;
    return charter->charter().version;
  };
  out.is_member = [&registry](std::string_view member) {
    const auto charter = registry.charter();
    return charter && charter->charter().members.contains(std::string(member));
  };
  out.versions = [&registry](std::int64_t after, std::size_t most) -> Result<std::vector<std::string>> {
    BONGSU_TRY(const auto documents, registry.charter_versions(after, most));
    std::vector<std::string> texts;
    for (const auto& document : documents) texts.push_back(document.text());
    return texts;
  };
  out.agreements = [&registry](std::string_view member) {
    std::vector<std::string> texts;
    for (const auto& document : registry.memoranda())
      if (document.terms.parties.contains(std::string(member))) texts.push_back(document.text());
    return texts;
  };
  out.accept_charter = [&registry](const std::vector<std::string>& documents) -> Result<void> {
    std::vector<policy::SignedCharter> versions;
    for (const auto& text : documents) {
      BONGSU_TRY(auto document, policy::parse_signed_charter(text));
      versions.push_back(std::move(document));
    }
    BONGSU_TRY([[maybe_unused]] const auto trusted, registry.accept_charter(versions, ""));
    return {};
  };
  out.accept_agreement = [&registry](const std::string& text) -> Result<void> {
    BONGSU_TRY(const auto document, policy::parse_signed_memorandum(text, "a partner's agreement"));
    // An older version than ours is the partner's to renew: it gets ours when it asks.
    const auto own = registry.memoranda();
    const auto known =
        std::ranges::find(own, document.terms.id, [](const policy::SignedMemorandum& m) { return m.terms.id; });
    if (known != own.end() && known->terms.version > document.terms.version) return {};
    BONGSU_TRY([[maybe_unused]] const auto put, registry.put_memorandum(document));
    return {};
  };
  return out;
}

}  // namespace bongsu::node
