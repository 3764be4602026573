// What of the labels of two copies of one object, or of two of its versions, is compared.
#pragma once

#include "policy/label.h"

namespace bongsu::flow {

// What decides about recipients wherever it is, without what references reveal: two copies of an object refer to the same.
inline policy::Label comparable(policy::Label label) {
  label.reveals.clear();
  // Each copy belongs to the exercise of the place that it came to.
  label.exercises.clear();
  for (policy::LabelPart& part : label.parts) part.label.exercises.clear();
  return label;
}

// At most as strict, as a whole and around its parts: without its parts an object goes to whoever may have the rest,
// however strict they are.
inline bool as_low(const policy::Label& label, const policy::Label& than) {
  if (!policy::at_most(comparable(label), comparable(than))) return false;
  if (label.parts.empty() && than.parts.empty()) return true;
  const auto around = [](const policy::Label& one) { return comparable(policy::whole(policy::own_part(one))); };
  return policy::at_most(around(label), around(than));
}

}  // namespace bongsu::flow
