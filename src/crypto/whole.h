// Commitments to objects that are signed as a whole, without a tree of their leaves. For this module's .cpp files.
#pragma once

#include <string_view>

#include "base/random.h"
#include "crypto/disclosure.h"

namespace bongsu::crypto {

// Nothing is read: the bytes may be anything. disclose() says that no part of it can be proven.
ObjectCommitment commit_whole(std::string_view bytes, Random& random);

}  // namespace bongsu::crypto
