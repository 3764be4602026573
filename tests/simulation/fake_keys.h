// Keys and signatures of the simulator, which cost a hash.
#pragma once

#include <string>
#include <string_view>

#include "crypto/keys.h"

namespace bongsu::simulation {

// Whoever knows the public key can make these signatures, so nothing here proves that keys are kept. crypto::verify is
// simulated_verify() in the simulator (CMakeLists.txt, --wrap); what is signed, what is checked and when is the
// product's.
crypto::SigningKey signing_key_of(std::string_view holder);
std::string public_key_hex(std::string_view holder);
bool simulated_verify(std::string_view public_key, std::string_view message, std::string_view signature);

}  // namespace bongsu::simulation
