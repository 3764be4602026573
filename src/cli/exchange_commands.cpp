// import and export: files to objects and back, a thousand at a time. Files of rules become indicators.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include "cli/admin_client.h"
#include "cli/node_commands.h"
#include "cli/terminal.h"
#include "detect/rule_object.h"
#include "stix/bundle_reader.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kImportBatch = 1000;
constexpr std::size_t kImportBytes = 32 * 1024 * 1024;
constexpr std::size_t kPiece = 1 << 20;

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != nullptr && file != stdin && file != stdout) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

struct Totals {
  std::int64_t admitted = 0, duplicates = 0, refused = 0;
  JsonArray problems;
};

class Importer {
 public:
  Importer(AdminClient& client, const ImportCommand& command, bool json, Totals& totals)
      : client_(client), path_("/import?collection=" + net::percent_encode(command.collection)), json_(json), totals_(totals) {
    if (!command.authority.empty()) path_ += "&authority=" + net::percent_encode(command.authority);
    if (!command.reason.empty()) path_ += "&reason=" + net::percent_encode(command.reason);
  }

  Result<void> add(stix::BundleItem&& item, const std::string& file) {
    if (!item.object) {
      problem(item.raw_id.empty() ? fmt::format("object {}", item.index) : item.raw_id, item.object.error().text(), file);
      return {};
    }
    batch_ += batch_.empty() ? "{\"objects\":[" : ",";
    batch_ += item.object->bytes();
    if (++count_ >= kImportBatch || batch_.size() >= kImportBytes) return flush(file);
    return {};
  }

  // A file of Sigma or YARA rules, as an indicator.
  Result<void> add_rules(detect::Language language, const std::string& file) {
    BONGSU_TRY(auto source, telemetry::open_source(file));
    auto text = telemetry::read_all(*source, detect::kMaxRuleTextBytes);
    std::error_code ec;
    const auto written = std::filesystem::last_write_time(file, ec);
    const Instant modified = Instant::from_micros(
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::file_clock::to_sys(written).time_since_epoch()).count());
    auto object = text ? detect::indicator_of_rules(language, *text, file, modified)
                       : Result<stix::Object>(std::unexpected(std::move(text).error()));
    // Rules without an id are known by their file's name.
    if (object && !rule_ids_.insert(object->id_text()).second)
      object = fail(ErrorCode::kConflict, "another file of this import has the same id or, without one, the same name", {.source = file});
    return add({.index = 0, .offset = 0, .line = 0, .object = std::move(object), .raw = {}, .raw_id = {}}, file);
  }

  Result<void> flush(const std::string& file) {
    if (count_ == 0) return {};
    batch_ += "]}";
    BONGSU_TRY(const std::string text, client_.exchange("POST", path_, std::move(batch_), "application/taxii+json;version=2.1"));
    batch_.clear();
    count_ = 0;
    BONGSU_TRY(const Json answer, parse_json(text));
    totals_.admitted += int_at(answer, "admitted").value_or(0);
    totals_.duplicates += int_at(answer, "duplicates").value_or(0);
    if (const Json* problems = find(answer, "problems"); problems != nullptr && problems->is_array())
      for (const auto& p : problems->get_array()) problem(std::string(string_at(p, "id").value_or("")), std::string(string_at(p, "message").value_or("")), file);
    return {};
  }

 private:
  void problem(const std::string& id, const std::string& message, const std::string& file) {
    ++totals_.refused;
    if (json_) totals_.problems.push_back(JsonObject{{"id", id}, {"message", message}, {"file", file}});
    else fmt::print(stderr, "bongsu: {}: {}: {}\n", file, id, message);
  }

  AdminClient& client_;
  std::string path_, batch_;
  std::set<std::string> rule_ids_;
  bool json_;
  std::size_t count_ = 0;
  Totals& totals_;
};

// Directories are looked through for files of rules.
Result<std::vector<std::string>> files_of(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    std::error_code ec;
    if (!fs::is_directory(path, ec)) {
      out.push_back(path);
      continue;
    }
    const std::size_t before = out.size();
    for (auto at = fs::recursive_directory_iterator(path, ec); !ec && at != fs::recursive_directory_iterator(); at.increment(ec))
      if (at->is_regular_file(ec) && detect::language_of_file(at->path().string())) out.push_back(at->path().string());
    if (ec) return fail(ErrorCode::kIo, ec.message(), {.source = path});
    if (out.size() == before)
      return fail(ErrorCode::kNotFound, "there is no file of rules (.yml, .yaml, .yar, .yara, .rule) in this directory", {.source = path});
    std::sort(out.begin() + static_cast<std::ptrdiff_t>(before), out.end());
  }
  return out;
}

}  // namespace

int run_import(const Common& common, const ImportCommand& command) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  Totals totals;
  if (!command.authority.empty() && command.reason.empty())
    return report({.code = ErrorCode::kInvalid, .message = "who lowers labels says why: --authority asks for --reason"}, common.json);
  Importer importer(*client, command, common.json, totals);
  const auto files = files_of(command.files);
  if (!files) return report(files.error(), common.json);
  bool rules = false;
  for (const std::string& name : *files) {
    if (const auto language = detect::language_of_file(name)) {
      if (const auto added = importer.add_rules(*language, name); !added) return report(added.error(), common.json);
      rules = true;
      continue;
    }
    const File file(name == "-" ? stdin : std::fopen(name.c_str(), "rb"));
    if (!file) return report({.code = ErrorCode::kNotFound, .message = "cannot be opened", .where = {.source = name}}, common.json);
    std::error_code ec;
    const auto size = name == "-" ? 0 : std::filesystem::file_size(name, ec);
    Progress progress("import " + name, ec ? 0 : size);
    stix::BundleReader reader(name);
    Result<void> status;
    const auto take = [&](stix::BundleItem&& item) {
      status = importer.add(std::move(item), name);
      return status.has_value();
    };
    std::string piece(kPiece, '\0');
    std::uint64_t done = 0;
    Result<void> read;
    while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), file.get())) {
      read = reader.feed(std::string_view(piece).substr(0, n), take);
      if (!read) break;
      progress.update(done += n, fmt::format("{} objects", totals.admitted));
    }
    if (std::ferror(file.get()) != 0) read = fail(ErrorCode::kIo, "could not be read to its end", {.source = name});
    if (read) read = reader.finish(take);
    if (!status) return report(status.error(), common.json);
    if (const auto flushed = importer.flush(name); !flushed) return report(flushed.error(), common.json);
    if (!read) return report(read.error(), common.json);
  }
  if (rules)
    if (const auto flushed = importer.flush("rules"); !flushed) return report(flushed.error(), common.json);
  if (common.json) {
    print_json(JsonObject{{"admitted", totals.admitted}, {"duplicates", totals.duplicates}, {"refused", totals.refused}, {"problems", totals.problems}});
  } else {
    say(fmt::format("{} admitted, {} there already, {} refused.", totals.admitted, totals.duplicates, totals.refused));
  }
  return totals.refused == 0 ? kExitOk : kExitNo;
}

int run_export(const Common& common, const ExportCommand& command) {
  auto client = AdminClient::open(common.data);
  if (!client) return report(client.error(), common.json);
  std::string next = "0";
  const auto page = [&] {
    return client->exchange(
        "GET",
        fmt::format("/export?collection={}&member={}&after={}{}", net::percent_encode(command.collection),
                    net::percent_encode(command.member), next, command.all_versions ? "&versions=all" : ""),
        "", "");
  };
  // The first page before anything is written: what the node refuses leaves nothing half.
  auto text = page();
  if (!text) return report(text.error(), common.json);
  const std::string temporary = command.out == "-" ? "" : command.out + ".new";
  File out(command.out == "-" ? stdout : std::fopen(temporary.c_str(), "wb"));
  if (!out) return report({.code = ErrorCode::kIo, .message = "cannot be written", .where = {.source = command.out}}, common.json);
  const auto trouble = [&](const Error& error) {
    std::error_code ec;
    if (!temporary.empty()) std::filesystem::remove(temporary, ec);
    return report(error, common.json);
  };
  SystemRandom random;
  std::fputs(fmt::format("{{\"type\":\"bundle\",\"id\":\"bundle--{}\",\"objects\":[", Uuid::random(random).text()).c_str(), out.get());
  bool first = true;
  for (bool more = true; more;) {
    // {"objects":[…],"more":…,"next":"…"}: the objects' bytes go through untouched.
    const std::size_t end = text->rfind("],\"more\":");
    constexpr std::string_view kHead = "{\"objects\":[";
    if (end == std::string::npos || !text->starts_with(kHead))
      return trouble({.code = ErrorCode::kInternal, .message = "the node's answer is no page of objects"});
    const std::string_view objects = std::string_view(*text).substr(kHead.size(), end - kHead.size());
    if (!objects.empty()) {
      if (!first) std::fputc(',', out.get());
      first = false;
      std::fwrite(objects.data(), 1, objects.size(), out.get());
    }
    const auto tail = parse_json("{" + text->substr(end + 2));
    more = tail && bool_at(*tail, "more").value_or(false);
    if (tail) next = std::string(string_at(*tail, "next").value_or(next));
    if (more) text = page();
    if (!text) return trouble(text.error());
  }
  std::fputs("]}\n", out.get());
  if (std::fflush(out.get()) != 0 || std::ferror(out.get()) != 0)
    return trouble({.code = ErrorCode::kIo, .message = "could not be written whole", .where = {.source = command.out}});
  out.reset();
  if (!temporary.empty()) {
    std::error_code ec;
    std::filesystem::rename(temporary, command.out, ec);
    if (ec) return report({.code = ErrorCode::kIo, .message = ec.message(), .where = {.source = command.out}}, common.json);
  }
  return kExitOk;
}

}  // namespace bongsu::cli
