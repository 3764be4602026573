#include "exercise/scenario/read.h"

#include <tuple>

#include "exercise/scenario/block_reader.h"
#include "formats/utf8.h"

namespace bongsu::exercise::scenario {
namespace {

using formats::Place;
using formats::Yaml;

// The place of the path, or of what it is in.
Place place_of(const Reading& reading, std::string path) {
  while (true) {
    if (const auto at = reading.places.find(path); at != reading.places.end()) return at->second;
    const auto cut = path.find_last_of(".[");
    if (cut == std::string::npos) return {1, 1};
    path.resize(cut);
  }
}

}  // namespace

std::expected<Yaml, Problems> one_document(std::string_view text, const std::string& source, std::string_view what) {
  if (!formats::is_utf8(text))
    return std::unexpected(Problems{{{ErrorCode::kInvalid, "not UTF-8", {.source = source}}}, 1});
  auto documents = formats::read_yaml(text, source);
  if (!documents) return std::unexpected(Problems{{documents.error()}, 1});
  if (documents->size() != 1)
    return std::unexpected(Problems{{{ErrorCode::kInvalid,
                                      fmt::format("{} is one YAML document; here are {}", what, documents->size()),
                                      {.source = source}}},
                                    1});
  return std::move(documents->front());
}

Problems located(Reading reading, const WhereOf& where) {
  for (Error& error : reading.problems.list)
    error.where = where(place_of(reading, error.where.field), error.where.field);
  std::ranges::sort(reading.problems.list, {}, [](const Error& e) {
    return std::tuple(std::string_view(e.where.source), e.where.line, e.where.offset, std::string_view(e.where.field),
                      std::string_view(e.message));
  });
  return std::move(reading.problems);
}

std::expected<Scenario, Problems> read_tree(const Yaml& root, Check what, const Techniques* techniques,
                                            const WhereOf& where) {
  Reading reading{.problems = {}, .foreign = kForeign, .places = {}};
  Scenario scenario;
  read_block(root, "", scenario, reading);
  if (what == Check::kWhole) check(scenario, techniques, reading.problems);
  if (reading.problems.count == 0) return scenario;
  return std::unexpected(located(std::move(reading), where));
}

namespace {

std::expected<Scenario, Problems> read_text(std::string_view text, const std::string& source, Check what,
                                            const Techniques* techniques) {
  const auto root = one_document(text, source, "a scenario");
  if (!root) return std::unexpected(root.error());
  return read_tree(*root, what, techniques,
                   [&](Place place, const std::string& path) { return formats::at(source, place, path); });
}

}  // namespace

std::expected<Scenario, Problems> parse_scenario(std::string_view text, const std::string& source) {
  return read_text(text, source, Check::kForm, nullptr);
}

std::expected<Scenario, Problems> read_scenario(std::string_view text, const std::string& source,
                                                const Techniques* techniques) {
  return read_text(text, source, Check::kWhole, techniques);
}

}  // namespace bongsu::exercise::scenario
