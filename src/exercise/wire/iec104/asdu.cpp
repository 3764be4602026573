#include "exercise/wire/iec104/asdu.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "exercise/wire/iec104/frame.h"

namespace bongsu::exercise::wire::iec104 {
namespace {

constexpr std::size_t bytes_of(Shape shape) {
  switch (shape) {
    case Shape::kNothing:
      return 0;
    case Shape::kSingle:
    case Shape::kDouble:
    case Shape::kSingleCommand:
    case Shape::kDoubleCommand:
    case Shape::kStepCommand:
    case Shape::kCause:
    case Shape::kQualifier:
      return 1;
    case Shape::kStep:
    case Shape::kNormalizedBare:
    case Shape::kPattern:
    case Shape::kDelay:
      return 2;
    case Shape::kNormalized:
    case Shape::kScaled:
    case Shape::kSetNormalized:
    case Shape::kSetScaled:
    case Shape::kParameterNormalized:
    case Shape::kParameterScaled:
      return 3;
    case Shape::kSetBits:
      return 4;
    case Shape::kBits:
    case Shape::kReal:
    case Shape::kCounter:
    case Shape::kPackedSingles:
    case Shape::kSetReal:
    case Shape::kParameterReal:
      return 5;
  }
  return 0;
}
constexpr std::size_t bytes_of(TimeKind kind) { return kind == TimeKind::kCp56 ? 7 : kind == TimeKind::kCp24 ? 3 : 0; }

#define ROW(ID, SHAPE, TIME) \
  Type { TypeId::ID, #ID, Shape::SHAPE, TimeKind::TIME, bytes_of(Shape::SHAPE) + bytes_of(TimeKind::TIME) }
constexpr std::array kTypes{
    ROW(M_SP_NA_1, kSingle, kNone),
    ROW(M_SP_TA_1, kSingle, kCp24),
    ROW(M_DP_NA_1, kDouble, kNone),
    ROW(M_DP_TA_1, kDouble, kCp24),
    ROW(M_ST_NA_1, kStep, kNone),
    ROW(M_ST_TA_1, kStep, kCp24),
    ROW(M_BO_NA_1, kBits, kNone),
    ROW(M_BO_TA_1, kBits, kCp24),
    ROW(M_ME_NA_1, kNormalized, kNone),
    ROW(M_ME_TA_1, kNormalized, kCp24),
    ROW(M_ME_NB_1, kScaled, kNone),
    ROW(M_ME_TB_1, kScaled, kCp24),
    ROW(M_ME_NC_1, kReal, kNone),
    ROW(M_ME_TC_1, kReal, kCp24),
    ROW(M_IT_NA_1, kCounter, kNone),
    ROW(M_IT_TA_1, kCounter, kCp24),
    ROW(M_PS_NA_1, kPackedSingles, kNone),
    ROW(M_ME_ND_1, kNormalizedBare, kNone),
    ROW(M_SP_TB_1, kSingle, kCp56),
    ROW(M_DP_TB_1, kDouble, kCp56),
    ROW(M_ST_TB_1, kStep, kCp56),
    ROW(M_BO_TB_1, kBits, kCp56),
    ROW(M_ME_TD_1, kNormalized, kCp56),
    ROW(M_ME_TE_1, kScaled, kCp56),
    ROW(M_ME_TF_1, kReal, kCp56),
    ROW(M_IT_TB_1, kCounter, kCp56),
    ROW(C_SC_NA_1, kSingleCommand, kNone),
    ROW(C_DC_NA_1, kDoubleCommand, kNone),
    ROW(C_RC_NA_1, kStepCommand, kNone),
    ROW(C_SE_NA_1, kSetNormalized, kNone),
    ROW(C_SE_NB_1, kSetScaled, kNone),
    ROW(C_SE_NC_1, kSetReal, kNone),
    ROW(C_BO_NA_1, kSetBits, kNone),
    ROW(C_SC_TA_1, kSingleCommand, kCp56),
    ROW(C_DC_TA_1, kDoubleCommand, kCp56),
    ROW(C_RC_TA_1, kStepCommand, kCp56),
    ROW(C_SE_TA_1, kSetNormalized, kCp56),
    ROW(C_SE_TB_1, kSetScaled, kCp56),
    ROW(C_SE_TC_1, kSetReal, kCp56),
    ROW(C_BO_TA_1, kSetBits, kCp56),
    ROW(M_EI_NA_1, kCause, kNone),
    ROW(C_IC_NA_1, kQualifier, kNone),
    ROW(C_CI_NA_1, kQualifier, kNone),
    ROW(C_RD_NA_1, kNothing, kNone),
    ROW(C_CS_NA_1, kNothing, kCp56),
    ROW(C_TS_NA_1, kPattern, kNone),
    ROW(C_RP_NA_1, kQualifier, kNone),
    ROW(C_CD_NA_1, kDelay, kNone),
    ROW(C_TS_TA_1, kPattern, kCp56),
    ROW(P_ME_NA_1, kParameterNormalized, kNone),
    ROW(P_ME_NB_1, kParameterScaled, kNone),
    ROW(P_ME_NC_1, kParameterReal, kNone),
    ROW(P_AC_NA_1, kQualifier, kNone),
};
#undef ROW

// Types that others may send and that we don't read.
struct Unread {
  std::uint8_t id;
  std::string_view name;
};
constexpr Unread kUnread[] = {
    {17, "M_EP_TA_1"},  {18, "M_EP_TB_1"},  {19, "M_EP_TC_1"},  {38, "M_EP_TD_1"},  {39, "M_EP_TE_1"},
    {40, "M_EP_TF_1"},  {120, "F_FR_NA_1"}, {121, "F_SR_NA_1"}, {122, "F_SC_NA_1"}, {123, "F_LS_NA_1"},
    {124, "F_AF_NA_1"}, {125, "F_SG_NA_1"}, {126, "F_DR_TA_1"}, {127, "F_SC_NB_1"},
};

constexpr auto kById = [] {
  std::array<std::uint8_t, 256> index{};
  for (std::size_t i = 0; i < kTypes.size(); ++i)
    index[static_cast<std::size_t>(kTypes[i].id)] = static_cast<std::uint8_t>(i + 1);
  return index;
}();

constexpr std::uint8_t kQdsBits = kOverflow | kBlocked | kSubstituted | kNotTopical | kInvalidQuality;
constexpr std::uint8_t kSiqBits = kBlocked | kSubstituted | kNotTopical | kInvalidQuality;
constexpr std::uint8_t kBcrBits = kCarry | kAdjusted | kInvalidQuality;

std::unexpected<Error> broken(std::size_t offset, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.source = "ASDU", .offset = offset, .has_offset = true});
}

// Little-endian octets, from a place on. The caller has checked the size.
struct Octets {
  std::string_view bytes;
  std::size_t at = 0;
  std::uint8_t one() { return static_cast<std::uint8_t>(bytes[at++]); }
  std::uint16_t two() {
    const std::uint16_t low = one();
    return static_cast<std::uint16_t>(low | one() << 8);
  }
  std::uint32_t three() {
    const std::uint32_t low = two();
    return low | static_cast<std::uint32_t>(one()) << 16;
  }
  std::int32_t four() {
    const std::uint32_t low = two();
    return static_cast<std::int32_t>(low | static_cast<std::uint32_t>(two()) << 16);
  }
  std::int32_t signed_two() { return static_cast<std::int16_t>(two()); }
};

Element read_element(Shape shape, Octets& in) {
  Element e;
  switch (shape) {
    case Shape::kNothing:
      break;
    case Shape::kSingle: {
      const std::uint8_t siq = in.one();
      e.value = siq & 1;
      e.quality = siq & kSiqBits;
      break;
    }
    case Shape::kDouble: {
      const std::uint8_t diq = in.one();
      e.value = diq & 3;
      e.quality = diq & kSiqBits;
      break;
    }
    case Shape::kStep: {
      const std::uint8_t vti = in.one();
      e.value = (vti & 0x3F) - (vti & 0x40);
      e.qualifier = vti >> 7;
      e.quality = in.one() & kQdsBits;
      break;
    }
    case Shape::kBits:
    case Shape::kReal:
    case Shape::kPackedSingles:
      e.value = in.four();
      e.quality = in.one() & kQdsBits;
      break;
    case Shape::kNormalized:
    case Shape::kScaled:
      e.value = in.signed_two();
      e.quality = in.one() & kQdsBits;
      break;
    case Shape::kNormalizedBare:
      e.value = in.signed_two();
      break;
    case Shape::kCounter: {
      e.value = in.four();
      const std::uint8_t last = in.one();
      e.qualifier = last & 0x1F;
      e.quality = last & kBcrBits;
      break;
    }
    case Shape::kSingleCommand:
    case Shape::kDoubleCommand:
    case Shape::kStepCommand: {
      const std::uint8_t command = in.one();
      e.value = command & (shape == Shape::kSingleCommand ? 1 : 3);
      e.qualifier = command >> 2 & 0x1F;
      e.select = (command & 0x80) != 0;
      break;
    }
    case Shape::kSetNormalized:
    case Shape::kSetScaled:
    case Shape::kSetReal: {
      e.value = shape == Shape::kSetReal ? in.four() : in.signed_two();
      const std::uint8_t qos = in.one();
      e.qualifier = qos & 0x7F;
      e.select = (qos & 0x80) != 0;
      break;
    }
    case Shape::kSetBits:
      e.value = in.four();
      break;
    case Shape::kCause: {
      const std::uint8_t coi = in.one();
      e.qualifier = coi & 0x7F;
      e.quality = coi & 0x80;
      break;
    }
    case Shape::kQualifier:
      e.qualifier = in.one();
      break;
    case Shape::kPattern:
    case Shape::kDelay:
      e.value = in.two();
      break;
    case Shape::kParameterNormalized:
    case Shape::kParameterScaled:
    case Shape::kParameterReal:
      e.value = shape == Shape::kParameterReal ? in.four() : in.signed_two();
      e.qualifier = in.one();
      break;
  }
  return e;
}

WireTime read_time(TimeKind kind, Octets& in) {
  WireTime t;
  t.milliseconds = in.two();
  const std::uint8_t minute = in.one();
  t.minute = minute & 0x3F;
  t.substituted = (minute & 0x40) != 0;
  t.invalid = (minute & 0x80) != 0;
  if (kind != TimeKind::kCp56) return t;
  const std::uint8_t hour = in.one();
  t.hour = hour & 0x1F;
  t.summer = (hour & 0x80) != 0;
  const std::uint8_t day = in.one();
  t.day = day & 0x1F;
  t.weekday = day >> 5;
  t.month = in.one() & 0x0F;
  t.year = in.one() & 0x7F;
  return t;
}

void put(std::string& out, std::uint32_t value, int octets) {
  for (int i = 0; i < octets; ++i) out += static_cast<char>(value >> (8 * i));
}

void write_time(std::string& out, TimeKind kind, const WireTime& t) {
  put(out, t.milliseconds, 2);
  put(out, (t.minute & 0x3Fu) | (t.substituted ? 0x40u : 0u) | (t.invalid ? 0x80u : 0u), 1);
  if (kind != TimeKind::kCp56) return;
  put(out, (t.hour & 0x1Fu) | (t.summer ? 0x80u : 0u), 1);
  put(out, (t.day & 0x1Fu) | static_cast<unsigned>(t.weekday & 7) << 5, 1);
  put(out, t.month & 0x0Fu, 1);
  put(out, t.year & 0x7Fu, 1);
}

struct Range {
  std::int64_t low, high;
  std::uint8_t quality, qualifier;  // which bits there are, highest qualifier
  bool select;
};
Range range_of(Shape shape) {
  constexpr std::int64_t low32 = INT32_MIN, high32 = INT32_MAX;
  switch (shape) {
    case Shape::kSingle:
      return {0, 1, kSiqBits, 0, false};
    case Shape::kDouble:
      return {0, 3, kSiqBits, 0, false};
    case Shape::kStep:
      return {-64, 63, kQdsBits, 1, false};
    case Shape::kBits:
    case Shape::kReal:
    case Shape::kPackedSingles:
      return {low32, high32, kQdsBits, 0, false};
    case Shape::kNormalized:
    case Shape::kScaled:
      return {-32768, 32767, kQdsBits, 0, false};
    case Shape::kNormalizedBare:
      return {-32768, 32767, 0, 0, false};
    case Shape::kCounter:
      return {low32, high32, kBcrBits, 31, false};
    case Shape::kSingleCommand:
      return {0, 1, 0, 31, true};
    case Shape::kDoubleCommand:
    case Shape::kStepCommand:
      return {0, 3, 0, 31, true};
    case Shape::kSetNormalized:
    case Shape::kSetScaled:
      return {-32768, 32767, 0, 127, true};
    case Shape::kSetReal:
      return {low32, high32, 0, 127, true};
    case Shape::kSetBits:
      return {low32, high32, 0, 0, false};
    case Shape::kCause:
      return {0, 0, 0x80, 127, false};
    case Shape::kQualifier:
      return {0, 0, 0, 255, false};
    case Shape::kNothing:
      return {0, 0, 0, 0, false};
    case Shape::kPattern:
    case Shape::kDelay:
      return {0, 65535, 0, 0, false};
    case Shape::kParameterNormalized:
    case Shape::kParameterScaled:
      return {-32768, 32767, 0, 255, false};
    case Shape::kParameterReal:
      return {low32, high32, 0, 255, false};
  }
  return {};
}

void write_element(std::string& out, Shape shape, const Element& e) {
  const auto value = static_cast<std::uint32_t>(e.value);
  const auto select = e.select ? 0x80u : 0u;
  switch (shape) {
    case Shape::kNothing:
      break;
    case Shape::kSingle:
    case Shape::kDouble:
      put(out, value | e.quality, 1);
      break;
    case Shape::kStep:
      put(out, (value & 0x7F) | static_cast<unsigned>(e.qualifier) << 7, 1);
      put(out, e.quality, 1);
      break;
    case Shape::kBits:
    case Shape::kReal:
    case Shape::kPackedSingles:
      put(out, value, 4);
      put(out, e.quality, 1);
      break;
    case Shape::kNormalized:
    case Shape::kScaled:
      put(out, value, 2);
      put(out, e.quality, 1);
      break;
    case Shape::kNormalizedBare:
      put(out, value, 2);
      break;
    case Shape::kCounter:
      put(out, value, 4);
      put(out, e.qualifier | e.quality, 1);
      break;
    case Shape::kSingleCommand:
    case Shape::kDoubleCommand:
    case Shape::kStepCommand:
      put(out, value | static_cast<unsigned>(e.qualifier) << 2 | select, 1);
      break;
    case Shape::kSetNormalized:
    case Shape::kSetScaled:
      put(out, value, 2);
      put(out, e.qualifier | select, 1);
      break;
    case Shape::kSetReal:
      put(out, value, 4);
      put(out, e.qualifier | select, 1);
      break;
    case Shape::kSetBits:
      put(out, value, 4);
      break;
    case Shape::kCause:
      put(out, e.qualifier | e.quality, 1);
      break;
    case Shape::kQualifier:
      put(out, e.qualifier, 1);
      break;
    case Shape::kPattern:
    case Shape::kDelay:
      put(out, value, 2);
      break;
    case Shape::kParameterNormalized:
    case Shape::kParameterScaled:
      put(out, value, 2);
      put(out, e.qualifier, 1);
      break;
    case Shape::kParameterReal:
      put(out, value, 4);
      put(out, e.qualifier, 1);
      break;
  }
}

}  // namespace

const Type* type_of(std::uint8_t id) { return kById[id] == 0 ? nullptr : &kTypes[kById[id] - 1]; }

std::string type_name(std::uint8_t id) {
  if (const Type* type = type_of(id)) return std::string(type->name);
  for (const Unread& unread : kUnread)
    if (unread.id == id) return std::string(unread.name);
  return fmt::format("type {}", id);
}

std::string quality_text(std::uint8_t quality) {
  std::string out;
  const auto add = [&](std::uint8_t bit, std::string_view name) {
    if ((quality & bit) == 0) return;
    if (!out.empty()) out += ' ';
    out += name;
  };
  add(kInvalidQuality, "IV");
  add(kNotTopical, "NT");
  add(kSubstituted, "SB");
  add(kBlocked, "BL");
  add(kOverflow, "OV");
  return out;
}

std::string cause_text(Cause cause) {
  switch (cause) {
    case Cause::kPeriodic:
      return "periodic";
    case Cause::kBackground:
      return "background scan";
    case Cause::kSpontaneous:
      return "spontaneous";
    case Cause::kInitialised:
      return "initialised";
    case Cause::kRequest:
      return "request";
    case Cause::kActivation:
      return "activation";
    case Cause::kActivationCon:
      return "activation confirmation";
    case Cause::kDeactivation:
      return "deactivation";
    case Cause::kDeactivationCon:
      return "deactivation confirmation";
    case Cause::kActivationTermination:
      return "activation termination";
    case Cause::kReturnRemote:
      return "return information, remote command";
    case Cause::kReturnLocal:
      return "return information, local command";
    case Cause::kFile:
      return "file transfer";
    case Cause::kInterrogated:
      return "interrogated by station";
    case Cause::kCounterRequested:
      return "counters requested";
    case Cause::kUnknownType:
      return "unknown type identification";
    case Cause::kUnknownCause:
      return "unknown cause of transmission";
    case Cause::kUnknownCommonAddress:
      return "unknown common address";
    case Cause::kUnknownObjectAddress:
      return "unknown information object address";
    default:
      break;
  }
  const int code = static_cast<int>(cause);
  if (cause > Cause::kInterrogated && cause <= Cause::kInterrogatedGroup16)
    return fmt::format("interrogated by group {}", code - 20);
  if (cause > Cause::kCounterRequested && cause <= Cause::kCounterGroup4)
    return fmt::format("counters of group {} requested", code - 37);
  return fmt::format("cause {}", code);
}

Result<AsduHeader> read_header(std::string_view bytes) {
  if (bytes.size() < kAsduHeaderBytes)
    return broken(bytes.size(), fmt::format("an ASDU has at least {} octets, not {}", kAsduHeaderBytes, bytes.size()));
  Octets in{bytes};
  AsduHeader h;
  h.type = in.one();
  const std::uint8_t structure = in.one();
  h.sequence = (structure & 0x80) != 0;
  h.count = structure & 0x7F;
  const std::uint8_t cause = in.one();
  h.cause = static_cast<Cause>(cause & 0x3F);
  h.negative = (cause & 0x40) != 0;
  h.test = (cause & 0x80) != 0;
  h.originator = in.one();
  h.common_address = in.two();
  return h;
}

Result<Asdu> read_asdu(std::string_view bytes) {
  BONGSU_TRY(const AsduHeader header, read_header(bytes));
  const Type* type = type_of(header.type);
  if (type == nullptr)
    return fail(ErrorCode::kUnsupported, fmt::format("{} is not a type that is read here", type_name(header.type)),
                {.source = "ASDU", .offset = 0, .has_offset = true});
  if (header.count == 0) return broken(1, fmt::format("{} without an object", type->name));
  const std::size_t addresses = header.sequence ? 1 : header.count;
  const std::size_t expected = kAsduHeaderBytes + addresses * kObjectAddressBytes + header.count * type->element_bytes;
  if (expected > kMaxAsduBytes)
    return broken(1, fmt::format("{} objects of {} don't fit into one ASDU", header.count, type->name));
  if (bytes.size() != expected)
    return broken(std::min(bytes.size(), expected), fmt::format("{} with {} object(s) has {} octets, not {}",
                                                                type->name, header.count, expected, bytes.size()));
  Asdu asdu{.type = type->id,
            .cause = header.cause,
            .negative = header.negative,
            .test = header.test,
            .originator = header.originator,
            .common_address = header.common_address,
            .sequence = header.sequence};
  asdu.objects.reserve(header.count);
  Octets in{bytes, kAsduHeaderBytes};
  std::uint32_t address = 0;
  for (std::size_t i = 0; i < header.count; ++i) {
    if (i == 0 || !header.sequence)
      address = in.three();
    else if (++address > kMaxObjectAddress)
      return broken(in.at, "the addresses of a sequence go beyond 2^24");
    Object object{.address = address, .element = read_element(type->shape, in)};
    if (type->time != TimeKind::kNone) object.time = read_time(type->time, in);
    asdu.objects.push_back(object);
  }
  return asdu;
}

Result<std::string> to_bytes(const Asdu& asdu) {
  const Type* type = type_of(static_cast<std::uint8_t>(asdu.type));
  if (type == nullptr) return fail(ErrorCode::kUnsupported, "not a type that is written here");
  if (asdu.objects.empty()) return fail(ErrorCode::kInvalid, fmt::format("{} without an object", type->name));
  if (asdu.objects.size() > objects_that_fit(asdu.type, asdu.sequence))
    return fail(ErrorCode::kTooLarge,
                fmt::format("{} objects of {} don't fit into one ASDU", asdu.objects.size(), type->name));
  if (static_cast<std::uint8_t>(asdu.cause) > 0x3F) return fail(ErrorCode::kInvalid, "a cause has six bits");
  const Range range = range_of(type->shape);
  std::string out;
  out += static_cast<char>(asdu.type);
  out += static_cast<char>(asdu.objects.size() | (asdu.sequence ? 0x80u : 0u));
  out += static_cast<char>(static_cast<unsigned>(asdu.cause) | (asdu.negative ? 0x40u : 0u) | (asdu.test ? 0x80u : 0u));
  out += static_cast<char>(asdu.originator);
  put(out, asdu.common_address, 2);
  for (std::size_t i = 0; i < asdu.objects.size(); ++i) {
    const Object& object = asdu.objects[i];
    const auto wrong = [&](std::string_view what) {
      return fail(ErrorCode::kInvalid, fmt::format("{}, object {}: {}", type->name, object.address, what));
    };
    if (object.address > kMaxObjectAddress) return wrong("the address is beyond 2^24");
    if (asdu.sequence && i > 0 && object.address != asdu.objects[i - 1].address + 1)
      return wrong("not the address that follows");
    const Element& e = object.element;
    if (e.value < range.low || e.value > range.high)
      return wrong(fmt::format("{} is not from {} to {}", e.value, range.low, range.high));
    if ((e.quality & ~range.quality) != 0) return wrong("a bit of quality that the type doesn't have");
    if (e.qualifier > range.qualifier)
      return wrong(fmt::format("the qualifier {} is above {}", e.qualifier, range.qualifier));
    if (e.select && !range.select) return wrong("the type can't be selected");
    if (object.time.has_value() != (type->time != TimeKind::kNone))
      return wrong(object.time ? "the type has no time" : "the type has a time");
    if (i == 0 || !asdu.sequence) put(out, object.address, 3);
    write_element(out, type->shape, e);
    if (object.time) write_time(out, type->time, *object.time);
  }
  return out;
}

std::string mirrored(std::string_view bytes, Cause cause, bool negative) {
  std::string out(bytes);
  if (out.size() < kAsduHeaderBytes) return out;
  out[2] = static_cast<char>((static_cast<unsigned char>(out[2]) & 0x80u) | static_cast<unsigned>(cause) |
                             (negative ? 0x40u : 0u));
  return out;
}

std::size_t objects_that_fit(TypeId id, bool sequence) {
  const Type& type = type_of(id);
  const std::size_t room = kMaxAsduBytes - kAsduHeaderBytes;
  if (sequence)
    return type.element_bytes == 0 ? kMaxObjects
                                   : std::min(kMaxObjects, (room - kObjectAddressBytes) / type.element_bytes);
  return std::min(kMaxObjects, room / (kObjectAddressBytes + type.element_bytes));
}

}  // namespace bongsu::exercise::wire::iec104
