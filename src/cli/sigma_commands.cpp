#include "cli/sigma_commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "base/json.h"
#include "cli/terminal.h"
#include "detect/sigma/sequencer.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"
#include "telemetry/field_map_document.h"
#include "telemetry/inputs.h"

namespace bongsu::cli {
namespace {

using namespace detect::sigma;

constexpr std::size_t kShownGroups = 20;  // lines of a list in a summary

// No control characters of a file on the terminal.
std::string clipped(std::string_view text, std::size_t width = 400) {
  std::string out;
  for (const char c : text) {
    if (out.size() >= width) return out + "…";
    const auto u = static_cast<unsigned char>(c);
    out += u < 32 || u == 127 ? '.' : c;
  }
  return out;
}

// "rule.yml:12:7: detection.selection: the reason"
std::string line_of(const Error& error) {
  std::string out = error.where.source;
  if (error.where.line > 0) out += fmt::format(":{}", error.where.line);
  if (error.where.has_offset) out += fmt::format(":{}", error.where.offset + 1);
  if (!error.where.field.empty()) out += (out.empty() ? "" : ": ") + error.where.field;
  return clipped(out + (out.empty() ? "" : ": ") + error.message, 1000);
}

Json json_of(const Error& error, std::string_view status) {
  JsonObject out;
  out["status"] = status;
  out["file"] = error.where.source;
  if (error.where.line > 0) out["line"] = error.where.line;
  if (error.where.has_offset) out["column"] = error.where.offset + 1;
  if (!error.where.field.empty()) out["field"] = error.where.field;
  out["reason"] = error.message;
  return out;
}

struct Loaded {
  SigmaSetPtr set;
  telemetry::FieldMapPtr map;
  SigmaReport report;
  double seconds = 0;
};

Result<Loaded> load(const SigmaOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  Collection collection;
  for (const std::string& path : options.pipelines) {
    BONGSU_TRY(const std::string text, telemetry::read_whole(path, formats::kMaxYamlBytes));
    BONGSU_TRY(Pipeline pipeline, Pipeline::read(text, path));
    collection.add_pipeline(std::move(pipeline));
  }
  BONGSU_TRY(const telemetry::FieldMapPtr base, telemetry::read_maps(options.maps));
  for (const std::string& path : options.rules) BONGSU_TRY_VOID(collection.load(path));
  Loaded out;
  telemetry::FieldMapBuilder builder(*base);
  BONGSU_TRY(out.set, SigmaSet::compile(std::move(collection).finish(), *base, builder, out.report));
  BONGSU_TRY(out.map, builder.build());
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return out;
}

int trouble(std::FILE* err, std::string_view command, const Error& error) {
  fmt::print(err, "bongsu sigma {}: {}\n", command, line_of(error));
  return kExitTrouble;
}

// Reasons that many rules share, the most frequent first.
void print_counts(std::FILE* err, std::string_view what, const std::vector<Error>& errors) {
  if (errors.empty()) return;
  std::map<std::string, std::size_t> counts;
  for (const Error& error : errors) ++counts[error.message];
  std::vector<std::pair<std::string, std::size_t>> sorted(counts.begin(), counts.end());
  std::ranges::sort(sorted, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  fmt::print(err, "  {}: {}\n", what, errors.size());
  for (std::size_t i = 0; i < std::min(kShownGroups, sorted.size()); ++i)
    fmt::print(err, "    {:>6}  {}\n", sorted[i].second, clipped(sorted[i].first));
  if (sorted.size() > kShownGroups) fmt::print(err, "    … and {} more\n", sorted.size() - kShownGroups);
}

Json json_of(const EventPlace& place) {
  JsonObject out;
  out["source"] = *place.source;
  out["line"] = place.line;
  out["offset"] = place.offset;
  return out;
}

Json json_of(const SigmaSet& set, const SigmaHit& hit, bool timed) {
  const Header& header = hit.correlation ? static_cast<const Header&>(set.correlations()[hit.index].correlation)
                                         : static_cast<const Header&>(set.rules()[hit.index]);
  JsonObject out;
  out["rule"] = header.reference();
  out["title"] = header.title;
  if (header.level != Level::kNone) out["level"] = to_string(header.level);
  if (const auto techniques = header.techniques(); !techniques.empty()) {
    JsonArray list;
    for (const std::string& technique : techniques) list.emplace_back(technique);
    out["techniques"] = std::move(list);
  }
  out["file"] = header.source;
  out["event"] = json_of(hit.at);
  if (timed) out["time"] = hit.at.time.text(3);
  if (!hit.events.empty()) {
    JsonArray list;
    for (const EventPlace& place : hit.events) list.push_back(json_of(place));
    out["events"] = std::move(list);
  }
  if (!hit.group.empty()) {
    JsonObject group;
    for (const auto& [field, value] : hit.group) group[field] = value;
    out["group"] = std::move(group);
  }
  return out;
}

}  // namespace

int run_sigma_check(const SigmaOptions& options, std::FILE* out, std::FILE* err) {
  if (options.rules.empty())
    return trouble(err, "check", {ErrorCode::kInvalid, "name files or directories of rules", {}});
  const auto loaded = load(options);
  if (!loaded) return trouble(err, "check", loaded.error());
  const SigmaReport& report = loaded->report;
  if (report.files == 0)
    return trouble(err, "check", {ErrorCode::kNotFound, "there is no .yml or .yaml file there", {}});
  std::string text;
  const auto list = [&](const std::vector<Error>& errors, std::string_view status, bool always) {
    for (const Error& error : errors) {
      if (options.json) {
        text += to_text(json_of(error, status)) + "\n";
      } else if (always) {
        text += (status == "refused" ? "" : std::string(status) + ": ") + line_of(error) + "\n";
      }
    }
  };
  list(report.errors, "refused", true);
  list(report.waiting, "waiting", true);
  list(report.unmapped, "unmapped", false);
  if (options.json) {
    JsonObject summary;
    summary["status"] = "summary";
    summary["files"] = report.files;
    summary["rules"] = report.rules;
    summary["correlations"] = report.correlations;
    summary["filters"] = report.filters;
    summary["refused"] = report.errors.size();
    summary["waiting"] = report.waiting.size();
    summary["unmapped"] = report.unmapped.size();
    text += to_text(summary) + "\n";
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0;
  if (!options.quiet && !options.json) {
    fmt::print(err, "Sigma: {} rules, {} correlations, {} filters in {} files, ready in {:.2f} s\n", report.rules,
               report.correlations, report.filters, report.files, loaded->seconds);
    if (!report.errors.empty()) fmt::print(err, "  refused: {}\n", report.errors.size());
    if (!report.waiting.empty()) fmt::print(err, "  waiting for values of placeholders: {}\n", report.waiting.size());
    print_counts(err, "log source not declared by a map", report.unmapped);
  }
  if (!written) return trouble(err, "check", {ErrorCode::kIo, "the report could not be written", {}});
  return report.errors.empty() ? kExitOk : kExitNo;
}

int run_sigma_eval(const SigmaOptions& options, std::FILE* out, std::FILE* err) {
  if (options.rules.empty() || options.events.empty())
    return trouble(err, "eval", {ErrorCode::kInvalid, "name a file of rules and a file of events", {}});
  const auto loaded = load(options);
  if (!loaded) return trouble(err, "eval", loaded.error());
  bool failed = false;
  for (const auto* errors : {&loaded->report.errors, &loaded->report.waiting})
    for (const Error& error : *errors) {
      trouble(err, "eval", error);
      failed = true;
    }
  if (loaded->report.rules + loaded->report.correlations == 0)
    return trouble(err, "eval", {ErrorCode::kInvalid, "there is no rule to evaluate", {}});

  const SigmaSet& set = *loaded->set;
  SigmaMatcher matcher;
  if (auto used = matcher.use(loaded->set); !used) return trouble(err, "eval", used.error());
  SigmaSequencer sequencer(loaded->set);
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad, loaded->map);
  std::vector<SigmaMatch> matches;
  std::vector<SigmaHit> hits;
  std::uint64_t found = 0;
  Instant last_time{};
  bool timed = false, broken = false;
  const bool table = !options.json && is_terminal(out);
  const auto write = [&] {
    std::string text;
    for (const SigmaHit& hit : hits) {
      ++found;
      if (table) {
        const Header& header = hit.correlation ? static_cast<const Header&>(set.correlations()[hit.index].correlation)
                                               : static_cast<const Header&>(set.rules()[hit.index]);
        std::string group;
        for (const auto& [field, value] : hit.group) group += fmt::format("  {}={}", field, value);
        text += clipped(fmt::format("{:<20}  {:<13}  {:<60}  {}:{}{}", timed ? hit.at.time.text(0) : "-",
                                      to_string(header.level), header.title, *hit.at.source, hit.at.line, group)) +
                "\n";
      } else {
        text += to_text(json_of(set, hit, timed)) + "\n";
      }
    }
    hits.clear();
    broken = broken || std::fwrite(text.data(), 1, text.size(), out) != text.size();
  };

  const telemetry::Inputs inputs = telemetry::find_inputs(options.events);
  for (const Error& error : inputs.errors) {
    trouble(err, "eval", error);
    failed = true;
  }
  for (const std::string& path : inputs.files) {
    auto source = telemetry::open_source(path);
    if (!source) {
      trouble(err, "eval", source.error());
      failed = true;
      continue;
    }
    telemetry::BatchReader reader(std::move(*source), path, bad);
    while (!broken) {
      auto batch = reader.next();
      if (!batch) {
        trouble(err, "eval", batch.error());
        failed = true;
        break;
      }
      if (!*batch) break;
      parser.start(**batch);
      while (const auto* event = parser.next()) {
        matcher.match(*event, matches);
        // An event without a time is taken to be as old as the one before it.
        if (!matches.empty() || !set.correlations().empty()) {
          if (const auto time = event->time()) {
            last_time = *time;
            timed = true;
          }
          sequencer.take(matches, {(**batch).source, event->offset, event->line, last_time}, hits);
        }
      }
      write();
    }
  }
  sequencer.finish(hits);
  write();
  if (std::fflush(out) != 0 || broken) {
    trouble(err, "eval", {ErrorCode::kIo, "the hits could not be written", {}});
    failed = true;
  }
  if (!options.quiet) {
    fmt::print(err, "{} hits of {} rules and {} correlations in {} events\n", found, loaded->report.rules,
               loaded->report.correlations, parser.events());
    if (parser.events() > 0 && matcher.counters().of_sources == 0)
      fmt::print(err,
                 "  no event belongs to the log source of a rule: see `logsource` there, and the maps of fields\n");
    if (bad.count() > 0) {
      fmt::print(err, "  bad lines, not looked at: {}\n", bad.count());
      for (std::size_t i = 0; i < std::min<std::size_t>(3, bad.first().size()); ++i)
        fmt::print(err, "    {}\n", clipped(bad.first()[i].text(), 300));
    }
    const auto& counters = sequencer.counters();
    if (counters.without_group + counters.without_value + counters.late + counters.forgotten > 0)
      fmt::print(err,
                 "  left out by correlations: {} without a field to group by, {} without a value, {} late, {} for lack "
                 "of room\n",
                 counters.without_group, counters.without_value, counters.late, counters.forgotten);
  }
  if (failed) return kExitTrouble;
  return found > 0 ? kExitOk : kExitNo;
}

}  // namespace bongsu::cli
