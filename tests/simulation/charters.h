// Versions of a charter for the simulator, signed by three sponsors (two would do).
//
//   CharterBook book({"cert-a", "cert-b"}, start);                    // version 1, of founders
//   book.next(later, [&](policy::Charter& draft) { book.admit(draft, "cert-c"); });
//   book.versions()                                                     // all so far, as nodes are given them
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "policy/charter.h"

namespace bongsu::simulation {

class CharterBook {
 public:
  CharterBook(const std::vector<std::string>& founders, Instant issued);
  using Change = std::function<void(policy::Charter& draft)>;
  void next(Instant issued, const Change& change);
  static void admit(policy::Charter& draft, const std::string& member);
  static void remove(policy::Charter& draft, const std::string& member);
  static void change_clearance(policy::Charter& draft, const std::string& member, std::uint8_t clearance);
  static void found_group(policy::Charter& draft, const std::string& name, const std::vector<std::string>& members);
  static void change_group(policy::Charter& draft, const std::string& name, Instant from,
                           const std::vector<std::string>& members);
  static std::string group_id(const std::string& name);

  const std::vector<policy::SignedCharter>& versions() const { return versions_; }

 private:
  std::vector<policy::SignedCharter> versions_;
};

}  // namespace bongsu::simulation
