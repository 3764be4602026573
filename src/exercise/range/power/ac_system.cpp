#include "exercise/range/power/ac_system.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace bongsu::exercise::power {

AcSystem::AcSystem(const Network& network, const Island& island, std::span<const BusKind> roles, const Injections& injections)
    : global_(island.buses), local_(network.buses.size(), -1) {
  const std::size_t count = global_.size();
  for (std::size_t i = 0; i < count; ++i) local_[global_[i]] = static_cast<int>(i);
  angle_at_.assign(count, -1);
  magnitude_at_.assign(count, -1);
  for (std::size_t i = 0; i < count; ++i) {
    const BusKind kind = roles[global_[i]];
    if (kind != BusKind::kReference) angle_at_[i] = unknowns_++;
    if (kind == BusKind::kLoad) magnitude_at_[i] = unknowns_++;
  }
  for (auto* v : {&given_p_, &given_q_, &e_, &f_, &p_, &q_, &own_g_, &own_b_}) v->assign(count, 0);
  magnitude_.assign(count, 1);
  angle_.assign(count, 0);
  residual_.assign(unknowns_, 0);
  take_injections(network, injections);
  make_admittances(network);
  make_pattern();
}

void AcSystem::take_injections(const Network& network, const Injections& injections) {
  for (std::size_t i = 0; i < global_.size(); ++i) {
    given_p_[i] = -network.buses[global_[i]].load_mw / network.base_mva;
    given_q_[i] = -network.buses[global_[i]].load_mvar / network.base_mva;
  }
  for (std::size_t g = 0; g < network.generators.size(); ++g) {
    const Generator& generator = network.generators[g];
    const int at = local_[generator.bus];
    if (at < 0 || !generator.on) continue;
    given_p_[at] += injections.p_mw[g] / network.base_mva;
    given_q_[at] += injections.q_mvar[g] / network.base_mva;
  }
}

void AcSystem::make_admittances(const Network& network) {
  const std::size_t count = global_.size();
  for (std::size_t i = 0; i < count; ++i) {
    own_g_[i] = network.buses[global_[i]].shunt_mw / network.base_mva;
    own_b_[i] = network.buses[global_[i]].shunt_mvar / network.base_mva;
  }
  struct Entry {
    int row, column;
    std::size_t order;  // parallel branches are summed in their order
    std::complex<double> value;
  };
  std::vector<Entry> entries;
  for (const Branch& branch : network.branches) {
    const int from = local_[branch.from], to = local_[branch.to];
    if (from < 0 || !in_service(network, branch)) continue;
    const Admittance y = admittance_of(branch);
    own_g_[from] += y.ff.real();
    own_b_[from] += y.ff.imag();
    own_g_[to] += y.tt.real();
    own_b_[to] += y.tt.imag();
    entries.push_back({from, to, entries.size(), y.ft});
    entries.push_back({to, from, entries.size(), y.tf});
  }
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    return std::tie(a.row, a.column, a.order) < std::tie(b.row, b.column, b.order);
  });
  y_start_.assign(count + 1, 0);
  for (std::size_t k = 0; k < entries.size(); ++k) {
    const Entry& one = entries[k];
    if (k > 0 && entries[k - 1].row == one.row && entries[k - 1].column == one.column) {
      y_g_.back() += one.value.real();
      y_b_.back() += one.value.imag();
      continue;
    }
    y_column_.push_back(one.column);
    y_g_.push_back(one.value.real());
    y_b_.push_back(one.value.imag());
    ++y_start_[one.row + 1];
  }
  for (std::size_t i = 0; i < count; ++i) y_start_[i + 1] += y_start_[i];
}

AcSystem::Row AcSystem::row(int bus) const {
  const auto begin = static_cast<std::size_t>(y_start_[bus]), length = static_cast<std::size_t>(y_start_[bus + 1] - y_start_[bus]);
  return {std::span(y_column_).subspan(begin, length), std::span(y_g_).subspan(begin, length), std::span(y_b_).subspan(begin, length),
          own_g_[bus], own_b_[bus]};
}

// Rows and columns of the Jacobian have the same order: the equation for the active power at a bus stands where its angle does, that
// for the reactive power where its magnitude does. The pattern is symmetric, as that of the admittances is.
void AcSystem::make_pattern() {
  const int count = buses();
  std::vector<std::vector<int>> columns(unknowns_);
  const auto pair = [&](int i, int j) {
    for (const int column : {angle_at_[j], magnitude_at_[j]}) {
      if (column < 0) continue;
      if (angle_at_[i] >= 0) columns[column].push_back(angle_at_[i]);
      if (magnitude_at_[i] >= 0) columns[column].push_back(magnitude_at_[i]);
    }
  };
  for (int i = 0; i < count; ++i) {
    pair(i, i);
    for (int k = y_start_[i]; k < y_start_[i + 1]; ++k) pair(i, y_column_[k]);
  }
  starts_.assign(1, 0);
  for (auto& column : columns) {
    std::ranges::sort(column);
    rows_.insert(rows_.end(), column.begin(), column.end());
    starts_.push_back(static_cast<int>(rows_.size()));
  }
  jacobian_.assign(rows_.size(), 0);
  const auto find = [&](int row, int column) {
    if (row < 0 || column < 0) return -1;
    const auto at = std::lower_bound(rows_.begin() + starts_[column], rows_.begin() + starts_[column + 1], row);
    return static_cast<int>(at - rows_.begin());
  };
  const auto place = [&](int i, int j) {
    return Place{find(angle_at_[i], angle_at_[j]), find(angle_at_[i], magnitude_at_[j]), find(magnitude_at_[i], angle_at_[j]),
                 find(magnitude_at_[i], magnitude_at_[j])};
  };
  own_place_.resize(count);
  place_.resize(y_column_.size());
  for (int i = 0; i < count; ++i) {
    own_place_[i] = place(i, i);
    for (int k = y_start_[i]; k < y_start_[i + 1]; ++k) place_[k] = place(i, y_column_[k]);
  }
}

void AcSystem::start(std::span<const double> magnitude_pu, std::span<const double> angle_rad) {
  std::ranges::copy(magnitude_pu, magnitude_.begin());
  std::ranges::copy(angle_rad, angle_.begin());
  rectangular();
}

void AcSystem::rectangular() {
  for (std::size_t i = 0; i < magnitude_.size(); ++i) {
    e_[i] = magnitude_[i] * std::cos(angle_[i]);
    f_[i] = magnitude_[i] * std::sin(angle_[i]);
  }
}

Mismatch AcSystem::mismatch() {
  Mismatch m;
  bool finite = true;
  const auto note = [&](double value, int bus) {
    if (!std::isfinite(value)) finite = false;
    m.squares += value * value;
    if (std::abs(value) > m.largest_pu) {
      m.largest_pu = std::abs(value);
      m.bus = bus;
    }
  };
  for (int i = 0; i < buses(); ++i) {
    double re = own_g_[i] * e_[i] - own_b_[i] * f_[i], im = own_g_[i] * f_[i] + own_b_[i] * e_[i];
    for (int k = y_start_[i]; k < y_start_[i + 1]; ++k) {
      const int j = y_column_[k];
      re += y_g_[k] * e_[j] - y_b_[k] * f_[j];
      im += y_g_[k] * f_[j] + y_b_[k] * e_[j];
    }
    p_[i] = e_[i] * re + f_[i] * im;
    q_[i] = f_[i] * re - e_[i] * im;
    if (const int at = angle_at_[i]; at >= 0) note(residual_[at] = given_p_[i] - p_[i], i);
    if (const int at = magnitude_at_[i]; at >= 0) note(residual_[at] = given_q_[i] - q_[i], i);
  }
  if (!finite) m.largest_pu = m.squares = HUGE_VAL;
  return m;
}

void AcSystem::fill_jacobian() {
  const auto put = [this](const Place& place, double p_angle, double p_magnitude, double q_angle, double q_magnitude) {
    if (place.p_angle >= 0) jacobian_[place.p_angle] = p_angle;
    if (place.p_magnitude >= 0) jacobian_[place.p_magnitude] = p_magnitude;
    if (place.q_angle >= 0) jacobian_[place.q_angle] = q_angle;
    if (place.q_magnitude >= 0) jacobian_[place.q_magnitude] = q_magnitude;
  };
  for (int i = 0; i < buses(); ++i) {
    for (int k = y_start_[i]; k < y_start_[i + 1]; ++k) {
      const int j = y_column_[k];
      const double c = e_[i] * e_[j] + f_[i] * f_[j], s = f_[i] * e_[j] - e_[i] * f_[j];
      const double along = y_g_[k] * c + y_b_[k] * s, across = y_g_[k] * s - y_b_[k] * c;
      put(place_[k], across, along, -along, across);
    }
    const double square = e_[i] * e_[i] + f_[i] * f_[i], g = own_g_[i] * square, b = own_b_[i] * square;
    put(own_place_[i], -q_[i] - b, p_[i] + g, p_[i] - g, q_[i] - b);
  }
}

void AcSystem::step(std::span<const double> change, double length) {
  for (std::size_t i = 0; i < magnitude_.size(); ++i) {
    if (angle_at_[i] >= 0) angle_[i] += length * change[angle_at_[i]];
    if (magnitude_at_[i] >= 0) magnitude_[i] *= 1 + length * change[magnitude_at_[i]];
  }
  rectangular();
}

}  // namespace bongsu::exercise::power
