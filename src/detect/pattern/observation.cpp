#include "detect/pattern/observation.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"

namespace bongsu::detect {
namespace {

using Kind = ObservedValue::Kind;

struct Under {
  enum class Suffix { kOther, kBinary, kHex, kReference } suffix = Suffix::kOther;
  bool key = false;  // possibly of a dictionary, where names say nothing
};
using Suffix = Under::Suffix;

Suffix suffix(std::string_view name) {
  if (name.ends_with("_bin")) return Suffix::kBinary;
  if (name.ends_with("_hex")) return Suffix::kHex;
  if (name.ends_with("_ref") || name.ends_with("_refs")) return Suffix::kReference;
  return Suffix::kOther;
}

ObservedValue text_value(Under where, std::string_view text) {
  ObservedValue value;
  value.kind = Kind::kString;
  if (where.suffix == Suffix::kReference) {
    value.kind = Kind::kReference;
    value.text_otherwise = where.key;
  }
  if (where.suffix == Suffix::kBinary || where.suffix == Suffix::kHex) {
    auto bytes = where.suffix == Suffix::kHex ? from_hex(text) : from_base64(text);
    if (bytes || !where.key) {
      value.kind = bytes ? Kind::kBinary : Kind::kUnreadable;
      if (bytes) value.text = *std::move(bytes);
      return value;
    }
  }
  value.text = text;
  return value;
}

ObservedValue value_of(const Json& json, Under where, bool of_object = false) {
  ObservedValue value;
  switch (json.kind()) {
    case boost::json::kind::null:
      break;
    case boost::json::kind::bool_:
      value.kind = Kind::kBoolean;
      value.boolean = json.get_bool();
      break;
    case boost::json::kind::int64:
      value.kind = Kind::kInteger;
      value.integer = json.get_int64();
      break;
    case boost::json::kind::uint64:
      value.kind = Kind::kFloat;
      value.number = static_cast<double>(json.get_uint64());
      break;
    case boost::json::kind::double_:
      value.kind = Kind::kFloat;
      value.number = json.get_double();
      break;
    case boost::json::kind::string:
      return text_value(where, std::string_view(json.get_string()));
    case boost::json::kind::array:
      value.kind = Kind::kList;
      for (const Json& item : json.get_array()) value.list.push_back(value_of(item, where));
      break;
    case boost::json::kind::object:
      value.kind = Kind::kDictionary;
      for (const auto& [name, item] : json.get_object())
        value.members.push_back({std::string(name), value_of(item, {suffix(name), !of_object})});
      break;
  }
  return value;
}

Result<CyberObject> object_of(std::string_view id, const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::kInvalid, "an object of an observation is a JSON object");
  const auto type = string_at(json, "type");
  if (!type) return fail(ErrorCode::kInvalid, "the type of the object is missing", {.field = "type"});
  CyberObject object;
  object.id = id;
  object.type = *type;
  object.properties = value_of(json, {}, true);
  return object;
}

// The objects that references may name: those of one bundle, or of the whole input.
using Scope = std::unordered_map<std::string, CyberObjectPtr>;

class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  void bad(Error error, std::uint64_t line, std::string field) {
    ++data_.bad_count;
    if (data_.bad.size() >= kMaxKeptErrors) return;
    error.where.source = source_;
    if (line != 0) error.where.line = line;
    if (!field.empty()) error.where.field = error.where.field.empty() ? field : field + "." + error.where.field;
    data_.bad.push_back(std::move(error));
  }

  // First pass: objects that can be named. `loose` are those outside any bundle.
  void collect(const Json& json, Scope& loose) {
    if (json.is_array()) {
      for (const Json& item : json.get_array()) collect(item, loose);
      return;
    }
    if (!json.is_object() || is_container(json)) return;
    const auto type = string_at(json, "type");
    const auto id = string_at(json, "id");
    if (!type || !id || *type == "observed-data") return;
    if (auto object = object_of(*id, json))
      loose.insert_or_assign(std::string(*id), std::make_shared<CyberObject>(*std::move(object)));
  }

  void read(const Json& json, const Scope& scope, std::uint64_t line, const std::string& field) {
    if (json.is_array()) {
      const auto& items = json.get_array();
      for (std::size_t i = 0; i < items.size(); ++i) read(items[i], scope, line, fmt::format("{}[{}]", field, i));
      return;
    }
    if (!json.is_object()) {
      bad({ErrorCode::kInvalid, "neither a STIX object nor a list of them", {}}, line, field);
      return;
    }
    if (is_container(json)) {
      const Json* objects = find(json, "objects");
      if (objects == nullptr) return;  // an empty bundle (STIX 2.1 §8.1)
      if (!objects->is_array()) {
        bad({ErrorCode::kInvalid, "the objects of a bundle are a list", {}}, line, dotted(field, "objects"));
        return;
      }
      Scope own;
      collect(*objects, own);
      read(*objects, own, line, dotted(field, "objects"));
      return;
    }
    if (string_at(json, "type") != "observed-data") return;
    if (data_.observations.size() >= kMaxObservations) {
      bad({ErrorCode::kTooLarge, fmt::format("more than {} observations; this one is left out", kMaxObservations), {}},
          line, field);
      return;
    }
    auto observation = observed(json, scope);
    if (observation) {
      data_.observations.push_back(*std::move(observation));
    } else {
      bad(std::move(observation).error(), line, field);
    }
  }

  ObservedData take() { return std::move(data_); }

 private:
  static std::string dotted(const std::string& field, std::string_view name) {
    return field.empty() ? std::string(name) : field + "." + std::string(name);
  }
  // A bundle, or a TAXII envelope.
  static bool is_container(const Json& json) {
    const auto type = string_at(json, "type");
    return type == "bundle" || (!type && find(json, "objects") != nullptr);
  }

  static Result<Instant> instant(const Json& json, const char* name) {
    const auto text = string_at(json, name);
    if (!text)
      return fail(ErrorCode::kInvalid, fmt::format("{} is missing, or no text (STIX 2.1 §4.14.1)", name),
                  {.field = name});
    const auto when = Instant::parse(*text);
    if (!when) return fail(ErrorCode::kInvalid, "not a timestamp (STIX 2.1 §2.16)", {.field = name});
    return *when;
  }

  Result<Observation> observed(const Json& json, const Scope& scope) {
    Observation out;
    out.id = string_at(json, "id").value_or("");
    BONGSU_TRY(out.first_observed, instant(json, "first_observed"));
    BONGSU_TRY(out.last_observed, instant(json, "last_observed"));
    if (out.last_observed < out.first_observed)
      return fail(ErrorCode::kInvalid, "last_observed lies before first_observed (STIX 2.1 §4.14.1)",
                  {.field = "last_observed"});
    const auto number = int_at(json, "number_observed");
    if (!number || *number < 1 || *number > kMaxNumberObserved)
      return fail(ErrorCode::kInvalid, "number_observed is a whole number from 1 to 999,999,999 (STIX 2.1 §4.14.1)",
                  {.field = "number_observed"});
    out.number_observed = *number;

    const Json* objects = find(json, "objects");
    const Json* refs = find(json, "object_refs");
    if (objects == nullptr && refs == nullptr)
      return fail(ErrorCode::kInvalid, "objects and object_refs are both missing (STIX 2.1 §4.14.1)");
    const auto room = [&]() -> Result<void> {
      if (out.objects.size() < kMaxObservedObjects) return {};
      return fail(ErrorCode::kTooLarge, fmt::format("an observation of more than {} objects", kMaxObservedObjects));
    };
    if (objects != nullptr) {
      if (!objects->is_object())
        return fail(ErrorCode::kInvalid, "objects is a dictionary (STIX 2.1 §4.14.1)", {.field = "objects"});
      for (const auto& [key, item] : objects->get_object()) {
        BONGSU_TRY_VOID(room());
        auto object = object_of(key, item);
        if (!object) {
          std::string& field = object.error().where.field;
          field = "objects." + std::string(key) + (field.empty() ? "" : "." + field);
          return std::unexpected(std::move(object).error());
        }
        out.add(std::make_shared<CyberObject>(*std::move(object)));
      }
    }
    if (refs != nullptr) {
      if (!refs->is_array())
        return fail(ErrorCode::kInvalid, "object_refs is a list (STIX 2.1 §4.14.1)", {.field = "object_refs"});
      for (const Json& ref : refs->get_array()) {
        if (!ref.is_string())
          return fail(ErrorCode::kInvalid, "object_refs holds identifiers (STIX 2.1 §4.14.1)",
                      {.field = "object_refs"});
        const auto found = scope.find(std::string(std::string_view(ref.get_string())));
        if (found == scope.end()) {
          ++data_.missing_references;
          continue;
        }
        BONGSU_TRY_VOID(room());
        out.add(found->second);
      }
    }
    return out;
  }

  std::string source_;
  ObservedData data_;
};

}  // namespace

const ObservedValue* ObservedValue::find(std::string_view name) const {
  const auto at = std::ranges::find(members, name, &ObservedMember::name);
  return at == members.end() ? nullptr : &at->value;
}

void Observation::add(CyberObjectPtr object) {
  const auto [at, fresh] = by_id_.try_emplace(object->id, object.get());
  if (fresh || object->id.empty()) objects.push_back(std::move(object));
}

const CyberObject* Observation::find(std::string_view object_id) const {
  const auto at = by_id_.find(object_id);
  return at == by_id_.end() ? nullptr : at->second;
}

Result<CyberObject> read_cyber_object(std::string_view json) {
  BONGSU_TRY(const Json value, parse_json(json));
  return object_of(string_at(value, "id").value_or(""), value);
}

Result<ObservedData> read_observed_data(std::string_view text, std::string_view source) {
  if (text.size() > kMaxObservedDataBytes)
    return fail(ErrorCode::kTooLarge,
                fmt::format("observed data of {} bytes; the limit is {}", text.size(), kMaxObservedDataBytes),
                {.source = std::string(source)});
  struct Document {
    Json json;
    std::uint64_t line;
  };
  std::vector<Document> documents;
  Reader reader(source);
  const std::size_t mark = text.starts_with("\xef\xbb\xbf") ? 3 : 0;  // of byte order, as Windows writes it
  text.remove_prefix(mark);
  auto whole = parse_json(text);
  if (whole) {
    documents.push_back({*std::move(whole), 0});
  } else {
    // Several values, one a line. When the first line is no value by itself, it was one broken text.
    std::uint64_t line = 0;
    for (std::string_view rest = text; !rest.empty();) {
      ++line;
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view one = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (one.empty()) continue;
      auto json = parse_json(one);
      if (json) {
        documents.push_back({*std::move(json), line});
      } else if (documents.empty()) {
        break;
      } else {
        reader.bad(std::move(json).error(), line, "");
      }
    }
    if (documents.empty()) {
      whole.error().where.source = source;
      if (whole.error().where.has_offset) whole.error().where.offset += mark;
      return std::unexpected(std::move(whole).error());
    }
  }
  Scope loose;
  for (const Document& document : documents) reader.collect(document.json, loose);
  for (const Document& document : documents) reader.read(document.json, loose, document.line, "");
  return reader.take();
}

}  // namespace bongsu::detect
