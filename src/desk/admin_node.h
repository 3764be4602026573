// A real node, asked over its admin socket (node/admin_api.h says what it answers).
//
//   AdminNode node("/drill/nodes/cert-lt", clock);
//   BONGSU_TRY(Json status, node.call("GET", "/status"));
//   node.be_brief(kLookDeadline);                  // once it is set up: nobody waits long for it
//   if (!node.rests()) node.alerts(1000, 0);
//
// A node that does not answer in time rests: it is not asked again for a while, each time for longer, and then with
// little patience, so that one that hangs does not hold up a drill of many.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "desk/member_node.h"
#include "net/client.h"

namespace bongsu::desk {

inline constexpr std::chrono::milliseconds kSetUpDeadline{20'000};  // of one call
inline constexpr std::chrono::milliseconds kLookDeadline{2'000};
inline constexpr std::chrono::milliseconds kShortestRest{1'000}, kLongestRest{10'000};
inline constexpr std::chrono::milliseconds kRestedDeadline{500};  // of one that did not answer the last time

class AdminNode final : public MemberNode {
 public:
  // The clock outlives it.
  AdminNode(const std::filesystem::path& data_directory, const Clock& clock);

  Result<std::vector<NodeAlert>> alerts(std::uint32_t limit, std::uint64_t before) override;
  Result<std::vector<NodeCollection>> collections() override;
  Result<ObjectPage> objects(const std::string& collection, std::uint64_t after) override;
  Result<std::string> label_of(const NodeObject& object, const std::string& collection) override;
  Result<Published> publish(const std::string& collection, const JsonArray& objects) override;

  // A refused call comes back as an error with the node's own sentence.
  Result<Json> call(std::string_view method, std::string_view path, const Json& body = nullptr);
  Result<Json> send(std::string_view method, std::string_view path, std::string body, std::string_view content_type);
  bool answers();  // somebody listens
  void be_brief(std::chrono::milliseconds deadline) { deadline_ = deadline; }
  bool rests() const { return clock_.monotonic() < rests_until_; }

 private:
  const Clock& clock_;
  std::string socket_, member_;
  std::chrono::milliseconds deadline_ = kSetUpDeadline;
  std::chrono::nanoseconds rest_{0}, rests_until_{0};
  net::Client client_;
};

}  // namespace bongsu::desk
