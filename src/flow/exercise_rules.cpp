#include "flow/exercise_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace bongsu::flow {
namespace {

// Constant, so that the same exercise makes the same id.
constexpr Instant kDefinitionCreated{1'795'219'200, 0};  // 2026-11-21T00:00:00Z

Json definition_of(const std::string& exercise, const policy::MemberId& self) {
  policy::Label label = policy::bottom();
  label.exercises = {exercise};
  const auto text = policy::make_label_marking(label, self, kDefinitionCreated);
  BONGSU_CHECK(text.has_value());
  auto definition = parse_json(*text);
  BONGSU_CHECK(definition.has_value());
  definition->as_object()["object_marking_refs"] = JsonArray{stix::tlp_marking_id(stix::Tlp::kClear).text()};
  return std::move(*definition);
}

}  // namespace

std::optional<std::string_view> against_exercise(const policy::Label& label, const std::string& exercise) {
  if (exercise.empty() && !label.exercises.empty())
    return "names an exercise, and the collection is for live information";
  if (std::ranges::any_of(label.exercises, [&](const std::string& named) { return named != exercise; }))
    return "names another exercise than the collection's";
  return std::nullopt;
}

std::string exercise_definition(const std::string& exercise, const policy::MemberId& self) {
  return to_text(definition_of(exercise, self));
}

std::string exercise_definition_id(const std::string& exercise, const policy::MemberId& self) {
  return std::string(string_at(definition_of(exercise, self), "id").value_or(""));
}

Result<stix::Object> with_exercise_marking(const stix::Object& object, const std::string& exercise,
                                           const policy::MemberId& self) {
  Json body = object.json();
  if (!to_canonical_text(body)) return needs_exercise_marking(exercise, self);
  Json& refs = body.as_object()["object_marking_refs"];
  if (!refs.is_array()) refs = JsonArray();
  refs.as_array().emplace_back(exercise_definition_id(exercise, self));
  return stix::Object::parse(to_text(body));
}

std::unexpected<Error> needs_exercise_marking(const std::string& exercise, const policy::MemberId& self) {
  return fail(ErrorCode::kInvalid,
              fmt::format("does not name the exercise {} that this collection belongs to: add {}", exercise,
                          exercise_definition_id(exercise, self)),
              {.field = "object_marking_refs"});
}

}  // namespace bongsu::flow
