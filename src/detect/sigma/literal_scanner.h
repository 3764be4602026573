// Many literals looked for in one text at once (Vectorscan, hidden in the .cpp). Literals and texts are compared byte
// by byte: both are folded by the caller.
//
//   LiteralScanner::Builder builder;
//   builder.add("\\cmd.exe", 7);                                     // 7 comes back when it is found
//   builder.tidy();
//   BONGSU_TRY(auto scanner, builder.build());
//   scanner->scan(text, scratch, [&](const LiteralScanner::Found& found) { … });
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu::detect::sigma {

inline constexpr std::size_t kMaxLiteralBytes = 64;  // longer ones are looked for by their beginning

class LiteralScanner;

// What a thread needs to scan; one for all scanners that prepare() was called for.
class ScanScratch {
 public:
  ScanScratch() = default;
  ~ScanScratch();
  ScanScratch(ScanScratch&& other) noexcept : scratch_(std::exchange(other.scratch_, nullptr)) {}
  ScanScratch& operator=(ScanScratch&& other) noexcept {
    std::swap(scratch_, other.scratch_);
    return *this;
  }
  Result<void> prepare(const LiteralScanner& scanner);

 private:
  friend class LiteralScanner;
  void* scratch_ = nullptr;
};

class LiteralScanner {
 public:
  // One that waits for the literal: where in the text it may stand.
  struct Use {
    std::uint32_t value = 0;
    bool at_start = false, at_end = false;
    bool operator==(const Use&) const = default;
  };
  struct Builder {
    void add(std::string_view literal, Use use);
    bool empty() const { return literals.empty(); }
    void tidy();  // sorted, each once, as build() needs them: equal builders make equal scanners
    Result<std::shared_ptr<const LiteralScanner>> build();
    std::vector<std::pair<std::string, Use>> literals;
  };

  ~LiteralScanner();
  // Adds the values of the uses whose literal stands where it may; perhaps more than once.
  void scan(std::string_view text, const ScanScratch& scratch, std::vector<std::uint32_t>& found) const;
  std::size_t literals() const { return starts_.size() - 1; }

 private:
  friend class ScanScratch;
  LiteralScanner() = default;
  static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void* context);

  void* database_ = nullptr;
  std::vector<std::uint32_t> starts_;  // literal → its first use
  std::vector<std::uint32_t> sizes_;
  std::vector<Use> uses_;
};

}  // namespace bongsu::detect::sigma
