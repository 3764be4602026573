#include "stix/pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"
#include "base/utf8.h"
#include "stix/value_checks.h"

namespace bongsu::stix {
namespace {

constexpr std::int64_t kMaxInteger = (std::int64_t{1} << 53) - 1;  // STIX 2.1 §2.10

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }

// The object types that an expression can be true of, sorted. An OR can hold of either side's, an AND of both sides'
// only.
using Types = std::vector<std::string_view>;

struct Compared {
  ComparisonExpression expression;
  Types types;
};

struct OperatorWord {
  std::string_view word;
  ComparisonOperator op;
};
// Longer signs first.
constexpr std::array kSigns = {
    OperatorWord{"!=", ComparisonOperator::kNotEqual},     OperatorWord{"<=", ComparisonOperator::kLessEqual},
    OperatorWord{">=", ComparisonOperator::kGreaterEqual}, OperatorWord{"=", ComparisonOperator::kEqual},
    OperatorWord{"<", ComparisonOperator::kLess},          OperatorWord{">", ComparisonOperator::kGreater},
};
constexpr std::array kWords = {
    OperatorWord{"IN", ComparisonOperator::kIn},
    OperatorWord{"LIKE", ComparisonOperator::kLike},
    OperatorWord{"MATCHES", ComparisonOperator::kMatches},
    OperatorWord{"ISSUBSET", ComparisonOperator::kIsSubset},
    OperatorWord{"ISSUPERSET", ComparisonOperator::kIsSuperset},
};

// Recursive descent over the text, a function for each level of precedence (STIX 2.1 §9.5.3): parentheses, AND, OR,
// FOLLOWEDBY. Lists of operands are loops, so depth comes from parentheses alone, and these are counted.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Pattern> pattern() {
    BONGSU_TRY(ObservationExpression root, observations());
    skip_space();
    if (at_ < text_.size()) return unexpected("AND, OR, FOLLOWEDBY, a qualifier or the end");
    return Pattern{std::move(root)};
  }

 private:
  // ---- observations

  Result<ObservationExpression> observations() {
    return observation_list(ObservationGroup::Op::kFollowedBy, "FOLLOWEDBY", &Parser::observation_or);
  }
  Result<ObservationExpression> observation_or() {
    return observation_list(ObservationGroup::Op::kOr, "OR", &Parser::observation_and);
  }
  Result<ObservationExpression> observation_and() {
    return observation_list(ObservationGroup::Op::kAnd, "AND", &Parser::qualified_observation);
  }

  Result<ObservationExpression> observation_list(ObservationGroup::Op op, std::string_view word,
                                                 Result<ObservationExpression> (Parser::*operand)()) {
    BONGSU_TRY(ObservationExpression first, (this->*operand)());
    if (!peek_word(word)) return first;
    auto group = std::make_unique<ObservationGroup>();
    group->op = op;
    group->parts.push_back(std::move(first));
    while (take_word(word)) {
      BONGSU_TRY(ObservationExpression next, (this->*operand)());
      group->parts.push_back(std::move(next));
    }
    return ObservationExpression{std::move(group), {}};
  }

  Result<ObservationExpression> qualified_observation() {
    skip_space();
    ObservationExpression observation;
    if (take('[')) {
      BONGSU_TRY(Compared compared, comparison_or());
      if (!take(']')) return unexpected("AND, OR or ]");
      observation.node = std::move(compared.expression);
    } else if (take('(')) {
      BONGSU_TRY_VOID(enter());
      BONGSU_TRY(observation, observations());
      --depth_;
      if (!take(')')) return unexpected("AND, OR, FOLLOWEDBY, a qualifier or )");
    } else {
      return unexpected("[ or (");
    }
    bool own = observation.qualifiers.empty();
    while (true) {
      skip_space();
      const std::size_t start = at_;
      BONGSU_TRY(std::optional<Qualifier> qualifier, qualifier_here());
      if (!qualifier) return observation;
      if (!own) observation = wrap(std::move(observation));
      own = true;
      const auto same = [&](const Qualifier& q) { return q.kind == qualifier->kind; };
      qualifier->offset = start;
      if (std::ranges::any_of(observation.qualifiers, same))
        return error(start, "an observation expression has one qualifier of a kind at most (STIX 2.1 §9.5.1)");
      observation.qualifiers.push_back(std::move(*qualifier));
    }
  }

  // ([a] WITHIN 5 SECONDS) WITHIN 60 SECONDS: the outer qualifier belongs to the parentheses, not to [a].
  static ObservationExpression wrap(ObservationExpression inner) {
    auto group = std::make_unique<ObservationGroup>();
    group->parts.push_back(std::move(inner));
    return ObservationExpression{std::move(group), {}};
  }

  Result<std::optional<Qualifier>> qualifier_here() {
    Qualifier qualifier;
    if (take_word("WITHIN")) {
      qualifier.kind = Qualifier::Kind::kWithin;
      skip_space();
      const std::size_t start = at_;
      BONGSU_TRY(const Literal seconds, number());
      qualifier.seconds =
          seconds.kind == Literal::Kind::kInteger ? static_cast<double>(seconds.integer) : seconds.number;
      if (!(qualifier.seconds > 0)) return error(start, "WITHIN takes a positive number (STIX 2.1 §9.5.1)");
      if (!take_word("SECONDS")) return unexpected("SECONDS");
      return qualifier;
    }
    if (take_word("REPEATS")) {
      qualifier.kind = Qualifier::Kind::kRepeats;
      skip_space();
      const std::size_t start = at_;
      BONGSU_TRY(const Literal times, number());
      if (times.kind != Literal::Kind::kInteger || times.integer <= 0)
        return error(start, "REPEATS takes a positive integer (STIX 2.1 §9.5.1)");
      qualifier.times = times.integer;
      if (!take_word("TIMES")) return unexpected("TIMES");
      return qualifier;
    }
    if (take_word("START")) {
      qualifier.kind = Qualifier::Kind::kStartStop;
      BONGSU_TRY(qualifier.start, timestamp());
      if (!take_word("STOP")) return unexpected("STOP");
      BONGSU_TRY(qualifier.stop, timestamp());
      return qualifier;
    }
    return std::nullopt;
  }

  Result<Timestamp> timestamp() {
    skip_space();
    const std::size_t start = at_;
    BONGSU_TRY(const Literal when, literal());
    if (when.kind != Literal::Kind::kTimestamp) return error(start, "START and STOP take timestamps: t'…'");
    return *Timestamp::parse(when.text);
  }

  // ---- comparisons

  Result<Compared> comparison_or() {
    BONGSU_TRY(Compared first, comparison_and());
    if (!peek_word("OR")) return first;
    auto group = std::make_unique<ComparisonGroup>();
    group->op = ComparisonGroup::Op::kOr;
    Types types = std::move(first.types);
    group->parts.push_back(std::move(first.expression));
    while (take_word("OR")) {
      BONGSU_TRY(Compared next, comparison_and());
      types.insert(types.end(), next.types.begin(), next.types.end());
      group->parts.push_back(std::move(next.expression));
    }
    std::ranges::sort(types);
    types.erase(std::unique(types.begin(), types.end()), types.end());
    return Compared{{std::move(group)}, std::move(types)};
  }

  Result<Compared> comparison_and() {
    BONGSU_TRY(Compared first, comparison_operand());
    if (!peek_word("AND")) return first;
    auto group = std::make_unique<ComparisonGroup>();
    group->op = ComparisonGroup::Op::kAnd;
    Types types = std::move(first.types);
    group->parts.push_back(std::move(first.expression));
    while (take_word("AND")) {
      skip_space();
      const std::size_t start = at_;
      BONGSU_TRY(Compared next, comparison_operand());
      types = common(types, next.types);
      if (types.empty())
        return error(start, "all operands of AND must be satisfiable with the same object (STIX 2.1 §9.5)");
      group->parts.push_back(std::move(next.expression));
    }
    return Compared{{std::move(group)}, std::move(types)};
  }

  // Walks the shorter one: a long chain of ANDs costs no more than its text.
  static Types common(const Types& a, const Types& b) {
    const Types& small = a.size() < b.size() ? a : b;
    const Types& large = a.size() < b.size() ? b : a;
    Types both;
    std::ranges::copy_if(small, std::back_inserter(both),
                         [&](std::string_view type) { return std::ranges::binary_search(large, type); });
    return both;
  }

  Result<Compared> comparison_operand() {
    skip_space();
    if (!take('(')) return comparison();
    BONGSU_TRY_VOID(enter());
    BONGSU_TRY(Compared inner, comparison_or());
    --depth_;
    if (!take(')')) return unexpected("AND, OR or )");
    return inner;
  }

  Result<Compared> comparison() {
    Comparison comparison;
    std::string_view type;
    skip_space();
    comparison.offset = at_;
    if (take_word("NOT")) {
      if (!peek_word("EXISTS")) return unexpected("EXISTS");
      comparison.negated = true;
    }
    if (take_word("EXISTS")) {
      comparison.op = ComparisonOperator::kExists;
      BONGSU_TRY(comparison.path, object_path(type));
      return Compared{{std::move(comparison)}, {type}};
    }
    BONGSU_TRY(comparison.path, object_path(type));
    if (take_word("NOT")) comparison.negated = true;
    BONGSU_TRY(comparison.op, comparison_operator());
    if (comparison.op == ComparisonOperator::kIn) {
      BONGSU_TRY(comparison.values, set());
    } else {
      skip_space();
      const std::size_t start = at_;
      BONGSU_TRY(Literal value, literal());
      BONGSU_TRY_VOID(fits(comparison.op, value, start));
      comparison.values.push_back(std::move(value));
    }
    return Compared{{std::move(comparison)}, {type}};
  }

  Result<ComparisonOperator> comparison_operator() {
    skip_space();
    for (const OperatorWord& sign : kSigns) {
      if (text_.substr(at_).starts_with(sign.word)) {
        at_ += sign.word.size();
        return sign.op;
      }
    }
    for (const OperatorWord& word : kWords)
      if (take_word(word.word)) return word.op;
    return unexpected("a comparison operator");
  }

  Result<void> fits(ComparisonOperator op, const Literal& value, std::size_t start) const {
    switch (op) {
      case ComparisonOperator::kGreater:
      case ComparisonOperator::kLess:
      case ComparisonOperator::kGreaterEqual:
      case ComparisonOperator::kLessEqual:
        if (value.kind == Literal::Kind::kBoolean) return error(start, "a boolean has no order (STIX 2.1 §9.6.1)");
        return {};
      case ComparisonOperator::kLike:
      case ComparisonOperator::kMatches:
        if (value.kind != Literal::Kind::kString)
          return error(start, "LIKE and MATCHES take a string (STIX 2.1 §9.6.1)");
        return {};
      case ComparisonOperator::kIsSubset:
      case ComparisonOperator::kIsSuperset:
        if (value.kind != Literal::Kind::kString || (!is_ipv4_block(value.text) && !is_ipv6_block(value.text)))
          return error(start, "ISSUBSET and ISSUPERSET take an address or CIDR block (STIX 2.1 §9.6.1)");
        return {};
      default:
        return {};
    }
  }

  Result<std::vector<Literal>> set() {
    if (!take('(')) return unexpected("( after IN");
    std::vector<Literal> values;
    const auto is_number = [](const Literal& l) {
      return l.kind == Literal::Kind::kInteger || l.kind == Literal::Kind::kFloat;
    };
    do {
      skip_space();
      const std::size_t start = at_;
      BONGSU_TRY(Literal value, literal());
      if (!values.empty() && values.front().kind != value.kind && !(is_number(values.front()) && is_number(value)))
        return error(start, "the values of IN are of one type (STIX 2.1 §9.6.1)");
      values.push_back(std::move(value));
    } while (take(','));
    if (!take(')')) return unexpected(", or )");
    return values;
  }

  // type:property.'quoted-property'[3].property (STIX 2.1 §9.7)
  Result<ObjectPath> object_path(std::string_view& type) {
    skip_space();
    const std::size_t start = at_;
    if (at_ >= text_.size() || !is_word_start(text_[at_])) return unexpected("an object path");
    while (at_ < text_.size() && (is_word(text_[at_]) || text_[at_] == '-')) ++at_;
    ObjectPath path;
    type = text_.substr(start, at_ - start);
    path.type = type;
    if (!take(':')) return unexpected(": after the object type");
    BONGSU_TRY(PathStep first, path_name());
    path.steps.push_back(std::move(first));
    while (true) {
      skip_space();
      const std::size_t here = at_;
      const bool name = take('.');
      if (!name && !take('[')) return path;
      if (path.steps.size() >= kMaxPathSteps)
        return error(here, fmt::format("an object path of more than {} steps", kMaxPathSteps));
      BONGSU_TRY(PathStep step, name ? path_name() : path_index());
      path.steps.push_back(std::move(step));
    }
  }

  Result<PathStep> path_name() {
    skip_space();
    PathStep step;
    if (at_ < text_.size() && text_[at_] == '\'') {
      const std::size_t start = at_;
      BONGSU_TRY(step.name, quoted());
      if (step.name.empty()) return error(start, "a property has a name");
      return step;
    }
    const std::size_t start = at_;
    if (at_ >= text_.size() || !is_word_start(text_[at_])) return unexpected("a property name");
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    step.name = text_.substr(start, at_ - start);
    return step;
  }

  Result<PathStep> path_index() {
    PathStep step;
    if (take('*')) {
      step.kind = PathStep::Kind::kAny;
    } else {
      skip_space();
      const std::size_t start = at_;
      if (at_ >= text_.size() || !is_digit(text_[at_])) return unexpected("a list index or *");
      BONGSU_TRY(const Literal index, number());
      if (index.kind != Literal::Kind::kInteger) return error(start, "a list index is a whole number");
      step.kind = PathStep::Kind::kIndex;
      step.index = index.integer;
    }
    if (!take(']')) return unexpected("]");
    return step;
  }

  // ---- constants (STIX 2.1 §9.2)

  Result<Literal> literal() {
    skip_space();
    const std::size_t start = at_;
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    Literal value;
    value.offset = at_;
    if (c == '\'') {
      BONGSU_TRY(value.text, quoted());
      return value;
    }
    if (is_digit(c) || c == '-' || c == '.') return number();
    if (next == '\'' && (c == 't' || c == 'h' || c == 'b')) {
      ++at_;
      BONGSU_TRY(std::string inside, quoted());
      if (c == 't') {
        value.kind = Literal::Kind::kTimestamp;
        if (!Timestamp::parse(inside)) return error(start, "not a timestamp (STIX 2.1 §2.16)");
        value.text = std::move(inside);
      } else if (c == 'h') {
        value.kind = Literal::Kind::kHex;
        auto bytes = from_hex(inside);
        if (!bytes) return error(start, "not an even number of hexadecimal digits (STIX 2.1 §9.2)");
        value.text = std::move(*bytes);
      } else {
        value.kind = Literal::Kind::kBinary;
        std::erase_if(inside, [](char b) { return b == '\n' || b == '\r'; });
        auto bytes = from_base64(inside);
        if (!bytes) return error(start, "not base64 (STIX 2.1 §9.2)");
        value.text = std::move(*bytes);
      }
      return value;
    }
    if (take_word("true") || take_word("false")) {
      value.kind = Literal::Kind::kBoolean;
      value.boolean = c == 't';
      return value;
    }
    return unexpected("a constant");
  }

  // -?(0|[1-9][0-9]*) or -?[0-9]*.[0-9]+; no plus sign, no exponent.
  Result<Literal> number() {
    skip_space();
    const std::size_t start = at_;
    std::size_t end = at_;
    if (end < text_.size() && text_[end] == '-') ++end;
    const std::size_t digits = end;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    const std::size_t whole = end - digits;
    Literal value;
    value.offset = start;
    if (end < text_.size() && text_[end] == '.') {
      const std::size_t fraction = ++end;
      while (end < text_.size() && is_digit(text_[end])) ++end;
      if (end == fraction) return error_at_or_end(end, "a digit after the decimal point");
      value.kind = Literal::Kind::kFloat;
      const auto read = std::from_chars(text_.data() + start, text_.data() + end, value.number);
      if (read.ec != std::errc()) return error(start, "a number beyond what a double holds (STIX 2.1 §2.6)");
    } else {
      if (whole == 0) return error_at_or_end(digits, "a number");
      if (whole > 1 && text_[digits] == '0') return error(digits + 1, "an integer has no leading zero");
      value.kind = Literal::Kind::kInteger;
      const auto read = std::from_chars(text_.data() + start, text_.data() + end, value.integer);
      if (read.ec != std::errc() || value.integer > kMaxInteger || value.integer < -kMaxInteger)
        return error(start, "an integer beyond 2^53 - 1 (STIX 2.1 §2.10)");
      value.number = static_cast<double>(value.integer);
    }
    if (end < text_.size() && (is_word(text_[end]) || text_[end] == '.'))
      return error_at_or_end(end, "the end of the number");
    at_ = end;
    return value;
  }

  // 'text' with \' and \\ and no other escape.
  Result<std::string> quoted() {
    const std::size_t start = at_++;
    std::string out;
    while (at_ < text_.size()) {
      const std::size_t stop = std::min(text_.find_first_of("'\\", at_), text_.size());
      out += text_.substr(at_, stop - at_);
      at_ = stop;
      if (at_ == text_.size()) break;
      if (text_[at_++] == '\'') return out;
      if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '\\'))
        return error(at_, "only ' and \\ may follow a backslash (STIX 2.1 §9.2)");
      out += text_[at_++];
    }
    return error(start, "a string without its closing '");
  }

  // ---- characters

  // Unicode White_Space (STIX 2.1 §9.4), in UTF-8.
  void skip_space() {
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == ' ' || (c >= 0x09 && c <= 0x0d)) {
        ++at_;
      } else if (c == 0xc2 && at_ + 1 < text_.size() && (text_[at_ + 1] == '\x85' || text_[at_ + 1] == '\xa0')) {
        at_ += 2;
      } else if (at_ + 2 < text_.size() && is_wide_space(text_.substr(at_, 3))) {
        at_ += 3;
      } else {
        return;
      }
    }
  }
  static bool is_wide_space(std::string_view three) {
    if (three == "\xe1\x9a\x80" || three == "\xe2\x81\x9f" || three == "\xe3\x80\x80") return true;  // U+1680 205F 3000
    if (!three.starts_with("\xe2\x80")) return false;
    const auto last = static_cast<unsigned char>(three[2]);
    return (last >= 0x80 && last <= 0x8a) || last == 0xa8 || last == 0xa9 ||
           last == 0xaf;  // U+2000…200A 2028 2029 202F
  }

  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // A whole word: "ORB" is not OR. A word before ':' is an object type, whatever it spells.
  bool peek_word(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    const std::size_t end = at_ + word.size();
    return end == text_.size() || (!is_word(text_[end]) && text_[end] != ':' && text_[end] != '-');
  }
  bool take_word(std::string_view word) {
    if (!peek_word(word)) return false;
    at_ += word.size();
    return true;
  }

  Result<void> enter() {
    if (++depth_ > kMaxPatternDepth)
      return error(at_ - 1, fmt::format("parentheses nested deeper than {} levels", kMaxPatternDepth));
    return {};
  }

  std::unexpected<Error> error(std::size_t offset, std::string message) const {
    return fail(ErrorCode::kInvalid, std::move(message), {.offset = offset, .has_offset = true});
  }
  std::unexpected<Error> error_at_or_end(std::size_t offset, std::string_view expected) const {
    if (offset >= text_.size())
      return error(text_.size(), fmt::format("the pattern ends where {} should stand", expected));
    return error(offset, fmt::format("{} expected", expected));
  }
  std::unexpected<Error> unexpected(std::string_view expected) {
    skip_space();
    return error_at_or_end(at_, expected);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

std::string ObjectPath::text() const {
  std::string out = type + ":";
  bool first = true;
  for (const PathStep& step : steps) {
    switch (step.kind) {
      case PathStep::Kind::kIndex:
        out += fmt::format("[{}]", step.index);
        break;
      case PathStep::Kind::kAny:
        out += "[*]";
        break;
      case PathStep::Kind::kProperty: {
        if (!first) out += '.';
        const bool plain =
            !step.name.empty() && is_word_start(step.name.front()) && std::ranges::all_of(step.name, is_word);
        out += plain ? step.name : quote_literal(step.name);
        break;
      }
    }
    first = false;
  }
  return out;
}

Result<Pattern> parse_pattern(std::string_view text) {
  if (text.size() > kMaxPatternBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("a pattern of {} bytes; the limit is {}", text.size(), kMaxPatternBytes));
  }
  if (const std::size_t bad = first_bad_octet(text); bad < text.size())
    return fail(ErrorCode::kInvalid, "a pattern is Unicode text (STIX 2.1 §9.4): this is not UTF-8",
                {.offset = bad, .has_offset = true});
  return Parser(text).pattern();
}

std::string quote_literal(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + '\'';
}

}  // namespace bongsu::stix
