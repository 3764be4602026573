// What references reveal: raises the labels of objects by the labels of those that they refer to, and notes for each
// object what else is asked of who may know of those (policy::Target): it goes to nobody who may not have what it names.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "flow/known_objects.h"
#include "policy/decide.h"
#include "stix/object.h"

namespace bongsu::flow {

// What it reveals to name an object: that it is there, so its label without the parts that can be left out of it; who
// gave it may of course know of it; and it is that member's information.
policy::Label label_of_reference(const policy::Label& target, std::string_view target_origin, std::string_view self);

struct Referring {
  const stix::Object* object = nullptr;
  policy::ObjectFacts* facts = nullptr;  // own label in, effective label and targets out
  // Its label says what it refers to, too (label_beside.h), or it is this node's. Otherwise what is not known here may be
  // hidden where it comes from: what refers to that goes no further.
  bool covered = true;
  // It is this node's, and is labelled again for what came or was raised after it. Of a member's copy then only the label
  // counts, not whose it is nor where it stands: naming it before tells nothing of that, and a member who sends what this
  // node's objects name would else take them from all others.
  bool named_first = false;
};

// All of one origin and admitted together, so they may refer to each other in any order and in circles. `live`: into a
// collection that belongs to no exercise. `unknown`: gets the ids of what is not known here.
Result<void> raise_by_references(const std::vector<Referring>& batch, std::string_view origin, std::string_view self,
                                 bool live, KnownObjects::Look& look, std::set<std::string>* unknown = nullptr);

// Whether more is asked of who may know of what `after` says than of what `before` says: what refers to it is no more
// open than that. Copies of one object, as KnownObjects gives them.
bool hides_more(std::vector<KnownCopy> before, std::vector<KnownCopy> after, std::string_view self);

}  // namespace bongsu::flow
