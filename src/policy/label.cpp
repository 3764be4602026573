#include "policy/label.h"

#include <algorithm>
#include <vector>

#include "base/uuid.h"

namespace bongsu::policy {
namespace {

// STIX wants a namespace of our own for ids that are not of cyber-observables (STIX 2.1 §2.9).
constexpr Uuid kNamespace{
    {0x6f, 0x0e, 0x1b, 0x3c, 0x52, 0x0d, 0x4a, 0x7d, 0x9a, 0x3e, 0x8e, 0x41, 0x5b, 0xd2, 0x77, 0x10}};

constexpr std::string_view kTlpNames[] = {"clear", "green", "amber", "amber+strict", "red"};

std::string_view name_of(stix::Tlp tlp) { return kTlpNames[static_cast<std::size_t>(tlp)]; }

void append_set(std::string& out, std::string_view name, const std::set<std::string>& items) {
  out += ' ';
  out += name;
  out += ':';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    out += item;
  }
}

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

// Splits "a,b,c"; every item has to pass and to be greater than the one before.
template <class Read>
Result<std::set<std::string>> parse_set(std::string_view text, std::size_t limit, Read read) {
  std::set<std::string> out;
  if (text.empty()) return out;
  for (;;) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    std::optional<std::string> value = read(item);
    if (!value) return broken("an item of a list cannot stand there");
    if (out.size() == limit) return broken("a list is too long");
    if (!out.empty() && *out.rbegin() >= *value) return broken("a list is out of order");
    out.emplace_hint(out.end(), std::move(*value));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

Result<std::set<std::string>> parse_members(std::string_view text) {
  return parse_set(text, kMaxLabelMembers, [](std::string_view item) -> std::optional<std::string> {
    if (!is_member_id(item)) return std::nullopt;
    return std::string(item);
  });
}

std::optional<std::set<MemberId>> intersect(const std::optional<std::set<MemberId>>& a,
                                            const std::optional<std::set<MemberId>>& b) {
  if (!a) return b;
  if (!b) return a;
  std::set<MemberId> out;
  std::set_intersection(a->begin(), a->end(), b->begin(), b->end(), std::inserter(out, out.end()));
  return out;
}

// One marking, wherever it stands. tlp is CLEAR (the bottom) for what says nothing about it.
Label label_of_marking(const stix::Id& marking, const MarkingSource& markings) {
  Label label{.tlp = stix::Tlp::kClear};
  if (const auto tlp = stix::tlp_of(marking)) {
    label.marked = true;
    label.tlp = tlp->tlp1 && tlp->level == stix::Tlp::kAmber ? stix::Tlp::kAmberStrict : tlp->level;
    return label;
  }
  const Json* definition = markings ? markings(marking) : nullptr;
  if (definition == nullptr) {
    label.unknown = true;
    return label;
  }
  MarkingMeaning meaning = meaning_of(*definition);
  label.unknown = meaning.unknown;
  label.releasable_to = std::move(meaning.releasable_to);
  return label;
}

}  // namespace

const char* const kReleasableToExtension = "extension-definition--3d1c9b0e-7a64-4f0b-8c55-0b7a2f6d9e31";

bool is_member_id(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-') return false;
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string Label::text() const {
  std::string out(name_of(tlp));
  if (marked) out += " marked";
  if (releasable_to) append_set(out, "to", *releasable_to);
  if (unknown) out += " unknown";
  if (!redact.empty()) {
    out += " redact:";
    bool first = true;
    for (const auto& selector : redact) {
      if (!first) out += ',';
      first = false;
      out += escape(selector);
    }
  }
  if (!reveals.empty()) append_set(out, "reveals", reveals);
  return out;
}

Result<Label> Label::parse(std::string_view text) {
  if (text.size() > kMaxLabelText)
    return fail(ErrorCode::kTooLarge, "the text of a label is too long", {.field = "label"});
  Label label;
  const auto next = [&text]() -> std::string_view {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
    return word;
  };
  const bool trailing = !text.empty() && text.back() == ' ';
  if (trailing) return broken("it ends with a space");
  const std::string_view tlp = next();
  const auto* found = std::ranges::find(kTlpNames, tlp);
  if (found == std::end(kTlpNames)) return broken("it begins with clear, green, amber, amber+strict or red");
  label.tlp = static_cast<stix::Tlp>(found - kTlpNames);
  int last = 0;  // the parts stand in one order
  while (!text.empty()) {
    const std::string_view word = next();
    const auto part = [&](int order, std::string_view prefix) {
      const bool flag = prefix.back() != ':';
      if (last >= order || (flag ? word != prefix : !word.starts_with(prefix))) return false;
      last = order;
      return true;
    };
    if (part(1, "marked")) {
      label.marked = true;
    } else if (part(2, "to:")) {
      BONGSU_TRY(label.releasable_to, parse_members(word.substr(3)));
    } else if (part(3, "unknown")) {
      label.unknown = true;
    } else if (part(4, "redact:")) {
      BONGSU_TRY(label.redact, parse_set(word.substr(7), kMaxLabelSelectors, unescape));
      if (label.redact.empty()) return broken("an empty redact list");
    } else if (part(5, "reveals:")) {
      BONGSU_TRY(label.reveals, parse_members(word.substr(8)));
      if (label.reveals.empty()) return broken("an empty reveals list");
    } else {
      return broken("a part is unknown, doubled or out of order");
    }
  }
  return label;
}

Label join(const Label& a, const Label& b) {
  Label out;
  out.tlp = std::max(a.tlp, b.tlp);
  out.releasable_to = intersect(a.releasable_to, b.releasable_to);
  out.unknown = a.unknown || b.unknown;
  out.marked = a.marked || b.marked;
  out.redact = a.redact;
  out.redact.insert(b.redact.begin(), b.redact.end());
  out.reveals = a.reveals;
  out.reveals.insert(b.reveals.begin(), b.reveals.end());
  return out;
}

bool at_most(const Label& a, const Label& b) {
  if (a.tlp > b.tlp || (a.unknown && !b.unknown)) return false;
  if (a.releasable_to) {
    if (!b.releasable_to) return false;
    if (!std::ranges::includes(*a.releasable_to, *b.releasable_to)) return false;
  }
  return std::ranges::includes(b.reveals, a.reveals);
}

Label deny_all() { return Label{.tlp = stix::Tlp::kRed, .releasable_to = std::set<MemberId>{}, .unknown = true}; }

MarkingMeaning meaning_of(const Json& definition) {
  constexpr auto kUnknown = [] { return MarkingMeaning{.unknown = true}; };
  if (string_at(definition, "type") != "marking-definition") return kUnknown();
  MarkingMeaning meaning;
  bool understood = false;

  if (const Json* type = find(definition, "definition_type")) {
    const Json* body = find(definition, "definition");
    // "tlp" under another id than the standard's is forbidden (STIX 2.1 §7.2.1.4), so it says nothing that can be
    // relied on.
    if (!type->is_string() || type->get_string() != "statement" || body == nullptr || !string_at(*body, "statement"))
      return kUnknown();
    understood = true;
  } else if (find(definition, "definition") != nullptr) {
    return kUnknown();
  }

  if (const Json* extensions = find(definition, "extensions")) {
    if (!extensions->is_object()) return kUnknown();
    for (const auto& extension : extensions->get_object()) {
      if (extension.key() != kReleasableToExtension) return kUnknown();
      const Json* members = find(extension.value(), "members");
      if (members == nullptr || !members->is_array() || members->get_array().size() > kMaxLabelMembers)
        return kUnknown();
      std::set<MemberId> named;
      for (const Json& member : members->get_array()) {
        if (!member.is_string() || !is_member_id(member.get_string())) return kUnknown();
        named.emplace(member.get_string());
      }
      meaning.releasable_to = std::move(named);
      understood = true;
    }
  }
  if (!understood) return kUnknown();
  return meaning;
}

Label label_of(const stix::Object& object, const MarkingSource& markings, stix::Tlp fallback) {
  Label label{.tlp = stix::Tlp::kClear};
  for (const auto& marking : object.object_markings()) label = join(label, label_of_marking(marking, markings));

  // The body is looked at only where the markings ask for it.
  std::optional<Json> body;
  if (object.type() == "marking-definition" && !stix::tlp_of(object.id())) {
    body = object.json();
    MarkingMeaning meaning = meaning_of(*body);
    if (meaning.releasable_to) {
      label.releasable_to = intersect(label.releasable_to, meaning.releasable_to);
      fallback = stix::Tlp::kClear;
    }
  } else if (object.type() == "marking-definition") {
    fallback = stix::Tlp::kClear;  // the standard's own definitions are public
  }
  if (!label.marked) label.tlp = fallback;

  const Label own = label;
  std::size_t selectors = 0;
  for (const auto& granular : object.granular_markings()) {
    if (!granular.marking_ref) {
      if (!granular.lang) label.unknown = true;
      continue;
    }
    const Label part = label_of_marking(*granular.marking_ref, markings);
    if (!body) body = object.json();
    selectors += granular.selectors.size();
    if (selectors > kMaxLabelSelectors || granular.selectors.empty()) {
      label.unknown = true;
      continue;
    }
    const bool stricter = !at_most(part, own);
    for (const auto& selector : granular.selectors) {
      const auto steps = stix::parse_selector(selector);
      if (!steps || stix::resolve(*body, *steps) == nullptr) {
        label.unknown = true;  // who knows what it was meant to hide
      } else if (stricter) {
        label.redact.insert(selector);
      }
    }
    const bool marked = label.marked;
    label = join(label, part);
    label.marked = marked;  // of the object as a whole
  }
  return label;
}

std::string make_releasable_to_marking(const std::set<MemberId>& members, const MemberId& created_by, Instant created) {
  JsonArray names;
  for (const auto& member : members) names.emplace_back(member);
  JsonObject definition{
      {"type", "marking-definition"},
      {"spec_version", "2.1"},
      {"created", created.text(3)},
      {"name", "Releasable to named members"},
      {"extensions", JsonObject{{kReleasableToExtension, JsonObject{{"extension_type", "property-extension"},
                                                                    {"issued_by", created_by},
                                                                    {"members", std::move(names)}}}}},
  };
  // Strings only: there is always a canonical text.
  const Result<std::string> canonical = to_canonical_text(definition);
  BONGSU_CHECK(canonical.has_value());
  JsonObject out{{"type", "marking-definition"},
                 {"spec_version", "2.1"},
                 {"id", "marking-definition--" + Uuid::from_name(kNamespace, *canonical).text()}};
  for (auto& [key, value] : definition)
    if (!out.contains(key)) out.emplace(key, std::move(value));
  return to_text(Json(std::move(out)));
}

}  // namespace bongsu::policy
