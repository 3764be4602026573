// "What did we give whom, under which agreement, and who decided?", as evidence that a court can check.
//
// The document is evidence (ledger/evidence.h) with one addition, "report": for whom, about whom, from when until when, and names for people.
// It has no statements of its own: what render_report() prints is read out of the items that were verified, so that the words cannot say
// other than the proofs.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "ledger/evidence.h"
#include "node/core.h"

namespace bongsu::node {

struct ReportRequest {
  std::string member;
  std::optional<Instant> from, until;  // by the time of an event; from inclusive, until exclusive
};

inline constexpr std::size_t kMaxReportItems = 200'000;

// The log of the pair within the time, and what the node log has of agreements with, stops of and admissions to the circle of that member
// alone. kTooLarge: choose a shorter time.
Result<JsonObject> make_report(Core& core, const ReportRequest& request);

enum class ReportForm { kMarkdown, kHtml };
// From a checked document. What did not verify is not printed, but that it did not is.
std::string render_report(const Json& document, const ledger::Checked& checked, ReportForm form);

// The keys with which this node's logs and their cosignatures are checked.
std::vector<ledger::VerifierKey> ledger_keys(Core& core);

}  // namespace bongsu::node
