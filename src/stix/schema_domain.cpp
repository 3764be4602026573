// Domain objects (STIX 2.1 §4) and relationship objects (§5), property by property in the order of their tables.
#include <algorithm>

#include "stix/rules.h"
#include "stix/schema.h"
#include "stix/vocabulary.h"

namespace bongsu::stix {
namespace {

constexpr std::string_view kSoftwareTypes[] = {"software"};
constexpr std::string_view kSampleTypes[] = {"file", "artifact"};
constexpr std::string_view kAnalysedTypes[] = {"file", "network-traffic", "artifact"};
constexpr std::string_view kObservedDataTypes[] = {"observed-data"};
constexpr std::string_view kPlaceTypes[] = {"identity", "location"};
constexpr Targets kSoftware{"a software object", kSoftwareTypes};
constexpr Targets kSample{"a file or an artifact", kSampleTypes};
constexpr Targets kAnalysed{"a file, network traffic or an artifact", kAnalysedTypes};
constexpr Targets kObservedDataOnly{"observed-data", kObservedDataTypes};
constexpr Targets kPlace{"an identity or a location", kPlaceTypes};

bool is_relationship_type(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}
bool is_country(std::string_view text) {
  return text.size() == 2 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
}
constexpr Form kRelationshipTypeForm{is_relationship_type, "is made of a-z, 0-9 and hyphens"};
constexpr Form kCountryForm{is_country, "should be a code of ISO 3166-1 alpha-2", false};

constexpr Property kAttackPattern[] = {
    required("name", kString),
    optional("description", kString),
    optional("aliases", list_of(kString)),
    optional("kill_chain_phases", list_of(structure(kKillChainPhase))),
};
constexpr Rule kAttackPatternRules[] = {rule(capec_ids_are_exact)};

constexpr Property kCampaign[] = {
    required("name", kString),          optional("description", kString),  optional("aliases", list_of(kString)),
    optional("first_seen", kTimestamp), optional("last_seen", kTimestamp), optional("objective", kString),
};
constexpr Rule kSeenRules[] = {not_before("last_seen", "first_seen")};

constexpr Property kCourseOfAction[] = {
    required("name", kString),
    optional("description", kString),
    reserved("action"),
};

constexpr Property kGrouping[] = {
    required_by_errata("name", kString),
    optional("description", kString),
    required("context", term(kGroupingContext)),
    required("object_refs", list_of(reference(kAnyObject))),
};

constexpr Property kIdentityProperties[] = {
    required("name", kString),
    optional("description", kString),
    optional("roles", list_of(kString)),
    optional("identity_class", term(kIdentityClass)),
    optional("sectors", list_of(term(kIndustrySector))),
    optional("contact_information", kString),
};

constexpr Property kIncident[] = {
    required("name", kString),
    optional("description", kString),
};

constexpr Property kIndicator[] = {
    optional("name", kString),
    optional("description", kString),
    optional("indicator_types", list_of(term(kIndicatorType))),
    required("pattern", kString),
    required_since_21("pattern_type", term(kPatternType)),
    optional("pattern_version", kString),
    required("valid_from", kTimestamp),
    optional("valid_until", kTimestamp),
    optional("kill_chain_phases", list_of(structure(kKillChainPhase))),
};
constexpr Rule kIndicatorRules[] = {after("valid_until", "valid_from"), rule(stix_pattern_parses)};

constexpr Property kInfrastructure[] = {
    required("name", kString),
    optional("description", kString),
    optional("infrastructure_types", list_of(term(kInfrastructureType))),
    optional("aliases", list_of(kString)),
    optional("kill_chain_phases", list_of(structure(kKillChainPhase))),
    optional("first_seen", kTimestamp),
    optional("last_seen", kTimestamp),
};

constexpr Property kIntrusionSet[] = {
    required("name", kString),
    optional("description", kString),
    optional("aliases", list_of(kString)),
    optional("first_seen", kTimestamp),
    optional("last_seen", kTimestamp),
    optional("goals", list_of(kString)),
    optional("resource_level", term(kAttackResourceLevel)),
    optional("primary_motivation", term(kAttackMotivation)),
    optional("secondary_motivations", list_of(term(kAttackMotivation))),
};

constexpr Property kLocation[] = {
    optional("name", kString),
    optional("description", kString),
    optional("latitude", number(-90, 90)),
    optional("longitude", number(-180, 180)),
    optional("precision", kFloat),
    optional("region", term(kRegion)),
    optional("country", text(kCountryForm)),
    optional("administrative_area", kString),
    optional("city", kString),
    optional("street_address", kString),
    optional("postal_code", kString),
};
constexpr Rule kLocationRules[] = {one_of("region", "country", "latitude"), needs("latitude", "longitude"),
                                   needs("longitude", "latitude"), needs("precision", "latitude"),
                                   needs("precision", "longitude")};

constexpr Property kMalware[] = {
    optional("name", kString),
    optional("description", kString),
    optional("malware_types", list_of(term(kMalwareType))),
    required_since_21("is_family", kBoolean),
    optional("aliases", list_of(kString)),
    optional("kill_chain_phases", list_of(structure(kKillChainPhase))),
    optional("first_seen", kTimestamp),
    optional("last_seen", kTimestamp),
    optional("operating_system_refs", list_of(reference(kSoftware))),
    optional("architecture_execution_envs", list_of(term(kProcessorArchitecture))),
    optional("implementation_languages", list_of(term(kImplementationLanguage))),
    optional("capabilities", list_of(term(kMalwareCapabilities))),
    optional("sample_refs", list_of(reference(kSample))),
};
constexpr Rule kMalwareRules[] = {not_before("last_seen", "first_seen"), rule(malware_family_has_name)};

constexpr Property kMalwareAnalysis[] = {
    required("product", kString),
    optional("version", kString),
    optional("host_vm_ref", reference(kSoftware)),
    optional("operating_system_ref", reference(kSoftware)),
    optional("installed_software_refs", list_of(reference(kSoftware))),
    optional("configuration_version", kString),
    optional("modules", list_of(kString)),
    optional("analysis_engine_version", kString),
    optional("analysis_definition_version", kString),
    optional("submitted", kTimestamp),
    optional("analysis_started", kTimestamp),
    optional("analysis_ended", kTimestamp),
    optional("result_name", kString),
    optional("result", term(kMalwareResult)),
    optional("analysis_sco_refs", list_of(reference(kObservableOnly))),
    optional("sample_ref", reference(kAnalysed)),
};
constexpr Rule kMalwareAnalysisRules[] = {one_of("result", "analysis_sco_refs")};

constexpr Property kNote[] = {
    optional("abstract", kString),
    required("content", kString),
    optional("authors", list_of(kString)),
    required("object_refs", list_of(reference(kAnyObject))),
};

constexpr Property kObservedData[] = {
    required("first_observed", kTimestamp),
    required("last_observed", kTimestamp),
    required("number_observed", integer(1, 999'999'999)),
    deprecated("objects", dictionary(Entries::kDictionary)),
    optional("object_refs", list_of(reference(kObservableOrRelationship))),
};
constexpr Rule kObservedDataRules[] = {not_before("last_observed", "first_observed"), one_of("objects", "object_refs"),
                                       not_both("objects", "object_refs"), rule(observed_data_has_observable),
                                       rule(observable_container_is_closed)};

constexpr Property kOpinion[] = {
    optional("explanation", kString),
    optional("authors", list_of(kString)),
    required("opinion", term(kOpinionTerms)),
    required("object_refs", list_of(reference(kAnyObject))),
};

constexpr Property kReport[] = {
    required("name", kString),
    optional("description", kString),
    optional("report_types", list_of(term(kReportType))),
    required("published", kTimestamp),
    required("object_refs", list_of(reference(kAnyObject))),
};

constexpr Property kThreatActor[] = {
    required("name", kString),
    optional("description", kString),
    optional("threat_actor_types", list_of(term(kThreatActorType))),
    optional("aliases", list_of(kString)),
    optional("first_seen", kTimestamp),
    optional("last_seen", kTimestamp),
    optional("roles", list_of(term(kThreatActorRole))),
    optional("goals", list_of(kString)),
    optional("sophistication", term(kThreatActorSophistication)),
    optional("resource_level", term(kAttackResourceLevel)),
    optional("primary_motivation", term(kAttackMotivation)),
    optional("secondary_motivations", list_of(term(kAttackMotivation))),
    optional("personal_motivations", list_of(term(kAttackMotivation))),
};

constexpr Property kTool[] = {
    required("name", kString),
    optional("description", kString),
    optional("tool_types", list_of(term(kToolType))),
    optional("aliases", list_of(kString)),
    optional("kill_chain_phases", list_of(structure(kKillChainPhase))),
    optional("tool_version", kString),
};

constexpr Property kVulnerability[] = {
    required("name", kString),
    optional("description", kString),
};
constexpr Rule kVulnerabilityRules[] = {rule(cve_ids_are_exact)};

constexpr Property kRelationship[] = {
    required("relationship_type", text(kRelationshipTypeForm)),
    optional("description", kString),
    required("source_ref", reference(kDomainOrObservable)),
    required("target_ref", reference(kDomainOrObservable)),
    optional("start_time", kTimestamp),
    optional("stop_time", kTimestamp),
};
constexpr Rule kRelationshipRules[] = {after("stop_time", "start_time")};

constexpr Property kSighting[] = {
    optional("description", kString),
    optional("first_seen", kTimestamp),
    optional("last_seen", kTimestamp),
    optional("count", integer(0, 999'999'999)),
    required("sighting_of_ref", reference(kDomainOnly)),
    optional("observed_data_refs", list_of(reference(kObservedDataOnly))),
    optional("where_sighted_refs", list_of(reference(kPlace))),
    optional("summary", {.kind = Kind::kBooleanOrString}),
};

constexpr Structure kAttackPatternObject{"attack-pattern", "STIX 2.1 §4.1.1", kAttackPattern, kAttackPatternRules};
constexpr Structure kCampaignObject{"campaign", "STIX 2.1 §4.2.1", kCampaign, kSeenRules};
constexpr Structure kCourseOfActionObject{"course-of-action", "STIX 2.1 §4.3.1", kCourseOfAction, {}};
constexpr Structure kGroupingObject{"grouping", "STIX 2.1 §4.4.1", kGrouping, {}};
constexpr Structure kIdentityObject{"identity", "STIX 2.1 §4.5.1", kIdentityProperties, {}};
constexpr Structure kIncidentObject{"incident", "STIX 2.1 §4.6.1", kIncident, {}};
constexpr Structure kIndicatorObject{"indicator", "STIX 2.1 §4.7.1", kIndicator, kIndicatorRules};
constexpr Structure kInfrastructureObject{"infrastructure", "STIX 2.1 §4.8.1", kInfrastructure, kSeenRules};
constexpr Structure kIntrusionSetObject{"intrusion-set", "STIX 2.1 §4.9.1", kIntrusionSet, kSeenRules};
constexpr Structure kLocationObject{"location", "STIX 2.1 §4.10.1", kLocation, kLocationRules};
constexpr Structure kMalwareObject{"malware", "STIX 2.1 §4.11.1", kMalware, kMalwareRules};
constexpr Structure kMalwareAnalysisObject{"malware-analysis", "STIX 2.1 §4.12.1", kMalwareAnalysis,
                                           kMalwareAnalysisRules};
constexpr Structure kNoteObject{"note", "STIX 2.1 §4.13.1", kNote, {}};
constexpr Structure kObservedDataObject{"observed-data", "STIX 2.1 §4.14.1", kObservedData, kObservedDataRules};
constexpr Structure kOpinionObject{"opinion", "STIX 2.1 §4.15.1", kOpinion, {}};
constexpr Structure kReportObject{"report", "STIX 2.1 §4.16.1", kReport, {}};
constexpr Structure kThreatActorObject{"threat-actor", "STIX 2.1 §4.17.1", kThreatActor, kSeenRules};
constexpr Structure kToolObject{"tool", "STIX 2.1 §4.18.1", kTool, {}};
constexpr Structure kVulnerabilityObject{"vulnerability", "STIX 2.1 §4.19.1", kVulnerability, kVulnerabilityRules};
constexpr Structure kRelationshipObject{"relationship", "STIX 2.1 §5.1.2", kRelationship, kRelationshipRules};
constexpr Structure kSightingObject{"sighting", "STIX 2.1 §5.2.1", kSighting, kSeenRules};

ObjectSchema domain(const Structure& own) { return {Category::kDomain, &own, kCommonOfVersioned, kNotOfVersioned}; }
ObjectSchema relation(const Structure& own) {
  return {Category::kRelationship, &own, kCommonOfVersioned, kNotOfVersioned};
}

}  // namespace

std::span<const ObjectSchema> domain_schemas() {
  static const ObjectSchema schemas[] = {
      domain(kAttackPatternObject), domain(kCampaignObject),       domain(kCourseOfActionObject),
      domain(kGroupingObject),      domain(kIdentityObject),       domain(kIncidentObject),
      domain(kIndicatorObject),     domain(kInfrastructureObject), domain(kIntrusionSetObject),
      domain(kLocationObject),      domain(kMalwareObject),        domain(kMalwareAnalysisObject),
      domain(kNoteObject),          domain(kObservedDataObject),   domain(kOpinionObject),
      domain(kReportObject),        domain(kThreatActorObject),    domain(kToolObject),
      domain(kVulnerabilityObject),
  };
  return schemas;
}

std::span<const ObjectSchema> relationship_schemas() {
  static const ObjectSchema schemas[] = {relation(kRelationshipObject), relation(kSightingObject)};
  return schemas;
}

}  // namespace bongsu::stix
