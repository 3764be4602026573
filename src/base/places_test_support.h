// Where tests find files: this project's own, and the real data that is no part of it.
//
//   std::ifstream in(source_dir() + "/src/crypto/testdata/hpke_vectors.json");
//   const std::string path = shared_data("trust/markings.json");
//   if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
#pragma once

#include <string>
#include <string_view>

namespace bongsu {

// The project's root, without a slash at its end. One file knows it, so that a compiler's cache knows the others again
// wherever the project lies.
std::string source_dir();

// The path of one of the shared files, or empty when it is not there: in $BONGSU_SHARED_DATA, else in ../shared/data.
std::string shared_data(std::string_view name);

}  // namespace bongsu
