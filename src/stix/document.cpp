#include "stix/document.h"

#include <fmt/format.h>

#include <cstring>

#include "base/json.h"

namespace bongsu::stix {
namespace {

// A parser takes some 13 bytes of memory for each byte of text. Texts up to this size share the thread's parser; a
// larger one gets a parser of its own that dies with it.
constexpr std::size_t kKeptTextBytes = 256 * 1024;

struct Workspace {
  dom::parser parser;
  std::unique_ptr<char[]> padded;
  std::size_t capacity = 0;

  bool prepare(std::size_t size) {
    if (capacity >= size && padded) return true;
    const std::size_t wanted = std::max<std::size_t>(size, 8 * 1024);
    if (parser.allocate(wanted, kJsonMaxDepth) != simdjson::SUCCESS) return false;
    padded = std::make_unique<char[]>(wanted + simdjson::SIMDJSON_PADDING);
    capacity = wanted;
    return true;
  }
};

// simdjson says what is wrong but not where; the slower parser does. It runs for broken input only.
std::unexpected<Error> why(std::string_view text, simdjson::error_code code) {
  if (auto again = parse_json(text); !again) return std::unexpected(std::move(again).error());
  return fail(ErrorCode::kInvalid, fmt::format("not JSON: {}", simdjson::error_message(code)));
}

}  // namespace

Result<Document> Document::parse(std::string_view text) {
  static thread_local Workspace kept;
  dom::element root;
  simdjson::error_code code;
  std::unique_ptr<dom::parser> own;
  if (text.size() <= kKeptTextBytes) {
    if (!kept.prepare(text.size())) return fail(ErrorCode::kInternal, "no memory for a JSON document");
    std::memcpy(kept.padded.get(), text.data(), text.size());
    code = kept.parser.parse(kept.padded.get(), text.size(), false).get(root);
  } else {
    own = std::make_unique<dom::parser>();
    code = own->allocate(text.size(), kJsonMaxDepth);
    if (code == simdjson::SUCCESS) code = own->parse(text.data(), text.size(), true).get(root);
  }
  if (code != simdjson::SUCCESS) return why(text, code);
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS)
    return fail(ErrorCode::kInvalid, "a STIX object is a JSON object", {.offset = 0, .has_offset = true});
  return Document(object, std::move(own));
}

std::string Path::text() const {
  if (parent == nullptr && !is_index && name.empty()) return {};
  std::string before = parent == nullptr ? std::string() : parent->text();
  if (is_index) return before + fmt::format("[{}]", index);
  if (!before.empty()) before += '.';
  before += name;
  return before;
}

}  // namespace bongsu::stix
