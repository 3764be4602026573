// Points as coils and registers, and back: which address has which part of which point.
//
//   RegisterMap map(list);
//   map.read(Table::kHolding, 100, 4, points)       // 16-bit values, or an exception
//   map.write(Table::kHolding, 100, {0x42C8, 0}, points)   // what is asked of which points
//
// A value that doesn't fit its register stands at the end of the register's range; a value of bad quality is read as
// the last one, as a controller without quality would have it.
#pragma once

#include <expected>
#include <unordered_map>
#include <vector>

#include "exercise/wire/modbus/pdu.h"
#include "exercise/wire/point_list.h"
#include "exercise/wire/points.h"

namespace bongsu::exercise::wire::modbus {

// The registers of a value, in the order of their addresses; and the value of registers.
std::vector<std::uint16_t> to_registers(const ModbusPlace& place, double value);
double from_registers(const ModbusPlace& place, const std::vector<std::uint16_t>& registers);

// What a coil or discrete input has of a point, and what one that was written asks of it: of double points, which have
// two bits of meaning, on is 2 and off is 1.
std::uint16_t coil_of(PointKind kind, double value);
double of_coil(PointKind kind, std::uint16_t coil);

struct Write {
  std::size_t point = 0;
  double value = 0;
};

class RegisterMap {
 public:
  explicit RegisterMap(const PointList& list);  // which outlives it

  // kIllegalAddress: an address that no point has. `count` is at least 1.
  std::expected<std::vector<std::uint16_t>, Exception> read(Table table, std::uint16_t address, std::uint16_t count,
                                                            const Points& points) const;
  // kIllegalAddress; kIllegalValue: a value that the point's kind can't hold. One register of two leaves the other as
  // it is.
  std::expected<std::vector<Write>, Exception> write(Table table, std::uint16_t address,
                                                     const std::vector<std::uint16_t>& values,
                                                     const Points& points) const;

 private:
  struct Part {
    std::size_t point = 0;
    std::uint8_t index = 0;  // of the value's registers
  };
  const Part* find(Table table, std::uint32_t address) const;

  const PointList& list_;
  std::unordered_map<std::uint32_t, Part> parts_;
};

}  // namespace bongsu::exercise::wire::modbus
