#include "detect/pattern/random_pattern_test_support.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>

namespace bongsu::detect {
namespace {

constexpr const char* kStrings[] = {
    "a",           "ab",     "abc",  "b", "B",         "xyzzy", "xyz", "o\xcc\x80", "\xc3\xb2", "\xc3\xa9t\xc3\xa9",
    "\u212aelvin", "kelvin", "a\nb", "",  "\xc4\x80x", "ab%"};
constexpr const char* kAddresses[] = {"198.51.100.7", "198.51.100.0/24", "198.51.100.0/27", "203.0.113.9",
                                      "10.0.0.0/8",   "2001:db8::1",     "2001:db8::/32",   "0.0.0.0/0",
                                      "10.1.2.3",     "2001:db8:0:0::1"};
constexpr const char* kTimes[] = {"2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z", "2020-01-01T00:00:01.5Z"};
constexpr const char* kLikes[] = {"a%",    "%b",       "%",     "_",         "a_c",   "ab_", "%xyz%",
                                  "xyz%y", "\xc3\xb2", "%lvin", "o\xcc\x80", "%a%b%", "ab%%"};
constexpr const char* kRegexes[] = {"^a",    "b$",     "a.b",      "(?i)KELVIN", "xyz+y",
                                    "^.$",   "[^a]bc", "a|xyz",    "\\\\x61b",   "(xyz|abc)",
                                    "\\\\s", "^$",     "\xc3\xb2", "(?i)xyz.*",  "lvin\\\\Z"};
constexpr const char* kHex[] = {"61", "ff", "ffd8", "", "c3b2", "616263", "00"};

}  // namespace

std::string RandomPatterns::type() { return std::string(1, static_cast<char>('a' + below(3))); }

std::string RandomPatterns::path(const std::string& type) {
  static constexpr const char* kPaths[] = {
      "n",       "s",       "ip",          "t",           "x_hex",          "y",
      "l[*]",    "l[0]",    "l[1]",        "d.s",         "d.'k-1'",        "d.l[*].n",
      "r_ref.s", "r_ref.n", "r_refs[*].s", "r_refs[1].n", "r_ref.type",     "r_ref.r_ref.s",
      "l",       "r_ref",   "d",           "absent",      "r_refs[*].l[*]", "m[*][*]"};
  return type + ":" + kPaths[below(static_cast<int>(std::size(kPaths)))];
}

std::string RandomPatterns::constant(const std::string& path) {
  const auto string = [&](const char* text) { return fmt::format("'{}'", text); };
  if (path.ends_with("ip") && !one_in(8)) return string(kAddresses[below(std::size(kAddresses))]);
  if (path.ends_with(":t") && !one_in(4)) return fmt::format("t'{}'", kTimes[below(std::size(kTimes))]);
  if (path.ends_with("hex") && !one_in(3)) return fmt::format("h'{}'", kHex[below(std::size(kHex))]);
  if (path.ends_with("type")) return string(type().c_str());
  if (path.ends_with("n") && !one_in(6)) return one_in(3) ? fmt::format("{}.5", below(4)) : fmt::format("{}", below(4));
  switch (below(12)) {
    case 0:
      return fmt::format("{}", below(4) - 1);
    case 1:
      return one_in(2) ? "true" : "false";
    case 2:
      return fmt::format("h'{}'", kHex[below(std::size(kHex))]);
    case 3:
      return "b'YWI='";
    default:
      return string(kStrings[below(std::size(kStrings))]);
  }
}

std::string RandomPatterns::comparison(const std::string& type) {
  const std::string p = path(type);
  const char* negated = one_in(6) ? " NOT" : "";
  switch (below(10)) {
    case 0:
      return fmt::format("{}EXISTS {}", one_in(3) ? "NOT " : "", p);
    case 1:
      return fmt::format("{}{} LIKE '{}'", p, negated, kLikes[below(std::size(kLikes))]);
    case 2:
      return fmt::format("{}{} MATCHES '{}'", p, negated, kRegexes[below(std::size(kRegexes))]);
    case 3: {
      const std::string first = constant(p);
      std::string set = first;
      for (int i = below(3); i > 0; --i)
        if (const std::string more = constant(p);
            (more[0] == first[0] && more[0] != 't' && more[0] != 'f') || more == first)
          set += "," + more;
      return fmt::format("{}{} IN ({})", p, negated, set);
    }
    case 4: {
      static constexpr const char* kOrders[] = {">", "<", ">=", "<="};
      std::string value = constant(p);
      if (value == "true" || value == "false") value = "1";
      return fmt::format("{}{} {} {}", p, negated, kOrders[below(4)], value);
    }
    case 5:
      return fmt::format("{}:ip{} {} '{}'", type, negated, one_in(2) ? "ISSUBSET" : "ISSUPERSET",
                         kAddresses[below(std::size(kAddresses))]);
    case 6:
      return fmt::format("{}{} != {}", p, negated, constant(p));
    default:
      return fmt::format("{}{} = {}", p, negated, constant(p));
  }
}

std::string RandomPatterns::comparisons(const std::string& of, int depth) {
  if (depth == 0 || one_in(2)) return comparison(of);
  if (one_in(2)) return fmt::format("({} AND {})", comparisons(of, depth - 1), comparisons(of, depth - 1));
  return fmt::format("({} OR {})", comparisons(of, depth - 1), comparisons(of, depth - 1));
}

std::string RandomPatterns::expression() {
  if (one_in(5)) return fmt::format("[{} OR {}]", comparisons(type(), 1), comparisons(type(), 1));
  return fmt::format("[{}]", comparisons(type(), 2));
}

std::string RandomPatterns::observed(int depth) {
  std::string out;
  const bool leaf = depth == 0 || one_in(3);
  if (leaf) {
    out = expression();
  } else {
    static constexpr const char* kOps[] = {"AND", "OR", "FOLLOWEDBY", "FOLLOWEDBY"};
    const char* op = kOps[below(4)];
    out = fmt::format("({} {} {}", observed(depth - 1), op, observed(depth - 1));
    if (one_in(4)) out += fmt::format(" {} {}", kOps[below(4)], observed(0));
    out += ")";
  }
  std::vector<std::string> qualifiers;
  if (one_in(4)) qualifiers.push_back(fmt::format(" REPEATS {} TIMES", 1 + below(3)));
  if (one_in(3))
    qualifiers.push_back(fmt::format(" WITHIN {} SECONDS", one_in(3) ? "1.5" : fmt::format("{}", 1 + below(6))));
  if (one_in(8)) {
    const int start = below(6);
    qualifiers.push_back(
        fmt::format(" START t'2020-01-01T00:00:{:02}Z' STOP t'2020-01-01T00:00:{:02}Z'", start, start + below(6)));
  }
  std::shuffle(qualifiers.begin(), qualifiers.end(), random_);
  for (const std::string& q : qualifiers) out += q;
  return out;
}

std::string RandomPatterns::pattern() {
  if (one_in(3)) return expression();
  return observed(2);
}

std::string RandomPatterns::json_value(int depth) {
  switch (below(depth > 0 ? 7 : 5)) {
    case 0:
      return fmt::format("{}", below(4) - 1);
    case 1:
      return fmt::format("{}.5", below(4));
    case 2:
      return one_in(2) ? "true" : "null";
    case 5:
      return fmt::format("[{},{}]", json_value(depth - 1), json_value(depth - 1));
    case 6:
      return fmt::format(R"({{"s":{},"n":{}}})", json_value(depth - 1), json_value(depth - 1));
    default: {
      std::string text = kStrings[below(std::size(kStrings))];
      for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at)) text.replace(at, 1, "\\n");
      return "\"" + text + "\"";
    }
  }
}

std::vector<Observation> RandomPatterns::observations(bool lasting) {
  std::vector<Observation> out;
  const int count = below(6);
  for (int i = 0; i < count; ++i) {
    std::string objects;
    const int size = 1 + below(3);
    for (int o = 0; o < size; ++o) {
      std::string object = fmt::format(R"("{}":{{"type":"{}")", o, type());
      const auto maybe = [&](const char* name, const std::string& value) {
        if (!one_in(3)) object += fmt::format(R"(,"{}":{})", name, value);
      };
      maybe("n", one_in(4) ? json_value(0) : one_in(3) ? fmt::format("{}.5", below(4)) : fmt::format("{}", below(4)));
      maybe("s", json_value(0));
      maybe("ip", fmt::format("\"{}\"", one_in(8) ? "x" : kAddresses[below(std::size(kAddresses))]));
      maybe("t", fmt::format("\"{}\"", one_in(8) ? "x" : kTimes[below(std::size(kTimes))]));
      maybe("x_hex", fmt::format("\"{}\"", one_in(8) ? "zz" : kHex[below(std::size(kHex))]));
      maybe("l", fmt::format("[{},{}]", json_value(0), json_value(0)));
      maybe("m", fmt::format("[[{}],[{},{}],3]", json_value(0), json_value(0), json_value(0)));
      maybe("d", fmt::format(R"({{"s":{},"k-1":{},"l":[{{"n":{}}},{}]}})", json_value(0), json_value(0), json_value(0),
                             json_value(1)));
      maybe("r_ref", fmt::format("\"{}\"", below(4)));
      maybe("r_refs", fmt::format(R"(["{}","{}"])", below(4), below(4)));
      maybe("y", json_value(1));
      objects += (o == 0 ? "" : ",") + object + "}";
    }
    const int first = below(8) * 500, last = lasting && one_in(2) ? first + below(8) * 500 : first;
    const auto time = [](int ms) { return Instant{1'577'836'800 + ms / 1000, ms % 1000 * 1'000'000}.text(3); };
    const auto data = read_observed_data(
        fmt::format(
            R"({{"type":"observed-data","first_observed":"{}","last_observed":"{}","number_observed":{},"objects":{{{}}}}})",
            time(first), time(last), lasting && one_in(3) ? 1 + below(3) : 1, objects),
        "random");
    if (!data || data->observations.empty()) std::abort();
    out.push_back(data->observations.front());
  }
  return out;
}

}  // namespace bongsu::detect
