#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace bongsu::cli {
namespace {

TEST(Terminal, WhatComesOutOfLogsDoesNotSteerIt) {
  const struct {
    std::string text, expected;
  } kCases[] = {
      {"host-1", "host-1"},
      {"a\tb\nc", "a\tb\nc"},
      {"\x1b[31mred\x1b]0;title\x07", "?[31mred?]0;title?"},
      {"caf\xc3\xa9 \xeb\xb4\x89\xec\x88\x98", "caf\xc3\xa9 \xeb\xb4\x89\xec\x88\x98"},
      {"\xc2\x9b"
       "31m",
       "?31m"},                  // C1
      {"\xc2\xa0", "\xc2\xa0"},  // a space that does not break
      {std::string("\0\x7f", 2), "??"},
      {"invoice\u202Efdp.exe", "invoice?fdp.exe"},  // shown as "invoiceexe.pdf"
      {"\u200Ea\u200Fb\u061Cc\u2066d\u2069e\u2028f\uFEFFg", "?a?b?c?d?e?f?g"},
      {"שלום \u200D \u2013", "שלום \u200D \u2013"},  // letters that are written from the right, joiners, dashes
      {"\xe2\x80", "\xe2\x80"},
  };
  for (const auto& c : kCases) EXPECT_EQ(for_terminal(c.text), c.expected);
}

TEST(Terminal, OneLineHasNoLineEnds) {
  EXPECT_EQ(printable("a\nb\tc\xc2\x85"), "a?b?c?");
  EXPECT_EQ(printable("abc\u202Edef", 5), "abc?…");
}

TEST(Terminal, ARowOfATableIsALine) {
  testing::internal::CaptureStdout();
  print_table({"A", "B"}, {{"one\nFORGED", "x\x1b[2J"}});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "A           B\none FORGED  x?[2J\n");
}

}  // namespace
}  // namespace bongsu::cli
