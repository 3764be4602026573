// A client towards a partner's node that another thread may cancel. Internal to link.
#pragma once

#include <memory>
#include <mutex>

#include "link/runner.h"
#include "net/client.h"

namespace bongsu::link {

inline net::ClientOptions client_options(const LinksOptions& options, const Partner& partner) {
  net::ClientOptions out;
  out.tls = options.tls;
  out.tls.floor = net::TlsFloor::kTls13;  // links speak nothing older
  out.tls.pinned_fingerprints = {partner.ca_fingerprint};
  out.connect_timeout = options.connect_timeout;
  return out;
}

// A client that another thread may cancel, also between two calls.
class CancellableClient {
 public:
  // nullptr after cancel().
  std::shared_ptr<net::Client> open(net::ClientOptions options) {
    auto client = std::make_shared<net::Client>(std::move(options));
    const std::lock_guard lock(mutex_);
    if (cancelled_) return nullptr;
    client_ = client;
    return client;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    client_.reset();
  }
  void cancel_once() {
    std::shared_ptr<net::Client> client;
    {
      const std::lock_guard lock(mutex_);
      client = client_;
    }
    if (client) client->cancel();
  }
  void cancel() {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    cancel_once();
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<net::Client> client_;
  bool cancelled_ = false;
};

}  // namespace bongsu::link
