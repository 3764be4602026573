#include "desk/desk_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <set>
#include <utility>

#include "api/console/answer.h"
#include "api/console/session.h"
#include "api/console/static_files.h"
#include "base/bytes.h"
#include "base/text.h"
#include "base/uuid.h"
#include "crypto/secret.h"
#include "desk/desk_json.h"
#include "desk/desk_range.h"
#include "desk/program.h"
#include "desk/scoreboard.h"
#include "desk/team_tasks.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::desk {
namespace {

using namespace exercise::drill;
using api::console::answer;
using api::console::json_body;
namespace scenario = exercise::scenario;

constexpr std::string_view kRoot = "/desk/v1/";
constexpr std::string_view kHeader = "X-Bongsu-Desk";
constexpr std::string_view kWhite = "white", kObserver = "observer", kTeam = "team/", kGrader = "grader/",
                           kRole = "role/";
constexpr std::size_t kPullBytes = 256 * 1024;
constexpr std::chrono::milliseconds kTick{1000};  // of the clock in event streams

struct Caller {
  std::string account;
  bool white() const { return account == kWhite; }
  const Seat* seat = nullptr;  // outside teams
  bool grader() const { return account.starts_with(kGrader); }
  bool sees_all() const { return white() || grader() || account == kObserver; }
  std::string_view team() const {
    return account.starts_with(kTeam) ? std::string_view(account).substr(kTeam.size()) : std::string_view();
  }
  bool may_read(const Tabled& t, const Entry& entry) const {
    return sees_all() || (seat != nullptr ? seat_may_read(entry, *seat) : team_may_read(t, entry, team()));
  }
  Json shown(const Entry& entry) const { return sees_all() ? json_of(entry) : json_for_team(entry); }
};

std::unexpected<Error> denied(std::string message) { return fail(ErrorCode::kDenied, std::move(message)); }

Result<std::string> text_of(const Json& body, std::string_view key, bool required) {
  const Json* value = find(body, key);
  if (value == nullptr && !required) return std::string();
  if (value == nullptr || !value->is_string())
    return fail(ErrorCode::kInvalid, "is a text", {.field = std::string(key)});
  if (value->get_string().size() > kMaxFieldBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("has more than {} bytes", kMaxFieldBytes),
                {.field = std::string(key)});
  return std::string(value->get_string());
}

Result<std::optional<double>> number_of(const Json& body, std::string_view key) {
  const Json* value = find(body, key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_number()) return fail(ErrorCode::kInvalid, "is a number", {.field = std::string(key)});
  return value->to_number<double>();
}

Result<double> needed_number(const Json& body, std::string_view key) {
  BONGSU_TRY(const auto value, number_of(body, key));
  if (!value) return fail(ErrorCode::kInvalid, "is a number", {.field = std::string(key)});
  return *value;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_loopback_host(std::string_view host) {
  if (host.starts_with("[::1]")) return true;
  const std::string_view name = host.substr(0, host.find(':'));
  return name == "localhost" || name == "127.0.0.1";
}

// How much a team may do now.
struct Allowance {
  double left = kDeedsAtOnce;
  std::chrono::nanoseconds since{0};
};

net::Response too_many(std::string message, int wait_seconds) {
  net::Response response = api::console::error_answer({ErrorCode::kUnavailable, std::move(message), {}});
  response.status = 429;
  response.headers.set("Retry-After", std::to_string(wait_seconds));
  return response;
}

// Who guesses tokens is told when to come again.
constexpr int kGuessesWait = 60;  // seconds
Result<net::Response> turned_away(const Error& error) {
  if (error.code == ErrorCode::kUnavailable) return too_many(error.message, kGuessesWait);
  return std::unexpected(error);
}

// Everybody who waits for news.
struct Hub {
  std::mutex mutex;
  std::map<std::uint64_t, net::TailSource::Wake> wakes;
  std::uint64_t next = 0;
  std::size_t streams = 0;
  std::map<std::string, std::size_t> streams_of;  // by account
  bool ended = false;
};

}  // namespace

DeskTokens DeskTokens::fresh(const Players& players, Random& random) {
  DeskTokens out;
  for (const std::string_view account : {kWhite, kObserver})
    out.by_account[std::string(account)] = crypto::fresh_token(random);
  for (const Player& p : players.all())
    if (!p.white) out.by_account[std::string(kTeam) + p.entity] = crypto::fresh_token(random);
  for (std::size_t i = 1; i <= kGraders; ++i)
    out.by_account[fmt::format("{}{}", kGrader, i)] = crypto::fresh_token(random);
  for (const Seat& seat : players.seats()) out.by_account[std::string(kRole) + seat.name] = crypto::fresh_token(random);
  return out;
}

struct DeskApi::Impl : std::enable_shared_from_this<DeskApi::Impl> {
  DeskApiDeps deps;
  std::map<std::string, std::string> account_of_digest;
  api::console::Sessions sessions;
  std::shared_ptr<Hub> hub = std::make_shared<Hub>();
  const std::string banner;
  Scoreboard board;
  std::mutex allowances_mutex;
  std::map<std::string, Allowance> allowances;  // by account

  Impl(DeskApiDeps d, const DeskTokens& tokens)
      : deps(std::move(d)),
        sessions(deps.clock, deps.random, {}),
        banner(deps.table.look([](const Tabled& t) { return t.drill.label_text(); })),
        board(deps.table) {
    for (const auto& [account, token] : tokens.by_account) account_of_digest[crypto::token_digest(token)] = account;
  }

  Result<net::Response> handle(net::Request& request);
  Result<Caller> caller_of(const net::Request& request);
  // kUnavailable: too many wrong ones came from there.
  Result<std::string> account_of(const std::string& token, const net::Request& request);
  bool may_do(const std::string& account);
  Result<net::Response> log_in(net::Request& request);
  Result<net::Response> route(const Caller& caller, net::Request& request, const std::vector<std::string>& path);
  Result<net::Response> state(const Caller& caller);
  Result<net::Response> log(const Caller& caller, const net::Request& request);
  Result<net::Response> control(const Caller& caller, const Json& body);
  Result<net::Response> team(const Caller& caller, std::string_view name, const net::Request& request);
  Result<net::Response> range(const Caller& caller, const std::vector<std::string>& path, const net::Request& request);
  Result<net::Response> scoreboard(const Caller& caller);
  Result<net::Response> show_scoreboard(const Caller& caller, const Json& body);
  Result<net::Response> deed(const Caller& caller, const std::string& name, const std::string& what, const Json& body);
  Result<net::Response> letters_of(const Seat& seat);
  Result<net::Response> answer_of(const Caller& caller, const std::string& name, const std::string& what,
                                  const Json& body);
  Result<net::Response> judgement(const Caller& caller, const std::string& what, const Json& body);
  Result<net::Response> events(const Caller& caller, const net::Request& request);
  Result<net::Response> taken(const Input& input);
};

namespace {

// The log from a number on as an event stream, as far as the account may read it, and the clock each second.
class DeskStream final : public net::TailSource {
 public:
  DeskStream(std::shared_ptr<Hub> hub, Table& table, const Clock& clock, Caller caller, std::uint64_t after)
      : hub_(std::move(hub)), table_(table), clock_(clock), caller_(std::move(caller)), after_(after) {}
  ~DeskStream() override {
    const std::lock_guard lock(hub_->mutex);
    hub_->wakes.erase(waker_);
    --hub_->streams;
    --hub_->streams_of[caller_.account];
  }
  void on_ready(Wake wake) override {
    const std::lock_guard lock(hub_->mutex);
    waker_ = ++hub_->next;
    hub_->wakes[waker_] = wake;
    wake_ = std::move(wake);
  }
  Result<bool> pull(std::string& out, bool heartbeat) override {
    {
      const std::lock_guard lock(hub_->mutex);
      if (hub_->ended) return false;
    }
    const std::size_t before = out.size();
    bool more = false;
    table_.look([&](const Tabled& t) {
      while (after_ < t.log.size()) {
        const Entry& entry = t.log[after_];
        ++after_;
        if (!caller_.may_read(t, entry)) continue;
        out += fmt::format("id: {}\nevent: entry\ndata: {}\n\n", entry.seq, to_text(caller_.shown(entry)));
        if ((more = out.size() - before > kPullBytes)) break;
      }
      const auto now = clock_.monotonic();
      if (!ticked_ || now - *ticked_ >= kTick) {
        ticked_ = now;
        out += fmt::format("event: clock\ndata: {}\n\n", to_text(clock_json(t)));
      }
    });
    if (more && wake_) wake_();
    if (heartbeat && out.size() == before) out += ": here\n\n";
    return true;
  }

 private:
  std::shared_ptr<Hub> hub_;
  Table& table_;
  const Clock& clock_;
  const Caller caller_;
  std::uint64_t after_;
  std::optional<std::chrono::nanoseconds> ticked_;
  Wake wake_;
  std::uint64_t waker_ = 0;
};

}  // namespace

DeskApi::DeskApi(DeskApiDeps deps, DeskTokens tokens) : impl_(std::make_shared<Impl>(std::move(deps), tokens)) {}

DeskApi::~DeskApi() {
  {
    const std::lock_guard lock(impl_->hub->mutex);
    impl_->hub->ended = true;
  }
  wake();
}

void DeskApi::wake() {
  std::vector<net::TailSource::Wake> wakes;
  {
    const std::lock_guard lock(impl_->hub->mutex);
    for (const auto& [_, wake] : impl_->hub->wakes) wakes.push_back(wake);
  }
  for (const auto& wake : wakes) wake();
}

net::Response DeskApi::handle(net::Request&& request) {
  auto result = impl_->handle(request);
  net::Response response = result ? std::move(*result) : api::console::error_answer(result.error());
  api::console::add_security_headers(response);
  return response;
}

Result<net::Response> DeskApi::Impl::handle(net::Request& request) {
  if (const auto host = request.headers.get("Host"); !host || !is_loopback_host(*host))
    return denied("the desk is asked by the name of this machine alone: localhost or 127.0.0.1");
  if (!request.path.starts_with(kRoot)) return api::console::serve_static(deps.files, request);
  std::vector<std::string> path;
  for (std::string_view rest = std::string_view(request.path).substr(kRoot.size()); !rest.empty();) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    BONGSU_TRY(std::string part, net::percent_decode(rest.substr(0, end)));
    path.push_back(std::move(part));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (path.size() == 1 && path[0] == "session" && request.method == "POST") return log_in(request);
  auto caller = caller_of(request);
  if (caller && caller->account.starts_with(kRole))
    caller->seat = deps.players.seat(std::string_view(caller->account).substr(kRole.size()));
  return caller ? route(*caller, request, path) : turned_away(caller.error());
}

// A right token is known however many wrong ones came before it: only who guesses is slowed down.
Result<std::string> DeskApi::Impl::account_of(const std::string& token, const net::Request& request) {
  if (const auto known = account_of_digest.find(crypto::token_digest(token)); known != account_of_digest.end())
    return known->second;
  const std::string address = request.peer.address.substr(0, request.peer.address.rfind(':'));
  if (!sessions.may_try(address)) return fail(ErrorCode::kUnavailable, "too many wrong tokens; wait a minute");
  sessions.failed(address);
  return fail(ErrorCode::kUnauthenticated, "this token is none of the drill's");
}

Result<Caller> DeskApi::Impl::caller_of(const net::Request& request) {
  if (const auto bearer = request.headers.get("Authorization")) {
    BONGSU_TRY(std::string account,
               account_of(bearer->starts_with("Bearer ") ? std::string(bearer->substr(7)) : "", request));
    return Caller{std::move(account)};
  }
  // A browser sends its cookie for whoever asks: what changes something has to come from the desk's own page.
  if (const auto site = request.headers.get("Sec-Fetch-Site"); site && *site != "same-origin" && *site != "none")
    return denied("this request was made by another site");
  if (request.method != "GET" && request.method != "HEAD") {
    const auto origin = request.headers.get("Origin");
    const auto host = request.headers.get("Host");
    const std::string_view scheme = request.peer.tls_version.empty() ? "http://" : "https://";
    if (!request.headers.get(kHeader) || !origin || !host ||
        lowered(*origin) != lowered(std::string(scheme) + std::string(*host)))
      return denied(fmt::format("what changes something carries the header {} and the Origin of the desk", kHeader));
  }
  const std::string header = request.headers.joined("Cookie");
  const auto secret = api::console::session_cookie(header, kDeskCookie);
  const auto account = secret ? sessions.account_of(*secret) : std::nullopt;
  if (!account) return fail(ErrorCode::kUnauthenticated, "log in with a token of the drill");
  return Caller{*account};
}

Result<net::Response> DeskApi::Impl::log_in(net::Request& request) {
  if (const auto site = request.headers.get("Sec-Fetch-Site"); site && *site != "same-origin" && *site != "none")
    return denied("this request was made by another site");
  BONGSU_TRY(const Json body, json_body(request));
  BONGSU_TRY(const std::string token, text_of(body, "token", true));
  const auto account = account_of(token, request);
  if (!account) return turned_away(account.error());
  net::Response response = answer(200, JsonObject{{"account", *account}});
  // Plain HTTP on loopback: a Secure cookie would not come back.
  response.headers.add(
      "Set-Cookie", fmt::format("{}={}; Path=/desk; HttpOnly; SameSite=Strict", kDeskCookie, sessions.open(*account)));
  return response;
}

Result<net::Response> DeskApi::Impl::route(const Caller& caller, net::Request& request,
                                           const std::vector<std::string>& path) {
  const bool get = request.method == "GET", post = request.method == "POST";
  const auto only = [&](std::size_t size, std::string_view name) { return path.size() == size && path[0] == name; };
  if (get && only(1, "session")) return answer(200, JsonObject{{"account", caller.account}, {"team", caller.team()}});
  if (request.method == "DELETE" && only(1, "session")) {
    const std::string header = request.headers.joined("Cookie");
    if (const auto secret = api::console::session_cookie(header, kDeskCookie)) sessions.close(*secret);
    return answer(200, JsonObject{});
  }
  if (get && only(1, "state")) return state(caller);
  if (get && only(1, "log")) return log(caller, request);
  if (get && only(1, "events")) return events(caller, request);
  if (get && only(1, "program")) {
    if (!caller.sees_all()) return denied("the program is exercise control's");
    return answer(200, deps.table.look([](const Tabled& t) { return program_json(t.scenario); }));
  }
  if (get && only(1, "scoreboard")) return scoreboard(caller);
  if (get && path.size() >= 2 && path[0] == "team") {
    if (!caller.sees_all() && caller.team() != path[1]) return denied("a team's desk is its own");
    if (path.size() == 2) return team(caller, path[1], request);
    if (path[2] == "range") return range(caller, path, request);
  }
  if (get && path.size() == 2 && path[0] == "role") {
    const Seat* seat = deps.players.seat(path[1]);
    if (seat == nullptr) return fail(ErrorCode::kNotFound, fmt::format("nobody outside teams plays {}", path[1]));
    if (!caller.sees_all() && caller.seat != seat) return denied("a role's desk is its own");
    return letters_of(*seat);
  }
  if (post) {
    if (caller.account == kObserver) return denied("observers look on");
    BONGSU_TRY(const Json body, json_body(request));
    const bool plays = !caller.team().empty() || caller.seat != nullptr;
    if (plays && !may_do(caller.account))
      return too_many(fmt::format("a team does {:g} things a second at most; wait a moment", kDeedsPerSecond), 1);
    if (plays && deps.table.log_bytes() >= deps.most_log_bytes)
      return fail(ErrorCode::kNoSpace, "the drill's log is nearly full: what teams do is no longer taken");
    if (only(1, "control")) return control(caller, body);
    if (only(1, "scoreboard")) return show_scoreboard(caller, body);
    if (path.size() == 1) return judgement(caller, path[0], body);
    if (path.size() == 3 && path[0] == "role") return answer_of(caller, path[1], path[2], body);
    if (path.size() == 3 && path[0] == "team") return deed(caller, path[1], path[2], body);
  }
  return fail(ErrorCode::kNotFound, "no such path or method");
}

bool DeskApi::Impl::may_do(const std::string& account) {
  const std::lock_guard lock(allowances_mutex);
  Allowance& it = allowances.try_emplace(account, Allowance{.since = deps.clock.monotonic()}).first->second;
  const std::chrono::duration<double> passed = deps.clock.monotonic() - std::exchange(it.since, deps.clock.monotonic());
  it.left = std::min(kDeedsAtOnce, it.left + passed.count() * kDeedsPerSecond);
  if (it.left < 1) return false;
  it.left -= 1;
  return true;
}

Result<net::Response> DeskApi::Impl::state(const Caller& caller) {
  JsonObject out = deps.table.look([&](const Tabled& t) {
    JsonObject clock = clock_json(t);
    clock["scenario"] = t.scenario.name;
    clock["id"] = t.scenario.exercise.id;
    clock["exercise"] = deps.players.exercise();
    JsonArray teams;
    for (const Player& p : deps.players.all()) {
      if (p.white || (!caller.sees_all() && caller.team() != p.entity)) continue;
      std::size_t unread = 0;
      for (const Letter& letter : t.letters)
        if (letter.team == p.entity && !letter.read_ms) ++unread;
      teams.push_back(JsonObject{{"team", p.entity},
                                 {"title", p.title},
                                 {"member", p.member},
                                 {"unread", unread},
                                 {"services", services_json(t, p.entity)}});
    }
    clock["teams"] = std::move(teams);
    clock["scoreboard_shown"] = board.shown();
    if (!caller.sees_all()) return clock;
    clock["fired"] = t.drill.fired();
    JsonArray waiting;
    for (const Waiting& w : t.drill.waiting())
      waiting.push_back(JsonObject{{"inject", w.inject}, {"team", w.team}, {"since_ms", w.since_ms}});
    clock["waiting"] = std::move(waiting);
    JsonArray injects;
    for (const scenario::Inject& i : t.scenario.injects)
      injects.push_back(JsonObject{{"inject", i.id},
                                   {"name", i.name},
                                   {"description", i.description},
                                   {"to", JsonArray(i.to_entities.begin(), i.to_entities.end())},
                                   {"manual", i.when.manual}});
    clock["injects"] = std::move(injects);
    return clock;
  });
  if (caller.sees_all()) {
    out["nodes"] = deps.nodes();
    out["troubles"] = deps.troubles();
    out["scoreboard"] = deps.scoreboard();
  }
  return answer(200, out);
}

Result<net::Response> DeskApi::Impl::log(const Caller& caller, const net::Request& request) {
  BONGSU_TRY(const auto query, net::parse_query(request.query));
  std::uint64_t after = 0, limit = 200;
  for (const auto& [key, value] : query) {
    const auto number = whole_number(value);
    if ((key != "after" && key != "limit") || !number)
      return fail(ErrorCode::kInvalid, "takes after=SEQ and limit=NUMBER", {.field = key});
    (key == "after" ? after : limit) = *number;
  }
  limit = std::min<std::uint64_t>(limit, kMaxLogPage);
  return deps.table.look([&](const Tabled& t) {
    JsonArray entries;
    std::uint64_t at = std::min<std::uint64_t>(after, t.log.size());
    for (; at < t.log.size() && entries.size() < limit; ++at)
      if (caller.may_read(t, t.log[at])) entries.push_back(caller.shown(t.log[at]));
    return answer(200, JsonObject{{"entries", std::move(entries)}, {"next", at}, {"more", at < t.log.size()}});
  });
}

Result<net::Response> DeskApi::Impl::taken(const Input& input) {
  BONGSU_TRY(const std::uint64_t seq, deps.table.take(input));
  return answer(200, JsonObject{{"seq", seq}});
}

Result<net::Response> DeskApi::Impl::control(const Caller& caller, const Json& body) {
  if (!caller.white()) return denied("this is exercise control's");
  BONGSU_TRY(const std::string word, text_of(body, "verb", true));
  Control control;
  bool known = false;
  for (const Verb verb : {Verb::kStart, Verb::kPause, Verb::kResume, Verb::kSpeed, Verb::kJumpBack, Verb::kEnd,
                          Verb::kInject, Verb::kApprove, Verb::kRefuse})
    if (to_string(verb) == word) {
      control.verb = verb;
      known = true;
    }
  if (!known)
    return fail(ErrorCode::kInvalid, "is one of start, pause, resume, speed, jump_back, end, inject, approve, refuse",
                {.field = "verb"});
  BONGSU_TRY(control.by, text_of(body, "by", false));
  control.by = control.by.empty() ? std::string(kWhite) : fmt::format("{}/{}", kWhite, control.by);
  BONGSU_TRY(control.inject, text_of(body, "inject", false));
  BONGSU_TRY(control.team, text_of(body, "team", false));
  BONGSU_TRY(control.reason, text_of(body, "reason", false));
  if (control.verb == Verb::kSpeed) {
    BONGSU_TRY(control.speed, needed_number(body, "speed"));
  }
  if (control.verb == Verb::kJumpBack) {
    const auto to = int_at(body, "to_ms");
    if (!to) return fail(ErrorCode::kInvalid, "is a whole number of milliseconds", {.field = "to_ms"});
    control.to_ms = *to;
  }
  return taken(control);
}

// team/NAME, team/NAME?orders_before=SEQ
Result<net::Response> DeskApi::Impl::team(const Caller& caller, std::string_view name, const net::Request& request) {
  BONGSU_TRY(const auto query, net::parse_query(request.query));
  std::uint64_t orders_before = 0;
  for (const auto& [key, value] : query) {
    const auto number = whole_number(value);
    if (key != "orders_before" || !number) return fail(ErrorCode::kInvalid, "takes orders_before=SEQ", {.field = key});
    orders_before = *number;
  }
  const Player* player = deps.players.by_entity(name);
  if (player == nullptr || player->white || player->entity != name)
    return fail(ErrorCode::kNotFound, fmt::format("there is no team {}", name));
  Json node = console_json(deps.nodes(), player->member);
  return deps.table.look([&](const Tabled& t) {
    JsonArray letters;
    for (const Letter& letter : t.letters)
      if (letter.team == name) letters.push_back(json_of(letter, banner));
    JsonArray kinds;
    for (const auto& kind : scenario::effect_kinds())
      kinds.push_back(
          JsonObject{{"kind", kind.name}, {"target", kind.target}, {"unit", kind.unit}, {"about", kind.about}});
    JsonObject out = clock_json(t);
    out["team"] = name;
    out["title"] = player->title;
    out["member"] = player->member;
    out["deliveries"] = std::move(letters);
    out["services"] = services_json(t, name);
    out["forms"] = forms_json(t, name, !caller.sees_all());
    out["form_kinds"] = form_kinds_json(t, name);
    out["orders"] = orders_json(t, name, orders_before);
    out["order_kinds"] = std::move(kinds);
    out["playbooks"] = playbooks_json(t, name, !caller.sees_all());
    out["node"] = std::move(node);
    return answer(200, out);
  });
}

// team/NAME/range/plan, team/NAME/range, team/NAME/range?truth=1
Result<net::Response> DeskApi::Impl::range(const Caller& caller, const std::vector<std::string>& path,
                                           const net::Request& request) {
  const bool plan = path.size() == 4 && path[3] == "plan";
  if (!plan && path.size() != 3) return fail(ErrorCode::kNotFound, "a range has plan and what is measured now");
  BONGSU_TRY(const auto query, net::parse_query(request.query));
  Sight sight = Sight::kOperators;
  for (const auto& [key, value] : query) {
    if (key != "truth" || value != "1") return fail(ErrorCode::kInvalid, "takes truth=1", {.field = key});
    if (!caller.sees_all()) return denied("a team sees what its operators see");
    sight = Sight::kTruth;
  }
  return deps.table.look([&](const Tabled& t) -> Result<net::Response> {
    const auto* copy = dynamic_cast<const exercise::drill::WorldRange*>(t.drill.range(path[1]));
    if (copy == nullptr)
      return fail(ErrorCode::kNotFound,
                  fmt::format("there is no range of a team {}, or nothing to show of it", path[1]));
    return answer(200, plan ? range_plan_json(copy->world()) : range_json(*copy, sight, t.drill.now_ms()));
  });
}

Result<net::Response> DeskApi::Impl::scoreboard(const Caller& caller) {
  BONGSU_TRY(JsonObject card, caller.sees_all() ? board.for_control() : board.for_team(caller.team()));
  return answer(200, std::move(card));
}

Result<net::Response> DeskApi::Impl::show_scoreboard(const Caller& caller, const Json& body) {
  if (!caller.white()) return denied("this is exercise control's");
  const auto shown = bool_at(body, "shown");
  if (!shown) return fail(ErrorCode::kInvalid, "is true or false", {.field = "shown"});
  board.show(*shown);
  return answer(200, JsonObject{{"shown", *shown}});
}

Result<net::Response> DeskApi::Impl::deed(const Caller& caller, const std::string& name, const std::string& what,
                                          const Json& body) {
  if (caller.team() != name) return denied("what a team does, it does itself");
  Evidence e{.team = name};
  BONGSU_TRY(const std::string by, text_of(body, "by", false));
  e.by = by.empty() ? name : fmt::format("{}/{}", name, by);
  BONGSU_TRY(e.inject, text_of(body, "inject", false));
  if (what == "read" || what == "reply") {
    BONGSU_TRY(e.object, text_of(body, "delivery", true));
    const bool own = deps.table.look([&](const Tabled& t) {
      return std::ranges::any_of(t.letters,
                                 [&](const Letter& l) { return l.team == name && l.delivery.id == e.object; });
    });
    if (!own) return fail(ErrorCode::kNotFound, "no such delivery came to this team", {.field = "delivery"});
    e.as = what == "read" ? As::kAcknowledged : As::kReply;
    BONGSU_TRY(e.text, text_of(body, "text", e.as == As::kReply));
  } else if (what == "form") {
    e.as = As::kForm;
    BONGSU_TRY(e.type, text_of(body, "form", true));
    BONGSU_TRY(e.object, text_of(body, "id", false));
    if (e.object.empty()) e.object = "form--" + Uuid::random(deps.random).text();
    const Json* fields = find(body, "fields");
    if (fields == nullptr || !fields->is_object())
      return fail(ErrorCode::kInvalid, "is an object: what was filled in", {.field = "fields"});
    e.fields = fields->get_object();
  } else if (what == "order") {
    e.as = As::kOrder;
    BONGSU_TRY(e.type, text_of(body, "kind", true));
    BONGSU_TRY(e.target, text_of(body, "target", true));
    BONGSU_TRY(e.value, number_of(body, "value"));
    if (bool_at(body, "crew").value_or(false)) e.object = "crew";
    if (scenario::effect_kind(e.type) == nullptr)
      return fail(ErrorCode::kInvalid, fmt::format("there is no order \"{}\"", e.type), {.field = "kind"});
    BONGSU_TRY(const std::string id, text_of(body, "id", false));
    if (!id.empty()) e.fields["id"] = id;
  } else if (what == "playbook") {
    e.as = As::kPlaybook;
    BONGSU_TRY(e.object, text_of(body, "playbook", true));
    BONGSU_TRY(e.type, text_of(body, "step", true));
  } else {
    return fail(ErrorCode::kNotFound, "a team can read, reply, form, order, playbook");
  }
  return taken(e);
}

// role/NAME
Result<net::Response> DeskApi::Impl::letters_of(const Seat& seat) {
  return deps.table.look([&](const Tabled& t) {
    JsonArray letters;
    std::set<std::string> own;
    for (const Letter& letter : t.letters) {
      const Delivery& d = letter.delivery;
      if (!letter.team.empty() || !seat.reads(d.to, d.roles)) continue;
      // One that an entity of the seat got goes to all others under "~all" (drill.h).
      const auto at = d.id.find("/~all/");
      const auto is_own = [&](const std::string& entity) {
        return own.contains(d.id.substr(0, at + 1) + entity + d.id.substr(at + 5));
      };
      if (at != std::string::npos && std::ranges::any_of(seat.entities, is_own)) continue;
      own.insert(d.id);
      letters.push_back(json_of(letter, banner));
    }
    JsonObject out = clock_json(t);
    out["role"] = scenario::to_string(seat.role);
    out["entities"] = JsonArray(seat.entities.begin(), seat.entities.end());
    out["deliveries"] = std::move(letters);
    return answer(200, out);
  });
}

// role/NAME/read, role/NAME/reply
Result<net::Response> DeskApi::Impl::answer_of(const Caller& caller, const std::string& name, const std::string& what,
                                               const Json& body) {
  if (caller.seat == nullptr || caller.seat->name != name) return denied("what a role does, it does itself");
  if (what != "read" && what != "reply") return fail(ErrorCode::kNotFound, "a role outside teams can read, reply");
  BONGSU_TRY(const std::string id, text_of(body, "delivery", true));
  const auto to = deps.table.look([&](const Tabled& t) -> std::optional<std::string> {
    for (const Letter& l : t.letters)
      if (l.delivery.id == id && l.team.empty() && caller.seat->reads(l.delivery.to, l.delivery.roles))
        return l.delivery.to.empty() ? caller.seat->entities.front() : l.delivery.to;
    return std::nullopt;
  });
  if (!to) return fail(ErrorCode::kNotFound, "no such delivery came to this role", {.field = "delivery"});
  Evidence e{.as = what == "read" ? As::kAcknowledged : As::kReply, .team = *to, .by = caller.account, .object = id};
  BONGSU_TRY(e.text, text_of(body, "text", e.as == As::kReply));
  return taken(e);
}

Result<net::Response> DeskApi::Impl::judgement(const Caller& caller, const std::string& what, const Json& body) {
  if (what == "appeal") {
    if (caller.team().empty()) return denied("a team appeals the grades of its own forms");
    Appeal appeal{.team = std::string(caller.team())};
    appeal.form = static_cast<std::uint64_t>(int_at(body, "form").value_or(0));
    BONGSU_TRY(appeal.by, text_of(body, "by", false));
    BONGSU_TRY(appeal.why, text_of(body, "why", true));
    return taken(appeal);
  }
  if (what != "grade" && what != "ruling" && what != "judge") return fail(ErrorCode::kNotFound, "no such path");
  if (!caller.white() && !(caller.grader() && what == "grade")) return denied("this is exercise control's");
  BONGSU_TRY(std::string by, text_of(body, "by", false));
  if (by.empty() && what != "grade") by = kWhite;
  BONGSU_TRY(const double part, needed_number(body, "part"));
  if (!(part >= 0 && part <= 1)) return fail(ErrorCode::kInvalid, "is 0 to 1", {.field = "part"});
  const auto form = static_cast<std::uint64_t>(int_at(body, "form").value_or(0));
  BONGSU_TRY(const std::string why, text_of(body, "why", false));
  // Two graders are two accounts: whatever name is given, what one account says again takes the place of its first
  // word.
  if (what == "grade") return taken(Grade{.form = form, .by = caller.account, .name = by, .part = part, .why = why});
  if (what == "ruling") return taken(Ruling{.form = form, .by = by, .part = part, .why = why});
  Evidence e{.as = As::kJudged, .by = by, .value = part, .text = why};
  BONGSU_TRY(e.team, text_of(body, "team", true));
  BONGSU_TRY(e.inject, text_of(body, "inject", false));
  BONGSU_TRY(e.expectation, text_of(body, "expectation", true));
  return taken(e);
}

Result<net::Response> DeskApi::Impl::events(const Caller& caller, const net::Request& request) {
  std::optional<std::uint64_t> after;
  if (const auto last = request.headers.get("Last-Event-ID")) after = whole_number(*last);
  if (!after) {
    BONGSU_TRY(const auto query, net::parse_query(request.query));
    for (const auto& [key, value] : query)
      if (key == "after") after = whole_number(value);
  }
  const std::uint64_t there = deps.table.look([](const Tabled& t) { return t.log.size(); });
  {
    const std::lock_guard lock(hub->mutex);
    if (hub->ended || hub->streams >= kMaxStreams) return fail(ErrorCode::kUnavailable, "too many streams are open");
    std::size_t& own = hub->streams_of[caller.account];
    if (own >= kMaxStreamsPerAccount)
      return too_many(fmt::format("this account has {} streams open already", kMaxStreamsPerAccount), 5);
    ++own;
    ++hub->streams;
  }
  net::Response response;
  response.headers.set("Content-Type", "text/event-stream");
  response.headers.set("Cache-Control", "no-store");
  response.body = std::make_unique<DeskStream>(hub, deps.table, deps.clock, caller,
                                               std::min<std::uint64_t>(after.value_or(there), there));
  return response;
}

}  // namespace bongsu::desk
