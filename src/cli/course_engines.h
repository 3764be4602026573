// What courses are judged with: Bongsu's own rules and patterns over telemetry.
//
//   exercise::course::judge(task, seat, answer, sources, DetectEngines());
#pragma once

#include "exercise/course/judge.h"

namespace bongsu::cli {

class DetectEngines final : public exercise::course::Engines {
 public:
  // A hit of a correlation counts for all lines that took part.
  Result<std::vector<std::uint64_t>> sigma(std::string_view rules, std::string_view log) const override;
  Result<std::vector<std::uint64_t>> patterns(std::span<const std::string> patterns,
                                              std::string_view log) const override;
};

}  // namespace bongsu::cli
