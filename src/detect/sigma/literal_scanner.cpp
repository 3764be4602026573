#include "detect/sigma/literal_scanner.h"

#include <hs/hs.h>

#include <algorithm>

namespace bongsu::detect::sigma {
namespace {

struct Context {
  const LiteralScanner* scanner;
  std::size_t text_size;
  std::vector<std::uint32_t>* found;
};

}  // namespace

ScanScratch::~ScanScratch() {
  if (scratch_ != nullptr) hs_free_scratch(static_cast<hs_scratch_t*>(scratch_));
}

Result<void> ScanScratch::prepare(const LiteralScanner& scanner) {
  auto* scratch = static_cast<hs_scratch_t*>(scratch_);
  const hs_error_t error = hs_alloc_scratch(static_cast<const hs_database_t*>(scanner.database_), &scratch);
  scratch_ = scratch;
  if (error != HS_SUCCESS)
    return fail(ErrorCode::kInternal, "no memory to scan with (Vectorscan " + std::to_string(error) + ")");
  return {};
}

LiteralScanner::~LiteralScanner() {
  if (database_ != nullptr) hs_free_database(static_cast<hs_database_t*>(database_));
}

void LiteralScanner::Builder::add(std::string_view literal, Use use) {
  if (literal.size() > kMaxLiteralBytes) {
    literal = literal.substr(0, kMaxLiteralBytes);
    use.at_end = false;
  }
  literals.emplace_back(std::string(literal), use);
}

void LiteralScanner::Builder::tidy() {
  std::ranges::sort(literals, [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.value, a.second.at_start, a.second.at_end) <
           std::tie(b.first, b.second.value, b.second.at_start, b.second.at_end);
  });
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
}

Result<std::shared_ptr<const LiteralScanner>> LiteralScanner::Builder::build() {
  std::shared_ptr<LiteralScanner> out(new LiteralScanner);
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  std::vector<unsigned> flags, ids;
  for (const auto& [literal, use] : literals) {
    if (texts.empty() || literal != std::string_view(texts.back(), sizes.back())) {
      texts.push_back(literal.data());
      sizes.push_back(literal.size());
      flags.push_back(HS_FLAG_SINGLEMATCH);
      ids.push_back(static_cast<unsigned>(ids.size()));
      out->starts_.push_back(static_cast<std::uint32_t>(out->uses_.size()));
      out->sizes_.push_back(static_cast<std::uint32_t>(literal.size()));
    }
    if (use.at_start || use.at_end) flags.back() = 0;  // each place counts
    out->uses_.push_back(use);
  }
  out->starts_.push_back(static_cast<std::uint32_t>(out->uses_.size()));
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(), static_cast<unsigned>(texts.size()),
                           HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
    const std::string message = error != nullptr && error->message != nullptr ? error->message : "unknown";
    hs_free_compile_error(error);
    return fail(ErrorCode::kInternal, "Vectorscan does not take the literals: " + message);
  }
  out->database_ = database;
  return std::shared_ptr<const LiteralScanner>(std::move(out));
}

int LiteralScanner::on_match(unsigned id, unsigned long long, unsigned long long to, unsigned, void* context) {
  const auto& c = *static_cast<const Context*>(context);
  const LiteralScanner& scanner = *c.scanner;
  const bool start = to == scanner.sizes_[id], end = to == c.text_size;
  for (std::uint32_t i = scanner.starts_[id]; i < scanner.starts_[id + 1]; ++i) {
    const Use& use = scanner.uses_[i];
    if ((start || !use.at_start) && (end || !use.at_end)) c.found->push_back(use.value);
  }
  return 0;
}

void LiteralScanner::scan(std::string_view text, const ScanScratch& scratch, std::vector<std::uint32_t>& found) const {
  if (text.empty()) return;
  Context context{this, text.size(), &found};
  hs_scan(static_cast<const hs_database_t*>(database_), text.data(), static_cast<unsigned>(text.size()), 0,
          static_cast<hs_scratch_t*>(scratch.scratch_), &LiteralScanner::on_match, &context);
}

}  // namespace bongsu::detect::sigma
