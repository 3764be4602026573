// Carries out what a drill sends: telemetry into the files that sensors follow, deliveries by their channel. Each can
// be carried out again after a crash and is then there once.
//
//   Post post(dir, scenario, players, {.node = …});
//   BONGSU_TRY_VOID(post.write(lines));                     // TelemetryLines
//   BONGSU_TRY(const std::string how, post.deliver(d));     // "" as asked; else where it went instead, and why
//
// console  is there by itself: the desk's API shows it.
// taxii    a note in exercise control's collection of the drill, released to the recipient's node alone, which it
// reaches
//          by its link. For those without a node: the console.
// cap      a file DIR/cap/ID.xml (Common Alerting Protocol 1.2, status Exercise), and the console shows it. Where there
// is an URL for it, it is posted there, too; it may come twice, under one identifier.
// mail     to the SMTP server, if there is one (mail.h); it may come twice, under one Message-ID. Else, and where the
// server refuses a letter for good: the console, and it is said.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "desk/mail.h"
#include "desk/member_node.h"
#include "desk/objects.h"
#include "desk/players.h"
#include "desk/telemetry_file.h"
#include "exercise/drill/drill.h"
#include "net/client.h"

namespace bongsu::desk {

struct PostWays {
  std::function<MemberNode*(const std::string& member)> node;  // nullptr: it is not there now
  Mail* mail = nullptr;
  std::optional<net::Url> cap;
};

class Post {
 public:
  // Scenario and players outlive it.
  Post(std::filesystem::path directory, const exercise::scenario::Scenario& scenario, const Players& players,
       PostWays ways);

  Result<void> write(const exercise::drill::TelemetryLines& lines);
  // kUnavailable: the way is not there now; try again later.
  Result<std::string> deliver(const exercise::drill::Delivery& delivery);

 private:
  Result<std::string> by_taxii(const exercise::drill::Delivery& delivery);
  Result<std::string> by_mail(const exercise::drill::Delivery& delivery);
  Result<std::string> by_cap(const exercise::drill::Delivery& delivery);
  Result<std::string> post_cap(std::string xml);

  const std::filesystem::path directory_;
  const exercise::scenario::Scenario& scenario_;
  const Players& players_;
  const PostWays ways_;
  const SystemClock clock_;
  net::Client cap_client_{net::ClientOptions{.connect_timeout = std::chrono::milliseconds(1000)}};
  std::chrono::nanoseconds cap_again_at_{0};  // monotonic
  const ObjectMaker maker_;
  std::map<std::string, TelemetryFile> files_;  // by member
};

}  // namespace bongsu::desk
