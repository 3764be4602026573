#include "cli/pattern_commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "cli/terminal.h"
#include "detect/pattern/pattern_set.h"
#include "stix/pattern.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kShownBytes = 160;  // of a long pattern, around the place

void write_line(std::FILE* to, const JsonObject& object) { fmt::print(to, "{}\n", to_text(Json(object))); }

struct PatternText {
  std::string text;
  std::size_t skipped = 0;  // octets of the file before it: a mark of byte order
};

Result<PatternText> pattern_text(const std::string& argument) {
  if (argument != "-" && !argument.starts_with('@')) return PatternText{argument, 0};
  BONGSU_TRY(std::string text,
             telemetry::read_whole(argument == "-" ? argument : argument.substr(1), stix::kMaxPatternBytes));
  if (!text.starts_with("\xef\xbb\xbf")) return PatternText{std::move(text), 0};
  return PatternText{text.substr(3), 3};
}

// Characters of UTF-8 up to the offset: how far the caret stands to the right.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// The line of the pattern that the offset is in, cut to what fits, and a caret below.
std::string marked(std::string_view pattern, std::size_t offset) {
  offset = std::min(offset, pattern.size());
  std::size_t begin = pattern.rfind('\n', offset == 0 ? 0 : offset - 1);
  begin = begin == pattern.npos || offset == 0 ? 0 : begin + 1;
  std::size_t end = std::min(pattern.find('\n', offset), pattern.size());
  const auto is_inside = [&](std::size_t at) {
    return at < pattern.size() && (static_cast<unsigned char>(pattern[at]) & 0xc0) == 0x80;
  };
  if (offset - begin > kShownBytes / 2) begin = offset - kShownBytes / 2;
  while (is_inside(begin)) ++begin;
  if (end - begin > kShownBytes) end = begin + kShownBytes;
  while (end > offset && is_inside(end)) --end;
  std::string line;
  for (const char c : pattern.substr(begin, end - begin))
    line += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
  return fmt::format("  {}\n  {}^", line, std::string(columns(pattern.substr(begin, offset - begin)), ' '));
}

int refuse(const PatternText& pattern, const Error& error, bool json, std::FILE* out, std::FILE* err) {
  const auto before = std::string_view(pattern.text).substr(0, error.where.offset);
  const std::size_t line_begin = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t character = columns(before) + 1, column = columns(before.substr(line_begin)) + 1;
  if (json) {
    JsonObject object{{"kind", "error"}, {"error", to_string(error.code)}, {"message", error.message}};
    if (error.where.has_offset) {
      object["offset"] = error.where.offset + pattern.skipped;  // in octets
      object["character"] = character;
      object["line"] = line;
      object["column"] = column;
    }
    write_line(out, object);
  } else if (error.where.has_offset) {
    const bool lines = std::string_view(pattern.text).substr(0, pattern.text.find_last_not_of('\n') + 1).contains('\n');
    fmt::print(err, "bongsu: the pattern is bad at character {}{}: {}\n{}\n", character,
               lines ? fmt::format(" (line {}, column {})", line, column) : "", error.message,
               marked(pattern.text, error.where.offset));
  } else {
    fmt::print(err, "bongsu: {}\n", error.text());
  }
  return kExitTrouble;
}

// What is wrong and where, as far as that is known.
JsonObject described(const Error& error) {
  JsonObject object{{"message", error.message}};
  if (!error.where.source.empty()) object["file"] = error.where.source;
  if (error.where.line != 0) object["line"] = error.where.line;
  if (!error.where.field.empty()) object["field"] = error.where.field;
  if (error.where.has_offset) object["offset"] = error.where.offset;
  return object;
}

int trouble(const Error& error, bool json, std::FILE* out, std::FILE* err) {
  if (json) {
    JsonObject object = described(error);
    object["kind"] = "trouble";
    write_line(out, object);
  } else {
    fmt::print(err, "bongsu: {}\n", error.text());
  }
  return kExitTrouble;
}

// Good in grammar, and its regular expressions compile.
Result<stix::Pattern> checked(const std::string& text) {
  BONGSU_TRY(stix::Pattern pattern, stix::parse_pattern(text));
  detect::PatternSet::Builder builder;
  BONGSU_TRY_VOID(builder.add(0, pattern));
  return pattern;
}

}  // namespace

int run_pattern_check(const PatternCheckOptions& options, std::FILE* out, std::FILE* err) {
  const auto text = pattern_text(options.pattern);
  if (!text) return trouble(text.error(), options.json, out, err);
  if (const auto pattern = checked(text->text); !pattern) return refuse(*text, pattern.error(), options.json, out, err);
  if (options.json) write_line(out, {{"kind", "good"}});
  return kExitOk;
}

int run_pattern_eval(const PatternEvalOptions& options, std::FILE* out, std::FILE* err) {
  const auto text = pattern_text(options.pattern);
  if (!text) return trouble(text.error(), options.json, out, err);
  const auto pattern = checked(text->text);
  if (!pattern) return refuse(*text, pattern.error(), options.json, out, err);

  std::vector<std::string> files = options.files;
  if (files.empty()) files.emplace_back("-");
  std::vector<detect::Observation> observations;
  std::vector<Error> bad;
  std::uint64_t unsaid = 0, missing = 0;
  for (const std::string& file : files) {
    const std::string name = file == "-" ? "(standard input)" : file;
    auto data = [&]() -> Result<detect::ObservedData> {
      BONGSU_TRY(const std::string content, telemetry::read_whole(file, detect::kMaxObservedDataBytes));
      return detect::read_observed_data(content, name);
    }();
    if (!data) {
      bad.push_back(data.error());
      if (bad.back().where.source.empty()) bad.back().where.source = name;
      continue;
    }
    bad.insert(bad.end(), data->bad.begin(), data->bad.end());
    unsaid += data->bad_count - data->bad.size();
    missing += data->missing_references;
    std::ranges::move(data->observations, std::back_inserter(observations));
  }
  if (!options.json) {
    for (const Error& error : bad) fmt::print(err, "bongsu: {}\n", error.text());
    if (unsaid > 0) fmt::print(err, "bongsu: {} more that could not be read\n", unsaid);
  }
  if (!options.quiet) {
    if (missing > 0)
      fmt::print(err, "bongsu: warning: {} object_refs name no object of the input; what they mean is not looked at\n",
                 missing);
    if (observations.empty() && bad.empty())
      fmt::print(err, "bongsu: warning: there is no observed data in the input\n");
  }

  const auto bound = detect::evaluate(*pattern, observations);
  if (!bound) return trouble(bound.error(), options.json, out, err);
  const bool match = !bound->empty();
  if (options.json) {
    // One object, whatever happens.
    JsonObject object;
    if (!match && !bad.empty()) object = described(bad.front());
    object["kind"] = match ? "match" : bad.empty() ? "no match" : "trouble";
    object["observations"] = observations.size();
    JsonArray ids;
    for (const std::size_t i : *bound) ids.emplace_back(observations[i].id);
    object["observed_data"] = std::move(ids);
    if (missing > 0) object["missing_references"] = missing;
    if (!bad.empty()) {
      JsonArray all;
      for (const Error& error : bad) all.emplace_back(described(error));
      object["bad"] = std::move(all);
      object["bad_count"] = bad.size() + unsaid;
    }
    write_line(out, object);
  } else if (!options.quiet) {
    for (const std::size_t i : *bound) {
      const detect::Observation& o = observations[i];
      fmt::print(out, "{} {}\n", o.first_observed.text(), o.id.empty() ? fmt::format("observation {}", i + 1) : o.id);
    }
  }
  if (match) return kExitOk;
  return bad.empty() ? kExitNo : kExitTrouble;
}

}  // namespace bongsu::cli
