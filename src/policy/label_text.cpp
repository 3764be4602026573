// How a label stands in the journal.
#include <algorithm>
#include <array>

#include "base/uuid.h"
#include "policy/label.h"

namespace bongsu::policy {
namespace {

constexpr std::array<std::string_view, 5> kTlpNames = {"clear", "green", "amber", "amber+strict", "red"};
constexpr std::array<std::string_view, 4> kPapNames = {"clear", "green", "amber", "red"};
constexpr std::size_t kVersionDigits = 32;

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == '[' || c == ']';
}

std::string escape(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    if (plain(c)) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!plain(text[i])) return std::nullopt;
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int value = 0;
    for (int k = 1; k <= 2; ++k) {
      const char c = text[i + static_cast<std::size_t>(k)];
      if (c >= '0' && c <= '9')
        value = value * 16 + (c - '0');
      else if (c >= 'a' && c <= 'f')
        value = value * 16 + (c - 'a' + 10);
      else
        return std::nullopt;
    }
    if (plain(static_cast<char>(value))) return std::nullopt;  // one text for each value
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

std::unexpected<Error> broken(std::string_view what) {
  return fail(ErrorCode::kInvalid, "not a label: " + std::string(what), {.field = "label"});
}

template <class Items, class Write>
void append_list(std::string& out, const Items& items, char between, Write write) {
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += between;
    first = false;
    out += write(item);
  }
}

// Splits "a,b,c"; every item has to pass and to be greater than the one before.
template <class T, class Read>
Result<std::set<T>> parse_set(std::string_view text, std::size_t limit, Read read, char between = ',') {
  std::set<T> out;
  if (text.empty()) return out;
  for (;;) {
    const std::size_t end = text.find(between);
    std::optional<T> value = read(text.substr(0, end));
    if (!value) return broken("an item of a list cannot stand there");
    if (out.size() == limit) return broken("a list is too long");
    if (!out.empty() && !(*out.rbegin() < *value)) return broken("a list is out of order");
    out.emplace_hint(out.end(), std::move(*value));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

// What has to hold at least one item.
template <class T, class Read>
Result<std::set<T>> parse_some(std::string_view text, Read read) {
  if (text.empty()) return broken("an empty list");
  return parse_set<T>(text, kMaxLabelItems, read);
}

std::optional<std::string> read_if(std::string_view text, bool (*good)(std::string_view)) {
  return good(text) ? std::optional<std::string>(text) : std::nullopt;
}
std::optional<std::string> read_member(std::string_view text) { return read_if(text, is_member_id); }
std::optional<std::string> read_exercise(std::string_view text) { return read_if(text, is_exercise); }
std::optional<std::string> read_person(std::string_view text) { return read_if(text, is_person); }
std::optional<std::string> read_word(std::string_view text) {
  auto word = unescape(text);
  return word && is_label_word(*word) ? word : std::nullopt;
}

Result<std::set<std::string>> parse_members(std::string_view text) {
  return parse_set<std::string>(text, kMaxLabelMembers, read_member);
}

// "se/military/HEMLIG%2fSECRET"
std::string mark_text(const NationalMark& mark) {
  return mark.nation + '/' + std::string(to_string(mark.authority)) + '/' + escape(mark.level);
}
std::optional<NationalMark> read_mark(std::string_view text) {
  const std::size_t one = text.find('/');
  const std::size_t two = one == text.npos ? one : text.find('/', one + 1);
  if (two == text.npos) return std::nullopt;
  const auto authority = parse_authority(text.substr(one + 1, two - one - 1));
  const auto level = read_word(text.substr(two + 1));
  if (!is_nation(text.substr(0, one)) || !authority || !level) return std::nullopt;
  return NationalMark{std::string(text.substr(0, one)), *authority, *level};
}

// "cert-a|cert-b|6f0e1b3c-…@0123…": members, then groups.
std::string clause_text(const ReleaseClause& clause) {
  std::string out;
  append_list(out, clause.members, '|', [](const MemberId& member) { return member; });
  if (!clause.members.empty() && !clause.groups.empty()) out += '|';
  append_list(out, clause.groups, '|', [](const GroupRef& ref) { return ref.group + '@' + ref.version; });
  return out;
}
std::optional<GroupRef> read_group(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == text.npos) return std::nullopt;
  const std::string_view id = text.substr(0, at);
  const std::string_view version = text.substr(at + 1);
  const bool hexadecimal =
      std::ranges::all_of(version, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!Uuid::is_text(id) || version.size() != kVersionDigits || !hexadecimal) return std::nullopt;
  return GroupRef{std::string(id), std::string(version)};
}
std::optional<ReleaseClause> read_clause(std::string_view text) {
  ReleaseClause out;
  std::size_t members_end = 0;  // of the part without '@'
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('|', at), text.size());
    if (text.substr(at, end - at).find('@') != text.npos) break;
    members_end = end;
    at = end + 1;
  }
  auto members = parse_set<std::string>(text.substr(0, members_end), kMaxLabelMembers, read_member, '|');
  if (!members || members_end == text.size()) return std::nullopt;  // without groups it is a releasable-to set
  auto groups =
      parse_set<GroupRef>(text.substr(members_end == 0 ? 0 : members_end + 1), kMaxLabelItems, read_group, '|');
  if (!groups || groups->empty()) return std::nullopt;
  return ReleaseClause{std::move(*members), std::move(*groups)};
}

template <class Names>
auto read_name(const Names& names, std::string_view text) -> std::optional<std::size_t> {
  const auto* found = std::ranges::find(names, text);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

// Instants have exactly one text: as many fractional digits as they need.
std::string instant_text(const Instant& at) {
  std::string out = at.text(9);
  if (!out.ends_with('Z')) return out;
  out.pop_back();
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out + 'Z';
}

Result<Label> parse_label(std::string_view text, bool nested);

// "<label>=<selector>;<selector>", the label escaped.
Result<std::vector<LabelPart>> parse_parts(std::string_view own, std::string_view text) {
  std::vector<LabelPart> out;
  const auto label = [](std::string_view escaped) -> Result<Label> {
    const auto inner = unescape(escaped);
    if (!inner) return broken("a part's label is not escaped as it has to be");
    return parse_label(*inner, true);
  };
  BONGSU_TRY(Label first, label(own));
  out.push_back({{}, std::move(first)});
  std::string before;
  for (bool more = true; more;) {
    const std::size_t end = text.find(',');
    const std::string_view part = text.substr(0, end);
    const std::size_t equals = part.find('=');
    if (equals == part.npos) return broken("a part has no selectors");
    BONGSU_TRY(Label inner, label(part.substr(0, equals)));
    BONGSU_TRY(auto selectors, parse_set<std::string>(part.substr(equals + 1), kMaxLabelSelectors, unescape, ';'));
    std::string inner_text = inner.text();
    if (selectors.empty() || (out.size() > 1 && before >= inner_text)) return broken("the parts are out of order");
    if (out.size() > kMaxLabelParts) return broken("too many parts");
    before = std::move(inner_text);
    out.push_back({std::move(selectors), std::move(inner)});
    more = end != text.npos;
    if (more) text.remove_prefix(end + 1);
  }
  return out;
}

bool is_least(const Label& label) {
  for (const ReleaseClause& clause : label.clauses) {
    Label rest = label;
    rest.clauses.erase(clause);
    Label one = bottom();
    one.clauses = {clause};
    Label other = bottom();
    other.releasable_to = rest.releasable_to;
    other.clauses = rest.clauses;
    if (at_most(one, other)) return false;
  }
  return true;
}

Result<Label> parse_label(std::string_view text, bool nested) {
  if (text.size() > kMaxLabelText)
    return fail(ErrorCode::kTooLarge, "the text of a label is too long", {.field = "label"});
  Label label;
  const auto next = [&text]() -> std::string_view {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
    return word;
  };
  if (!text.empty() && text.back() == ' ') return broken("it ends with a space");
  const auto tlp = read_name(kTlpNames, next());
  if (!tlp) return broken("it begins with clear, green, amber, amber+strict or red");
  label.tlp = static_cast<stix::Tlp>(*tlp);
  int last = 0;  // the parts stand in one order
  std::string_view own;
  while (!text.empty()) {
    const std::string_view word = next();
    std::string_view value;
    const auto part = [&](int order, std::string_view prefix) {
      const bool flag = prefix.back() != ':';
      if (last >= order || (flag ? word != prefix : !word.starts_with(prefix))) return false;
      last = order;
      value = word.substr(prefix.size());
      return true;
    };
    if (part(1, "marked")) {
      label.marked = true;
    } else if (part(2, "to:")) {
      BONGSU_TRY(label.releasable_to, parse_members(value));
    } else if (part(3, "unknown")) {
      label.unknown = true;
    } else if (part(4, "redact:")) {
      BONGSU_TRY(label.redact, parse_set<std::string>(value, kMaxLabelSelectors, unescape));
      if (label.redact.empty()) return broken("an empty redact list");
    } else if (part(5, "reveals:")) {
      BONGSU_TRY(label.reveals, parse_members(value));
      if (label.reveals.empty()) return broken("an empty reveals list");
    } else if (part(6, "tlp1")) {
      if (label.tlp != stix::Tlp::kAmberStrict) return broken("only TLP 1's AMBER has two readings");
      label.tlp1_amber = true;
    } else if (part(7, "class:")) {
      const auto rank = parse_class_rank(value);
      if (!rank || *rank == ClassRank::kUnclassified) return broken("no classification");
      label.rank = *rank;
    } else if (part(8, "national:")) {
      BONGSU_TRY(label.national, parse_some<NationalMark>(value, read_mark));
    } else if (part(9, "pap:")) {
      const auto pap = read_name(kPapNames, value);
      if (!pap || *pap == 0) return broken("no PAP level");
      label.pap = static_cast<stix::Pap>(*pap);
    } else if (part(10, "groups:")) {
      BONGSU_TRY(label.clauses, parse_some<ReleaseClause>(value, read_clause));
      if (!is_least(label)) return broken("a restriction that another one implies");
    } else if (part(11, "categories:")) {
      BONGSU_TRY(label.categories, parse_some<std::string>(value, read_word));
    } else if (part(12, "orcon")) {
      label.originator_controlled = true;
    } else if (part(13, "caveats:")) {
      BONGSU_TRY(label.caveats, parse_some<std::string>(value, read_word));
    } else if (part(14, "persons:")) {
      BONGSU_TRY(label.persons, parse_set<std::string>(value, kMaxLabelItems, read_person));
      if (label.persons->empty() && label.tlp == stix::Tlp::kRed) return broken("RED without persons says it already");
    } else if (part(15, "expires:")) {
      label.expires = Instant::parse(value);
      if (!label.expires || instant_text(*label.expires) != value) return broken("no time of expiry");
    } else if (part(16, "exercises:")) {
      BONGSU_TRY(label.exercises, parse_some<std::string>(value, read_exercise));
    } else if (!nested && part(17, "own:")) {
      own = value;
    } else if (!nested && last == 17 && part(18, "parts:")) {
      BONGSU_TRY(label.parts, parse_parts(own, value));
    } else {
      return broken("a part is unknown, doubled or out of order");
    }
  }
  if (last == 17) return broken("its parts are missing");
  return label;
}

}  // namespace

std::string Label::text() const {
  const auto same = [](const std::string& item) { return item; };
  std::string out(kTlpNames.at(static_cast<std::size_t>(tlp)));
  const auto list = [&](std::string_view name, const auto& items, auto write) {
    out += name;
    append_list(out, items, ',', write);
  };
  if (marked) out += " marked";
  if (releasable_to) list(" to:", *releasable_to, same);
  if (unknown) out += " unknown";
  if (!redact.empty()) list(" redact:", redact, escape);
  if (!reveals.empty()) list(" reveals:", reveals, same);
  if (tlp1_amber) out += " tlp1";
  if (rank != ClassRank::kUnclassified) {
    out += " class:";
    out += to_string(rank);
  }
  if (!national.empty()) list(" national:", national, mark_text);
  if (pap != stix::Pap::kClear) {
    out += " pap:";
    out += kPapNames.at(static_cast<std::size_t>(pap));
  }
  if (!clauses.empty()) list(" groups:", clauses, clause_text);
  if (!categories.empty()) list(" categories:", categories, escape);
  if (originator_controlled) out += " orcon";
  if (!caveats.empty()) list(" caveats:", caveats, escape);
  if (persons) list(" persons:", *persons, same);
  if (expires) out += " expires:" + instant_text(*expires);
  if (!exercises.empty()) list(" exercises:", exercises, same);
  if (!parts.empty()) {
    out += " own:" + escape(parts.front().label.text());
    list(" parts:", std::span(parts).subspan(1), [](const LabelPart& part) {
      std::string text = escape(part.label.text()) + '=';
      append_list(text, part.selectors, ';', escape);
      return text;
    });
  }
  return out;
}

Result<Label> Label::parse(std::string_view text) { return parse_label(text, false); }

}  // namespace bongsu::policy
