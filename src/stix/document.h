// One JSON text as a simdjson document, parsed into memory that the thread keeps and uses again. Internal to the
// module.
#pragma once

#include <simdjson.h>

#include <memory>
#include <string_view>

#include "base/result.h"

namespace bongsu::stix {

namespace dom = simdjson::dom;

// The tree is valid until the next Document is made on the same thread: never hold one across a callback.
class Document {
 public:
  // kInvalid with the byte offset: not one JSON object, or nested deeper than kJsonMaxDepth. Duplicate keys pass.
  static Result<Document> parse(std::string_view text);

  const dom::object& root() const { return root_; }

 private:
  Document(dom::object root, std::unique_ptr<dom::parser> own) : root_(root), own_(std::move(own)) {}

  dom::object root_;
  std::unique_ptr<dom::parser> own_;  // for a text too large to keep the memory for
};

inline std::string_view text_of(dom::element element) {
  std::string_view text;
  return element.get(text) == simdjson::SUCCESS ? text : std::string_view();
}

// A place in the document, kept on the stack and written out only when something is said about it.
struct Path {
  const Path* parent = nullptr;
  std::string_view name;  // empty data(): a list index
  std::size_t index = 0;
  bool is_index = false;

  Path in(std::string_view child) const { return {this, child, 0, false}; }
  Path at(std::size_t i) const { return {this, {}, i, true}; }
  std::string text() const;
};

}  // namespace bongsu::stix
