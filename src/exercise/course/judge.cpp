#include "exercise/course/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"
#include "exercise/csv_table.h"

namespace bongsu::exercise::course {
namespace {

constexpr std::size_t kMaxFieldBytes = 4096;

Verdict wrong(std::string said) { return {false, std::move(said)}; }

// Blanks folded, case left.
std::string folded(std::string_view text) {
  std::string out;
  for (const char c : trim(text)) {
    const bool blank = static_cast<unsigned char>(c) <= ' ';
    if (blank && !out.empty() && out.back() == ' ') continue;
    out += blank ? ' ' : c;
  }
  return out;
}

std::vector<std::string> items_of(std::string_view text) {
  std::vector<std::string> out;
  while (true) {
    const auto end = std::min(text.find_first_of(",\n"), text.size());
    if (std::string item = lowered(folded(text.substr(0, end))); !item.empty()) out.push_back(std::move(item));
    if (end == text.size()) return out;
    text.remove_prefix(end + 1);
  }
}

std::string digits_of(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '0' && i + 1 < text.size() && lower(text[i + 1]) == 'x')
      ++i;
    else if (static_cast<unsigned char>(text[i]) > ' ' && text[i] != ':')
      out += lower(text[i]);
  }
  return out;
}

// A time as people write it: also "2027-01-19 07:00:00", and without a zone as UTC.
std::optional<Instant> time_of(std::string_view text) {
  std::string whole(text);
  if (whole.size() > 10 && whole[10] == ' ') whole[10] = 'T';
  if (const auto instant = Instant::parse(whole)) return instant;
  return Instant::parse(whole + "Z");
}

Result<bool> same(const AnswerField& field, const std::string& is, const std::string& within, std::string_view given) {
  given = trim(given);
  const auto fault = [&](std::string_view what) {
    return fail(ErrorCode::kInvalid, fmt::format("answer {}: \"{}\" is no {}", field.name, is, what));
  };
  switch (field.as) {
    case As::kText:
      return lowered(folded(given)) == lowered(folded(is));
    case As::kExact:
      return given == trim(is);
    case As::kHex:
      return digits_of(given) == digits_of(is);
    case As::kList:
      return items_of(given) == items_of(is);
    case As::kSet: {
      const auto a = items_of(given), b = items_of(is);
      return std::set(a.begin(), a.end()) == std::set(b.begin(), b.end());
    }
    case As::kNumber: {
      const auto expected = finite_number(is), tolerance = finite_number(within.empty() ? "0" : within),
                 value = finite_number(given);
      if (!expected) return fault("number");
      if (!tolerance) return fault("number with a tolerance");
      return value && std::abs(*value - *expected) <= *tolerance + 1e-9;
    }
    case As::kTime: {
      const auto expected = Instant::parse(is), value = time_of(given);
      const auto tolerance = within.empty() ? std::optional(Duration(0)) : scenario::parse_duration(within);
      if (!expected) return fault("time");
      if (!tolerance) return fault("time with a tolerance");
      if (!value) return false;
      const auto difference = *value - *expected;
      return std::chrono::abs(difference) <= std::chrono::nanoseconds(*tolerance);
    }
  }
  return false;
}

// "name = value", divided by semicolons or lines; one field needs no name.
std::map<std::string, std::string> fields_of(std::string_view answer, bool single, const std::string& name) {
  std::map<std::string, std::string> out;
  if (single) {
    std::string_view rest = trim(answer);
    const auto equals = rest.find('=');
    if (equals != rest.npos && lowered(trim(rest.substr(0, equals))) == lowered(name)) rest.remove_prefix(equals + 1);
    out[lowered(name)] = std::string(trim(rest));
    return out;
  }
  while (!answer.empty()) {
    const auto end = std::min(answer.find_first_of(";\n"), answer.size());
    const std::string_view part = answer.substr(0, end);
    const auto equals = part.find('=');
    if (equals != part.npos) out[lowered(trim(part.substr(0, equals)))] = std::string(trim(part.substr(equals + 1)));
    answer.remove_prefix(std::min(end + 1, answer.size()));
  }
  return out;
}

}  // namespace

Result<Verdict> judge_answer(const std::vector<AnswerField>& fields, const Judged& j) {
  const auto given = fields_of(j.answer, fields.size() == 1, fields.front().name);
  std::vector<std::string> missing, off;
  for (const AnswerField& field : fields) {
    BONGSU_TRY(const std::string is, j.values.fill(field.is));
    BONGSU_TRY(const std::string within, j.values.fill(field.within));
    const auto found = given.find(lowered(field.name));
    if (found == given.end() || found->second.empty()) {
      missing.push_back(field.name);
    } else if (found->second.size() > kMaxFieldBytes) {
      off.push_back(field.name);
    } else {
      BONGSU_TRY(const bool right, same(field, is, within, found->second));
      if (!right) off.push_back(field.name);
    }
  }
  if (missing.empty() && off.empty()) return Verdict{true, "That is right."};
  if (fields.size() == 1) return wrong(missing.empty() ? "That is not it." : "There is no answer.");
  std::string said = fmt::format("{} of {} are right.", fields.size() - missing.size() - off.size(), fields.size());
  if (!off.empty()) said += fmt::format(" Not right: {}.", fmt::join(off, ", "));
  if (!missing.empty())
    said +=
        fmt::format(" Missing: {} (write: {} = …; {} = …).", fmt::join(missing, ", "), fields[0].name, fields[1].name);
  return wrong(std::move(said));
}

Result<Verdict> judge_table(const TableCheck& check, const Judged& j) {
  BONGSU_TRY(const std::string rows_text, j.values.fill(check.rows));
  std::vector<std::string> columns;
  const std::string_view head = std::string_view(rows_text).substr(0, rows_text.find('\n'));
  for (std::string_view rest = head; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    columns.emplace_back(trim(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const std::vector<std::string_view> names(columns.begin(), columns.end());
  const CsvRules rules{.columns = names, .required = names, .max_bytes = kMaxAnswerBytes};
  BONGSU_TRY(const CsvTable expected, CsvTable::read(rows_text, "rows", rules));
  const auto given = CsvTable::read(j.answer, "your table", rules);
  if (!given) return wrong(given.error().text());
  const auto by_key = [&](const CsvTable& table) {
    std::map<std::string, const CsvRow*> out;
    for (const CsvRow& row : table.rows()) out[lowered(folded(row.text(check.key)))] = &row;
    return out;
  };
  const auto want = by_key(expected), have = by_key(*given);
  if (have.size() != given->rows().size()) return wrong(fmt::format("A {} stands in the table twice.", check.key));
  std::size_t good = 0, extra = 0;
  std::set<std::string> off;
  for (const auto& [key, row] : have) {
    const auto other = want.find(key);
    if (other == want.end()) {
      ++extra;
      continue;
    }
    bool all = true;
    for (const std::string& column : columns) {
      const std::string a = lowered(folded(row->text(column))), b = lowered(folded(other->second->text(column)));
      const auto x = finite_number(a), y = finite_number(b);
      if (x && y ? std::abs(*x - *y) <= check.within + 1e-9 : a == b) continue;
      all = false;
      off.insert(column);
    }
    good += all ? 1 : 0;
  }
  if (good == want.size() && extra == 0) return Verdict{true, fmt::format("All {} rows are right.", good)};
  std::string said = fmt::format("{} of {} rows are right.", good, want.size());
  if (extra > 0) said += fmt::format(" {} rows do not belong there.", extra);
  if (want.size() > have.size() - extra)
    said += fmt::format(" {} rows are missing.", want.size() - (have.size() - extra));
  if (!off.empty()) said += fmt::format(" There are wrong cells in: {}.", fmt::join(off, ", "));
  return wrong(std::move(said));
}

namespace {

struct Detection {
  bool right = false;
  std::string said;
};
Detection compared(const DetectCheck& check, const MadeFile& file, const std::vector<std::uint64_t>& hits) {
  const auto marked = file.marked.find(check.mark);
  const std::vector<std::uint64_t> none;
  const auto& lines = marked == file.marked.end() ? none : marked->second;
  std::size_t found = 0;
  std::vector<std::uint64_t> others;
  for (const std::uint64_t hit : hits)
    if (std::ranges::binary_search(lines, hit))
      ++found;
    else
      others.push_back(hit);
  const bool enough = check.any ? found > 0 : found == lines.size();
  std::string said = fmt::format("{} of {} lines that matter are hit", found, lines.size());
  if (!others.empty())
    said += fmt::format(", and {} others; the first of them is line {} of {}", others.size(), others[0], file.name);
  return {enough && others.empty() && !lines.empty(), said + "."};
}

}  // namespace

Result<Verdict> judge_detection(const DetectCheck& check, std::span<const std::string> patterns, const Judged& j) {
  const auto run = [&](const Values& values, MadeFile& file) -> Result<Result<std::vector<std::uint64_t>>> {
    BONGSU_TRY(file, make_file(j.task, check.file, values));
    return patterns.empty() ? j.engines.sigma(j.answer, file.bytes) : j.engines.patterns(patterns, file.bytes);
  };
  MadeFile file;
  BONGSU_TRY(const auto hits, run(j.values, file));
  if (!hits) return wrong(hits.error().text());
  Detection own = compared(check, file, *hits);
  if (!own.right) return wrong(std::move(own.said));
  if (check.again) {
    Seat other = j.seat;
    other.learner += "\nsomebody else";
    BONGSU_TRY(const Values values, Values::draw(j.task, other));
    BONGSU_TRY(const auto more, run(values, file));
    if (!more) return wrong(more.error().text());
    if (const Detection theirs = compared(check, file, *more); !theirs.right)
      return wrong("It does on your file. On the same attack with other addresses, names and times it does not: " +
                   theirs.said);
  }
  return Verdict{true, own.said};
}

Result<Verdict> judge(const Task& task, const Seat& seat, std::string_view answer, const Sources& sources,
                      const Engines& engines) {
  if (answer.size() > kMaxAnswerBytes) return wrong(fmt::format("An answer has {} bytes at most.", kMaxAnswerBytes));
  BONGSU_TRY(const Values values, Values::draw(task, seat));
  const Judged j{task, seat, values, answer, sources, engines};
  const Check& check = task.check;
  if (!check.answer.empty()) return judge_answer(check.answer, j);
  if (check.table) return judge_table(*check.table, j);
  if (check.sigma) return judge_detection(*check.sigma, {}, j);
  if (check.pattern) {
    const std::string pattern(trim(answer));
    if (pattern.empty()) return wrong("There is no pattern.");
    return judge_detection(*check.pattern, std::span(&pattern, 1), j);
  }
  if (check.bundle) return judge_bundle(*check.bundle, j);
  if (check.agreement) return judge_agreement(*check.agreement, j);
  if (check.orders) return judge_orders(*check.orders, j);
  if (check.session) return judge_session(*check.session, j);
  return fail(ErrorCode::kInternal, "the task has no check");
}

}  // namespace bongsu::exercise::course
