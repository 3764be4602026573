#include "api/taxii/page_body.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/json.h"

namespace bongsu::api {

PageBody::PageBody(flow::Release& release, flow::Reading reading, PagePlan plan)
    : release_(release), reading_(std::move(reading)), plan_(std::move(plan)) {}

Result<void> PageBody::confirm_permission() {
  if (release_.is_current(reading_)) return {};
  BONGSU_TRY(auto now, release_.open(plan_.member, plan_.collection));
  if (release_.origin_of(now.view) != release_.origin_of(reading_.view))
    return fail(ErrorCode::kConflict, "what this member may see changed while the page was written");
  reading_ = std::move(now);
  recheck_ = true;  // the rows are from before
  return {};
}

// Within the braces: a comma after what is there, and the list's name before its first item (no list may be empty, §2).
void PageBody::begin_item(std::string& out) {
  if (listed_) {
    out.push_back(',');
    return;
  }
  listed_ = true;
  if (plan_.page.more) out.push_back(',');
  out.append(plan_.kind == PageKind::kVersions ? "\"versions\":[" : "\"objects\":[");
}

void PageBody::write_manifest_record(const journal::OutboxRow& row, std::string& out) const {
  out.append("{\"id\":");
  append_json_string(out, row.object_id);
  out.append(",\"date_added\":\"").append(Instant::from_micros(row.added_us).text(6)).append("\",\"version\":");
  append_json_string(out, row.version);
  out.append(",\"media_type\":");
  append_json_string(out, "application/stix+json;version=" + row.spec_version);
  out.push_back('}');
}

Result<bool> PageBody::write_row(const journal::OutboxRow& row, std::string& out) {
  if (recheck_) {
    BONGSU_TRY(const auto presence, reading_.snapshot->presence(reading_.view, row.seq));
    if (presence != journal::Snapshot::Presence::kVisible) return false;
  }
  if (plan_.kind == PageKind::kEnvelope) {
    auto payload = reading_.snapshot->released_payload(reading_.view, row.pos);
    if (!payload && payload.error().code == ErrorCode::kNotFound) return false;  // erased meanwhile
    if (!payload) return std::unexpected(std::move(payload).error());
    begin_item(out);
    out.append(*payload);
    return true;
  }
  begin_item(out);
  if (plan_.kind == PageKind::kManifest)
    write_manifest_record(row, out);
  else
    append_json_string(out, row.version);
  return true;
}

Result<bool> PageBody::read(std::string& out) {
  if (done_) return false;
  BONGSU_TRY_VOID(confirm_permission());
  const std::size_t begin = out.size();
  if (!std::exchange(opened_, true)) {
    out.push_back('{');
    if (plan_.page.more) {
      out.append("\"more\":true,\"next\":");
      append_json_string(out, plan_.next);
    }
  }
  const auto& rows = plan_.page.rows;
  for (; at_ < rows.size() && out.size() - begin < kPieceBytes; ++at_) BONGSU_TRY_VOID(write_row(rows[at_], out));
  if (at_ == rows.size()) {
    out.append(listed_ ? "]}" : "}");
    done_ = true;
    reading_.snapshot.reset();
  }
  return true;
}

}  // namespace bongsu::api
