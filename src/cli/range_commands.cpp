#include "cli/range_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>

#include "base/json.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "exercise/range/power/ac_flow.h"
#include "exercise/range/power/build_grid.h"
#include "exercise/range/power/cascade.h"
#include "exercise/range/power/contingency.h"
#include "exercise/range/power/dc_flow.h"
#include "exercise/range/power/matpower.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

using namespace exercise::power;

constexpr double kDegrees = 180 / std::numbers::pi;
constexpr std::size_t kShown = 10;  // of a list, in text for people

int trouble(const Error& error, bool json, std::FILE* out, std::FILE* err) {
  if (json) fmt::print(out, "{}\n", to_text(Json(JsonObject{{"status", "trouble"}, {"message", error.text()}})));
  else fmt::print(err, "bongsu: {}\n", printable(error.text()));
  return kExitTrouble;
}

Result<Network> load(const std::string& file) {
  BONGSU_TRY(const std::string text, telemetry::read_whole(file, kMaxCaseBytes));
  BONGSU_TRY(Network network, read_case(text, file == "-" ? "(standard input)" : file));
  if (network.name.empty()) network.name = "case";
  return network;
}

// As the reference tables of MATPOWER stand in the shared data: both solutions beside each other.
void print_csv(const Network& n, const FlowResult& flow, const FlowResult* dc, const PowerflowOptions& o, std::FILE* out) {
  const auto number = [](double value) { return std::isfinite(value) ? value : 0; };
  std::vector<char> limited(n.buses.size(), 0);
  for (const std::uint32_t g : flow.limited) limited[n.generators[g].bus] = 1;
  fmt::print(out, "# bongsu range powerflow {} tol {:g} success={}; cols: bus,type,Vm_pu,Va_deg,Va_dc_deg\n", o.dc ? "DC" : "NR",
             o.tolerance_pu, flow.solved() ? 1 : 0);
  for (std::size_t i = 0; i < n.buses.size(); ++i)
    fmt::print(out, "{},{},{:.12f},{:.10f},{:.10f}\n", n.buses[i].number, limited[i] != 0 ? 1 : static_cast<int>(n.buses[i].kind),
               number(flow.magnitude_pu[i]), number(flow.angle_rad[i] * kDegrees),
               dc == nullptr ? 0 : number(dc->angle_rad[i] * kDegrees));
  fmt::print(out, "\n# from,to,status,Pf_MW,Qf_MVAr,Pt_MW,Qt_MVAr,Pf_dc_MW\n");
  for (std::size_t k = 0; k < n.branches.size(); ++k) {
    const BranchFlow& f = flow.branches[k];
    fmt::print(out, "{},{},{},{:.8f},{:.8f},{:.8f},{:.8f},{:.8f}\n", n.buses[n.branches[k].from].number,
               n.buses[n.branches[k].to].number, n.branches[k].on ? 1 : 0, number(f.from_mw), number(f.from_mvar),
               number(f.to_mw), number(f.to_mvar), dc == nullptr ? 0 : number(dc->branches[k].from_mw));
  }
}

JsonObject island_json(const IslandResult& island) {
  JsonArray references, remarks;
  for (const std::int64_t bus : island.references) references.emplace_back(bus);
  for (const std::string& remark : island.remarks) remarks.emplace_back(remark);
  JsonObject o{{"buses", island.buses}, {"outcome", to_string(island.outcome)}, {"references", std::move(references)},
               {"reference_chosen", island.chosen}, {"iterations", island.iterations}, {"mismatch_pu", island.mismatch_pu},
               {"load_mw", island.load_mw}, {"generation_mw", island.generation_mw}, {"losses_mw", island.losses_mw}};
  if (!island.reason.empty()) o["reason"] = island.reason;
  if (island.worst_bus != 0) o["worst_bus"] = island.worst_bus;
  if (!remarks.empty()) o["remarks"] = std::move(remarks);
  return o;
}

void print_flow_json(const Network& n, const FlowResult& flow, const PowerflowOptions& o, std::FILE* out) {
  const auto line = [out](JsonObject object) { fmt::print(out, "{}\n", to_text(Json(std::move(object)))); };
  for (std::size_t i = 0; i < n.buses.size(); ++i)
    line({{"kind", "bus"}, {"bus", n.buses[i].number}, {"name", n.buses[i].name}, {"island", flow.island_of[i]},
          {"magnitude_pu", flow.magnitude_pu[i]}, {"angle_deg", flow.angle_rad[i] * kDegrees}});
  for (std::size_t g = 0; g < n.generators.size(); ++g)
    line({{"kind", "generator"}, {"generator", g + 1}, {"bus", n.buses[n.generators[g].bus].number},
          {"mw", flow.generator_mw[g]}, {"mvar", flow.generator_mvar[g]},
          {"at_reactive_limit", std::ranges::find(flow.limited, g) != flow.limited.end()}});
  for (std::size_t k = 0; k < n.branches.size(); ++k) {
    const BranchFlow& f = flow.branches[k];
    line({{"kind", "branch"}, {"branch", k + 1}, {"from", n.buses[n.branches[k].from].number}, {"to", n.buses[n.branches[k].to].number},
          {"on", n.branches[k].on}, {"from_mw", f.from_mw}, {"from_mvar", f.from_mvar}, {"to_mw", f.to_mw}, {"to_mvar", f.to_mvar}});
  }
  JsonArray islands;
  for (const IslandResult& island : flow.islands) islands.emplace_back(island_json(island));
  line({{"kind", "summary"}, {"case", n.name}, {"model", o.dc ? "dc" : "ac"}, {"solved", flow.solved()}, {"islands", std::move(islands)}});
}

std::string bus_name(const Bus& bus) {
  return bus.name.empty() ? fmt::format("{}", bus.number) : fmt::format("{} ({})", bus.number, printable(bus.name, 24));
}

void print_islands(const FlowResult& flow, std::FILE* out) {
  for (std::size_t k = 0; k < flow.islands.size() && k < kShown; ++k) {
    const IslandResult& island = flow.islands[k];
    fmt::print(out, "island {}: {} buses, {}", k + 1, island.buses, to_string(island.outcome));
    if (island.outcome == Outcome::kSolved) {
      fmt::print(out, ": load {:.2f} MW, generation {:.2f} MW, losses {:.2f} MW", island.load_mw, island.generation_mw, island.losses_mw);
      if (island.iterations > 0) fmt::print(out, "; {} iterations, {:.1e} pu left", island.iterations, island.mismatch_pu);
      fmt::print(out, "; reference{} {}{}", island.references.size() > 1 ? "s" : "", fmt::join(island.references, ", "),
                 island.chosen ? ", chosen here" : "");
    } else {
      fmt::print(out, ": {} ({:.2f} MW of load)", island.reason, island.load_mw);
    }
    fmt::print(out, "\n");
    for (const std::string& remark : island.remarks) fmt::print(out, "  {}\n", remark);
  }
  if (flow.islands.size() > kShown) fmt::print(out, "and {} smaller islands\n", flow.islands.size() - kShown);
}

void print_words(const Network& n, const FlowResult& flow, const PowerflowOptions& o, std::FILE* out) {
  fmt::print(out, "{}: {} buses, {} generators, {} branches; {}\n", printable(n.name), n.buses.size(), n.generators.size(), n.branches.size(),
             o.dc ? "DC power flow" : o.q_limits ? "AC power flow with reactive limits" : "AC power flow");
  print_islands(flow, out);
  std::size_t low = n.buses.size(), high = n.buses.size(), outside = 0;
  for (std::size_t i = 0; i < n.buses.size(); ++i) {
    const double v = flow.magnitude_pu[i];
    if (v == 0) continue;
    if (low == n.buses.size() || v < flow.magnitude_pu[low]) low = i;
    if (high == n.buses.size() || v > flow.magnitude_pu[high]) high = i;
    if (v < n.buses[i].min_pu - 1e-9 || v > n.buses[i].max_pu + 1e-9) ++outside;
  }
  if (!o.dc && low < n.buses.size())
    fmt::print(out, "voltage: {:.4f} pu at bus {} to {:.4f} pu at bus {}; {} buses outside their limits\n", flow.magnitude_pu[low],
               bus_name(n.buses[low]), flow.magnitude_pu[high], bus_name(n.buses[high]), outside);
  struct Load {
    std::size_t branch;
    double part;
  };
  std::vector<Load> loads;
  for (std::size_t k = 0; k < n.branches.size(); ++k) {
    const BranchFlow& f = flow.branches[k];
    const double mva = std::max(std::hypot(f.from_mw, f.from_mvar), std::hypot(f.to_mw, f.to_mvar));
    if (n.branches[k].rating_mva > 0 && mva > 0) loads.push_back({k, mva / n.branches[k].rating_mva});
  }
  std::ranges::sort(loads, [](const Load& a, const Load& b) { return a.part != b.part ? a.part > b.part : a.branch < b.branch; });
  const auto over = std::ranges::count_if(loads, [](const Load& l) { return l.part > 1; });
  if (!flow.limited.empty()) fmt::print(out, "reactive limits: {} generators held at theirs\n", flow.limited.size());
  if (loads.empty()) return;
  fmt::print(out, "branches: {} of {} with a rating are loaded beyond it; the most loaded:\n", over, loads.size());
  for (std::size_t k = 0; k < loads.size() && k < kShown; ++k) {
    const Branch& b = n.branches[loads[k].branch];
    const BranchFlow& f = flow.branches[loads[k].branch];
    fmt::print(out, "  {:>6.1f} %  {:>9.2f} MW {:>9.2f} MVAr  {} - {}\n", loads[k].part * 100, f.from_mw, f.from_mvar, bus_name(n.buses[b.from]),
               bus_name(n.buses[b.to]));
  }
}

}  // namespace

int run_range_powerflow(const PowerflowOptions& options, std::FILE* out, std::FILE* err) {
  const auto network = load(options.file);
  if (!network) return trouble(network.error(), options.json, out, err);
  if (!(options.tolerance_pu > 0) || !(options.tolerance_pu < 1))
    return trouble({.code = ErrorCode::kInvalid, .message = "a tolerance lies between 0 and 1 pu", .where = {.field = "--tolerance"}},
                   options.json, out, err);
  const auto dc = solve_dc(*network);
  if (options.dc && !dc) return trouble(dc.error(), options.json, out, err);
  const FlowResult flow =
      options.dc ? *dc
                 : solve_ac(*network, {.tolerance_pu = options.tolerance_pu, .enforce_q_limits = options.q_limits,
                                       .start = options.flat ? Start::kFlat : Start::kCase});
  if (options.csv) print_csv(*network, flow, dc ? &*dc : nullptr, options, out);
  else if (options.json) print_flow_json(*network, flow, options, out);
  else print_words(*network, flow, options, out);
  if (flow.solved()) return kExitOk;
  for (const IslandResult& island : flow.islands)
    if (island.outcome != Outcome::kSolved && options.csv)
      fmt::print(err, "bongsu: island of {} buses: {}: {}\n", island.buses, to_string(island.outcome), island.reason);
  return kExitNo;
}

namespace {

std::string violation_words(const Network& n, const Violation& v) {
  if (v.kind == Violation::Kind::kOverload)
    return fmt::format("{} - {} {:.0f} % ({:.1f} of {:.1f} MVA)", bus_name(n.buses[n.branches[v.at].from]),
                       bus_name(n.buses[n.branches[v.at].to]), v.value / v.limit * 100, v.value, v.limit);
  return fmt::format("bus {} {:.4f} pu ({} {:.4f})", bus_name(n.buses[v.at]), v.value,
                     v.kind == Violation::Kind::kLow ? "below" : "above", v.limit);
}

JsonObject violation_json(const Network& n, const Violation& v) {
  if (v.kind == Violation::Kind::kOverload)
    return {{"kind", "overload"}, {"branch", v.at + 1}, {"from", n.buses[n.branches[v.at].from].number},
            {"to", n.buses[n.branches[v.at].to].number}, {"mva", v.value}, {"limit_mva", v.limit}, {"before_mva", v.base}};
  return {{"kind", v.kind == Violation::Kind::kLow ? "low" : "high"}, {"bus", n.buses[v.at].number}, {"pu", v.value},
          {"limit_pu", v.limit}, {"before_pu", v.base}};
}

void print_outages_csv(const Network& n, const ContingencyReport& report, std::FILE* out) {
  fmt::print(out, "branch,from,to,outcome,cuts,cut_buses,cut_load_MW,cut_generation_MW,overloads,low,high,worst_branch,worst_loading_pct,"
                  "lowest_bus,lowest_pu,iterations\n");
  for (const BranchOutage& o : report.outages) {
    const Violation* worst = o.overloads > 0 ? &o.violations.front() : nullptr;
    fmt::print(out, "{},{},{},{},{},{},{:.6f},{:.6f},{},{},{},{},{},{},{},{}\n", o.branch + 1, n.buses[n.branches[o.branch].from].number,
               n.buses[n.branches[o.branch].to].number, to_string(o.outcome), o.cuts ? 1 : 0, o.cut.buses, o.cut.load_mw, o.cut.generation_mw,
               o.overloads, o.low, o.high, worst != nullptr ? fmt::format("{}", worst->at + 1) : "",
               worst != nullptr ? fmt::format("{:.3f}", worst->value / worst->limit * 100) : "",
               o.outcome == Outcome::kSolved ? fmt::format("{}", n.buses[o.lowest_bus].number) : "",
               o.outcome == Outcome::kSolved ? fmt::format("{:.8f}", o.lowest_pu) : "", o.iterations);
  }
}

struct OutageCounts {
  std::size_t cuts = 0, unsolved = 0, overloads = 0, voltages = 0, clean = 0;
  explicit OutageCounts(const ContingencyReport& report) {
    for (const BranchOutage& o : report.outages) {
      cuts += o.cuts;
      unsolved += o.outcome != Outcome::kSolved;
      overloads += o.overloads > 0;
      voltages += o.low + o.high > 0;
      clean += o.outcome == Outcome::kSolved && o.violations.empty();
    }
  }
};

void print_outages_json(const Network& n, const ContingencyReport& report, std::FILE* out) {
  for (const BranchOutage& o : report.outages) {
    JsonArray violations;
    for (const Violation& v : o.violations) violations.emplace_back(violation_json(n, v));
    JsonObject line{{"kind", "outage"}, {"branch", o.branch + 1}, {"from", n.buses[n.branches[o.branch].from].number},
                    {"to", n.buses[n.branches[o.branch].to].number}, {"outcome", to_string(o.outcome)}, {"iterations", o.iterations},
                    {"overloads", o.overloads}, {"low", o.low}, {"high", o.high}, {"violations", std::move(violations)}};
    if (o.outcome == Outcome::kSolved) {
      line["lowest_bus"] = n.buses[o.lowest_bus].number;
      line["lowest_pu"] = o.lowest_pu;
    } else {
      line["reason"] = o.reason;
    }
    if (o.cuts)
      line["cut_off"] = JsonObject{{"buses", o.cut.buses}, {"load_mw", o.cut.load_mw}, {"generation_mw", o.cut.generation_mw},
                                   {"capacity_mw", o.cut.capacity_mw}, {"can_hold", o.cut.can_hold}};
    fmt::print(out, "{}\n", to_text(Json(std::move(line))));
  }
  const OutageCounts counts(report);
  fmt::print(out, "{}\n", to_text(Json(JsonObject{{"kind", "summary"}, {"case", n.name}, {"outages", report.outages.size()},
                                                  {"cut", counts.cuts}, {"without_solution", counts.unsolved}, {"with_overload", counts.overloads},
                                                  {"with_voltage", counts.voltages}, {"clean", counts.clean},
                                                  {"violations_before", report.base_violations.size()}})));
}

void print_outages(const Network& n, const ContingencyReport& report, std::FILE* out) {
  const OutageCounts counts(report);
  const auto name = [&](const BranchOutage& o) {
    return fmt::format("{} - {}", bus_name(n.buses[n.branches[o.branch].from]), bus_name(n.buses[n.branches[o.branch].to]));
  };
  fmt::print(out, "{}: {} outages of one branch, each solved as an AC flow\n", printable(n.name), report.outages.size());
  fmt::print(out, "  {:>6} break no limit\n  {:>6} overload a branch\n  {:>6} leave a voltage outside its limits\n  {:>6} cut something off\n"
                  "  {:>6} have no solution\n", counts.clean, counts.overloads, counts.voltages, counts.cuts, counts.unsolved);
  if (!report.base_violations.empty())
    fmt::print(out, "{} limits are broken before any outage; an outage is told of these only when it makes them worse\n", report.base_violations.size());
  std::vector<const BranchOutage*> list;
  const auto show = [&](const char* title, auto which, auto before, auto words) {
    list.clear();
    for (const BranchOutage& o : report.outages)
      if (which(o)) list.push_back(&o);
    if (list.empty()) return;
    std::ranges::sort(list, [&](const auto* a, const auto* b) { return before(*a) != before(*b) ? before(*a) > before(*b) : a->branch < b->branch; });
    fmt::print(out, "{}\n", title);
    for (std::size_t k = 0; k < list.size() && k < kShown; ++k) fmt::print(out, "  {}: {}\n", name(*list[k]), words(*list[k]));
    if (list.size() > kShown) fmt::print(out, "  and {} more (--csv, --json)\n", list.size() - kShown);
  };
  show("no solution:", [](const BranchOutage& o) { return o.outcome != Outcome::kSolved; }, [](const BranchOutage& o) { return o.mismatch_pu; },
       [](const BranchOutage& o) { return fmt::format("{}: {}", to_string(o.outcome), o.reason); });
  show("most load cut off:", [](const BranchOutage& o) { return o.cuts && o.cut.load_mw > 0; }, [](const BranchOutage& o) { return o.cut.load_mw; },
       [](const BranchOutage& o) {
         return fmt::format("{} buses, {:.1f} MW of load, {:.1f} MW of generation{}", o.cut.buses, o.cut.load_mw, o.cut.generation_mw,
                            o.cut.can_hold ? "; could hold as an island" : "");
       });
  show("worst overloads:", [](const BranchOutage& o) { return o.overloads > 0; },
       [](const BranchOutage& o) { return o.violations.front().value / o.violations.front().limit; },
       [&](const BranchOutage& o) {
         return violation_words(n, o.violations.front()) + (o.overloads > 1 ? fmt::format(" and {} more", o.overloads - 1) : "");
       });
  show("lowest voltages:", [](const BranchOutage& o) { return o.low > 0; }, [](const BranchOutage& o) { return -o.lowest_pu; },
       [&](const BranchOutage& o) { return fmt::format("bus {} {:.4f} pu, {} buses below their limits", bus_name(n.buses[o.lowest_bus]), o.lowest_pu, o.low); });
}

}  // namespace

int run_range_contingency(const ContingencyCommand& command, std::FILE* out, std::FILE* err) {
  const auto network = load(command.file);
  if (!network) return trouble(network.error(), command.json, out, err);
  Result<ContingencyReport> report = fail(ErrorCode::kInternal, "");
  {
    Progress bar("outages", network->branches.size());
    report = analyse_contingencies(*network, {.progress = [&](std::size_t done, std::size_t) {
                                     if (!command.quiet) bar.update(done);
                                     return true;
                                   }});
  }
  if (!report) return trouble(report.error(), command.json, out, err);
  if (command.csv) print_outages_csv(*network, *report, out);
  else if (command.json) print_outages_json(*network, *report, out);
  else print_outages(*network, *report, out);
  return OutageCounts(*report).clean == report->outages.size() ? kExitOk : kExitNo;
}

int run_range_build_grid(const BuildGridCommand& command, std::FILE* out, std::FILE* err) {
  const auto refuse = [&](const Error& error) { return trouble(error, false, out, err); };
  GridOptions options;
  for (const std::string& given : command.countries)
    for (std::size_t at = 0; at <= given.size();) {
      const std::size_t end = std::min(given.find(',', at), given.size());
      if (end > at) options.countries.push_back(given.substr(at, end - at));
      at = end + 1;
    }
  for (const std::string& given : command.loads) {
    const std::size_t at = given.find('=');
    const auto mw = at == std::string::npos ? std::nullopt : finite_number(std::string_view(given).substr(at + 1));
    if (!mw || *mw < 0) return refuse({.code = ErrorCode::kInvalid, .message = "is no COUNTRY=MW", .where = {.field = given}});
    options.load_mw[given.substr(0, at)] = *mw;
  }
  std::string text[4];
  const char* const names[] = {"buses.csv", "lines.csv", "transformers.csv", "generators.csv"};
  for (int k = 0; k < 4; ++k) {
    auto read = telemetry::read_whole(command.from + "/" + names[k], kMaxGridBytes);
    if (!read) return refuse(read.error());
    text[k] = std::move(*read);
  }
  const auto grid = build_grid({text[0], text[1], text[2], text[3]}, options);
  if (!grid) return refuse(grid.error());
  const std::string written = write_case(grid->network, grid->remarks);
  if (command.out == "-") {
    fmt::print(out, "{}", written);
  } else {
    std::ofstream file(command.out, std::ios::binary | std::ios::trunc);
    file << written;
    file.close();
    if (!file) return refuse({.code = ErrorCode::kIo, .message = "cannot be written", .where = {.source = command.out}});
  }
  fmt::print(err, "{}\n{} buses, {} generators, {} branches\n", grid->remarks, grid->network.buses.size(), grid->network.generators.size(), grid->network.branches.size());
  return kExitOk;
}

namespace {

const char* event_name(GridEvent::Kind kind) {
  switch (kind) {
    case GridEvent::Kind::kOrdered: return "ordered";
    case GridEvent::Kind::kOverloadTrip: return "overload_trip";
    case GridEvent::Kind::kHiddenTrip: return "hidden_trip";
    case GridEvent::Kind::kFrequencyShed: return "frequency_shed";
    case GridEvent::Kind::kVoltageShed: return "voltage_shed";
    case GridEvent::Kind::kGeneratorTrip: return "generator_trip";
    case GridEvent::Kind::kDark: return "dark";
    case GridEvent::Kind::kSplit: return "split";
  }
  return "";
}

std::string clock_text(double seconds) {
  const auto tenths = static_cast<std::int64_t>(std::llround(seconds * 10));
  return fmt::format("{:02}:{:02}:{:02}.{}", tenths / 36000, tenths / 600 % 60, tenths / 10 % 60, tenths % 10);
}

}  // namespace

int run_range_run(const RangeRunCommand& c, std::FILE* out, std::FILE* err) {
  const auto network = load(c.file);
  if (!network) return trouble(network.error(), c.json, out, err);
  if (!(c.hours > 0 && c.hours <= 8784 && c.step_s >= 0.1 && c.step_s <= 3600 && c.outages >= 0 && c.hidden_failure >= 0 && c.hidden_failure <= 1 &&
        c.swing >= 0 && c.swing < 1))
    return trouble({.code = ErrorCode::kInvalid, .message = "hours lie between 0 and 8784, a step between 0.1 and 3600 s, parts between 0 and 1"}, c.json, out, err);
  auto grid = LiveGrid::make(*network, {.model = c.dc ? Model::kDc : Model::kAc, .hidden_failure = c.hidden_failure}, c.seed);
  if (!grid) return trouble(grid.error(), c.json, out, err);
  SeededRandom random(c.seed);
  const auto steps = static_cast<std::uint64_t>(std::ceil(c.hours * 3600 / c.step_s));
  const double chance = c.outages * c.step_s / 86400;
  std::vector<double> first(network->generators.size());
  for (std::uint32_t g = 0; g < first.size(); ++g) first[g] = grid->turbine_mw(g);
  const auto level = [&c](double seconds) { return 1 - c.swing * std::cos((seconds / 3600 - 4) / 24 * 2 * std::numbers::pi); };
  std::size_t counts[9] = {};
  Progress bar("steps", steps);
  for (std::uint64_t step = 0; step < steps; ++step) {
    const double now = grid->now_s(), part = level(now) / level(0);
    if (c.swing > 0)
      for (std::uint32_t i = 0; i < network->buses.size(); ++i)
        grid->set_demand(i, network->buses[i].load_mw * part, network->buses[i].load_mvar * part);
    // Every five minutes operators set stations to what demand asks.
    if (c.swing > 0 && step % std::max<std::uint64_t>(1, static_cast<std::uint64_t>(300 / c.step_s)) == 0)
      for (std::uint32_t g = 0; g < first.size(); ++g)
        if (grid->network().generators[g].on)
          (void)grid->order({Order::Kind::kSetPower, g, std::clamp(first[g] * part, 0.0, grid->network().generators[g].p_max_mw)});
    if (chance > 0 && static_cast<double>(random.below(1'000'000'000)) / 1e9 < chance && !network->branches.empty())
      (void)grid->order({Order::Kind::kOpenBranch, static_cast<std::uint32_t>(random.below(network->branches.size()))});
    grid->advance(c.step_s);
    for (const GridEvent& event : grid->take_events()) {
      ++counts[static_cast<int>(event.kind)];
      if (event.kind == GridEvent::Kind::kOrdered && event.text.starts_with("generator")) continue;
      if (c.json) fmt::print(out, "{}\n", to_text(Json(JsonObject{{"kind", event_name(event.kind)}, {"at_s", event.at_s}, {"mw", event.mw}, {"text", event.text}})));
      else fmt::print(out, "{}  {}\n", clock_text(event.at_s), event.text);
    }
    if (!c.quiet) bar.update(step + 1);
  }
  const Energy e = grid->energy();
  std::size_t dark = 0;
  for (std::uint32_t i = 0; i < network->buses.size(); ++i) dark += !grid->live(i);
  if (c.json)
    fmt::print(out, "{}\n", to_text(Json(JsonObject{{"kind", "summary"}, {"case", network->name}, {"seed", c.seed}, {"hours", grid->now_s() / 3600},
        {"served_mwh", e.served}, {"unserved_mwh", e.unserved}, {"generated_mwh", e.turbines}, {"losses_mwh", e.losses}, {"shunts_mwh", e.shunts},
        {"residue_mwh", e.residue()}, {"overload_trips", counts[1]}, {"hidden_trips", counts[2]}, {"dark_buses", dark}})));
  else
    fmt::print(out, "{}: {:.1f} h, seed {}: {:.1f} MWh served, {:.1f} MWh not, {:.1f} MWh generated, {:.1f} MWh lost on the way; {} overload trips, {} hidden, {} of {} buses dark at the end\n",
               printable(network->name), grid->now_s() / 3600, c.seed, e.served, e.unserved, e.turbines, e.losses, counts[1], counts[2], dark, network->buses.size());
  const bool lost = counts[static_cast<int>(GridEvent::Kind::kFrequencyShed)] + counts[static_cast<int>(GridEvent::Kind::kVoltageShed)] + counts[static_cast<int>(GridEvent::Kind::kDark)] > 0;
  return lost ? kExitNo : kExitOk;
}

}  // namespace bongsu::cli
