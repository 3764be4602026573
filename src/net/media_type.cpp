// Accept and Content-Type (RFC 9110 §8.3.1, §12.5.1, §5.6).
#include <algorithm>
#include <optional>

#include "net/http.h"
#include "net/http_syntax.h"

namespace bongsu::net {
namespace {

// Reads one field value from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  bool next_is(char c) const { return !at_end() && text_[at_] == c; }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  void skip_ows() {
    while (next_is(' ') || next_is('\t')) ++at_;
  }
  std::string_view token() {
    const std::size_t start = at_;
    while (!at_end() && is_token_char(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }
  // The content of a quoted-string, unescaped; false if it has no end or holds control characters.
  bool quoted(std::string& out) {
    if (!take('"')) return false;
    while (!at_end()) {
      char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\') {
        if (at_end()) return false;
        c = text_[at_++];
      }
      if (!is_field_char(c)) return false;
      out.push_back(c);
    }
    return false;
  }
  std::unexpected<Error> error(std::string message) const {
    return fail(ErrorCode::kInvalid, std::move(message), {.offset = at_, .has_offset = true});
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )   (§12.4.2)
std::optional<double> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int scale = 100;
  for (std::size_t i = 2; i < text.size(); ++i, scale /= 10) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    thousandths += (text[i] - '0') * scale;
  }
  if (thousandths > 1000) return std::nullopt;
  return thousandths / 1000.0;
}

// type "/" subtype, then *( OWS ";" OWS [ parameter ] ). With `weighted`, a parameter q is the weight wherever it
// stands.
Result<MediaRange> parse_range(Scanner& in, bool weighted) {
  MediaRange range;
  range.type = lowered(in.token());
  if (range.type.empty() || !in.take('/')) return in.error("a media type is type/subtype");
  range.subtype = lowered(in.token());
  if (range.subtype.empty()) return in.error("a media type is type/subtype");
  if (range.type == "*" && range.subtype != "*") return in.error("*/ is followed by * only");

  bool has_weight = false;
  while (true) {
    in.skip_ows();
    if (!in.take(';')) return range;
    in.skip_ows();
    const std::string name = lowered(in.token());
    if (name.empty()) continue;  // an empty parameter is allowed (§5.6.6)
    if (!in.take('=')) return in.error("a parameter is name=value");
    std::string value;
    if (in.next_is('"')) {
      if (!in.quoted(value)) return in.error("a quoted value has no end");
    } else {
      value = in.token();
      if (value.empty()) return in.error("a parameter is name=value");
    }
    if (!weighted || name != "q") {
      range.parameters.emplace_back(name, std::move(value));
      continue;
    }
    const auto weight = parse_weight(value);
    if (!weight || has_weight) return in.error("q is one number from 0 to 1 with at most three decimals");
    has_weight = true;
    range.q = *weight;
  }
}

}  // namespace

Result<std::vector<MediaRange>> parse_accept(std::string_view field) {
  std::vector<MediaRange> ranges;
  Scanner in(field);
  while (true) {
    in.skip_ows();
    if (in.at_end()) return ranges;
    if (in.take(',')) continue;  // empty list elements are allowed (§5.6.1.2)
    if (ranges.size() == kMaxMediaRanges)
      return fail(ErrorCode::kTooLarge, "an Accept field has more than 256 elements");
    BONGSU_TRY(MediaRange range, parse_range(in, true));
    ranges.push_back(std::move(range));
    in.skip_ows();
    if (!in.at_end() && !in.take(',')) return in.error("elements are separated by commas");
  }
}

Result<MediaRange> parse_media_type(std::string_view field) {
  Scanner in(trim_ows(field));
  BONGSU_TRY(MediaRange type, parse_range(in, false));
  if (type.type == "*" || type.subtype == "*") return in.error("a content type has no wildcard");
  if (!in.at_end()) return in.error("there is more than one media type");
  return type;
}

}  // namespace bongsu::net
