// What stations say to each other: ASDUs of IEC 60870-5-101 §7 with the field sizes that IEC 60870-5-104 §6 fixes
// (cause of two octets, common address of two, object address of three).
//
//   BONGSU_TRY(const Asdu asdu, read_asdu(frame.asdu));
//   if (asdu.type == TypeId::C_SC_NA_1 && asdu.cause == Cause::kActivation) …asdu.objects[0].element.value…
//
//   const Asdu answer{.type = TypeId::M_ME_NC_1, .cause = Cause::kSpontaneous, .common_address = 3,
//                     .objects = {{.address = 700, .element = Element::of_real(50.02F)}}};
//   BONGSU_TRY(const std::string bytes, to_bytes(answer));
//
// The types are a table (type_of): number, name, shape of one element, kind of time. Types that others send and we
// don't read (files, events of protection equipment) are kUnsupported, and a station answers them with "unknown type".
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exercise/wire/iec104/time.h"

namespace bongsu::exercise::wire::iec104 {

inline constexpr std::size_t kAsduHeaderBytes = 6, kObjectAddressBytes = 3;
inline constexpr std::size_t kMaxObjects = 127;  // seven bits (60870-5-101 §7.2.2)
inline constexpr std::uint32_t kMaxObjectAddress = 0xFF'FFFF;
inline constexpr std::uint16_t kBroadcastAddress = 0xFFFF;  // all stations; 0 is not used (§7.2.4)

// The standard's names (60870-5-101 §7.2.1). T*: with CP24Time2a, *B to *F and C_*_TA: with CP56Time2a.
enum class TypeId : std::uint8_t {
  M_SP_NA_1 = 1,
  M_SP_TA_1 = 2,
  M_DP_NA_1 = 3,
  M_DP_TA_1 = 4,
  M_ST_NA_1 = 5,
  M_ST_TA_1 = 6,
  M_BO_NA_1 = 7,
  M_BO_TA_1 = 8,
  M_ME_NA_1 = 9,
  M_ME_TA_1 = 10,
  M_ME_NB_1 = 11,
  M_ME_TB_1 = 12,
  M_ME_NC_1 = 13,
  M_ME_TC_1 = 14,
  M_IT_NA_1 = 15,
  M_IT_TA_1 = 16,
  M_PS_NA_1 = 20,
  M_ME_ND_1 = 21,
  M_SP_TB_1 = 30,
  M_DP_TB_1 = 31,
  M_ST_TB_1 = 32,
  M_BO_TB_1 = 33,
  M_ME_TD_1 = 34,
  M_ME_TE_1 = 35,
  M_ME_TF_1 = 36,
  M_IT_TB_1 = 37,
  C_SC_NA_1 = 45,
  C_DC_NA_1 = 46,
  C_RC_NA_1 = 47,
  C_SE_NA_1 = 48,
  C_SE_NB_1 = 49,
  C_SE_NC_1 = 50,
  C_BO_NA_1 = 51,
  C_SC_TA_1 = 58,
  C_DC_TA_1 = 59,
  C_RC_TA_1 = 60,
  C_SE_TA_1 = 61,
  C_SE_TB_1 = 62,
  C_SE_TC_1 = 63,
  C_BO_TA_1 = 64,
  M_EI_NA_1 = 70,
  C_IC_NA_1 = 100,
  C_CI_NA_1 = 101,
  C_RD_NA_1 = 102,
  C_CS_NA_1 = 103,
  C_TS_NA_1 = 104,
  C_RP_NA_1 = 105,
  C_CD_NA_1 = 106,
  C_TS_TA_1 = 107,
  P_ME_NA_1 = 110,
  P_ME_NB_1 = 111,
  P_ME_NC_1 = 112,
  P_AC_NA_1 = 113,
};

// What one element holds, and how many octets it takes (time apart).
enum class Shape : std::uint8_t {
  kSingle,          // SIQ: 0, 1
  kDouble,          // DIQ: 0 moving, 1 off, 2 on, 3 faulty
  kStep,            // VTI, QDS: -64 to 63; qualifier 1: in transition
  kBits,            // BSI, QDS
  kNormalized,      // NVA, QDS: -32768 to 32767 stand for -1 to 1 - 2^-15
  kScaled,          // SVA, QDS
  kReal,            // IEEE 754 single, QDS
  kCounter,         // BCR; qualifier: sequence number (5 bits); quality: IV, and kCarry, kAdjusted
  kNormalizedBare,  // NVA alone
  kPackedSingles,   // SCD: 16 states and (upper half) which changed, QDS
  kSingleCommand,   // SCO: 0 off, 1 on; qualifier QU
  kDoubleCommand,   // DCO: 1 off, 2 on; qualifier QU
  kStepCommand,     // RCO: 1 lower, 2 higher; qualifier QU
  kSetNormalized,   // NVA, QOS; qualifier QL
  kSetScaled,       // SVA, QOS
  kSetReal,         // IEEE 754 single, QOS
  kSetBits,         // BSI; has no select
  kCause,           // COI: why it was initialised; quality bit 7: parameters changed
  kQualifier,       // one octet: QOI, QCC, QRP, QPA
  kNothing,         // C_RD; C_CS has the time alone
  kPattern,         // FBP, 16 bits; also TSC, a test's number
  kDelay,           // CP16Time2a: milliseconds
  kParameterNormalized,
  kParameterScaled,
  kParameterReal,  // with QPM in qualifier
};
enum class TimeKind : std::uint8_t { kNone, kCp24, kCp56 };

struct Type {
  TypeId id{};
  std::string_view name;  // "M_SP_NA_1"
  Shape shape{};
  TimeKind time = TimeKind::kNone;
  std::size_t element_bytes = 0;  // time included
};
const Type* type_of(std::uint8_t id);  // nullptr: not one of the table
inline const Type& type_of(TypeId id) { return *type_of(static_cast<std::uint8_t>(id)); }
std::string type_name(std::uint8_t id);  // also of those that we don't read; "type 200"

// Bits of quality (QDS, SIQ, DIQ: 60870-5-101 §7.2.6.1 to .3). Counters have two of their own.
inline constexpr std::uint8_t kOverflow = 0x01, kBlocked = 0x10, kSubstituted = 0x20, kNotTopical = 0x40,
                              kInvalidQuality = 0x80, kCarry = 0x20, kAdjusted = 0x40;
std::string quality_text(std::uint8_t quality);  // "IV NT"; "" is good

struct Element {
  std::int32_t value = 0;  // by shape; of reals, their bits
  std::uint8_t quality = 0;
  std::uint8_t qualifier = 0;  // by shape
  bool select = false;         // commands: S/E
  static Element of_real(float real, std::uint8_t quality = 0) {
    return {.value = std::bit_cast<std::int32_t>(real), .quality = quality};
  }
  float real() const { return std::bit_cast<float>(value); }
  bool operator==(const Element&) const = default;
};
inline constexpr double kNormalizedOne = 32768.0;  // NVA is the value times this

struct Object {
  std::uint32_t address = 0;
  Element element;
  std::optional<WireTime> time;
  bool operator==(const Object&) const = default;
};

// Qualifiers: of an interrogation of the station (60870-5-101 §7.2.6.22), of a request for all counters (§7.2.6.23).
inline constexpr std::uint8_t kStationInterrogation = 20, kAllCounters = 5;

// Causes of transmission (60870-5-101 §7.2.3).
enum class Cause : std::uint8_t {
  kPeriodic = 1,
  kBackground = 2,
  kSpontaneous = 3,
  kInitialised = 4,
  kRequest = 5,
  kActivation = 6,
  kActivationCon = 7,
  kDeactivation = 8,
  kDeactivationCon = 9,
  kActivationTermination = 10,
  kReturnRemote = 11,
  kReturnLocal = 12,
  kFile = 13,
  kInterrogated = 20,
  kInterrogatedGroup16 = 36,
  kCounterRequested = 37,
  kCounterGroup4 = 41,
  kUnknownType = 44,
  kUnknownCause = 45,
  kUnknownCommonAddress = 46,
  kUnknownObjectAddress = 47,
};
std::string cause_text(Cause cause);  // "activation confirmation"

struct Asdu {
  TypeId type{};
  Cause cause{};
  bool negative = false;  // P/N
  bool test = false;      // T
  std::uint8_t originator = 0;
  std::uint16_t common_address = 0;
  bool sequence = false;  // SQ: one address, then elements at it and the addresses that follow
  std::vector<Object> objects;
  bool operator==(const Asdu&) const = default;
};

// The first six octets, which are readable even where the rest isn't.
struct AsduHeader {
  std::uint8_t type = 0;
  bool sequence = false;
  std::uint8_t count = 0;
  Cause cause{};
  bool negative = false, test = false;
  std::uint8_t originator = 0;
  std::uint16_t common_address = 0;
};
Result<AsduHeader> read_header(std::string_view bytes);

// kUnsupported: a type that isn't in the table; kInvalid: too short, too long, no object, an address beyond 2^24.
// Reserved bits are overlooked. Times are taken as they stand (instant_of says whether they exist).
Result<Asdu> read_asdu(std::string_view bytes);
// kInvalid: no object, addresses of a sequence that don't follow each other, a time where the type has none (or none
// where it has one), a value beyond its shape; kTooLarge: more than kMaxAsduBytes or kMaxObjects.
Result<std::string> to_bytes(const Asdu& asdu);

// The ASDU as it came with another cause and P/N: what a station sends back for what it can't read or do.
std::string mirrored(std::string_view bytes, Cause cause, bool negative);

// How many objects of the type fit into one ASDU.
std::size_t objects_that_fit(TypeId type, bool sequence);

}  // namespace bongsu::exercise::wire::iec104
