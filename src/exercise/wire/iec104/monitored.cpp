#include "exercise/wire/iec104/monitored.h"

#include <algorithm>
#include <cmath>

namespace bongsu::exercise::wire::iec104 {
namespace {

std::uint8_t quality_bits(PointKind kind, const Quality& q) {
  std::uint8_t bits = q.invalid ? kInvalidQuality : 0;
  if (kind == PointKind::kCounter) return bits;
  if (q.not_topical) bits |= kNotTopical;
  if (q.substituted) bits |= kSubstituted;
  if (q.blocked) bits |= kBlocked;
  if (q.overflow && kind != PointKind::kSingle && kind != PointKind::kDouble) bits |= kOverflow;
  return bits;
}

}  // namespace

TypeId monitored_type(PointKind kind, bool with_time) {
  switch (kind) {
    case PointKind::kSingle:
      return with_time ? TypeId::M_SP_TB_1 : TypeId::M_SP_NA_1;
    case PointKind::kDouble:
      return with_time ? TypeId::M_DP_TB_1 : TypeId::M_DP_NA_1;
    case PointKind::kStep:
      return with_time ? TypeId::M_ST_TB_1 : TypeId::M_ST_NA_1;
    case PointKind::kBits:
      return with_time ? TypeId::M_BO_TB_1 : TypeId::M_BO_NA_1;
    case PointKind::kNormalized:
      return with_time ? TypeId::M_ME_TD_1 : TypeId::M_ME_NA_1;
    case PointKind::kScaled:
      return with_time ? TypeId::M_ME_TE_1 : TypeId::M_ME_NB_1;
    case PointKind::kReal:
      return with_time ? TypeId::M_ME_TF_1 : TypeId::M_ME_NC_1;
    case PointKind::kCounter:
      return with_time ? TypeId::M_IT_TB_1 : TypeId::M_IT_NA_1;
  }
  return TypeId::M_SP_NA_1;
}

Object monitored_object(std::uint32_t address, PointKind kind, double value, const Quality& quality,
                        const std::optional<Instant>& time) {
  Object out{.address = address};
  if (kind == PointKind::kReal)
    out.element = Element::of_real(static_cast<float>(value));
  else if (kind == PointKind::kNormalized)
    out.element.value =
        static_cast<std::int32_t>(std::clamp(std::nearbyint(value * kNormalizedOne), -32768.0, 32767.0));
  else if (kind == PointKind::kBits)
    out.element.value = static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  else
    out.element.value = static_cast<std::int32_t>(value);
  out.element.quality = quality_bits(kind, quality);
  if (time) out.time = wire_time(*time);
  return out;
}

std::optional<TypeId> command_type(PointKind kind) {
  switch (kind) {
    case PointKind::kSingle:
      return TypeId::C_SC_NA_1;
    case PointKind::kDouble:
      return TypeId::C_DC_NA_1;
    case PointKind::kStep:
      return TypeId::C_RC_NA_1;
    case PointKind::kBits:
      return TypeId::C_BO_NA_1;
    case PointKind::kNormalized:
      return TypeId::C_SE_NA_1;
    case PointKind::kScaled:
      return TypeId::C_SE_NB_1;
    case PointKind::kReal:
      return TypeId::C_SE_NC_1;
    case PointKind::kCounter:
      break;
  }
  return std::nullopt;
}

bool is_command(TypeId type) {
  return without_time(type) >= TypeId::C_SC_NA_1 && without_time(type) <= TypeId::C_BO_NA_1;
}

TypeId without_time(TypeId command) {
  switch (command) {
    case TypeId::C_SC_TA_1:
      return TypeId::C_SC_NA_1;
    case TypeId::C_DC_TA_1:
      return TypeId::C_DC_NA_1;
    case TypeId::C_RC_TA_1:
      return TypeId::C_RC_NA_1;
    case TypeId::C_SE_TA_1:
      return TypeId::C_SE_NA_1;
    case TypeId::C_SE_TB_1:
      return TypeId::C_SE_NB_1;
    case TypeId::C_SE_TC_1:
      return TypeId::C_SE_NC_1;
    case TypeId::C_BO_TA_1:
      return TypeId::C_BO_NA_1;
    default:
      return command;
  }
}

std::optional<double> value_of(const Type& type, const Element& e) {
  switch (type.shape) {
    case Shape::kSingle:
    case Shape::kDouble:
    case Shape::kStep:
    case Shape::kScaled:
    case Shape::kCounter:
      return e.value;
    case Shape::kBits:
    case Shape::kPackedSingles:
      return static_cast<std::uint32_t>(e.value);
    case Shape::kNormalized:
    case Shape::kNormalizedBare:
      return e.value / kNormalizedOne;
    case Shape::kReal:
      return static_cast<double>(e.real());
    default:
      return std::nullopt;
  }
}

Quality quality_of(const Type& type, const Element& e) {
  const auto has = [&](std::uint8_t bit) { return (e.quality & bit) != 0; };
  if (type.shape == Shape::kCounter) return {.invalid = has(kInvalidQuality)};
  return {.invalid = has(kInvalidQuality),
          .not_topical = has(kNotTopical),
          .substituted = has(kSubstituted),
          .blocked = has(kBlocked),
          .overflow = has(kOverflow)};
}

std::optional<Element> commanded_element(TypeId type, double value) {
  const Shape shape = type_of(type).shape;
  if (shape == Shape::kSetReal) return Element::of_real(static_cast<float>(value));
  if (shape == Shape::kSetNormalized) value = std::nearbyint(value * kNormalizedOne);
  if (value != std::floor(value)) return std::nullopt;
  if (shape == Shape::kSetBits && value >= 0 && value <= 4294967295.0)
    return Element{.value = static_cast<std::int32_t>(static_cast<std::uint32_t>(value))};
  if (value < -32768 || value > 32767) return std::nullopt;
  return Element{.value = static_cast<std::int32_t>(value)};
}

}  // namespace bongsu::exercise::wire::iec104
