// The memorandum in words that a lawyer can read, and what differs between two versions of it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "policy/memorandum.h"

namespace bongsu::policy {
namespace {

std::string joined(const auto& items, std::string_view last) {
  std::string out;
  std::size_t i = 0;
  for (const auto& item : items) {
    ++i;
    if (i > 1) out += i == items.size() ? fmt::format(" {} ", last) : ", ";
    if constexpr (std::is_same_v<std::decay_t<decltype(item)>, Purpose>)
      out += to_string(item);
    else
      out += item;
  }
  return out.empty() ? "none" : out;
}

std::string kinds(const std::set<std::string>& types) {
  if (types.contains("*")) return "objects of every type";
  if (types.empty()) return "no type of object";
  return fmt::format("objects of type {}", joined(types, "or"));
}

// One clause, one paragraph, sentence by sentence.
std::string words(const PermitClause& p) {
  std::string out = fmt::format("{} may give {} {} from the collection{} {}, up to {}", joined(p.from, "and"),
                                joined(p.to, "and"), kinds(p.types), p.collections.size() == 1 ? "" : "s",
                                joined(p.collections, "and"), stix::to_string(p.highest_tlp));
  if (p.highest_class != ClassRank::kUnclassified)
    out += fmt::format(" and classified at most {}", to_string(p.highest_class));
  else
    out += " and not classified";
  out += fmt::format(", for the purpose{} of {}.", p.purposes.size() == 1 ? "" : "s", joined(p.purposes, "and"));
  if (p.sectors)
    out += fmt::format(" Only what concerns the sector{} {}.", p.sectors->size() == 1 ? "" : "s",
                       joined(*p.sectors, "or"));
  if (p.communities)
    out += fmt::format(" Only to members of the communit{} {}.", p.communities->size() == 1 ? "y" : "ies",
                       joined(*p.communities, "or"));
  out += p.categories.empty() ? " Nothing of a special category."
                              : fmt::format(" Of special categories, only {}.", joined(p.categories, "and"));
  if (!p.caveats.empty()) out += fmt::format(" The receiver honours the caveats {}.", joined(p.caveats, "and"));
  out += p.onward ? " What third members gave is included, as far as these permit it."
                  : " What third members gave is not included.";
  if (!p.passes_on || p.passes_on->empty())
    out += " The receiver passes nothing of it on.";
  else if (p.passes_on->contains("*"))
    out += " The receiver may pass it on to any member, up to TLP:GREEN.";
  else
    out += fmt::format(" The receiver may pass it on to {}.", joined(*p.passes_on, "and"));
  out += p.widens ? " The receiver may widen to whom it may be released, in the giver's name."
                  : " Only the giver may widen to whom it may be released.";
  out += p.tlp1_amber_is_amber ? " TLP 1's AMBER of the giver means AMBER."
                               : " TLP 1's AMBER of the giver counts as AMBER+STRICT.";
  out += p.anonymise_sightings ? " Sightings do not say who saw it: those that other nodes made do not flow." : " Sightings say who saw it.";
  out += p.red_to_persons ? " TLP:RED goes to the persons that are named, and the receiver shows it to nobody else."
                          : " TLP:RED is not given.";
  if (p.personal_data_days) out += fmt::format(" Personal data is erased after {} days.", *p.personal_data_days);
  return out;
}

std::string words(const DenyClause& d) {
  std::string out = "Whatever is permitted above";
  if (d.from)
    out += fmt::format(", {} shall not give", joined(*d.from, "and"));
  else
    out += ", nobody shall give";
  if (d.to) out += fmt::format(" {}", joined(*d.to, "or"));
  out += d.what.types ? fmt::format(" objects of type {}", joined(*d.what.types, "or")) : " anything";
  if (d.what.collections) out += fmt::format(" from {}", joined(*d.what.collections, "or"));
  if (d.what.sectors) out += fmt::format(" that concerns {}", joined(*d.what.sectors, "or"));
  if (d.what.categories) out += fmt::format(" of the categories {}", joined(*d.what.categories, "or"));
  if (d.what.tlp_from) out += fmt::format(" marked {} or stricter", stix::to_string(*d.what.tlp_from));
  if (d.what.class_from) out += fmt::format(" classified {} or higher", to_string(*d.what.class_from));
  if (d.what.purposes) out += fmt::format(" for {}", joined(*d.what.purposes, "or"));
  return out + ".";
}

std::vector<std::string> head(const Memorandum& m) {
  return {fmt::format("\"{}\", under the charter {}.", m.title, m.charter),
          fmt::format("Its parties are {}.", joined(m.parties, "and")),
          fmt::format("It is valid from {} until {}.", m.valid_from.text(0), m.valid_until.text(0)),
          m.notice_days == 0 ? std::string("Any party may end it at once.")
                             : fmt::format("Any party may end it by a notice of {} days.", m.notice_days)};
}

}  // namespace

std::string explain(const Memorandum& m) {
  std::string out = fmt::format("Agreement {}, version {}\n\n", m.id, m.version);
  for (const auto& line : head(m)) out += line + "\n";
  if (m.permits.empty()) out += "\nIt permits nothing.\n";
  std::size_t number = 0;
  for (const auto& p : m.permits) out += fmt::format("\n{}. {}\n", ++number, words(p));
  for (const auto& d : m.denies) out += fmt::format("\n{}. {}\n", ++number, words(d));
  return out +
         "\nWhat no clause permits does not flow; what one clause forbids does not flow, whatever others permit.\n";
}

std::vector<std::string> differences(const Memorandum& before, const Memorandum& after) {
  const auto lines = [](const Memorandum& m) {
    std::vector<std::string> out = head(m);
    for (const auto& p : m.permits) out.push_back(words(p));
    for (const auto& d : m.denies) out.push_back(words(d));
    return out;
  };
  const auto was = lines(before), is = lines(after);
  std::vector<std::string> out;
  if (before.id != after.id) out.push_back("These are two agreements, not versions of one.");
  // The order of clauses says nothing: each line of one that is not in the other. Doubled clauses count.
  for (const auto& line : was)
    if (std::ranges::count(was, line) > std::ranges::count(is, line) &&
        std::ranges::find(out, "- " + line) == out.end())
      out.push_back("- " + line);
  for (const auto& line : is)
    if (std::ranges::count(is, line) > std::ranges::count(was, line) &&
        std::ranges::find(out, "+ " + line) == out.end())
      out.push_back("+ " + line);
  return out;
}

}  // namespace bongsu::policy
