#include "cli/drill_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "telemetry/byte_source.h"

namespace bongsu::cli {

using namespace exercise;

std::vector<std::string> script_names(const std::vector<std::string>& lists) {
  std::vector<std::string> out;
  for (const std::string& list : lists)
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(',', begin), list.size());
      out.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  return out;
}

Result<drill::Policy> script_named(const std::string& name) {
  if (!name.ends_with(".json")) return drill::policy(name);
  BONGSU_TRY(const std::string text, telemetry::read_whole(name, kMaxPolicyBytes));
  return drill::read_policy(text, name);
}

std::string drill_clock(std::int64_t ms) {
  return fmt::format("{}:{:02}:{:02}", ms / 3'600'000, ms / 60'000 % 60, ms / 1'000 % 60);
}

}  // namespace bongsu::cli
