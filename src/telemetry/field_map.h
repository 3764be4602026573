// Which field of which format holds which kind of value: one declared table (field_map.cpp), used by every reader.
//
//   FieldMap::role(FieldMap::extend(FieldMap::kRoot, "event_data"), "Image")  →  Role::kFilePath
//
// Paths are looked up by a hash that is carried down from container to container, so that no path is ever put together
// on the way. "id.orig_h" as one key and {"id":{"orig_h":…}} find the same row.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace bongsu::telemetry {

enum class Format : std::uint8_t { kText, kZeekJson, kZeekTsv, kEve, kWindows, kJson };
inline constexpr std::size_t kFormats = 6;
std::string_view to_string(Format format);  // "text", "zeek-json", "zeek-tsv", "suricata-eve", "windows", "json"

enum class Role : std::uint8_t {
  kShape,     // not in the map: addresses and file hashes are known by their shape, nothing else is looked for
  kIgnore,    // in the map as of no interest
  kAddress,   // an IP address, or several separated by ';'
  kHost,      // a host name or an address, perhaps with a port
  kHttpHost,  // as kHost, and the authority of the request's URL
  kHttpUri,   // the target of a request: a path, or a whole URL as proxies see it
  kHttpPort,  // the server's port, for the request's URL
  kUrl,       // a whole URL
  kEmail,     // one or several addresses, perhaps with names: "A <a@example.org>"
  kHash,      // a file hash in hexadecimal, told apart by its length
  kHashList,  // "SHA1=…,MD5=…,IMPHASH=…"
  kJa3,       // MD5 over a TLS greeting (JA3, JA3S)
  kMac,
  kFileName,  // a name, perhaps behind a path
  kFilePath,
  kRegistryKey,
  kMutex,
  kUserAgent,
  kText,  // free text: values are found by tokens
  kTime,  // the event's own time; kTimeSecond and kTimeThird stand in when it is missing
  kTimeSecond,
  kTimeThird,
  kTransparent,  // a container that adds nothing to the path: "event_data", "winlog", "Event"
};
inline constexpr std::size_t kRoles = 23;
std::string_view to_string(Role role);

// A row of the table. `marks` says that its presence tells the format.
struct FieldRow {
  Format format;
  std::string_view path;
  Role role;
  bool marks = false;
};
std::span<const FieldRow> field_rows();

class FieldMap {
 public:
  static constexpr std::uint64_t kRoot = 0x9e3779b97f4a7c15;

  struct Found {
    Role role = Role::kShape;
    Format mark = Format::kText;  // kText: tells nothing
  };

  static std::uint64_t extend(std::uint64_t parent, std::string_view key) {
    std::uint64_t a = 0, b = 0;
    const std::size_t n = key.size();
    const char* p = key.data();
    if (n >= 8) {
      std::memcpy(&a, p, 8);
      std::memcpy(&b, p + n - 8, 8);
    } else if (n >= 4) {
      std::uint32_t x = 0, y = 0;
      std::memcpy(&x, p, 4);
      std::memcpy(&y, p + n - 4, 4);
      a = x;
      b = y;
    } else {
      for (std::size_t i = 0; i < n; ++i) a = a << 8 | static_cast<unsigned char>(p[i]);
    }
    const unsigned __int128 m = static_cast<unsigned __int128>(a ^ parent) * (b ^ 0xe7037ed1a0b428db ^ (n << 32));
    return static_cast<std::uint64_t>(m) ^ static_cast<std::uint64_t>(m >> 64);
  }

  // `path` is extend(parent, key).
  static Found find(std::uint64_t path, std::string_view key) {
    for (std::size_t i = path & (kSlots - 1);; i = (i + 1) & (kSlots - 1)) {
      const Slot& slot = table().slots[i];
      if (slot.hash == 0) return {};
      if (slot.hash == path && slot.key == key) return slot.found;
    }
  }
  // The role of a column or flat path that stands alone.
  static Found find(std::string_view path) { return find(extend(kRoot, path), path); }

 private:
  static constexpr std::size_t kSlots = 4096;
  struct Slot {
    std::uint64_t hash = 0;
    std::string_view key;
    Found found;
  };
  struct Table {
    Slot slots[kSlots];
    Table();
  };
  static const Table& table();
};

}  // namespace bongsu::telemetry
