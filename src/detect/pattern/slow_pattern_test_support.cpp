#include "detect/pattern/slow_pattern_test_support.h"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "detect/pattern/compare.h"

namespace bongsu::detect {
namespace {

using stix::Comparison;
using stix::ComparisonOperator;
using stix::Literal;
using stix::PathStep;
using Kind = ObservedValue::Kind;

// ---- values (§9.7)

// The value that a name leads to: a member of the dictionary, or of the object that is referenced.
const ObservedValue* member(const Observation& observation, const ObservedValue& value, const std::string& name) {
  if (value.kind == Kind::kReference) {
    const CyberObject* object = observation.find(value.text);
    return object == nullptr ? nullptr : object->properties.find(name);
  }
  return value.kind == Kind::kDictionary ? value.find(name) : nullptr;
}

std::vector<ObservedValue> values_of(const Observation& observation, const CyberObject& root,
                                     const std::vector<PathStep>& steps) {
  std::vector<const ObservedValue*> now{&root.properties};
  for (const PathStep& step : steps) {
    std::vector<const ObservedValue*> next;
    for (const ObservedValue* value : now) {
      if (step.kind == PathStep::Kind::kProperty) {
        if (const ObservedValue* found = member(observation, *value, step.name)) next.push_back(found);
      } else if (value->kind == Kind::kList) {
        for (std::size_t i = 0; i < value->list.size(); ++i)
          if (step.kind == PathStep::Kind::kAny || static_cast<std::int64_t>(i) == step.index)
            next.push_back(&value->list[i]);
      }
    }
    std::ranges::sort(next);  // what several ways lead to once
    next.erase(std::unique(next.begin(), next.end()), next.end());
    now = std::move(next);
  }
  std::vector<ObservedValue> out;
  for (const ObservedValue* value : now) {
    if (value->kind == Kind::kNull) continue;
    out.push_back(*value);
    // Under a key that looks like a reference, and is none.
    if (value->text_otherwise && observation.find(value->text) == nullptr) out.back().kind = Kind::kString;
  }
  return out;
}

// ---- one comparison (§9.6)

int sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }
int compare_text(const std::string& a, const std::string& b) {
  const int c = a.compare(b);  // char_traits compares as unsigned octets: by code point (§9.6.2), by octet (§9.6.3)
  return sign(c < 0, c > 0);
}

// -1, 0, 1; nothing for types that cannot be compared.
std::optional<int> compare(const ObservedValue& value, const Literal& constant) {
  switch (constant.kind) {
    case Literal::Kind::kBoolean:
      if (value.kind != Kind::kBoolean) return std::nullopt;
      return sign(value.boolean<constant.boolean, value.boolean> constant.boolean);
    case Literal::Kind::kInteger:
    case Literal::Kind::kFloat: {
      const long double b = constant.kind == Literal::Kind::kInteger ? static_cast<long double>(constant.integer)
                                                                     : static_cast<long double>(constant.number);
      if (value.kind != Kind::kInteger && value.kind != Kind::kFloat) return std::nullopt;
      const long double a = value.kind == Kind::kInteger ? static_cast<long double>(value.integer)
                                                         : static_cast<long double>(value.number);
      return sign(a<b, a> b);
    }
    case Literal::Kind::kTimestamp: {
      if (value.kind != Kind::kString) return std::nullopt;
      const auto a = stix::Timestamp::parse(value.text), b = stix::Timestamp::parse(constant.text);
      if (!a || !b) return std::nullopt;
      return sign(*a < *b, *b < *a);
    }
    case Literal::Kind::kString:
      if (value.kind == Kind::kString) return compare_text(value.text, constant.text);
      if (value.kind == Kind::kBinary)
        if (const auto octets = octets_of(constant.text)) return compare_text(value.text, *octets);
      return std::nullopt;
    case Literal::Kind::kBinary:
    case Literal::Kind::kHex:
      if (value.kind == Kind::kBinary) return compare_text(value.text, constant.text);
      if (value.kind == Kind::kString)
        if (const auto octets = octets_of(value.text)) return compare_text(*octets, constant.text);
      return std::nullopt;
  }
  return std::nullopt;
}

// Characters of UTF-8, each by itself; a byte that is none stands for itself.
std::vector<std::string> characters(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t n = 1;
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead >= 0xc2) n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    bool whole = i + n <= text.size();
    for (std::size_t k = 1; whole && k < n; ++k) whole = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    if (!whole) n = 1;
    out.push_back(text.substr(i, n));
    i += n;
  }
  return out;
}
std::vector<std::string> octets(const std::string& text) {
  std::vector<std::string> out;
  for (const char c : text) out.emplace_back(1, c);
  return out;
}

bool slow_like(const std::vector<std::string>& pattern, const std::vector<std::string>& text) {
  // reach[j]: the pattern so far matches the first j characters.
  std::vector<bool> reach(text.size() + 1, false);
  reach[0] = true;
  for (const std::string& p : pattern) {
    std::vector<bool> next(text.size() + 1, false);
    bool any = false;
    for (std::size_t j = 0; j <= text.size(); ++j) {
      any = any || reach[j];
      if (p == "%") {
        next[j] = any;
      } else if (j > 0) {
        next[j] = reach[j - 1] && (p == "_" || p == text[j - 1]);
      }
    }
    reach = std::move(next);
  }
  return reach[text.size()];
}

// The network's bits, first the version: one block contains another if its text is a prefix of the other's.
std::optional<std::string> bits_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  unsigned char bytes[16] = {};
  std::size_t size = 4;
  if (inet_pton(AF_INET, address.c_str(), bytes) != 1) {
    if (inet_pton(AF_INET6, address.c_str(), bytes) != 1) return std::nullopt;
    size = 16;
  }
  std::size_t prefix = size * 8;
  if (slash != std::string::npos) {
    const std::string number = text.substr(slash + 1);
    if (number.empty() || number.size() > 3 || number.find_first_not_of("0123456789") != std::string::npos ||
        (number.size() > 1 && number[0] == '0'))
      return std::nullopt;
    if (std::stoul(number) > prefix) return std::nullopt;
    prefix = std::stoul(number);
  }
  std::string out = size == 4 ? "4" : "6";
  for (std::size_t i = 0; i < prefix; ++i) out += (bytes[i / 8] >> (7 - i % 8) & 1) != 0 ? '1' : '0';
  return out;
}

bool holds(const Comparison& c, const ObservedValue& value) {
  const Literal* b = c.values.empty() ? nullptr : &c.values.front();
  switch (c.op) {
    case ComparisonOperator::kEqual:
      return compare(value, *b) == 0;
    case ComparisonOperator::kNotEqual:
      return compare(value, *b) != 0;  // also when the types are incompatible (§9.6.1)
    case ComparisonOperator::kGreater:
      return compare(value, *b) == 1;
    case ComparisonOperator::kLess:
      return compare(value, *b) == -1;
    case ComparisonOperator::kGreaterEqual:
      return compare(value, *b).value_or(-1) >= 0;
    case ComparisonOperator::kLessEqual:
      return compare(value, *b).value_or(1) <= 0;
    case ComparisonOperator::kIn:
      for (const Literal& one : c.values)
        if (compare(value, one) == 0) return true;
      return false;
    case ComparisonOperator::kLike:
      if (value.kind == Kind::kString) return slow_like(characters(nfc(b->text)), characters(nfc(value.text)));
      if (value.kind == Kind::kBinary)
        if (const auto pattern = octets_of(b->text)) return slow_like(octets(*pattern), octets(value.text));
      return false;
    case ComparisonOperator::kMatches: {
      RE2::Options options;
      options.set_log_errors(false);
      options.set_dot_nl(true);
      if (value.kind == Kind::kString)
        return RE2::PartialMatch(nfc(value.text), RE2(re2_of(nfc(b->text), false).value(), options));
      if (value.kind != Kind::kBinary) return false;
      const auto pattern = octets_of(b->text);
      options.set_encoding(RE2::Options::EncodingLatin1);
      return pattern && RE2::PartialMatch(value.text, RE2(re2_of(*pattern, true).value(), options));
    }
    case ComparisonOperator::kIsSubset:
    case ComparisonOperator::kIsSuperset: {
      if (value.kind != Kind::kString) return false;
      const auto a = bits_of(value.text), set = bits_of(b->text);
      if (!a || !set) return false;
      return c.op == ComparisonOperator::kIsSubset ? a->starts_with(*set) : set->starts_with(*a);
    }
    case ComparisonOperator::kExists:
      return true;
  }
  return false;
}

bool holds(const Comparison& c, const Observation& observation, const CyberObject& root) {
  if (root.type != c.path.type) return false;
  std::vector<ObservedValue> values = values_of(observation, root, c.path.steps);
  // An object of that type without the property. (By §9.6 alone, NOT EXISTS could never be true.)
  if (c.op == ComparisonOperator::kExists) return values.empty() == c.negated;
  // What cannot be read is not obtainable (§9.6): false, whatever the operator.
  std::erase_if(values, [](const ObservedValue& v) { return v.kind == Kind::kUnreadable; });
  if (values.empty()) return false;
  bool any = false;
  for (const ObservedValue& value : values) any = any || holds(c, value);
  return any != c.negated;
}

bool holds(const stix::ComparisonExpression& e, const Observation& observation, const CyberObject& root) {
  if (const auto* comparison = std::get_if<Comparison>(&e.node)) return holds(*comparison, observation, root);
  const auto& group = *std::get<std::unique_ptr<stix::ComparisonGroup>>(e.node);
  const bool conjunction = group.op == stix::ComparisonGroup::Op::kAnd;
  for (const auto& part : group.parts)
    if (holds(part, observation, root) != conjunction) return !conjunction;
  return conjunction;
}

// ---- bindings (§9.5)

// Observations by number, and what their moments must satisfy, all pairs written out: t[a] - t[b] ≤ or < bound.
struct Bound {
  int a, b;  // -1: the beginning of time
  __int128 bound;
  bool strict;
};
struct Binding {
  std::vector<int> observations;
  std::vector<Bound> bounds;
};

constexpr std::size_t kMostBindings = 3000;
__int128 nanos(const Instant& t) { return static_cast<__int128>(t.seconds) * 1'000'000'000 + t.nanos; }

struct One {  // each of an Observed Data's number_observed
  const Observation* data;
};

class Evaluator {
 public:
  explicit Evaluator(std::span<const Observation> data) {
    for (const Observation& observation : data)
      for (std::int64_t i = 0; i < std::min<std::int64_t>(observation.number_observed, 8); ++i)
        all_.push_back({&observation});
  }

  bool too_many() const { return too_many_; }

  std::vector<Binding> bindings(const stix::ObservationExpression& e) {
    std::vector<Binding> out;
    if (const auto* inner = std::get_if<stix::ComparisonExpression>(&e.node)) {
      for (std::size_t i = 0; i < all_.size(); ++i)
        if (slow_matches(*inner, *all_[i].data)) keep(out, {{static_cast<int>(i)}, {}});
    } else {
      const auto& group = *std::get<std::unique_ptr<stix::ObservationGroup>>(e.node);
      out = bindings(group.parts.front());
      for (std::size_t i = 1; i < group.parts.size(); ++i) {
        std::vector<Binding> right = bindings(group.parts[i]);
        if (group.op == stix::ObservationGroup::Op::kOr) {
          for (Binding& one : right) keep(out, std::move(one));
        } else {
          out = joined(out, right, group.op == stix::ObservationGroup::Op::kFollowedBy);
        }
      }
    }
    for (const stix::Qualifier& q : e.qualifiers) {
      if (q.kind == stix::Qualifier::Kind::kRepeats) {  // "a" followed by "AND a", x - 1 times
        const std::vector<Binding> once = out;
        for (std::int64_t i = 1; i < q.times && !out.empty(); ++i) out = joined(out, once, false);
      } else if (q.kind == stix::Qualifier::Kind::kWithin) {
        // Less than so many whole nanoseconds apart; what a double adds to a decimal number is no nanosecond more.
        const long double exact = static_cast<long double>(q.seconds) * 1e9L;
        auto width = static_cast<__int128>(std::min(exact, 1e21L));
        if (static_cast<long double>(width) < exact * (1 - 1e-15L) || width == 0) ++width;
        for (Binding& one : out)
          for (const int a : one.observations)
            for (const int b : one.observations)
              if (a != b) one.bounds.push_back({a, b, width, true});
        std::erase_if(out, [&](const Binding& one) { return !possible(one); });
      } else {
        for (Binding& one : out)
          for (const int a : one.observations) {
            one.bounds.push_back({-1, a, -nanos(q.start->instant()), false});
            one.bounds.push_back({a, -1, nanos(q.stop->instant()), true});
          }
        std::erase_if(out, [&](const Binding& one) { return !possible(one); });
      }
    }
    return out;
  }

 private:
  void keep(std::vector<Binding>& out, Binding one) {
    if (out.size() >= kMostBindings) {
      too_many_ = true;
    } else {
      out.push_back(std::move(one));
    }
  }

  std::vector<Binding> joined(const std::vector<Binding>& left, const std::vector<Binding>& right, bool in_order) {
    std::vector<Binding> out;
    for (const Binding& l : left) {
      for (const Binding& r : right) {
        Binding both = l;
        both.observations.insert(both.observations.end(), r.observations.begin(), r.observations.end());
        if (std::set<int>(both.observations.begin(), both.observations.end()).size() != both.observations.size())
          continue;  // different observations
        both.bounds.insert(both.bounds.end(), r.bounds.begin(), r.bounds.end());
        if (in_order)
          for (const int a : l.observations)
            for (const int b : r.observations) both.bounds.push_back({a, b, 0, false});
        if (possible(both)) keep(out, std::move(both));
      }
    }
    return out;
  }

  // Can each observation have a moment between first and last observed such that all bounds hold? Shortest paths over
  // (bound, number of strict steps); it cannot if some way round is below nothing.
  bool possible(const Binding& one) const {
    struct Weight {
      __int128 sum;
      int strict;  // negative
      bool operator<(const Weight& o) const { return sum != o.sum ? sum < o.sum : strict < o.strict; }
    };
    const auto n = one.observations.size() + 1;
    std::map<int, std::size_t> place{{-1, 0}};
    for (std::size_t i = 0; i < one.observations.size(); ++i) place[one.observations[i]] = i + 1;
    const __int128 far = static_cast<__int128>(1) << 100;
    std::vector<std::vector<Weight>> d(n, std::vector<Weight>(n, {far, 0}));
    const auto add = [&](std::size_t a, std::size_t b, Weight w) {  // t[a] - t[b] ≤ w
      if (w < d[b][a]) d[b][a] = w;
    };
    for (std::size_t i = 0; i < n; ++i) d[i][i] = {0, 0};
    for (std::size_t i = 1; i < n; ++i) {
      const Observation& o = *all_[static_cast<std::size_t>(one.observations[i - 1])].data;
      add(i, 0, {nanos(o.last_observed), 0});
      add(0, i, {-nanos(o.first_observed), 0});
    }
    for (const Bound& b : one.bounds) add(place[b.a], place[b.b], {b.bound, b.strict ? -1 : 0});
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          if (d[i][k].sum < far && d[k][j].sum < far) {
            const Weight w{d[i][k].sum + d[k][j].sum, d[i][k].strict + d[k][j].strict};
            if (w < d[i][j]) d[i][j] = w;
          }
    for (std::size_t i = 0; i < n; ++i)
      if (d[i][i] < Weight{0, 0}) return false;
    return true;
  }

  std::vector<One> all_;
  bool too_many_ = false;
};

}  // namespace

bool slow_matches(const stix::ComparisonExpression& expression, const Observation& observation) {
  for (const CyberObjectPtr& root : observation.objects)
    if (holds(expression, observation, *root)) return true;
  return false;
}

std::optional<bool> slow_matches(const stix::Pattern& pattern, std::span<const Observation> observations) {
  Evaluator evaluator(observations);
  const bool found = !evaluator.bindings(pattern.root).empty();
  if (evaluator.too_many()) return std::nullopt;
  return found;
}

}  // namespace bongsu::detect
