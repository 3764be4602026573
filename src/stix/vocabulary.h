// The vocabularies (open) and enumerations (closed) of STIX 2.1 §10, Errata 01.
#pragma once

#include "stix/schema.h"

namespace bongsu::stix {

extern const Vocabulary kAccountType, kAttackMotivation, kAttackResourceLevel, kEncryptionAlgorithm, kExtensionType,
    kGroupingContext, kIdentityClass, kImplementationLanguage, kIndicatorType, kIndustrySector, kInfrastructureType,
    kMalwareCapabilities, kMalwareResult, kMalwareType, kSocketAddressFamily, kSocketType, kOpinionTerms, kPatternType,
    kProcessorArchitecture, kRegion, kReportType, kThreatActorType, kThreatActorRole, kThreatActorSophistication,
    kToolType, kIntegrityLevel, kPeBinaryType, kRegistryDatatype, kServiceStartType, kServiceType, kServiceStatus,
    kMarkingType;

}  // namespace bongsu::stix
