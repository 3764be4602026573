#include "api/taxii/page_body.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/json.h"

namespace bongsu::api {

PageBody::PageBody(journal::Journal& journal, flow::Release& release, std::unique_ptr<journal::Snapshot> snapshot,
                   PagePlan plan)
    : journal_(journal), release_(release), snapshot_(std::move(snapshot)), plan_(std::move(plan)) {}

Result<void> PageBody::confirm_permission() {
  const std::uint64_t epoch = release_.epoch();
  if (epoch == plan_.epoch) return {};
  BONGSU_TRY(const journal::ViewId view, release_.view_of(plan_.member, plan_.collection));
  if (view != plan_.view)
    return fail(ErrorCode::kConflict, "what this member may see changed while the page was written");
  plan_.epoch = epoch;
  recheck_ = true;  // the old snapshot still shows what was withdrawn
  snapshot_ = journal_.snapshot();
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
    BONGSU_TRY(const auto presence, snapshot_->presence(plan_.view, row.seq));
    if (presence != journal::Snapshot::Presence::kVisible) return false;
  }
  if (plan_.kind == PageKind::kEnvelope) {
    auto payload = snapshot_->released_payload(plan_.view, row.pos);
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
    snapshot_.reset();
  }
  return true;
}

}  // namespace bongsu::api
