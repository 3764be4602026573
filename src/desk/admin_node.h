// A real node, asked over its admin socket (node/admin_api.h says what it answers).
//
//   AdminNode node("/drill/nodes/cert-lt");
//   BONGSU_TRY(Json status, node.call("GET", "/status"));
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "desk/member_node.h"
#include "net/client.h"

namespace bongsu::desk {

class AdminNode final : public MemberNode {
 public:
  explicit AdminNode(const std::filesystem::path& data_directory);

  Result<std::vector<NodeAlert>> alerts(std::uint32_t limit) override;
  Result<std::vector<NodeCollection>> collections() override;
  Result<ObjectPage> objects(const std::string& collection, std::uint64_t after) override;
  Result<std::string> label_of(const std::string& object, const std::string& collection) override;
  Result<Published> publish(const std::string& collection, const JsonArray& objects) override;

  // A refused call comes back as an error with the node's own sentence.
  Result<Json> call(std::string_view method, std::string_view path, const Json& body = nullptr);
  Result<Json> send(std::string_view method, std::string_view path, std::string body, std::string_view content_type);
  bool answers();  // somebody listens

  // How long one call waits, at most.
  void wait_at_most(std::chrono::milliseconds patience) { patience_ = patience; }
  // A call was in vain a moment ago: a process that is stopped or drowned in work, which none should wait for again and
  // again. After the moment a call is tried with little patience, until one is answered.
  bool silent() const;

 private:
  std::string socket_, member_;
  net::Client client_;
  SystemClock clock_;
  std::chrono::milliseconds patience_{20'000};
  std::optional<std::chrono::nanoseconds> ask_again_;  // monotonic; set while it does not answer
};

}  // namespace bongsu::desk
