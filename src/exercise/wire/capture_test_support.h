// Packet captures and tshark, for tests.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bongsu::exercise::wire {

struct Segment {          // one TCP segment with data
  std::size_t frame = 0;  // its packet's number in the file, from 1
  std::uint16_t from_port = 0, to_port = 0;
  std::string payload;
};
// Of a classic pcap file or a pcapng file of one interface, Ethernet and IPv4. Empty when it can't be read.
std::vector<Segment> read_capture(const std::filesystem::path& file);

bool have_tshark();
// One row a packet that passes `filter`, one cell a field; a field's several values between commas.
std::vector<std::vector<std::string>> tshark(const std::filesystem::path& file, const std::string& filter,
                                             const std::vector<std::string>& fields);
std::vector<std::string> split(const std::string& text, char separator);
// A file in the shared data, when it is there.
std::optional<std::filesystem::path> shared_capture(const std::string& name);
std::filesystem::path scratch_file(const std::string& name);
std::string bytes_of_hex(std::string_view hex);  // blanks between octets are overlooked

}  // namespace bongsu::exercise::wire
