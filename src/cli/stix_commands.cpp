#include "cli/stix_commands.h"

#include <fmt/format.h>

#include <memory>

#include "base/json.h"
#include "cli/terminal.h"
#include "stix/bundle_reader.h"
#include "stix/sco_id.h"
#include "stix/validate.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kPieceBytes = 1024 * 1024;
constexpr std::uint64_t kLargeInput = 20'000'000;  // below, a bar would only flicker
constexpr int kExitBad = kExitNo;

void write_line(std::FILE* to, const JsonObject& object) { fmt::print(to, "{}\n", to_text(Json(object))); }

void report_trouble(const Error& error, bool json, std::FILE* out, std::FILE* err) {
  if (json) {
    write_line(out, {{"kind", "trouble"},
                     {"file", error.where.source},
                     {"line", error.where.line},
                     {"offset", error.where.offset},
                     {"message", error.message}});
  } else {
    fmt::print(err, "bongsu: {}\n", printable(error.text()));
  }
}

// Feeds a file through a reader, with a bar where it is worth one.
Result<void> read_file(const std::string& path, stix::BundleReader& reader, const stix::BundleReader::Callback& take) {
  BONGSU_TRY(const auto source, telemetry::open_source(path));
  std::unique_ptr<Progress> progress;
  if (source->total() >= kLargeInput) progress = std::make_unique<Progress>(path, source->total());
  const auto piece = std::make_unique<char[]>(kPieceBytes);
  while (true) {
    BONGSU_TRY(const std::size_t size, source->read(piece.get(), kPieceBytes));
    if (size == 0) break;
    BONGSU_TRY_VOID(reader.feed({piece.get(), size}, take));
    if (progress) progress->update(source->consumed());
  }
  return reader.finish(take);
}

std::string name_of(const std::string& path) { return path == "-" ? "(standard input)" : path; }

// Runs `one` for each file; its result is the exit status, trouble winning over bad, bad over good.
template <class One>
int each_file(std::vector<std::string> files, One one) {
  if (files.empty()) files.emplace_back("-");
  int exit = kExitOk;
  for (const std::string& file : files) exit = std::max(exit, one(file));
  return exit;
}

class Validation {
 public:
  Validation(const StixValidateOptions& options, std::string file, std::FILE* out, std::FILE* err)
      : options_(options), file_(std::move(file)), name_(name_of(file_)), out_(out), err_(err) {}

  int run() {
    stix::BundleReader reader(name_);
    const Result<void> result = read_file(file_, reader, [&](stix::BundleItem&& item) {
      look_at(item);
      return std::ferror(out_) == 0;  // nobody reads on: head has what it wanted
    });
    for (const Error& remark : reader.remarks()) {
      ++bad_;
      say({.id = "",
           .property = remark.where.field,
           .rule = remark.message,
           .section = "STIX 2.1 §8.1",
           .line = remark.where.line,
           .offset = remark.where.offset});
    }
    if (!result && result.error().code != ErrorCode::kCancelled) {
      Error error = result.error();
      if (error.where.source.empty()) error.where.source = name_;
      report_trouble(error, options_.json, out_, err_);
    }
    summary();
    if (!result) return kExitTrouble;
    return bad_ > 0 ? kExitBad : kExitOk;
  }

 private:
  struct Line {
    std::string id, property, rule, section;
    std::uint64_t line = 0, offset = 0;
    bool warning = false;
  };

  void look_at(const stix::BundleItem& item) {
    ++objects_;
    if (!item.object) {
      ++bad_;
      const Error& error = item.object.error();
      say({.id = item.raw_id,
           .property = error.where.field,
           .rule = error.message,
           .section = "",
           .line = item.line,
           .offset = error.where.offset});
      return;
    }
    bool bad = false, warned = false;
    const auto mode = options_.admission ? stix::Conformance::kAdmission : stix::Conformance::kLetter;
    for (stix::Finding& finding : stix::validate(*item.object, mode)) {
      const bool warning = finding.severity == stix::Severity::kWarning;
      (warning ? warned : bad) = true;
      if (warning && !options_.warnings) continue;
      say({.id = item.object->id_text(),
           .property = std::move(finding.property),
           .rule = std::move(finding.rule),
           .section = std::move(finding.section),
           .line = item.line,
           .offset = item.offset,
           .warning = warning});
    }
    bad_ += bad ? 1 : 0;
    warned_ += warned && !bad ? 1 : 0;
  }

  void say(const Line& line) {
    if (options_.json) {
      write_line(out_, {{"kind", line.warning ? "warning" : "error"},
                        {"file", name_},
                        {"line", line.line},
                        {"offset", line.offset},
                        {"id", line.id},
                        {"property", line.property},
                        {"rule", line.rule},
                        {"section", line.section}});
      return;
    }
    std::string text = fmt::format("{}:{}: {}: ", name_, line.line, line.id.empty() ? "(no id)" : line.id);
    if (line.warning) text += "warning: ";
    if (!line.property.empty()) text += line.property + ": ";
    text += line.rule;
    if (!line.section.empty()) text += " (" + line.section + ")";
    fmt::print(out_, "{}\n", printable(text));
  }

  void summary() {
    if (options_.json) {
      write_line(out_,
                 {{"kind", "summary"}, {"file", name_}, {"objects", objects_}, {"bad", bad_}, {"warned", warned_}});
      return;
    }
    std::string text = fmt::format("{}: {} object{}, {} bad", name_, objects_, objects_ == 1 ? "" : "s", bad_);
    if (warned_ > 0)
      text += fmt::format(", {} with warnings{}", warned_, options_.warnings ? "" : " (--warnings shows them)");
    fmt::print(err_, "{}\n", printable(text));
  }

  const StixValidateOptions& options_;
  std::string file_, name_;
  std::FILE* out_;
  std::FILE* err_;
  std::uint64_t objects_ = 0, bad_ = 0, warned_ = 0;
};

class Identification {
 public:
  Identification(const StixIdOptions& options, std::string file, std::FILE* out, std::FILE* err)
      : options_(options), file_(std::move(file)), name_(name_of(file_)), out_(out), err_(err) {}

  int run() {
    stix::BundleReader reader(name_);
    const Result<void> result = read_file(file_, reader, [&](stix::BundleItem&& item) {
      look_at(item);
      return std::ferror(out_) == 0;
    });
    if (result) return bad_ ? kExitBad : kExitOk;
    if (result.error().code != ErrorCode::kCancelled) {
      Error error = result.error();
      if (error.where.source.empty()) error.where.source = name_;
      report_trouble(error, options_.json, out_, err_);
    }
    return kExitTrouble;
  }

 private:
  void look_at(const stix::BundleItem& item) {
    if (item.object) {
      if (item.object->category() != stix::Category::kObservable) return;
      tell(item, stix::deterministic_id(*item.object), item.object->id_text(), item.object->id().uuid.version() == 5);
      return;
    }
    // An observable without an id, or with one of another form, can be given its own all the same.
    const auto json = parse_json(item.raw);
    const auto id = json ? stix::deterministic_id(*json) : Result<std::optional<stix::Id>>(std::nullopt);
    if (id && *id) return tell(item, id, item.raw_id, !item.raw_id.empty());
    bad_ = true;
    Error error = id ? item.object.error() : id.error();
    error.where.source = name_;
    error.where.line = item.line;
    report_trouble(error, options_.json, out_, err_);
  }

  // A UUIDv4 is allowed for an observable (STIX 2.1 §2.9); another UUIDv5, or no UUID at all, is a claim that fails.
  void tell(const stix::BundleItem& item, const Result<std::optional<stix::Id>>& id, const std::string& carried,
            bool claims) {
    if (!id) {
      bad_ = true;
      Error error = id.error();
      error.where = {.source = name_, .line = item.line, .field = carried};
      report_trouble(error, options_.json, out_, err_);
      return;
    }
    const std::string own = *id ? (*id)->text() : std::string();
    const bool same = own == carried;
    if (!same && claims) bad_ = true;
    if (options_.json) {
      write_line(out_, {{"kind", "id"},
                        {"file", name_},
                        {"line", item.line},
                        {"id", carried.empty() ? Json(nullptr) : Json(carried)},
                        {"deterministic_id", own.empty() ? Json(nullptr) : Json(own)},
                        {"same", same}});
    } else if (own.empty()) {
      fmt::print(out_, "{}  no contributing property: a UUIDv4 is due\n", carried);
    } else if (same || carried.empty()) {
      fmt::print(out_, "{}\n", own);
    } else {
      fmt::print(out_, "{}  differs from {}\n", own, printable(carried));
    }
  }

  const StixIdOptions& options_;
  std::string file_, name_;
  std::FILE* out_;
  std::FILE* err_;
  bool bad_ = false;
};

}  // namespace

int run_stix_validate(const StixValidateOptions& options, std::FILE* out, std::FILE* err) {
  return each_file(options.files, [&](const std::string& file) { return Validation(options, file, out, err).run(); });
}

int run_stix_id(const StixIdOptions& options, std::FILE* out, std::FILE* err) {
  return each_file(options.files,
                   [&](const std::string& file) { return Identification(options, file, out, err).run(); });
}

}  // namespace bongsu::cli
