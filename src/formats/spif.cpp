#include "formats/spif.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "formats/xml.h"

namespace bongsu::formats {
namespace {

constexpr std::string_view kSpifNamespace = "http://www.xmlspif.org/spif";

bool same_text(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

template <class Map>
auto find_text(const Map& map, std::string_view text) {
  return std::ranges::find_if(map, [&](const auto& entry) { return same_text(entry.first, text); });
}

class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  Result<SecurityPolicy> read(const XmlElement& root) {
    if (!root.is(kSpifNamespace, "SPIF")) return refuse(root, fmt::format("{} is no SPIF", root.name));
    const XmlElement* id = root.child(kSpifNamespace, "securityPolicyId");
    if (id == nullptr) return refuse(root, "no securityPolicyId");
    BONGSU_TRY(out_.name, required(*id, "name"));
    BONGSU_TRY(out_.id, required(*id, "id"));
    if (root.child(kSpifNamespace, "securityClassifications") == nullptr) return refuse(root, "no classifications");
    for (const XmlElement& part : root.children) {
      if (part.is(kSpifNamespace, "securityClassifications"))
        for (const XmlElement& element : part.children) BONGSU_TRY_VOID(classification(element));
      if (part.is(kSpifNamespace, "securityCategoryTagSets"))
        for (const XmlElement& element : part.children) BONGSU_TRY_VOID(tag_set(element));
    }
    return std::move(out_);
  }

 private:
  Result<void> classification(const XmlElement& element) {
    if (!element.is(kSpifNamespace, "securityClassification")) return {};
    BONGSU_TRY_VOID(independent(element));
    BONGSU_TRY(std::string name, required(element, "name"));
    BONGSU_TRY(const std::string place, required(element, "hierarchy"));
    int hierarchy = 0;
    if (std::from_chars(place.data(), place.data() + place.size(), hierarchy).ptr != place.data() + place.size())
      return refuse(element, "hierarchy is a number");
    if (!out_.classifications.emplace(std::move(name), hierarchy).second)
      return refuse(element, "this classification stands twice");
    return count(element);
  }

  Result<void> tag_set(const XmlElement& element) {
    if (!element.is(kSpifNamespace, "securityCategoryTagSet")) return {};
    SecurityPolicy::TagSet made;
    BONGSU_TRY(std::string name, required(element, "name"));
    BONGSU_TRY(made.id, required(element, "id"));
    bool typed = false;
    for (const XmlElement& tag : element.children) {
      if (!tag.is(kSpifNamespace, "securityCategoryTag")) continue;
      BONGSU_TRY(const CategoryType type, type_of(tag));
      if (typed && type != made.type)
        return fail(ErrorCode::kUnsupported, "tags of different types in one set are not judged", where(tag));
      made.type = type;
      typed = true;
      BONGSU_TRY(const bool single, flag(tag, "singleSelection"));
      made.single = made.single || single;
      for (const XmlElement& category : tag.children) {
        if (!category.is(kSpifNamespace, "tagCategory")) continue;
        BONGSU_TRY_VOID(independent(category));
        SecurityPolicy::Category value;
        BONGSU_TRY(value.obsolete, flag(category, "obsolete"));
        for (const XmlElement& excluded : category.children) {
          if (!excluded.is(kSpifNamespace, "excludedClass")) continue;
          std::string excluded_class = xml_token(excluded.text);
          if (value.excluded_classes.contains(excluded_class))
            return refuse(excluded, fmt::format("the class {} is excluded twice", excluded_class));
          value.excluded_classes.insert(std::move(excluded_class));
        }
        BONGSU_TRY(std::string value_name, required(category, "name"));
        if (!made.categories.emplace(std::move(value_name), std::move(value)).second)
          return refuse(category, "this category stands twice");
        BONGSU_TRY_VOID(count(category));
      }
    }
    if (!out_.tag_sets.emplace(std::move(name), std::move(made)).second)
      return refuse(element, "this tag set stands twice");
    return {};
  }

  // ADatP-4774.1 table 10.
  Result<CategoryType> type_of(const XmlElement& tag) const {
    std::string_view type = tag.attribute("tagType").value_or("");
    if (type == "enumerated") type = tag.attribute("enumType").value_or("");
    if (type == "restrictive") return CategoryType::kRestrictive;
    if (type == "permissive") return CategoryType::kPermissive;
    if (type == "tagType7") return CategoryType::kInformative;
    return refuse(tag, fmt::format("the tag type {} is not known", type));
  }

  Result<void> independent(const XmlElement& element) const {
    for (const XmlElement& child : element.children)
      if (child.name == "requiredCategory" || child.name == "excludedCategory")
        return fail(ErrorCode::kUnsupported, "categories that require or exclude each other are not judged",
                    where(child));
    return {};
  }

  Result<void> count(const XmlElement& element) {
    if (++values_ > kMaxSpifValues)
      return fail(ErrorCode::kTooLarge, fmt::format("more than {} classifications and categories", kMaxSpifValues),
                  where(element));
    return {};
  }

  // xs:boolean; absent: false.
  Result<bool> flag(const XmlElement& element, std::string_view name) const {
    const std::string_view value = trim(element.attribute(name).value_or("false"));
    if (value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    return refuse(element, fmt::format("{} is true or false, not {}", name, value));
  }
  Result<std::string> required(const XmlElement& element, std::string_view name) const {
    const auto value = element.attribute(name);
    if (!value || value->empty()) return refuse(element, fmt::format("{} needs {}", element.name, name));
    return std::string(*value);
  }
  Where where(const XmlElement& element) const {
    return {.source = std::string(source_), .line = element.line, .field = element.name};
  }
  std::unexpected<Error> refuse(const XmlElement& element, std::string message) const {
    return fail(ErrorCode::kInvalid, std::move(message), where(element));
  }

  std::string_view source_;
  SecurityPolicy out_;
  std::size_t values_ = 0;
};

}  // namespace

std::vector<std::string> SecurityPolicy::problems_of(const ConfidentialityLabel& label) const {
  std::vector<std::string> out;
  if (!same_text(label.policy, name))
    out.push_back(fmt::format("the label is of the policy {}, not {}", label.policy, name));
  if (!label.policy_uri.empty() && label.policy_uri != "urn:oid:" + id)
    out.push_back(fmt::format("the policy {} has the identifier urn:oid:{}, not {}", name, id, label.policy_uri));
  if (find_text(classifications, label.classification) == classifications.end())
    out.push_back(fmt::format("the policy {} has no classification {}", name, label.classification));
  for (const LabelCategory& category : label.categories) {
    const auto set = find_text(tag_sets, category.tag);
    if (set == tag_sets.end()) {
      out.push_back(fmt::format("the policy {} has no categories {}", name, category.tag));
      continue;
    }
    if (set->second.type != category.type)
      out.push_back(fmt::format("{} is {} in the policy {}", category.tag, to_string(set->second.type), name));
    if (set->second.single && category.values.size() > 1)
      out.push_back(fmt::format("{} has one value at most", category.tag));
    for (const std::string& value : category.values) {
      const auto found = find_text(set->second.categories, value);
      if (found == set->second.categories.end()) {
        out.push_back(fmt::format("{} has no value {} in the policy {}", category.tag, value, name));
      } else if (std::ranges::any_of(found->second.excluded_classes,
                                     [&](const auto& excluded) { return same_text(excluded, label.classification); })) {
        out.push_back(fmt::format("{} {} does not go with {}", category.tag, value, label.classification));
      } else if (found->second.obsolete) {
        out.push_back(fmt::format("{} {} is obsolete", category.tag, value));
      }
    }
  }
  return out;
}

Result<SecurityPolicy> read_spif(std::string_view xml, std::string_view source_name) {
  BONGSU_TRY(const XmlElement root, parse_xml(xml, source_name));
  return Reader(source_name).read(root);
}

}  // namespace bongsu::formats
