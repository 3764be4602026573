// What the registry does that a second person may have to approve (flow/approvals.h): agreements, the charter, a crisis.
#pragma once

#include "flow/approvals.h"
#include "node/registry.h"

namespace bongsu::node {

inline constexpr std::string_view kPutAgreement = "agreement.put";        // bytes: its TOML
inline constexpr std::string_view kEndAgreement = "agreement.end";        // {"partner"}
inline constexpr std::string_view kSignedAgreement = "agreement.signed";  // bytes: the signed document
inline constexpr std::string_view kAcceptCharter = "charter.accept";  // {"digest"}, bytes: a list of documents as JSON

inline constexpr std::string_view kDeclareCrisis = "crisis.declare";  // Crisis::json

// Of operators. References must outlive the approvals.
void add_registry_acts(flow::Approvals& approvals, Registry& registry);

// Charters as they stand in bytes of kAcceptCharter and in requests: a list of texts, in the order of their versions.
Result<std::vector<policy::SignedCharter>> read_charters(const Json& list);

}  // namespace bongsu::node
