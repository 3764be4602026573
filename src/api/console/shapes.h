// The JSON shapes that the page gets: one function each, used by answers and by events alike.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "api/console/console_api.h"
#include "base/json.h"
#include "flow/alerts.h"
#include "journal/journal.h"
#include "policy/decide.h"

namespace bongsu::api::console {

inline constexpr std::size_t kListTextBytes =
    512;  // of a matched text in lists and events; the whole is on the alert's own page

Json text_json(std::string_view text);  // a JSON string; never throws

// What an analyst should look at first. By STIX 2.1 Appendix A (None/Low/Med/High): 70 and more is high, 30 to 69
// medium (also when nothing was said), less is low. A value that stands in a warning list is doubtful whatever its
// confidence.
std::string_view level_of(const detect::Alert& alert);

std::string_view to_string(flow::AlertVerdict verdict);  // "open", "true", "false", "benign"
std::optional<flow::AlertVerdict> parse_verdict(std::string_view text);

// {"tlp":"TLP:AMBER+STRICT","releasable_to":["cert-lt"]|null,"unknown":false}; tlp null when the text is no label.
Json label_json(std::string_view label_text);
Json label_json(const policy::Label& label);
// For lists and events. Of techniques those that the rule itself names; the others are told to who may see what says so.
using ReadsTechnique = std::function<bool(const detect::triage::Technique& technique)>;
Json alert_json(const flow::AlertRecord& record, const ReadsTechnique& reads = {});
Json whole_alert_json(const flow::AlertRecord& record, const ReadsTechnique& reads = {});  // with event and history
Json group_json(const detect::triage::GroupView& group);
Json totals_json(const detect::triage::Groups::Totals& totals);
Json unlisted_json(const std::vector<detect::triage::Unlisted>& unlisted);  // the first kShownUnlisted
Json kept_hit_json(const flow::KeptHit& hit);
Json suppression_json(const detect::triage::Suppression& rule, std::uint64_t hits, Instant now);
// {reason, until, match: {…}} of a request; kInvalid names the field.
Result<detect::triage::Suppression> read_suppression(const Json& body, std::string author);
inline constexpr std::size_t kShownUnlisted = 100;
Json counts_json(const flow::Alerts::Counts& counts);
Json entry_json(const journal::Entry& entry);
Json hit_json(const journal::SearchHit& hit);
// {"verdict":"release"|"redact"|"withhold","reasons":[{"code":…,"sentence":…}],"redact":[…]}
Json decision_json(const policy::Decision& decision);
Json preview_json(const std::vector<flow::PreviewLine>& lines, const std::vector<ConsoleMember>& members);
// `state` may be null; else what the agreement lets flow there is added in words.
Json member_json(const ConsoleMember& member, const policy::PolicyState* state);

}  // namespace bongsu::api::console
