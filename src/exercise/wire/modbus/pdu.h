// Modbus/TCP: which bytes requests and answers are. MODBUS Application Protocol Specification V1.1b3 (here "APS") and
// MODBUS Messaging on TCP/IP Implementation Guide V1.0b §3.1 (the header, MBAP).
//
//   std::size_t begin = 0;
//   BONGSU_TRY(const auto adu, take_adu(buffer, begin));
//   const auto request = read_request(adu->pdu);
//   if (!request) out += to_bytes(adu->transaction, adu->unit, refusal(adu->pdu, exception_of(request.error())));
//
// Functions 1 to 6, 15, 16, 22, 23, and 43/14 (device identification). Coils and registers are vectors of values; a
// coil is 0 or 1. Registers have their most significant octet first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu::exercise::wire::modbus {

inline constexpr std::size_t kHeaderBytes = 7;
inline constexpr std::size_t kMaxPduBytes = 253;  // APS §4.1
// How many a request may name (APS §6.1 to §6.4, §6.11, §6.12, §6.17).
inline constexpr std::uint16_t kMaxReadBits = 2000, kMaxReadRegisters = 125, kMaxWriteBits = 1968,
                               kMaxWriteRegisters = 123, kMaxReadWriteRead = 125, kMaxReadWriteWrite = 121;

enum class Function : std::uint8_t {
  kReadCoils = 1,
  kReadDiscreteInputs = 2,
  kReadHoldingRegisters = 3,
  kReadInputRegisters = 4,
  kWriteCoil = 5,
  kWriteRegister = 6,
  kWriteCoils = 15,
  kWriteRegisters = 16,
  kMaskWriteRegister = 22,
  kReadWriteRegisters = 23,
  kEncapsulated = 43,
};
enum class Exception : std::uint8_t {  // APS §7
  kIllegalFunction = 1,
  kIllegalAddress = 2,
  kIllegalValue = 3,
  kDeviceFailure = 4,
  kAcknowledge = 5,
  kDeviceBusy = 6,
  kMemoryParity = 8,
  kGatewayPath = 10,
  kGatewayTarget = 11,
};
std::string exception_text(Exception exception);  // "illegal data address"
std::string function_text(std::uint8_t function);

struct Adu {
  std::uint16_t transaction = 0;
  std::uint8_t unit = 0;
  std::string_view pdu;  // of the bytes that were read: 1 to kMaxPduBytes
};
// The message at bytes[begin…], which then moves behind it; nullopt while it isn't complete. kInvalid, with the offset:
// another protocol than 0, or a length that can't be: the stream can't be followed any further.
Result<std::optional<Adu>> take_adu(std::string_view bytes, std::size_t& begin);
std::string to_bytes(std::uint16_t transaction, std::uint8_t unit, std::string_view pdu);

// Read device identification (APS §6.21).
inline constexpr std::uint8_t kDeviceIdentification = 0x0E;
enum class DeviceAccess : std::uint8_t { kBasic = 1, kRegular = 2, kExtended = 3, kOne = 4 };
struct DeviceObject {
  std::uint8_t id = 0;  // 0 vendor, 1 product code, 2 revision, 3 URL, 4 product, 5 model, 6 application, 128… own
  std::string value;
  bool operator==(const DeviceObject&) const = default;
};

struct Request {
  Function function{};
  std::uint16_t address = 0;                   // first coil or register; of 23, the first to read
  std::uint16_t count = 0;                     // to read
  std::uint16_t write_address = 0;             // 23
  std::vector<std::uint16_t> values;           // to write
  std::uint16_t and_mask = 0, or_mask = 0;     // 22
  DeviceAccess access = DeviceAccess::kBasic;  // 43
  std::uint8_t object = 0;                     // 43
  bool operator==(const Request&) const = default;
};
std::uint16_t quantity(const Request& request);  // of coils or registers from its address on
// kUnsupported: the function isn't one of ours; kInvalid: a length, quantity or value that can't be.
Result<Request> read_request(std::string_view pdu);
Exception exception_of(const Error& error);  // of read_request
std::string to_pdu(const Request& request);  // aborts on what read_request would refuse

struct Response {
  Function function{};
  std::optional<Exception> exception;
  std::vector<std::uint16_t> values;     // that were read; a single one that was written
  std::uint16_t address = 0, count = 0;  // that were written
  std::uint16_t and_mask = 0, or_mask = 0;
  DeviceAccess access = DeviceAccess::kBasic;
  std::uint8_t conformity = 0;
  bool more_follows = false;
  std::uint8_t next_object = 0;
  std::vector<DeviceObject> objects;
  bool operator==(const Response&) const = default;
};
// The answer to `request`. kInvalid: it isn't one (another function, fewer values than were asked for, …).
Result<Response> read_response(std::string_view pdu, const Request& request);
std::string to_pdu(const Response& response);
std::string refusal(std::uint8_t function, Exception exception);  // a PDU

}  // namespace bongsu::exercise::wire::modbus
