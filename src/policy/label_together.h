// Within the module: how the markings of one object go together.
#pragma once

#include "policy/label.h"

namespace bongsu::policy {

// As join, except that persons named by one marking are those whom a TLP:RED beside it means. (Joined with something
// else, a RED without persons is for nobody, whomever that names.)
Label together(const Label& a, const Label& b);

// TLP:RED goes to named persons, so RED without persons and RED with none of them are one value: the former.
void settle_red(Label& label);

}  // namespace bongsu::policy
