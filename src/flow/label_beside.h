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
// It tells nothing that its receiver may not know (D9: who stands in a list is data itself). Lists that the object's own
// markings say are read there anyway. Another list came from what raised the label here, which the receiver may not
// know, so it says the receiver alone, and of persons his own: the object goes no further from there, this node gives it
// to the others itself. Members whose objects it refers to are left out, in lists too: the consent of those is asked at
// each step, of whoever gives.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "flow/markings.h"
#include "policy/label.h"

namespace bongsu::flow {

// Longer ones name the receiver alone; if that is too long as well, the object is for nobody else.
inline constexpr std::size_t kMaxLabelBeside = 16 * 1024;

// Of the object around its parts: a copy from which parts are left out, or that marks them, says those itself. Never
// empty. `shown`: what the markings of the object say, as it is given away.
std::string label_beside(const policy::Label& label, const policy::Label& shown, const policy::MemberId& receiver);
// The same, of the bytes that are given away.
std::string label_beside(const policy::Label& label, const Markings& markings, std::string_view bytes,
                         const policy::MemberId& receiver);
// What cannot be read (a later version's) denies: it is kept here and goes to nobody.
policy::Label read_label_beside(std::string_view text);

}  // namespace bongsu::flow
