#include "formats/xlsx.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/text.h"
#include "formats/xml.h"
#include "formats/zip.h"

namespace bongsu::formats {
namespace {

constexpr std::string_view kMain = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
constexpr std::string_view kRelations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
constexpr std::string_view kPackage = "http://schemas.openxmlformats.org/package/2006";

// Names only: the strict and the transitional form differ in their namespaces alone.
const XmlElement* inner(const XmlElement& element, std::string_view name) {
  for (const XmlElement& child : element.children)
    if (child.name == name) return &child;
  return nullptr;
}
std::string attribute(const XmlElement& element, std::string_view name) {
  for (const XmlAttribute& a : element.attributes)
    if (a.name == name) return a.value;
  return {};
}

// ECMA-376 §22.9.2.19 (ST_Xstring): what XML cannot say stands as _x0001_, and an underscore that would be read so as
// _x005F_.
bool is_escape(std::string_view text) {
  if (text.size() < 7 || text[0] != '_' || text[1] != 'x' || text[6] != '_') return false;
  return std::ranges::all_of(text.substr(2, 4), [](char c) { return hex_digit(c) >= 0; });
}
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_escape(text.substr(i))) {
      unsigned code = 0;
      for (const char c : text.substr(i + 2, 4)) code = code * 16 + static_cast<unsigned>(hex_digit(c));
      if (code < 0x80) {  // others stand as they are
        out += static_cast<char>(code);
        i += 6;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}
Result<std::string> escaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto u = static_cast<unsigned char>(text[i]);
    if ((u < 0x20 && u != '\n' && u != '\t') || is_escape(std::string_view(text).substr(i)))
      out += fmt::format("_x{:04X}_", u);
    else
      out += text[i];
  }
  return xml_escaped(out);
}

// The text of <si> or <is>: one <t>, or several runs. Readings (rPh) are no part of it.
std::string text_of(const XmlElement& string) {
  std::string out;
  for (const XmlElement& child : string.children) {
    if (child.name == "t") out += child.text;
    if (child.name == "r")
      if (const XmlElement* t = inner(child, "t")) out += t->text;
  }
  return unescaped(out);
}

struct At {
  std::size_t row = 0, column = 0;  // from 0
};
std::optional<At> parse_reference(std::string_view text) {  // "AB12"
  At at;
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= 'A' && text[i] <= 'Z' && i < 3; ++i)
    at.column = at.column * 26 + static_cast<std::size_t>(text[i] - 'A' + 1);
  const char* end = text.data() + text.size();
  const auto [p, error] = std::from_chars(text.data() + i, end, at.row);
  if (i == 0 || error != std::errc{} || p != end || at.row == 0) return std::nullopt;
  --at.row;
  --at.column;
  return at;
}
std::string reference(std::size_t row, std::size_t column) {
  std::string letters;
  for (std::size_t c = column + 1; c > 0; c = (c - 1) / 26)
    letters.insert(letters.begin(), static_cast<char>('A' + (c - 1) % 26));
  return letters + std::to_string(row + 1);
}

class Package {
 public:
  Package(ZipFiles files, const std::string& source) : files_(std::move(files)), source_(source) {}

  bool has(const std::string& part) const { return files_.contains(part); }
  Result<XmlElement> part(const std::string& name) const {
    const auto at = files_.find(name);
    if (at == files_.end()) return refuse(ErrorCode::kInvalid, "the workbook has no such part", name);
    return parse_xml(at->second, source_ + "!" + name);
  }
  // Where the relations of `of` point to, by id; types by their last word.
  struct Relation {
    std::string id, type, target;
  };
  Result<std::vector<Relation>> relations(const std::string& of) const {
    const auto slash = of.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : of.substr(0, slash + 1);
    const std::string name = folder + "_rels/" + of.substr(folder.size()) + ".rels";
    BONGSU_TRY(const XmlElement root, part(name));
    std::vector<Relation> out;
    for (const XmlElement& child : root.children) {
      if (child.name != "Relationship" || attribute(child, "TargetMode") == "External") continue;
      std::string target = attribute(child, "Target");
      target = target.starts_with('/') ? target.substr(1) : folder + target;
      const std::string type = attribute(child, "Type");
      out.push_back({attribute(child, "Id"), type.substr(type.rfind('/') + 1), std::move(target)});
    }
    return out;
  }
  std::unexpected<Error> refuse(ErrorCode code, std::string why, std::string field) const {
    return fail(code, std::move(why), {.source = source_, .field = std::move(field)});
  }

 private:
  ZipFiles files_;
  const std::string& source_;
};

Result<void> read_cells(const Package& package, const XmlElement& root, const std::vector<std::string>& shared,
                        std::size_t& cells, Sheet& sheet) {
  const XmlElement* data = inner(root, "sheetData");
  if (data == nullptr) return {};
  std::size_t next_row = 0;
  for (const XmlElement& row : data->children) {
    if (row.name != "row") continue;
    std::size_t next_column = 0;
    for (const XmlElement& cell : row.children) {
      if (cell.name != "c") continue;
      At at{next_row, next_column};
      if (const std::string r = attribute(cell, "r"); !r.empty()) {
        const auto parsed = parse_reference(r);
        if (!parsed)
          return package.refuse(ErrorCode::kInvalid, "no cell is called so", sheet.name + "!" + r.substr(0, 20));
        at = *parsed;
      } else if (const std::string n = attribute(row, "r"); !n.empty()) {
        if (const auto parsed = parse_reference("A" + n)) at.row = parsed->row;
      }
      next_row = at.row;
      next_column = at.column + 1;
      if (at.row >= kMaxSheetRows || at.column >= kMaxSheetColumns || ++cells > kMaxSheetCells)
        return package.refuse(
            ErrorCode::kTooLarge,
            fmt::format("at most {} rows, {} columns, {} cells", kMaxSheetRows, kMaxSheetColumns, kMaxSheetCells),
            sheet.name);
      const std::string type = attribute(cell, "t");
      std::string text;
      if (type == "inlineStr") {
        if (const XmlElement* is = inner(cell, "is")) text = text_of(*is);
      } else if (const XmlElement* v = inner(cell, "v")) {
        text = v->text;
        if (type == "s") {
          std::size_t index = 0;
          const auto [p, error] = std::from_chars(text.data(), text.data() + text.size(), index);
          if (error != std::errc{} || p != text.data() + text.size() || index >= shared.size())
            return package.refuse(ErrorCode::kInvalid, "there is no such shared text",
                                  sheet.name + "!" + reference(at.row, at.column));
          text = shared[index];
        } else if (type == "b") {
          text = text == "1" ? "TRUE" : "FALSE";
        } else if (type == "str") {
          text = unescaped(text);
        }
      }
      if (text.size() > kMaxCellBytes)
        return package.refuse(ErrorCode::kTooLarge, fmt::format("a cell has at most {} bytes", kMaxCellBytes),
                              sheet.name + "!" + reference(at.row, at.column));
      if (text.empty()) continue;
      if (sheet.rows.size() <= at.row) sheet.rows.resize(at.row + 1);
      Row& into = sheet.rows[at.row];
      if (into.size() <= at.column) into.resize(at.column + 1);
      into[at.column] = std::move(text);
    }
    ++next_row;
  }
  return {};
}

}  // namespace

Result<Workbook> read_xlsx(std::string_view bytes, const std::string& source) {
  BONGSU_TRY(ZipFiles files, read_zip(bytes, source));
  const Package package(std::move(files), source);
  BONGSU_TRY(const auto top, package.relations(""));
  const auto document = std::ranges::find(top, "officeDocument", &Package::Relation::type);
  if (document == top.end()) return package.refuse(ErrorCode::kInvalid, "no workbook is in it", "_rels/.rels");
  BONGSU_TRY(const XmlElement book, package.part(document->target));
  const XmlElement* sheets = inner(book, "sheets");
  if (book.name != "workbook" || sheets == nullptr)
    return package.refuse(ErrorCode::kInvalid, "no workbook", document->target);
  BONGSU_TRY(const auto relations, package.relations(document->target));

  std::vector<std::string> shared;
  if (const auto at = std::ranges::find(relations, "sharedStrings", &Package::Relation::type); at != relations.end()) {
    BONGSU_TRY(const XmlElement table, package.part(at->target));
    for (const XmlElement& child : table.children)
      if (child.name == "si") shared.push_back(text_of(child));
  }
  Workbook out;
  std::size_t cells = 0;
  for (const XmlElement& entry : sheets->children) {
    if (entry.name != "sheet") continue;
    Sheet sheet;
    sheet.name = attribute(entry, "name");
    std::string id;  // r:id, beside sheetId
    for (const XmlAttribute& a : entry.attributes)
      if (a.name == "id") id = a.value;
    const auto at = std::ranges::find(relations, id, &Package::Relation::id);
    if (at == relations.end()) return package.refuse(ErrorCode::kInvalid, "its sheet is nowhere", sheet.name);
    if (at->type != "worksheet") continue;  // a chart
    if (out.size() >= kMaxSheets)
      return package.refuse(ErrorCode::kTooLarge, fmt::format("at most {} sheets", kMaxSheets), sheet.name);
    BONGSU_TRY(const XmlElement root, package.part(at->target));
    BONGSU_TRY_VOID(read_cells(package, root, shared, cells, sheet));
    out.push_back(std::move(sheet));
  }
  return out;
}

Result<std::string> write_xlsx(const Workbook& sheets) {
  constexpr std::string_view kHead = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
  if (sheets.empty() || sheets.size() > kMaxSheets)
    return fail(ErrorCode::kInvalid, fmt::format("a workbook has 1 to {} sheets", kMaxSheets));
  ZipFiles files;
  std::string types = fmt::format(
      "{}<Types xmlns=\"{}/content-types\"><Default Extension=\"rels\" "
      "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" "
      "ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" "
      "ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/><Override "
      "PartName=\"/xl/styles.xml\" "
      "ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>",
      kHead, kPackage);
  std::string book = fmt::format("{}<workbook xmlns=\"{}\" xmlns:r=\"{}\"><sheets>", kHead, kMain, kRelations);
  std::string relations = fmt::format("{}<Relationships xmlns=\"{}/relationships\">", kHead, kPackage);
  std::set<std::string> names;
  for (std::size_t s = 0; s < sheets.size(); ++s) {
    const Sheet& sheet = sheets[s];
    if (sheet.name.empty() || sheet.name.size() > 31 || sheet.name.find_first_of("[]:*?/\\") != std::string::npos ||
        !names.insert(lowered(sheet.name)).second)
      return fail(ErrorCode::kInvalid, "a sheet's name has 1 to 31 characters, none of []:*?/\\, and is its own",
                  {.field = sheet.name});
    BONGSU_TRY(const std::string name, escaped(sheet.name));
    const std::size_t n = s + 1;
    types += fmt::format(
        "<Override PartName=\"/xl/worksheets/sheet{}.xml\" "
        "ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>",
        n);
    book += fmt::format("<sheet name=\"{}\" sheetId=\"{}\" r:id=\"rId{}\"/>", name, n, n);
    relations += fmt::format("<Relationship Id=\"rId{}\" Type=\"{}/worksheet\" Target=\"worksheets/sheet{}.xml\"/>", n,
                             kRelations, n);
    std::string xml = fmt::format(
        "{}<worksheet xmlns=\"{}\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" "
        "activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews><sheetFormatPr defaultColWidth=\"24\" "
        "defaultRowHeight=\"15\"/><sheetData>",
        kHead, kMain);
    for (std::size_t r = 0; r < sheet.rows.size(); ++r) {
      xml += fmt::format("<row r=\"{}\">", r + 1);
      for (std::size_t c = 0; c < sheet.rows[r].size(); ++c) {
        const std::string& cell = sheet.rows[r][c];
        if (cell.empty()) continue;
        const auto characters =
            std::ranges::count_if(cell, [](char b) { return (static_cast<unsigned char>(b) & 0xc0) != 0x80; });
        if (static_cast<std::size_t>(characters) > kMaxXlsxCellCharacters)
          return fail(ErrorCode::kTooLarge, fmt::format("a cell has at most {} characters", kMaxXlsxCellCharacters),
                      {.field = sheet.name + "!" + reference(r, c)});
        auto text = escaped(cell);
        if (!text) {
          text.error().where.field = sheet.name + "!" + reference(r, c);
          return std::unexpected(std::move(text).error());
        }
        xml += fmt::format("<c r=\"{}\" s=\"{}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
                           reference(r, c), r == 0 ? 1 : 2, *text);
      }
      xml += "</row>";
    }
    files[fmt::format("xl/worksheets/sheet{}.xml", n)] = xml + "</sheetData></worksheet>";
  }
  files["[Content_Types].xml"] = types + "</Types>";
  files["_rels/.rels"] = fmt::format(
      "{}<Relationships xmlns=\"{}/relationships\"><Relationship Id=\"rId1\" Type=\"{}/officeDocument\" "
      "Target=\"xl/workbook.xml\"/></Relationships>",
      kHead, kPackage, kRelations);
  files["xl/workbook.xml"] = book + "</sheets></workbook>";
  files["xl/_rels/workbook.xml.rels"] =
      relations + fmt::format("<Relationship Id=\"rId{}\" Type=\"{}/styles\" Target=\"styles.xml\"/></Relationships>",
                              sheets.size() + 1, kRelations);
  files["xl/styles.xml"] = fmt::format(
      "{}<styleSheet xmlns=\"{}\"><fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz "
      "val=\"11\"/><name val=\"Calibri\"/></font></fonts><fills count=\"2\"><fill><patternFill "
      "patternType=\"none\"/></fill><fill><patternFill "
      "patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border/></borders><cellStyleXfs "
      "count=\"1\"><xf/></cellStyleXfs><cellXfs "
      "count=\"3\"><xf/><xf fontId=\"1\" applyFont=\"1\"/><xf applyAlignment=\"1\"><alignment vertical=\"top\" "
      "wrapText=\"1\"/></xf></cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" "
      "builtinId=\"0\"/></cellStyles></styleSheet>",
      kHead, kMain);
  return write_zip(files);
}

}  // namespace bongsu::formats
