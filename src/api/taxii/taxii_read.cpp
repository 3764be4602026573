// Reading: manifests, envelopes, one object, its versions (TAXII 2.1 §5.3, §5.4, §5.6, §5.8).
#include <algorithm>
#include <utility>

#include "api/taxii/page_body.h"
#include "api/taxii/taxii_parts.h"

namespace bongsu::api {
namespace {

constexpr const char* kNewestSpec = "2.1";

journal::OutboxQuery query_for(journal::ViewId view, const Route& route, const Filters& filters,
                               std::uint32_t max_page) {
  journal::OutboxQuery query;
  query.view = view;
  query.added_after_us = filters.added_after_us;
  query.ids = filters.ids;
  if (!route.object_id.empty()) query.ids = {route.object_id};
  query.types = filters.types;
  query.spec_versions = filters.spec_versions;
  query.all = filters.all || route.endpoint == Endpoint::kVersions;
  query.first = filters.first;
  query.last = !query.all && (filters.last || !filters.version_given);
  query.version_keys = filters.version_keys;
  query.limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(filters.limit.value_or(max_page), max_page));
  return query;
}

// Without match[spec_version], only the newest specification version of each object that matches the rest (§3.4.1): a
// row of an older one goes if the same request finds the object in the newest.
Result<bool> is_superseded(journal::Snapshot& snapshot, const journal::OutboxQuery& query,
                           const journal::OutboxRow& row) {
  if (!query.spec_versions.empty() || row.spec_version == kNewestSpec) return false;
  if (!query.all && !query.first && query.version_keys.empty()) return false;  // only its last version was asked for
  journal::OutboxQuery newer = query;
  newer.after = 0;
  newer.added_after_us.reset();
  newer.ids = {row.object_id};
  newer.spec_versions = {kNewestSpec};
  newer.limit = 1;
  BONGSU_TRY(const auto page, snapshot.page(newer));
  return !page.rows.empty();
}

struct Read {
  journal::OutboxPage page;
  journal::Pos last_pos = 0;  // how far the view was read
  std::int64_t last_added_us = 0;
};

using Hidden = std::function<Result<bool>(const journal::OutboxRow& row)>;

// At least one row, unless there is none to come.
Result<Read> read_rows(journal::Snapshot& snapshot, journal::OutboxQuery query, const Hidden& hidden) {
  Read out;
  do {
    BONGSU_TRY(out.page, snapshot.page(query));
    auto& rows = out.page.rows;
    if (rows.empty()) break;
    out.last_pos = rows.back().pos;
    out.last_added_us = rows.back().added_us;
    query.after = rows.back().pos;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      BONGSU_TRY(const bool superseded, is_superseded(snapshot, query, rows[i]));
      if (superseded) continue;
      BONGSU_TRY(const bool kept_back, hidden(rows[i]));
      if (kept_back) continue;
      if (kept != i) rows[kept] = std::move(rows[i]);
      ++kept;
    }
    rows.resize(kept);
  } while (out.page.rows.empty() && out.page.more);
  return out;
}

// Whether the object (in that version) is there at all, when the page is empty: 404 or an empty envelope (§5.6, §5.7).
Result<bool> exists(journal::Snapshot& snapshot, journal::OutboxQuery query, const Hidden& hidden) {
  query.after = 0;
  query.added_after_us.reset();
  query.spec_versions.clear();
  BONGSU_TRY(const auto read, read_rows(snapshot, query, hidden));
  return !read.page.rows.empty();
}

PageKind kind_of(Endpoint endpoint) {
  if (endpoint == Endpoint::kManifest) return PageKind::kManifest;
  return endpoint == Endpoint::kVersions ? PageKind::kVersions : PageKind::kEnvelope;
}

}  // namespace

net::Response get_page(TaxiiParts& parts, const identity::Principal& asker, const Route& route,
                       const net::Request& request) {
  const auto access = access_to(parts, asker, route.collection);
  if (!access) return taxii_not_found("collection");
  if (!access->can_read) return taxii_error(403, "Forbidden", "This account may not read this collection.");
  const auto filters = parse_filters(request.query, route.endpoint, false);
  if (!filters) return taxii_failure(parts, filters.error(), "reading filters");

  if (auto kept = parts.deps.release.keep_up(); !kept) return taxii_failure(parts, kept.error(), "opening a view");
  // A recall sees what is read here as fetched, or nothing of it is read.
  std::optional<std::shared_lock<flow::FairSharedMutex>> handing_out;
  if (parts.deps.recall != nullptr) handing_out.emplace(parts.deps.recall->hand_out());
  auto reading = parts.deps.release.look(asker.member, access->collection.id);
  if (!reading) return taxii_failure(parts, reading.error(), "opening a view");
  const journal::ViewId origin = parts.deps.release.origin_of(reading->view);
  journal::OutboxQuery query = query_for(reading->view, route, *filters, parts.options.max_page);
  query.sees = sees_of(parts, asker);
  // What an empty page says of itself: nothing up to here is missed by going on from it.
  std::int64_t from_us = filters->added_after_us.value_or(0);
  if (!filters->next.empty()) {
    const auto token = parts.tokens.open(filters->next, access->collection.id, origin);
    if (!token) return taxii_failure(parts, token.error(), "reading next");
    from_us = std::max(from_us, token->added_us);
    // Of a person's pages the date counts: positions would tell of what others see between.
    if (token->same_view && !query.sees)
      query.after = token->pos;
    else
      query.added_after_us = from_us;
  }

  const auto sealed_only = parts.deps.sealed_only ? parts.deps.sealed_only(asker.member) : nullptr;
  const Hidden hidden = [&](const journal::OutboxRow& row) -> Result<bool> {
    if (!sealed_only) return false;
    BONGSU_TRY(const auto entry, reading->snapshot->entry(row.seq));
    return sealed_only(entry.label);
  };
  auto read = read_rows(*reading->snapshot, query, hidden);
  if (!read) return taxii_failure(parts, read.error(), "reading a page");
  if (read->page.rows.empty() && !route.object_id.empty()) {
    const auto there = exists(*reading->snapshot, query, hidden);
    if (!there) return taxii_failure(parts, there.error(), "looking for an object");
    if (!*there) return taxii_not_found("object");
  }

  auto response = taxii_ok(200, "");
  const auto& rows = read->page.rows;
  if (handing_out) {
    if (!rows.empty()) parts.deps.recall->fetched(asker.member, access->collection.id, rows.back().pos);
    handing_out.reset();
  }
  const std::int64_t first = rows.empty() ? from_us : rows.front().added_us;
  const std::int64_t last = rows.empty() ? from_us : rows.back().added_us;
  response.headers.add("X-TAXII-Date-Added-First", Instant::from_micros(first).text(6));
  response.headers.add("X-TAXII-Date-Added-Last", Instant::from_micros(last).text(6));
  PagePlan plan{.kind = kind_of(route.endpoint),
                .member = asker.member,
                .collection = access->collection.id,
                .page = std::move(read->page),
                .next = {}};
  if (plan.page.more)
    plan.next = parts.tokens.issue(access->collection.id, query.sees ? 0 : origin, query.sees ? 0 : read->last_pos,
                                   read->last_added_us);
  response.body = std::make_unique<PageBody>(parts.deps.release, std::move(*reading), std::move(plan));
  return response;
}

}  // namespace bongsu::api
