#include "flow/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/json.h"
#include "policy/redact.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kSightingOf = "sighting-of:", kNamesSighters = "names-sighters", kWhole = "whole",
                           kSectors = "sectors:", kTargets = "targets:", kSighter = "sighter", kSightedBy = "sighted-by:", kGiven = "\ngiven:";

bool is_sector(std::string_view text) { return policy::is_label_word(text) && text.find_first_of(", ") == text.npos; }

bool read_sectors(const Json& holder, std::set<std::string>& out) {
  const Json* list = find(holder, "sectors");
  if (list == nullptr || !list->is_array()) return true;
  for (const Json& item : list->get_array()) {
    if (!item.is_string() || !is_sector(item.get_string())) continue;
    out.emplace(item.get_string());
    if (out.size() > kMaxFactSectors) return false;
  }
  return true;
}

std::set<std::string> sectors_of(const Json& body) {
  std::set<std::string> out;
  bool good = read_sectors(body, out);
  if (const Json* extensions = find(body, "extensions"); extensions != nullptr && extensions->is_object())
    for (const auto& extension : extensions->get_object()) good = good && read_sectors(extension.value(), out);
  if (!good) out.clear();
  return out;
}

// In lists of targets: what separates there is written as %xx.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || std::string_view("%|;,").find(c) != std::string_view::npos)
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::string list_text(const std::set<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ",") + escaped(item);
  return out;
}

std::set<std::string> read_list(std::string_view text) {
  std::set<std::string> out;
  if (!text.empty())
    for (const std::string_view item : split(text, ',')) out.insert(unescaped(item));
  return out;
}

std::string targets_text(const std::set<policy::Target>& targets) {
  std::string out;
  for (const policy::Target& target : targets) {
    if (!out.empty()) out += ';';
    out += escaped(target.type) + '|' + list_text(target.collections) + '|' + list_text(target.sectors) + '|' +
           list_text(target.givers);
    if (target.sighter) out.append("|").append(kSighter);
  }
  return out;
}

// nullopt: not what targets_text wrote.
std::optional<std::set<policy::Target>> read_targets(std::string_view text) {
  std::set<policy::Target> out;
  for (const std::string_view one : split(text, ';')) {
    const auto fields = split(one, '|');
    if (fields.size() < 4 || fields.size() > 5 || fields[0].empty() || out.size() == policy::kMaxTargets)
      return std::nullopt;
    out.insert({.type = unescaped(fields[0]),
                .collections = read_list(fields[1]),
                .sectors = read_list(fields[2]),
                .givers = read_list(fields[3]),
                .sighter = fields.size() == 5});
  }
  return targets_text(out) == text ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

bool flows_back(const policy::ObjectFacts& facts) {
  const policy::Label& own = policy::own_part(facts.label);
  return facts.type == "sighting" && !own.releasable_to && own.clauses.empty() && !own.persons;
}

void read_facts(policy::ObjectFacts& facts, const stix::Object& object) {
  facts.label = policy::separate(facts.label, object.bytes());
  facts.can_redact = facts.label.parts.size() > 1;
  const std::string_view bytes = object.bytes();
  const bool sighting = facts.type == "sighting";
  // The body is read again only where it can say something.
  if (!sighting && bytes.find("\"sectors\"") == bytes.npos) return;
  const Json body = object.json();
  facts.sectors = sectors_of(body);
  const Json* sighters = sighting ? find(body, "where_sighted_refs") : nullptr;
  facts.names_sighters = sighters != nullptr;
  if (!facts.names_sighters) return;
  std::set<std::string> all = facts.label.redact;
  all.emplace("where_sighted_refs");
  facts.can_redact = policy::redact(bytes, all).json.has_value();
}

std::string stored_facts(const policy::ObjectFacts& facts) {
  std::string more;
  const auto word = [&](std::string_view text) {
    if (!more.empty()) more += ' ';
    more += text;
  };
  if (facts.sighting_of) word(std::string(kSightingOf) + *facts.sighting_of);
  if (facts.names_sighters) {
    word(kNamesSighters);
    if (!facts.can_redact) word(kWhole);
  }
  if (!facts.sectors.empty()) word(fmt::format("{}{}", kSectors, fmt::join(facts.sectors, ",")));
  if (!facts.targets.empty()) word(std::string(kTargets) + targets_text(facts.targets));
  if (facts.sighted_by) word(std::string(kSightedBy) + *facts.sighted_by);
  return facts.label.text() + (more.empty() ? "" : '\n' + more);
}

std::string with_given(std::string stored, std::string_view giver, const policy::Label& label) {
  return stored.append(kGiven).append(giver).append(" ").append(label.text());
}

std::string_view without_given(std::string_view stored) { return stored.substr(0, stored.find(kGiven)); }

std::string_view label_for(std::string_view stored, std::string_view member) {
  if (const std::size_t at = stored.find(kGiven); at != stored.npos) {
    const std::string_view given = stored.substr(at + kGiven.size());
    const std::size_t space = given.find(' ');
    if (space != given.npos && given.substr(0, space) == member) return given.substr(space + 1);
  }
  return stored_label(stored);
}

std::set<std::string> exercises_of(std::string_view stored) {
  const std::string_view text = stored_label(stored);
  if (text.find(" exercises:") == text.npos) return {};
  auto label = policy::Label::parse(text);
  return label ? std::move(label->exercises) : std::set<std::string>();
}

std::string_view stored_label(std::string_view stored) { return stored.substr(0, stored.find('\n')); }

Result<policy::ObjectFacts> parse_facts(std::string_view stored) {
  const auto broken = [] { return fail(ErrorCode::kInvalid, "not the facts of an object", {.field = "label"}); };
  if (stored.size() > kMaxFactsText) return broken();
  stored = without_given(stored);
  policy::ObjectFacts facts;
  BONGSU_TRY(facts.label, policy::Label::parse(stored_label(stored)));
  facts.can_redact = facts.label.parts.size() > 1;
  const std::size_t line = stored.find('\n');
  if (line == stored.npos) return facts;
  std::string_view rest = stored.substr(line + 1);
  int last = 0;
  for (bool more = true; more;) {
    const std::size_t end = rest.find(' ');
    const std::string_view word = rest.substr(0, end);
    more = end != rest.npos;
    if (more) rest.remove_prefix(end + 1);
    const auto is = [&](int place, bool good) {
      if (!good || last >= place) return false;
      last = place;
      return true;
    };
    if (is(1, word.starts_with(kSightingOf))) {
      const std::string_view member = word.substr(kSightingOf.size());
      if (!member.empty() && !policy::is_member_id(member)) return broken();
      facts.sighting_of = std::string(member);
    } else if (is(2, word == kNamesSighters)) {
      facts.names_sighters = facts.can_redact = true;
    } else if (last == 2 && is(3, word == kWhole)) {
      facts.can_redact = false;
    } else if (is(4, word.starts_with(kSectors))) {
      std::string_view list = word.substr(kSectors.size());
      for (bool item_follows = true; item_follows;) {
        const std::size_t comma = list.find(',');
        const std::string_view sector = list.substr(0, comma);
        item_follows = comma != list.npos;
        if (item_follows) list.remove_prefix(comma + 1);
        if (!is_sector(sector) || (!facts.sectors.empty() && *facts.sectors.rbegin() >= sector) ||
            facts.sectors.size() == kMaxFactSectors)
          return broken();
        facts.sectors.emplace(sector);
      }
    } else if (is(5, word.starts_with(kTargets))) {
      auto targets = read_targets(word.substr(kTargets.size()));
      if (!targets) return broken();
      facts.targets = std::move(*targets);
    } else if (is(6, word.starts_with(kSightedBy))) {
      const std::string_view member = word.substr(kSightedBy.size());
      if (!member.empty() && !policy::is_member_id(member)) return broken();
      facts.sighted_by = std::string(member);
    } else {
      return broken();
    }
  }
  return facts;
}

namespace {

policy::ObjectFacts of_entry(const journal::Entry& entry, policy::ObjectFacts facts) {
  facts.object_id = entry.object_id;
  facts.type = entry.object_id.substr(0, entry.object_id.find("--"));
  facts.collection = entry.collection;
  facts.origin = entry.origin;
  return facts;
}

}  // namespace

Result<policy::ObjectFacts> facts_of(const journal::Entry& entry) {
  auto facts = parse_facts(entry.label);
  if (!facts)
    return fail(ErrorCode::kCorrupt, "the label of a stored entry cannot be read: " + facts.error().message,
                {.source = fmt::format("journal entry {}", entry.seq)});
  return of_entry(entry, std::move(*facts));
}

policy::ObjectFacts facts_or_deny(const journal::Entry& entry) {
  auto facts = parse_facts(entry.label);
  return of_entry(entry, facts ? std::move(*facts) : policy::ObjectFacts{.label = policy::deny_all()});
}

policy::Label label_of_existence(const policy::ObjectFacts& facts) {
  policy::Label label = facts.can_redact ? facts.label : policy::whole(facts.label);
  if (!facts.sighting_of) return label;
  policy::Label back = policy::bottom();
  back.releasable_to.emplace();
  if (!facts.sighting_of->empty()) back.releasable_to->insert(*facts.sighting_of);
  return policy::join(label, back);
}

}  // namespace bongsu::flow
