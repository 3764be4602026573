// Indicators written for other people's enforcement points: Suricata, Zeek, DNS response policy zones, nginx, HAProxy,
// and plain lists that firewalls fetch.
//
//   EnforcementWriter writer(EnforcementFormat::kRpz, {.zone = "rpz.bongsu", .serial = 1});
//   for (std::size_t f = 0; f < writer.files().size(); ++f) emit(f, writer.head(f));
//   for (const EnforcementItem& item : items)
//     if (const auto why = writer.write(item, emit)) …          // the format cannot express it; nothing was written
//   for (std::size_t f = 0; f < writer.files().size(); ++f) emit(f, writer.tail(f));
//
// A value comes from strangers and ends in a firewall's configuration. So nothing is copied: each value is read here
// anew by the strict grammar of its kind and written from what was read, in an alphabet in which nothing can end a
// line, a string or a block. What does not fit is refused with a reason, never quoted on luck.
//
// Items should come sorted and without doubles; files then have equal bytes for equal items. No time of writing is in
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace bongsu::formats {

enum class EnforcementFormat : std::uint8_t { kSuricata, kZeek, kRpz, kNginx, kHaproxy, kEdl };
inline constexpr std::size_t kEnforcementFormats = 6;
std::string_view to_string(EnforcementFormat format);  // "suricata", "zeek", "rpz", "nginx", "haproxy", "edl"
std::optional<EnforcementFormat> parse_enforcement_format(std::string_view text);
// Whether the format stops traffic, rather than reporting it.
bool blocks(EnforcementFormat format);

enum class EnforcementKind : std::uint8_t {
  kIpv4,  // address or CIDR
  kIpv6,
  kDomain,  // and its subdomains
  kUrl,
  kEmail,
  kMd5,
  kSha1,
  kSha256,
  kFileName,
  kJa3,
  kUserAgent,
  kOther,  // nothing here has a place for it
};

struct EnforcementItem {
  EnforcementKind kind = EnforcementKind::kOther;
  std::string value;
  std::string source;  // who says so: a member's short name
  std::string id;      // of the indicator
};

struct EnforcementFile {
  std::string name;          // "bongsu.rules"
  std::string content_type;  // "text/plain; charset=utf-8"
};

struct EnforcementOptions {
  std::string zone = "rpz.bongsu";  // name of the response policy zone
  std::uint32_t serial = 1;         // of its SOA: grows when its content changes
};

inline constexpr int kWidestIpv4Block = 8;  // a shorter prefix is a mistake or an attack
inline constexpr int kWidestIpv6Block = 19;
inline constexpr std::size_t kMaxEnforcementUrl = 2'000;
inline constexpr std::size_t kMaxEnforcementText = 500;        // a file name, a user agent
inline constexpr std::size_t kMaxSuricataRules = 200'000;      // one for each URL and block; datasets have no bound
inline constexpr std::uint32_t kSuricataFirstSid = 1'000'000;  // of the range for local rules, 1,000,000 to 1,999,999

class EnforcementWriter {
 public:
  using Emit = std::function<void(std::size_t file, std::string_view text)>;
  // Why an item is not in any file: a sentence that does not depend on the item.
  using Refusal = std::string_view;

  EnforcementWriter(EnforcementFormat format, EnforcementOptions options);

  static const std::vector<EnforcementFile>& files(EnforcementFormat format);
  const std::vector<EnforcementFile>& files() const { return files(format_); }
  std::string head(std::size_t file) const;
  std::string tail(std::size_t file) const;  // after the last item
  std::optional<Refusal> write(const EnforcementItem& item, const Emit& emit);
  // What the format expresses less exactly than we mean it, for every item alike.
  static const std::vector<std::string>& limits(EnforcementFormat format);

 private:
  std::optional<Refusal> suricata(const EnforcementItem& item, const Emit& emit);
  std::optional<Refusal> rpz(const EnforcementItem& item, const Emit& emit) const;
  std::optional<Refusal> nginx(const EnforcementItem& item, const Emit& emit);
  std::uint32_t sid_of(std::string_view value);

  EnforcementFormat format_;
  EnforcementOptions options_;
  std::unordered_set<std::uint32_t> sids_;
  std::unordered_set<std::string> agents_;  // lowered, for nginx
  std::vector<bool> used_;                  // by file
};

}  // namespace bongsu::formats
