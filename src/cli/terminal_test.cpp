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
      {"\xc2\x9b" "31m", "?31m"},       // C1
      {"\xc2\xa0", "\xc2\xa0"},         // a space that does not break
      {std::string("\0\x7f", 2), "??"},
  };
  for (const auto& c : kCases) EXPECT_EQ(for_terminal(c.text), c.expected);
}

TEST(Terminal, ARowOfATableIsALine) {
  testing::internal::CaptureStdout();
  print_table({"A", "B"}, {{"one\nFORGED", "x\x1b[2J"}});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "A           B\none FORGED  x?[2J\n");
}

}  // namespace
}  // namespace bongsu::cli
