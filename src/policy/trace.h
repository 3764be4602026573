// A decision in words and as data: which rule, which agreement, which versions.
//
//   trace_json(facts, "cert-ua", decision)   //
//   {"verdict":"withhold","reasons":[{"reason":"tlp_red","sentence":"…"}],…} trace_text(facts, "cert-ua", decision) //
//   for people, a line each
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "policy/decide.h"

namespace bongsu::policy {

JsonObject trace_json(const ObjectFacts& facts, std::string_view member, const Decision& decision);
std::string trace_text(const JsonObject& trace);
// The reason's sentence, said of a part: "left out: …"
std::string part_sentence(Reason reason);
// [{"selectors":["description"],"reasons":[{"reason":"tlp_too_high","sentence":"left out: …"}]}]
JsonArray left_out_json(const Decision& decision);

}  // namespace bongsu::policy
