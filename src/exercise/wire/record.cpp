#include "exercise/wire/record.h"

#include <algorithm>
#include <charconv>

namespace bongsu::exercise::wire {
namespace {

constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kPush = 0x08, kAck = 0x10;
constexpr std::uint32_t kLoopback = 0x7F000001, kFirstSequence = 1000;

void put_little(std::string& out, std::uint32_t value, int octets) {
  for (int i = 0; i < octets; ++i) out += static_cast<char>(value >> (8 * i));
}
void put_big(std::string& out, std::uint32_t value, int octets) {
  for (int i = octets - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}

std::uint32_t ipv4(std::string_view text) {
  std::uint32_t out = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int i = 0; i < 4; ++i) {
    std::uint8_t part = 0;
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc{} || (i < 3 ? next == end || *next != '.' : next != end)) return kLoopback;
    out = out << 8 | part;
    at = next + (i < 3 ? 1 : 0);
  }
  return out;
}

// The Internet checksum (RFC 1071).
std::uint32_t sum_of(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint32_t octet = static_cast<unsigned char>(bytes[i]);
    sum += i % 2 == 0 ? octet << 8 : octet;
  }
  return sum;
}
std::uint16_t fold(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

std::string pcap_header() {
  std::string out;
  put_little(out, 0xA1B2C3D4, 4);  // microseconds
  put_little(out, 2, 2);
  put_little(out, 4, 2);
  put_little(out, 0, 4);
  put_little(out, 0, 4);
  put_little(out, 65535, 4);
  put_little(out, 1, 4);  // Ethernet
  return out;
}

RecordedFlow::RecordedFlow(const Endpoint& client, const Endpoint& server) {
  ends_[0] = {.address = ipv4(client.address), .port = client.port, .next = kFirstSequence};
  ends_[1] = {.address = ipv4(server.address), .port = server.port, .next = kFirstSequence};
}

std::string RecordedFlow::packet(Side side, std::uint8_t flags, std::string_view payload, const Instant& now) {
  End& from = ends_[side == Side::kClient ? 0 : 1];
  const End& to = ends_[side == Side::kClient ? 1 : 0];
  std::string tcp;
  put_big(tcp, from.port, 2);
  put_big(tcp, to.port, 2);
  put_big(tcp, from.next, 4);
  put_big(tcp, (flags & kAck) != 0 ? to.next : 0, 4);
  put_big(tcp, 0x50, 1);
  put_big(tcp, flags, 1);
  put_big(tcp, 65535, 2);
  put_big(tcp, 0, 4);
  tcp += payload;
  std::string pseudo;
  put_big(pseudo, from.address, 4);
  put_big(pseudo, to.address, 4);
  put_big(pseudo, 6, 2);
  put_big(pseudo, static_cast<std::uint32_t>(tcp.size()), 2);
  const std::uint16_t tcp_sum = fold(sum_of(pseudo) + sum_of(tcp));
  tcp[16] = static_cast<char>(tcp_sum >> 8);
  tcp[17] = static_cast<char>(tcp_sum);

  std::string ip;
  put_big(ip, 0x4500, 2);
  put_big(ip, static_cast<std::uint32_t>(20 + tcp.size()), 2);
  put_big(ip, from.packets++, 2);
  put_big(ip, 0x4000, 2);  // don't fragment
  put_big(ip, 64, 1);
  put_big(ip, 6, 1);
  put_big(ip, 0, 2);
  put_big(ip, from.address, 4);
  put_big(ip, to.address, 4);
  const std::uint16_t ip_sum = fold(sum_of(ip));
  ip[10] = static_cast<char>(ip_sum >> 8);
  ip[11] = static_cast<char>(ip_sum);

  const std::size_t size = 14 + ip.size() + tcp.size();
  std::string out;
  put_little(out, static_cast<std::uint32_t>(now.seconds), 4);
  put_little(out, static_cast<std::uint32_t>(now.nanos / 1000), 4);
  put_little(out, static_cast<std::uint32_t>(size), 4);
  put_little(out, static_cast<std::uint32_t>(size), 4);
  // Locally administered addresses: 02:00 and the IPv4 address.
  put_big(out, 0x0200, 2);
  put_big(out, to.address, 4);
  put_big(out, 0x0200, 2);
  put_big(out, from.address, 4);
  put_big(out, 0x0800, 2);
  out += ip;
  out += tcp;
  from.next += static_cast<std::uint32_t>(payload.size()) + ((flags & (kSyn | kFin)) != 0 ? 1 : 0);
  return out;
}

std::string RecordedFlow::open(const Instant& now) {
  std::string out = packet(Side::kClient, kSyn, {}, now);
  out += packet(Side::kServer, kSyn | kAck, {}, now);
  return out + packet(Side::kClient, kAck, {}, now);
}

std::string RecordedFlow::data(Side from, std::string_view bytes, const Instant& now) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += kMaxSegmentBytes) {
    out += packet(from, kPush | kAck, bytes.substr(at, kMaxSegmentBytes), now);
    out += packet(from == Side::kClient ? Side::kServer : Side::kClient, kAck, {}, now);
  }
  return out;
}

std::string RecordedFlow::close(const Instant& now) {
  std::string out = packet(Side::kClient, kFin | kAck, {}, now);
  out += packet(Side::kServer, kFin | kAck, {}, now);
  return out + packet(Side::kClient, kAck, {}, now);
}

}  // namespace bongsu::exercise::wire
