// Meta objects (STIX 2.1 §7): language content, marking definitions, extension definitions.
#include "stix/rules.h"
#include "stix/schema.h"
#include "stix/value_checks.h"
#include "stix/vocabulary.h"

namespace bongsu::stix {
namespace {

constexpr Form kPropertyNameForm{is_custom_property_name, "is not a property name: 3 to 250 of a-z, 0-9 and _"};

constexpr Property kLanguageContent[] = {
    required("object_ref", reference(kAnyObject)),
    optional("object_modified", kTimestamp),
    required("contents", {.kind = Kind::kDictionary, .entries = Entries::kDictionary, .language_keys = true}),
};

constexpr Property kMarkingDefinitionProperties[] = {
    optional("name", kString),
    optional("definition_type", term(kMarkingType)),
    optional("definition", kAny),
};
constexpr Rule kMarkingDefinitionRules[] = {rule(marking_definition_is_whole)};

constexpr Property kExtensionDefinitionProperties[] = {
    required("name", kString),
    optional("description", kString),
    required("schema", kString),
    required("version", kString),
    required("extension_types", list_of(term(kExtensionType))),
    optional("extension_properties", list_of(text(kPropertyNameForm))),
};
constexpr Rule kExtensionDefinitionRules[] = {rule(extension_properties_have_their_type)};

constexpr Structure kLanguageContentObject{"language-content", "STIX 2.1 §7.1.1", kLanguageContent, {}};
constexpr Structure kMarkingDefinitionObject{"marking-definition", "STIX 2.1 §7.2.1", kMarkingDefinitionProperties,
                                             kMarkingDefinitionRules};
constexpr Structure kExtensionDefinitionObject{"extension-definition", "STIX 2.1 §7.3.1",
                                               kExtensionDefinitionProperties, kExtensionDefinitionRules};

}  // namespace

std::span<const ObjectSchema> meta_schemas() {
  static const ObjectSchema schemas[] = {
      {Category::kMeta, &kLanguageContentObject, kCommonOfLanguage, kNotOfLanguage},
      {Category::kMeta, &kMarkingDefinitionObject, kCommonOfMarking, kNotOfMarking},
      {Category::kMeta, &kExtensionDefinitionObject, kCommonOfExtension, kNotOfExtension},
  };
  return schemas;
}

}  // namespace bongsu::stix
