#include "cli/course_engines.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "detect/pattern/event_matcher.h"
#include "detect/pattern/pattern_sequencer.h"
#include "detect/sigma/collection.h"
#include "detect/sigma/sequencer.h"
#include "telemetry/batch_reader.h"
#include "telemetry/field_map_document.h"

namespace bongsu::cli {
namespace {

using namespace detect;

using Source = std::shared_ptr<const std::string>;
using Take = std::function<void(const telemetry::EventView& event, const Source& source, const Instant& time)>;

// Every event of the log in order. An event without a time is taken to be as old as the one before it.
Result<void> each_event(std::string_view log, const telemetry::FieldMapPtr& map, const Take& take) {
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad, map);
  telemetry::BatchReader reader(telemetry::open_memory(std::string(log), "log"), "log", bad);
  Instant last{};
  while (true) {
    BONGSU_TRY(const auto batch, reader.next());
    if (!batch) return {};
    parser.start(*batch);
    while (const auto* event = parser.next()) {
      last = event->time().value_or(last);
      take(*event, batch->source, last);
    }
  }
}

std::vector<std::uint64_t> in_order(std::vector<std::uint64_t> lines) {
  std::ranges::sort(lines);
  lines.erase(std::ranges::unique(lines).begin(), lines.end());
  return lines;
}

}  // namespace

Result<std::vector<std::uint64_t>> DetectEngines::sigma(std::string_view rules, std::string_view log) const {
  sigma::Collection collection;
  collection.add(rules, "your rule");
  BONGSU_TRY(const telemetry::FieldMapPtr base, telemetry::read_maps({}));
  telemetry::FieldMapBuilder builder(*base);
  sigma::SigmaReport report;
  BONGSU_TRY(const sigma::SigmaSetPtr set,
             sigma::SigmaSet::compile(std::move(collection).finish(), *base, builder, report));
  for (const auto* errors : {&report.errors, &report.waiting})
    if (!errors->empty()) return std::unexpected(errors->front());
  if (report.rules + report.correlations == 0)
    return fail(ErrorCode::kInvalid, "there is no Sigma rule", {.source = "your rule"});
  if (!report.unmapped.empty()) return std::unexpected(report.unmapped.front());
  BONGSU_TRY(const telemetry::FieldMapPtr map, builder.build());
  sigma::SigmaMatcher matcher;
  BONGSU_TRY_VOID(matcher.use(set));
  sigma::SigmaSequencer sequencer(set);
  std::vector<sigma::SigmaMatch> matches;
  std::vector<sigma::SigmaHit> hits;
  BONGSU_TRY_VOID(each_event(log, map, [&](const auto& event, const Source& source, const Instant& time) {
    matcher.match(event, matches);
    sequencer.take(matches, {source, event.offset, event.line, time}, hits);
  }));
  sequencer.finish(hits);
  std::vector<std::uint64_t> lines;
  for (const sigma::SigmaHit& hit : hits) {
    lines.push_back(hit.at.line);
    for (const sigma::EventPlace& place : hit.events) lines.push_back(place.line);
  }
  return in_order(std::move(lines));
}

Result<std::vector<std::uint64_t>> DetectEngines::patterns(std::span<const std::string> patterns,
                                                           std::string_view log) const {
  BONGSU_TRY(const telemetry::FieldMapPtr base, telemetry::read_maps({}));
  PatternSet::Builder builder(base);
  for (std::size_t i = 0; i < patterns.size(); ++i)
    if (auto added = builder.add(i, patterns[i]); !added) {
      added.error().where.field = patterns.size() == 1 ? "pattern" : "pattern " + std::to_string(i + 1);
      return std::unexpected(std::move(added).error());
    }
  BONGSU_TRY(const PatternSetPtr set, builder.build());
  telemetry::FieldMapBuilder fields(*base);
  for (const telemetry::FieldId field : set->fields()) {
    BONGSU_TRY_VOID(fields.want(base->row(field).path));
  }
  BONGSU_TRY(const telemetry::FieldMapPtr map, fields.build());
  EventMatcher matcher(set);
  PatternSequencer sequencer(set);
  std::vector<PatternHit> hits;
  std::vector<PatternFound> found;
  BONGSU_TRY_VOID(each_event(log, map, [&](const auto& event, const Source&, const Instant& time) {
    hits.clear();
    matcher.match(event, hits);
    sequencer.take(hits, time, event.line, found);
  }));
  std::vector<std::uint64_t> lines;
  for (const PatternFound& one : found) lines.insert(lines.end(), one.events.begin(), one.events.end());
  return in_order(std::move(lines));
}

}  // namespace bongsu::cli
