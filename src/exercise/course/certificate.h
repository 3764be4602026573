// What a learner has to show for a course that was passed: as JSON (which may be signed), and as a page.
//
//   BONGSU_TRY(const Json certificate, make_certificate(course, progress, log.last_hash, log.entries.size(), now));
//   const std::string statement = *statement_of(certificate);     // what a signature is over
//   write(*to_pdf(page_of(certificate), now));
//
//   {"type": "bongsu-course-certificate", "learner", "course": {"id", "title", "sha256", "days", "tasks"}, "hours",
//    "points", "of", "hints", "wrong_answers", "resets", "started", "finished", "issued",
//    "log": {"entries", "last_hash"}, "signature": {"key", "value"}}        hexadecimal; none where nobody signed
//
// It says what the log says. Whoever doubts it takes the log and judges it again (progress.h).
#pragma once

#include "base/json.h"
#include "exercise/course/progress.h"
#include "exercise/report/document.h"

namespace bongsu::exercise::course {

inline constexpr std::size_t kMaxCertificateBytes = 64 * 1024;

// kConflict: the course is not passed, with what is missing.
Result<Json> make_certificate(const Course& course, const Progress& progress, std::string_view last_hash,
                              std::size_t entries, const Instant& now);
// Canonical text of everything but the signature, with its purpose before it. kInvalid: no certificate.
Result<std::string> statement_of(const Json& certificate);

struct Signature {
  std::string key, value;  // raw bytes
};
void put_signature(Json& certificate, const Signature& signature);
// nullopt: not signed. kInvalid: what stands there is none.
Result<std::optional<Signature>> signature_of(const Json& certificate);

// kInvalid: no certificate, or a member that is missing or of another type.
Result<report::Document> page_of(const Json& certificate);

}  // namespace bongsu::exercise::course
