// Which field of which format holds which kind of value: a table made from declared documents (field_map_document.h),
// used by every reader and by everything that reads events by field.
//
//   FieldMapPtr map = FieldMap::standard();                       // the maps that come with the program
//   map->find(FieldMap::extend(FieldMap::kRoot, "Image"), "Image").role  →  Role::kFilePath
//
//   FieldMapBuilder builder(*map);                                // more: a rule reads this field
//   FieldId id = builder.want("LogonType");
//   BONGSU_TRY(FieldMapPtr wider, builder.build());               // ids of `map` keep their meaning in `wider`
//
// Paths are looked up by a hash that is carried down from container to container, so that no path is ever put together
// on the way. "id.orig_h" as one key and {"id":{"orig_h":…}} find the same row, and so do "winlog.event_data.Image" in
// every way to nest it, and "Image": containers that add nothing are no part of a path. A path means the same in every
// format, so the lookup is by path alone. The hash has a key of this process: who writes rules or telemetry cannot
// make two paths meet.
//
// A map never changes once it is built: any thread may use it.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bongsu::telemetry {

enum class Format : std::uint8_t {
  kText,
  kZeekJson,
  kZeekTsv,
  kEve,
  kWindows,
  kJson,
  kSyslog,
  kCef,
  kLeef,
  kCsv,
  kKeyValue
};
inline constexpr std::size_t kFormats = 11;
// "text", "zeek-json", "zeek-tsv", "suricata-eve", "windows", "json", "syslog", "cef", "leef", "csv", "key-value"
std::string_view to_string(Format format);

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
// As in a map's document: "file-path", "http-target", …
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);
std::optional<Format> parse_format(std::string_view text);

// Numbers a row of a map. 0 is no row.
using FieldId = std::uint16_t;
inline constexpr FieldId kNoField = 0;
inline constexpr std::size_t kMaxFields = 20'000;  // rows of a map
inline constexpr std::size_t kMaxFieldPathBytes = 512;

struct FieldRow {
  Format format = Format::kText;  // where it comes from
  std::string path;
  Role role = Role::kShape;
  bool marks = false;              // its presence tells the format
  bool wanted = false;             // emitted whatever its role, numbers and literals too
  std::vector<std::string> sigma;  // Sigma's names for it, beside the path itself
  std::vector<std::string> stix;   // where the value stands in an observation: "process:command_line"
};

// What a Sigma log source means on events of one format: which events belong to it, and where its fields are.
struct LogSource {
  Format format = Format::kText;
  std::string product, category, service;  // empty: any
  // Each field (a path) has one of the values (compared without case). All must hold.
  std::vector<std::pair<std::string, std::vector<std::string>>> when;
  // Sigma's field name → paths, before what the rows say.
  std::map<std::string, std::vector<std::string>, std::less<>> fields;
};

class FieldMap;
using FieldMapPtr = std::shared_ptr<const FieldMap>;

class FieldMap {
 public:
  static const std::uint64_t kRoot;

  struct Found {
    Role role = Role::kShape;
    Format mark = Format::kText;  // kText: tells nothing
    bool wanted = false;
    FieldId field = kNoField;
  };

  // The maps that come with the program (src/telemetry/maps).
  static FieldMapPtr standard();

  static std::uint64_t extend(std::uint64_t parent, std::string_view key) {
    std::uint64_t a = 0, b = 0;
    std::size_t n = key.size();
    const char* p = key.data();
    for (; n > 16; p += 16, n -= 16) {
      std::memcpy(&a, p, 8);
      std::memcpy(&b, p + 8, 8);
      parent = mixed(a ^ parent, b ^ kSecret);
    }
    a = b = 0;
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
    return mixed(a ^ parent, b ^ kSecret ^ (static_cast<std::uint64_t>(key.size()) << 32));
  }

  // `path` is extend(parent, key).
  [[gnu::always_inline]] Found find(std::uint64_t path, std::string_view key) const {
    for (std::size_t i = path & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.hash == 0) return {};
      if (slot.hash == path && same(slot.key, key)) return slot.found;
    }
  }
  // A key where it stands: its path, and its row. Containers that add nothing may stand before it in one key with it.
  struct Spot {
    std::uint64_t path = 0;
    Found found;
  };
  Spot locate(std::uint64_t parent, std::string_view key) const {
    const std::uint64_t path = extend(parent, key);
    const Found found = find(path, key);
    if (found.field != kNoField || key.find('.') == key.npos) return {path, found};
    return locate_behind(parent, key, path);
  }
  // The role of a column or flat path that stands alone.
  Found find(std::string_view path) const { return locate(kRoot, path).found; }
  // `path` without the containers before it that add nothing: "winlog.event_data.Image" → "Image".
  std::string_view plain(std::string_view path) const;

  const FieldRow& row(FieldId field) const { return rows_[field]; }
  std::span<const FieldRow> rows() const { return std::span(rows_).subspan(1); }  // in the order of their ids, from 1
  FieldId field(std::string_view path) const;                                     // kNoField: no row
  std::span<const LogSource> log_sources() const { return log_sources_; }

 private:
  static const std::uint64_t kSecret;
  static std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
    const unsigned __int128 m = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(m) ^ static_cast<std::uint64_t>(m >> 64);
  }
  // Takes the container before the first dot off `key` if it adds nothing; what it tells of the format goes to `mark`.
  bool strip(std::uint64_t parent, std::string_view& key, Format& mark) const;
  Spot locate_behind(std::uint64_t parent, std::string_view key, std::uint64_t path) const;

  // a == b without a call for short ones.
  static bool same(std::string_view a, std::string_view b) {
    const std::size_t n = a.size();
    if (n != b.size()) return false;
    const char *p = a.data(), *q = b.data();
    if (n > 16 || n < 4)
      return n < 4 ? (n == 0 || (p[0] == q[0] && p[n / 2] == q[n / 2] && p[n - 1] == q[n - 1])) : a == b;
    const auto differ = [&]<class Word>(Word) {
      Word w[4];
      std::memcpy(&w[0], p, sizeof(Word));
      std::memcpy(&w[1], q, sizeof(Word));
      std::memcpy(&w[2], p + n - sizeof(Word), sizeof(Word));
      std::memcpy(&w[3], q + n - sizeof(Word), sizeof(Word));
      return ((w[0] ^ w[1]) | (w[2] ^ w[3])) != 0;
    };
    return n >= 8 ? !differ(std::uint64_t{}) : !differ(std::uint32_t{});
  }

  friend class FieldMapBuilder;
  struct Slot {
    std::uint64_t hash = 0;
    std::string_view key;
    Found found;
  };
  FieldMap() = default;
  Result<void> index();

  std::vector<FieldRow> rows_;  // [0] is no field
  std::vector<LogSource> log_sources_;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
};

class FieldMapBuilder {
 public:
  FieldMapBuilder();
  // Begins with all that `map` has.
  explicit FieldMapBuilder(const FieldMap& map);

  // A path that is there already takes the new role; names are added to those that it has. Containers that add nothing
  // are taken off its beginning. kInvalid, kTooLarge.
  Result<FieldId> add(FieldRow row);
  // Log sources that are added later are looked at first.
  void add(LogSource source);
  // The row of that path, emitted whatever it holds. kTooLarge at kMaxFields.
  Result<FieldId> want(std::string_view path);
  // kInvalid when two paths cannot be told apart.
  Result<FieldMapPtr> build() const;

 private:
  std::vector<FieldRow> rows_;
  std::vector<LogSource> log_sources_;
  std::unordered_map<std::string, FieldId> by_path_;
};

}  // namespace bongsu::telemetry
