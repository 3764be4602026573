// XML documents of strangers as values: elements with namespaces, attributes and text. libxml2 is behind it.
//
//   BONGSU_TRY(const XmlElement root, parse_xml(bytes, "label.xml"));
//   root.is(kLabelNamespace, "originatorConfidentialityLabel"); root.child(ns, "Classification")->text
//
// No document type declarations (so no entities and nothing that grows), nothing is fetched, no processing
// instructions. Comments are dropped.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu::formats {

inline constexpr std::size_t kMaxXmlBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxXmlElements = 200'000;
inline constexpr int kMaxXmlDepth = 64;

struct XmlAttribute {
  std::string ns, name, value;  // ns: empty = unqualified
};

struct XmlElement {
  std::string ns, name;
  std::vector<XmlAttribute> attributes;
  std::vector<XmlElement> children;
  std::string text;  // all text directly within, in order
  std::uint64_t line = 0;

  bool is(std::string_view of, std::string_view called) const { return ns == of && name == called; }
  std::optional<std::string_view> attribute(std::string_view called) const;     // an unqualified one
  const XmlElement* child(std::string_view of, std::string_view called) const;  // the first
};

// kInvalid names line and cause; kTooLarge beyond the limits above.
Result<XmlElement> parse_xml(std::string_view bytes, std::string_view source_name);

// Text as xs:token: white space at the ends and doubled within does not count.
std::string xml_token(std::string_view text);

// Text as it stands in an attribute or between tags: & < > " and line ends as references. kInvalid for what XML 1.0
// cannot say (control characters, invalid UTF-8).
Result<std::string> xml_escaped(std::string_view text);

}  // namespace bongsu::formats
