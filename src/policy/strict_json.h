// Reading a signed JSON document: every member has its type, nothing is left over, and each error says at which path.
//
//   StrictObject in(json, "members[3]");
//   BONGSU_TRY(out.title, in.text("title", kMaxTitle));
//   BONGSU_TRY_VOID(in.done());                    // kInvalid: "members[3].tilte: is not known here"
//
// A document that is signed must not hold what its reader skips: the signer might have meant something by it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace bongsu::policy {

class StrictObject {
 public:
  StrictObject(const Json& json, std::string path);

  std::unexpected<Error> wrong(std::string_view key, std::string message) const;

  Result<std::string> text(std::string_view key, std::size_t most);  // may be empty
  Result<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  Result<bool> flag(std::string_view key);
  // "2027-01-01T00:00:00Z": UTC to the second, so that each instant has one text.
  Result<Instant> instant(std::string_view key);
  // Lower-case hexadecimal of this many bytes.
  Result<std::string> hex(std::string_view key, std::size_t bytes);
  // Distinct texts.
  Result<std::vector<std::string>> texts(std::string_view key, std::size_t most_items, std::size_t most_bytes);
  Result<const JsonArray*> list(std::string_view key, std::size_t most_items);
  Result<const Json*> object(std::string_view key);
  bool has(std::string_view key) const;

  Result<void> done() const;
  std::string path_of(std::string_view key) const;

 private:
  Result<const Json*> required(std::string_view key);

  const Json& json_;
  std::string path_;
  std::set<std::string, std::less<>> taken_;
};

bool is_lower_hex(std::string_view text, std::size_t bytes);
// Printable UTF-8 on one line, not empty.
bool is_plain_line(std::string_view text);

}  // namespace bongsu::policy
