#include "exercise/course/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/bytes.h"

namespace bongsu::exercise::course {
namespace {

constexpr std::string_view kType = "bongsu-course-certificate", kPurpose = "bongsu/course-certificate/v1\n";

double rounded(double value) { return std::round(value * 10) / 10; }

std::unexpected<Error> missing(std::string_view field) {
  return fail(ErrorCode::kInvalid, "is missing, or not what it has to be", {.field = std::string(field)});
}

// What pages show, as text.
Result<std::string> shown(const Json& of, std::string_view key) {
  const Json* value = find(of, key);
  if (value == nullptr) return missing(key);
  if (value->is_string()) return std::string(value->get_string());
  if (value->is_number()) return fmt::format("{:g}", value->to_number<double>());
  return missing(key);
}

}  // namespace

Result<Json> make_certificate(const Course& course, const Progress& p, std::string_view last_hash, std::size_t entries,
                              const Instant& now) {
  if (p.current() != nullptr) {
    const auto open = std::ranges::count(p.tasks, false, &TaskState::solved);
    return fail(ErrorCode::kConflict, fmt::format("{} of {} tasks are not solved yet; the first is {}", open,
                                                  p.tasks.size(), p.current()->name));
  }
  if (!p.passed())
    return fail(ErrorCode::kConflict,
                fmt::format("{:.1f} of {:g} points are fewer than the {:g} % that pass; tasks can be reset", p.points(),
                            p.of, p.pass));
  Instant finished = p.started;
  for (const TaskState& state : p.tasks) finished = std::max(finished, state.solved_at);
  Json out = JsonObject{{"type", kType},
                        {"learner", p.learner},
                        {"course", JsonObject{{"id", course.id},
                                              {"title", course.title},
                                              {"sha256", p.course_sha256},
                                              {"days", course.days.size()},
                                              {"tasks", p.tasks.size()}}},
                        {"hours", course.hours()},
                        {"points", rounded(p.points())},
                        {"of", p.of},
                        {"hints", p.hints},
                        {"wrong_answers", p.wrong},
                        {"resets", p.resets},
                        {"started", p.started.text(0)},
                        {"finished", finished.text(0)},
                        {"issued", now.text(0)},
                        {"log", JsonObject{{"entries", entries}, {"last_hash", last_hash}}}};
  drill::as_read(out);
  return out;
}

Result<std::string> statement_of(const Json& certificate) {
  if (!certificate.is_object() || string_at(certificate, "type") != kType)
    return fail(ErrorCode::kInvalid, fmt::format("is not {}", kType), {.field = "type"});
  JsonObject bare = certificate.get_object();
  bare.erase("signature");
  BONGSU_TRY(const std::string text, to_canonical_text(bare));
  return std::string(kPurpose) + text;
}

void put_signature(Json& certificate, const Signature& signature) {
  certificate.as_object()["signature"] =
      JsonObject{{"key", to_hex(as_bytes(signature.key))}, {"value", to_hex(as_bytes(signature.value))}};
}

Result<std::optional<Signature>> signature_of(const Json& certificate) {
  const Json* there = find(certificate, "signature");
  if (there == nullptr) return std::optional<Signature>();
  Signature out;
  const auto key = string_at(*there, "key"), value = string_at(*there, "value");
  if (!key || !value) return missing("signature");
  BONGSU_TRY(out.key, from_hex(*key));
  BONGSU_TRY(out.value, from_hex(*value));
  return std::optional(std::move(out));
}

Result<report::Document> page_of(const Json& certificate) {
  BONGSU_TRY_VOID(statement_of(certificate));
  const Json* course = find(certificate, "course");
  const Json* log = find(certificate, "log");
  if (course == nullptr) return missing("course");
  if (log == nullptr) return missing("log");
  BONGSU_TRY(const std::string learner, shown(certificate, "learner"));
  BONGSU_TRY(const std::string title, shown(*course, "title"));
  report::Document out{.title = "Certificate: " + title, .label = "Bongsu training", .blocks = {}};
  out.blocks.push_back(report::Heading{1, learner});
  out.blocks.push_back(report::Paragraph{fmt::format("has passed the course “{}”.", title)});
  report::Table table{.columns = {"What", ""}, .rows = {}, .widths = {0.35, 0.65}};
  const auto row = [&](std::string_view what, std::string value) {
    table.rows.push_back({{std::string(what)}, {std::move(value)}});
  };
  const auto put = [&](std::string_view what, const Json& of, std::string_view key,
                       std::string_view unit = "") -> Result<void> {
    BONGSU_TRY(const std::string value, shown(of, key));
    row(what, fmt::format("{}{}", value, unit));
    return {};
  };
  BONGSU_TRY_VOID(put("Course", *course, "id"));
  BONGSU_TRY_VOID(put("Days", *course, "days"));
  BONGSU_TRY_VOID(put("Tasks, all solved and checked by machine", *course, "tasks"));
  BONGSU_TRY_VOID(put("Hours (as the course names them)", certificate, "hours"));
  BONGSU_TRY(const std::string points, shown(certificate, "points"));
  BONGSU_TRY(const std::string of, shown(certificate, "of"));
  row("Points", fmt::format("{} of {}", points, of));
  BONGSU_TRY_VOID(put("Hints used", certificate, "hints"));
  BONGSU_TRY_VOID(put("Wrong answers", certificate, "wrong_answers"));
  BONGSU_TRY_VOID(put("Times that tasks were begun anew", certificate, "resets"));
  BONGSU_TRY_VOID(put("Started", certificate, "started"));
  BONGSU_TRY_VOID(put("Finished", certificate, "finished"));
  BONGSU_TRY_VOID(put("Issued", certificate, "issued"));
  BONGSU_TRY_VOID(put("Course version (SHA-256)", *course, "sha256"));
  BONGSU_TRY_VOID(put("Entries of the log", *log, "entries"));
  BONGSU_TRY_VOID(put("Hash of the log", *log, "last_hash"));
  out.blocks.push_back(std::move(table));
  BONGSU_TRY(const auto signature, signature_of(certificate));
  out.blocks.push_back(report::Paragraph{
      signature ? fmt::format("Signed (Ed25519) with the key {}. The signature stands in the JSON form: bongsu course "
                              "verify certificate.json --key KEY.pub",
                              to_hex(as_bytes(signature->key)))
                : std::string("Nobody has signed this certificate."),
      report::Tone::kFaint});
  return out;
}

}  // namespace bongsu::exercise::course
