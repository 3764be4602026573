#include "exercise/wire/modbus/registers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace bongsu::exercise::wire::modbus {
namespace {

constexpr double kOn = 2, kOff = 1;  // of double points

template <class T>
std::uint32_t whole(double value) {
  const double rounded = std::nearbyint(value);
  constexpr double low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  return static_cast<std::uint32_t>(static_cast<T>(std::clamp(rounded, low, high)));
}

std::uint32_t key(Table table, std::uint32_t address) { return static_cast<std::uint32_t>(table) << 16 | address; }

}  // namespace

std::vector<std::uint16_t> to_registers(const ModbusPlace& place, double value) {
  const double scaled = value * place.scale;
  std::uint32_t bits = 0;
  switch (place.format) {
    case RegisterFormat::kU16:
      return {static_cast<std::uint16_t>(whole<std::uint16_t>(scaled))};
    case RegisterFormat::kI16:
      return {static_cast<std::uint16_t>(whole<std::int16_t>(scaled))};
    case RegisterFormat::kU32:
      bits = whole<std::uint32_t>(scaled);
      break;
    case RegisterFormat::kI32:
      bits = whole<std::int32_t>(scaled);
      break;
    case RegisterFormat::kF32:
      bits = std::bit_cast<std::uint32_t>(static_cast<float>(scaled));
      break;
  }
  const auto high = static_cast<std::uint16_t>(bits >> 16), low = static_cast<std::uint16_t>(bits);
  if (place.swapped) return {low, high};
  return {high, low};
}

double from_registers(const ModbusPlace& place, const std::vector<std::uint16_t>& r) {
  double value = 0;
  if (place.format == RegisterFormat::kU16) {
    value = r[0];
  } else if (place.format == RegisterFormat::kI16) {
    value = static_cast<std::int16_t>(r[0]);
  } else {
    const std::uint32_t bits = static_cast<std::uint32_t>(r[place.swapped ? 1 : 0]) << 16 | r[place.swapped ? 0 : 1];
    if (place.format == RegisterFormat::kU32)
      value = bits;
    else if (place.format == RegisterFormat::kI32)
      value = static_cast<std::int32_t>(bits);
    else
      value = static_cast<double>(std::bit_cast<float>(bits));
  }
  return value / place.scale;
}

std::uint16_t coil_of(PointKind kind, double value) { return kind == PointKind::kDouble ? value == kOn : value != 0; }

double of_coil(PointKind kind, std::uint16_t coil) {
  if (kind == PointKind::kDouble) return coil != 0 ? kOn : kOff;
  return coil != 0 ? 1 : 0;
}

RegisterMap::RegisterMap(const PointList& list) : list_(list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto& place = list[i].modbus;
    if (!place) continue;
    for (std::uint8_t part = 0; part < place->registers(); ++part)
      parts_.emplace(key(place->table, place->address + part), Part{.point = i, .index = part});
  }
}

const RegisterMap::Part* RegisterMap::find(Table table, std::uint32_t address) const {
  if (address > 0xFFFF) return nullptr;
  const auto found = parts_.find(key(table, address));
  return found == parts_.end() ? nullptr : &found->second;
}

std::expected<std::vector<std::uint16_t>, Exception> RegisterMap::read(Table table, std::uint16_t address,
                                                                       std::uint16_t count,
                                                                       const Points& points) const {
  std::vector<std::uint16_t> out;
  out.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Part* part = find(table, address + i);
    if (part == nullptr) return std::unexpected(Exception::kIllegalAddress);
    const PointRow& row = list_[part->point];
    const double value = points.read(part->point).value;
    out.push_back(is_bit(table) ? coil_of(row.point.kind, value) : to_registers(*row.modbus, value)[part->index]);
  }
  return out;
}

std::expected<std::vector<Write>, Exception> RegisterMap::write(Table table, std::uint16_t address,
                                                                const std::vector<std::uint16_t>& values,
                                                                const Points& points) const {
  for (std::uint32_t i = 0; i < values.size(); ++i)
    if (find(table, address + i) == nullptr) return std::unexpected(Exception::kIllegalAddress);
  std::vector<Write> out;
  for (std::uint32_t i = 0; i < values.size();) {
    const Part& part = *find(table, address + i);
    const PointRow& row = list_[part.point];
    Write write{.point = part.point};
    if (table == Table::kCoil) {
      write.value = of_coil(row.point.kind, values[i++]);
    } else {
      auto registers = to_registers(*row.modbus, points.read(part.point).value);
      for (std::size_t at = part.index; at < registers.size() && i < values.size(); ++at) registers[at] = values[i++];
      write.value = from_registers(*row.modbus, registers);
    }
    if (!holds(row.point.kind, write.value)) return std::unexpected(Exception::kIllegalValue);
    out.push_back(write);
  }
  return out;
}

}  // namespace bongsu::exercise::wire::modbus
