// A network to exercise on, made of the unofficial ENTSO-E extract (GridKit, PyPSA-Eur's data/entsoegridkit): it knows where buses, lines
// and power stations are, and nothing of impedances, loads or output. Those are ESTIMATED here, and the case says so at its head.
//
//   BONGSU_TRY(const BuiltGrid grid, build_grid({buses, lines, transformers, generators}, {.countries = {"LT", "UA", "PL"}}));
//   write(write_case(grid.network, grid.remarks));
//
// Estimates, and where they come from:
//   lines        ohms, farads and amperes for each kilometre by voltage: 110 kV 305-AL1/39-ST1A (pandapower's standard types, after Heuck
//                et al. 2013), 220 kV Al/St 240/40 in bundles of two, 380 kV and above in bundles of four (Oeding and Oswald 2011, chapter 9;
//                PyPSA's standard types); 330 kV between the two by voltage. Each circuit is a branch. The extract gives the lower end of a
//                range of voltages: 132 stands for 110 kV, 300 for 330 kV, 380 for 400 kV.
//   transformers 2,000 MVA with 10 % (PyPSA-Eur's default) between 220 kV and more; four of 160 MVA with 12.2 % down to 110 kV
//   reactors     three fifths of the charging of lines of 330 kV and more, at their ends
//   stations     capacity as given, else by kind of fuel (capacity_of in build_grid.cpp); output so that it meets load and about 2 % of losses
//   load         55 % of each country's capacity unless told; at each station's lowest voltage, by the circuits that end at the station;
//                power factor 0.97
// Lines and buses under construction, direct current, and what leaves the countries asked for is left out and counted. Parts without
// a power station are left out, too. If a part has no solution, its loads are lowered by
// a tenth until it has; so are those near voltages below 0.9 pu; and that is said.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exercise/range/place.h"
#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

inline constexpr std::size_t kMaxGridBytes = 64ULL * 1024 * 1024, kMaxGridRows = 100'000, kMaxGridColumns = 32;

struct GridText {
  std::string_view buses, lines, transformers, generators;  // CSV, text in single quotes
};
struct GridOptions {
  std::vector<std::string> countries;        // ISO 3166-1 alpha-2
  std::map<std::string, double> load_mw;     // by country, in place of the estimate
};
struct BuiltGrid {
  Network network;                           // solved: its voltages are the solution's
  std::vector<std::string> country, station;  // by bus; station: the extract's number of the site
  std::vector<Position> at;                   // by bus
  std::vector<std::string> technology;        // by generator, as the extract says it: "Wind farm"
  std::string remarks;                       // what was estimated and left out, line by line
};

// kInvalid names file, line and field; kNotFound: no bus in these countries.
Result<BuiltGrid> build_grid(const GridText& text, const GridOptions& options);

}  // namespace bongsu::exercise::power
