#include "detect/sigma/guard.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>

#include "detect/sigma/fold.h"

namespace bongsu::detect::sigma {
namespace {

constexpr std::size_t kMaxDashVariants = 25;  // of one literal with dashes
constexpr std::size_t kMaxClues = 20'000;     // of one rule; more: it is evaluated for every event that has the field
constexpr double kPresentChance = 0.9;

// Stretches that stand in many events of every Windows machine, or in every address of the web. A literal is as rare as
// what is left of it.
constexpr std::string_view kCommon[] = {
    "c:\\windows\\system32\\",
    "\\windows\\system32\\",
    "c:\\program files",
    "c:\\windows\\",
    "\\windows\\",
    "\\system32\\",
    "\\syswow64\\",
    "\\software\\microsoft\\",
    "\\currentversion\\",
    "\\software\\",
    "\\microsoft\\",
    "\\windows nt\\",
    "microsoft",
    "windows",
    "software",
    "\\system\\currentcontrolset\\",
    "currentcontrolset",
    "\\appdata\\local\\",
    "\\appdata\\",
    "c:\\users\\",
    "\\users\\",
    "hklm\\",
    "hkcu\\",
    "hku\\",
    "powershell",
    "program files",
    "\\programdata\\",
    ".exe",
    ".dll",
    ".com",
    "http://",
    "https://",
    "system",
    "\\device\\",
    "c:\\",
    "get",
    "set",
    "-",
    "\\temp\\",
    "true",
    "false",
    "user",
    "object",
    "services",
};
// Programs that start often, or do much.
constexpr std::string_view kBusy[] = {"\\powershell.exe", "\\svchost.exe",  "\\cmd.exe",      "\\explorer.exe",
                                      "\\lsass.exe",      "\\services.exe", "\\msedge.exe",   "\\chrome.exe",
                                      "\\wmiprvse.exe",   "\\rundll32.exe", "\\conhost.exe",  "\\pwsh.exe",
                                      "\\taskhostw.exe",  "\\system",       "\\searchui.exe", "\\msmpeng.exe"};

double literal_chance(std::string_view literal, bool anchored) {
  for (const std::string_view busy : kBusy)
    if (literal == busy) return 0.05;
  std::string rest(literal);
  double chance = anchored ? 0.3 : 0.6;
  for (const std::string_view common : kCommon)
    for (std::size_t at = rest.find(common); at != rest.npos; at = rest.find(common, at)) {
      rest.erase(at, common.size());
      chance *= 0.7;
    }
  // Each further character that is left makes it three times rarer.
  return std::max(chance * std::pow(3.0, -static_cast<double>(std::min<std::size_t>(rest.size(), 16))), 1e-7);
}

Guard present(std::uint32_t atom) { return {true, kPresentChance, {{atom, Clue::Kind::kPresent, false, false, {}}}}; }

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The rarest piece of a pattern; pieces next to a dash get each form of it.
Guard pattern_guard(const CompiledTest& test, std::uint32_t atom, bool keyword) {
  const std::vector<Part>& parts = test.test.pattern.parts;
  const auto is_text = [&](std::size_t i) { return i < parts.size() && parts[i].kind == Part::Kind::kText; };
  if (parts.empty()) return {true, 0.05, {{atom, Clue::Kind::kWhole, false, false, {}}}};
  if (parts.size() == 1 && is_text(0)) {
    const std::string text = folded(parts[0].text);
    // One of few values (a kind, a number, a flag), or a name of its own.
    return {true,
            text.size() <= 6 ? 0.08 : std::max(0.05 * std::pow(2.0, -static_cast<double>(text.size() - 6)), 1e-6),
            {{atom, Clue::Kind::kWhole, false, false, text}}};
  }
  Guard best;
  best.possible = false;
  for (std::size_t i = 0; i < parts.size();) {
    if (parts[i].kind != Part::Kind::kText && parts[i].kind != Part::Kind::kDash) {
      ++i;
      continue;
    }
    std::size_t last = i;
    std::vector<std::string> forms{{}};
    while (last < parts.size()) {
      if (is_text(last)) {
        for (std::string& form : forms) form += folded(parts[last].text);
      } else if (parts[last].kind == Part::Kind::kDash && forms.size() * 5 <= kMaxDashVariants) {
        std::vector<std::string> more;
        for (const std::string& form : forms)
          for (const std::string_view dash : {"-", "/", "\u2013", "\u2014", "\u2015"})
            more.push_back(form + std::string(dash));
        forms = std::move(more);
      } else {
        break;
      }
      ++last;
    }
    if (last == i) {  // a dash that would give too many forms
      ++i;
      continue;
    }
    Guard guard;
    for (std::string& form : forms) {
      // The cut of a long literal is its beginning.
      const bool start = i == 0 && !keyword, end = last == parts.size() && !keyword;
      guard.chance += literal_chance(form, start || end) / static_cast<double>(forms.size());
      guard.clues.push_back({atom, Clue::Kind::kLiteral, start, end, std::move(form)});
    }
    if (!best.possible || guard.chance < best.chance) best = std::move(guard);
    i = last;
  }
  return best.possible ? best : present(atom);
}

// RE2 tells which literals an expression needs; a smallest set of them without which it cannot match is looked for by
// leaving them out one by one.
Guard regex_guard(const CompiledTest& test, std::uint32_t atom, bool keyword) {
  re2::FilteredRE2 filter(3);
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_case_sensitive(!test.test.ignore_case);
  options.set_dot_nl(test.test.dot_all);
  int id = 0;
  const Guard none = keyword ? Guard{false, 1, {}} : present(atom);
  if (filter.Add((test.test.multi_line ? "(?m)" : "") + test.test.text, options, &id) != re2::RE2::NoError) return none;
  std::vector<std::string> literals;
  filter.Compile(&literals);
  if (literals.empty() || literals.size() > 200) return none;
  const auto possible_without = [&](const std::vector<bool>& out) {
    std::vector<int> there, potentials;
    for (std::size_t i = 0; i < literals.size(); ++i)
      if (!out[i]) there.push_back(static_cast<int>(i));
    filter.AllPotentials(there, &potentials);
    return !potentials.empty();
  };
  std::vector<bool> left_out(literals.size(), true);
  if (possible_without(left_out)) return none;
  Guard best;
  best.possible = false;
  const auto take = [&](const std::vector<bool>& which) {
    Guard guard;
    for (std::size_t i = 0; i < literals.size(); ++i) {
      if (!which[i]) continue;
      if (!is_ascii(literals[i])) return;
      guard.chance += literal_chance(literals[i], false);
      guard.clues.push_back({atom, Clue::Kind::kLiteral, false, false, literals[i]});
    }
    if (!best.possible || guard.chance < best.chance) best = std::move(guard);
  };
  for (std::size_t i = 0; i < literals.size(); ++i) {
    std::vector<bool> one(literals.size(), false);
    one[i] = true;
    if (!possible_without(one)) take(one);
  }
  if (!best.possible) {
    // Put back what is not needed for "one of these must be there".
    for (std::size_t i = 0; i < literals.size(); ++i) {
      left_out[i] = false;
      if (possible_without(left_out)) left_out[i] = true;
    }
    take(left_out);
  }
  return best.possible ? best : none;
}

}  // namespace

Guard guard_of(const CompiledTest& test, std::uint32_t atom, bool keyword) {
  using Kind = CompiledTest::Kind;
  switch (test.kind) {
    case Kind::kEquals:
    case Kind::kContains:
    case Kind::kStartsWith:
    case Kind::kEndsWith:
    case Kind::kGlob:
      return pattern_guard(test, atom, keyword);
    case Kind::kAnything:
      return keyword ? Guard{false, 1, {}} : present(atom);
    case Kind::kNumber:
      if (test.test.compare != Test::Compare::kEqual) return present(atom);
      return {true, 0.08, {{atom, Clue::Kind::kWhole, false, false, test.test.text}}};
    case Kind::kRegex:
      return regex_guard(test, atom, keyword);
    case Kind::kCidr:
    case Kind::kTimePart:
    case Kind::kFieldRef:
      return present(atom);
    case Kind::kExists:
      return test.test.flag ? present(atom) : Guard{false, 1, {}};
    case Kind::kNull:
      return {false, 1, {}};
  }
  return {false, 1, {}};
}

Guard guard_of_all(std::vector<Guard> children) {
  Guard best;
  best.possible = false;
  best.chance = 1;
  for (Guard& child : children)
    if (child.possible && (!best.possible || child.chance < best.chance)) best = std::move(child);
  return best;
}

Guard guard_of_any(std::vector<Guard> children) {
  Guard out;
  for (Guard& child : children) {
    if (!child.possible || out.clues.size() + child.clues.size() > kMaxClues) return {false, 1, {}};
    out.chance = std::min(1.0, out.chance + child.chance);
    std::ranges::move(child.clues, std::back_inserter(out.clues));
  }
  return out;
}

}  // namespace bongsu::detect::sigma
