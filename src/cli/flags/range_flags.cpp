// The exercise range.
#include <cstdio>

#include "cli/flags/flags.h"
#include "cli/flags/program.h"
#include "cli/range_commands.h"
#include "cli/range_hmi_command.h"
#include "cli/range_wire_commands.h"
#include "cli/range_world_command.h"

namespace bongsu::cli {
namespace {

// Control systems on the wire: below `range`, beside the commands of its physics.
void add_range_wire(Program& p, CLI::App* range) {
  static RangeRtuOptions r;
  auto* rtu = p.command(range, "rtu", "Be a remote terminal unit that speaks IEC 60870-5-104",
                        "  bongsu range rtu --points samples/exercise/substation-points.csv\n"
                        "  physics | bongsu range rtu --points points.csv --iec104 192.0.2.7:2404 --input --record session.pcap\n");
  rtu->add_option("--points", r.points, "List of points (CSV)")->required();
  rtu->add_option("--iec104", r.listen, "ADDRESS:PORT to listen on")->capture_default_str();
  rtu->add_option("--common-address", r.common_address, "Of the station")->capture_default_str();
  rtu->add_option("-k", r.k, "I frames that may wait for an acknowledgement")->capture_default_str();
  rtu->add_option("-w", r.w, "I frames after which it acknowledges")->capture_default_str();
  rtu->add_option("--t1", r.t1, "Seconds until an answer must be there")->capture_default_str();
  rtu->add_option("--t2", r.t2, "Seconds until it acknowledges")->capture_default_str();
  rtu->add_option("--t3", r.t3, "Seconds of idleness until it tests")->capture_default_str();
  rtu->add_option("--max-events", r.max_events, "Changes that wait while nobody takes them")->capture_default_str();
  rtu->add_option("--select-timeout", r.select_timeout, "Seconds that a selection holds")->capture_default_str();
  rtu->add_flag("--each-connection", r.each_connection, "All masters at once, instead of one redundancy group");
  static RangePlcOptions c;
  auto* plc = p.command(range, "plc", "Be a controller that speaks Modbus/TCP",
                        "  bongsu range plc --points samples/exercise/substation-points.csv --modbus 127.0.0.1:1502\n");
  plc->add_option("--points", c.points, "List of points (CSV)")->required();
  plc->add_option("--modbus", c.listen, "ADDRESS:PORT to listen on")->capture_default_str();
  plc->add_option("--unit", c.unit, "Unit identifier")->capture_default_str();
  plc->add_option("--vendor", c.vendor, "What it says of itself")->capture_default_str();
  plc->add_option("--product", c.product)->capture_default_str();
  plc->add_option("--revision", c.revision)->capture_default_str();
  plc->add_option("--model", c.model);
  const auto common = [](CLI::App* sub, auto& o) {
    sub->add_option("--max-connections", o.max_connections, "Further ones are closed at once")->capture_default_str();
    sub->add_option("--record", o.record, "Packet capture of everything that is said");
    sub->add_option("--log", o.log, "What a network sensor in front would log: JSON lines as Zeek's");
    sub->add_flag("--input", o.input, "Lines of standard input set points: {\"point\":\"u1\",\"value\":112.4}");
    sub->add_flag("--json", o.json, "NDJSON, also on a terminal");
  };
  common(rtu, r);
  common(plc, c);
  rtu->callback([&p] { p.exit = run_range_rtu(r, stdout, stderr); });
  plc->callback([&p] { p.exit = run_range_plc(c, stdout, stderr); });

  static RangeHmiOptions h;
  auto* hmi = p.command(range, "hmi", "Be the operator of one of them: values, commands",
                        "  bongsu range hmi --points samples/exercise/substation-points.csv --iec104 127.0.0.1:2404\n"
                        "  bongsu range hmi --points points.csv --iec104 127.0.0.1:2404 --command line1.breaker=1 --once\n"
                        "  bongsu range hmi --iec104 127.0.0.1:2404 --command C_DC_NA_1:1100=1:select --once\n");
  hmi->add_option("--points", h.points, "List of points (CSV): names, units, commands");
  hmi->add_option("--iec104", h.iec104, "ADDRESS:PORT of a remote terminal unit");
  hmi->add_option("--modbus", h.modbus, "ADDRESS:PORT of a controller");
  hmi->add_option("--common-address", h.common_address, "Of the station")->capture_default_str();
  hmi->add_option("--originator", h.originator, "Originator address, 0: none")->capture_default_str();
  hmi->add_option("--unit", h.unit, "Modbus unit identifier")->capture_default_str();
  hmi->add_option("--poll", h.poll_ms, "Milliseconds between two rounds of reading (Modbus)")->capture_default_str();
  hmi->add_option("--interrogate-every", h.interrogate_every, "Seconds; 0: at the start only (IEC 104)")->capture_default_str();
  hmi->add_option("--retry", h.retry_s, "Seconds until it connects again")->capture_default_str();
  hmi->add_option("--command", h.commands, "NAME=VALUE or TYPE:OBJECT=VALUE[:select]; may be given again")->allow_extra_args(false);
  hmi->add_option("--record", h.record, "Packet capture of everything that is said");
  hmi->add_flag("--once", h.once, "End when the first reading and the commands are done");
  hmi->add_flag("--json", h.json, "NDJSON, also on a terminal");
  hmi->callback([&p] { p.exit = run_range_hmi(h, stdout); });
}

}  // namespace

void add_range(Program& p) {
  auto* range = p.group("range", "The exercise range, without any node: its physics, its control systems on the wire");
  static PowerflowOptions f;
  auto* flow = p.command(range, "powerflow", "What flows in a network: a MATPOWER case, solved as runpf does",
                         "  bongsu range powerflow case118.m\n  bongsu range powerflow case118.m --q-limits --csv > solution.csv\n");
  flow->add_option("case", f.file, "MATPOWER case (format version 2); - for standard input")->required();
  flow->add_flag("--dc", f.dc, "The linear model: angles only, no losses");
  flow->add_flag("--q-limits", f.q_limits, "Hold generators' reactive limits (runpf's ENFORCE_Q_LIMS)");
  flow->add_flag("--flat", f.flat, "Start at 1 pu and 0 degrees, not at the case's voltages");
  flow->add_option("--tolerance", f.tolerance_pu, "Largest mismatch left, per unit")->capture_default_str();
  flow->add_flag("--csv", f.csv, "Every bus, an empty line, every branch");
  flow->add_flag("--json", f.json, "One JSON object a line: buses, generators, branches, a summary");
  flow->callback([&p] { p.exit = run_range_powerflow(f, stdout, stderr); });
  static ContingencyCommand c;
  auto* outages = p.command(range, "contingency", "Each branch out in its turn: what is cut off, which limits break",
                            "  bongsu range contingency case118.m\n  bongsu range contingency case9241pegase.m --csv > outages.csv\n");
  outages->add_option("case", c.file, "MATPOWER case; - for standard input")->required();
  outages->add_flag("--csv", c.csv, "One line an outage");
  outages->add_flag("--json", c.json, "One JSON object an outage, and a summary");
  outages->add_flag("--quiet", c.quiet, "No progress");
  outages->callback([&p] { p.exit = run_range_contingency(c, stdout, stderr); });
  static BuildGridCommand b;
  auto* build = p.command(range, "build-grid", "A network of countries from the ENTSO-E extract; impedances and loads are estimated, and it says so",
                          "  bongsu range build-grid --from grid-europe/ --countries LT,UA,PL -o lt-ua-pl.m\n"
                          "  bongsu range build-grid --from grid-europe/ --countries LT --load LT=1400\n");
  build->add_option("--from", b.from, "Directory of buses.csv, lines.csv, transformers.csv, generators.csv")->required();
  build->add_option("--countries", b.countries, "ISO 3166-1 alpha-2 codes, with commas or given again")->allow_extra_args(false)->required();
  build->add_option("--load", b.loads, "COUNTRY=MW, in place of the estimate; may be given again")->allow_extra_args(false);
  build->add_option("-o,--out", b.out, "File, - for standard output")->capture_default_str();
  build->callback([&p] { p.exit = run_range_build_grid(b, stdout, stderr); });
  static RangeRunCommand r;
  static RangeWorldCommand w;
  auto* run = p.command(range, "run", "Let time pass in a world (grid, telecom, rail) or in a grid alone, under a seed",
                        "  bongsu range run samples/exercise/world-sample/world.toml --seed 7 --until 24h --orders attack.csv\n"
                        "  bongsu range run samples/exercise/world-lt-ua/world.toml --data DATA --list\n"
                        "  bongsu range run lt-ua-pl.m --seed 7 --hours 24 --outages 20\n"
                        "  bongsu range run case118.m --dc --outages 500 --hidden 0.2 --json\n");
  run->add_option("world", r.file, "A world's description (.toml), or a MATPOWER case; - for a case on standard input")->required();
  run->add_option("--seed", r.seed, "The same seed gives the same run")->capture_default_str();
  run->add_flag("--json", r.json, "One JSON object an event, and a summary");
  run->add_flag("--quiet", r.quiet, "No progress");
  std::vector<CLI::Option*> of_world{
      run->add_option("--until", w.until, "Of a world: 24h, 1:30:00, seconds")->capture_default_str(),
      run->add_option("--orders", w.orders, "Of a world: CSV with at, verb, target, value, by"),
      run->add_option("--data", w.data, "Of a world: directory of what is not beside its description"),
      run->add_flag("--list", w.list, "Of a world: names of all things in it, and no run")};
  std::vector<CLI::Option*> of_grid{
      run->add_option("--hours", r.hours, "Of a grid")->capture_default_str(),
      run->add_option("--step", r.step_s, "Of a grid: seconds between two solutions when nothing happens")->capture_default_str(),
      run->add_option("--outages", r.outages, "Of a grid: branches that go out at random, a day")->capture_default_str(),
      run->add_option("--hidden", r.hidden_failure, "Of a grid: chance that a branch beside one that trips does so, too")->capture_default_str(),
      run->add_option("--swing", r.swing, "Of a grid: part by which demand swings over a day")->capture_default_str(),
      run->add_flag("--dc", r.dc, "Of a grid: the linear model")};
  run->callback([&p, of_world, of_grid] {
    const bool world = r.file.ends_with(".toml");
    for (const CLI::Option* option : world ? of_grid : of_world)
      if (option->count() > 0) throw CLI::ValidationError(option->get_name(), world ? "is for a grid alone, and this is a world" : "is for a world, and this is a grid");
    w.file = r.file;
    w.seed = r.seed;
    w.json = r.json;
    w.quiet = r.quiet;
    p.exit = world ? run_range_world(w, stdout, stderr) : run_range_run(r, stdout, stderr);
  });
  add_range_wire(p, range);
}

}  // namespace bongsu::cli
