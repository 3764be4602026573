#include "detect/pattern/atom.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

namespace bongsu::detect {
namespace {

using stix::ComparisonOperator;
using stix::Literal;
using Kind = ObservedValue::Kind;

template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}
// By code point, which in UTF-8 is by octet (STIX 2.1 §9.6.2, §9.6.3).
int order(std::string_view a, std::string_view b) {
  const int c = a.compare(b);
  return c < 0 ? -1 : c > 0 ? 1 : 0;
}

constexpr int kIncomparable = 2;

int order(const Atom& atom, std::size_t i, const ValueView& value) {
  const Literal& constant = atom.constants[i];
  switch (constant.kind) {
    case Literal::Kind::kBoolean:
      return value.kind == Kind::kBoolean ? order(value.boolean, constant.boolean) : kIncomparable;
    case Literal::Kind::kInteger:
      if (value.kind == Kind::kInteger) return order(value.integer, constant.integer);
      // A long double holds every integer of 64 bits and every double.
      if (value.kind == Kind::kFloat)
        return order(static_cast<long double>(value.number), static_cast<long double>(constant.integer));
      return kIncomparable;
    case Literal::Kind::kFloat:
      if (value.kind == Kind::kInteger)
        return order(static_cast<long double>(value.integer), static_cast<long double>(constant.number));
      return value.kind == Kind::kFloat ? order(value.number, constant.number) : kIncomparable;
    case Literal::Kind::kTimestamp: {
      if (value.kind != Kind::kString) return kIncomparable;
      const auto when = stix::Timestamp::parse(value.text);
      return when ? order(*when, atom.times[i]) : kIncomparable;
    }
    case Literal::Kind::kString:
      if (value.kind == Kind::kString) return order(value.text, std::string_view(constant.text));
      if (value.kind == Kind::kBinary && atom.octet_constants[i])
        return order(value.text, std::string_view(*atom.octet_constants[i]));
      return kIncomparable;
    case Literal::Kind::kBinary:
    case Literal::Kind::kHex:
      if (value.kind == Kind::kBinary) return order(value.text, std::string_view(constant.text));
      if (value.kind == Kind::kString)
        if (const auto octets = octets_of(value.text))
          return order(std::string_view(*octets), std::string_view(constant.text));
      return kIncomparable;
  }
  return kIncomparable;
}

std::unexpected<Error> at(const Literal& literal, ErrorCode code, std::string message) {
  return fail(code, std::move(message), {.offset = literal.offset, .has_offset = true});
}

// Where a character of the constant's value stands in the pattern: ' and \ have a backslash before them.
std::size_t written(const Literal& literal, std::size_t at) {
  const std::string_view before = std::string_view(literal.text).substr(0, at);
  return literal.offset + 1 + before.size() +
         static_cast<std::size_t>(std::ranges::count_if(before, [](char c) { return c == '\'' || c == '\\'; }));
}

Result<std::shared_ptr<const re2::RE2>> compile_regex(const Literal& literal, std::string_view pcre, bool octets,
                                                      bool ignore_case) {
  auto text = re2_of(pcre, octets, ignore_case);
  if (!text) {
    Error error = std::move(text).error();
    // Normal form moves places: ask the constant itself.
    const auto original = octets ? std::move(text) : re2_of(literal.text, octets, ignore_case);
    const std::size_t place = octets     ? text_of_octets(pcre.substr(0, error.where.offset)).size()
                              : original ? 0
                                         : original.error().where.offset;
    return fail(
        error.code,
        fmt::format("MATCHES: {}, at character {} of the constant", error.message,
                    1 + std::ranges::count_if(literal.text.substr(0, place),
                                              [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; })),
        {.offset = written(literal, place), .has_offset = true});
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxRegexMemory);
  options.set_case_sensitive(octets || !ignore_case);
  if (octets) options.set_encoding(re2::RE2::Options::EncodingLatin1);
  auto regex = std::make_shared<re2::RE2>(*text, options);
  if (!regex->ok()) {
    const bool large = regex->error_code() == re2::RE2::ErrorPatternTooLarge;
    return at(literal, large ? ErrorCode::kTooLarge : ErrorCode::kInvalid,
              fmt::format("MATCHES takes a regular expression that runs in linear time: {}", regex->error()));
  }
  return regex;
}

Result<void> compile_regex(Atom& atom, const Literal& literal) {
  if (literal.text.size() > kMaxRegexBytes)
    return at(literal, ErrorCode::kTooLarge,
              fmt::format("a regular expression of {} bytes; the limit is {}", literal.text.size(), kMaxRegexBytes));
  BONGSU_TRY(atom.regex, compile_regex(literal, nfc(literal.text), false, atom.ignore_case));
  if (!atom.octets) return {};
  const auto octets = octets_of(literal.text);
  atom.never = !octets;
  if (octets) {
    BONGSU_TRY(atom.octet_regex, compile_regex(literal, *octets, true, atom.ignore_case));
  }
  return {};
}

Result<void> compile_like(Atom& atom, const Literal& literal) {
  atom.wildcards = nfc(literal.text);
  if (longest_free_piece(atom.wildcards) > kMaxLikePiece)
    return at(literal, ErrorCode::kTooLarge,
              fmt::format("LIKE: a part with _ between two % of more than {} bytes", kMaxLikePiece));
  if (!atom.octets) return {};
  auto octets = octets_of(literal.text);
  atom.never = !octets;
  if (octets) atom.octet_wildcards = *std::move(octets);
  return {};
}

}  // namespace

Result<Atom> compile_atom(const stix::Comparison& comparison, std::uint32_t path, bool ignore_case) {
  Atom atom;
  atom.path = path;
  atom.op = comparison.op;
  atom.negated = comparison.negated;
  atom.ignore_case = ignore_case;
  for (const stix::PathStep& step : comparison.path.steps)
    if (step.kind == stix::PathStep::Kind::kProperty)
      atom.octets = step.name.ends_with("_bin") || step.name.ends_with("_hex");
  atom.constants = comparison.values;
  const Literal* first = atom.constants.empty() ? nullptr : &atom.constants.front();
  switch (atom.op) {
    case ComparisonOperator::kLike:
      BONGSU_TRY_VOID(compile_like(atom, *first));
      return atom;
    case ComparisonOperator::kMatches:
      BONGSU_TRY_VOID(compile_regex(atom, *first));
      return atom;
    case ComparisonOperator::kIsSubset:
    case ComparisonOperator::kIsSuperset:
      atom.block = block_of(first->text);
      if (!atom.block) return at(*first, ErrorCode::kInvalid, "not an address or CIDR block");
      return atom;
    case ComparisonOperator::kIn:
      if (first->kind == Literal::Kind::kString) std::ranges::sort(atom.constants, {}, &Literal::text);
      break;
    default:
      break;
  }
  for (const Literal& constant : atom.constants) {
    const bool text = constant.kind == Literal::Kind::kString;
    if (text && atom.octets) atom.octet_constants.push_back(octets_of(constant.text));
    if (text && !atom.octets) atom.octet_constants.emplace_back();
    if (constant.kind == Literal::Kind::kTimestamp) atom.times.push_back(*stix::Timestamp::parse(constant.text));
  }
  return atom;
}

bool Atom::holds(const ValueView& value) const {
  switch (op) {
    case ComparisonOperator::kEqual:
      return order(*this, 0, value) == 0;
    case ComparisonOperator::kNotEqual:
      return order(*this, 0, value) != 0;
    case ComparisonOperator::kGreater:
      return order(*this, 0, value) == 1;
    case ComparisonOperator::kLess:
      return order(*this, 0, value) == -1;
    case ComparisonOperator::kGreaterEqual: {
      const int o = order(*this, 0, value);
      return o == 0 || o == 1;
    }
    case ComparisonOperator::kLessEqual:
      return order(*this, 0, value) <= 0;
    case ComparisonOperator::kIn:
      if (value.kind == Kind::kString && constants.front().kind == Literal::Kind::kString)
        return std::ranges::binary_search(constants, value.text, {},
                                          [](const Literal& l) -> std::string_view { return l.text; });
      for (std::size_t i = 0; i < constants.size(); ++i)
        if (order(*this, i, value) == 0) return true;
      return false;
    case ComparisonOperator::kLike: {
      if (value.kind == Kind::kBinary) return octets && !never && like(octet_wildcards, value.text, true);
      std::string scratch;
      return value.kind == Kind::kString && like(wildcards, nfc(value.text, scratch), false);
    }
    case ComparisonOperator::kMatches: {
      if (value.kind == Kind::kBinary)
        return octet_regex &&
               re2::RE2::PartialMatch(re2::StringPiece(value.text.data(), value.text.size()), *octet_regex);
      if (value.kind != Kind::kString) return false;
      std::string scratch;
      const std::string_view text = nfc(value.text, scratch);
      return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex);
    }
    case ComparisonOperator::kIsSubset:
    case ComparisonOperator::kIsSuperset: {
      if (value.kind != Kind::kString) return false;
      const auto other = block_of(value.text);
      if (!other) return false;
      return op == ComparisonOperator::kIsSubset ? block->contains(*other) : other->contains(*block);
    }
    case ComparisonOperator::kExists:
      return true;
  }
  return false;
}

std::uint32_t PathTable::add(const stix::ObjectPath& path) {
  const auto [known, fresh] = ids_.try_emplace(path.text(), static_cast<std::uint32_t>(paths_.size()));
  if (!fresh) return known->second;
  paths_.push_back(path);
  const auto child = [&] {
    nodes_.emplace_back();
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  };
  if (nodes_.empty()) child();  // 0 is none
  const auto root = roots_.find(path.type);
  std::uint32_t at = root != roots_.end() ? root->second : roots_[path.type] = child();
  for (const stix::PathStep& step : path.steps) {
    std::uint32_t next = 0;
    switch (step.kind) {
      case stix::PathStep::Kind::kProperty: {
        const auto found = nodes_[at].properties.find(step.name);
        next = found != nodes_[at].properties.end() ? found->second : child();
        nodes_[at].properties[step.name] = next;
        break;
      }
      case stix::PathStep::Kind::kIndex: {
        const auto found = nodes_[at].indices.find(step.index);
        next = found != nodes_[at].indices.end() ? found->second : child();
        nodes_[at].indices[step.index] = next;
        break;
      }
      case stix::PathStep::Kind::kAny:
        next = nodes_[at].any != 0 ? nodes_[at].any : child();
        nodes_[at].any = next;
        break;
    }
    at = next;
  }
  nodes_[at].path = known->second;
  return known->second;
}

std::uint32_t PathTable::find(const std::string& text) const {
  const auto at = ids_.find(text);
  return at == ids_.end() ? kNone : at->second;
}

}  // namespace bongsu::detect
