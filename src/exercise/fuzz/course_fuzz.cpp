// Courses of strangers: read or refused with reasons; what is read gives the same values each time, and judging any
// answer of it never breaks. Certificates, too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/course/certificate.h"
#include "exercise/course/read.h"

namespace {

using namespace bongsu;
using namespace bongsu::exercise::course;

class NoEngines final : public Engines {
  Result<std::vector<std::uint64_t>> sigma(std::string_view, std::string_view) const override {
    return fail(ErrorCode::kUnsupported, "none");
  }
  Result<std::vector<std::uint64_t>> patterns(std::span<const std::string>, std::string_view) const override {
    return std::vector<std::uint64_t>{1};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto json = parse_json(text)) {
    (void)page_of(*json);
    (void)signature_of(*json);
  }
  const auto course = read_course(text, "fuzz.yaml");
  if (!course) {
    if (course.error().list.empty()) std::abort();
    return 0;
  }
  const auto none = [](const std::string& name) -> Result<std::string> {
    return fail(ErrorCode::kNotFound, "none", {.source = name});
  };
  const Seat seat{.course = course->id, .learner = "fuzz", .seed = 1, .round = 1};
  for (const Task* task : tasks_of(*course)) {
    const auto values = Values::draw(*task, seat), again = Values::draw(*task, seat);
    if (!values || !again) continue;
    if (values->all() != again->all()) std::abort();
    if (const auto solution = values->fill(task->solution)) (void)judge(*task, seat, *solution, none, NoEngines());
    (void)judge(*task, seat, text, none, NoEngines());
  }
  return 0;
}
