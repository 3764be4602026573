// The equations of one island: mismatch of power at each bus against its voltages, and their Jacobian in a fixed pattern
// (Newton's method in polar form; Tinney and Hart 1967; MATPOWER manual, section 4.1).
//
// Unknowns: the angle of every bus but the references, and the logarithm of the magnitude of every load bus. With the
// logarithm, an entry needs no division; the steps are those of the magnitude itself, relative to it.
//
//   AcSystem system(network, island, roles, generators);
//   const Mismatch m = system.mismatch();              // at the voltages that it holds
//   system.fill_jacobian();  lu.factor(system.jacobian());
#pragma once

#include <span>
#include <vector>

#include "exercise/range/power/islands.h"
#include "exercise/range/power/network.h"

namespace bongsu::exercise::power {

struct Mismatch {
  double largest_pu = 0;  // of |ΔP|, |ΔQ|
  int bus = -1;           // local
  double squares = 0;
};

class AcSystem {
 public:
  // What the generators inject, MW and MVAr by generator, as far as roles leave it given.
  struct Injections {
    std::span<const double> p_mw, q_mvar;
  };
  AcSystem(const Network& network, const Island& island, std::span<const BusKind> roles, const Injections& injections);

  int buses() const { return static_cast<int>(global_.size()); }
  int unknowns() const { return unknowns_; }
  std::span<const std::uint32_t> global() const { return global_; }
  int local(std::uint32_t bus) const { return local_[bus]; }  // -1: not of this island

  void start(std::span<const double> magnitude_pu, std::span<const double> angle_rad);  // by local bus

  Mismatch mismatch();                     // fills residual() and the powers
  std::span<double> residual() { return residual_; }  // given minus computed
  std::span<const double> p() const { return p_; }    // computed injections, pu
  std::span<const double> q() const { return q_; }
  void fill_jacobian();                    // of the computed injections; mismatch() first
  std::span<const double> jacobian() const { return jacobian_; }
  const std::vector<int>& starts() const { return starts_; }
  const std::vector<int>& rows() const { return rows_; }
  void step(std::span<const double> change, double length = 1);

  // Voltages by local bus.
  std::span<const double> magnitude() const { return magnitude_; }
  std::span<const double> angle() const { return angle_; }
  // Where unknowns stand; -1: given.
  std::span<const int> angle_at() const { return angle_at_; }
  std::span<const int> magnitude_at() const { return magnitude_at_; }
  // Admittances by rows of local buses, the diagonal apart.
  struct Row {
    std::span<const int> column;
    std::span<const double> g, b;
    double own_g, own_b;
  };
  Row row(int bus) const;
  std::span<const double> given_p() const { return given_p_; }
  std::span<const double> given_q() const { return given_q_; }

 private:
  void take_injections(const Network& network, const Injections& injections);
  void make_admittances(const Network& network);
  void make_pattern();
  void rectangular();

  std::vector<std::uint32_t> global_;
  std::vector<int> local_;
  std::vector<int> y_start_, y_column_;
  std::vector<double> y_g_, y_b_, own_g_, own_b_;
  std::vector<double> given_p_, given_q_, magnitude_, angle_, e_, f_, p_, q_, residual_;
  std::vector<int> angle_at_, magnitude_at_;
  int unknowns_ = 0;
  std::vector<int> starts_, rows_;
  std::vector<double> jacobian_;
  struct Place {
    int p_angle = -1, p_magnitude = -1, q_angle = -1, q_magnitude = -1;  // where the four derivatives stand; -1: nowhere
  };
  std::vector<Place> place_, own_place_;
};

}  // namespace bongsu::exercise::power
