// Points as objects of the monitoring direction, and back: which type a kind has, quality bits, values.
#pragma once

#include <optional>

#include "exercise/wire/iec104/asdu.h"
#include "exercise/wire/points.h"

namespace bongsu::exercise::wire::iec104 {

TypeId monitored_type(PointKind kind, bool with_time);
// The time is there when `time` is.
Object monitored_object(std::uint32_t address, PointKind kind, double value, const Quality& quality,
                        const std::optional<Instant>& time);
// The type of the commands that a point of this kind takes; nullopt: counters take none.
std::optional<TypeId> command_type(PointKind kind);
bool is_command(TypeId type);         // to a process point, with time or without
TypeId without_time(TypeId command);  // C_SC_TA_1 → C_SC_NA_1; others stay
// The element that a command of this type has for the value (steps: 1 lower, 2 higher); nullopt: none.
std::optional<Element> commanded_element(TypeId type, double value);

// What an element of the monitoring direction says, as a number; nullopt: another shape.
std::optional<double> value_of(const Type& type, const Element& element);
Quality quality_of(const Type& type, const Element& element);

}  // namespace bongsu::exercise::wire::iec104
