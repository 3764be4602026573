#include "node/enforcement_feed.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/text.h"
#include "flow/facts.h"
#include "stix/marking.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
using Kind = formats::EnforcementKind;
using Verdict = flow::EnforcementVerdict;
namespace fs = std::filesystem;

constexpr journal::Seq kPart = 2'000;  // entries read in one snapshot
constexpr std::size_t kPiece = 1024 * 1024;
constexpr auto kPoll = 500ms;
constexpr const char* kWithdrawn =
    "withdrawn: the files could not be written anew for too long, and may hold what was recalled or is over";
constexpr const char* kUnexpressedFile = "unexpressed.ndjson";

Kind kind_of(detect::Kind kind) {
  switch (kind) {
    case detect::Kind::kIpv4:
      return Kind::kIpv4;
    case detect::Kind::kIpv6:
      return Kind::kIpv6;
    case detect::Kind::kDomain:
      return Kind::kDomain;
    case detect::Kind::kUrl:
      return Kind::kUrl;
    case detect::Kind::kEmail:
      return Kind::kEmail;
    case detect::Kind::kMd5:
      return Kind::kMd5;
    case detect::Kind::kSha1:
      return Kind::kSha1;
    case detect::Kind::kSha256:
      return Kind::kSha256;
    case detect::Kind::kFileName:
      return Kind::kFileName;
    case detect::Kind::kJa3:
      return Kind::kJa3;
    case detect::Kind::kUserAgent:
      return Kind::kUserAgent;
    default:
      return Kind::kOther;
  }
}

// Whether the object may say something about PAP: a marking's id, or a label, perhaps behind escapes. Most say nothing,
// and are not parsed again for it.
bool may_say_pap(std::string_view payload) {
  for (const std::string_view sign : {"ad15a0cd-55b6-4588", "c43594d1-4b11-4c59", "60f8932b-e51e-4458",
                                      "740d36e5-7714-4c30", "a3bea94c-b469-41dc", "\\u00"})
    if (payload.find(sign) != payload.npos) return true;
  for (std::size_t at = payload.find(':'); at != payload.npos; at = payload.find(':', at + 1))
    if (at >= 3 && lower(payload[at - 3]) == 'p' && lower(payload[at - 2]) == 'a' && lower(payload[at - 1]) == 'p')
      return true;
  return false;
}

flow::Pap read_pap(std::string_view payload) {
  if (!may_say_pap(payload)) return flow::Pap::kClear;
  const auto object = stix::Object::parse(payload);
  return object ? flow::pap_of(*object) : flow::Pap::kRed;
}

// A file of the projection while it is written: a digest of pieces, so that nothing has to be held whole.
class Sink {
 public:
  Result<void> open(const fs::path& path) {
    path_ = path;
    file_.reset(std::fopen(path.c_str(), "wb"));
    if (!file_) return fail(ErrorCode::kIo, "cannot be written", {.source = path.string()});
    return {};
  }
  void append(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kPiece) flush();
  }
  // The content's digest and length.
  Result<std::pair<std::string, std::uint64_t>> close() {
    flush();
    if (std::fflush(file_.get()) != 0 || std::ferror(file_.get()) != 0)
      return fail(ErrorCode::kIo, "could not be written whole", {.source = path_.string()});
    file_.reset();
    return std::pair(to_hex(sha256(digests_)).substr(0, 32), bytes_);
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void flush() {
    digests_ += as_text(sha256(buffer_));
    bytes_ += buffer_.size();
    if (file_) (void)std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get());
    buffer_.clear();
  }
  fs::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string buffer_, digests_;
  std::uint64_t bytes_ = 0;
};

// A file as a response's body.
class FileBody : public net::BodySource {
 public:
  explicit FileBody(std::shared_ptr<std::FILE> file) : file_(std::move(file)) {}
  Result<bool> read(std::string& out) override {
    const std::size_t before = out.size();
    out.resize(before + 64 * 1024);
    const std::size_t got = std::fread(out.data() + before, 1, 64 * 1024, file_.get());
    out.resize(before + got);
    if (got == 0 && std::ferror(file_.get()) != 0) return fail(ErrorCode::kIo, "an enforcement file could not be read");
    return got > 0;
  }

 private:
  std::shared_ptr<std::FILE> file_;
};

}  // namespace

struct EnforcementFeed::Item {
  formats::EnforcementItem item;
  bool detect = false, block = false;
};

struct EnforcementFeed::Collected {
  std::vector<Item> items;  // sorted, without doubles
  std::uint64_t indicators = 0, unusable = 0, warned = 0, of_exercises = 0;
  std::map<std::string, std::uint64_t> skipped;  // values beyond the limits, by origin
  std::array<std::array<std::uint64_t, flow::kEnforcementVerdicts>, 2> verdicts{};  // of values, by use
};

Result<flow::EnforcementPolicy> enforcement_policy(const NodeConfig& config) {
  flow::EnforcementPolicy policy;
  policy.self = config.member;
  const auto tlp = stix::parse_tlp(config.enforcement_highest_tlp);
  if (!tlp) return fail(ErrorCode::kInvalid, "no TLP label", {.field = "enforcement.highest_tlp"});
  policy.highest_tlp = *tlp;
  policy.min_confidence_detect = static_cast<int>(config.enforcement_min_confidence_detect);
  policy.min_confidence_block = static_cast<int>(config.enforcement_min_confidence_block);
  policy.unsaid_confidence = static_cast<int>(config.enforcement_unsaid_confidence);
  policy.warning_listed = config.enforcement_warning_listed;
  auto allow = flow::read_allow_list(config.enforcement_allow);
  if (!allow) {
    allow.error().where.field = "enforcement.allow";
    return std::unexpected(allow.error());
  }
  policy.allow = std::move(*allow);
  return policy;
}

Result<std::vector<formats::EnforcementFormat>> enforcement_formats(const std::vector<std::string>& names) {
  std::vector<formats::EnforcementFormat> out;
  for (const std::string& name : names) {
    const auto format = formats::parse_enforcement_format(name);
    if (!format)
      return fail(ErrorCode::kInvalid,
                  fmt::format("\"{}\" is no format: suricata, zeek, rpz, nginx, haproxy or edl", name),
                  {.field = "enforcement.formats"});
    if (std::ranges::find(out, *format) == out.end()) out.push_back(*format);
  }
  return out;
}

EnforcementFeed::EnforcementFeed(Core& core, std::function<WarningListsPtr()> warning_lists, EnforcementLimits limits)
    : core_(core), warning_lists_(std::move(warning_lists)), limits_(limits) {}
EnforcementFeed::~EnforcementFeed() { stop(); }

fs::path EnforcementFeed::directory() const { return core_.directory.root() / "enforcement"; }

bool EnforcementFeed::is_configured(std::string_view format) const {
  return std::ranges::find(core_.config.enforcement_formats, format) != core_.config.enforcement_formats.end();
}

// A build is begun every kEnforcementRefresh, or when the journal stood still after that.
bool EnforcementFeed::is_overdue(const Served& served) const {
  return std::chrono::steady_clock::now() - served.written >
         kEnforcementRefresh + 10 * core_.config.enforcement_settle + limits_.failing;
}

void EnforcementFeed::start() {
  {
    const std::lock_guard lock(building_);
    for (std::size_t f = 0; f < formats::kEnforcementFormats; ++f) {
      const std::string name(formats::to_string(static_cast<formats::EnforcementFormat>(f)));
      if (is_configured(name)) continue;
      for (const fs::path& folder : {directory() / name, directory() / (name + ".new")}) {
        std::error_code ec;
        fs::remove_all(folder, ec);
        if (ec) core_.log.warn("enforcement.remove", {{"folder", folder.string()}, {"error", ec.message()}});
      }
    }
  }
  thread_ = std::thread([this] { run(); });
}

void EnforcementFeed::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void EnforcementFeed::run() {
  ::prctl(PR_SET_NAME, "bongsu-enforce");
  journal::Seq built = 0;
  auto next_refresh = std::chrono::steady_clock::now();
  while (!stopping_) {
    const journal::Seq last = core_.journal->wait_beyond(built, kPoll);
    if (last <= built && std::chrono::steady_clock::now() < next_refresh) continue;
    // Until nothing came for a while, but not for ever.
    journal::Seq seen = last;
    const auto latest = std::chrono::steady_clock::now() + 10 * core_.config.enforcement_settle;
    while (!stopping_ && std::chrono::steady_clock::now() < latest) {
      const auto end = std::chrono::steady_clock::now() + core_.config.enforcement_settle;
      while (!stopping_ && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(50ms);
      if (core_.journal->last_seq() == seen) break;
      seen = core_.journal->last_seq();
    }
    if (stopping_) return;
    built = core_.journal->last_seq();
    next_refresh = std::chrono::steady_clock::now() + kEnforcementRefresh;
    auto formats = enforcement_formats(core_.config.enforcement_formats);
    const auto done = formats ? build(*formats) : Result<JsonObject>(std::unexpected(formats.error()));
    if (!done) {
      core_.log.error("enforcement.build", {{"error", done.error().text()}});
      next_refresh = std::chrono::steady_clock::now() + kEnforcementRetry;
    }
  }
}

Result<EnforcementFeed::Collected> EnforcementFeed::collect() const {
  BONGSU_TRY(flow::EnforcementPolicy policy, enforcement_policy(core_.config));
  const flow::EnforcementRules rules(std::move(policy));
  const WarningListsPtr lists = warning_lists_ ? warning_lists_() : nullptr;
  const Instant now = core_.clock.now();
  Collected out;

  // The newest version that each member gave counts, whichever collections it stands in. Where it stands in several,
  // what all of them allow.
  struct Newest {
    std::string version_key, label;
    flow::Pap pap = flow::Pap::kClear;
    std::vector<Item> items;
    std::array<std::array<std::uint32_t, flow::kEnforcementVerdicts>, 2> verdicts{};
    std::uint32_t skipped = 0;
    bool unusable = false;
  };
  std::map<std::pair<Uuid, std::string>, Newest> newest;
  std::map<std::string, std::size_t> held_of;  // by origin
  std::size_t held = 0;

  const auto take = [&](journal::Entry&& entry, Result<std::string>&& payload) {
    const auto id = stix::Id::parse(entry.object_id);
    if (!id) return true;
    auto stored = policy::Label::parse(flow::stored_label(entry.label));
    if (stored && !stored->exercises.empty()) {  // no drill blocks anything, and none unblocks
      ++out.of_exercises;
      return true;
    }
    Newest& slot = newest[{id->uuid, entry.origin}];
    if (!slot.version_key.empty() && slot.version_key > entry.version_key) return true;
    policy::Label label = stored ? std::move(*stored) : policy::deny_all();
    flow::Pap pap = payload ? read_pap(*payload) : flow::Pap::kRed;

    const bool again = slot.version_key == entry.version_key && !slot.version_key.empty();
    Newest before = std::exchange(slot, {});
    held -= before.items.size();
    std::size_t& held_here = held_of[entry.origin];
    held_here -= before.items.size();
    slot.version_key = entry.version_key;
    if (again) {
      const auto other = policy::Label::parse(before.label);
      label = policy::join(label, other ? *other : policy::deny_all());
      pap = std::max(pap, before.pap);
    }
    slot.label = label.text();
    slot.pap = pap;
    const auto compiled =
        payload ? detect::compile(*payload) : Result<detect::Compiled>(std::unexpected(payload.error()));
    if (!compiled || compiled->rule_language || (again && before.unusable)) {
      slot.unusable = true;
      return true;
    }
    flow::EnforcementCandidate candidate;
    candidate.label = std::move(label);
    candidate.pap = pap;
    candidate.valid_from = compiled->valid_from;
    candidate.valid_until = compiled->valid_until;
    candidate.confidence = compiled->confidence;
    candidate.revoked = compiled->revoked;
    for (const detect::Value& value : compiled->values) {
      candidate.value = value;
      candidate.warning_listed = lists && !lists->find(value).empty();
      const Verdict detect = rules.decide(candidate, flow::EnforcementUse::kDetect, now);
      const Verdict block = rules.decide(candidate, flow::EnforcementUse::kBlock, now);
      ++slot.verdicts[0][static_cast<std::size_t>(detect)];
      ++slot.verdicts[1][static_cast<std::size_t>(block)];
      if (!flow::is_used(detect) && !flow::is_used(block)) continue;
      if (held_here + slot.items.size() >= limits_.items_of_origin || held + slot.items.size() >= limits_.items) {
        ++slot.skipped;
        continue;
      }
      slot.items.push_back(
          {.item = {.kind = kind_of(value.kind), .value = value.text, .source = entry.origin, .id = entry.object_id},
           .detect = flow::is_used(detect),
           .block = flow::is_used(block)});
    }
    if (again) {
      // One version with two contents: what both say.
      std::map<std::pair<Kind, std::string_view>, const Item*> said;
      for (const Item& item : before.items) said[{item.item.kind, item.item.value}] = &item;
      std::erase_if(slot.items, [&](Item& item) {
        const auto other = said.find({item.item.kind, item.item.value});
        if (other == said.end()) return true;
        item.detect = item.detect && other->second->detect;
        item.block = item.block && other->second->block;
        return !item.detect && !item.block;
      });
      slot.skipped = std::max(slot.skipped, before.skipped);
    }
    held += slot.items.size();
    held_here += slot.items.size();
    return true;
  };
  const journal::Seq upto = core_.journal->last_seq();
  for (journal::Seq after = 0; after < upto && !stopping_; after += kPart)
    BONGSU_TRY_VOID(core_.journal->snapshot()->objects("indicator", after, std::min(upto, after + kPart), take));
  if (stopping_) return fail(ErrorCode::kCancelled, "stopped");

  out.items.reserve(held);
  for (auto& [key, slot] : newest) {
    ++out.indicators;
    out.unusable += slot.unusable ? 1 : 0;
    if (slot.skipped > 0) out.skipped[key.second] += slot.skipped;
    for (std::size_t use = 0; use < 2; ++use)
      for (std::size_t v = 0; v < flow::kEnforcementVerdicts; ++v) out.verdicts[use][v] += slot.verdicts[use][v];
    std::ranges::move(slot.items, std::back_inserter(out.items));
    slot.items.clear();
  }
  std::ranges::sort(out.items, [](const Item& a, const Item& b) {
    return std::tie(a.item.kind, a.item.value, a.item.source, a.item.id) <
           std::tie(b.item.kind, b.item.value, b.item.source, b.item.id);
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < out.items.size(); ++i) {
    if (kept > 0 && out.items[kept - 1].item.kind == out.items[i].item.kind &&
        out.items[kept - 1].item.value == out.items[i].item.value) {
      out.items[kept - 1].detect = out.items[kept - 1].detect || out.items[i].detect;
      out.items[kept - 1].block = out.items[kept - 1].block || out.items[i].block;
    } else {
      if (kept != i) out.items[kept] = std::move(out.items[i]);
      ++kept;
    }
  }
  out.items.erase(out.items.begin() + static_cast<std::ptrdiff_t>(kept), out.items.end());
  return out;
}

Result<JsonObject> EnforcementFeed::write(formats::EnforcementFormat format, const std::vector<Item>& items,
                                          std::chrono::steady_clock::time_point collected) {
  const std::string name(formats::to_string(format));
  const fs::path folder = directory() / name, fresh = directory() / (name + ".new");
  std::error_code ec;
  fs::create_directories(folder, ec);
  fs::create_directories(fresh, ec);
  if (ec) return fail(ErrorCode::kIo, "cannot be made: " + ec.message(), {.source = fresh.string()});
  const auto& files = formats::EnforcementWriter::files(format);
  std::map<std::string, File, std::less<>> before;
  {
    const std::lock_guard lock(mutex_);
    if (const auto served = served_.find(name); served != served_.end()) before = served->second.files;
  }
  // The serial is that of the zone on disk, and a later one if the content is another.
  const Instant now = core_.clock.now();
  std::uint32_t serial = 1;
  if (format == formats::EnforcementFormat::kRpz) {
    if (std::FILE* zone = std::fopen((folder / files[0].name).c_str(), "rb")) {
      char head[512] = {};
      const std::size_t got = std::fread(head, 1, sizeof head - 1, zone);
      std::fclose(zone);
      const std::string_view text(head, got);
      constexpr std::string_view kBefore = "root.localhost. ";
      if (const std::size_t at = text.find(kBefore); at != text.npos)
        serial = static_cast<std::uint32_t>(std::strtoul(head + at + kBefore.size(), nullptr, 10));
    }
  }
  JsonObject reasons, sizes;
  std::uint64_t expressed = 0, unexpressed = 0;
  std::vector<std::pair<std::string, std::uint64_t>> digests;
  const auto pass = [&](std::uint32_t with_serial) -> Result<void> {
    formats::EnforcementWriter writer(format, {.zone = core_.config.enforcement_zone, .serial = with_serial});
    std::vector<Sink> sinks(files.size() + 1);
    for (std::size_t f = 0; f < files.size(); ++f) BONGSU_TRY_VOID(sinks[f].open(fresh / files[f].name));
    BONGSU_TRY_VOID(sinks.back().open(fresh / kUnexpressedFile));
    std::map<std::string_view, std::uint64_t> counted;
    expressed = unexpressed = 0;
    const auto emit = [&](std::size_t file, std::string_view text) { sinks[file].append(text); };
    for (std::size_t f = 0; f < files.size(); ++f) emit(f, writer.head(f));
    for (const Item& item : items) {
      if (!(formats::blocks(format) ? item.block : item.detect)) continue;
      const auto why = writer.write(item.item, emit);
      if (!why) {
        ++expressed;
        continue;
      }
      ++counted[*why];
      if (++unexpressed > kMaxUnexpressedListed) continue;
      std::string line = "{\"id\":";
      append_json_string(line, item.item.id);
      line += ",\"value\":";
      append_json_string(line, item.item.value);
      line += ",\"reason\":";
      append_json_string(line, *why);
      sinks.back().append(line + "}\n");
    }
    for (std::size_t f = 0; f < files.size(); ++f) emit(f, writer.tail(f));
    digests.clear();
    for (Sink& sink : sinks) {
      BONGSU_TRY(auto digest, sink.close());
      digests.push_back(std::move(digest));
    }
    reasons.clear();
    for (const auto& [why, n] : counted) reasons[why] = n;
    return {};
  };
  BONGSU_TRY_VOID(pass(serial));
  if (format == formats::EnforcementFormat::kRpz) {
    const auto served = before.find(files[0].name);
    bool same = served != before.end() && served->second.etag == digests[0].first;
    if (!same && served == before.end()) {
      // After a start: the bytes on disk decide.
      const auto old = read_small_file(folder / files[0].name, SIZE_MAX / 2);
      const auto made = read_small_file(fresh / files[0].name, SIZE_MAX / 2);
      same = old && made && *old == *made;
    }
    if (!same)
      BONGSU_TRY_VOID(pass(std::max(serial + 1, static_cast<std::uint32_t>(std::max<std::int64_t>(now.seconds, 0)))));
  }
  const std::lock_guard lock(mutex_);
  auto& served = served_[name].files;
  for (std::size_t f = 0; f <= files.size(); ++f) {
    const std::string file = f < files.size() ? files[f].name : kUnexpressedFile;
    fs::rename(fresh / file, folder / file, ec);
    if (ec) return fail(ErrorCode::kIo, ec.message(), {.source = (folder / file).string()});
    const auto old = served.find(file);
    const bool same = old != served.end() && old->second.etag == digests[f].first;
    if (!same)
      served[file] = {.content_type = f < files.size() ? files[f].content_type : "application/x-ndjson",
                      .etag = digests[f].first,
                      .bytes = digests[f].second,
                      .changed = now};
    sizes[file] = digests[f].second;
  }
  served_[name].written = collected;
  fs::remove(fresh, ec);
  JsonArray limits;
  for (const std::string& limit : formats::EnforcementWriter::limits(format)) limits.emplace_back(limit);
  return JsonObject{{"format", name},
                    {"directory", folder.string()},
                    {"expressed", expressed},
                    {"unexpressed", unexpressed},
                    {"reasons", std::move(reasons)},
                    {"files", std::move(sizes)},
                    {"limits", std::move(limits)}};
}

Result<JsonObject> EnforcementFeed::build(const std::vector<formats::EnforcementFormat>& formats) {
  const std::lock_guard lock(building_);
  const auto begun = std::chrono::steady_clock::now();
  BONGSU_TRY(const Collected collected, collect());
  JsonObject skipped;
  for (const auto& [origin, n] : collected.skipped) {
    core_.log.warn("enforcement.too_many", {{"origin", origin}, {"skipped", std::to_string(n)}});
    skipped[origin] = n;
  }
  JsonArray written;
  for (const auto format : formats) {
    BONGSU_TRY(JsonObject report, write(format, collected.items, begun));
    written.emplace_back(std::move(report));
  }
  JsonObject withheld;
  for (std::size_t use = 0; use < 2; ++use) {
    JsonObject counts;
    for (std::size_t v = 0; v < flow::kEnforcementVerdicts; ++v)
      if (collected.verdicts[use][v] > 0) counts[flow::to_string(static_cast<Verdict>(v))] = collected.verdicts[use][v];
    withheld[use == 0 ? "detect" : "block"] = std::move(counts);
  }
  return JsonObject{{"indicators", collected.indicators}, {"not_plain_values", collected.unusable},
                    {"of_exercises", collected.of_exercises},
                    {"values", collected.items.size()},   {"skipped", std::move(skipped)},
                    {"verdicts", std::move(withheld)},    {"formats", std::move(written)}};
}

Result<api::EnforcementBody> EnforcementFeed::open(std::string_view format, std::string_view file) const {
  const std::lock_guard lock(mutex_);
  const auto nothing = [] { return fail(ErrorCode::kNotFound, "there is no such file"); };
  const auto folder = served_.find(format);
  if (folder == served_.end() || !is_configured(format)) return nothing();
  const auto& files = folder->second.files;
  const auto found = files.find(file);
  if (found == files.end()) return nothing();
  if (is_overdue(folder->second)) return fail(ErrorCode::kUnavailable, kWithdrawn);
  // Opened under the lock: what is served is what the entity tag says, whatever is renamed meanwhile.
  std::shared_ptr<std::FILE> opened(std::fopen((directory() / folder->first / found->first).c_str(), "rb"),
                                    [](std::FILE* f) {
                                      if (f != nullptr) std::fclose(f);
                                    });
  if (!opened) return nothing();
  return api::EnforcementBody{.content_type = found->second.content_type,
                              .etag = found->second.etag,
                              .changed = found->second.changed,
                              .body = std::make_unique<FileBody>(std::move(opened))};
}

Json EnforcementFeed::listing() const {
  const std::lock_guard lock(mutex_);
  JsonObject out;
  for (const auto& [format, served] : served_) {
    if (!is_configured(format) || is_overdue(served)) continue;
    JsonObject names;
    for (const auto& [name, file] : served.files)
      names[name] =
          JsonObject{{"bytes", file.bytes}, {"etag", "\"" + file.etag + "\""}, {"changed", file.changed.text(0)}};
    out[format] = std::move(names);
  }
  return out;
}

}  // namespace bongsu::node
