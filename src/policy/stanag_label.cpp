#include "policy/stanag_label.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "policy/nation_codes.h"

namespace bongsu::policy {
namespace {

using formats::CategoryType;
using formats::ConfidentialityLabel;
using formats::LabelCategory;

constexpr std::string_view kMembers = "Members", kClause = "Clause ", kPersons = "Persons", kTlp = "TLP", kPap = "PAP",
                           kNational = "National", kCompartments = "Compartments", kCaveats = "Caveats",
                           kOrcon = "Originator control", kExpires = "Expires", kTlp1 = "TLP 1",
                           kExercises = "Exercises";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool same_text(std::string_view a, std::string_view b) { return lower(a) == lower(b); }

// ── Policies of others ──────────────────────────────────────────────────────────────────────────────────────────────
class ForeignReader {
 public:
  ForeignReader(const ConfidentialityLabel& document, Authority kind, const PolicyState& state, stix::Tlp fallback)
      : document_(document), kind_(kind), state_(state) {
    out_.label = bottom();
    out_.label.tlp = fallback;
  }

  StanagReading read() {
    std::string nation = lower(document_.policy);
    std::ranges::replace(nation, ' ', '-');
    if (!is_nation(nation) || !is_label_word(document_.classification)) {
      unknown(fmt::format("the policy {} or its level {} is not one that a nation can have here", document_.policy,
                          document_.classification));
    } else {
      out_.label.national.insert({.nation = nation, .authority = kind_, .level = document_.classification});
    }
    for (const LabelCategory& category : document_.categories) read(category);
    if (releasable_context_ && !releasable_to_) nobody("the context is Releasable, but nothing says to whom");
    if (!document_.privacy_mark.empty()) {
      if (is_label_word(document_.privacy_mark))
        out_.label.caveats.insert(document_.privacy_mark);
      else
        unknown("the privacy mark cannot be a caveat");
    }
    out_.label.expires = document_.succeeded;
    return std::move(out_);
  }

 private:
  void read(const LabelCategory& category) {
    switch (category.type) {
      case CategoryType::kInformative:
        note(fmt::format("{} informs and keeps nobody out", category.tag));
        return;
      case CategoryType::kRestrictive:
        for (const std::string& value : category.values) {
          const std::string word = fmt::format("{}/{}", document_.policy, value);
          if (is_label_word(word))
            out_.label.categories.insert(word);
          else
            unknown(fmt::format("{} cannot be a compartment", value));
        }
        return;
      case CategoryType::kPermissive:
        break;
    }
    const bool context = same_text(category.tag, "Context"), releasable = same_text(category.tag, "Releasable To");
    if (!context && !releasable && !same_text(category.tag, "Only")) {
      nobody(fmt::format("{} permits whom this program does not know", category.tag));
      return;
    }
    if (releasable) releasable_to_ = true;
    if (context && std::ranges::any_of(category.values, [](const auto& v) { return same_text(v, "Releasable"); })) {
      releasable_context_ = true;  // whom Releasable To names has this context
      return;
    }
    ReleaseClause clause;
    for (const std::string& value : category.values) add(value, clause);
    out_.label.clauses.insert(std::move(clause));
  }

  void add(const std::string& value, ReleaseClause& clause) {
    bool known = false;
    for (const auto& [id, group] : state_.groups) {
      if (!same_text(group.name, value) || group.current.empty()) continue;
      clause.groups.insert({.group = id, .version = group.current});
      known = true;
    }
    const auto country = nation_of_alpha3(value);
    const std::string nation = country ? std::string(*country) : lower(value);
    const auto stands = [&](const MemberId& id, const MemberStanding& standing) {
      if (standing.nation != nation) return;
      clause.members.insert(id);
      known = true;
    };
    for (const auto& [id, standing] : state_.members) stands(id, standing);
    stands(state_.self, state_.own);
    if (!known) note(fmt::format("{}: no member of this nation and no group of this name is known", value));
  }

  void note(std::string text) { out_.notes.push_back(std::move(text)); }
  void unknown(std::string why) {
    out_.label.unknown = true;
    note(std::move(why));
  }
  void nobody(std::string why) {
    out_.label.clauses.insert(ReleaseClause{});
    note(std::move(why));
  }

  const ConfidentialityLabel& document_;
  const Authority kind_;
  const PolicyState& state_;
  bool releasable_to_ = false, releasable_context_ = false;
  StanagReading out_;
};

// ── Our own ─────────────────────────────────────────────────────────────────────────────────────────────────────────
std::string text_of(const NationalMark& mark) {
  return fmt::format("{}/{}/{}", mark.nation, to_string(mark.authority), mark.level);
}
std::optional<NationalMark> parse_national(std::string_view text) {
  const std::size_t first = text.find('/'), second = first == text.npos ? first : text.find('/', first + 1);
  if (second == text.npos) return std::nullopt;
  NationalMark mark{.nation = std::string(text.substr(0, first)),
                    .authority = Authority::kCivil,
                    .level = std::string(text.substr(second + 1))};
  const auto kind = parse_authority(text.substr(first + 1, second - first - 1));
  if (!kind || !is_nation(mark.nation) || !is_label_word(mark.level)) return std::nullopt;
  mark.authority = *kind;
  return mark;
}

std::string text_of(const GroupRef& group) { return fmt::format("{}@{}", group.group, group.version); }

// Which values a clause holds is told from its values: a UUID with a version, or a member's name.
bool read_clause(const LabelCategory& category, ReleaseClause& clause) {
  for (const std::string& value : category.values) {
    const std::size_t at = value.find('@');
    if (at == value.npos) {
      if (!is_member_id(value)) return false;
      clause.members.insert(value);
    } else {
      clause.groups.insert({.group = value.substr(0, at), .version = value.substr(at + 1)});
    }
  }
  return true;
}

StanagReading read_own(const ConfidentialityLabel& document) {
  StanagReading out;
  Label& label = out.label;
  label = bottom();
  bool understood = document.privacy_mark.empty() && !document.succeeded, tlp = false;
  const auto rank = parse_class_rank([&] {
    std::string text = lower(document.classification);
    std::ranges::replace(text, ' ', '-');
    return text;
  }());
  understood = understood && rank.has_value();
  if (rank) label.rank = *rank;
  std::set<std::string_view> seen;
  for (const LabelCategory& category : document.categories) {
    // Said twice, the second might undo the first.
    understood = seen.insert(category.tag).second && understood;
    const auto one = [&] { return category.values.size() == 1 ? category.values[0] : std::string(); };
    if (category.tag == kTlp) {
      const auto level = stix::parse_tlp(one());
      tlp = level.has_value();
      if (level) label.tlp = *level;
      label.marked = true;
    } else if (category.tag == kPap) {
      const auto level = stix::parse_pap(one());
      understood = understood && level.has_value();
      if (level) label.pap = *level;
    } else if (category.tag == kMembers) {
      label.releasable_to.emplace(category.values.begin(), category.values.end());
      understood = understood && std::ranges::all_of(category.values, is_member_id);
    } else if (category.tag == kPersons) {
      label.persons.emplace(category.values.begin(), category.values.end());
      understood = understood && std::ranges::all_of(category.values, is_person);
    } else if (category.tag.starts_with(kClause)) {
      ReleaseClause clause;
      understood = read_clause(category, clause) && understood;
      label.clauses.insert(std::move(clause));
    } else if (category.tag == kNational) {
      for (const auto& value : category.values) {
        auto mark = parse_national(value);
        understood = understood && mark.has_value();
        if (mark) label.national.insert(std::move(*mark));
      }
    } else if (category.tag == kCompartments) {
      label.categories.insert(category.values.begin(), category.values.end());
    } else if (category.tag == kCaveats) {
      label.caveats.insert(category.values.begin(), category.values.end());
    } else if (category.tag == kOrcon) {
      label.originator_controlled = true;
    } else if (category.tag == kTlp1) {
      label.tlp1_amber = true;
    } else if (category.tag == kExercises) {
      label.exercises.insert(category.values.begin(), category.values.end());
    } else if (category.tag == kExpires) {
      label.expires = Instant::parse(one());
      understood = understood && label.expires.has_value();
    } else {
      understood = false;
    }
  }
  // The text form is the judge of what is a label: limits, words, contradictions.
  if (!understood || !tlp || !Label::parse(label.text())) {
    out.notes.emplace_back("it says something that no label of Bongsu says");
    label.unknown = true;
  }
  return out;
}

}  // namespace

StanagReading label_from_stanag(const ConfidentialityLabel& document, Authority kind, const PolicyState& state,
                                stix::Tlp fallback) {
  if (document.policy == kOwnStanagPolicy) return read_own(document);
  return ForeignReader(document, kind, state, fallback).read();
}

Result<ConfidentialityLabel> label_to_stanag(const Label& given, const StanagWriting& writing) {
  const Label label = whole(given);
  if (label.unknown)
    return fail(ErrorCode::kInvalid, "a label that was not understood cannot be written for others",
                {.field = "unknown"});
  if (!label.reveals.empty())
    return fail(ErrorCode::kInvalid, "the label tells whose objects are referred to, which is not for others",
                {.field = "reveals"});
  ConfidentialityLabel out;
  out.policy = kOwnStanagPolicy;
  out.classification = std::string(to_string(label.rank));
  for (char& c : out.classification) c = c == '-' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  out.created = writing.created;
  out.review = writing.review;
  if (!writing.originator.empty()) {
    out.originator = writing.originator;
    out.originator_type = "rfc822Name";
  }
  const auto add = [&](std::string_view tag, CategoryType type, std::vector<std::string> values) {
    out.categories.push_back({.tag = std::string(tag), .type = type, .uri = {}, .values = std::move(values)});
  };
  const auto list = [](const auto& set) { return std::vector<std::string>(set.begin(), set.end()); };
  add(kTlp, CategoryType::kRestrictive, {std::string(stix::to_string(label.tlp))});
  if (label.tlp1_amber) add(kTlp1, CategoryType::kInformative, {"AMBER"});
  if (label.pap != stix::Pap::kClear) add(kPap, CategoryType::kInformative, {std::string(stix::to_string(label.pap))});
  if (!label.national.empty()) {
    std::vector<std::string> marks;
    for (const NationalMark& mark : label.national) marks.push_back(text_of(mark));
    add(kNational, CategoryType::kRestrictive, std::move(marks));
  }
  if (label.releasable_to) add(kMembers, CategoryType::kPermissive, list(*label.releasable_to));
  std::size_t number = 0;
  for (const ReleaseClause& clause : label.clauses) {
    std::vector<std::string> values = list(clause.members);
    for (const GroupRef& group : clause.groups) values.push_back(text_of(group));
    add(fmt::format("{}{}", kClause, ++number), CategoryType::kPermissive, std::move(values));
  }
  if (label.persons) add(kPersons, CategoryType::kPermissive, list(*label.persons));
  if (!label.categories.empty()) add(kCompartments, CategoryType::kRestrictive, list(label.categories));
  if (!label.caveats.empty()) add(kCaveats, CategoryType::kRestrictive, list(label.caveats));
  if (label.originator_controlled) add(kOrcon, CategoryType::kRestrictive, {"ORCON"});
  if (!label.exercises.empty()) add(kExercises, CategoryType::kRestrictive, list(label.exercises));
  if (label.expires) add(kExpires, CategoryType::kRestrictive, {label.expires->text(9)});
  return out;
}

}  // namespace bongsu::policy
