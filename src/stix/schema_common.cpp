// Common properties (STIX 2.1 §3.2) and the types that many objects share (§2).
#include <algorithm>

#include "stix/rules.h"
#include "stix/schema.h"
#include "stix/type_table.h"
#include "stix/value_checks.h"

namespace bongsu::stix {

bool Targets::allow(std::string_view type) const {
  if (!types.empty()) return std::ranges::find(types, type) != types.end();
  if (type == "bundle") return false;
  switch (category_of(type)) {
    case Category::kDomain:
      return domain;
    case Category::kRelationship:
      return relationship;
    case Category::kObservable:
      return observable;
    case Category::kMeta:
      return meta;
    case Category::kCustom:
      return true;
  }
  return false;
}

namespace {

constexpr std::string_view kIdentityTypes[] = {"identity"};
constexpr std::string_view kMarkingTypes[] = {"marking-definition"};

}  // namespace

constinit const Targets kAnyObject{"a STIX object", {}, true, true, true, true};
constinit const Targets kDomainOrObservable{"an SDO or SCO", {}, true, false, true, false};
constinit const Targets kDomainOnly{"an SDO", {}, true, false, false, false};
constinit const Targets kObservableOnly{"an SCO", {}, false, false, true, false};
constinit const Targets kObservableOrRelationship{"an SCO or SRO", {}, false, true, true, false};
constinit const Targets kIdentity{"an identity", kIdentityTypes};
constinit const Targets kMarkingDefinition{"a marking-definition", kMarkingTypes};

constinit const Form kUrlForm{is_url, "is not a URL (RFC 3986)"};
constinit const Form kMimeForm{is_mime_type, "is not a media type of the form type/subtype", false};
constinit const Form kLanguageForm{is_language_tag, "is not a language code (RFC 5646)"};

namespace {

bool is_character_set(std::string_view text) {
  return !text.empty() && text.size() <= 100 && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}
bool is_kill_chain_term(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || c == ' ' || c == '_'; });
}
constexpr Form kKillChainForm{is_kill_chain_term, "should be lower case with hyphens between words", false};

constexpr Property kKillChainPhaseProperties[] = {
    required("kill_chain_name", text(kKillChainForm)),
    required("phase_name", text(kKillChainForm)),
};

constexpr Property kExternalReferenceProperties[] = {
    required("source_name", kString), optional("description", kString), optional("url", kString),
    optional("hashes", kHashes),      optional("external_id", kString),
};
constexpr Rule kExternalReferenceRules[] = {one_of("description", "url", "external_id")};

constexpr Property kGranularMarkingProperties[] = {
    optional("lang", text(kLanguageForm)),
    optional("marking_ref", reference(kMarkingDefinition)),
    required("selectors", list_of(kString)),
};
constexpr Rule kGranularMarkingRules[] = {one_of("lang", "marking_ref"), not_both("lang", "marking_ref"),
                                          rule(selectors_resolve)};

}  // namespace

constinit const Form kCharacterSetForm{is_character_set, "is not the name of a character set"};

constinit const Structure kKillChainPhase{"kill-chain-phase", "STIX 2.1 §2.11", kKillChainPhaseProperties, {}};
constinit const Structure kExternalReference{"external-reference", "STIX 2.1 §2.5", kExternalReferenceProperties,
                                             kExternalReferenceRules};
constinit const Structure kGranularMarking{"granular-marking", "STIX 2.1 §7.2.3", kGranularMarkingProperties,
                                           kGranularMarkingRules};

namespace {

// In the order in which objects usually have them: the search is linear.
constexpr Property kVersioned[] = {
    required("type", kString),
    required("id", kString),
    required_since_21("spec_version", kString),
    required("created", kTimestamp),
    required("modified", kTimestamp),
    optional("created_by_ref", reference(kIdentity)),
    optional("revoked", kBoolean),
    optional("labels", list_of(kString)),
    optional("confidence", integer(0, 100)),
    optional("lang", text(kLanguageForm)),
    optional("external_references", list_of(structure(kExternalReference))),
    optional("object_marking_refs", list_of(reference(kMarkingDefinition))),
    optional("granular_markings", list_of(structure(kGranularMarking))),
    optional("extensions", dictionary(Entries::kDictionary)),
};

// created to revoked: an SCO is not versioned, but a producer may version it (STIX 2.1 §3.6).
constexpr Property kObservable[] = {
    required("type", kString),
    required("id", kString),
    optional("spec_version", kString),
    optional("object_marking_refs", list_of(reference(kMarkingDefinition))),
    optional("granular_markings", list_of(structure(kGranularMarking))),
    optional("defanged", kBoolean),
    optional("extensions", dictionary(Entries::kDictionary)),
    optional("created", kTimestamp),
    optional("modified", kTimestamp),
    optional("created_by_ref", reference(kIdentity)),
    optional("revoked", kBoolean),
};

constexpr Property kMarking[] = {
    required("type", kString),
    required("id", kString),
    required_since_21("spec_version", kString),
    required("created", kTimestamp),
    optional("created_by_ref", reference(kIdentity)),
    optional("external_references", list_of(structure(kExternalReference))),
    optional("object_marking_refs", list_of(reference(kMarkingDefinition))),
    optional("granular_markings", list_of(structure(kGranularMarking))),
    optional("extensions", dictionary(Entries::kDictionary)),
};

constexpr Property kLanguage[] = {
    required("type", kString),
    required("id", kString),
    required("spec_version", kString),
    required("created", kTimestamp),
    required("modified", kTimestamp),
    optional("created_by_ref", reference(kIdentity)),
    optional("revoked", kBoolean),
    optional("labels", list_of(kString)),
    optional("confidence", integer(0, 100)),
    optional("external_references", list_of(structure(kExternalReference))),
    optional("object_marking_refs", list_of(reference(kMarkingDefinition))),
    optional("granular_markings", list_of(structure(kGranularMarking))),
    optional("extensions", dictionary(Entries::kDictionary)),
};

constexpr Property kExtensionDefinition[] = {
    required("type", kString),
    required("id", kString),
    required("spec_version", kString),
    required("created", kTimestamp),
    required("modified", kTimestamp),
    required("created_by_ref", reference(kIdentity)),
    optional("revoked", kBoolean),
    optional("labels", list_of(kString)),
    optional("external_references", list_of(structure(kExternalReference))),
    optional("object_marking_refs", list_of(reference(kMarkingDefinition))),
    optional("granular_markings", list_of(structure(kGranularMarking))),
};

// A custom type may be an SDO, an SRO or an SCO: what is there has its type, and nothing beyond id and type is
// required.
constexpr Property kCustom[] = {
    required("type", kString),
    required("id", kString),
    optional("spec_version", kString),
    optional("created", kTimestamp),
    optional("modified", kTimestamp),
    optional("created_by_ref", reference(kIdentity)),
    optional("revoked", kBoolean),
    optional("labels", list_of(kString)),
    optional("confidence", integer(0, 100)),
    optional("lang", text(kLanguageForm)),
    optional("external_references", list_of(structure(kExternalReference))),
    optional("object_marking_refs", list_of(reference(kMarkingDefinition))),
    optional("granular_markings", list_of(structure(kGranularMarking))),
    optional("defanged", kBoolean),
    optional("extensions", dictionary(Entries::kDictionary)),
};

constexpr std::string_view kNotVersioned[] = {"defanged"};
constexpr std::string_view kNotObservable[] = {"labels", "confidence", "lang", "external_references"};
constexpr std::string_view kNotMarking[] = {"modified", "revoked", "labels", "confidence", "lang", "defanged"};
constexpr std::string_view kNotLanguage[] = {"lang", "defanged"};
constexpr std::string_view kNotExtension[] = {"confidence", "lang", "defanged", "extensions"};

}  // namespace

constinit const std::span<const Property> kCommonOfVersioned{kVersioned};
constinit const std::span<const Property> kCommonOfObservable{kObservable};
constinit const std::span<const Property> kCommonOfMarking{kMarking};
constinit const std::span<const Property> kCommonOfLanguage{kLanguage};
constinit const std::span<const Property> kCommonOfExtension{kExtensionDefinition};
constinit const std::span<const Property> kCommonOfCustom{kCustom};
constinit const std::span<const std::string_view> kNotOfVersioned{kNotVersioned};
constinit const std::span<const std::string_view> kNotOfObservable{kNotObservable};
constinit const std::span<const std::string_view> kNotOfMarking{kNotMarking};
constinit const std::span<const std::string_view> kNotOfLanguage{kNotLanguage};
constinit const std::span<const std::string_view> kNotOfExtension{kNotExtension};

const ObjectSchema* schema_of(std::string_view type) {
  for (const auto schemas : {domain_schemas(), relationship_schemas(), observable_schemas(), meta_schemas()})
    for (const ObjectSchema& schema : schemas)
      if (schema.own->name == type) return &schema;
  return nullptr;
}

}  // namespace bongsu::stix
