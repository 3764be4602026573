#include "detect/sigma/condition.h"

#include "base/text.h"

namespace bongsu::detect::sigma {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-' || c == '*' ||
         c == '.' || c == '?';
}

class Parser {
 public:
  Parser(std::string_view text, bool quantifiers) : text_(text), quantifiers_(quantifiers) { next(); }

  Result<Condition> run() {
    BONGSU_TRY(Condition out, any(0));
    if (!token_.empty())
      return wrong(token_ == ")" ? "a closing bracket too many"
                                 : "\"and\" or \"or\" was expected before \"" + std::string(token_) + "\"");
    return out;
  }

 private:
  std::unexpected<Error> wrong(std::string message) const {
    return fail(ErrorCode::kInvalid, std::move(message), {.offset = token_at_, .has_offset = true});
  }
  void next() {
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) <= ' ') ++at_;
    token_at_ = at_;
    if (at_ == text_.size()) {
      token_ = {};
      return;
    }
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    if (end == at_) ++end;
    token_ = text_.substr(at_, end - at_);
    at_ = end;
  }
  bool word(std::string_view expected) const {
    if (token_.size() != expected.size()) return false;
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (lower(token_[i]) != expected[i]) return false;
    return true;
  }

  Result<Condition> any(int depth) {
    BONGSU_TRY(Condition first, every(depth));
    if (!word("or")) return first;
    Condition out{Condition::Kind::kOr, {}, {}};
    out.children.push_back(std::move(first));
    while (word("or")) {
      next();
      BONGSU_TRY(Condition more, every(depth));
      out.children.push_back(std::move(more));
    }
    return out;
  }
  Result<Condition> every(int depth) {
    BONGSU_TRY(Condition first, single(depth));
    if (!word("and")) return first;
    Condition out{Condition::Kind::kAnd, {}, {}};
    out.children.push_back(std::move(first));
    while (word("and")) {
      next();
      BONGSU_TRY(Condition more, single(depth));
      out.children.push_back(std::move(more));
    }
    return out;
  }
  Result<Condition> single(int depth) {
    if (depth >= kMaxConditionDepth)
      return fail(ErrorCode::kTooLarge,
                  "the condition is nested more than " + std::to_string(kMaxConditionDepth) + " deep",
                  {.offset = token_at_, .has_offset = true});
    if (word("not")) {
      next();
      BONGSU_TRY(Condition inner, single(depth + 1));
      Condition out{Condition::Kind::kNot, {}, {}};
      out.children.push_back(std::move(inner));
      return out;
    }
    if (token_ == "(") {
      next();
      BONGSU_TRY(Condition inner, any(depth + 1));
      if (token_ != ")") return wrong("a closing bracket was expected");
      next();
      return inner;
    }
    if (token_.empty()) return wrong("the condition ends where a search identifier was expected");
    if (token_ == "|")
      return fail(ErrorCode::kUnsupported,
                  "aggregations behind a pipe are no longer part of Sigma; a correlation rule says the same",
                  {.offset = token_at_, .has_offset = true});
    if (!is_word(token_.front())) return wrong("\"" + std::string(token_) + "\" cannot stand here");
    if (word("and") || word("or") || word("of") || word("them"))
      return wrong("a search identifier was expected instead of \"" + std::string(token_) + "\"");

    const std::string_view first = token_;
    const std::size_t first_at = token_at_;
    const bool one = word("1") || word("any"), all = word("all"), number = is_digit(first.front());
    next();
    if (quantifiers_ && word("of")) {
      if (!one && !all) {
        token_at_ = first_at;
        return wrong(number ? "only \"1 of\", \"any of\" and \"all of\" are part of Sigma"
                            : "\"of\" follows 1, any or all");
      }
      next();
      if (token_.empty() || !is_word(token_.front()))
        return wrong("\"them\" or a pattern of search identifiers was expected");
      Condition out{one ? Condition::Kind::kOneOf : Condition::Kind::kAllOf,
                    word("them") ? std::string() : std::string(token_),
                    {}};
      next();
      return out;
    }
    if (first.find_first_of("*?") != first.npos) {
      token_at_ = first_at;
      return wrong("a pattern stands behind \"1 of\" or \"all of\" only");
    }
    return Condition{Condition::Kind::kName, std::string(first), {}};
  }

  std::string_view text_, token_;
  std::size_t at_ = 0, token_at_ = 0;
  const bool quantifiers_;
};

}  // namespace

Result<Condition> parse_condition(std::string_view text, bool quantifiers) {
  if (text.size() > kMaxConditionBytes)
    return fail(ErrorCode::kTooLarge, "the condition is longer than " + std::to_string(kMaxConditionBytes) + " bytes");
  return Parser(text, quantifiers).run();
}

}  // namespace bongsu::detect::sigma
