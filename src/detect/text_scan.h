// The same tokens as for_each_token gives (text_tokens.h), found 64 bytes at a time, also in JSON text whose escapes
// have not been undone.
//
//   TextScanner scanner;
//   if (!scanner.scan(raw, true, sink)) …          // escapes that would make letters, or a URL: undo them, then again
//   scanner.scan(decoded, false, sink);            // always true
//
// Two passes. The first makes bit masks of the text: which bytes belong to words, and which make a word worth a look (a
// '.', '@' or ':' with more of the word behind it, "://", long runs of hexadecimal digits); it comes in a form for
// AVX-512, one for AVX2 and a plain one, chosen when the program runs. The second cuts out the words worth a look.
//
// Sink: as for for_each_token, and bool skip(word) (true: it is known to be of no interest), void looked(word) after a
// word was looked at.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "detect/text_tokens.h"

namespace bongsu::detect {

enum class ScanKernel : std::uint8_t { kPlain, kAvx2, kAvx512 };
ScanKernel best_scan_kernel();

class TextScanner {
 public:
  explicit TextScanner(ScanKernel kernel = best_scan_kernel()) : kernel_(kernel) {}

  template <class Sink>
  bool scan(std::string_view text, bool escaped, Sink& sink);

 private:
  // Fills the masks; false: an escape that stands for a letter, or may.
  bool classify(std::string_view text, bool escaped);

  std::size_t word_begin(std::size_t at) const {
    std::size_t block = at / 64;
    std::uint64_t gaps = ~words_[block] & ((1ULL << (at % 64)) - 1);
    while (gaps == 0) {
      if (block == 0) return 0;
      gaps = ~words_[--block];
    }
    return block * 64 + 64 - static_cast<std::size_t>(std::countl_zero(gaps));
  }
  std::size_t word_end(std::size_t at) const {  // the text's end is a gap
    std::size_t block = at / 64;
    std::uint64_t gaps = ~words_[block] & (~0ULL << (at % 64));
    while (gaps == 0) gaps = ~words_[++block];
    return block * 64 + static_cast<std::size_t>(std::countr_zero(gaps));
  }

  ScanKernel kernel_;
  std::vector<std::uint64_t> words_, marks_;
};

template <class Sink>
bool TextScanner::scan(std::string_view text, bool escaped, Sink& sink) {
  using namespace token;
  if (!classify(text, escaped)) return false;
  const std::size_t n = text.size();
  std::size_t done = 0;  // everything before it was looked at
  for (std::size_t block = 0; block * 64 < n; ++block) {
    std::uint64_t marks = marks_[block];
    if (done > block * 64) marks = done >= block * 64 + 64 ? 0 : marks & (~0ULL << (done % 64));
    while (marks != 0) {
      const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(marks));
      const std::size_t begin = std::max(word_begin(at), done);
      std::size_t end = word_end(at);
      const std::string_view run = text.substr(begin, end - begin);
      done = end;
      const std::string_view rest = text.substr(end);
      bool url = false;
      if (run.back() == ':' && rest.starts_with(escaped ? "/" : "//")) url = true;
      if (escaped && run.back() == ':' && rest.starts_with("\\/")) url = true;
      if (url && escaped) return false;
      if (url) {
        std::size_t scheme = run.size() - 1;
        while (scheme > 0 && is_letter(run[scheme - 1])) --scheme;
        url = false;
        if (scheme < run.size() - 1) {
          std::size_t stop = end;
          while (stop < n && (classes(text[stop]) & kUrlStop) == 0) ++stop;
          std::string_view whole = text.substr(begin + scheme, stop - begin - scheme);
          while (!whole.empty() && std::string_view(".,;:!?)]'*").find(whole.back()) != std::string_view::npos)
            whole.remove_suffix(1);
          if (sink.url(whole)) {
            std::size_t before = 0;
            for (const char c : run.substr(0, scheme)) before += c == ':';
            word(run.substr(0, scheme), before, sink);
            done = begin + scheme + whole.size();
            url = true;
          }
        }
      }
      if (!url && !sink.skip(run)) {
        std::size_t colons = 0;
        for (const char c : run) colons += c == ':';
        word(run, colons, sink);
        sink.looked(run);
      }
      if (done >= block * 64 + 64) break;
      marks = marks_[block] & (~0ULL << (done % 64));
    }
  }
  return true;
}

}  // namespace bongsu::detect
