#include "node/recall_report.h"

#include "policy/label.h"

namespace bongsu::node {
namespace {

JsonArray ids(const std::vector<flow::RecallRange>& ranges) {
  JsonArray out;
  for (const auto& range : ranges) out.emplace_back(range.object_id);
  return out;
}

// In order: what is known of the copy at this member.
std::string_view state_of(const flow::RecallOrder& order, Instant now) {
  if (order.receipt) return order.receipt->onward_open > 0 ? "destroyed_onward_open" : "destroyed";
  if (order.fetched) return "fetched";
  if (!order.unsettled.empty()) return "unsettled";
  if (now > order.deadline) return "overdue";
  return order.told ? "told" : "waiting";
}

// Whom the label let the member pass it on to (TLP 2.0): who may have it besides the member as long as this is open.
std::string_view onward_of(const flow::RecallOrder& order) {
  const auto label = policy::Label::parse(order.label);
  if (!label) return "unknown";
  if (label->releasable_to) return "those whom its releasable-to marking names";
  switch (label->tlp) {
    case stix::Tlp::kClear:
      return "anyone";
    case stix::Tlp::kGreen:
      return "its community";
    case stix::Tlp::kAmber:
      return "its own organisation and clients";
    case stix::Tlp::kAmberStrict:
      return "its own organisation";
    case stix::Tlp::kRed:
      return "nobody";
  }
  return "unknown";
}

}  // namespace

JsonObject recall_report(const flow::Recall& recall, const std::string& object, Instant now) {
  JsonArray orders, taken, refused;
  std::uint64_t open = 0, exposed = 0, left_out = 0;
  for (const auto& order : recall.orders(object)) {
    const std::string_view state = state_of(order, now);
    const bool is_open = state != "destroyed";
    // Nobody will confirm any more, or nobody did in time.
    const bool is_exposed = order.fetched || (is_open && now > order.deadline);
    open += is_open ? 1 : 0;
    exposed += is_exposed ? 1 : 0;
    if (orders.size() == kMaxRecallLines) {
      ++left_out;
      continue;
    }
    JsonObject line{{"member", order.member},
                    {"number", order.number},
                    {"state", state},
                    {"exposed", is_exposed},
                    {"reason", flow::to_string(order.reason)},
                    {"issued", order.issued.text(3)},
                    {"deadline", order.deadline.text(3)},
                    {"objects", ids(order.objects)},
                    {"may_have_passed_on_to", is_open ? onward_of(order) : "nobody"}};
    if (!order.by.empty()) line["by"] = order.by;
    if (!order.note.empty()) line["note"] = order.note;
    if (order.told) line["told"] = order.told->text(3);
    if (order.receipt)
      line["receipt"] = JsonObject{{"at", order.receipt->at.text(3)},
                                   {"destroyed", order.receipt->destroyed},
                                   {"onward_open", order.receipt->onward_open}};
    orders.push_back(std::move(line));
  }
  for (const auto& item : recall.taken(object)) {
    if (taken.size() == kMaxRecallLines) {
      ++left_out;
      continue;
    }
    taken.push_back(JsonObject{{"from", item.from},
                               {"number", item.number},
                               {"reason", flow::to_string(item.reason)},
                               {"at", item.at.text(3)},
                               {"objects", ids(item.objects)},
                               {"destroyed", item.destroyed},
                               {"onward_open", item.onward_open},
                               {"acknowledged", item.acknowledged}});
  }
  for (const auto& item : recall.refused())
    refused.push_back(JsonObject{{"at", item.at.text(3)}, {"from", item.from}, {"what", item.what}, {"why", item.why}});
  return JsonObject{
      {"orders", std::move(orders)}, {"taken", std::move(taken)}, {"refused", std::move(refused)}, {"open", open},
      {"exposed", exposed},          {"left_out", left_out}};
}

}  // namespace bongsu::node
