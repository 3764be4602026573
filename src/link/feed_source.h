// Where a feed's documents are: a directory, a file, or a web server.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/client.h"

namespace bongsu::link {

inline constexpr std::size_t kMaxFeedDocumentBytes = 512 * 1024 * 1024;

// One thread reads; cancel may come from any.
class FeedSource {
 public:
  virtual ~FeedSource() = default;
  // `name` relative to the feed's place ("manifest.json"); empty = the place itself. kNotFound, kUnavailable, kTooLarge, kIo, kTimeout, kCancelled.
  virtual Result<std::string> read(std::string_view name) = 0;
  virtual void cancel() {}
};

// "file:///directory/", "/directory", "https://host/path/". Plain http only to this machine itself: what is looked for must not be
// written by whoever sits on the way. Up to five redirects are followed, within https.
Result<std::unique_ptr<FeedSource>> open_feed_source(const std::string& url, const net::ClientOptions& options,
                                                     std::chrono::milliseconds deadline);

// For tests: documents by name.
class MemoryFeedSource final : public FeedSource {
 public:
  std::map<std::string, std::string, std::less<>> documents;
  Result<std::string> read(std::string_view name) override;
};

}  // namespace bongsu::link
