// The opaque value of `next` (TAXII 2.1 §3.4, §3.7): where a reader of a view stands.
//
// A token names a position and its date_added, and carries a keyed checksum over them and the collection, so that a
// client can neither make one up nor use it elsewhere. It gives no right: the page behind it is read through the
// asker's view of now (TAXII 2.1 Appendix B: the value must be re-evaluated). When the asker's view was replaced
// meanwhile, positions may differ and the date, which is kept, counts. The key is in the journal's state, so tokens
// survive a restart; they do not expire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "journal/journal.h"

namespace bongsu::api {

struct NextToken {
  journal::Pos pos = 0;       // read after this; meaningful when same_view
  std::int64_t added_us = 0;  // date_added of the object at `pos`
  bool same_view = false;
};

class NextTokens {
 public:
  // Makes the key at the first start.
  static Result<NextTokens> load(journal::Journal& journal, Random& random);

  std::string issue(std::string_view collection, journal::ViewId origin, journal::Pos pos, std::int64_t added_us) const;
  // kInvalid for anything that this node did not issue for this collection.
  Result<NextToken> open(std::string_view text, std::string_view collection, journal::ViewId origin) const;

 private:
  explicit NextTokens(std::string key) : key_(std::move(key)) {}
  std::string seal(std::string_view collection, std::string_view body) const;
  std::string view_tag(journal::ViewId view) const;
  std::string key_;
};

}  // namespace bongsu::api
