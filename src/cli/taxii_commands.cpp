#include "cli/taxii_commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include "base/json.h"
#include "cli/taxii_output.h"
#include "stix/bundle_reader.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::uint64_t kMostRefusalsSaid = 1000;

class ThreadSleeper final : public link::Sleeper {
 public:
  Result<void> sleep(std::chrono::milliseconds time) override {
    std::this_thread::sleep_for(time);
    return {};
  }
};

template <class... Args>
void say(std::FILE* file, fmt::format_string<Args...> format, Args&&... args) {
  const std::string text = fmt::format(format, std::forward<Args>(args)...);
  std::fwrite(text.data(), 1, text.size(), file);
}

int trouble(std::FILE* err, const Error& error, std::string_view advice) {
  say(err, "bongsu taxii: {}\n", error.text());
  if (!advice.empty()) say(err, "{}\n", advice);
  return 2;
}

std::string_view advice_for(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnauthenticated:
      return "Give credentials that the server knows: --user with --password-file, --token-file, --api-key-file with "
             "--api-key-header, or --cert with --key.";
    case ErrorCode::kDenied:
      return "The server knows this account but does not let it do that. Ask its operator.";
    case ErrorCode::kNotFound:
      return "Look at the URL and at --collection; a TAXII server shows only what the account may see.";
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return "Try again later; with --state the next pull goes on where this one stopped.";
    case ErrorCode::kNoSpace:
      return "Make room on the disk and run it again.";
    default:
      return "";
  }
}

Result<std::string> secret_of(const std::string& path) {
  BONGSU_TRY(std::string text, read_text_file(path));
  text.erase(std::min(text.find_first_of("\r\n"), text.size()));
  if (text.empty())
    return fail(ErrorCode::kInvalid, "the first line, which should be the secret, is empty", {.source = path});
  return text;
}

Result<link::TaxiiCredentials> credentials_of(const TaxiiConnection& c) {
  const int kinds = !c.user.empty() + !c.token_file.empty() + !c.api_key_file.empty();
  if (kinds > 1) return fail(ErrorCode::kInvalid, "one of --user, --token-file and --api-key-file is enough");
  if (c.user.empty() != c.password_file.empty())
    return fail(ErrorCode::kInvalid, "--user and --password-file go together");
  if (c.api_key_file.empty() != c.api_key_header.empty())
    return fail(ErrorCode::kInvalid, "--api-key-file and --api-key-header go together");
  link::TaxiiCredentials out{.user = c.user, .api_key_header = c.api_key_header};
  if (!c.password_file.empty()) {
    BONGSU_TRY(out.password, secret_of(c.password_file));
  }
  if (!c.token_file.empty()) {
    BONGSU_TRY(out.token, secret_of(c.token_file));
  }
  if (!c.api_key_file.empty()) {
    BONGSU_TRY(out.api_key, secret_of(c.api_key_file));
  }
  return out;
}

Result<net::ClientOptions> transport_options(const TaxiiConnection& c) {
  net::ClientOptions out;
  if (c.certificate_file.empty() != c.key_file.empty())
    return fail(ErrorCode::kInvalid, "--cert and --key go together");
  if (!c.certificate_file.empty()) {
    BONGSU_TRY(out.tls.certificate_pem, read_text_file(c.certificate_file));
    BONGSU_TRY(out.tls.private_key_pem, read_text_file(c.key_file));
  }
  if (!c.ca_file.empty()) {
    BONGSU_TRY(out.tls.authorities_pem, read_text_file(c.ca_file));
  }
  if (!c.pin.empty()) {
    std::string pin;
    for (const char ch : c.pin)
      if (ch != ':') pin.push_back(ch >= 'A' && ch <= 'F' ? static_cast<char>(ch - 'A' + 'a') : ch);
    if (pin.size() != 64 ||
        !std::ranges::all_of(pin, [](char ch) { return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f'); }))
      return fail(ErrorCode::kInvalid, "--pin is a SHA-256 fingerprint: 64 hexadecimal digits");
    out.tls.pinned_fingerprints.push_back(std::move(pin));
  }
  return out;
}

// Runs the command over a transport of its own.
template <class Options>
int run_over_network(const Options& options, std::FILE* out, std::FILE* err) {
  auto settings = transport_options(options.connection);
  if (!settings) return trouble(err, settings.error(), "");
  const auto transport = link::make_taxii_transport(std::move(*settings));
  ThreadSleeper sleeper;
  const SystemClock clock;
  SystemRandom random;
  TaxiiWorld world{.transport = *transport, .sleeper = sleeper, .clock = clock, .random = random};
  if constexpr (requires { options.state_file; })
    return run_taxii_pull(options, world, out, err);
  else
    return run_taxii_push(options, world, out, err);
}

struct Progress {
  std::FILE* err;
  bool terminal = ::isatty(::fileno(err)) == 1;
  void show(std::string_view text) const {
    if (terminal) say(err, "\r\033[K{}", text);
  }
  void clear() const { show(""); }
};

// ── pull ────────────────────────────────────────────────────────────────────────────────────────────────────────────
struct PullState {
  std::string collection;  // id
  link::TaxiiCursor cursor;
  bool resumed = false;
};

Result<PullState> read_state(const TaxiiPullOptions& options) {
  PullState out;
  out.cursor.added_after = options.added_after;
  if (!options.added_after.empty() && !Instant::parse(options.added_after))
    return fail(ErrorCode::kInvalid, "--added-after is a time: 2026-11-21T12:00:00Z");
  if (options.state_file.empty() || !std::filesystem::exists(options.state_file)) return out;
  BONGSU_TRY(const std::string text, read_text_file(options.state_file));
  const auto json = parse_json(text);
  const auto collection = json ? string_at(*json, "collection") : std::nullopt;
  const auto cursor = json ? string_at(*json, "cursor") : std::nullopt;
  if (!collection || !cursor)
    return fail(ErrorCode::kInvalid, "this is not a state file of `bongsu taxii pull`", {.source = options.state_file});
  out.collection = *collection;
  BONGSU_TRY(out.cursor, link::TaxiiCursor::parse(*cursor));
  out.resumed = true;
  return out;
}

Result<void> write_state(const std::string& path, const std::string& collection, const link::TaxiiCursor& cursor) {
  if (path.empty()) return {};
  JsonObject json;
  json["collection"] = collection;
  json["cursor"] = cursor.text();
  return write_text_file(path, to_pretty_text(json) + "\n");
}

bool is_ndjson(const TaxiiPullOptions& options) {
  return options.ndjson || options.out.ends_with(".ndjson") || options.out.ends_with(".jsonl");
}

void summarise_pull(const TaxiiPullOptions& options, const link::RemoteCollection& collection,
                    const link::PullReport& report, std::FILE* out, std::FILE* err) {
  // The objects have standard output to themselves.
  std::FILE* where = options.out == "-" ? err : out;
  if (options.json) {
    JsonObject json;
    json["collection"] = collection.id;
    json["pages"] = report.pages;
    json["objects"] = report.objects;
    json["broken"] = report.broken;
    json["repeated"] = report.repeated;
    json["reached"] = report.cursor.added_after;
    say(where, "{}\n", to_text(json));
    return;
  }
  say(where, "{} objects from {}{}\n", report.objects - report.broken,
      collection.alias.empty() ? collection.title : collection.alias,
      report.broken ? fmt::format(", {} unreadable", report.broken) : "");
  if (options.state_file.empty() && !report.cursor.added_after.empty())
    say(where, "Next time: --added-after {} (or --state FILE, which remembers it)\n", report.cursor.added_after);
}

// ── push ────────────────────────────────────────────────────────────────────────────────────────────────────────────
// Objects of several files, one at a time.
class ObjectInput {
 public:
  ObjectInput(const std::vector<std::string>& files, std::FILE* err) : files_(files), err_(err) {}
  ~ObjectInput() { close(); }
  ObjectInput(const ObjectInput&) = delete;
  ObjectInput& operator=(const ObjectInput&) = delete;

  Result<std::optional<std::string>> next() {
    while (ready_.empty()) {
      if (!file_ && at_ == files_.size()) return std::nullopt;
      BONGSU_TRY_VOID(read_more());
    }
    std::string object = std::move(ready_.back());
    ready_.pop_back();
    return object;
  }
  std::uint64_t unreadable() const { return unreadable_; }

 private:
  Result<void> read_more() {
    const std::string& name = files_[std::min(at_, files_.size() - 1)];
    if (!file_) {
      file_ = name == "-" ? stdin : std::fopen(name.c_str(), "rbe");
      if (!file_) return fail(ErrorCode::kIo, "cannot read the file", {.source = name});
      reader_ = std::make_unique<stix::BundleReader>(name);
    }
    const auto take = [&](stix::BundleItem&& item) {
      if (item.object) {
        ready_.push_back(item.object->bytes());
      } else {
        ++unreadable_;
        if (unreadable_ <= kMostRefusalsSaid)
          say(err_, "unreadable: {} {}\n", item.raw_id.empty() ? "object" : item.raw_id, item.object.error().text());
      }
      return true;
    };
    std::string piece(kPieceBytes, '\0');
    piece.resize(std::fread(piece.data(), 1, piece.size(), file_));
    if (piece.empty()) {
      const bool bad = std::ferror(file_) != 0;
      auto reader = std::exchange(reader_, nullptr);
      close();
      ++at_;
      if (bad) return fail(ErrorCode::kIo, "cannot read the file", {.source = name});
      BONGSU_TRY_VOID(reader->finish(take));
    } else {
      BONGSU_TRY_VOID(reader_->feed(piece, take));
    }
    std::ranges::reverse(ready_);  // handed out from the back
    return {};
  }
  void close() {
    if (file_ && file_ != stdin) std::fclose(file_);
    file_ = nullptr;
  }

  const std::vector<std::string>& files_;
  std::FILE* err_;
  std::size_t at_ = 0;
  std::FILE* file_ = nullptr;
  std::unique_ptr<stix::BundleReader> reader_;
  std::vector<std::string> ready_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace

int run_taxii_pull(const TaxiiPullOptions& options, std::FILE* out, std::FILE* err) {
  return run_over_network(options, out, err);
}
int run_taxii_push(const TaxiiPushOptions& options, std::FILE* out, std::FILE* err) {
  return run_over_network(options, out, err);
}

int run_taxii_pull(const TaxiiPullOptions& options, TaxiiWorld world, std::FILE* out, std::FILE* err) {
  auto credentials = credentials_of(options.connection);
  if (!credentials) return trouble(err, credentials.error(), "");
  auto state = read_state(options);
  if (!state) return trouble(err, state.error(), "");
  const bool ndjson = is_ndjson(options);
  if (state->resumed && !ndjson && options.out != "-" && std::filesystem::exists(options.out))
    return trouble(err,
                   Error{.code = ErrorCode::kConflict,
                         .message = "this bundle is there and would be replaced by what is new",
                         .where = {.source = options.out}},
                   "Name another file, or pull to a .ndjson file, which is gone on with.");

  link::TaxiiClient client(world.transport, world.sleeper, world.clock, world.random,
                           {.credentials = std::move(*credentials)});
  const auto collection = client.find(options.connection.url, options.connection.collection);
  if (!collection) return trouble(err, collection.error(), advice_for(collection.error()));
  if (state->resumed && state->collection != collection->id)
    return trouble(err,
                   Error{.code = ErrorCode::kConflict,
                         .message = "the state file is of another collection",
                         .where = {.source = options.state_file}},
                   "Use one state file for each collection.");

  ObjectOutput output;
  if (auto opened = output.open(options.out, ndjson, state->resumed, out, world.random); !opened)
    return trouble(err, opened.error(), advice_for(opened.error()));
  const Progress progress{.err = err};
  std::uint64_t taken = 0, said = 0;
  link::TaxiiCursor reached = state->cursor;
  const auto on_page = [&](link::PulledPage&& page) -> Result<void> {
    for (const auto& object : page.objects) {
      if (object) {
        BONGSU_TRY_VOID(output.write(object->bytes()));
        ++taken;
      } else if (++said <= kMostRefusalsSaid) {
        progress.clear();
        say(err, "unreadable: {}\n", object.error().text());
      }
    }
    progress.show(fmt::format("{} objects …", taken));
    reached = page.after;
    if (!ndjson) return {};
    BONGSU_TRY_VOID(output.flush());
    return write_state(options.state_file, collection->id, reached);
  };
  const auto report =
      client.pull(*collection, state->cursor,
                  {.limit = options.limit, .types = options.types, .all_versions = !options.newest_only}, on_page);
  progress.clear();
  if (!report && taken + said == 0) return trouble(err, report.error(), advice_for(report.error()));
  // What came is kept, also when the pull broke off: a valid bundle, and a state that goes on behind it.
  auto finished = output.finish();
  if (finished && !ndjson) finished = write_state(options.state_file, collection->id, reached);
  if (!finished) return trouble(err, finished.error(), advice_for(finished.error()));
  if (!report) {
    say(err, "{} objects came before the trouble and are kept.\n", taken);
    return trouble(err, report.error(), advice_for(report.error()));
  }
  if (auto kept = write_state(options.state_file, collection->id, report->cursor); !kept)
    return trouble(err, kept.error(), advice_for(kept.error()));
  summarise_pull(options, *collection, *report, out, err);
  return report->broken > 0 ? 1 : 0;
}

int run_taxii_push(const TaxiiPushOptions& options, TaxiiWorld world, std::FILE* out, std::FILE* err) {
  auto credentials = credentials_of(options.connection);
  if (!credentials) return trouble(err, credentials.error(), "");
  if (options.files.empty())
    return trouble(err, Error{.code = ErrorCode::kInvalid, .message = "name at least one file to push"}, "");
  link::TaxiiClient client(world.transport, world.sleeper, world.clock, world.random,
                           {.credentials = std::move(*credentials)});
  const auto collection = client.find(options.connection.url, options.connection.collection);
  if (!collection) return trouble(err, collection.error(), advice_for(collection.error()));

  ObjectInput input(options.files, err);
  const Progress progress{.err = err};
  std::uint64_t said = 0;
  const auto on_failure = [&](const link::PushFailure& failure) {
    if (++said > kMostRefusalsSaid) return;
    progress.clear();
    if (options.json) {
      JsonObject json;
      json["refused"] = failure.id;
      json["version"] = failure.version;
      json["message"] = failure.message;
      say(out, "{}\n", to_text(json));
    } else {
      say(err, "refused: {} {}: {}\n", failure.id, failure.version, failure.message);
    }
  };
  const auto on_progress = [&](const link::PushReport& report) {
    progress.show(fmt::format("{} objects sent …", report.sent));
  };
  const auto report = client.push(*collection, {}, [&] { return input.next(); }, on_failure, on_progress);
  progress.clear();
  if (options.json) {
    JsonObject json;
    json["collection"] = collection->id;
    json["sent"] = report.sent;
    json["accepted"] = report.accepted;
    json["refused"] = report.refused;
    json["pending"] = report.pending;
    json["unreadable"] = input.unreadable();
    say(out, "{}\n", to_text(json));
  } else {
    say(out, "{} accepted, {} refused{}{}\n", report.accepted, report.refused,
        report.pending ? fmt::format(", {} not yet decided by the server", report.pending) : "",
        input.unreadable() ? fmt::format(", {} unreadable", input.unreadable()) : "");
  }
  if (report.trouble) return trouble(err, *report.trouble, advice_for(*report.trouble));
  return report.refused + report.pending + input.unreadable() > 0 ? 1 : 0;
}

}  // namespace bongsu::cli
