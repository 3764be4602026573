// How a command reaches a node: through the admin socket when the node is running, else by opening its data directory in this process.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "net/client.h"
#include "net/http.h"
#include "node/admin_api.h"
#include "node/data_dir.h"

namespace bongsu::cli {

// Whether somebody listens on the node's socket: one that was killed leaves the file behind.
bool node_listens(const node::DataDir& directory);

class AdminClient {
 public:
  // kNotFound: no node in this directory.
  static Result<AdminClient> open(const std::string& data_directory);

  // `path` without "/admin/v1": "/collections". A refused call comes back as an error with the node's own sentence.
  Result<Json> call(std::string_view method, std::string_view path, const Json& body = nullptr);
  // The same with a raw body and answer.
  Result<std::string> exchange(std::string_view method, std::string_view path, std::string body, std::string_view content_type);
  bool running() const { return socket_ != nullptr; }

 private:
  AdminClient() = default;
  std::string socket_path_;
  std::unique_ptr<net::Client> socket_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<node::Core> core_;
  bool alerts_read_ = false;
  std::unique_ptr<node::AdminApi> api_;
};

}  // namespace bongsu::cli
