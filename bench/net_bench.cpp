// What does a request over TLS cost the server, and what a handshake and a streamed gigabyte? The server runs in a
// process of its own, so that its CPU time is its own; the client is ours.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/keys.h"
#include "net/client.h"
#include "net/server.h"

using namespace bongsu;
using namespace std::chrono_literals;

namespace {

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

class Gigabyte final : public net::BodySource {
 public:
  Result<bool> read(std::string& out) override {
    out.append(65'536, 'x');
    return ++pieces_ < 16'384;
  }

 private:
  int pieces_ = 0;
};

net::Response handle(net::Request&& request) {
  if (request.path == "/cpu") return net::Response::text(200, std::to_string(cpu_seconds()));
  if (request.path == "/stream") return {.body = std::make_unique<Gigabyte>()};
  return net::Response::json(200, R"({"title":"bench","description":")" + std::string(200, 'd') + "\"}");
}

[[noreturn]] void serve(const crypto::Identity& leaf, bool mutual, int port_pipe) {
  auto log = make_null_log();
  net::TlsServerOptions tls{.certificate_pem = leaf.certificate_pem, .private_key_pem = leaf.private_key_pem};
  if (mutual) tls.client_certificate = net::ClientCertificate::kOptional;
  net::Server server({.name = "bench", .tls = tls}, handle, *log);
  if (!server.start()) std::exit(1);
  const std::uint16_t port = server.port();
  if (::write(port_pipe, &port, sizeof port) != sizeof port) std::exit(1);
  pause();
  std::exit(0);
}

struct Target {
  net::ClientOptions options;
  std::uint16_t port;
  net::Url url(std::string path) const {
    return {.scheme = "https", .host = "127.0.0.1", .port = port, .target = std::move(path)};
  }
  std::string get(net::Client& client, std::string path) const {
    auto response = client.send({.url = url(std::move(path))}, 60s);
    if (!response || response->status != 200) {
      fmt::print(stderr, "request failed: {}\n", response ? std::to_string(response->status) : response.error().text());
      std::exit(1);
    }
    return std::move(response->body);
  }
  double server_cpu() const {
    net::Client client(options);
    return std::stod(get(client, "/cpu"));
  }
};

template <class Work>
void measure(const Target& target, const std::string& name, int count, Work work) {
  const double before = target.server_cpu();
  const auto start = std::chrono::steady_clock::now();
  work();
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double cpu = target.server_cpu() - before;
  fmt::print("{:<44} {:>9.1f} us server CPU each, {:>9.0f}/s\n", name, cpu / count * 1e6, count / wall);
}

void requests_on_one_connection(const Target& target, int count) {
  net::Client client(target.options);
  for (int i = 0; i < count; ++i) target.get(client, "/");
}

}  // namespace

int main() {
  const SystemClock clock;
  const auto ca = crypto::make_ca("bench", 24h * 30, clock).value();
  const auto leaf = crypto::issue(ca, {.common_name = "bench", .names = {"127.0.0.1"}}, clock).value();
  for (const bool mutual : {false, true}) {
    int pipe_fds[2];
    if (::pipe(pipe_fds) != 0) return 1;
    const pid_t child = ::fork();
    if (child == 0) serve(leaf, mutual, pipe_fds[1]);
    Target target{{.tls = {.pinned_fingerprints = {crypto::read_certificate(ca.certificate_pem).value().fingerprint}}},
                  0};
    if (mutual) {
      target.options.tls.certificate_pem = leaf.certificate_pem;
      target.options.tls.private_key_pem = leaf.private_key_pem;
    }
    if (::read(pipe_fds[0], &target.port, sizeof target.port) != sizeof target.port) return 1;
    fmt::print("{}\n", mutual ? "mutual TLS 1.3" : "TLS 1.3");
    requests_on_one_connection(target, 2'000);
    measure(target, "small GET, keep-alive, 1 connection", 30'000, [&] { requests_on_one_connection(target, 30'000); });
    measure(target, "small GET, keep-alive, 8 connections", 40'000, [&] {
      std::vector<std::thread> threads;
      for (int t = 0; t < 8; ++t) threads.emplace_back([&] { requests_on_one_connection(target, 5'000); });
      for (auto& thread : threads) thread.join();
    });
    measure(target, "handshake and one GET", 300, [&] {
      for (int i = 0; i < 300; ++i) requests_on_one_connection(target, 1);
    });
    measure(target, "64 KiB of a streamed body", 16'384, [&] {
      net::Client client(target.options);
      std::size_t total = 0;
      const auto done = client.stream(
          {.url = target.url("/stream")}, 60s, [](const auto&) { return true; },
          [&](std::string_view data) {
            total += data.size();
            return true;
          });
      if (!done || total != 16'384ull * 65'536ull) std::exit(1);
    });
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(pipe_fds[0]);
    ::close(pipe_fds[1]);
  }
}
