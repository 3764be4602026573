#include "exercise/wire/sensor_log.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/hash.h"
#include "exercise/wire/iec104/asdu.h"
#include "exercise/wire/iec104/frame.h"
#include "exercise/wire/iec104/monitored.h"

namespace bongsu::exercise::wire {
namespace {

// Zeek's names (base/protocols/modbus/consts.zeek).
std::string zeek_function(std::uint8_t function) {
  using modbus::Function;
  switch (static_cast<Function>(function)) {
    case Function::kReadCoils:
      return "READ_COILS";
    case Function::kReadDiscreteInputs:
      return "READ_DISCRETE_INPUTS";
    case Function::kReadHoldingRegisters:
      return "READ_HOLDING_REGISTERS";
    case Function::kReadInputRegisters:
      return "READ_INPUT_REGISTERS";
    case Function::kWriteCoil:
      return "WRITE_SINGLE_COIL";
    case Function::kWriteRegister:
      return "WRITE_SINGLE_REGISTER";
    case Function::kWriteCoils:
      return "WRITE_MULTIPLE_COILS";
    case Function::kWriteRegisters:
      return "WRITE_MULTIPLE_REGISTERS";
    case Function::kMaskWriteRegister:
      return "MASK_WRITE_REGISTER";
    case Function::kReadWriteRegisters:
      return "READ_WRITE_MULTIPLE_REGISTERS";
    case Function::kEncapsulated:
      return "ENCAP_INTERFACE_TRANSPORT";
  }
  return fmt::format("unknown-{}", function);
}

std::string zeek_exception(modbus::Exception exception) {
  using modbus::Exception;
  switch (exception) {
    case Exception::kIllegalFunction:
      return "ILLEGAL_FUNCTION";
    case Exception::kIllegalAddress:
      return "ILLEGAL_DATA_ADDRESS";
    case Exception::kIllegalValue:
      return "ILLEGAL_DATA_VALUE";
    case Exception::kDeviceFailure:
      return "SLAVE_DEVICE_FAILURE";
    case Exception::kAcknowledge:
      return "ACKNOWLEDGE";
    case Exception::kDeviceBusy:
      return "SLAVE_DEVICE_BUSY";
    case Exception::kMemoryParity:
      return "MEMORY_PARITY_ERROR";
    case Exception::kGatewayPath:
      return "GATEWAY_PATH_UNAVAILABLE";
    case Exception::kGatewayTarget:
      return "GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND";
  }
  return fmt::format("unknown-{}", static_cast<int>(exception));
}

// JSON has no NaN and no infinity (RFC 8259 §6); four octets of a real can be either.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

bool has_real(const iec104::Type& type) {
  using iec104::Shape;
  return type.shape == Shape::kReal || type.shape == Shape::kSetReal || type.shape == Shape::kParameterReal;
}

// What an element says: a measured or commanded value; null where there is none.
Json element_value(const iec104::Type& type, const iec104::Element& e) {
  using iec104::Shape;
  switch (type.shape) {
    case Shape::kSetNormalized:
      return e.value / iec104::kNormalizedOne;
    case Shape::kSetReal:
    case Shape::kParameterReal:
      return number(static_cast<double>(e.real()));
    case Shape::kSetBits:
      return static_cast<std::uint32_t>(e.value);
    case Shape::kSingleCommand:
    case Shape::kDoubleCommand:
    case Shape::kStepCommand:
    case Shape::kSetScaled:
      return e.value;
    case Shape::kCause:
    case Shape::kQualifier:
      return e.qualifier;
    default:
      break;
  }
  const auto value = iec104::value_of(type, e);
  if (!value) return nullptr;
  if (type.shape == Shape::kReal || type.shape == Shape::kNormalized || type.shape == Shape::kNormalizedBare)
    return number(*value);
  return static_cast<std::int64_t>(*value);
}

JsonArray list_of(const std::vector<std::uint16_t>& values) { return JsonArray(values.begin(), values.end()); }

}  // namespace

SensorLog::SensorLog(Protocol protocol, Endpoint client, Endpoint server, const Instant& opened)
    : protocol_(protocol),
      client_(std::move(client)),
      server_(std::move(server)),
      uid_(fmt::format("C{:016x}", hash64(fmt::format("{}:{} {}:{} {}", client_.address, client_.port, server_.address,
                                                      server_.port, opened.text(9))))) {}

JsonObject SensorLog::line(std::string_view path, const Instant& now) const {
  return {{"_path", path},
          {"ts", now.text(6)},
          {"uid", uid_},
          {"id.orig_h", client_.address},
          {"id.orig_p", client_.port},
          {"id.resp_h", server_.address},
          {"id.resp_p", server_.port}};
}

std::string SensorLog::weird(std::string_view name, const Error& error, const Instant& now) const {
  JsonObject out = line("weird", now);
  out["name"] = name;
  out["addl"] = error.message;
  return to_text(out) + '\n';
}

std::string SensorLog::take(Side from, std::string_view bytes, const Instant& now) {
  Direction& direction = directions_[from == Side::kClient ? 0 : 1];
  if (direction.broken) return {};
  direction.input += bytes;
  std::string out;
  std::size_t begin = 0;
  while (true) {
    const std::size_t before = begin;
    auto lines = protocol_ == Protocol::kIec104 ? take_iec104(direction.input, begin, now)
                                                : take_modbus(from, direction.input, begin, now);
    if (!lines) {
      direction.broken = true;
      direction.input.clear();
      return out + weird(protocol_ == Protocol::kIec104 ? "iec104_no_frame" : "modbus_no_message", lines.error(), now);
    }
    out += *lines;
    if (begin == before) break;
  }
  direction.input.erase(0, begin);
  return out;
}

Result<std::string> SensorLog::take_iec104(std::string_view input, std::size_t& begin, const Instant& now) const {
  BONGSU_TRY(const auto frame, iec104::take_frame(input, begin));
  if (!frame || frame->kind != iec104::FrameKind::kInformation) return std::string();
  const auto header = iec104::read_header(frame->asdu);
  if (!header) return weird("iec104_no_asdu", header.error(), now);
  JsonObject out = line("iec104", now);
  out["apdu_len"] = frame->asdu.size() + 4;
  out["apci_type"] = 0;
  out["apci_tx"] = frame->send;
  out["apci_rx"] = frame->receive;
  out["info_obj_type"] = header->type;
  out["seq"] = header->sequence ? 1 : 0;
  out["num_ix"] = header->count;
  out["cause_tx"] = static_cast<int>(header->cause);
  out["negative"] = header->negative ? 1 : 0;
  out["test"] = header->test ? 1 : 0;
  out["originator_address"] = header->originator;
  out["common_address"] = header->common_address;
  out["type"] = iec104::type_name(header->type);
  out["cause"] = iec104::cause_text(header->cause);
  const auto asdu = iec104::read_asdu(frame->asdu);
  if (!asdu) {
    if (asdu.error().code == ErrorCode::kUnsupported) return to_text(out) + '\n';
    return to_text(out) + '\n' + weird("iec104_bad_asdu", asdu.error(), now);
  }
  const iec104::Type& type = iec104::type_of(asdu->type);
  JsonArray addresses, values, quality;
  bool select = false;
  std::string strange;  // of an ASDU, the first object says it
  for (const iec104::Object& object : asdu->objects) {
    addresses.push_back(object.address);
    values.push_back(element_value(type, object.element));
    if (has_real(type) && !std::isfinite(object.element.real()) && strange.empty())
      strange = weird(
          "iec104_value_not_finite",
          fail(ErrorCode::kInvalid, fmt::format("object {} has the value {}", object.address, object.element.real()))
              .error(),
          now);
    quality.push_back(Json(iec104::quality_text(object.element.quality)));
    select = select || object.element.select;
  }
  out["ioa"] = std::move(addresses);
  out["value"] = std::move(values);
  if (asdu->type < iec104::TypeId::C_SC_NA_1) out["quality"] = std::move(quality);
  if (iec104::is_command(asdu->type)) out["select"] = select;
  return to_text(out) + '\n' + strange;
}

Result<std::string> SensorLog::take_modbus(Side from, std::string_view input, std::size_t& begin, const Instant& now) {
  BONGSU_TRY(const auto adu, modbus::take_adu(input, begin));
  if (!adu) return std::string();
  return modbus_line(from, *adu, now);
}

std::string SensorLog::modbus_line(Side from, const modbus::Adu& adu, const Instant& now) {
  const auto function = static_cast<std::uint8_t>(adu.pdu[0]);
  const bool request = from == Side::kClient, refused = !request && (function & 0x80) != 0;
  JsonObject out = line("modbus", now);
  out["tid"] = adu.transaction;
  out["unit"] = adu.unit;
  out["func"] = refused ? zeek_function(function & 0x7F) + "_EXCEPTION" : zeek_function(function);
  out["pdu_type"] = request ? "REQ" : "RESP";
  if (request) {
    const auto read = modbus::read_request(adu.pdu);
    if (!read) {
      if (read.error().code == ErrorCode::kUnsupported) return to_text(out) + '\n';
      return to_text(out) + '\n' + weird("modbus_bad_request", read.error(), now);
    }
    if (read->function != modbus::Function::kEncapsulated) {
      out["address"] = read->address;
      out["quantity"] = modbus::quantity(*read);
    }
    if (read->function == modbus::Function::kReadWriteRegisters) out["write_address"] = read->write_address;
    if (read->function == modbus::Function::kMaskWriteRegister) {
      out["and_mask"] = read->and_mask;
      out["or_mask"] = read->or_mask;
    }
    if (!read->values.empty()) out["values"] = list_of(read->values);
    if (open_.size() >= kMaxOpenRequests) open_.erase(open_.begin());
    open_[adu.transaction] = *read;
    return to_text(out) + '\n';
  }
  const auto asked = open_.find(adu.transaction);
  if (refused && adu.pdu.size() == 2) out["exception"] = zeek_exception(static_cast<modbus::Exception>(adu.pdu[1]));
  if (asked == open_.end()) return to_text(out) + '\n';
  const auto read = modbus::read_response(adu.pdu, asked->second);
  const modbus::Request question = std::move(asked->second);
  open_.erase(asked);
  if (!read) return to_text(out) + '\n' + weird("modbus_bad_response", read.error(), now);
  if (question.function != modbus::Function::kEncapsulated) out["address"] = question.address;
  if (!read->values.empty()) out["values"] = list_of(read->values);
  return to_text(out) + '\n';
}

}  // namespace bongsu::exercise::wire
