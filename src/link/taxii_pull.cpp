// Pulling: pages by next, or by added_after where a server gives no next (TAXII 2.1 §3.5).
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/hash.h"
#include "link/taxii_client.h"
#include "link/taxii_refusal.h"
#include "stix/envelope.h"

namespace bongsu::link {
namespace {

constexpr std::uint32_t kLargestLimit = 100'000;  // when pages of the asked size do not advance
constexpr int kMaxEmptyPages = 100;               // one after the other, each promising more

// Of one page as it came.
struct Envelope {
  std::vector<Result<stix::Object>> objects;
  std::set<std::uint64_t> seen;  // hashes of all elements, for telling a repetition
  std::uint64_t repeated = 0;
  bool more = false;
  std::string next, last_added;  // last_added: empty if the server did not say, or nonsense
};

Result<Envelope> read_page(const net::ClientResponse& response, const std::set<std::uint64_t>& before) {
  Envelope out;
  const auto frame = stix::read_envelope(response.body, [&](std::string_view element) {
    const std::uint64_t hash = hash64(element);
    out.seen.insert(hash);
    if (before.contains(hash))
      ++out.repeated;
    else
      out.objects.push_back(stix::Object::parse(element));
    return true;
  });
  if (!frame) return fail(ErrorCode::kUnsupported, "the answer is not a TAXII envelope: " + frame.error().text());
  out.more = frame->more;
  out.next = frame->next;
  if (const auto last = response.headers.get("X-TAXII-Date-Added-Last"); last && frame->count > 0)
    if (Instant::parse(*last)) out.last_added = *last;
  return out;
}

bool later(const std::string& a, const std::string& b) {
  const auto left = Instant::parse(a), right = Instant::parse(b);
  return left && (!right || *left > *right);
}

}  // namespace

std::string TaxiiCursor::text() const {
  JsonObject out;
  out["added_after"] = added_after;
  out["next"] = next;
  out["reached"] = reached;
  return to_text(out);
}

Result<TaxiiCursor> TaxiiCursor::parse(std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  TaxiiCursor out;
  for (const auto& [key, field] :
       {std::pair{"added_after", &TaxiiCursor::added_after}, std::pair{"next", &TaxiiCursor::next},
        std::pair{"reached", &TaxiiCursor::reached}}) {
    const auto value = string_at(json, key);
    const bool time = field != &TaxiiCursor::next;
    if (!value || (time && !value->empty() && !Instant::parse(*value)))
      return fail(ErrorCode::kInvalid, "this is not a cursor of a TAXII pull", {.field = key});
    out.*field = *value;
  }
  return out;
}

std::string TaxiiClient::pull_url(const RemoteCollection& collection, const PullOptions& options,
                                  const TaxiiCursor& cursor, std::uint32_t limit) const {
  std::string url = fmt::format("{}objects/?limit={}", collection.url, limit);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) url.append("&").append(name).append("=").append(net::percent_encode(value));
  };
  add("added_after", cursor.added_after);
  add("next", cursor.next);
  if (options.all_versions) add("match%5Bversion%5D", "all");
  std::string types;
  for (const auto& type : options.types) types.append(types.empty() ? "" : "%2C").append(net::percent_encode(type));
  if (!types.empty()) url.append("&match%5Btype%5D=").append(types);
  return url;
}

Result<PullReport> TaxiiClient::pull(const RemoteCollection& collection, const TaxiiCursor& start,
                                     const PullOptions& options, const OnPage& on_page) {
  PullReport report;
  report.cursor = start;
  TaxiiCursor& cursor = report.cursor;
  std::uint32_t limit = std::max<std::uint32_t>(options.limit, 1);
  std::set<std::uint64_t> before;  // the elements of the page before
  bool resumed_token = !cursor.next.empty();
  int empty_pages = 0;

  for (;;) {
    const std::string url = pull_url(collection, options, cursor, limit);
    BONGSU_TRY(const auto response, exchange("GET", url, ""));
    // A token that the server has forgotten: go on by date, which only repeats.
    if (resumed_token && response.status >= 400 && response.status < 500 && response.status != 401) {
      resumed_token = false;
      cursor.next.clear();
      if (later(cursor.reached, cursor.added_after)) cursor.added_after = cursor.reached;
      continue;
    }
    if (response.status != 200 && response.status != 206) return taxii_refusal(response, url);
    resumed_token = false;
    auto page = read_page(response, before);
    if (!page) {
      page.error().where.source = url;
      return std::unexpected(std::move(page).error());
    }

    const std::string asked_next = cursor.next;
    const bool ahead = later(page->last_added, cursor.reached.empty() ? cursor.added_after : cursor.reached);
    if (ahead) cursor.reached = page->last_added;
    PulledPage out{.objects = std::move(page->objects), .after = {}, .last = !page->more};
    bool stuck = false;
    if (!page->more) {
      if (later(cursor.reached, cursor.added_after)) cursor.added_after = cursor.reached;
      cursor.next.clear();
      cursor.reached.clear();
    } else if (!page->next.empty()) {
      cursor.next = page->next;
      stuck = page->next == asked_next;
    } else {  // §3.5: by the date of the last object
      cursor.next.clear();
      stuck = !later(cursor.reached, cursor.added_after);
      if (!stuck) cursor.added_after = cursor.reached;
    }

    ++report.pages;
    report.repeated += page->repeated;
    report.objects += out.objects.size();
    report.broken += static_cast<std::uint64_t>(std::ranges::count_if(out.objects, [](const auto& o) { return !o; }));
    empty_pages = out.objects.empty() ? empty_pages + 1 : 0;
    out.after = cursor;
    BONGSU_TRY_VOID(on_page(std::move(out)));
    if (!page->more) return report;

    // Many objects of one date_added fill a whole page: a larger one may reach beyond them.
    if (stuck && page->next.empty() && limit < kLargestLimit) {
      limit = std::min(limit * 4, kLargestLimit);
      before = std::move(page->seen);
      continue;
    }
    if (stuck || empty_pages > kMaxEmptyPages)
      return fail(ErrorCode::kUnavailable,
                  "the server promises more but its pages do not advance: it gives neither a new next nor a later "
                  "X-TAXII-Date-Added-Last",
                  {.source = url});
    before = std::move(page->seen);
  }
}

}  // namespace bongsu::link
