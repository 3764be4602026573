// The after-action report of a drill: what happened, who saw, told, stopped and restored it when, what it is worth and
// why, and what is to get better.
//
//   const Report r = make_report({scenario, log, card, &before, &baseline, items});
//   write("report.json", *to_canonical_text(r.json));
//   write("report.html", to_html(r.document));
//   write("report.pdf", *to_pdf(r.document, r.when));
//   write("items.json", write_items(r.items, card.label));
//
// A function of its inputs: the same give the same bytes in all three forms.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "exercise/drill/log.h"
#include "exercise/report/document.h"
#include "exercise/report/items.h"
#include "exercise/scenario/scenario.h"
#include "exercise/scoring/score.h"

namespace bongsu::exercise::report {

// What a page holds; beyond, it says how many more there are and that the JSON form has them.
inline constexpr std::size_t kMaxPointsShown = 400, kMaxLanes = 60, kMaxEntriesShown = 40, kMostLostShown = 3;

struct ReportInput {
  const scenario::Scenario& scenario;
  std::span<const drill::Entry> log;
  const scoring::Scorecard& card;
  const scoring::Scorecard* before = nullptr;    // the teams' last run
  const scoring::Scorecard* baseline = nullptr;  // the automatic blue team in the same scenario
  std::vector<Item> items;                       // of earlier drills
};

struct Report {
  Document document;
  Json json;
  std::vector<Item> items;
  Instant when;  // of the log's last entry
};

Report make_report(const ReportInput& input);

}  // namespace bongsu::exercise::report
