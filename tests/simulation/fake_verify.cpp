// crypto::verify of the simulator. The linker puts it in the place of the real one (--wrap).
#include "nodes.h"

extern "C" bool __wrap__ZN6bongsu6crypto6verifyESt17basic_string_viewIcSt11char_traitsIcEES4_S4_(
    std::string_view public_key, std::string_view message, std::string_view signature);

extern "C" bool __wrap__ZN6bongsu6crypto6verifyESt17basic_string_viewIcSt11char_traitsIcEES4_S4_(
    std::string_view public_key, std::string_view message, std::string_view signature) {
  return bongsu::simulation::simulated_verify(public_key, message, signature);
}
