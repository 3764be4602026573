#include "cli/label_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/definitions.h"
#include "cli/terminal.h"
#include "formats/spif.h"
#include "formats/xml.h"
#include "policy/label.h"
#include "policy/stanag_label.h"
#include "stix/bundle_reader.h"
#include "telemetry/byte_source.h"

namespace bongsu::cli {
namespace {

constexpr std::size_t kMaxStixBytes = 64 * 1024 * 1024;  // of one file whose marking definitions are needed together
constexpr std::chrono::hours kReviewAfter{24 * 365 * 5};

struct Shown {
  std::string file, of;  // what the label is of: an object's id, or the kind of document
  policy::Label label;
  std::vector<std::string> notes, problems;
};

class Reading {
 public:
  Reading(const LabelReadOptions& options, std::FILE* out, std::FILE* err) : options_(options), out_(out), err_(err) {}

  int run() {
    const auto kind = policy::parse_authority(options_.authority);
    const auto fallback = stix::parse_tlp(options_.fallback);
    if (!kind) return trouble({ErrorCode::kInvalid, "civil, military or operator", {.field = "--authority"}});
    if (!fallback) return trouble({ErrorCode::kInvalid, "not a level of TLP", {.field = "--fallback"}});
    kind_ = *kind;
    fallback_ = *fallback;
    if (!options_.spif.empty()) {
      const auto bytes = telemetry::read_whole(options_.spif, formats::kMaxXmlBytes);
      if (!bytes) return trouble(bytes.error());
      auto policy = formats::read_spif(*bytes, options_.spif);
      if (!policy) return trouble(policy.error());
      policy_ = std::move(*policy);
    }
    std::vector<std::string> files = options_.files;
    if (files.empty()) files.emplace_back("-");
    for (const std::string& file : files)
      if (const auto done = read(file); !done) trouble(done.error());
    return exit_;
  }

 private:
  Result<void> read(const std::string& file) {
    BONGSU_TRY(const std::string bytes, telemetry::read_whole(file, kMaxStixBytes));
    if (trim(std::string_view(bytes)).starts_with('<')) return read_xml(file, bytes);
    return read_stix(file, bytes);
  }

  Result<void> read_xml(const std::string& file, const std::string& bytes) {
    BONGSU_TRY(const formats::XmlElement root, formats::parse_xml(bytes, file));
    if (root.is(formats::kBindingNamespace, "BindingInformation")) {
      BONGSU_TRY(const auto bound, formats::read_binding(bytes, file));
      for (const auto& binding : bound.bindings)
        for (const auto& label : binding.labels)
          for (const auto& data : binding.data)
            show(of(file, data.uri.empty() ? "the whole document" : data.uri, label, bound.warnings));
      return {};
    }
    BONGSU_TRY(const auto read, formats::read_confidentiality_label(root, file));
    show(of(file, "confidentiality label", read.label, read.warnings));
    return {};
  }

  Shown of(const std::string& file, std::string what, const formats::ConfidentialityLabel& label,
           std::vector<std::string> notes) const {
    auto reading = policy::label_from_stanag(label, kind_, {}, fallback_);
    Shown out{.file = file,
              .of = std::move(what),
              .label = std::move(reading.label),
              .notes = std::move(notes),
              .problems = {}};
    std::ranges::move(reading.notes, std::back_inserter(out.notes));
    if (policy_) out.problems = policy_->problems_of(label);
    return out;
  }

  Result<void> read_stix(const std::string& file, const std::string& bytes) {
    std::vector<stix::Object> objects;
    Definitions definitions;
    Result<void> bad;
    stix::BundleReader reader(file);
    const auto take = [&](stix::BundleItem&& item) {
      if (!item.object) {
        bad = std::unexpected(item.object.error());
        return false;
      }
      if (item.object->type() == "marking-definition") bad = definitions.add(*item.object, file);
      if (!bad) return false;
      objects.push_back(std::move(*item.object));
      return true;
    };
    const auto fed = reader.feed(bytes, take);
    const auto finished = fed ? reader.finish(take) : fed;
    if (!bad) return bad;
    if (!finished) return finished;
    for (const stix::Object& object : objects)
      show({.file = file,
            .of = object.id_text(),
            .label = policy::label_of(object, std::cref(definitions), fallback_),
            .notes = {},
            .problems = {}});
    return {};
  }

  void show(const Shown& shown) {
    if (shown.label.unknown || !shown.problems.empty()) exit_ = std::max(exit_, kExitNo);
    if (options_.json) {
      JsonArray notes(shown.notes.begin(), shown.notes.end()), problems(shown.problems.begin(), shown.problems.end());
      fmt::print(out_, "{}\n",
                 to_text(Json(JsonObject{{"file", shown.file},
                                         {"of", shown.of},
                                         {"label", shown.label.text()},
                                         {"understood", !shown.label.unknown},
                                         {"notes", std::move(notes)},
                                         {"problems", std::move(problems)}})));
      return;
    }
    fmt::print(out_, "{}\n  {}\n", printable(shown.of), printable(shown.label.text()));
    if (shown.label.unknown) fmt::print(out_, "  not understood: it releases to nobody\n");
    for (const auto& note : shown.notes) fmt::print(out_, "  note: {}\n", printable(note));
    for (const auto& problem : shown.problems) fmt::print(out_, "  against the policy: {}\n", printable(problem));
  }

  int trouble(const Error& error) {
    fmt::print(err_, "bongsu: {}\n", printable(error.text()));
    exit_ = kExitTrouble;
    return exit_;
  }
  const LabelReadOptions& options_;
  std::FILE* out_;
  std::FILE* err_;
  policy::Authority kind_ = policy::Authority::kMilitary;
  stix::Tlp fallback_ = stix::Tlp::kAmberStrict;
  std::optional<formats::SecurityPolicy> policy_;
  int exit_ = kExitOk;
};

// "type/subtype", perhaps with parameters.
bool is_media_type(std::string_view text) {
  const auto token = [](std::string_view part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) {
      return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
             std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
    });
  };
  const std::size_t slash = text.find('/');
  return slash != text.npos && token(text.substr(0, slash)) &&
         token(trim(text.substr(slash + 1, text.find(';') - slash - 1)));
}

Result<std::string> written_as_stanag(const policy::Label& label, const LabelWriteOptions& options, Instant created,
                                      Instant review) {
  BONGSU_TRY(const auto document,
             policy::label_to_stanag(label, {.created = created, .review = review, .originator = options.originator}));
  if (options.bind.empty()) return formats::write_confidentiality_label(document);
  formats::MetadataBinding binding{.labels = {document}, .data = {}};
  for (const std::string& bind : options.bind) {
    // A URI may have "=" in it, too.
    const std::size_t equals = bind.rfind('=');
    const bool typed = equals != bind.npos && is_media_type(std::string_view(bind).substr(equals + 1));
    binding.data.push_back({.uri = typed ? bind.substr(0, equals) : bind,
                            .content_type = typed ? bind.substr(equals + 1) : std::string()});
  }
  return formats::write_binding({binding});
}

Result<std::string> written(const LabelWriteOptions& options) {
  const auto instant = [](const std::string& text, std::string field, Instant otherwise) -> Result<Instant> {
    if (text.empty()) return otherwise;
    const auto parsed = Instant::parse(text);
    if (!parsed) return fail(ErrorCode::kInvalid, "not a time as 2026-11-26T00:00:00Z", {.field = std::move(field)});
    return *parsed;
  };
  BONGSU_TRY(const policy::Label label, policy::Label::parse(options.label));
  BONGSU_TRY(const Instant created, instant(options.created, "--created", SystemClock().now()));
  BONGSU_TRY(const Instant review, instant(options.review, "--review", created + kReviewAfter));
  if (options.as == "stanag") return written_as_stanag(label, options, created, review);
  if (options.as != "stix") return fail(ErrorCode::kInvalid, "stanag or stix", {.field = "--as"});
  if (!options.bind.empty())
    return fail(ErrorCode::kInvalid, "STIX markings are referred to by objects; only stanag binds",
                {.field = "--bind"});
  if (!policy::is_member_id(options.originator))
    return fail(ErrorCode::kInvalid, "a STIX marking needs the member who issues it, as cert-lt",
                {.field = "--originator"});
  BONGSU_TRY(const std::string definition, policy::make_label_marking(label, options.originator, created));
  return definition + "\n";
}

}  // namespace

int run_label_read(const LabelReadOptions& options, std::FILE* out, std::FILE* err) {
  return Reading(options, out, err).run();
}

int run_label_write(const LabelWriteOptions& options, std::FILE* out, std::FILE* err) {
  const auto text = written(options);
  if (!text) {
    fmt::print(err, "bongsu: {}\n", printable(text.error().text()));
    return kExitTrouble;
  }
  fmt::print(out, "{}", *text);
  return kExitOk;
}

}  // namespace bongsu::cli
