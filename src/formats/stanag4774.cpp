#include "formats/stanag4774.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "formats/xml.h"

namespace bongsu::formats {
namespace {

constexpr std::string_view kXmimeNamespace = "http://www.w3.org/2005/05/xmlmime";
constexpr std::string_view kSignatureNamespace = "http://www.w3.org/2000/09/xmldsig#";
constexpr std::array<std::string_view, 8> kIdTypes = {
    "rfc822Name", "dNSName",     "directoryName",     "uniformResourceIdentifier",
    "iPAddress",  "x400Address", "userPrincipalName", "jID"};  // App. 1, table 9

struct RoleName {
  LabelRole role;
  std::string_view name;
};
// The last but one is kept by the standard for older documents; the last is how drafts wrote the first.
constexpr std::array kRoles = {RoleName{LabelRole::kOriginator, "originatorConfidentialityLabel"},
                               RoleName{LabelRole::kAlternative, "alternativeConfidentialityLabel"},
                               RoleName{LabelRole::kMetadata, "metadataConfidentialityLabel"},
                               RoleName{LabelRole::kOriginator, "ConfidentialityLabel"},
                               RoleName{LabelRole::kOriginator, "OriginatorConfidentialityLabel"}};

class LabelReader {
 public:
  explicit LabelReader(std::string_view source) : source_(source) {}

  Result<ReadLabel> read(const XmlElement& root) {
    const auto role = std::ranges::find(kRoles, root.name, &RoleName::name);
    if (root.ns != kLabelNamespace || role == kRoles.end())
      return refuse(root, fmt::format("{} is no confidentiality label of STANAG 4774", root.name));
    label().role = role->role;
    if (root.name == kRoles.back().name) warn("the element's name is originatorConfidentialityLabel, in lower case");
    if (const auto review = root.attribute("ReviewDateTime")) {
      BONGSU_TRY(label().review, instant(root, *review));
    }
    std::set<std::string_view> seen;
    for (const XmlElement& element : root.children) {
      BONGSU_TRY_VOID(once(element, seen));
      if (element.name == "ConfidentialityInformation") {
        BONGSU_TRY_VOID(information(element));
      } else if (element.name == "OriginatorID") {
        BONGSU_TRY(label().originator, token(element, "an originator"));
        const auto type = element.attribute("IDType");
        if (!type || std::ranges::find(kIdTypes, *type) == kIdTypes.end())
          return refuse(element, "OriginatorID needs an IDType of table 9");
        label().originator_type = *type;
      } else if (element.name == "CreationDateTime") {
        BONGSU_TRY(label().created, instant(element));
      } else if (element.name == "SuccessionHandling") {
        BONGSU_TRY_VOID(succession(element));
      } else {
        return refuse(element, fmt::format("there is no element {} here", element.name));
      }
    }
    if (!seen.contains("ConfidentialityInformation")) return refuse(root, "no ConfidentialityInformation");
    if (!label().created) warn("no CreationDateTime (the schema requires it)");
    if (!label().review && !label().succeeded)
      warn("no ReviewDateTime, which has to be there where no SuccessionHandling is");
    return std::move(out_);
  }

 private:
  ConfidentialityLabel& label() { return out_.label; }
  void warn(std::string what) { out_.warnings.push_back(std::move(what)); }

  // Of the standard's namespace and not there before: all elements but Category stand once in their parent.
  Result<void> once(const XmlElement& element, std::set<std::string_view>& seen) const {
    if (element.ns != kLabelNamespace)
      return refuse(element, fmt::format("the element {} of another namespace is not understood", element.name));
    if (!seen.insert(element.name).second && element.name != "Category")
      return refuse(element, fmt::format("a second {}", element.name));
    return {};
  }

  // Only when: what holds afterwards is not read (stanag4774.h).
  Result<void> succession(const XmlElement& handling) {
    std::set<std::string_view> seen;
    for (const XmlElement& element : handling.children) {
      BONGSU_TRY_VOID(once(element, seen));
      if (element.name == "SuccessionDateTime") {
        BONGSU_TRY(label().succeeded, instant(element));
      } else if (element.name != "SuccessorConfidentialityLabel") {
        return refuse(element, fmt::format("there is no element {} here", element.name));
      }
    }
    if (!label().succeeded) return refuse(handling, "SuccessionHandling without SuccessionDateTime");
    return {};
  }

  Result<void> information(const XmlElement& information) {
    std::set<std::string_view> seen;
    for (const XmlElement& element : information.children) {
      BONGSU_TRY_VOID(once(element, seen));
      if (element.name == "PolicyIdentifier") {
        BONGSU_TRY(label().policy, token(element, "a policy"));
        label().policy_uri = uri_of(element);
      } else if (element.name == "Classification") {
        BONGSU_TRY(label().classification, token(element, "a classification"));
      } else if (element.name == "PrivacyMark") {
        BONGSU_TRY(label().privacy_mark, token(element, "a privacy mark"));
      } else if (element.name == "Category") {
        BONGSU_TRY_VOID(category(element));
      } else {
        return refuse(element, fmt::format("there is no element {} here", element.name));
      }
    }
    if (label().policy.empty()) return refuse(information, "no PolicyIdentifier");
    if (label().classification.empty()) return refuse(information, "no Classification");
    return {};
  }

  Result<void> category(const XmlElement& element) {
    if (label().categories.size() == kMaxLabelCategories)
      return refuse(element, fmt::format("more than {} categories", kMaxLabelCategories));
    LabelCategory made;
    const auto tag = element.attribute("TagName");
    if (!tag || trim(*tag).empty() || tag->size() > kMaxLabelValueBytes)
      return refuse(element, "a Category needs a TagName");
    made.tag = trim(*tag);
    const auto type = element.attribute("Type");
    if (type == "RESTRICTIVE") {
      made.type = CategoryType::kRestrictive;
    } else if (type == "PERMISSIVE") {
      made.type = CategoryType::kPermissive;
    } else if (type == "INFORMATIVE") {
      made.type = CategoryType::kInformative;
    } else {
      return refuse(element, "a Category needs a Type: RESTRICTIVE, PERMISSIVE or INFORMATIVE");
    }
    made.uri = uri_of(element);
    std::set<std::string> seen;
    for (const XmlElement& value : element.children) {
      if (!value.is(kLabelNamespace, "GenericValue"))
        return refuse(value, fmt::format("only GenericValue is read in a Category, not {}", value.name));
      if (made.values.size() == kMaxCategoryValues)
        return refuse(value, fmt::format("more than {} values", kMaxCategoryValues));
      BONGSU_TRY(std::string text, token(value, "a value"));
      if (!seen.insert(text).second) return refuse(value, fmt::format("the value {} stands twice", text));
      made.values.push_back(std::move(text));
    }
    label().categories.push_back(std::move(made));
    return {};
  }

  // URI is the standard's name; programs write URL.
  std::string uri_of(const XmlElement& element) {
    if (const auto uri = element.attribute("URI")) return std::string(*uri);
    if (const auto url = element.attribute("URL")) {
      warn(fmt::format("{} has an attribute URL; the standard's is URI", element.name));
      return std::string(*url);
    }
    return {};
  }

  Result<std::string> token(const XmlElement& element, std::string_view what) const {
    if (!element.children.empty()) return refuse(element, fmt::format("{} is text, without elements in it", what));
    std::string out = xml_token(element.text);
    if (out.empty()) return refuse(element, fmt::format("{} is empty", what));
    if (out.size() > kMaxLabelValueBytes)
      return fail(ErrorCode::kTooLarge, fmt::format("{} of more than {} bytes", what, kMaxLabelValueBytes),
                  where(element));
    return out;
  }

  Result<std::optional<Instant>> instant(const XmlElement& element) const {
    if (!element.children.empty())
      return refuse(element, fmt::format("{} is a time, without elements in it", element.name));
    return instant(element, trim(element.text));
  }
  Result<std::optional<Instant>> instant(const XmlElement& element, std::string_view text) const {
    const auto parsed = Instant::parse(text);
    if (!parsed)
      return refuse(element, fmt::format("{} is no time with a zone, as 2026-11-26T00:00:00Z", element.name));
    return parsed;
  }

  Where where(const XmlElement& element) const {
    return {.source = std::string(source_), .line = element.line, .field = element.name};
  }
  std::unexpected<Error> refuse(const XmlElement& element, std::string message) const {
    return fail(ErrorCode::kInvalid, std::move(message), where(element));
  }

  std::string_view source_;
  ReadLabel out_;
};

class LabelWriter {
 public:
  Result<void> write(const ConfidentialityLabel& label, std::string_view indent) {
    indent_ = indent;
    if (!label.created)
      return fail(ErrorCode::kInvalid, "a label needs the time of its creation", {.field = "created"});
    if (!label.review && !label.succeeded)
      return fail(ErrorCode::kInvalid, "a label that nothing succeeds needs a time of review", {.field = "review"});
    if (label.succeeded)
      return fail(ErrorCode::kUnsupported, "labels with a successor are read, not written", {.field = "succeeded"});
    const std::string_view root = std::ranges::find(kRoles, label.role, &RoleName::role)->name;
    line(0, fmt::format("<slab:{} xmlns:slab=\"{}\"{}>", root, kLabelNamespace,
                        label.review ? fmt::format(" ReviewDateTime=\"{}\"", label.review->text(0)) : ""));
    line(1, "<slab:ConfidentialityInformation>");
    BONGSU_TRY_VOID(element(2, "PolicyIdentifier", label.policy, uri(label.policy_uri)));
    BONGSU_TRY_VOID(element(2, "Classification", label.classification, ""));
    if (!label.privacy_mark.empty()) BONGSU_TRY_VOID(element(2, "PrivacyMark", label.privacy_mark, ""));
    for (const LabelCategory& category : label.categories) {
      BONGSU_TRY(const std::string tag, escaped(category.tag, "Category/@TagName"));
      line(2, fmt::format("<slab:Category Type=\"{}\" TagName=\"{}\"{}>", to_string(category.type), tag,
                          uri(category.uri)));
      for (const std::string& value : category.values) BONGSU_TRY_VOID(element(3, "GenericValue", value, ""));
      line(2, "</slab:Category>");
    }
    line(1, "</slab:ConfidentialityInformation>");
    if (!label.originator.empty()) {
      if (std::ranges::find(kIdTypes, label.originator_type) == kIdTypes.end())
        return fail(ErrorCode::kInvalid, "an originator needs an IDType of table 9", {.field = "OriginatorID"});
      BONGSU_TRY_VOID(
          element(1, "OriginatorID", label.originator, fmt::format(" IDType=\"{}\"", label.originator_type)));
    }
    line(1, fmt::format("<slab:CreationDateTime>{}</slab:CreationDateTime>", label.created->text(0)));
    line(0, fmt::format("</slab:{}>", root));
    return {};
  }

  std::string out;

 private:
  static Result<std::string> escaped(std::string_view text, std::string_view field) {
    // As xs:token is read back: anything else would come back as another value.
    if (text.empty() || trim(text) != text || text.find("  ") != text.npos || text.find_first_of("\t\n\r") != text.npos)
      return fail(ErrorCode::kInvalid, "it is empty, or has white space at its ends or more than a space between words",
                  {.field = std::string(field)});
    if (text.size() > kMaxLabelValueBytes)
      return fail(ErrorCode::kTooLarge, fmt::format("more than {} bytes", kMaxLabelValueBytes),
                  {.field = std::string(field)});
    auto made = xml_escaped(text);
    if (!made) made.error().where.field = field;
    return made;
  }
  static std::string uri(std::string_view text) {
    if (text.empty()) return {};
    const auto made = xml_escaped(text);
    return made ? fmt::format(" URI=\"{}\"", *made) : std::string();
  }
  Result<void> element(int depth, std::string_view name, std::string_view text, std::string_view attributes) {
    BONGSU_TRY(const std::string content, escaped(text, name));
    line(depth, fmt::format("<slab:{}{}>{}</slab:{}>", name, attributes, content, name));
    return {};
  }
  void line(int depth, std::string_view text) {
    out.append(indent_).append(static_cast<std::size_t>(depth) * 2, ' ').append(text).append("\n");
  }

  std::string_view indent_;
};

}  // namespace

std::string_view to_string(CategoryType type) {
  switch (type) {
    case CategoryType::kRestrictive:
      return "RESTRICTIVE";
    case CategoryType::kPermissive:
      return "PERMISSIVE";
    case CategoryType::kInformative:
      return "INFORMATIVE";
  }
  return "";
}

Result<ReadLabel> read_confidentiality_label(const XmlElement& element, std::string_view source_name) {
  return LabelReader(source_name).read(element);
}

Result<ReadLabel> read_confidentiality_label(std::string_view xml, std::string_view source_name) {
  BONGSU_TRY(const XmlElement root, parse_xml(xml, source_name));
  return read_confidentiality_label(root, source_name);
}

Result<std::string> write_confidentiality_label(const ConfidentialityLabel& label) {
  LabelWriter writer;
  writer.out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  BONGSU_TRY_VOID(writer.write(label, ""));
  return std::move(writer.out);
}

Result<ReadBinding> read_binding(std::string_view xml, std::string_view source_name) {
  BONGSU_TRY(const XmlElement root, parse_xml(xml, source_name));
  const auto refuse = [&](const XmlElement& element, std::string message, ErrorCode code = ErrorCode::kInvalid) {
    return fail(code, std::move(message),
                {.source = std::string(source_name), .line = element.line, .field = element.name});
  };
  if (!root.is(kBindingNamespace, "BindingInformation"))
    return refuse(root, fmt::format("{} is no binding of STANAG 4778", root.name));
  ReadBinding out;
  const auto one = [&](const XmlElement& element, MetadataBinding& binding) -> Result<void> {
    if (binding.labels.size() + binding.data.size() == kMaxBoundData)
      return refuse(element, fmt::format("more than {} labels and data objects", kMaxBoundData), ErrorCode::kTooLarge);
    if (element.is(kBindingNamespace, "Metadata")) {
      if (!binding.data.empty()) return refuse(element, "metadata stands before the data that it is bound to");
      if (element.children.size() != 1) return refuse(element, "a Metadata element holds exactly one element");
      BONGSU_TRY(auto read, read_confidentiality_label(element.children.front(), source_name));
      binding.labels.push_back(std::move(read.label));
      for (auto& warning : read.warnings) out.warnings.push_back(std::move(warning));
      return {};
    }
    if (element.is(kBindingNamespace, "DataReference")) {
      if (!element.children.empty())
        return refuse(element, "a part of the data, chosen by a transform, is not read", ErrorCode::kUnsupported);
      const auto uri = element.attribute("URI");
      if (!uri || uri->size() > kMaxLabelValueBytes) return refuse(element, "a DataReference needs a URI");
      BoundData data{.uri = std::string(*uri), .content_type = {}};
      for (const XmlAttribute& attribute : element.attributes)
        if (attribute.ns == kXmimeNamespace && attribute.name == "contentType") data.content_type = attribute.value;
      binding.data.push_back(std::move(data));
      return {};
    }
    if (element.is(kBindingNamespace, "Data") || element.is(kBindingNamespace, "MetadataReference"))
      return refuse(element, fmt::format("{} is not read: labels stand within the binding, data outside", element.name),
                    ErrorCode::kUnsupported);
    return refuse(element, fmt::format("there is no element {} in a MetadataBinding", element.name));
  };
  bool contained = false;
  for (const XmlElement& container : root.children) {
    if (container.is(kSignatureNamespace, "Signature")) {
      out.is_signed = true;
      continue;
    }
    if (!container.is(kBindingNamespace, "MetadataBindingContainer"))
      return refuse(container, fmt::format("the element {} is not understood", container.name));
    contained = true;
    if (container.children.empty()) return refuse(container, "a container without a MetadataBinding");
    for (const XmlElement& element : container.children) {
      if (!element.is(kBindingNamespace, "MetadataBinding"))
        return refuse(element, fmt::format("the element {} is not understood", element.name));
      if (out.bindings.size() == kMaxBindings)
        return refuse(element, fmt::format("more than {} bindings", kMaxBindings), ErrorCode::kTooLarge);
      MetadataBinding binding;
      for (const XmlElement& part : element.children) BONGSU_TRY_VOID(one(part, binding));
      if (binding.labels.empty()) return refuse(element, "a MetadataBinding without metadata");
      if (binding.data.empty()) return refuse(element, "a MetadataBinding without data");
      out.bindings.push_back(std::move(binding));
    }
  }
  if (!contained) return refuse(root, "no MetadataBindingContainer");
  if (out.is_signed) out.warnings.emplace_back("the signature was not checked");
  return out;
}

Result<std::string> write_binding(const std::vector<MetadataBinding>& bindings) {
  if (bindings.empty()) return fail(ErrorCode::kInvalid, "nothing to bind");
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<mb:BindingInformation xmlns:mb=\"{}\" xmlns:xmime=\"{}\">\n"
      "  <mb:MetadataBindingContainer>\n",
      kBindingNamespace, kXmimeNamespace);
  for (const MetadataBinding& binding : bindings) {
    if (binding.labels.empty() || binding.data.empty())
      return fail(ErrorCode::kInvalid, "a binding needs a label and something that it is bound to");
    out += "    <mb:MetadataBinding>\n";
    for (const ConfidentialityLabel& label : binding.labels) {
      LabelWriter writer;
      BONGSU_TRY_VOID(writer.write(label, "        "));
      out += "      <mb:Metadata>\n" + writer.out + "      </mb:Metadata>\n";
    }
    for (const BoundData& data : binding.data) {
      BONGSU_TRY(const std::string uri, xml_escaped(data.uri));
      BONGSU_TRY(const std::string type, xml_escaped(data.content_type));
      out += fmt::format("      <mb:DataReference URI=\"{}\"{}/>\n", uri,
                         type.empty() ? "" : fmt::format(" xmime:contentType=\"{}\"", type));
    }
    out += "    </mb:MetadataBinding>\n";
  }
  return out + "  </mb:MetadataBindingContainer>\n</mb:BindingInformation>\n";
}

}  // namespace bongsu::formats
