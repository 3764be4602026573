// Where `taxii pull` puts objects: a STIX bundle or NDJSON, in a file or on standard output. Not for other commands.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace bongsu::cli {

// A whole small file. kIo names it.
Result<std::string> read_text_file(const std::string& path);
// Replaces the file at once, durably: a crash leaves the old one or the new one.
Result<void> write_text_file(const std::string& path, std::string_view text);

class ObjectOutput {
 public:
  ObjectOutput() = default;
  ~ObjectOutput();
  ObjectOutput(const ObjectOutput&) = delete;
  ObjectOutput& operator=(const ObjectOutput&) = delete;

  // `append` goes on in an NDJSON file that is there. A bundle is written beside its name and takes it in finish().
  Result<void> open(const std::string& path, bool ndjson, bool append, std::FILE* standard_output, Random& random);
  Result<void> write(std::string_view object);
  Result<void> flush();   // on disk when it returns
  Result<void> finish();  // closes the bundle

 private:
  Result<void> put(std::string_view text);
  std::FILE* file_ = nullptr;
  bool owned_ = false, ndjson_ = false, any_ = false, begun_ = false;
  std::string path_, partial_, bundle_id_;
};

}  // namespace bongsu::cli
