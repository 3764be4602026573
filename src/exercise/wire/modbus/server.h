// A Modbus server (PLC): answers what its clients read, and gives what they write to the process. MODBUS Messaging on
// TCP/IP Implementation Guide V1.0b §4.4.
//
//   Server server(list, points, process, {}, clock);
//   std::unique_ptr<net::Session> connection = server.accept("198.51.100.7:40001");
//
// A write is asked of the process before it is answered: what it refuses is an exception (out of range: illegal data
// value, interlocked: server device busy, unavailable: server device failure). Several points in one write are checked
// together and then carried out in order. A write is answered when the process has taken it, which may be before the
// value is there. Requests are answered in their order.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "exercise/wire/modbus/pdu.h"
#include "exercise/wire/modbus/registers.h"
#include "net/session.h"

namespace bongsu::exercise::wire::modbus {

struct ServerSettings {
  std::uint8_t unit = 1;  // answers to it, to 0 and to 255 (the device itself, Guide §4.4.2)
  std::string vendor = "Bongsu", product = "PLC-SIM", revision = "1", model, application;
};
Result<void> check(const ServerSettings& settings);

// What somebody asked, for logs and for who watches the drill.
struct ServerReport {
  Instant time;
  std::string peer;
  std::uint8_t unit = 0, function = 0;
  std::uint16_t address = 0, count = 0;
  std::vector<std::pair<std::string, double>> written;  // points
  std::optional<Exception> exception;
};

class Server {
 public:
  // All outlive the server, and the server outlives its sessions.
  Server(const PointList& list, Points& points, Process& process, ServerSettings settings, const Clock& clock);

  std::unique_ptr<net::Session> accept(std::string peer);
  void on_report(std::function<void(const ServerReport&)> report) { report_ = std::move(report); }
  // One request; also how the sessions do it.
  Response answer(const Request& request, const std::string& peer, ServerReport& report);

 private:
  friend class ServerConnection;
  std::optional<Exception> write(Table table, std::uint16_t address, const std::vector<std::uint16_t>& values,
                                 const std::string& peer, ServerReport& report);
  Response identify(const Request& request) const;

  const PointList& list_;
  Points& points_;
  Process& process_;
  ServerSettings settings_;
  const Clock& clock_;
  RegisterMap map_;
  std::vector<DeviceObject> objects_;
  std::function<void(const ServerReport&)> report_;
};

}  // namespace bongsu::exercise::wire::modbus
