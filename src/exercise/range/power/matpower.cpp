#include "exercise/range/power/matpower.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <numbers>
#include <optional>
#include <unordered_map>

#include "base/text.h"

namespace bongsu::exercise::power {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A matrix as it stands in the case: rows of equal width, each with its line.
struct Matrix {
  std::size_t columns = 0;
  std::vector<double> values;
  std::vector<std::uint64_t> lines;

  std::size_t rows() const { return lines.size(); }
  double& at(std::size_t row, std::size_t column) { return values[row * columns + column]; }
  double at(std::size_t row, std::size_t column) const { return values[row * columns + column]; }
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// MATPOWER's names of columns (manual, tables B-1 to B-3), counted from 1.
const std::map<std::string_view, std::map<std::string_view, std::size_t>>& column_names() {
  static const std::map<std::string_view, std::map<std::string_view, std::size_t>> names = {
      {"bus",
       {{"BUS_I", 1}, {"BUS_TYPE", 2}, {"PD", 3}, {"QD", 4}, {"GS", 5}, {"BS", 6}, {"BUS_AREA", 7}, {"VM", 8}, {"VA", 9},
        {"BASE_KV", 10}, {"ZONE", 11}, {"VMAX", 12}, {"VMIN", 13}}},
      {"gen",
       {{"GEN_BUS", 1}, {"PG", 2}, {"QG", 3}, {"QMAX", 4}, {"QMIN", 5}, {"VG", 6}, {"MBASE", 7}, {"GEN_STATUS", 8},
        {"PMAX", 9}, {"PMIN", 10}}},
      {"branch",
       {{"F_BUS", 1}, {"T_BUS", 2}, {"BR_R", 3}, {"BR_X", 4}, {"BR_B", 5}, {"RATE_A", 6}, {"RATE_B", 7}, {"RATE_C", 8},
        {"TAP", 9}, {"SHIFT", 10}, {"BR_STATUS", 11}, {"ANGMIN", 12}, {"ANGMAX", 13}}}};
  return names;
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  Result<Network> read() {
    if (text_.size() > kMaxCaseBytes)
      return fail(ErrorCode::kTooLarge, fmt::format("a case may have {} bytes", kMaxCaseBytes), {.source = source_});
    while (true) {
      skip_blank();
      if (at_end()) break;
      BONGSU_TRY_VOID(statement());
    }
    return network();
  }

 private:
  // -- characters ------------------------------------------------------------------------------------------------

  bool at_end() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  void advance() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }
  std::unexpected<Error> wrong(std::string message, std::string field = {}, std::uint64_t line = 0) const {
    return fail(ErrorCode::kInvalid, std::move(message),
                {.source = source_, .line = line != 0 ? line : line_, .field = std::move(field)});
  }
  std::unexpected<Error> unsupported(std::string message) const {
    return fail(ErrorCode::kUnsupported, std::move(message), {.source = source_, .line = line_});
  }

  void skip_line() {
    while (!at_end() && peek() != '\n') ++at_;
  }
  // "%{" and "%}" alone on their lines enclose a comment, and nest.
  bool block_mark(char brace) const {
    if (peek() != '%' || peek(1) != brace) return false;
    std::size_t before = at_;
    while (before > 0 && (text_[before - 1] == ' ' || text_[before - 1] == '\t')) --before;
    if (before > 0 && text_[before - 1] != '\n') return false;
    std::size_t after = at_ + 2;
    while (after < text_.size() && (text_[after] == ' ' || text_[after] == '\t' || text_[after] == '\r')) ++after;
    return after >= text_.size() || text_[after] == '\n';
  }
  void skip_block() {
    for (std::size_t depth = 0; !at_end();) {
      if (block_mark('{')) ++depth;
      if (block_mark('}') && --depth == 0) return skip_line();
      advance();
    }
  }
  // Spaces, comments and continuations; newlines too unless they mean something.
  void skip_space(bool newlines) {
    while (!at_end()) {
      const char c = peek();
      if (c == ' ' || c == '\t' || c == '\r' || (newlines && c == '\n')) {
        advance();
      } else if (c == '%' && block_mark('{')) {
        skip_block();
      } else if (c == '%' || c == '#') {
        skip_line();
      } else if (c == '.' && peek(1) == '.' && peek(2) == '.') {
        skip_line();
        if (!at_end()) advance();
      } else {
        return;
      }
    }
  }
  void skip_blank() {
    while (true) {
      skip_space(true);
      if (peek() != ';' && peek() != ',') return;
      advance();
    }
  }
  std::string_view word() {
    const std::size_t begin = at_;
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  Result<std::string> quoted() {
    const char mark = peek();
    ++at_;
    std::string content;
    while (true) {
      if (at_end() || peek() == '\n') return wrong("a text has no end");
      if (peek() == mark) {
        if (peek(1) != mark) break;
        ++at_;
      }
      content += peek();
      ++at_;
    }
    ++at_;
    return content;
  }

  std::optional<double> number() {
    std::size_t begin = at_;
    double sign = 1;
    if (peek() == '+' || peek() == '-') {
      if (peek() == '-') sign = -1;
      ++begin;
    }
    if (text_.substr(begin, 3) == "Inf" || text_.substr(begin, 3) == "inf") {
      at_ = begin + 3;
      return sign * kInfinity;
    }
    if (text_.substr(begin, 3) == "NaN" || text_.substr(begin, 3) == "nan") {
      at_ = begin + 3;
      return std::numeric_limits<double>::quiet_NaN();
    }
    if (begin >= text_.size() || (!is_digit(text_[begin]) && text_[begin] != '.')) return std::nullopt;
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + begin, text_.data() + text_.size(), value);
    if (error == std::errc::invalid_argument) return std::nullopt;
    // Too large or too small for a double: infinity or 0, as MATLAB reads it. from_chars does not say which.
    if (error == std::errc::result_out_of_range) value = std::strtod(std::string(text_.data() + begin, end).c_str(), nullptr);
    at_ = static_cast<std::size_t>(end - text_.data());
    return sign * value;
  }

  // -- statements ------------------------------------------------------------------------------------------------

  Result<void> statement() {
    if (peek() == '[') return index_names();
    if (!is_letter(peek())) return wrong(fmt::format("a statement cannot begin with \"{}\"", shown(peek())));
    const std::string_view name = word();
    if (name == "function") return function();
    if (name == "return" || name == "end" || name == "endfunction") return {};
    if (name == "if" || name == "for" || name == "while" || name == "switch" || name == "try")
      return unsupported(fmt::format("\"{}\" is a program: only data and conversions of units are read", name));
    if (name == "define_constants") return {};
    if (name == struct_ && peek() == '.') {
      ++at_;
      return field();
    }
    skip_space(false);
    if (peek() != '=' || peek(1) == '=')
      return unsupported(fmt::format("\"{}\" is no assignment: only data and conversions of units are read", name));
    ++at_;
    BONGSU_TRY(const double value, expression(0, std::nullopt));
    BONGSU_TRY_VOID(end_of_statement());
    scalars_[std::string(name)] = value;
    return {};
  }
  static std::string shown(char c) {
    return c >= ' ' && c < 127 ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }

  // function mpc = NAME
  Result<void> function() {
    skip_space(false);
    if (peek() == '[') return unsupported("a case of format version 1 (function [baseMVA, bus, …] = …): save it as version 2");
    const std::string_view result = word();
    skip_space(false);
    if (result.empty() || peek() != '=') return wrong("expected \"function mpc = NAME\"");
    ++at_;
    skip_space(false);
    struct_ = result;
    name_ = word();
    skip_line();
    return {};
  }

  // [PQ, PV, …] = idx_bus;  The names are known; what is asked for is not looked at.
  Result<void> index_names() {
    while (!at_end() && peek() != ']') advance();
    if (at_end()) return wrong("\"[\" has no \"]\"");
    ++at_;
    skip_space(false);
    if (peek() == '=') {
      ++at_;
      skip_space(false);
      const std::string_view from = word();
      if (from.starts_with("idx_")) return {};
    }
    return unsupported("only \"[…] = idx_bus\" and its kin may assign several names at once");
  }

  Result<void> field() {
    const std::string name(word());
    if (name.empty()) return wrong("a field's name is missing");
    // Fields within fields are nothing that a power flow reads.
    std::string inner = name;
    while (peek() == '.') {
      ++at_;
      inner += '.';
      inner += word();
    }
    skip_space(false);
    if (peek() == '(') return conversion(name);
    if (peek() != '=' || peek(1) == '=') return wrong("expected \"=\"", inner);
    const std::uint64_t line = line_;
    ++at_;
    skip_space(false);
    if (peek() == '[') return matrix(inner, line);
    if (peek() == '{') return cells(inner);
    if (peek() == '\'' || peek() == '"') {
      BONGSU_TRY(const std::string content, quoted());
      if (inner == "version") version_ = content;
      return {};
    }
    BONGSU_TRY(const double value, expression(0, std::nullopt));
    BONGSU_TRY_VOID(end_of_statement());
    if (inner == "baseMVA") base_mva_ = value;
    if (inner == "version") version_ = fmt::format("{}", value);
    return {};
  }

  // Where a row ends, so that a forgotten ";" is told where it is.
  Result<void> matrix(const std::string& name, std::uint64_t line) {
    const bool wanted = name == "bus" || name == "gen" || name == "branch";
    if (wanted && matrices_.contains(name)) return wrong("is given twice", name);
    ++at_;
    Matrix matrix;
    std::vector<double> row;
    std::uint64_t row_line = line_;
    const auto finish_row = [&]() -> Result<void> {
      if (row.empty()) return {};
      if (wanted) {
        if (matrix.rows() == 0) matrix.columns = row.size();
        if (row.size() != matrix.columns)
          return wrong(fmt::format("this row has {} columns, those before it {}", row.size(), matrix.columns), name, row_line);
        const std::size_t limit = name == "branch" ? kMaxBranches : name == "bus" ? kMaxBuses : kMaxGenerators;
        if (matrix.rows() >= limit)
          return fail(ErrorCode::kTooLarge, fmt::format("a case may have {} rows here", limit),
                      {.source = source_, .line = row_line, .field = name});
        matrix.values.insert(matrix.values.end(), row.begin(), row.end());
        matrix.lines.push_back(row_line);
      }
      row.clear();
      return {};
    };
    while (true) {
      skip_space(false);
      const char c = peek();
      if (at_end()) return wrong("\"[\" has no \"]\"", name, line);
      if (c == ']') {
        BONGSU_TRY_VOID(finish_row());
        ++at_;
        break;
      }
      if (c == ';' || c == '\n') {
        BONGSU_TRY_VOID(finish_row());
        advance();
      } else if (c == ',') {
        ++at_;
      } else if (const auto value = number()) {
        if (row.empty()) row_line = line_;
        if (row.size() >= kMaxCaseColumns)
          return fail(ErrorCode::kTooLarge, fmt::format("a row may have {} columns", kMaxCaseColumns),
                      {.source = source_, .line = line_, .field = name});
        row.push_back(*value);
        if (const char next = peek(); is_letter(next) || next == '*' || next == '/' || next == '^')
          return wrong("numbers only: expressions within a matrix are not read", name);
      } else {
        return wrong(fmt::format("\"{}\" is no number", shown(c)), name);
      }
    }
    if (wanted) {
      if (matrix.rows() > 0 || name == "gen") matrices_[name] = std::move(matrix);
      else return wrong("has no row", name, line);
    }
    return {};
  }

  Result<void> cells(const std::string& name) {
    const std::uint64_t line = line_;
    ++at_;
    std::vector<std::string> all;
    for (std::size_t depth = 1; depth > 0;) {
      skip_space(true);
      if (at_end()) return wrong("\"{\" has no \"}\"", name, line);
      const char c = peek();
      if (c == '\'' || c == '"') {
        BONGSU_TRY(std::string content, quoted());
        if (name == "bus_name") all.push_back(std::move(content));
        continue;
      }
      if (c == '{') ++depth;
      if (c == '}') --depth;
      advance();
    }
    if (name == "bus_name") {
      bus_names_ = std::move(all);
      names_line_ = line;
    }
    return {};
  }

  Result<void> end_of_statement() {
    skip_space(false);
    if (at_end() || peek() == ';' || peek() == '\n' || peek() == ',') return {};
    return unsupported(fmt::format("\"{}\" after an expression: only + - * / ^ and parentheses are computed", shown(peek())));
  }

  // -- conversions of units ------------------------------------------------------------------------------------------

  struct Columns {
    Matrix* matrix = nullptr;
    std::vector<std::size_t> columns;  // from 0
    std::size_t row = 0;               // (ROW, COLUMN) when not all
    bool all = true;
  };

  Result<std::size_t> column(const std::string& name) {
    skip_space(false);
    std::size_t at = 0;
    if (is_letter(peek())) {
      const std::string_view given = word();
      const auto& known = column_names().at(name);
      const auto found = known.find(given);
      if (found == known.end()) return wrong(fmt::format("no column of this matrix is called {}", given), name);
      at = found->second;
    } else if (const auto value = number(); value && *value >= 1 && *value <= static_cast<double>(kMaxCaseColumns)) {
      at = static_cast<std::size_t>(*value);
    }
    if (at == 0 || at > matrices_.at(name).columns) return wrong("no such column", name);
    return at - 1;
  }

  // "(:, COLUMN)", "(:, [COLUMN COLUMN])", "(ROW, COLUMN)"
  Result<Columns> columns(const std::string& name) {
    const auto found = matrices_.find(name);
    if (found == matrices_.end()) return wrong("is used before it is given, or is no matrix that is read", name);
    Columns which{.matrix = &found->second};
    ++at_;
    skip_space(false);
    if (peek() == ':') {
      ++at_;
    } else {
      const auto row = number();
      if (!row || !(*row >= 1) || *row > static_cast<double>(which.matrix->rows())) return wrong("no such row", name);
      which.row = static_cast<std::size_t>(*row) - 1;
      which.all = false;
    }
    skip_space(false);
    if (peek() != ',') return wrong("expected \",\"", name);
    ++at_;
    skip_space(false);
    if (peek() == '[') {
      ++at_;
      while (true) {
        skip_space(false);
        if (peek() == ',') ++at_;
        skip_space(false);
        if (peek() == ']') break;
        if (which.columns.size() >= kMaxCaseColumns) return wrong("too many columns", name);
        BONGSU_TRY(const std::size_t one, column(name));
        which.columns.push_back(one);
      }
      ++at_;
    } else {
      BONGSU_TRY(const std::size_t one, column(name));
      which.columns.push_back(one);
    }
    skip_space(false);
    if (peek() != ')') return wrong("expected \")\"", name);
    ++at_;
    return which;
  }

  // mpc.M(:, COLUMNS) = mpc.M(:, COLUMNS) OP …: computed row by row, column by column.
  Result<void> conversion(const std::string& name) {
    if (!column_names().contains(name)) {  // a field that is skipped
      skip_line();
      return {};
    }
    if (++conversions_ > kMaxConversions)
      return fail(ErrorCode::kTooLarge, fmt::format("a case may convert {} times", kMaxConversions),
                  {.source = source_, .line = line_, .field = name});
    BONGSU_TRY(const Columns target, columns(name));
    skip_space(false);
    if (peek() != '=') return wrong("expected \"=\"", name);
    ++at_;
    skip_space(false);
    const std::size_t begin = at_;
    const std::uint64_t line = line_;
    const std::size_t first = target.all ? 0 : target.row, last = target.all ? target.matrix->rows() : target.row + 1;
    // Work is rows × length of the expression: a line is short, rows are limited.
    std::vector<double> results;
    std::size_t after = begin;
    if (first == last) skip_line();
    for (std::size_t row = first; row < last; ++row) {
      for (std::size_t k = 0; k < target.columns.size(); ++k) {
        at_ = begin;
        line_ = line;
        BONGSU_TRY(const double value, expression(0, Place{row, k, target.columns.size()}));
        after = at_;
        if (after - begin > kMaxConversionBytes) return unsupported("an expression this long is not computed");
        results.push_back(value);
      }
    }
    if (first != last) at_ = after;
    std::size_t next = 0;
    for (std::size_t row = first; row < last; ++row)
      for (const std::size_t one : target.columns) target.matrix->at(row, one) = results[next++];
    return end_of_statement();
  }

  // Which element of a column expression is computed now.
  struct Place {
    std::size_t row, column, columns;
  };

  Result<double> expression(std::size_t depth, const std::optional<Place>& place) {
    BONGSU_TRY(double value, product(depth, place));
    while (true) {
      skip_space(false);
      const char c = peek();
      if (c != '+' && c != '-') return value;
      ++at_;
      BONGSU_TRY(const double right, product(depth, place));
      value = c == '+' ? value + right : value - right;
    }
  }
  Result<double> product(std::size_t depth, const std::optional<Place>& place) {
    BONGSU_TRY(double value, power(depth, place));
    while (true) {
      skip_space(false);
      const bool dotted = peek() == '.' && (peek(1) == '*' || peek(1) == '/');
      const char c = dotted ? peek(1) : peek();
      if (c != '*' && c != '/') return value;
      at_ += dotted ? 2 : 1;
      BONGSU_TRY(const double right, power(depth, place));
      value = c == '*' ? value * right : value / right;
    }
  }
  Result<double> power(std::size_t depth, const std::optional<Place>& place) {
    BONGSU_TRY(const double base, term(depth, place));
    skip_space(false);
    if (peek() == '.' && peek(1) == '^') ++at_;
    if (peek() != '^') return base;
    ++at_;
    BONGSU_TRY(const double exponent, term(depth, place));
    return std::pow(base, exponent);
  }
  Result<double> term(std::size_t depth, const std::optional<Place>& place) {
    if (depth >= kMaxExpressionDepth)
      return fail(ErrorCode::kTooLarge, fmt::format("an expression may nest {} deep", kMaxExpressionDepth),
                  {.source = source_, .line = line_});
    skip_space(false);
    if (peek() == '-') {
      ++at_;
      BONGSU_TRY(const double value, power(depth + 1, place));
      return -value;
    }
    if (peek() == '(') {
      ++at_;
      BONGSU_TRY(const double value, expression(depth + 1, place));
      skip_space(false);
      if (peek() != ')') return wrong("\"(\" has no \")\"");
      ++at_;
      return value;
    }
    if (!is_letter(peek())) {
      const auto value = number();
      if (!value) return wrong(at_end() ? "an expression has no end" : fmt::format("\"{}\" is no number", shown(peek())));
      return *value;
    }
    const std::string name(word());
    if (name == struct_ && peek() == '.') return element(place);
    static const std::map<std::string_view, double (*)(double)> functions = {
        {"sqrt", [](double x) { return std::sqrt(x); }}, {"sin", [](double x) { return std::sin(x); }},
        {"cos", [](double x) { return std::cos(x); }},   {"acos", [](double x) { return std::acos(x); }}};
    if (const auto f = functions.find(name); f != functions.end() && peek() == '(') {
      BONGSU_TRY(const double value, term(depth + 1, place));
      return f->second(value);
    }
    if (name == "pi") return std::numbers::pi;
    if (const auto known = scalars_.find(name); known != scalars_.end()) return known->second;
    return unsupported(fmt::format("\"{}\" is not known: only data and conversions of units are read", name));
  }
  // mpc.baseMVA, mpc.bus(1, BASE_KV), mpc.branch(:, BR_R)
  Result<double> element(const std::optional<Place>& place) {
    ++at_;
    const std::string name(word());
    if (name == "baseMVA") {
      if (!base_mva_) return wrong("is used before it is given", name);
      return *base_mva_;
    }
    if (peek() != '(' || !column_names().contains(name)) return unsupported(fmt::format("the field {} in an expression", name));
    BONGSU_TRY(const Columns which, columns(name));
    if (!which.all) {
      if (which.columns.size() != 1) return unsupported("several columns of one row in an expression");
      return which.matrix->at(which.row, which.columns.front());
    }
    if (!place || place->row >= which.matrix->rows()) return unsupported("a whole column where a number is wanted");
    if (which.columns.size() != 1 && which.columns.size() != place->columns)
      return wrong("the two sides have different numbers of columns", name);
    return which.matrix->at(place->row, which.columns.size() == 1 ? which.columns.front() : which.columns[place->column]);
  }

  // -- the network -----------------------------------------------------------------------------------------------

  // A number that computing can use; `field` is for the error.
  Result<double> finite(const Matrix& m, const char* name, std::size_t row, std::size_t column, bool infinite = false) const {
    const double value = m.at(row, column);
    if (std::isfinite(value) || (infinite && !std::isnan(value))) return value;
    return wrong("is not a finite number", fmt::format("{}({}, {})", name, row + 1, column + 1), m.lines[row]);
  }
  Result<std::uint32_t> bus_at(const Matrix& m, const char* name, std::size_t row, std::size_t column) const {
    BONGSU_TRY(const double number, finite(m, name, row, column));
    const auto found = positions_.find(static_cast<std::int64_t>(std::clamp(number, -9e15, 9e15)));
    if (found == positions_.end() || static_cast<double>(found->first) != number)
      return wrong(fmt::format("no bus has the number {}", number), fmt::format("{}({}, {})", name, row + 1, column + 1), m.lines[row]);
    return found->second;
  }
  Result<const Matrix*> wanted(const char* name, std::size_t columns) const {
    const auto found = matrices_.find(name);
    if (found == matrices_.end()) return wrong(fmt::format("mpc.{} is missing", name), name);
    if (found->second.rows() > 0 && found->second.columns < columns)
      return wrong(fmt::format("has {} columns where {} are wanted", found->second.columns, columns), name,
                   found->second.lines.front());
    return &found->second;
  }

  Result<Network> network() {
    if (version_ != "2")
      return unsupported(version_.empty() ? "mpc.version is missing: only version 2 is read"
                                          : fmt::format("format version {}: only version 2 is read", version_));
    if (!base_mva_) return wrong("mpc.baseMVA is missing", "baseMVA");
    if (!(*base_mva_ > 0) || !std::isfinite(*base_mva_)) return wrong("must be above 0", "baseMVA");
    Network out;
    out.name = name_;
    out.base_mva = *base_mva_;
    BONGSU_TRY(const Matrix* bus, wanted("bus", 13));
    BONGSU_TRY(const Matrix* gen, wanted("gen", 10));
    BONGSU_TRY(const Matrix* branch, wanted("branch", 11));
    BONGSU_TRY_VOID(take_buses(*bus, out));
    BONGSU_TRY_VOID(take_generators(*gen, out));
    BONGSU_TRY_VOID(take_branches(*branch, out));
    return out;
  }

  Result<void> take_buses(const Matrix& m, Network& out) {
    if (!bus_names_.empty() && bus_names_.size() != m.rows())
      return wrong(fmt::format("{} names for {} buses", bus_names_.size(), m.rows()), "bus_name", names_line_);
    for (std::size_t row = 0; row < m.rows(); ++row) {
      double v[13];
      for (std::size_t c = 0; c < 13; ++c) {
        BONGSU_TRY(v[c], finite(m, "bus", row, c, c >= 11));
      }
      const auto field = [&](std::size_t column) { return fmt::format("bus({}, {})", row + 1, column); };
      if (v[0] != std::floor(v[0]) || v[0] < 1 || v[0] > 9e15) return wrong("a bus's number is a whole number from 1", field(1), m.lines[row]);
      if (v[1] != 1 && v[1] != 2 && v[1] != 3 && v[1] != 4) return wrong("a bus's type is 1, 2, 3 or 4", field(2), m.lines[row]);
      if (!(v[7] > 0)) return wrong("a voltage must be above 0", field(8), m.lines[row]);
      if (!positions_.emplace(static_cast<std::int64_t>(v[0]), static_cast<std::uint32_t>(row)).second)
        return wrong(fmt::format("bus {} is there twice", v[0]), field(1), m.lines[row]);
      const auto small = [](double x) { return static_cast<int>(std::clamp(x, -1e9, 1e9)); };
      out.buses.push_back({.number = static_cast<std::int64_t>(v[0]), .kind = static_cast<BusKind>(static_cast<int>(v[1])),
                           .load_mw = v[2], .load_mvar = v[3], .shunt_mw = v[4], .shunt_mvar = v[5], .area = small(v[6]),
                           .magnitude_pu = v[7], .angle_deg = v[8], .base_kv = v[9], .zone = small(v[10]), .max_pu = v[11],
                           .min_pu = v[12], .name = bus_names_.empty() ? std::string() : bus_names_[row]});
    }
    return {};
  }

  Result<void> take_generators(const Matrix& m, Network& out) {
    for (std::size_t row = 0; row < m.rows(); ++row) {
      double v[10];
      BONGSU_TRY(const std::uint32_t bus, bus_at(m, "gen", row, 0));
      for (std::size_t c = 1; c < 10; ++c) {
        BONGSU_TRY(v[c], finite(m, "gen", row, c, c == 3 || c == 4 || c == 8 || c == 9));
      }
      if (v[7] > 0 && !(v[5] > 0)) return wrong("a voltage must be above 0", fmt::format("gen({}, 6)", row + 1), m.lines[row]);
      out.generators.push_back({.bus = bus, .p_mw = v[1], .q_mvar = v[2], .q_max_mvar = v[3], .q_min_mvar = v[4], .setpoint_pu = v[5],
                                .base_mva = v[6], .on = v[7] > 0, .p_max_mw = v[8], .p_min_mw = v[9]});
    }
    return {};
  }

  Result<void> take_branches(const Matrix& m, Network& out) {
    for (std::size_t row = 0; row < m.rows(); ++row) {
      double v[11];
      BONGSU_TRY(const std::uint32_t from, bus_at(m, "branch", row, 0));
      BONGSU_TRY(const std::uint32_t to, bus_at(m, "branch", row, 1));
      for (std::size_t c = 2; c < 11; ++c) {
        BONGSU_TRY(v[c], finite(m, "branch", row, c, c >= 5 && c <= 7));
      }
      const auto field = [&](const char* what) { return fmt::format("branch({}, {})", row + 1, what); };
      const bool on = v[10] != 0;
      if (on && from == to) return wrong("a branch from a bus to itself", field("1:2"), m.lines[row]);
      if (on && v[2] == 0 && v[3] == 0) return wrong("resistance and reactance are both 0", field("3:4"), m.lines[row]);
      if (v[8] < 0) return wrong("a ratio is above 0, or 0 for a line", field("9"), m.lines[row]);
      out.branches.push_back({.from = from, .to = to, .r_pu = v[2], .x_pu = v[3], .charging_pu = v[4], .rating_mva = v[5],
                              .rating_short_mva = v[6], .rating_emergency_mva = v[7], .ratio = v[8], .shift_deg = v[9], .on = on});
    }
    return {};
  }

  static constexpr std::size_t kMaxConversionBytes = 512, kMaxConversions = 32;

  std::string_view text_;
  std::string source_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1, names_line_ = 0;
  std::size_t conversions_ = 0;
  std::string struct_ = "mpc", name_, version_;
  std::optional<double> base_mva_;
  std::map<std::string, Matrix> matrices_;
  std::map<std::string, double> scalars_;
  std::vector<std::string> bus_names_;
  std::unordered_map<std::int64_t, std::uint32_t> positions_;
};

std::string number_text(double value) {
  if (std::isinf(value)) return value > 0 ? "Inf" : "-Inf";
  return fmt::format("{}", value);
}

}  // namespace

Result<Network> read_case(std::string_view text, const std::string& source) { return Reader(text, source).read(); }

std::string write_case(const Network& network, std::string_view remarks) {
  std::string out = fmt::format("function mpc = {}\n", network.name.empty() ? "case_bongsu" : network.name);
  while (!remarks.empty()) {
    const std::size_t end = std::min(remarks.find('\n'), remarks.size());
    out += fmt::format("% {}\n", remarks.substr(0, end));
    remarks.remove_prefix(std::min(end + 1, remarks.size()));
  }
  out += fmt::format("mpc.version = '2';\nmpc.baseMVA = {};\n\n", network.base_mva);
  const auto row = [&out](std::initializer_list<double> values) {
    for (const double value : values) {
      out += '\t';
      out += number_text(value);
    }
    out += ";\n";
  };
  out += "%	bus_i	type	Pd	Qd	Gs	Bs	area	Vm	Va	baseKV	zone	Vmax	Vmin\nmpc.bus = [\n";
  for (const Bus& b : network.buses)
    row({static_cast<double>(b.number), static_cast<double>(b.kind), b.load_mw, b.load_mvar, b.shunt_mw, b.shunt_mvar,
         static_cast<double>(b.area), b.magnitude_pu, b.angle_deg, b.base_kv, static_cast<double>(b.zone), b.max_pu, b.min_pu});
  out += "];\n\n%	bus	Pg	Qg	Qmax	Qmin	Vg	mBase	status	Pmax	Pmin\nmpc.gen = [\n";
  for (const Generator& g : network.generators)
    row({static_cast<double>(network.buses[g.bus].number), g.p_mw, g.q_mvar, g.q_max_mvar, g.q_min_mvar, g.setpoint_pu, g.base_mva,
         g.on ? 1.0 : 0.0, g.p_max_mw, g.p_min_mw});
  out += "];\n\n%	fbus	tbus	r	x	b	rateA	rateB	rateC	ratio	angle	status	angmin	angmax\nmpc.branch = [\n";
  for (const Branch& b : network.branches)
    row({static_cast<double>(network.buses[b.from].number), static_cast<double>(network.buses[b.to].number), b.r_pu, b.x_pu,
         b.charging_pu, b.rating_mva, b.rating_short_mva, b.rating_emergency_mva, b.ratio, b.shift_deg, b.on ? 1.0 : 0.0, -360, 360});
  out += "];\n";
  if (std::ranges::any_of(network.buses, [](const Bus& b) { return !b.name.empty(); })) {
    out += "\nmpc.bus_name = {\n";
    for (const Bus& b : network.buses) {
      std::string name;
      for (const char c : b.name) {
        if (c == '\'') name += '\'';
        name += c == '\n' || c == '\r' ? ' ' : c;
      }
      out += fmt::format("\t'{}';\n", name);
    }
    out += "};\n";
  }
  return out;
}

}  // namespace bongsu::exercise::power
