// What a network sensor in front of a station or controller would log: JSON lines in Zeek's way, so that detection sees
// who commanded what. It reads the bytes of both directions by itself and knows nothing of the stations.
//
//   SensorLog log(Protocol::kIec104, {"198.51.100.1", 40001}, {"198.51.100.2", 2404}, clock.now());
//   lines += log.take(Side::kClient, bytes, clock.now());
//
// IEC 104 ("_path":"iec104"): a line for each I frame, with the fields of the zeek-iec104 package (apdu_len, apci_tx,
// info_obj_type, cause_tx, …) and, beyond it, type and cause as words, ioa, value, select and quality as lists.
// Modbus ("_path":"modbus"): a line for each message, with Zeek's own fields (tid, unit, func, pdu_type, exception)
// and, as ICSNPP's modbus_detailed has them, address, quantity and values. What can't be read is "_path":"weird"; after
// bytes that no frame has, that direction is logged no further.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "exercise/wire/modbus/pdu.h"
#include "exercise/wire/record.h"

namespace bongsu::exercise::wire {

enum class Protocol : std::uint8_t { kIec104, kModbus };

inline constexpr std::size_t kMaxOpenRequests = 256;  // Modbus requests whose answer hasn't come

class SensorLog {
 public:
  SensorLog(Protocol protocol, Endpoint client, Endpoint server, const Instant& opened);
  // Whole lines, with their ends; what isn't whole yet waits.
  std::string take(Side from, std::string_view bytes, const Instant& now);

 private:
  struct Direction {
    std::string input;
    bool broken = false;
  };
  JsonObject line(std::string_view path, const Instant& now) const;
  std::string weird(std::string_view name, const Error& error, const Instant& now) const;
  Result<std::string> take_iec104(std::string_view input, std::size_t& begin, const Instant& now) const;
  Result<std::string> take_modbus(Side from, std::string_view input, std::size_t& begin, const Instant& now);
  std::string modbus_line(Side from, const modbus::Adu& adu, const Instant& now);

  Protocol protocol_;
  Endpoint client_, server_;
  std::string uid_;
  Direction directions_[2];
  std::map<std::uint16_t, modbus::Request> open_;
};

}  // namespace bongsu::exercise::wire
