// What is wrong with a scenario: everything, not only the first thing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace bongsu::exercise::scenario {

inline constexpr std::size_t kMaxProblems = 200;  // that are kept; all are counted

struct Problems {
  std::vector<Error> list;  // where.field: the path, "injects.breakers-open.share[0].label"
  std::size_t count = 0;

  void add(std::string path, std::string message, ErrorCode code = ErrorCode::kInvalid) {
    ++count;
    if (list.size() < kMaxProblems)
      list.push_back({.code = code, .message = std::move(message), .where = {.field = std::move(path)}});
  }
  bool at(const std::string& path) const {
    return std::any_of(list.begin(), list.end(), [&](const Error& e) { return e.where.field == path; });
  }
};

}  // namespace bongsu::exercise::scenario
