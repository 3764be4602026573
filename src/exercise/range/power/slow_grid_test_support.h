// LiveGrid with DC flows once more, without a shortcut: every tenth of a second by itself, islands by walking, dense flows. Shares no line
// with it.
#pragma once

#include <string>
#include <vector>

#include "exercise/range/power/cascade.h"

namespace bongsu::exercise::power {

class SlowGrid {
 public:
  SlowGrid(const Network& network, const GridSettings& settings);
  void open(std::uint32_t branch);
  void trip(std::uint32_t generator);
  void advance(double seconds);

  struct Trip {
    double at_s;
    char kind;  // 'b'ranch, 'g'enerator, 's'hed
    std::uint32_t at;
  };
  std::vector<Trip> trips;
  std::vector<double> hz, served;  // by bus

 private:
  void settle();
  Network n_;
  GridSettings s_;
  double now_ = 0;
  std::vector<double> part_, turbine_, setpoint_, machine_hz_, total_;
  std::vector<int> group_;                  // by bus, -1: dark
  std::vector<int> stage_;                  // by bus: of its island
  std::vector<std::vector<double>> below_;  // by bus
  std::vector<double> outside_;
  std::vector<double> flow_;
};

}  // namespace bongsu::exercise::power
