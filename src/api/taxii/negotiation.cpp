#include "api/taxii/negotiation.h"

#include <algorithm>
#include <string>

namespace bongsu::api {
namespace {

bool version_fits(const net::MediaRange& range) {
  return std::ranges::all_of(range.parameters, [](const auto& p) { return p.first != "version" || p.second == "2.1"; });
}

// How closely a range names our media type: 0 = not at all.
int closeness(const net::MediaRange& range, std::string_view subtype) {
  if (range.type == "*" && range.subtype == "*") return 1;
  if (range.type != "application") return 0;
  if (range.subtype == "*") return 2;
  if (range.subtype != subtype || !version_fits(range)) return 0;
  return std::ranges::any_of(range.parameters, [](const auto& p) { return p.first == "version"; }) ? 4 : 3;
}

bool acceptable(const std::vector<net::MediaRange>& ranges, std::string_view subtype) {
  int best = 0;
  double q = 0;
  for (const auto& range : ranges) {
    const int close = closeness(range, subtype);
    if (close == 0 || close < best) continue;
    q = close > best ? range.q : std::max(q, range.q);
    best = close;
  }
  return best > 0 && q > 0;
}

}  // namespace

bool accepts_taxii(const net::Headers& headers, bool stix_too) {
  if (!headers.get("Accept")) return true;
  const auto ranges = net::parse_accept(headers.joined("Accept"));
  if (!ranges) return false;
  return acceptable(*ranges, "taxii+json") || (stix_too && acceptable(*ranges, "stix+json"));
}

bool has_taxii_content(const net::Headers& headers) {
  const std::string coding = headers.joined("Content-Encoding");
  if (!coding.empty() && coding != "identity") return false;
  const auto field = headers.get("Content-Type");
  if (!field) return false;
  const auto type = net::parse_media_type(*field);
  return type && type->type == "application" && type->subtype == "taxii+json" && version_fits(*type);
}

}  // namespace bongsu::api
