#include "detect/pattern/text_triggers.h"

#include <fmt/format.h>
#include <hs/hs.h>
#include <re2/filtered_re2.h>
#include <re2/re2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "base/text.h"

namespace bongsu::detect {
namespace {

constexpr int kMinLiteral = 3;  // shorter ones occur everywhere

bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

// Each character folded by itself: whatever equals an ASCII letter without case (the Kelvin sign, the long s) becomes
// that letter.
void fold(std::string_view text, std::string& out) {
  out.clear();
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t i = 0; i < size;) {
    UChar32 c = 0;
    U8_NEXT(text.data(), i, size, c);
    if (c < 0) {
      out += '?';
      continue;
    }
    c = u_foldCase(c, U_FOLD_CASE_DEFAULT);
    char bytes[U8_MAX_LENGTH];
    std::int32_t n = 0;
    U8_APPEND_UNSAFE(bytes, n, c);
    out.append(bytes, static_cast<std::size_t>(n));
  }
}

// The runs between wildcards, joined by ".*": what must occur, in order.
std::string regex_of_wildcards(std::string_view wildcards) {
  std::string out;
  std::string run;
  const auto flush = [&] {
    out += re2::RE2::QuoteMeta(re2::StringPiece(run.data(), run.size()));
    run.clear();
  };
  for (const char c : wildcards) {
    if (c == '%' || c == '_') {
      flush();
      out += ".*";
    } else {
      run += c;
    }
  }
  flush();
  return out;
}

std::size_t longest_run(std::string_view wildcards) {
  std::size_t longest = 0, run = 0;
  for (const char c : wildcards) {
    run = c == '%' || c == '_' ? 0 : run + 1;
    longest = std::max(longest, run);
  }
  return longest;
}

}  // namespace

struct Triggers::Scratch::Parts {
  hs_scratch_t* hs = nullptr;
  std::vector<int> literals, matched;
  std::vector<std::uint32_t> seen;  // of literals: the call that saw it
  std::uint32_t call = 0;
  std::string nfc, folded;
  std::vector<const void*> ready;  // databases that `hs` is large enough for
  ~Parts() { hs_free_scratch(hs); }
};

Triggers::Scratch::Scratch() : parts_(std::make_unique<Parts>()) {}
Triggers::Scratch::~Scratch() = default;
Triggers::Scratch::Scratch(Scratch&&) noexcept = default;
Triggers::Scratch& Triggers::Scratch::operator=(Scratch&&) noexcept = default;

struct TextTriggers::Impl {
  re2::FilteredRE2 filter{kMinLiteral};
  std::vector<std::uint32_t> expressions;  // by FilteredRE2's number
  std::vector<std::string> literals;
  std::vector<int> always;        // expressions that need no literal
  std::vector<int> beyond_ascii;  // literals that are taken as found: Vectorscan's caselessness ends with ASCII
  hs_database_t* database = nullptr;

  ~Impl() { hs_free_database(database); }
};

TextTriggers::TextTriggers() : impl_(std::make_unique<Impl>()) {}
TextTriggers::~TextTriggers() = default;

double TextTriggers::cost(const Atom& atom) {
  if (atom.op == stix::ComparisonOperator::kLike) {
    const std::size_t run = longest_run(atom.wildcards);
    return run < static_cast<std::size_t>(kMinLiteral) ? 900 : 20 + 200 / static_cast<double>(run);
  }
  return 60;
}

bool TextTriggers::add(const Atom& atom, std::uint32_t expression) {
  std::string text;
  if (atom.op == stix::ComparisonOperator::kLike) {
    if (longest_run(atom.wildcards) < static_cast<std::size_t>(kMinLiteral)) return false;
    text = regex_of_wildcards(atom.wildcards);
  } else {
    text = atom.regex->pattern();
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxRegexMemory);
  options.set_case_sensitive(!atom.ignore_case);
  int id = 0;
  if (impl_->filter.Add(re2::StringPiece(text.data(), text.size()), options, &id) != re2::RE2::NoError) return false;
  impl_->expressions.push_back(expression);
  return true;
}

Result<void> TextTriggers::build() {
  if (impl_->expressions.empty()) return {};
  impl_->filter.Compile(&impl_->literals);
  impl_->filter.AllPotentials({}, &impl_->always);
  if (impl_->literals.empty()) return {};
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  std::vector<unsigned> flags, ids;
  for (std::size_t i = 0; i < impl_->literals.size(); ++i) {
    if (!is_ascii(impl_->literals[i])) {
      impl_->beyond_ascii.push_back(static_cast<int>(i));
      continue;
    }
    texts.push_back(impl_->literals[i].c_str());
    sizes.push_back(impl_->literals[i].size());
    flags.push_back(HS_FLAG_CASELESS);
    ids.push_back(static_cast<unsigned>(i));
  }
  if (texts.empty()) return {};
  hs_compile_error_t* error = nullptr;
  if (hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(), static_cast<unsigned>(texts.size()),
                           HS_MODE_BLOCK, nullptr, &impl_->database, &error) != HS_SUCCESS) {
    std::string why = error != nullptr ? error->message : "no reason given";
    hs_free_compile_error(error);
    return fail(ErrorCode::kInternal, fmt::format("literals of LIKE and MATCHES do not compile: {}", why));
  }
  return {};
}

void TextTriggers::find(std::string_view text, Triggers::Scratch& scratch,
                        std::vector<std::uint32_t>& expressions) const {
  if (impl_->expressions.empty()) return;
  Triggers::Scratch::Parts& parts = *scratch.parts_;
  parts.literals = impl_->beyond_ascii;
  if (impl_->database != nullptr) {
    if (!is_ascii(text)) {
      fold(nfc(text, parts.nfc), parts.folded);
      text = parts.folded;
    }
    if (parts.seen.size() < impl_->literals.size()) parts.seen.resize(impl_->literals.size());
    if (++parts.call == 0) {
      std::ranges::fill(parts.seen, 0U);
      parts.call = 1;
    }
    if (std::ranges::find(parts.ready, impl_->database) == parts.ready.end()) {
      if (hs_alloc_scratch(impl_->database, &parts.hs) != HS_SUCCESS) std::terminate();  // out of memory
      parts.ready.push_back(impl_->database);
    }
    const auto found = [](unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
      auto& p = *static_cast<Triggers::Scratch::Parts*>(context);
      if (p.seen[id] != p.call) {
        p.seen[id] = p.call;
        p.literals.push_back(static_cast<int>(id));
      }
      return 0;
    };
    hs_scan(impl_->database, text.data(), static_cast<unsigned>(text.size()), 0, parts.hs, found, &parts);
  }
  parts.matched.clear();
  if (parts.literals.empty()) {
    parts.matched = impl_->always;
  } else {
    impl_->filter.AllPotentials(parts.literals, &parts.matched);
  }
  for (const int id : parts.matched) expressions.push_back(impl_->expressions[static_cast<std::size_t>(id)]);
}

}  // namespace bongsu::detect
