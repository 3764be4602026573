// The label that travels beside an object to another node.
//
// An object's own markings do not say what its label became here: a relationship to a hidden object has that object's
// label, a copy has the stricter one of those that are known. Who receives it may not hold what raised it (it was never
// given, or is gone by then), would work out a weaker label, and pass the object on to members that this node withholds
// it from. So the sender says the label that it decided on, and the receiver joins it with what it works out itself.
//
//   item.label = label_beside(label, "cert-ua");                    // "amber to:cert-lt,cert-ua class:restricted"
//   label = policy::join(label, read_label_beside(item.label));     // there
//
// It tells nothing that its receiver may not know: whoever may have the object may know its label, and whoever stands
// in a list of members may know that list. Members whose objects it refers to are left out, in lists too: the consent
// of those is asked at each step, of whoever gives.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "policy/label.h"

namespace bongsu::flow {

// Longer ones name the receiver alone; if that is too long as well, the object is for nobody else.
inline constexpr std::size_t kMaxLabelBeside = 16 * 1024;

// Of the object around its parts: a copy from which parts are left out, or that marks them, says those itself. Never
// empty.
std::string label_beside(const policy::Label& label, const policy::MemberId& receiver);
// What cannot be read (a later version's) denies: it is kept here and goes to nobody.
policy::Label read_label_beside(std::string_view text);

}  // namespace bongsu::flow
