#include "cli/pattern_commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "detect/pattern/pattern_set.h"
#include "stix/pattern.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kShownBytes = 160;  // of a long pattern, around the place

void write_line(std::FILE* to, const JsonObject& object) { fmt::print(to, "{}\n", to_text(Json(object))); }

Result<std::string> pattern_text(const std::string& argument) {
  if (argument != "-" && !argument.starts_with('@')) return argument;
  BONGSU_TRY(const std::string text, telemetry::read_whole(argument == "-" ? argument : argument.substr(1), stix::kMaxPatternBytes));
  return std::string(trim(text));
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

int refuse(const std::string& pattern, const Error& error, bool json, std::FILE* out, std::FILE* err) {
  if (json) {
    JsonObject object{{"kind", "error"}, {"error", to_string(error.code)}, {"message", error.message}};
    if (error.where.has_offset) object["offset"] = error.where.offset;
    write_line(out, object);
  } else if (error.where.has_offset) {
    fmt::print(err, "bongsu: the pattern is bad at character {}: {}\n{}\n",
               columns(std::string_view(pattern).substr(0, error.where.offset)) + 1, error.message,
               marked(pattern, error.where.offset));
  } else {
    fmt::print(err, "bongsu: {}\n", error.text());
  }
  return kExitTrouble;
}

int trouble(const Error& error, bool json, std::FILE* out, std::FILE* err) {
  if (json) {
    write_line(out, {{"kind", "trouble"},
                     {"file", error.where.source},
                     {"line", error.where.line},
                     {"field", error.where.field},
                     {"message", error.message}});
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
  if (const auto pattern = checked(*text); !pattern) return refuse(*text, pattern.error(), options.json, out, err);
  if (options.json) write_line(out, {{"kind", "good"}});
  return kExitOk;
}

int run_pattern_eval(const PatternEvalOptions& options, std::FILE* out, std::FILE* err) {
  const auto text = pattern_text(options.pattern);
  if (!text) return trouble(text.error(), options.json, out, err);
  const auto pattern = checked(*text);
  if (!pattern) return refuse(*text, pattern.error(), options.json, out, err);

  std::vector<std::string> files = options.files;
  if (files.empty()) files.emplace_back("-");
  std::vector<detect::Observation> observations;
  bool bad = false;
  for (const std::string& file : files) {
    const auto content = telemetry::read_whole(file, detect::kMaxObservedDataBytes);
    if (!content) {
      bad = true;
      trouble(content.error(), options.json, out, err);
      continue;
    }
    auto data = detect::read_observed_data(*content, file == "-" ? "(standard input)" : file);
    if (!data) {
      bad = true;
      trouble(data.error(), options.json, out, err);
      continue;
    }
    bad = bad || data->bad_count > 0;
    for (const Error& error : data->bad) trouble(error, options.json, out, err);
    if (data->bad_count > data->bad.size())
      fmt::print(err, "bongsu: {}: {} more that could not be read\n", file, data->bad_count - data->bad.size());
    std::ranges::move(data->observations, std::back_inserter(observations));
  }

  const auto bound = detect::evaluate(*pattern, observations);
  if (!bound) return trouble(bound.error(), options.json, out, err);
  const bool match = !bound->empty();
  if (options.json) {
    JsonArray ids;
    for (const std::size_t i : *bound) ids.emplace_back(observations[i].id);
    write_line(out, {{"kind", match ? "match" : "no match"},
                     {"observations", observations.size()},
                     {"observed_data", std::move(ids)}});
  } else if (!options.quiet) {
    for (const std::size_t i : *bound) {
      const detect::Observation& o = observations[i];
      fmt::print(out, "{} {}\n", o.first_observed.text(), o.id.empty() ? fmt::format("observation {}", i + 1) : o.id);
    }
  }
  if (match) return kExitOk;
  return bad ? kExitTrouble : kExitNo;
}

}  // namespace bongsu::cli
