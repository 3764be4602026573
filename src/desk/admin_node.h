// A real node, asked over its admin socket (node/admin_api.h says what it answers).
//
//   AdminNode node("/drill/nodes/cert-lt");
//   BONGSU_TRY(Json status, node.call("GET", "/status"));
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

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

 private:
  std::string socket_, member_;
  net::Client client_;
};

}  // namespace bongsu::desk
