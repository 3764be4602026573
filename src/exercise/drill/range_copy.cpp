#include "exercise/drill/range_copy.h"

namespace bongsu::exercise::drill {
namespace {

class NoRange final : public RangeCopy {
 public:
  Result<std::uint64_t> order(const RangeOrder& order) override { return none(order.target); }
  void advance_to(std::int64_t) override {}
  std::vector<RangeEvent> take_events() override { return {}; }
  Result<double> measure(const std::string& quantity, const std::string&) override { return none(quantity); }
  ProbeAnswer probe(const scenario::Service&) override { return {}; }
  JsonObject consequences() override { return {}; }

 private:
  static std::unexpected<Error> none(const std::string& field) {
    return fail(ErrorCode::kUnavailable, "this drill has no range", {.field = field});
  }
};

}  // namespace

RangeMaker no_range() {
  return [](const std::string&) -> Result<std::unique_ptr<RangeCopy>> { return std::make_unique<NoRange>(); };
}

}  // namespace bongsu::exercise::drill
