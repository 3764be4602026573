#include "exercise/wire/modbus/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bongsu::exercise::wire::modbus {

constexpr std::uint8_t kWholeDevice = 255, kNoUnit = 0;
constexpr std::uint8_t kLastBasic = 0x02, kLastRegular = 0x7F;
constexpr std::uint8_t kRegularConformity = 0x82;  // regular objects, by stream and one by one (APS §6.21)
constexpr std::size_t kMaxObjectBytes = 100;

class ServerConnection final : public net::Session {
 public:
  ServerConnection(Server& server, std::string peer) : server_(server), peer_(std::move(peer)) {}

  Result<void> receive(std::string_view bytes) override {
    input_ += bytes;
    std::size_t begin = 0;
    while (true) {
      BONGSU_TRY(const auto adu, take_adu(input_, begin));
      if (!adu) break;
      output_ += to_bytes(adu->transaction, adu->unit, answer(*adu));
    }
    input_.erase(0, begin);
    return {};
  }
  std::string take_output() override { return std::exchange(output_, {}); }

 private:
  std::string answer(const Adu& adu) {
    const auto function = static_cast<std::uint8_t>(adu.pdu[0]);
    ServerReport report{.time = server_.clock_.now(), .peer = peer_, .unit = adu.unit, .function = function};
    std::string out;
    if (adu.unit != kNoUnit && adu.unit != kWholeDevice && adu.unit != server_.settings_.unit) {
      report.exception = Exception::kGatewayTarget;
      out = refusal(function, *report.exception);
    } else if (const auto request = read_request(adu.pdu)) {
      const Response response = server_.answer(*request, peer_, report);
      report.exception = response.exception;
      out = to_pdu(response);
    } else {
      report.exception = exception_of(request.error());
      out = refusal(function, *report.exception);
    }
    if (server_.report_) server_.report_(report);
    return out;
  }

  Server& server_;
  std::string peer_, input_, output_;
};

Result<void> check(const ServerSettings& s) {
  if (s.unit == kWholeDevice || s.unit == kNoUnit || s.unit > 247)
    return fail(ErrorCode::kInvalid, "a unit is 1 to 247", {.field = "unit"});
  for (const auto& [field, text] : {std::pair{"vendor", &s.vendor},
                                    {"product", &s.product},
                                    {"revision", &s.revision},
                                    {"model", &s.model},
                                    {"application", &s.application}})
    if (text->size() > kMaxObjectBytes)
      return fail(ErrorCode::kInvalid, fmt::format("at most {} characters", kMaxObjectBytes), {.field = field});
  return {};
}

Server::Server(const PointList& list, Points& points, Process& process, ServerSettings settings, const Clock& clock)
    : list_(list), points_(points), process_(process), settings_(std::move(settings)), clock_(clock), map_(list) {
  BONGSU_CHECK(check(settings_).has_value() && list.size() == points.size());
  objects_ = {{0, settings_.vendor}, {1, settings_.product}, {2, settings_.revision}};
  objects_.push_back({.id = 4, .value = settings_.product});
  if (!settings_.model.empty()) objects_.push_back({.id = 5, .value = settings_.model});
  if (!settings_.application.empty()) objects_.push_back({.id = 6, .value = settings_.application});
}

std::unique_ptr<net::Session> Server::accept(std::string peer) {
  return std::make_unique<ServerConnection>(*this, std::move(peer));
}

Response Server::answer(const Request& r, const std::string& peer, ServerReport& report) {
  Response out{.function = r.function};
  report.address = r.address;
  report.count = quantity(r);
  const auto read = [&](Table table) {
    auto values = map_.read(table, r.address, r.count, points_);
    if (values)
      out.values = std::move(*values);
    else
      out.exception = values.error();
  };
  switch (r.function) {
    case Function::kReadCoils:
      read(Table::kCoil);
      break;
    case Function::kReadDiscreteInputs:
      read(Table::kDiscrete);
      break;
    case Function::kReadHoldingRegisters:
      read(Table::kHolding);
      break;
    case Function::kReadInputRegisters:
      read(Table::kInput);
      break;
    case Function::kWriteCoil:
    case Function::kWriteRegister:
      out.exception =
          write(r.function == Function::kWriteCoil ? Table::kCoil : Table::kHolding, r.address, r.values, peer, report);
      out.address = r.address;
      out.values = r.values;
      break;
    case Function::kWriteCoils:
    case Function::kWriteRegisters:
      out.exception = write(r.function == Function::kWriteCoils ? Table::kCoil : Table::kHolding, r.address, r.values,
                            peer, report);
      out.address = r.address;
      out.count = static_cast<std::uint16_t>(r.values.size());
      break;
    case Function::kMaskWriteRegister: {
      const auto now = map_.read(Table::kHolding, r.address, 1, points_);
      if (!now) {
        out.exception = now.error();
        break;
      }
      const auto value = static_cast<std::uint16_t>(((*now)[0] & r.and_mask) | (r.or_mask & ~r.and_mask));
      out.exception = write(Table::kHolding, r.address, {value}, peer, report);
      out.address = r.address;
      out.and_mask = r.and_mask;
      out.or_mask = r.or_mask;
      break;
    }
    case Function::kReadWriteRegisters:
      // The write comes before the read (APS §6.17); an address that can't be read refuses both.
      if (const auto readable = map_.read(Table::kHolding, r.address, r.count, points_); !readable)
        out.exception = readable.error();
      else
        out.exception = write(Table::kHolding, r.write_address, r.values, peer, report);
      if (!out.exception) read(Table::kHolding);
      break;
    case Function::kEncapsulated:
      return identify(r);
  }
  return out;
}

std::optional<Exception> Server::write(Table table, std::uint16_t address, const std::vector<std::uint16_t>& values,
                                       const std::string& peer, ServerReport& report) {
  const auto writes = map_.write(table, address, values, points_);
  if (!writes) return writes.error();
  const auto command = [&](const Write& w) {
    return Command{.point = w.point, .value = w.value, .from = "modbus " + peer};
  };
  const auto refused = [](Answer answer) -> std::optional<Exception> {
    switch (answer) {
      case Answer::kAccepted:
        return std::nullopt;
      case Answer::kOutOfRange:
        return Exception::kIllegalValue;
      case Answer::kInterlocked:
        return Exception::kDeviceBusy;
      case Answer::kUnavailable:
        return Exception::kDeviceFailure;
    }
    return Exception::kDeviceFailure;
  };
  for (const Write& w : *writes) report.written.emplace_back(list_[w.point].point.name, w.value);
  for (const Write& w : *writes)
    if (const auto exception = refused(process_.check(command(w)))) return exception;
  for (const Write& w : *writes)
    if (const auto exception = refused(process_.operate(command(w), [](bool) {}))) return exception;
  return std::nullopt;
}

Response Server::identify(const Request& r) const {
  Response out{.function = r.function, .access = r.access, .conformity = kRegularConformity};
  if (r.access == DeviceAccess::kOne) {
    const auto found = std::find_if(objects_.begin(), objects_.end(), [&](const auto& o) { return o.id == r.object; });
    if (found == objects_.end())
      out.exception = Exception::kIllegalAddress;
    else
      out.objects = {*found};
    return out;
  }
  const std::uint8_t last = r.access == DeviceAccess::kBasic ? kLastBasic : kLastRegular;
  // An object that isn't there begins at the first (APS §6.21).
  const bool known =
      std::any_of(objects_.begin(), objects_.end(), [&](const auto& o) { return o.id == r.object && o.id <= last; });
  std::size_t room = kMaxPduBytes - 7;
  for (const DeviceObject& object : objects_) {
    if (object.id < (known ? r.object : 0) || object.id > last) continue;
    if (object.value.size() + 2 > room) {
      out.more_follows = true;
      out.next_object = object.id;
      break;
    }
    room -= object.value.size() + 2;
    out.objects.push_back(object);
  }
  return out;
}

}  // namespace bongsu::exercise::wire::modbus
