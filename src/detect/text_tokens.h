// Values in free text: URLs, e-mail addresses, IP addresses, hashes, names with a dot.
//
// The rules (README.md has them in words):
//  - A URL begins with letters and "://" and ends before a space, a control character or one of "'<>|\^`{} ; the
//  characters
//    .,;:!?)]'* at its end do not belong to it. What is a URL is not looked at as words.
//  - A word is a run of letters, digits and ._-+@: . If two or more ':' are in it, it is tried as an IPv6 address;
//  otherwise
//    and when that fails it falls into pieces at each ':'. The characters .+@- at the ends of a piece are left off.
//  - A piece with one '@' is an e-mail address; one of 32, 40, 64 or 128 hexadecimal digits is a hash; one with a dot
//  is an
//    IPv4 address (unless the text before it ends in "version") or a name. Pieces of less than four characters are
//    nothing.
#pragma once

#include <cstddef>
#include <string_view>

namespace bongsu::detect {

namespace token {

inline constexpr unsigned char kWord = 1, kHexLetter = 2, kUrlStop = 4;

struct Classes {
  unsigned char of[256] = {};
  constexpr Classes() {
    for (int c = 0; c <= 32; ++c) of[c] |= kUrlStop;
    of[127] |= kUrlStop;
    for (const char c : std::string_view("\"'<>|\\^`{}")) of[static_cast<unsigned char>(c)] |= kUrlStop;
    for (int c = '0'; c <= '9'; ++c) of[c] |= kWord;
    for (int c = 'a'; c <= 'z'; ++c) of[c] |= kWord, of[c - 32] |= kWord;
    for (const char c : std::string_view("._-+@:")) of[static_cast<unsigned char>(c)] |= kWord;
    for (int c = 'a'; c <= 'f'; ++c) of[c] |= kHexLetter, of[c - 32] |= kHexLetter;
    for (int c = '0'; c <= '9'; ++c) of[c] |= kHexLetter;
  }
};
inline constexpr Classes kClasses{};
inline unsigned char classes(char c) { return kClasses.of[static_cast<unsigned char>(c)]; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

inline std::string_view trim_piece(std::string_view piece) {
  constexpr std::string_view kEnds = ".+@-";
  while (!piece.empty() && kEnds.find(piece.front()) != kEnds.npos) piece.remove_prefix(1);
  while (!piece.empty() && kEnds.find(piece.back()) != kEnds.npos) piece.remove_suffix(1);
  return piece;
}

template <class Sink>
void piece(std::string_view text, Sink& sink) {
  text = trim_piece(text);
  if (text.size() < 4) return;
  std::size_t ats = 0;
  bool dot = false, hex = true;
  for (const char c : text) {
    ats += c == '@';
    dot = dot || c == '.';
    hex = hex && (classes(c) & kHexLetter) != 0;
  }
  if (ats > 0) {
    if (ats == 1) sink.email(text);
  } else if (hex) {
    if (text.size() == 32 || text.size() == 40 || text.size() == 64 || text.size() == 128) sink.hash(text);
  } else if (dot) {
    sink.dotted(text);
  }
}

template <class Sink>
void word(std::string_view text, std::size_t colons, Sink& sink) {
  if (colons >= 2) {
    std::string_view whole = trim_piece(text);
    if (whole.size() > 2 && whole.back() == ':' && whole[whole.size() - 2] != ':') whole.remove_suffix(1);
    if (sink.ipv6(whole)) return;
  }
  if (colons == 0) return piece(text, sink);
  while (true) {
    const std::size_t colon = text.find(':');
    piece(text.substr(0, colon), sink);
    if (colon == text.npos) return;
    text.remove_prefix(colon + 1);
  }
}

}  // namespace token

// Sink: bool url(text) (false: not a URL after all), bool ipv6(text), email(text), hash(text), dotted(text).
template <class Sink>
void for_each_token(std::string_view text, Sink& sink) {
  using namespace token;
  std::size_t i = 0;
  const std::size_t n = text.size();
  while (true) {
    while (i < n && (classes(text[i]) & kWord) == 0) ++i;
    if (i == n) return;
    const std::size_t begin = i;
    std::size_t colons = 0;
    bool dull = true;  // nothing but letters, digits, '-', '_' and '+': a hash at most
    for (; i < n && (classes(text[i]) & kWord) != 0; ++i) {
      colons += text[i] == ':';
      dull = dull && text[i] != '.' && text[i] != ':' && text[i] != '@';
    }
    const std::string_view run = text.substr(begin, i - begin);
    if (dull) {
      if (run.size() >= 32) word(run, 0, sink);
      continue;
    }
    if (colons > 0 && run.back() == ':' && text.substr(i).starts_with("//")) {
      std::size_t scheme = run.size() - 1;
      while (scheme > 0 && is_letter(run[scheme - 1])) --scheme;
      if (scheme < run.size() - 1) {
        std::size_t end = i;
        while (end < n && (classes(text[end]) & kUrlStop) == 0) ++end;
        std::string_view url = text.substr(begin + scheme, end - begin - scheme);
        while (!url.empty() && std::string_view(".,;:!?)]'*").find(url.back()) != std::string_view::npos)
          url.remove_suffix(1);
        if (sink.url(url)) {
          std::size_t before = 0;
          for (const char c : run.substr(0, scheme)) before += c == ':';
          word(run.substr(0, scheme), before, sink);
          i = begin + scheme + url.size();
          continue;
        }
      }
    }
    word(run, colons, sink);
  }
}

}  // namespace bongsu::detect
