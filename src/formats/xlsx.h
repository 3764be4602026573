// Workbooks of spreadsheet programs (Office Open XML, ECMA-376 part 1, §18) as sheets of texts.
//
//   BONGSU_TRY(const Workbook book, read_xlsx(bytes, "msel.xlsx"));
//   BONGSU_TRY(const std::string again, write_xlsx(book));
//
// Read: shared and inline texts, numbers as they are written, truths as TRUE and FALSE, formulas by the value that the
// program stored. Dates are their serial numbers: only formats make them dates. Formats, pictures and macros are not
// looked at. Written: inline texts, the first row bold and frozen, long texts wrapped; the same bytes for the same
// cells.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/sheets.h"

namespace bongsu::formats {

inline constexpr std::size_t kMaxXlsxCellCharacters = 32'767;  // of one cell, as spreadsheet programs have it

// kInvalid names the part and the cell; kTooLarge beyond the limits of sheets.h, zip.h, xml.h.
Result<Workbook> read_xlsx(std::string_view bytes, const std::string& source);
// kInvalid: a sheet's name that is none (1 to 31 characters, none of []:*?/\, different from the others), bytes that
// are not UTF-8. kTooLarge: a cell longer than kMaxXlsxCellCharacters.
Result<std::string> write_xlsx(const Workbook& sheets);

}  // namespace bongsu::formats
