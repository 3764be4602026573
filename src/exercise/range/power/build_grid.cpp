#include "exercise/range/power/build_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "exercise/range/power/ac_flow.h"
#include "exercise/range/power/islands.h"

namespace bongsu::exercise::power {
namespace {

// -- the files ---------------------------------------------------------------------------------------------------------

struct Row {
  std::uint64_t line = 0;
  std::vector<std::string> cells;
};

class Table {
 public:
  static Result<Table> read(std::string_view text, const std::string& source) {
    Table t;
    t.source_ = source;
    if (text.size() > kMaxGridBytes) return fail(ErrorCode::kTooLarge, fmt::format("a file may have {} bytes", kMaxGridBytes), {.source = source});
    std::uint64_t line = 1;
    for (std::size_t at = 0; at < text.size();) {
      Row row{.line = line, .cells = {""}};
      bool quoted = false;
      for (; at < text.size() && (quoted || text[at] != '\n'); ++at) {
        const char c = text[at];
        if (c == '\n') ++line;
        if (c == '\'') {
          if (quoted && at + 1 < text.size() && text[at + 1] == '\'') {
            row.cells.back() += c;
            ++at;
          } else {
            quoted = !quoted;
          }
        } else if (c == ',' && !quoted) {
          if (row.cells.size() >= kMaxGridColumns)
            return fail(ErrorCode::kTooLarge, fmt::format("a row may have {} columns", kMaxGridColumns), {.source = source, .line = row.line});
          row.cells.emplace_back();
        } else if (c != '\r') {
          row.cells.back() += c;
        }
      }
      if (quoted) return fail(ErrorCode::kInvalid, "a quoted text has no end", {.source = source, .line = row.line});
      ++at;
      ++line;
      if (row.cells.size() == 1 && row.cells[0].empty()) continue;
      if (t.names_.empty()) {
        t.names_ = std::move(row.cells);
        continue;
      }
      if (row.cells.size() != t.names_.size())
        return fail(ErrorCode::kInvalid, fmt::format("this row has {} columns, the header {}", row.cells.size(), t.names_.size()),
                    {.source = source, .line = row.line});
      if (t.rows.size() >= kMaxGridRows) return fail(ErrorCode::kTooLarge, fmt::format("a file may have {} rows", kMaxGridRows), {.source = source, .line = row.line});
      t.rows.push_back(std::move(row));
    }
    return t;
  }
  // Where the columns of these names are, in their order.
  template <class... Names>
  Result<std::array<std::size_t, sizeof...(Names)>> columns(Names... names) const {
    std::array<std::size_t, sizeof...(Names)> at{};
    std::size_t next = 0;
    for (const std::string_view name : {std::string_view(names)...}) {
      const auto found = std::ranges::find(names_, name);
      if (found == names_.end())
        return fail(ErrorCode::kInvalid, "the column is missing",
                    {.source = source_, .line = 1, .field = std::string(name)});
      at[next++] = static_cast<std::size_t>(found - names_.begin());
    }
    return at;
  }
  Result<double> number(const Row& row, std::size_t column) const {
    const auto value = finite_number(row.cells[column]);
    if (!value) return wrong(row, "is no number", names_[column]);
    return *value;
  }
  std::unexpected<Error> wrong(const Row& row, std::string message, std::string field = {}) const {
    return fail(ErrorCode::kInvalid, std::move(message),
                {.source = source_, .line = row.line, .field = std::move(field)});
  }
  std::vector<Row> rows;

 private:
  std::string source_;
  std::vector<std::string> names_;
};

bool yes(const std::string& text) { return text == "t" || text == "True" || text == "true"; }

// "country"=>"LT" of a text in hstore form.
std::string tag(const std::string& tags, std::string_view name) {
  const std::string key = fmt::format("\"{}\"=>\"", name);
  const std::size_t at = tags.find(key);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + key.size(), end = tags.find('"', begin);
  return end == std::string::npos ? std::string() : tags.substr(begin, end - begin);
}

// -- estimates ---------------------------------------------------------------------------------------------------------

double kilovolts(double given) {
  if (given < 200) return 110;
  if (given < 290) return 220;
  if (given < 350) return 330;
  if (given < 450) return 400;
  return given < 700 ? 500 : 750;
}

struct LineType {
  double r_ohm, x_ohm, c_nf, i_ka;  // a kilometre
};
LineType line_type(double kv) {
  constexpr LineType k110{0.0949, 0.38, 9.2, 0.74}, k220{0.06, 0.301, 12.5, 1.29}, k380{0.03, 0.246, 13.8, 2.58};
  if (kv <= 110) return k110;
  if (kv <= 220) return k220;
  if (kv >= 380) return k380;
  const double part = (kv - 220) / (380 - 220);
  const auto between = [part](double a, double b) { return a + part * (b - a); };
  return {between(k220.r_ohm, k380.r_ohm), between(k220.x_ohm, k380.x_ohm), between(k220.c_nf, k380.c_nf), between(k220.i_ka, k380.i_ka)};
}

// MW of a station whose capacity is not given: round figures by what it burns. Nothing: it generates nothing.
std::optional<double> capacity_of(const std::string& technology) {
  static const std::map<std::string_view, double> known = {
      {"Nuclear", 2000}, {"Hard coal", 800}, {"Brown coal/Lignite", 800}, {"Oil shale", 600}, {"Fossil peat", 100}, {"Fossil fuel", 500},
      {"Fossil gas", 400}, {"Fossil oil", 300}, {"Coal derived gas", 200}, {"Other fossil fuels", 500}, {"Mixed fuels", 400},
      {"Hydro run of river & pondage", 200}, {"Hydro pure storage", 200}, {"Hydro mixed pump storage", 300}, {"Hydro pure pump storage", 600},
      {"Other or not listed", 500}, {"Biomass", 50}, {"Wind farm", 50}, {"Solar photovoltaic", 20}, {"Solar thermic", 50}, {"Geothermal", 50},
      {"Substations + Power Plants", 300}};
  const auto found = known.find(technology);
  if (found == known.end()) return std::nullopt;
  return found->second;
}

constexpr double kLoadPart = 0.55, kLosses = 0.02, kTangent = 0.2506, kReactors = 0.6, kSetpoint_pu = 1.02, kLowest_pu = 0.9, kMaxStation_mw = 100'000;  // tan(acos(0.97))
constexpr double kBaseMva = 100, kOmega = 2 * std::numbers::pi * 50;

class Builder {
 public:
  Builder(const GridText& text, const GridOptions& options) : text_(text), options_(options) {}

  Result<BuiltGrid> build() {
    if (options_.countries.empty()) return fail(ErrorCode::kInvalid, "name at least one country", {.field = "countries"});
    BONGSU_TRY_VOID(read_buses());
    BONGSU_TRY_VOID(read_lines());
    give_joints_a_country();
    choose();
    if (n_.buses.empty())
      return fail(ErrorCode::kNotFound, fmt::format("no bus in {}", fmt::join(options_.countries, ", ")), {.field = "countries"});
    add_lines();
    BONGSU_TRY_VOID(add_transformers());
    BONGSU_TRY_VOID(add_generators());
    drop_parts_without_power();
    if (n_.buses.empty()) return fail(ErrorCode::kNotFound, "no part of these countries' network has a power station", {.field = "countries"});
    share_load();
    BONGSU_TRY_VOID(make_it_solve());
    n_.name = fmt::format("grid_{}", fmt::join(options_.countries, "_"));
    BuiltGrid out;
    out.remarks = remarks();
    out.country = std::move(country_);
    out.station = std::move(station_);
    out.at = std::move(at_);
    out.technology = std::move(technology_);
    out.network = std::move(n_);
    return out;
  }

 private:
  struct RawBus {
    std::int64_t number;
    std::string station, country;
    double kv;
    bool usable;
    Position at;
  };
  struct RawLine {
    std::uint32_t a, b;
    double kv, km;
    int circuits;
    bool usable;
  };

  Result<void> read_buses() {
    BONGSU_TRY(const Table t, Table::read(text_.buses, "buses.csv"));
    BONGSU_TRY(const auto columns,
               t.columns("bus_id", "station_id", "voltage", "dc", "under_construction", "tags", "x", "y"));
    const auto [id, station, voltage, dc, building, tags, x, y] = columns;
    for (const Row& row : t.rows) {
      BONGSU_TRY(const double number, t.number(row, id));
      if (number < 1 || number > 1e9 || number != std::floor(number))
        return t.wrong(row, "is no whole number above 0", "bus_id");
      double kv = 0;
      if (!row.cells[voltage].empty()) {
        BONGSU_TRY(kv, t.number(row, voltage));
      }
      BONGSU_TRY(const double east, t.number(row, x));
      BONGSU_TRY(const double north, t.number(row, y));
      if (!on_earth({north, east})) return t.wrong(row, "stands nowhere on Earth", "x, y");
      if (kv < 0 || kv > 2000) return t.wrong(row, "lies between 0 and 2000 kV", "voltage");
      const auto at = static_cast<std::uint32_t>(buses_.size());
      // Equal texts are equal numbers: bus_at_ has none like this one yet.
      if (!numbers_.insert(static_cast<std::int64_t>(number)).second) return t.wrong(row, "is there twice", "bus_id");
      bus_at_.emplace(row.cells[id], at);
      buses_.push_back({.number = static_cast<std::int64_t>(number), .station = row.cells[station], .country = tag(row.cells[tags], "country"),
                        .kv = kilovolts(kv), .usable = kv > 0 && !yes(row.cells[dc]) && !yes(row.cells[building]), .at = {north, east}});
    }
    return {};
  }

  Result<std::uint32_t> bus(const Table& t, const Row& row, std::size_t column) const {
    const auto found = bus_at_.find(row.cells[column]);
    if (found == bus_at_.end()) return t.wrong(row, fmt::format("no bus has the id \"{}\"", row.cells[column]));
    return found->second;
  }

  Result<void> read_lines() {
    BONGSU_TRY(const Table t, Table::read(text_.lines, "lines.csv"));
    BONGSU_TRY(const auto columns,
               t.columns("bus0", "bus1", "voltage", "circuits", "length", "under_construction"));
    const auto [a, b, voltage, circuits, length, building] = columns;
    for (const Row& row : t.rows) {
      BONGSU_TRY(const std::uint32_t from, bus(t, row, a));
      BONGSU_TRY(const std::uint32_t to, bus(t, row, b));
      BONGSU_TRY(const double kv, t.number(row, voltage));
      BONGSU_TRY(const double count, t.number(row, circuits));
      BONGSU_TRY(const double metres, t.number(row, length));
      if (!(count >= 1 && count <= 12 && metres >= 0 && metres <= 1e7))
        return t.wrong(row, "a line has 1 to 12 circuits and 0 to 10,000 km");
      lines_.push_back({from, to, kilovolts(kv), std::max(metres / 1000, 1.0), static_cast<int>(count),
                        from != to && kv > 0 && !yes(row.cells[building])});
    }
    return {};
  }

  // Joints (where lines meet) have no country in the extract: that of the nearest bus along lines that has one.
  void give_joints_a_country() {
    std::vector<std::vector<std::uint32_t>> next(buses_.size());
    for (const RawLine& line : lines_) {
      next[line.a].push_back(line.b);
      next[line.b].push_back(line.a);
    }
    std::vector<std::uint32_t> front;
    for (std::uint32_t i = 0; i < buses_.size(); ++i)
      if (!buses_[i].country.empty()) front.push_back(i);
    for (std::size_t k = 0; k < front.size(); ++k)
      for (const std::uint32_t other : next[front[k]]) {
        if (!buses_[other].country.empty()) continue;
        buses_[other].country = buses_[front[k]].country;
        front.push_back(other);
      }
  }

  void choose() {
    const std::set<std::string> wanted(options_.countries.begin(), options_.countries.end());
    kept_.assign(buses_.size(), -1);
    for (std::size_t i = 0; i < buses_.size(); ++i) {
      const RawBus& raw = buses_[i];
      if (!wanted.contains(raw.country)) continue;
      if (!raw.usable) {
        ++unusable_;
        continue;
      }
      kept_[i] = static_cast<int>(n_.buses.size());
      n_.buses.push_back({.number = raw.number, .base_kv = raw.kv, .name = fmt::format("{} {:.0f} kV {}", raw.country, raw.kv, raw.number)});
      station_.push_back(raw.station);
      country_.push_back(raw.country);
      at_.push_back(raw.at);
    }
    circuits_.assign(n_.buses.size(), 0);
  }

  void add_lines() {
    for (const RawLine& line : lines_) {
      const int a = kept_[line.a], b = kept_[line.b];
      if (a < 0 && b < 0) continue;
      if (a < 0 || b < 0) {
        borders_ += a < 0 ? !buses_[line.a].country.empty() : !buses_[line.b].country.empty();
        continue;
      }
      if (!line.usable) {
        ++unusable_;
        continue;
      }
      const double kv = n_.buses[a].base_kv, ohms = kv * kv / kBaseMva;
      const LineType type = line_type(kv);
      const double charging = kOmega * type.c_nf * 1e-9 * line.km * ohms;
      for (int c = 0; c < line.circuits; ++c) {
        n_.branches.push_back({.from = static_cast<std::uint32_t>(a), .to = static_cast<std::uint32_t>(b), .r_pu = type.r_ohm * line.km / ohms,
                               .x_pu = type.x_ohm * line.km / ohms, .charging_pu = charging, .rating_mva = std::sqrt(3.0) * kv * type.i_ka});
        if (kv < 330) continue;
        for (const int end : {a, b}) n_.buses[end].shunt_mvar -= kReactors * charging / 2 * kBaseMva;
      }
      circuits_[a] += line.circuits;
      circuits_[b] += line.circuits;
      ++lines_kept_;
    }
  }

  Result<void> add_transformers() {
    BONGSU_TRY(const Table t, Table::read(text_.transformers, "transformers.csv"));
    BONGSU_TRY(const auto columns, t.columns("bus0", "bus1"));
    const auto [a, b] = columns;
    for (const Row& row : t.rows) {
      BONGSU_TRY(const std::uint32_t low, bus(t, row, a));
      BONGSU_TRY(const std::uint32_t high, bus(t, row, b));
      const int from = kept_[high], to = kept_[low];
      if (from < 0 || to < 0 || from == to) continue;
      const bool down = std::min(n_.buses[from].base_kv, n_.buses[to].base_kv) <= 110;
      for (int unit = 0; unit < (down ? 4 : 1); ++unit) {
        const double mva = down ? 160 : 2000, x = down ? 0.122 : 0.1, r = down ? 0.0025 : 0.001;
        n_.branches.push_back({.from = static_cast<std::uint32_t>(from), .to = static_cast<std::uint32_t>(to), .r_pu = r * kBaseMva / mva,
                               .x_pu = x * kBaseMva / mva, .rating_mva = mva, .ratio = 1});
      }
      ++transformers_;
    }
    return {};
  }

  Result<void> add_generators() {
    BONGSU_TRY(const Table t, Table::read(text_.generators, "generators.csv"));
    BONGSU_TRY(const auto columns, t.columns("bus_id", "technology", "capacity"));
    const auto [at, technology, capacity] = columns;
    // The extract names some stations twice, once as "Substations + Power Plants": only where there is nothing else.
    std::set<int> named;
    for (const bool mixed : {false, true}) {
      for (const Row& row : t.rows) {
        if ((row.cells[technology] == "Substations + Power Plants") != mixed) continue;
        const auto found = bus_at_.find(row.cells[at]);
        if (found == bus_at_.end()) continue;  // of a bus that the extract left out
        const int bus_number = kept_[found->second];
        const auto usual = capacity_of(row.cells[technology]);
        if (bus_number < 0 || !usual || (mixed && named.contains(bus_number))) continue;
        double mw = -1;
        if (!row.cells[capacity].empty()) {
          BONGSU_TRY(mw, t.number(row, capacity));
        }
        if (mw > kMaxStation_mw)
          return t.wrong(row, fmt::format("a station has at most {:.0f} MW", kMaxStation_mw), "capacity");
        if (!(mw > 0)) {
          mw = *usual;
          ++guessed_;
        }
        named.insert(bus_number);
        n_.generators.push_back({.bus = static_cast<std::uint32_t>(bus_number), .q_max_mvar = 0.5 * mw, .q_min_mvar = -0.5 * mw,
                                 .setpoint_pu = kSetpoint_pu, .base_mva = mw, .p_max_mw = mw});
        technology_.push_back(row.cells[technology]);
        n_.buses[bus_number].kind = BusKind::kVoltage;
      }
    }
    return {};
  }

  void drop_parts_without_power() {
    std::vector<int> to(n_.buses.size(), -1);
    for (const Island& island : find_islands(n_)) {
      if (island.references.empty() || island.buses.size() < 2) {
        dark_ += island.buses.size();
        continue;
      }
      for (const std::uint32_t bus_number : island.buses) to[bus_number] = 0;
    }
    Network kept;
    std::vector<std::string> stations, countries, technologies;
    std::vector<Position> places;
    std::vector<int> circuits;
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (to[i] < 0) continue;
      to[i] = static_cast<int>(kept.buses.size());
      kept.buses.push_back(std::move(n_.buses[i]));
      stations.push_back(std::move(station_[i]));
      countries.push_back(std::move(country_[i]));
      places.push_back(at_[i]);
      circuits.push_back(circuits_[i]);
    }
    for (Branch branch : n_.branches) {
      if (to[branch.from] < 0) continue;
      branch.from = static_cast<std::uint32_t>(to[branch.from]);
      branch.to = static_cast<std::uint32_t>(to[branch.to]);
      kept.branches.push_back(branch);
    }
    for (std::size_t g = 0; g < n_.generators.size(); ++g) {
      Generator generator = n_.generators[g];
      if (to[generator.bus] < 0) continue;
      technologies.push_back(std::move(technology_[g]));
      generator.bus = static_cast<std::uint32_t>(to[generator.bus]);
      kept.generators.push_back(generator);
    }
    kept.base_mva = kBaseMva;
    n_ = std::move(kept);
    station_ = std::move(stations);
    country_ = std::move(countries);
    at_ = std::move(places);
    technology_ = std::move(technologies);
    circuits_ = std::move(circuits);
    // The largest station of each part is its reference.
    std::vector<double> mw(n_.buses.size(), 0);
    for (const Generator& g : n_.generators) mw[g.bus] += g.p_max_mw;
    for (const Island& island : find_islands(n_)) {
      std::uint32_t best = island.references.front();
      for (const std::uint32_t at : island.buses)
        if (mw[at] > mw[best]) best = at;
      n_.buses[best].kind = BusKind::kReference;
    }
  }

  void share_load() {
    std::map<std::string, double> capacity;
    for (const Generator& g : n_.generators) capacity[country_[g.bus]] += g.p_max_mw;
    // Load hangs at a station's lowest voltage, and weighs what ends at the station.
    std::map<std::string, std::uint32_t> lowest;
    std::map<std::string, double> weight_of;
    for (std::uint32_t i = 0; i < n_.buses.size(); ++i) {
      const std::string key = station_[i];
      const auto [found, fresh] = lowest.emplace(key, i);
      if (!fresh && n_.buses[i].base_kv < n_.buses[found->second].base_kv) found->second = i;
      weight_of[key] += circuits_[i];
    }
    std::map<std::string, double> sum;
    for (const auto& [key, at] : lowest) sum[country_[at]] += weight_of[key];
    for (const auto& [key, at] : lowest) {
      const std::string& country = country_[at];
      const auto told = options_.load_mw.find(country);
      const double all = told != options_.load_mw.end() ? told->second : kLoadPart * capacity[country];
      if (sum[country] == 0) continue;
      n_.buses[at].load_mw = all * weight_of[key] / sum[country];
      n_.buses[at].load_mvar = n_.buses[at].load_mw * kTangent;
    }
    dispatch();
  }

  // Every station of a part gives the same part of its capacity.
  void dispatch() {
    const std::vector<Island> islands = find_islands(n_);
    std::vector<std::size_t> island_of(n_.buses.size());
    std::vector<double> load(islands.size(), 0), capacity(islands.size(), 0);
    for (std::size_t k = 0; k < islands.size(); ++k)
      for (const std::uint32_t at : islands[k].buses) {
        island_of[at] = k;
        load[k] += n_.buses[at].load_mw;
      }
    for (const Generator& g : n_.generators) capacity[island_of[g.bus]] += g.p_max_mw;
    for (Generator& g : n_.generators) {
      const std::size_t k = island_of[g.bus];
      g.p_mw = g.p_max_mw * std::min(1.0, load[k] * (1 + kLosses) / capacity[k]);
    }
  }

  Result<void> make_it_solve() {
    const std::vector<Island> islands = find_islands(n_);  // as the flow's are; loads change, and these stay
    for (lowered_ = 0; lowered_ < 30; ++lowered_) {
      const FlowResult flow = solve_ac(n_, {.start = Start::kFlat});
      bool all = true;
      for (std::size_t k = 0; k < flow.islands.size(); ++k) {
        double lowest = 1;
        for (const std::uint32_t i : islands[k].buses) lowest = std::min(lowest, flow.magnitude_pu[i]);
        const bool solved = flow.islands[k].outcome == Outcome::kSolved;
        if (solved && lowest >= kLowest_pu) continue;
        all = false;
        why_ = solved ? fmt::format("a voltage of {:.2f} pu", lowest) : flow.islands[k].reason;
        for (const std::uint32_t i : islands[k].buses) {
          if (solved && flow.magnitude_pu[i] > kLowest_pu + 0.02) continue;
          n_.buses[i].load_mw *= 0.9;
          n_.buses[i].load_mvar *= 0.9;
        }
      }
      if (all) {
        start_from(n_, flow);
        return {};
      }
      dispatch();
    }
    return fail(ErrorCode::kInvalid, fmt::format("the network has no solution even at a twentieth of its load: {}", why_));
  }

  std::string remarks() const {
    double load = 0, capacity = 0;
    for (const Bus& b : n_.buses) load += b.load_mw;
    for (const Generator& g : n_.generators) capacity += g.p_max_mw;
    std::string text = fmt::format(
        "ESTIMATED, for exercises: topology of {} from the unofficial ENTSO-E extract (GridKit, March 2022); impedances, ratings,\n"
        "capacities, loads and output are estimates, and no statement about any real network.\n"
        "Lines by voltage and length: 110 kV 305-AL1/39-ST1A (pandapower), 220 kV Al/St 240/40 in bundles of two, 380 kV and more of four\n"
        "(Oeding and Oswald 2011; PyPSA), 330 kV between them. Transformers 2000 MVA, 10 % (PyPSA-Eur); to 110 kV 4 x 160 MVA, 12.2 %.\n"
        "Reactors take three fifths of the charging from 330 kV. Load by circuits that end at a station, power factor 0.97.\n"
        "{} lines, {} transformer sites, {} power stations ({} of them with a capacity guessed by fuel): {:.0f} MW of capacity, {:.0f} MW of load.\n"
        "Left out: {} lines that leave these countries, {} buses and lines under construction or of direct current, {} buses without any power station.",
        fmt::join(options_.countries, ", "), lines_kept_, transformers_, n_.generators.size(), guessed_, capacity, load, borders_, unusable_, dark_);
    if (lowered_ > 0)
      text += fmt::format("\nLoads were lowered {} times by a tenth where the estimate had no operating point, or at buses near a voltage below 0.9 pu (at last: {}).", lowered_, why_);
    return text;
  }

  const GridText& text_;
  const GridOptions& options_;
  std::vector<RawBus> buses_;
  std::vector<RawLine> lines_;
  std::unordered_map<std::string, std::uint32_t> bus_at_;
  std::set<std::int64_t> numbers_;
  std::vector<int> kept_, circuits_;
  std::vector<std::string> station_, country_, technology_;
  std::vector<Position> at_;
  Network n_;
  std::size_t unusable_ = 0, borders_ = 0, lines_kept_ = 0, transformers_ = 0, guessed_ = 0, dark_ = 0;
  int lowered_ = 0;
  std::string why_;
};

}  // namespace

Result<BuiltGrid> build_grid(const GridText& text, const GridOptions& options) { return Builder(text, options).build(); }

}  // namespace bongsu::exercise::power
