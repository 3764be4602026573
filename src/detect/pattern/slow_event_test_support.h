// An event as an observation with all its objects, made one by one: what the event matcher never makes. For tests.
#pragma once

#include "detect/pattern/observation.h"
#include "stix/pattern.h"
#include "telemetry/event.h"

namespace bongsu::detect {

Observation observe(const telemetry::EventView& event, const telemetry::FieldMap& map);

// The pattern with its constants as events have them.
stix::ComparisonExpression in_event_form(const stix::ComparisonExpression& expression);

}  // namespace bongsu::detect
