#include "stix/object.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "stix/document.h"
#include "stix/type_table.h"

namespace bongsu::stix {

struct Object::Parts {
  std::string bytes;
  Id id;
  Category category = Category::kCustom;
  std::string spec_version;
  std::optional<Timestamp> created, modified;
  bool revoked = false;
  std::optional<Id> created_by;
  std::optional<int> confidence;
  std::vector<Id> object_markings;
  std::vector<GranularMarking> granular_markings;
  std::vector<Reference> references;
  Sha256 hash;
};

namespace {

std::unexpected<Error> invalid(std::string property, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = std::move(property)});
}

// The first key that an object names twice. Two readers that disagree on which one counts would let an object mean two
// things, so it is refused. The bit set answers "no" for nearly every key without looking at the others.
std::optional<std::string_view> duplicate_key(const dom::object& object) {
  constexpr std::size_t kFew = 32;
  std::array<std::string_view, kFew> few;
  std::size_t count = 0;
  std::uint64_t seen = 0;
  for (const auto field : object) {
    if (count == kFew) break;
    const std::string_view key = field.key;
    std::uint64_t mixed = key.size() * 0x9e3779b97f4a7c15;
    for (const char c : key) mixed = (mixed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    const std::uint64_t bit = std::uint64_t{1} << (mixed >> 58);
    if ((seen & bit) != 0)
      for (std::size_t i = 0; i < count; ++i)
        if (few[i] == key) return key;
    seen |= bit;
    few[count++] = key;
  }
  if (count < kFew) return std::nullopt;

  std::vector<std::string_view> all;
  for (const auto field : object) all.push_back(field.key);
  std::ranges::sort(all);
  const auto twice = std::ranges::adjacent_find(all);
  return twice == all.end() ? std::nullopt : std::optional(*twice);
}

// Walks the whole tree once: refuses duplicate keys, collects references: wherever an identifier stands, not in the
// properties alone that the standard has for them.
class Walk {
 public:
  explicit Walk(std::vector<Reference>& references) : references_(references) {}

  bool object(const dom::object& object, const Path& path) {
    if (const auto key = duplicate_key(object)) {
      const Path twice = path.in(*key);
      error = {ErrorCode::kInvalid, fmt::format("the property \"{}\" stands twice", *key), {.field = twice.text()}};
      return false;
    }
    for (const auto field : object) {
      const Path place = path.in(field.key);
      if (path.parent == nullptr && field.key == "id") continue;  // its own
      if (!value(field.value, place)) return false;
    }
    return true;
  }

  Error error;

 private:
  bool value(dom::element element, const Path& path) {
    switch (element.type()) {
      case dom::element_type::OBJECT: {
        dom::object inner;
        return element.get(inner) != simdjson::SUCCESS || object(inner, path);
      }
      case dom::element_type::ARRAY: {
        dom::array inner;
        if (element.get(inner) != simdjson::SUCCESS) return true;
        std::size_t i = 0;
        for (const dom::element each : inner)
          if (!value(each, path.at(i++))) return false;
        return true;
      }
      case dom::element_type::STRING:
        reference(text_of(element), path);
        return true;
      default:
        return true;
    }
  }

  void reference(std::string_view text, const Path& path) {
    constexpr std::size_t kUuid = 36;
    if (text.size() <= kUuid + 2 || text[text.size() - kUuid - 1] != '-') return;  // nearly all
    if (auto target = Id::parse(text)) references_.push_back({path.text(), std::move(*target)});
  }

  std::vector<Reference>& references_;
};

Result<Timestamp> read_timestamp(std::string_view property, dom::element value) {
  auto timestamp = Timestamp::parse(text_of(value));
  if (!timestamp)
    return invalid(std::string(property), fmt::format("{} is not a timestamp (STIX 2.1 §2.16)", property));
  return std::move(*timestamp);
}

// A marking that cannot be read must never leave an object unmarked: such an object is refused whole.
Result<std::vector<Id>> read_object_markings(dom::element value) {
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS)
    return invalid("object_marking_refs", "object_marking_refs is not a list (STIX 2.1 §3.2)");
  std::vector<Id> markings;
  for (const dom::element each : list) {
    auto id = Id::parse(text_of(each));
    if (!id) {
      return invalid(fmt::format("object_marking_refs[{}]", markings.size()),
                     "object_marking_refs holds something that is not an identifier (STIX 2.1 §3.2)");
    }
    markings.push_back(std::move(*id));
  }
  return markings;
}

Result<GranularMarking> read_granular_marking(const dom::object& object, const std::string& property) {
  GranularMarking marking;
  for (const auto field : object) {
    if (field.key == "marking_ref") {
      marking.marking_ref = Id::parse(text_of(field.value));
      if (!marking.marking_ref) return invalid(property + ".marking_ref", "marking_ref is not an identifier");
    } else if (field.key == "lang") {
      if (!field.value.is_string()) return invalid(property + ".lang", "lang is not a string");
      marking.lang = std::string(text_of(field.value));
    } else if (field.key == "selectors") {
      dom::array selectors;
      if (field.value.get(selectors) != simdjson::SUCCESS)
        return invalid(property + ".selectors", "selectors is not a list");
      for (const dom::element selector : selectors) {
        if (!selector.is_string()) return invalid(property + ".selectors", "a selector is a string");
        marking.selectors.emplace_back(text_of(selector));
      }
    }
  }
  if (marking.selectors.empty())
    return invalid(property + ".selectors", "a granular marking needs selectors (STIX 2.1 §7.2.3)");
  return marking;
}

Result<std::vector<GranularMarking>> read_granular_markings(dom::element value) {
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS)
    return invalid("granular_markings", "granular_markings is not a list (STIX 2.1 §3.2)");
  std::vector<GranularMarking> markings;
  for (const dom::element each : list) {
    const std::string property = fmt::format("granular_markings[{}]", markings.size());
    dom::object object;
    if (each.get(object) != simdjson::SUCCESS)
      return invalid(property, "a granular marking is an object (STIX 2.1 §7.2.3)");
    BONGSU_TRY(GranularMarking marking, read_granular_marking(object, property));
    markings.push_back(std::move(marking));
  }
  return markings;
}

// What an object without spec_version is: an observable is 2.1 by default (STIX 2.1 §3.2); anything else that carries
// versioning properties is of STIX 2.0, where the bundle said the version, not the object.
std::string_view implied_version(Category category, bool versioned) {
  if (category == Category::kObservable) return "2.1";
  return category == Category::kCustom && !versioned ? "2.1" : "2.0";
}

}  // namespace

Result<Object> Object::parse(std::string_view bytes) {
  if (bytes.size() > kMaxObjectBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("an object of {} bytes; the limit is {}", bytes.size(), kMaxObjectBytes));
  }
  BONGSU_TRY(const Document document, Document::parse(bytes));

  auto parts = std::make_shared<Parts>();
  Walk walk(parts->references);
  if (!walk.object(document.root(), Path{})) return std::unexpected(std::move(walk.error));

  std::string_view type;
  bool has_type = false, has_id = false;
  for (const auto field : document.root()) {
    const std::string_view key = field.key;
    if (key == "type") {
      has_type = true;
      type = text_of(field.value);
    } else if (key == "id") {
      has_id = true;
      auto id = Id::parse(text_of(field.value));
      if (!id) {
        return invalid("id", fmt::format("\"{}\" is not an identifier: type--UUID in lower case (STIX 2.1 §2.9)",
                                         text_of(field.value).substr(0, kMaxTypeLength)));
      }
      parts->id = std::move(*id);
    } else if (key == "spec_version") {
      parts->spec_version = text_of(field.value);
    } else if (key == "created") {
      BONGSU_TRY(parts->created, read_timestamp(key, field.value));
    } else if (key == "modified") {
      BONGSU_TRY(parts->modified, read_timestamp(key, field.value));
    } else if (key == "revoked") {
      if (field.value.get(parts->revoked) != simdjson::SUCCESS)
        return invalid("revoked", "revoked is neither true nor false (STIX 2.1 §3.2)");
    } else if (key == "created_by_ref") {
      parts->created_by = Id::parse(text_of(field.value));
    } else if (key == "confidence") {
      std::int64_t confidence;
      if (field.value.get(confidence) == simdjson::SUCCESS && confidence >= 0 && confidence <= 100)
        parts->confidence = static_cast<int>(confidence);
    } else if (key == "object_marking_refs") {
      BONGSU_TRY(parts->object_markings, read_object_markings(field.value));
    } else if (key == "granular_markings") {
      BONGSU_TRY(parts->granular_markings, read_granular_markings(field.value));
    }
  }

  if (!has_type) return invalid("type", "type is required (STIX 2.1 §3.2)");
  if (!is_type_name(type)) {
    return invalid("type",
                   fmt::format("\"{}\" is not a type name: 3 to 250 of a-z, 0-9 and single hyphens (STIX 2.1 §3.1)",
                               type.substr(0, kMaxTypeLength)));
  }
  if (!has_id) return invalid("id", "id is required (STIX 2.1 §3.2)");
  if (parts->id.type != type)
    return invalid(
        "id", fmt::format("an id that begins with \"{}\" cannot identify a {} (STIX 2.1 §2.9)", parts->id.type, type));
  if (type == "bundle") return invalid("type", "a bundle is a container, not an object (STIX 2.1 §8)");

  parts->category = category_of(type);
  if (parts->spec_version.empty())
    parts->spec_version = implied_version(parts->category, parts->created && parts->modified);
  parts->hash = sha256(bytes);
  parts->bytes = bytes;
  return Object(std::move(parts));
}

const std::string& Object::bytes() const { return parts_->bytes; }
const Id& Object::id() const { return parts_->id; }
Category Object::category() const { return parts_->category; }
const std::string& Object::spec_version() const { return parts_->spec_version; }
const std::optional<Timestamp>& Object::created() const { return parts_->created; }
const std::optional<Timestamp>& Object::modified() const { return parts_->modified; }

const Timestamp* Object::version() const {
  if (parts_->modified) return &*parts_->modified;
  return parts_->created ? &*parts_->created : nullptr;
}

bool Object::revoked() const { return parts_->revoked; }
const std::optional<Id>& Object::created_by() const { return parts_->created_by; }
std::optional<int> Object::confidence() const { return parts_->confidence; }
const std::vector<Id>& Object::object_markings() const { return parts_->object_markings; }
const std::vector<GranularMarking>& Object::granular_markings() const { return parts_->granular_markings; }
const std::vector<Reference>& Object::references() const { return parts_->references; }
const Sha256& Object::hash() const { return parts_->hash; }

Json Object::json() const {
  auto json = parse_json(parts_->bytes);
  // The text was parsed once already; what this parser alone refuses is a number beyond its range.
  return json ? std::move(*json) : Json(nullptr);
}

}  // namespace bongsu::stix
