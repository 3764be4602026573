// A session as a packet capture, so that Wireshark, Zeek and others read what our stations said: bytes of a classic
// pcap file (microseconds, Ethernet), with the TCP that carried them made up around it: handshake, acknowledgements,
// end.
//
//   std::string file = pcap_header();
//   RecordedFlow flow({"127.0.0.1", 40001}, {"127.0.0.1", 2404});
//   file += flow.open(clock.now());
//   file += flow.data(Side::kClient, bytes, clock.now());
//   file += flow.close(clock.now());
//
// What is in the file is what our state machines sent and received, not what a card saw: no retransmissions, no
// fragments. IPv4 only; other addresses are shown as 127.0.0.1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace bongsu::exercise::wire {

inline constexpr std::size_t kMaxSegmentBytes = 1460;  // longer data becomes several packets

struct Endpoint {
  std::string address;  // "198.51.100.7"
  std::uint16_t port = 0;
};
enum class Side : std::uint8_t { kClient, kServer };

std::string pcap_header();

class RecordedFlow {
 public:
  RecordedFlow(const Endpoint& client, const Endpoint& server);
  std::string open(const Instant& now);
  std::string data(Side from, std::string_view bytes, const Instant& now);
  std::string close(const Instant& now);

 private:
  struct End {
    std::uint32_t address = 0;
    std::uint16_t port = 0;
    std::uint32_t next = 0;  // sequence number of the next octet
    std::uint16_t packets = 0;
  };
  std::string packet(Side from, std::uint8_t flags, std::string_view payload, const Instant& now);
  End ends_[2];
};

}  // namespace bongsu::exercise::wire
