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

}  // namespace bongsu::flow
