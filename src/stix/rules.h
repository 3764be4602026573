// Rules that no table can say: each looks at one structure (the checker knows which) and tells the checker what it
// breaks. Internal to the module.
#pragma once

#include "stix/document.h"

namespace bongsu::stix {

class Checker;

void selectors_resolve(Checker& checker, const Path& path);                     // STIX 2.1 §7.2.3
void capec_ids_are_exact(Checker& checker, const Path& path);                   // STIX 2.1 §4.1.1
void cve_ids_are_exact(Checker& checker, const Path& path);                     // STIX 2.1 §4.19.1
void stix_pattern_parses(Checker& checker, const Path& path);                   // STIX 2.1 §9
void malware_family_has_name(Checker& checker, const Path& path);               // STIX 2.1 §4.11.1
void observed_data_has_observable(Checker& checker, const Path& path);          // STIX 2.1 §4.14.1
void observable_container_is_closed(Checker& checker, const Path& path);        // STIX 2.1 §2.13
void email_body_fits_multipart(Checker& checker, const Path& path);             // STIX 2.1 §6.6.1
void traffic_that_ended_is_not_active(Checker& checker, const Path& path);      // STIX 2.1 §6.12.1
void hive_is_written_out(Checker& checker, const Path& path);                   // STIX 2.1 §6.17.1
void precise_to_the_second(Checker& checker, const Path& path);                 // STIX 2.1 §6.7.6
void marking_definition_is_whole(Checker& checker, const Path& path);           // STIX 2.1 §7.2.1
void extension_properties_have_their_type(Checker& checker, const Path& path);  // STIX 2.1 §7.3.1

}  // namespace bongsu::stix
