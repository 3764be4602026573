// A page of a view written while it is read: envelope (TAXII 2.1 §3.7), manifest (§5.3.1) or versions (§5.8.1).
//
// What is held is the page's rows (positions, no bodies) and one piece of text; objects' bytes are spliced in as they
// came. Before each piece the policy's epoch is compared: if it moved since the page was decided, the view is asked for
// again and each further object must still be visible in it, else the connection is cut.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "flow/release.h"
#include "journal/journal.h"
#include "net/http.h"

namespace bongsu::api {

inline constexpr std::size_t kPieceBytes = 64 * 1024;

enum class PageKind { kEnvelope, kManifest, kVersions };

struct PagePlan {
  PageKind kind = PageKind::kEnvelope;
  std::string member, collection;  // who asks, for which collection (id)
  journal::OutboxPage page;
  std::string next;  // for `more`
};

class PageBody final : public net::BodySource {
 public:
  PageBody(flow::Release& release, flow::Reading reading, PagePlan plan);
  Result<bool> read(std::string& out) override;

 private:
  Result<void> confirm_permission();
  Result<bool> write_row(const journal::OutboxRow& row, std::string& out);
  void write_manifest_record(const journal::OutboxRow& row, std::string& out) const;
  void begin_item(std::string& out);

  flow::Release& release_;
  flow::Reading reading_;
  PagePlan plan_;
  std::size_t at_ = 0;
  bool opened_ = false, listed_ = false, done_ = false, recheck_ = false;
};

}  // namespace bongsu::api
