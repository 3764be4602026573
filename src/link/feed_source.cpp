#include "link/feed_source.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <mutex>

namespace bongsu::link {
namespace {

constexpr int kMaxRedirects = 5;

class FileSource final : public FeedSource {
 public:
  explicit FileSource(std::filesystem::path place) : place_(std::move(place)) {}

  Result<std::string> read(std::string_view name) override {
    const auto path = name.empty() ? place_ : place_ / name;
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error == std::errc::no_such_file_or_directory)
      return fail(ErrorCode::kNotFound, "there is no such file", {.source = path.string()});
    if (error) return fail(ErrorCode::kIo, error.message(), {.source = path.string()});
    if (size > kMaxFeedDocumentBytes)
      return fail(ErrorCode::kTooLarge, fmt::format("larger than {} bytes", kMaxFeedDocumentBytes),
                  {.source = path.string()});
    std::ifstream in(path, std::ios::binary);
    std::string out(size, '\0');
    in.read(out.data(), static_cast<std::streamsize>(size));
    if (in.bad() || !in.is_open()) return fail(ErrorCode::kIo, "cannot be read", {.source = path.string()});
    out.resize(static_cast<std::size_t>(in.gcount()));  // it may shrink while it is read
    return out;
  }

 private:
  std::filesystem::path place_;
};

bool is_this_machine(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

class WebSource final : public FeedSource {
 public:
  WebSource(net::Url place, net::ClientOptions options, std::chrono::milliseconds deadline)
      : place_(std::move(place)), options_(std::move(options)), deadline_(deadline) {
    options_.max_body_bytes = kMaxFeedDocumentBytes;
  }

  Result<std::string> read(std::string_view name) override {
    net::Url url = place_;
    if (!name.empty()) {
      const auto question = url.target.find('?');
      std::string query = question == std::string::npos ? "" : url.target.substr(question);
      url.target.resize(std::min(question, url.target.size()));
      if (!url.target.ends_with('/')) url.target += '/';
      url.target += name;
      url.target += query;
    }
    for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
      const auto client = open();
      if (!client) return fail(ErrorCode::kCancelled, "stopped");
      const auto response = client->send({.method = "GET", .url = url, .headers = {{"Accept", "*/*"}}}, deadline_);
      if (!response) return std::unexpected(response.error());
      if (response->status == 200) return std::move(response->body);
      if (response->status < 300 || response->status >= 400) {
        const bool absent = response->status == 404 || response->status == 410;
        return fail(absent ? ErrorCode::kNotFound : ErrorCode::kUnavailable, fmt::format("HTTP {}", response->status),
                    {.source = url.scheme + "://" + url.host});
      }
      BONGSU_TRY(url, redirected(url, response->headers.get("Location").value_or("")));
    }
    return fail(ErrorCode::kUnavailable, "too many redirects", {.source = place_.host});
  }

  void cancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (client_) client_->cancel();
  }

 private:
  std::shared_ptr<net::Client> open() {
    auto client = std::make_shared<net::Client>(options_);
    const std::lock_guard lock(mutex_);
    if (cancelled_) return nullptr;
    client_ = client;
    return client;
  }

  static Result<net::Url> redirected(const net::Url& from, std::string_view location) {
    if (location.starts_with('/') && !location.starts_with("//")) {
      net::Url url = from;
      url.target = location;
      return url;
    }
    BONGSU_TRY(net::Url url, net::parse_url(location));
    if (url.scheme != from.scheme) return fail(ErrorCode::kUnavailable, "a redirect to another scheme is not followed");
    if (url.scheme == "http" && !is_this_machine(url.host))
      return fail(ErrorCode::kUnavailable, "a redirect to plain http is not followed");
    return url;
  }

  const net::Url place_;
  net::ClientOptions options_;
  const std::chrono::milliseconds deadline_;
  std::mutex mutex_;
  std::shared_ptr<net::Client> client_;
  bool cancelled_ = false;
};

}  // namespace

Result<std::unique_ptr<FeedSource>> open_feed_source(const std::string& url, const net::ClientOptions& options,
                                                     std::chrono::milliseconds deadline) {
  constexpr std::string_view kFile = "file://";
  if (url.starts_with(kFile) || url.starts_with('/')) {
    std::string path = url.starts_with('/') ? url : url.substr(kFile.size());
    if (!path.starts_with('/'))
      return fail(ErrorCode::kInvalid, "file:// wants an absolute path: file:///srv/feed", {.field = "url"});
    if (url.starts_with(kFile)) {
      BONGSU_TRY(path, net::percent_decode(path));
    }
    return std::make_unique<FileSource>(std::move(path));
  }
  BONGSU_TRY(net::Url parsed, net::parse_url(url));
  if (parsed.scheme != "https" && !(parsed.scheme == "http" && is_this_machine(parsed.host)))
    return fail(ErrorCode::kInvalid, "a feed comes by https://, from a file:// or from this machine", {.field = "url"});
  return std::make_unique<WebSource>(std::move(parsed), options, deadline);
}

Result<std::string> MemoryFeedSource::read(std::string_view name) {
  const auto found = documents.find(name);
  if (found == documents.end())
    return fail(ErrorCode::kNotFound, "there is no such document", {.source = std::string(name)});
  return found->second;
}

}  // namespace bongsu::link
