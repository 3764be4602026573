#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include "base/random.h"
#include "formats/csv.h"
#include "formats/xlsx.h"
#include "formats/zip.h"

namespace bongsu::formats {
namespace {

using testing::HasSubstr;

std::string random_cell(SeededRandom& random) {
  static constexpr const char* kPieces[] = {"a",    "1",       ",",  "\"",   "\n", "\r\n", " ", "<",    "&",  "é",
                                            "서울", "_x000D_", "_x", "\x01", "\t", "]",    "[", "=1+1", "]]>"};
  std::string out;
  for (std::uint64_t n = random.below(5); n > 0; --n) out += kPieces[random.below(std::size(kPieces))];
  return out;
}
Workbook random_book(std::uint64_t seed) {
  SeededRandom random(seed);
  Workbook book;
  for (std::uint64_t s = 1 + random.below(3); s > 0; --s) {
    Sheet sheet{"Sheet " + std::to_string(s), {}};
    for (std::uint64_t r = random.below(5); r > 0; --r) {
      Row& row = sheet.rows.emplace_back();
      for (std::uint64_t c = random.below(30); c > 0; --c) row.push_back(random_cell(random));
      while (!row.empty() && row.back().empty()) row.pop_back();
    }
    while (!sheet.rows.empty() && sheet.rows.back().empty()) sheet.rows.pop_back();
    book.push_back(std::move(sheet));
  }
  return book;
}

TEST(Csv, BrokenOnesAreRefusedWithTheirLine) {
  for (const auto& [text, line] : std::vector<std::pair<std::string, std::uint64_t>>{
           {"a\n\"b", 2}, {"a\nb\"c\n", 2}, {"\"a\"b\n", 1}, {"a\rb\n", 1}, {"\"a\n\n", 1}}) {
    const auto read = read_csv(text, "x.csv");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().where.line, line) << text;
  }
  EXPECT_THAT(read_csv("a,\xff", "x.csv").error().message, HasSubstr("UTF-8"));
  EXPECT_EQ(read_csv(std::string(300, ','), "x.csv").error().code, ErrorCode::kTooLarge);
}

TEST(Csv, CellsHoldCommasQuotesAndLines) {
  EXPECT_EQ(*read_csv("\xef\xbb\xbf"
                      "a,\"b, \"\"c\"\"\"\r\n\r\n,\n\"x\ny\"",
                      "x.csv"),
            (std::vector<Row>{{"a", "b, \"c\""}, {}, {"", ""}, {"x\ny"}}));
}

TEST(Csv, AnyRowsComeBackEqual) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Workbook book = random_book(seed);
    EXPECT_EQ(*read_csv_sheets(write_csv_sheets(book), "x.csv"), book) << seed;
    for (const Sheet& sheet : book) EXPECT_EQ(*read_csv(write_csv(sheet.rows), "x.csv"), sheet.rows) << seed;
  }
  for (const std::vector<Row>& rows : {std::vector<Row>{{""}}, std::vector<Row>{{"\ufeff", "\ufeff"}}})
    EXPECT_EQ(*read_csv(write_csv(rows), "x.csv"), rows);
}

TEST(Xlsx, AnyWorkbookComesBackEqualAndAlwaysAsTheSameBytes) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Workbook book = random_book(seed);
    const auto bytes = write_xlsx(book);
    ASSERT_TRUE(bytes) << bytes.error().text();
    const auto again = read_xlsx(*bytes, "x.xlsx");
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(*again, book) << seed;
    EXPECT_EQ(*write_xlsx(*again), *bytes);
  }
}

// As spreadsheet programs write them: shared texts with runs and readings, numbers, truths, formulas, gaps.
TEST(Xlsx, WhatProgramsWriteIsRead) {
  const ZipFiles files = {
      {"_rels/.rels",
       R"(<Relationships><Relationship Id="a" Type="http://x/officeDocument" Target="/xl/workbook.xml"/></Relationships>)"},
      {"xl/workbook.xml",
       R"(<workbook xmlns:r="http://r"><sheets><sheet name="One" sheetId="7" r:id="b"/></sheets></workbook>)"},
      {"xl/_rels/workbook.xml.rels",
       R"(<Relationships><Relationship Id="b" Type="http://x/worksheet" Target="worksheets/s.xml"/><Relationship Id="c" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>)"},
      {"xl/sharedStrings.xml",
       R"(<sst><si><t>plain</t></si><si><r><t>two </t></r><r><t>runs</t></r><rPh sb="0" eb="1"><t>no</t></rPh></si></sst>)"},
      {"xl/worksheets/s.xml",
       R"(<worksheet><sheetData><row r="2"><c r="B2" t="s"><v>1</v></c><c r="D2"><v>1.5</v></c></row><row r="4"><c t="s"><v>0</v></c><c t="b"><v>1</v></c><c t="str"><f>A1</f><v>so_x0041_</v></c></row></sheetData></worksheet>)"},
  };
  const auto book = read_xlsx(*write_zip(files), "x.xlsx");
  ASSERT_TRUE(book) << book.error().text();
  EXPECT_EQ(*book, (Workbook{{"One", {{}, {"", "two runs", "", "1.5"}, {}, {"plain", "TRUE", "soA"}}}}));
}

TEST(Xlsx, BrokenOnesAreRefused) {
  EXPECT_EQ(read_xlsx("", "x.xlsx").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(read_xlsx("PK\x03\x04 not really", "x.xlsx").error().code, ErrorCode::kInvalid);
  EXPECT_THAT(read_xlsx(*write_zip({{"a", "b"}}), "x.xlsx").error().text(), HasSubstr("_rels/.rels"));
  std::string bytes = *write_xlsx({{"One", {{"a"}}}});
  for (std::size_t i = 0; i < bytes.size(); i += 7) {
    std::string broken = bytes;
    broken[i] = static_cast<char>(broken[i] ^ 0x55);
    static_cast<void>(read_xlsx(broken, "x.xlsx"));  // never more than an error
  }
  for (std::size_t n = 0; n < bytes.size(); n += 11)
    EXPECT_FALSE(read_xlsx(std::string_view(bytes).substr(0, n), "x.xlsx"));
}

TEST(Xlsx, SharedTextsAndCellsThatAreNotThereAreNamed) {
  ZipFiles files = *read_zip(*write_xlsx({{"One", {{"a"}}}}), "x");
  files["xl/worksheets/sheet1.xml"] =
      R"(<worksheet><sheetData><row><c r="B7" t="s"><v>3</v></c></row></sheetData></worksheet>)";
  EXPECT_THAT(read_xlsx(*write_zip(files), "x.xlsx").error().text(), HasSubstr("One!B7: there is no such shared text"));
  files["xl/worksheets/sheet1.xml"] =
      R"(<worksheet><sheetData><row><c r="ZZZZ1"><v>3</v></c></row></sheetData></worksheet>)";
  EXPECT_FALSE(read_xlsx(*write_zip(files), "x.xlsx"));
  files["xl/worksheets/sheet1.xml"] =
      R"(<worksheet><sheetData><row><c r="A1000000"><v>3</v></c></row></sheetData></worksheet>)";
  EXPECT_EQ(read_xlsx(*write_zip(files), "x.xlsx").error().code, ErrorCode::kTooLarge);
}

TEST(Xlsx, WhatNoProgramCouldReadIsNotWritten) {
  EXPECT_FALSE(write_xlsx({}));
  EXPECT_FALSE(write_xlsx({{"a/b", {}}}));
  EXPECT_FALSE(write_xlsx({{"A", {}}, {"a", {}}}));
  EXPECT_THAT(write_xlsx({{"One", {{}, {"", std::string(40'000, 'a')}}}}).error().text(), HasSubstr("One!B2"));
  EXPECT_FALSE(write_xlsx({{"One", {{"\xff"}}}}));
}

TEST(Zip, ABombIsAnErrorNotAFullMemory) {
  ZipFiles files;
  for (int i = 0; i < 3; ++i) files["zeros" + std::to_string(i)] = std::string(60 * 1024 * 1024, '\0');
  const auto bytes = write_zip(files);
  ASSERT_TRUE(bytes);
  EXPECT_LT(bytes->size(), 1024U * 1024U);
  EXPECT_EQ(read_zip(*bytes, "bomb.zip").error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace bongsu::formats
