// The Master Scenario Events List of those who plan exercises: a scenario as sheets, and back, without loss.
//
//   const formats::Workbook sheets = to_msel(scenario);     // then formats::write_xlsx, formats::write_csv_sheets
//   auto again = from_msel(sheets, "msel.xlsx");             // equal to scenario
//
// Sheet "MSEL" has a row for each inject, in order of time, in the words of HSEEP's and NATO's lists: Event #, DTG,
// Event, Inject ID, Inject, Description, From, To, Delivery Method, Expected Action, Objective, ATT&CK, … What an
// inject has several of stands in sheets of its own (Deliveries, Expected Actions, Information Sharing, Effects,
// Telemetry, Indicators), a row each, by Inject ID; everything else in further ones (Exercise, Entities, Events,
// Scripts, …). Cells of several values have one a line.
//
// DTG (190615ZJAN27: day, hour and minute, seconds if there are any, in Zulu), Event, Delivery Method and Expected
// Action are worked out from the other sheets, for people. When a list is read they must say what the others say, or be
// empty: a change there alone would be lost, so it is an error that names the cell and where to change it.
//
// A list from elsewhere may be the sheet "MSEL" alone (or a file of one sheet), with some of these columns: then a base
// scenario gives all the rest, and injects that it does not know are made from their row: delivered as Delivery Method
// says, with the description as text, at the DTG, each line of Expected Action judged by hand within an hour (one
// point).
#pragma once

#include <expected>
#include <string>

#include "exercise/scenario/check.h"
#include "exercise/scenario/scenario.h"
#include "formats/sheets.h"

namespace bongsu::exercise::scenario {

formats::Workbook to_msel(const Scenario& scenario);

// `base` may be nullptr: then every sheet that a scenario needs has to be there. Problems name sheet, row and column:
// where.source "msel.xlsx!MSEL", where.line the row.
std::expected<Scenario, Problems> from_msel(const formats::Workbook& sheets, const std::string& source,
                                            const Scenario* base = nullptr, const Techniques* techniques = nullptr);

// "190615ZJAN27"
std::string dtg_of(Instant time);
std::optional<Instant> parse_dtg(std::string_view text);

}  // namespace bongsu::exercise::scenario
