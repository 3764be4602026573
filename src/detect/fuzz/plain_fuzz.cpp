// Lines of plain lists, and every kind's normal form: a normal form is its own normal form and has a key that gives it
// back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "detect/key.h"
#include "detect/plain.h"

using namespace bongsu::detect;

static void check(const bongsu::Result<Value>& value) {
  if (!value) return;
  const auto again = normalise(value->kind, value->text);
  if (!again || *again != *value) std::abort();
  const auto key = key_bytes(*value);
  if (!key || key_text(value->kind, *key) != value->text) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check(normalise(static_cast<Kind>(data[0] % kKinds), text));
  check(parse_plain(text));
  check(literal_file_expression(text));
  check(parse_typed("FILE_HASH", text));
  return 0;
}
