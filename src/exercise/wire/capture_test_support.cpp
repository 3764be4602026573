#include "exercise/wire/capture_test_support.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/places_test_support.h"
#include "base/text.h"

namespace bongsu::exercise::wire {
namespace {

std::uint32_t little(const std::string& bytes, std::size_t at, int octets) {
  std::uint32_t out = 0;
  for (int i = octets - 1; i >= 0; --i)
    out = out << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return out;
}
std::uint16_t big(const std::string& bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

void take_packet(std::size_t frame, const std::string& packet, std::vector<Segment>& out) {
  if (packet.size() < 54 || big(packet, 12) != 0x0800 || packet[23] != 6) return;
  const std::size_t ip = 14, tcp = ip + 4 * (static_cast<std::size_t>(packet[ip]) & 0x0F);
  const std::size_t end = std::min<std::size_t>(packet.size(), ip + big(packet, ip + 2));
  if (tcp + 20 > end) return;
  const std::size_t data = tcp + 4 * (static_cast<unsigned char>(packet[tcp + 12]) >> 4);
  if (data < end)
    out.push_back({.frame = frame,
                   .from_port = big(packet, tcp),
                   .to_port = big(packet, tcp + 2),
                   .payload = packet.substr(data, end - data)});
}

}  // namespace

std::vector<Segment> read_capture(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  const std::string bytes = text.str();
  std::vector<Segment> out;
  if (bytes.size() < 24) return out;
  std::size_t frame = 0;
  if (little(bytes, 0, 4) == 0x0A0D0D0A) {  // pcapng: blocks; 6 is an enhanced packet
    for (std::size_t at = 0; at + 12 <= bytes.size();) {
      const std::size_t size = little(bytes, at + 4, 4);
      if (size < 12 || at + size > bytes.size()) break;
      if (little(bytes, at, 4) == 6) take_packet(++frame, bytes.substr(at + 28, little(bytes, at + 20, 4)), out);
      at += size;
    }
    return out;
  }
  for (std::size_t at = 24; at + 16 <= bytes.size();) {
    const std::size_t size = little(bytes, at + 8, 4);
    if (at + 16 + size > bytes.size()) break;
    take_packet(++frame, bytes.substr(at + 16, size), out);
    at += 16 + size;
  }
  return out;
}

bool have_tshark() {
  static const bool have = std::system("command -v tshark >/dev/null 2>&1") == 0;
  return have;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out{""};
  for (const char c : text) {
    if (c == separator)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

std::vector<std::vector<std::string>> tshark(const std::filesystem::path& file, const std::string& filter,
                                             const std::vector<std::string>& fields) {
  std::string command = fmt::format(
      "tshark -n -r '{}' -Y '{}' -T fields -E separator=';' -E occurrence=a -E aggregator=,", file.string(), filter);
  for (const std::string& field : fields) command += " -e " + field;
  std::FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  std::string text;
  std::array<char, 65536> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), got);
  ::pclose(pipe);
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : split(text, '\n'))
    if (!line.empty()) rows.push_back(split(line, ';'));
  return rows;
}

std::optional<std::filesystem::path> shared_capture(const std::string& name) {
  const std::string file = shared_data("exercise/ics-pcaps/" + name);
  if (file.empty()) return std::nullopt;
  return file;
}

std::filesystem::path scratch_file(const std::string& name) {
  return std::filesystem::temp_directory_path() / fmt::format("bongsu-wire-{}-{}", ::getpid(), name);
}

std::string bytes_of_hex(std::string_view hex) {
  std::string out;
  int high = -1;
  for (const char c : hex) {
    const int digit = hex_digit(c);
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  return out;
}

}  // namespace bongsu::exercise::wire
