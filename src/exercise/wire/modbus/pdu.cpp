#include "exercise/wire/modbus/pdu.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::exercise::wire::modbus {
namespace {

constexpr std::uint16_t kCoilOn = 0xFF00;
constexpr std::uint8_t kRefused = 0x80;

std::unexpected<Error> broken(std::size_t offset, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.source = "Modbus", .offset = offset, .has_offset = true});
}

std::uint8_t one(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }
std::uint16_t two(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(one(bytes, at) << 8 | one(bytes, at + 1));
}
void put_one(std::string& out, std::size_t value) { out += static_cast<char>(value); }
void put_two(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

bool reads_bits(Function function) {
  return function == Function::kReadCoils || function == Function::kReadDiscreteInputs;
}
std::size_t bytes_of_bits(std::size_t count) { return (count + 7) / 8; }

// The first coil is the lowest bit of the first octet; bits beyond the last are zero (APS §6.1).
std::vector<std::uint16_t> unpack_bits(std::string_view bytes, std::size_t at, std::size_t count) {
  std::vector<std::uint16_t> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = one(bytes, at + i / 8) >> (i % 8) & 1;
  return out;
}
// With the count of their octets in front, as pack_registers.
void pack_bits(std::string& out, const std::vector<std::uint16_t>& bits) {
  std::string packed(bytes_of_bits(bits.size()), '\0');
  for (std::size_t i = 0; i < bits.size(); ++i)
    if (bits[i] != 0) packed[i / 8] = static_cast<char>(static_cast<unsigned char>(packed[i / 8]) | 1u << (i % 8));
  put_one(out, packed.size());
  out += packed;
}
std::vector<std::uint16_t> unpack_registers(std::string_view bytes, std::size_t at, std::size_t count) {
  std::vector<std::uint16_t> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = two(bytes, at + 2 * i);
  return out;
}
void pack_registers(std::string& out, const std::vector<std::uint16_t>& values) {
  put_one(out, 2 * values.size());
  for (const std::uint16_t value : values) put_two(out, value);
}

Result<void> expect_size(std::string_view pdu, std::size_t size) {
  if (pdu.size() != size)
    return broken(std::min(pdu.size(), size),
                  fmt::format("{} has {} octets here, not {}", function_text(one(pdu, 0)), size, pdu.size()));
  return {};
}
Result<void> expect_count(std::size_t offset, std::uint16_t count, std::uint16_t most) {
  if (count < 1 || count > most) return broken(offset, fmt::format("a quantity is 1 to {}, not {}", most, count));
  return {};
}
Result<void> expect_least(std::string_view pdu, std::size_t size) {
  if (pdu.size() < size)
    return broken(pdu.size(),
                  fmt::format("{} has at least {} octets, not {}", function_text(one(pdu, 0)), size, pdu.size()));
  return {};
}

// The values that a request writes: their quantity is at `at`, then the count of their octets, then they.
Result<std::vector<std::uint16_t>> take_values(std::string_view pdu, std::size_t at, std::uint16_t most, bool bits) {
  const std::uint16_t count = two(pdu, at);
  BONGSU_TRY_VOID(expect_count(at, count, most));
  const std::size_t bytes = bits ? bytes_of_bits(count) : 2u * count;
  if (one(pdu, at + 2) != bytes)
    return broken(at + 2, fmt::format("{} {} are {} octets, not {}", count, bits ? "coils" : "registers", bytes,
                                      one(pdu, at + 2)));
  BONGSU_TRY_VOID(expect_size(pdu, at + 3 + bytes));
  return bits ? unpack_bits(pdu, at + 3, count) : unpack_registers(pdu, at + 3, count);
}

// Of a request to write one coil or register, or of its answer: the value as it is sent.
template <class Message>
std::uint16_t single_value(const Message& message) {
  const std::uint16_t value = message.values.at(0);
  if (message.function != Function::kWriteCoil) return value;
  return value != 0 ? kCoilOn : 0;
}
// Of 5, 6 and 22, whose answers repeat the request.
template <class Message>
void put_echoed(std::string& out, const Message& message) {
  put_two(out, message.address);
  if (message.function != Function::kMaskWriteRegister) return put_two(out, single_value(message));
  put_two(out, message.and_mask);
  put_two(out, message.or_mask);
}

}  // namespace

std::string exception_text(Exception exception) {
  switch (exception) {
    case Exception::kIllegalFunction:
      return "illegal function";
    case Exception::kIllegalAddress:
      return "illegal data address";
    case Exception::kIllegalValue:
      return "illegal data value";
    case Exception::kDeviceFailure:
      return "server device failure";
    case Exception::kAcknowledge:
      return "acknowledge";
    case Exception::kDeviceBusy:
      return "server device busy";
    case Exception::kMemoryParity:
      return "memory parity error";
    case Exception::kGatewayPath:
      return "gateway path unavailable";
    case Exception::kGatewayTarget:
      return "gateway target failed to respond";
  }
  return fmt::format("exception {}", static_cast<int>(exception));
}

std::string function_text(std::uint8_t function) {
  switch (static_cast<Function>(function)) {
    case Function::kReadCoils:
      return "read coils";
    case Function::kReadDiscreteInputs:
      return "read discrete inputs";
    case Function::kReadHoldingRegisters:
      return "read holding registers";
    case Function::kReadInputRegisters:
      return "read input registers";
    case Function::kWriteCoil:
      return "write single coil";
    case Function::kWriteRegister:
      return "write single register";
    case Function::kWriteCoils:
      return "write multiple coils";
    case Function::kWriteRegisters:
      return "write multiple registers";
    case Function::kMaskWriteRegister:
      return "mask write register";
    case Function::kReadWriteRegisters:
      return "read/write multiple registers";
    case Function::kEncapsulated:
      return "encapsulated interface transport";
  }
  return fmt::format("function {}", function);
}

Result<std::optional<Adu>> take_adu(std::string_view bytes, std::size_t& begin) {
  if (begin > bytes.size() || bytes.size() - begin < 6) return std::nullopt;
  const std::uint16_t protocol = two(bytes, begin + 2), length = two(bytes, begin + 4);
  if (protocol != 0) return broken(begin + 2, fmt::format("the protocol is {}, and Modbus is 0", protocol));
  if (length < 2 || length > kMaxPduBytes + 1)
    return broken(begin + 4, fmt::format("the length of a message is 2 to {}, not {}", kMaxPduBytes + 1, length));
  if (bytes.size() - begin < 6u + length) return std::nullopt;
  const Adu adu{.transaction = two(bytes, begin),
                .unit = one(bytes, begin + 6),
                .pdu = bytes.substr(begin + kHeaderBytes, length - 1u)};
  begin += 6u + length;
  return adu;
}

std::string to_bytes(std::uint16_t transaction, std::uint8_t unit, std::string_view pdu) {
  BONGSU_CHECK(!pdu.empty() && pdu.size() <= kMaxPduBytes);
  std::string out;
  put_two(out, transaction);
  put_two(out, 0);
  put_two(out, pdu.size() + 1);
  put_one(out, unit);
  out += pdu;
  return out;
}

Result<Request> read_request(std::string_view pdu) {
  if (pdu.empty()) return broken(0, "a request without a function");
  Request r{.function = static_cast<Function>(one(pdu, 0))};
  switch (r.function) {
    case Function::kReadCoils:
    case Function::kReadDiscreteInputs:
    case Function::kReadHoldingRegisters:
    case Function::kReadInputRegisters:
      BONGSU_TRY_VOID(expect_size(pdu, 5));
      r.address = two(pdu, 1);
      r.count = two(pdu, 3);
      BONGSU_TRY_VOID(expect_count(3, r.count, reads_bits(r.function) ? kMaxReadBits : kMaxReadRegisters));
      return r;
    case Function::kWriteCoil: {
      BONGSU_TRY_VOID(expect_size(pdu, 5));
      r.address = two(pdu, 1);
      const std::uint16_t value = two(pdu, 3);
      if (value != 0 && value != kCoilOn)
        return broken(3, fmt::format("a coil is 0x0000 or 0xFF00, not 0x{:04X}", value));
      r.values = {static_cast<std::uint16_t>(value == kCoilOn)};
      return r;
    }
    case Function::kWriteRegister:
      BONGSU_TRY_VOID(expect_size(pdu, 5));
      r.address = two(pdu, 1);
      r.values = {two(pdu, 3)};
      return r;
    case Function::kWriteCoils:
    case Function::kWriteRegisters: {
      BONGSU_TRY_VOID(expect_least(pdu, 6));
      r.address = two(pdu, 1);
      const bool bits = r.function == Function::kWriteCoils;
      BONGSU_TRY(r.values, take_values(pdu, 3, bits ? kMaxWriteBits : kMaxWriteRegisters, bits));
      return r;
    }
    case Function::kMaskWriteRegister:
      BONGSU_TRY_VOID(expect_size(pdu, 7));
      r.address = two(pdu, 1);
      r.and_mask = two(pdu, 3);
      r.or_mask = two(pdu, 5);
      return r;
    case Function::kReadWriteRegisters: {
      BONGSU_TRY_VOID(expect_least(pdu, 10));
      r.address = two(pdu, 1);
      r.count = two(pdu, 3);
      r.write_address = two(pdu, 5);
      BONGSU_TRY_VOID(expect_count(3, r.count, kMaxReadWriteRead));
      BONGSU_TRY(r.values, take_values(pdu, 7, kMaxReadWriteWrite, false));
      return r;
    }
    case Function::kEncapsulated: {
      BONGSU_TRY_VOID(expect_least(pdu, 2));
      if (one(pdu, 1) != kDeviceIdentification)
        return fail(
            ErrorCode::kUnsupported,
            fmt::format("the encapsulated interface {} is not served, only {}", one(pdu, 1), kDeviceIdentification),
            {.source = "Modbus", .offset = 1, .has_offset = true});
      BONGSU_TRY_VOID(expect_size(pdu, 4));
      const std::uint8_t access = one(pdu, 2);
      if (access < 1 || access > 4) return broken(2, fmt::format("the kind of access is 1 to 4, not {}", access));
      r.access = static_cast<DeviceAccess>(access);
      r.object = one(pdu, 3);
      return r;
    }
  }
  return fail(ErrorCode::kUnsupported, fmt::format("{} is not served", function_text(one(pdu, 0))),
              {.source = "Modbus", .offset = 0, .has_offset = true});
}

Exception exception_of(const Error& error) {
  return error.code == ErrorCode::kUnsupported ? Exception::kIllegalFunction : Exception::kIllegalValue;
}

std::uint16_t quantity(const Request& r) {
  return r.count != 0 ? r.count : static_cast<std::uint16_t>(std::max<std::size_t>(r.values.size(), 1));
}

std::string to_pdu(const Request& r) {
  std::string out;
  put_one(out, static_cast<std::uint8_t>(r.function));
  switch (r.function) {
    case Function::kReadCoils:
    case Function::kReadDiscreteInputs:
    case Function::kReadHoldingRegisters:
    case Function::kReadInputRegisters:
      put_two(out, r.address);
      put_two(out, r.count);
      break;
    case Function::kWriteCoil:
    case Function::kWriteRegister:
      BONGSU_CHECK(r.values.size() == 1);
      put_echoed(out, r);
      break;
    case Function::kMaskWriteRegister:
      put_echoed(out, r);
      break;
    case Function::kWriteCoils:
      put_two(out, r.address);
      put_two(out, r.values.size());
      pack_bits(out, r.values);
      break;
    case Function::kWriteRegisters:
      put_two(out, r.address);
      put_two(out, r.values.size());
      pack_registers(out, r.values);
      break;
    case Function::kReadWriteRegisters:
      put_two(out, r.address);
      put_two(out, r.count);
      put_two(out, r.write_address);
      put_two(out, r.values.size());
      pack_registers(out, r.values);
      break;
    case Function::kEncapsulated:
      put_one(out, kDeviceIdentification);
      put_one(out, static_cast<std::uint8_t>(r.access));
      put_one(out, r.object);
      break;
  }
  BONGSU_CHECK(read_request(out).has_value());
  return out;
}

std::string refusal(std::uint8_t function, Exception exception) {
  std::string out;
  put_one(out, function | kRefused);
  put_one(out, static_cast<std::uint8_t>(exception));
  return out;
}

std::string to_pdu(const Response& r) {
  const auto function = static_cast<std::uint8_t>(r.function);
  if (r.exception) return refusal(function, *r.exception);
  std::string out;
  put_one(out, function);
  switch (r.function) {
    case Function::kReadCoils:
    case Function::kReadDiscreteInputs:
      pack_bits(out, r.values);
      break;
    case Function::kReadHoldingRegisters:
    case Function::kReadInputRegisters:
    case Function::kReadWriteRegisters:
      pack_registers(out, r.values);
      break;
    case Function::kWriteCoil:
    case Function::kWriteRegister:
    case Function::kMaskWriteRegister:
      put_echoed(out, r);
      break;
    case Function::kWriteCoils:
    case Function::kWriteRegisters:
      put_two(out, r.address);
      put_two(out, r.count);
      break;
    case Function::kEncapsulated:
      put_one(out, kDeviceIdentification);
      put_one(out, static_cast<std::uint8_t>(r.access));
      put_one(out, r.conformity);
      put_one(out, r.more_follows ? 0xFF : 0);
      put_one(out, r.next_object);
      put_one(out, r.objects.size());
      for (const DeviceObject& object : r.objects) {
        put_one(out, object.id);
        put_one(out, object.value.size());
        out += object.value;
      }
      break;
  }
  return out;
}

Result<Response> read_response(std::string_view pdu, const Request& request) {
  if (pdu.empty()) return broken(0, "an answer without a function");
  const std::uint8_t function = one(pdu, 0);
  Response r{.function = request.function};
  if (function == (static_cast<std::uint8_t>(request.function) | kRefused)) {
    BONGSU_TRY_VOID(expect_size(pdu, 2));
    r.exception = static_cast<Exception>(one(pdu, 1));
    return r;
  }
  if (function != static_cast<std::uint8_t>(request.function))
    return broken(0, fmt::format("an answer to {}, and {} was asked", function_text(function),
                                 function_text(static_cast<std::uint8_t>(request.function))));
  const auto echoed = [&](std::size_t offset, std::uint16_t got, std::uint16_t sent) -> Result<void> {
    if (got != sent) return broken(offset, fmt::format("the answer repeats {}, and {} was sent", got, sent));
    return {};
  };
  switch (request.function) {
    case Function::kReadCoils:
    case Function::kReadDiscreteInputs:
    case Function::kReadHoldingRegisters:
    case Function::kReadInputRegisters:
    case Function::kReadWriteRegisters: {
      const bool bits = reads_bits(request.function);
      const std::size_t bytes = bits ? bytes_of_bits(request.count) : 2u * request.count;
      BONGSU_TRY_VOID(expect_size(pdu, 2 + bytes));
      if (one(pdu, 1) != bytes)
        return broken(1, fmt::format("{} octets are announced, {} were asked for", one(pdu, 1), bytes));
      r.values = bits ? unpack_bits(pdu, 2, request.count) : unpack_registers(pdu, 2, request.count);
      return r;
    }
    case Function::kWriteCoil:
    case Function::kWriteRegister:
      BONGSU_TRY_VOID(expect_size(pdu, 5));
      r.address = two(pdu, 1);
      BONGSU_TRY_VOID(echoed(1, r.address, request.address));
      BONGSU_TRY_VOID(echoed(3, two(pdu, 3), single_value(request)));
      r.values = request.values;
      return r;
    case Function::kWriteCoils:
    case Function::kWriteRegisters:
      BONGSU_TRY_VOID(expect_size(pdu, 5));
      r.address = two(pdu, 1);
      r.count = two(pdu, 3);
      BONGSU_TRY_VOID(echoed(1, r.address, request.address));
      BONGSU_TRY_VOID(echoed(3, r.count, static_cast<std::uint16_t>(request.values.size())));
      return r;
    case Function::kMaskWriteRegister:
      BONGSU_TRY_VOID(expect_size(pdu, 7));
      r.address = two(pdu, 1);
      r.and_mask = two(pdu, 3);
      r.or_mask = two(pdu, 5);
      BONGSU_TRY_VOID(echoed(1, r.address, request.address));
      BONGSU_TRY_VOID(echoed(3, r.and_mask, request.and_mask));
      BONGSU_TRY_VOID(echoed(5, r.or_mask, request.or_mask));
      return r;
    case Function::kEncapsulated: {
      BONGSU_TRY_VOID(expect_least(pdu, 7));
      if (one(pdu, 1) != kDeviceIdentification) return broken(1, "not a device identification");
      BONGSU_TRY_VOID(echoed(2, one(pdu, 2), static_cast<std::uint8_t>(request.access)));
      r.access = request.access;
      r.conformity = one(pdu, 3);
      r.more_follows = one(pdu, 4) == 0xFF;
      r.next_object = one(pdu, 5);
      const std::size_t count = one(pdu, 6);
      std::size_t at = 7;
      for (std::size_t i = 0; i < count; ++i) {
        if (pdu.size() - at < 2 || pdu.size() - at - 2 < one(pdu, at + 1))
          return broken(at, "an object that goes beyond the answer");
        const std::size_t size = one(pdu, at + 1);
        r.objects.push_back({.id = one(pdu, at), .value = std::string(pdu.substr(at + 2, size))});
        at += 2 + size;
      }
      if (at != pdu.size()) return broken(at, "octets behind the last object");
      return r;
    }
  }
  return broken(0, "an unknown function");
}

}  // namespace bongsu::exercise::wire::modbus
