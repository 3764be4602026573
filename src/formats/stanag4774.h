// Confidentiality labels of STANAG 4774 (ADatP-4774 edition A version 1) and their binding to data by STANAG 4778
// (ADatP-4778 edition A version 1), as values.
//
//   BONGSU_TRY(const auto read, read_confidentiality_label(bytes, "label.xml"));
//   read.label.policy                 // "NATO"
//   read.label.classification         // "SECRET"
//   BONGSU_TRY(const std::string xml, write_confidentiality_label(read.label));
//   BONGSU_TRY(const std::string bound, write_binding({.labels = {label}, .data = {{.uri = "report.json"}}}));
//
// What the values mean for a release is policy's to say (policy/stanag_label.h); here is what the documents say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace bongsu::formats {

struct XmlElement;

inline constexpr std::string_view kLabelNamespace = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0";
inline constexpr std::string_view kBindingNamespace = "urn:nato:stanag:4778:bindinginformation:1:0";
inline constexpr std::size_t kMaxLabelCategories = 64;
inline constexpr std::size_t kMaxCategoryValues = 1024;
inline constexpr std::size_t kMaxLabelValueBytes = 1024;
inline constexpr std::size_t kMaxBoundData = 4096;  // labels and data objects of one binding
inline constexpr std::size_t kMaxBindings = 1024;   // in one document

// App. 1, table 8. Restrictive: a reader has to hold all values; permissive: one of them; informative: nobody is kept
// out.
enum class CategoryType : std::uint8_t { kRestrictive, kPermissive, kInformative };
std::string_view to_string(CategoryType type);  // "RESTRICTIVE"

struct LabelCategory {
  std::string tag;  // "Releasable To"
  CategoryType type = CategoryType::kRestrictive;
  std::string uri;  // "urn:oid:…", or empty
  std::vector<std::string> values;
  bool operator==(const LabelCategory&) const = default;
};

// By its root element (App. 1): what the originator said; the same in another policy; the label of the label.
enum class LabelRole : std::uint8_t { kOriginator, kAlternative, kMetadata };

struct ConfidentialityLabel {
  LabelRole role = LabelRole::kOriginator;
  std::string policy;      // PolicyIdentifier
  std::string policy_uri;  // "urn:oid:1.3.26.1.3.1", or empty
  std::string classification;
  std::string privacy_mark;
  std::vector<LabelCategory> categories;
  std::string originator, originator_type;  // OriginatorID and its IDType; empty: not said
  std::optional<Instant> created;           // required by the schema; labels of some programs lack it
  std::optional<Instant> review;            // ReviewDateTime
  // SuccessionHandling: from then on another label holds. Only when is kept; a label that has such a successor expires
  // for us at that time (policy/stanag_label.h), because what follows may be stricter.
  std::optional<Instant> succeeded;
  bool operator==(const ConfidentialityLabel&) const = default;
};

struct ReadLabel {
  ConfidentialityLabel label;
  std::vector<std::string> warnings;  // where the document differs from the standard without being ambiguous
};

// kInvalid, with line and rule: not such a label, an element that changes what it means and is not understood (integer
// and bit string values, elements of other namespaces), a value twice, a category without type or tag.
Result<ReadLabel> read_confidentiality_label(std::string_view xml, std::string_view source_name);
Result<ReadLabel> read_confidentiality_label(const XmlElement& element, std::string_view source_name);
// A document of its own, XSD-valid: kInvalid without policy, classification, creation time, or review time where
// nothing succeeds it (App. 1: it SHALL be present then); categories without values, tag; values that XML cannot say.
Result<std::string> write_confidentiality_label(const ConfidentialityLabel& label);

// ── STANAG 4778 ─────────────────────────────────────────────────────────────────────────────────────────────────────
struct BoundData {
  std::string uri;           // "report.json", "pack:///word/document.xml", "#chapter2", "" = the whole document
  std::string content_type;  // xmime:contentType; empty: XML
  bool operator==(const BoundData&) const = default;
};

// All of the labels are bound to all of the data (ADatP-4778 §4.3.3).
struct MetadataBinding {
  std::vector<ConfidentialityLabel> labels;
  std::vector<BoundData> data;
  bool operator==(const MetadataBinding&) const = default;
};

struct ReadBinding {
  std::vector<MetadataBinding> bindings;
  // A ds:Signature is there. This program does not check XML signatures: whoever needs the binding to be proven uses a
  // sealed or signed form.
  bool is_signed = false;
  std::vector<std::string> warnings;
};

// A detached binding (BindingInformation, §4.5). kInvalid, with line and rule: no container, no metadata or no data,
// more than one label in one Metadata element, metadata or data by a transform or embedded data, which are not read, a
// metadata reference (nothing is fetched).
Result<ReadBinding> read_binding(std::string_view xml, std::string_view source_name);
Result<std::string> write_binding(const std::vector<MetadataBinding>& bindings);

}  // namespace bongsu::formats
