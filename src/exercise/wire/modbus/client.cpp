#include "exercise/wire/modbus/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "exercise/wire/modbus/registers.h"

namespace bongsu::exercise::wire::modbus {
namespace {

Function read_function(Table table) {
  switch (table) {
    case Table::kCoil:
      return Function::kReadCoils;
    case Table::kDiscrete:
      return Function::kReadDiscreteInputs;
    case Table::kInput:
      return Function::kReadInputRegisters;
    case Table::kHolding:
      break;
  }
  return Function::kReadHoldingRegisters;
}

}  // namespace

std::vector<PlannedRead> plan_reads(const PointList& list) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (list[i].modbus) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(list[a].modbus->table, list[a].modbus->address) <
           std::tuple(list[b].modbus->table, list[b].modbus->address);
  });
  std::vector<PlannedRead> out;
  std::optional<Table> table;
  for (const std::size_t point : order) {
    const ModbusPlace& place = *list[point].modbus;
    const std::uint16_t most = is_bit(place.table) ? kMaxReadBits : kMaxReadRegisters;
    const bool follows = table == place.table &&
                         out.back().request.address + out.back().request.count == place.address &&
                         out.back().request.count + place.registers() <= most;
    if (!follows) out.push_back({.request = {.function = read_function(place.table), .address = place.address}});
    table = place.table;
    out.back().points.emplace_back(point, out.back().request.count);
    out.back().request.count = static_cast<std::uint16_t>(out.back().request.count + place.registers());
  }
  return out;
}

Client::Client(const PointList& list, const ClientSettings& settings, const Clock& clock, ClientEvents events)
    : list_(list),
      settings_(settings),
      clock_(clock),
      events_(std::move(events)),
      plan_(plan_reads(list)),
      next_read_(plan_.size()),
      next_round_(clock.monotonic()) {}

Result<std::uint64_t> Client::write(std::size_t point, double value) {
  const PointRow& row = list_.at(point);
  if (!row.modbus || (row.modbus->table != Table::kCoil && row.modbus->table != Table::kHolding))
    return fail(ErrorCode::kInvalid, fmt::format("{} is neither a coil nor a holding register", row.point.name));
  if (!holds(row.point.kind, value))
    return fail(ErrorCode::kInvalid, fmt::format("a {} can't be {}", to_string(row.point.kind), value));
  if (writes_.size() >= kMaxWrites)
    return fail(ErrorCode::kTooLarge, fmt::format("{} writes wait already", kMaxWrites));
  Request request{.address = row.modbus->address};
  if (row.modbus->table == Table::kCoil) {
    request.function = Function::kWriteCoil;
    request.values = {coil_of(row.point.kind, value)};
  } else {
    request.values = to_registers(*row.modbus, value);
    request.function = request.values.size() == 1 ? Function::kWriteRegister : Function::kWriteRegisters;
  }
  writes_.emplace_back(next_id_, std::move(request));
  return next_id_++;
}

void Client::ask(Request request, std::optional<std::uint64_t> write, std::size_t read) {
  ++transaction_;
  output_ += to_bytes(transaction_, settings_.unit, to_pdu(request));
  asked_ = {.request = std::move(request),
            .transaction = transaction_,
            .write = write,
            .read = read,
            .until = clock_.monotonic() + settings_.answer_timeout};
}

std::string Client::take_output() {
  if (!asked_) {
    if (!writes_.empty()) {
      auto [id, request] = std::move(writes_.front());
      writes_.pop_front();
      ask(std::move(request), id, 0);
    } else if (next_read_ < plan_.size()) {
      const std::size_t read = next_read_++;
      ask(plan_[read].request, std::nullopt, read);
    }
  }
  return std::exchange(output_, {});
}

Result<void> Client::receive(std::string_view bytes) {
  input_ += bytes;
  std::size_t begin = 0;
  while (true) {
    BONGSU_TRY(const auto adu, take_adu(input_, begin));
    if (!adu) break;
    BONGSU_TRY_VOID(take(*adu));
  }
  input_.erase(0, begin);
  return {};
}

Result<void> Client::take(const Adu& adu) {
  if (!asked_ || adu.transaction != asked_->transaction)
    return fail(ErrorCode::kInvalid,
                fmt::format("an answer to the transaction {}, which wasn't asked", adu.transaction),
                {.source = "Modbus"});
  const Asked asked = *std::exchange(asked_, std::nullopt);
  BONGSU_TRY(const Response response, read_response(adu.pdu, asked.request));
  if (asked.write) {
    if (events_.on_written) events_.on_written(*asked.write, response.exception);
    return {};
  }
  const PlannedRead& planned = plan_[asked.read];
  if (response.exception) {
    if (events_.on_notice)
      events_.on_notice(fmt::format("{}, {} to {}: {}",
                                    function_text(static_cast<std::uint8_t>(planned.request.function)),
                                    planned.request.address, planned.request.address + planned.request.count - 1,
                                    exception_text(*response.exception)));
  } else if (events_.on_value) {
    for (const auto& [point, at] : planned.points) {
      const PointRow& row = list_[point];
      const auto first = response.values.begin() + static_cast<std::ptrdiff_t>(at);
      if (is_bit(row.modbus->table))
        events_.on_value(point, of_coil(row.point.kind, *first));
      else
        events_.on_value(point, from_registers(*row.modbus, {first, first + row.modbus->registers()}));
    }
  }
  if (asked.read + 1 == plan_.size()) {
    ++rounds_;
    if (events_.on_round) events_.on_round();
  }
  return {};
}

std::chrono::nanoseconds Client::wake_at() const { return asked_ ? asked_->until : next_round_; }

Result<void> Client::wake() {
  const auto now = clock_.monotonic();
  if (asked_ && asked_->until <= now)
    return fail(ErrorCode::kTimeout, fmt::format("no answer within {} ms", settings_.answer_timeout.count()),
                {.source = "Modbus"});
  if (next_round_ <= now && next_read_ >= plan_.size() && !asked_) {
    next_read_ = 0;
    next_round_ = now + settings_.poll;
  }
  return {};
}

}  // namespace bongsu::exercise::wire::modbus
