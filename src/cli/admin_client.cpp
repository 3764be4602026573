#include "cli/admin_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace bongsu::cli {
namespace {

constexpr std::chrono::minutes kDeadline{10};  // backups and verifications take their time

ErrorCode code_of(int status) {
  switch (status) {
    case 400: return ErrorCode::kInvalid;
    case 401: return ErrorCode::kUnauthenticated;
    case 403: return ErrorCode::kDenied;
    case 404: return ErrorCode::kNotFound;
    case 409: return ErrorCode::kConflict;
    case 413: return ErrorCode::kTooLarge;
    case 422: return ErrorCode::kUnsupported;
    case 503: return ErrorCode::kUnavailable;
    case 507: return ErrorCode::kNoSpace;
    default: return ErrorCode::kInternal;
  }
}

}  // namespace

bool node_listens(const node::DataDir& directory) {
  const std::string path = directory.admin_socket().string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

Result<AdminClient> AdminClient::open(const std::string& data_directory) {
  const node::DataDir directory{std::filesystem::absolute(data_directory)};
  if (!directory.exists())
    return fail(ErrorCode::kNotFound, "there is no node here; make one: bongsu init --member NAME --data " + data_directory, {.source = data_directory});
  AdminClient client;
  if (node_listens(directory)) {
    client.socket_path_ = directory.admin_socket().string();
    client.socket_ = std::make_unique<net::Client>(net::ClientOptions{});
    return client;
  }
  client.log_ = make_stderr_log(LogLevel::kWarn);
  BONGSU_TRY(client.core_, node::Core::open(directory, *client.log_));
  client.api_ = std::make_unique<node::AdminApi>(*client.core_, node::AdminHooks{});
  return client;
}

Result<std::string> AdminClient::exchange(std::string_view method, std::string_view path, std::string body, std::string_view content_type) {
  int status = 0;
  std::string text;
  const std::string target = "/admin/v1" + std::string(path);
  if (socket_) {
    net::ClientRequest request;
    request.method = std::string(method);
    request.url = {.scheme = "unix", .host = socket_path_, .port = 0, .target = target};
    if (!body.empty()) request.headers.add("Content-Type", std::string(content_type));
    request.body = std::move(body);
    BONGSU_TRY(auto response, socket_->send(request, kDeadline));
    status = response.status;
    text = std::move(response.body);
  } else {
    net::Request request;
    request.method = std::string(method);
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    if (!body.empty()) request.headers.add("Content-Type", std::string(content_type));
    request.body = std::move(body);
    request.peer.local = true;
    // Reading them takes a while on a large node, so only who asks waits.
    const auto asks = [&](std::string_view name) { return path.starts_with(name); };
    if (!alerts_read_ && (asks("/alerts") || asks("/hits") || asks("/groups") || asks("/suppressions"))) {
      BONGSU_TRY_VOID(core_->alerts->rebuild({}));
      alerts_read_ = true;
    }
    net::Response response = api_->handle(std::move(request));
    status = response.status;
    text = std::get<std::string>(std::move(response.body));
  }
  if (status >= 300) {
    const auto json = parse_json(text);
    const auto message = json ? string_at(*json, "message") : std::nullopt;
    return fail(code_of(status), message ? std::string(*message) : fmt::format("the node answered {}", status));
  }
  return text;
}

Result<Json> AdminClient::call(std::string_view method, std::string_view path, const Json& body) {
  BONGSU_TRY(const std::string text, exchange(method, path, body.is_null() ? "" : to_text(body), "application/json"));
  return parse_json(text);
}

}  // namespace bongsu::cli
