// The frame of a TAXII envelope (TAXII 2.1 §3.7) around its objects, read in one pass without building a document.
//
//   BONGSU_TRY(auto frame, stix::read_envelope(body, [&](std::string_view element) {
//     objects.push_back(stix::Object::parse(element));
//     return true;
//   }));
//   if (frame.more) ask_for(frame.next);
//
// Elements are slices of `body`, bracket-balanced but otherwise unchecked: Object::parse says what is wrong with one of
// them, and a broken one does not cost the others. Other members of the envelope (custom properties, TAXII 2.1 §7.1)
// are checked for being JSON and ignored.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::stix {

inline constexpr std::size_t kMaxEnvelopeMemberBytes = 1024 * 1024;  // of a member other than "objects"

struct EnvelopeFrame {
  bool more = false;
  std::string next;          // empty = none given
  bool has_objects = false;  // the member is there (it may still be an empty list)
  std::uint64_t count = 0;   // elements of "objects"
};

// Return false to stop: read_envelope then returns kCancelled.
using EnvelopeElement = std::function<bool(std::string_view element)>;

// kInvalid with the byte offset: not one JSON object, "objects" not a list, "more" not a boolean, "next" not a string,
// a member given twice, brackets that do not match, anything after the end. kTooLarge: nested deeper than
// kJsonMaxDepth, or a member beyond kMaxEnvelopeMemberBytes. Elements before the break were handed over already.
Result<EnvelopeFrame> read_envelope(std::string_view text, const EnvelopeElement& on_element);

}  // namespace bongsu::stix
