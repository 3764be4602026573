// Admission: the one way in. parse → validate → label → de-duplicate → journal, with the releases decided in the same step.
//
//   flow::Admission admission(journal, release, markings, clock, log);
//   auto report = admission.admit(objects, {.collection = id, .origin = "cert-ua", .fallback = stix::Tlp::kAmber});
//   report.items[i].outcome, .error …
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "flow/markings.h"
#include "flow/release.h"
#include "journal/journal.h"
#include "stix/object.h"
#include "stix/validate.h"

namespace bongsu::flow {

struct AdmitContext {
  std::string collection;                       // id
  std::string origin;                           // member id; own id for what is ours
  stix::Tlp fallback = stix::Tlp::kAmberStrict; // label of objects that carry no TLP marking
  std::vector<journal::StateChange> states;     // written in the same transaction (a link's cursor, a feed's state)
};

struct AdmitItem {
  enum class Outcome { kNew, kDuplicate, kOtherBytes, kRefused } outcome = Outcome::kRefused;
  std::string id;                        // as far as known
  std::string version;                   // as shown by TAXII; empty when refused
  journal::Seq seq = 0;
  std::vector<stix::Finding> findings;   // why it was refused, or warnings
  std::string message;                   // one sentence for status resources
};

struct AdmitReport {
  std::vector<AdmitItem> items;          // in order of the input
  std::size_t admitted = 0, duplicates = 0, refused = 0;
};

class Admission {
 public:
  Admission(journal::Journal& journal, Release& release, Markings& markings, Log& log);

  // One batch, one durable commit. Objects that break the standard are refused one by one; the rest is admitted. An error means that
  // nothing was written (disk full, journal closed).
  Result<AdmitReport> admit(std::span<const Result<stix::Object>> objects, const AdmitContext& context);

  // Deletes one version (version_key) or all versions (empty) of an object from a collection. kNotFound if there is none.
  // `member` = whose view asks: what it cannot see it cannot delete, and the answer is kNotFound.
  Result<void> remove(std::string_view collection, std::string_view object_id, std::string_view version_key, std::string_view origin);

 private:
  journal::Journal& journal_;
  Release& release_;
  Markings& markings_;
  Log& log_;
};

}  // namespace bongsu::flow
