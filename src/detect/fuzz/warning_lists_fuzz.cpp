// A warning list of any bytes, and look-ups in it.
#include <cstddef>
#include <cstdint>

#include "detect/warning_lists.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::detect;
  WarningLists lists;
  (void)lists.add_list({reinterpret_cast<const char*>(data), size}, "fuzz");
  lists.finish();
  lists.find({Kind::kDomain, "www.example.com"});
  lists.find({Kind::kUrl, "http://10.0.0.1/x"});
  lists.find({Kind::kIpv6, "2001:db8::1"});
  lists.find({Kind::kEmail, "a@example.com"});
  return 0;
}
