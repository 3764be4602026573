// What could not be read: counted by reason, the first few kept with their place. Nothing is left out without a trace
// here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu::telemetry {

class BadLines {
 public:
  static constexpr std::size_t kKept = 20;
  static constexpr std::size_t kExcerpt = 120;  // bytes of the line that go into the message
  static constexpr std::size_t kReasons = 256;  // distinct ones that are counted apart

  // `text` is the line, or its beginning.
  void add(ErrorCode code, std::string_view reason, Where where, std::string_view text = {});
  void merge(const BadLines& other);
  std::uint64_t count() const { return count_; }
  const std::map<std::string, std::uint64_t, std::less<>>& reasons() const { return reasons_; }
  const std::vector<Error>& first() const { return first_; }

 private:
  std::uint64_t count_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> reasons_;
  std::vector<Error> first_;
};

}  // namespace bongsu::telemetry
