// DC power flow: angles only, no losses, every magnitude 1 (MATPOWER manual, section 3.7 and 4.2).
//
//   BONGSU_TRY(const FlowResult flow, solve_dc(network));
//
// Reactive flows are 0, `to_mw` is `-from_mw`, shunts' active power counts as load. The reference bus takes what is left.
#pragma once

#include "base/result.h"
#include "exercise/range/power/flow_result.h"
#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

// kInvalid: a branch in service without reactance.
Result<FlowResult> solve_dc(const Network& network);

}  // namespace bongsu::exercise::power
