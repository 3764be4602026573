#include "desk/desk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include "api/console/embedded_files.h"
#include "base/files.h"
#include "base/uuid.h"
#include "desk/courier.h"
#include "desk/nodes.h"
#include "desk/post.h"
#include "desk/scripted_teams.h"
#include "desk/watcher.h"
#include "net/client.h"
#include "net/server.h"

namespace bongsu::desk {

using namespace exercise::drill;
namespace scenario = exercise::scenario;
namespace scoring = exercise::scoring;

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kLongestSleep = 50ms;
constexpr auto kLookEvery = 200ms;   // at the nodes
constexpr auto kWakeEvery = 1000ms;  // event streams, for the clock
constexpr auto kScoreEvery = 2000ms;
constexpr auto kOwnDeadline = 10s;      // of a request to the own API
constexpr auto kStopGrace = 3s;
constexpr std::size_t kMaxTroubles = 200;  // that are shown
constexpr std::size_t kMaxHeldEvidence = 100'000;

// desk.json: what has to be the same when the drill is opened again.
struct Identity {
  std::string exercise;
  DeskTokens tokens;
};
Result<void> keep(const fs::path& file, const Identity& identity) {
  JsonObject tokens;
  for (const auto& [account, token] : identity.tokens.by_account) tokens[account] = token;
  return write_file_atomically(
      file, to_pretty_text(JsonObject{{"exercise", identity.exercise}, {"tokens", std::move(tokens)}}));
}

Result<Identity> identity_of(const fs::path& file, Random& random) {
  std::error_code ec;
  if (!fs::exists(file, ec)) return Identity{.exercise = Uuid::random(random).text(), .tokens = {}};
  BONGSU_TRY(const std::string text, read_small_file(file));
  BONGSU_TRY(const Json json, parse_json(text));
  Identity out{.exercise = std::string(string_at(json, "exercise").value_or("")), .tokens = {}};
  const Json* tokens = find(json, "tokens");
  if (!Uuid::is_text(out.exercise) || tokens == nullptr || !tokens->is_object())
    return fail(ErrorCode::kCorrupt, "names no exercise and tokens", {.source = file.string()});
  for (const auto& [account, token] : tokens->get_object())
    if (token.is_string()) out.tokens.by_account[std::string(account)] = std::string(token.get_string());
  return out;
}

}  // namespace

struct Desk::Impl {
  const scenario::Scenario scenario;
  DeskOptions options;
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<Log> log = make_null_log();
  int lock = -1;
  Players players;
  DeskTokens tokens;

  // In order of construction; destroyed the other way round.
  std::unique_ptr<Table> table;
  std::unique_ptr<Watcher> watcher;
  std::unique_ptr<Nodes> nodes;
  std::unique_ptr<Mail> mail;
  std::unique_ptr<Post> post;
  std::unique_ptr<Courier> courier;
  std::unique_ptr<ScriptedTeams> scripts;
  std::unique_ptr<DeskApi> api;
  std::unique_ptr<net::Server> server;
  net::Client own_client{net::ClientOptions{}};

  std::size_t read = 0;                                      // of the log, by watcher, scripts and news
  std::deque<Evidence> held;                                 // seen, and not yet taken
  std::map<std::string, bool> complained;                    // of a way that does not work, until it does
  std::chrono::nanoseconds look_at{0}, wake_at{0};

  std::mutex shown_mutex;  // what the API shows beside the table
  Json shown_nodes = JsonArray{};
  std::deque<std::pair<Instant, std::string>> shown_troubles;
  Json shown_score = JsonArray{};
  std::size_t scored = SIZE_MAX;  // entries that score.json tells of
  std::chrono::nanoseconds score_at{0};

  Impl(const scenario::Scenario& s, DeskOptions o) : scenario(s), options(std::move(o)) {}
  ~Impl() {
    if (server) server->stop(kStopGrace);
    if (lock >= 0) ::close(lock);
  }

  void say(const std::string& sentence) {
    {
      const std::lock_guard guard(shown_mutex);
      shown_troubles.emplace_back(clock.now(), sentence);
      if (shown_troubles.size() > kMaxTroubles) shown_troubles.pop_front();
    }
    if (options.news) options.news({.said = sentence});
  }
  // Once for each cause, until it is gone.
  void complain(const std::string& about, const Result<void>& result) {
    bool& told = complained[about];
    if (!result && !told) say(fmt::format("{}: {}", about, result.error().text()));
    told = !result;
  }
  Json troubles_json() {
    const std::lock_guard guard(shown_mutex);
    JsonArray out;
    for (const auto& [at, text] : shown_troubles) out.push_back(JsonObject{{"at", at.text(3)}, {"text", text}});
    return out;
  }
  Json score_json();

  Result<void> set_up();
  Result<void> serve();
  Result<void> post_own(const std::string& team, const std::string& what, const JsonObject& body);
  void read_log();
  Result<void> report(const std::vector<Input>& evidence);
  Result<void> look();
  Result<void> round();
  bool leaves_at_end() const;
  Result<scoring::Scorecard> settle();
};

Desk::Desk(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Desk::~Desk() = default;

Json Desk::Impl::score_json() {
  {
    const std::lock_guard guard(shown_mutex);
    if (clock.monotonic() < score_at) return shown_score;
    score_at = clock.monotonic() + kScoreEvery;
  }
  const std::vector<Entry> entries = table->look([](const Tabled& t) { return t.log; });
  const auto card = scoring::score(scenario, entries);
  if (!card) return JsonArray{};
  JsonArray out;
  for (const scoring::TeamScore& team : card->teams) {
    JsonArray categories;
    for (const auto& c : team.categories)
      categories.push_back(
          JsonObject{{"category", scoring::to_string(c.category)}, {"points", c.points}, {"of", c.of}});
    out.push_back(JsonObject{{"team", team.team},
                             {"total", team.total},
                             {"open", team.open},
                             {"violations", team.violations},
                             {"categories", std::move(categories)}});
  }
  const std::lock_guard guard(shown_mutex);
  shown_score = std::move(out);
  return shown_score;
}

Result<void> Desk::Impl::set_up() {
  if (!options.mail.empty()) {
    BONGSU_TRY(mail, Mail::to(options.mail));
  }
  std::optional<net::Url> cap;
  if (!options.cap_post.empty()) {
    BONGSU_TRY(cap, net::parse_url(options.cap_post));
  }
  std::error_code ec;
  fs::create_directories(options.directory, ec);
  if (ec) return fail(ErrorCode::kIo, ec.message(), {.source = options.directory.string()});
  fs::permissions(options.directory, fs::perms::owner_all, ec);
  const fs::path lock_file = options.directory / "lock";
  lock = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::kConflict, "another program runs this drill", {.source = options.directory.string()});
  const fs::path identity_file = options.directory / "desk.json";
  BONGSU_TRY(Identity identity, identity_of(identity_file, random));
  BONGSU_TRY(players, Players::of(scenario, identity.exercise));
  const std::size_t known = identity.tokens.by_account.size();
  identity.tokens.by_account.merge(DeskTokens::fresh(players, random).by_account);
  if (identity.tokens.by_account.size() != known) BONGSU_TRY_VOID(keep(identity_file, identity));
  tokens = std::move(identity.tokens);

  // The log first: a drill that cannot go on should say so before nodes are started.
  BONGSU_TRY(table, Table::open(options.directory, scenario, options.settings, options.make_range, clock));
  watcher = std::make_unique<Watcher>(scenario, players);
  nodes = std::make_unique<Nodes>(options.directory, options.program, scenario, players,
                                  [this](const std::string& sentence) { say(sentence); });
  BONGSU_TRY_VOID(nodes->set_up());
  const auto find = [this](const std::string& member) { return nodes->find(member); };
  post = std::make_unique<Post>(options.directory, scenario, players, PostWays{.node = find, .mail = mail.get(), .cap = cap});
  courier = std::make_unique<Courier>(*table, *post, clock, [this](const std::string& sentence) { say(sentence); });
  BONGSU_TRY(scripts, ScriptedTeams::make(scenario, players, options.scripts, options.script_seed,
                                          {.node = find,
                                           .post = [this](const auto& team, const auto& what,
                                                          const auto& body) { return post_own(team, what, body); },
                                           .say = [this](const std::string& sentence) { say(sentence); }}));
  return serve();
}

Result<void> Desk::Impl::serve() {
  api = std::make_unique<DeskApi>(DeskApiDeps{.table = *table,
                                              .players = players,
                                              .clock = clock,
                                              .random = random,
                                              .nodes =
                                                  [this] {
                                                    const std::lock_guard guard(shown_mutex);
                                                    return shown_nodes;
                                                  },
                                              .troubles = [this] { return troubles_json(); },
                                              .scoreboard = [this] { return score_json(); },
                                              .files = api::console::embedded_desk_files()},
                                  tokens);
  table->on_change([this] { api->wake(); });
  server = std::make_unique<net::Server>(
      net::ServerOptions{.name = "desk", .port = options.port, .heartbeat = kWakeEvery},
      [this](net::Request&& request) { return api->handle(std::move(request)); }, *log);
  return server->start();
}

Result<void> Desk::Impl::post_own(const std::string& team, const std::string& what, const JsonObject& body) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = {.scheme = "http",
                 .host = "127.0.0.1",
                 .port = server->port(),
                 .target = fmt::format("/desk/v1/team/{}/{}", net::percent_encode(team), what)};
  request.headers.add("Authorization", "Bearer " + tokens.by_account["team/" + team]);
  request.headers.add("Content-Type", "application/json");
  request.body = to_text(body);
  BONGSU_TRY(const auto response, own_client.send(request, kOwnDeadline));
  if (response.status < 300) return {};
  const auto json = parse_json(response.body);
  const Json* error = json ? bongsu::find(*json, "error") : nullptr;
  const auto message = error != nullptr ? string_at(*error, "message") : std::nullopt;
  return fail(response.status == 503 || response.status == 429 ? ErrorCode::kUnavailable : ErrorCode::kInvalid,
              message ? std::string(*message) : fmt::format("the desk answered {}", response.status));
}

void Desk::Impl::read_log() {
  std::vector<Entry> fresh;
  std::int64_t now_ms = 0;
  table->look([&](const Tabled& t) {
    fresh.assign(t.log.begin() + static_cast<std::ptrdiff_t>(read), t.log.end());
    now_ms = t.drill.now_ms();
  });
  read += fresh.size();
  for (const Entry& entry : fresh) {
    watcher->know(entry);
    scripts->see(entry);
    if (options.news)
      options.news({.entry = &entry, .now_ms = now_ms, .duration_ms = scenario.exercise.duration.count()});
  }
}

// A jump back may have taken away what is reported; only a log that can't be written ends the desk.
Result<void> Desk::Impl::report(const std::vector<Input>& evidence) {
  BONGSU_TRY(const auto taken, table->take_all(evidence));
  for (std::size_t i = 0; i < evidence.size(); ++i)
    if (!taken[i])
      say(fmt::format("{} is not taken: {}", std::get<Evidence>(evidence[i]).object, taken[i].error().text()));
  return {};
}

Result<void> Desk::Impl::look() {
  for (const Player& player : players.all()) {
    MemberNode* node = nodes->find(player.member);
    if (node == nullptr) continue;
    Seen seen;
    const auto whole = watcher->look(player, *node, seen);
    // What was seen before a look broke off is not told a second time.
    for (Evidence& e : seen.evidence) held.push_back(std::move(e));
    for (const std::string& trouble : seen.troubles) say(trouble);
    complain("looking at " + player.member, whole);
  }
  while (!held.empty()) {
    const State state = table->look([](const Tabled& t) { return t.drill.state(); });
    const bool not_now = state == State::kReady || state == State::kEnded;
    if (not_now && held.size() < kMaxHeldEvidence) break;
    std::vector<Input> told;
    while (!held.empty() && told.size() < (not_now ? 1 : kMostToldAtOnce)) {
      told.emplace_back(std::move(held.front()));
      held.pop_front();
    }
    BONGSU_TRY_VOID(report(told));
  }
  return {};
}

Result<void> Desk::Impl::round() {
  nodes->tend();
  for (bool more = true; more;) {
    BONGSU_TRY(more, table->advance());
    if (more) BONGSU_TRY_VOID(courier->carry_out_new());
  }
  BONGSU_TRY_VOID(courier->carry_out());
  read_log();
  const auto now = clock.monotonic();
  const auto [state, now_ms] =
      table->look([](const Tabled& t) { return std::pair(t.drill.state(), t.drill.now_ms()); });
  if (now >= look_at) {
    look_at = now + kLookEvery;
    if (state != State::kEnded) {  // no trace counts any more
      BONGSU_TRY_VOID(look());
      read_log();
    }
    const std::lock_guard guard(shown_mutex);
    shown_nodes = nodes->status();
  }
  if (now >= wake_at) {
    wake_at = now + kWakeEvery;
    api->wake();
  }
  if (state == State::kRunning) scripts->act(now_ms);
  return {};
}

Result<std::unique_ptr<Desk>> Desk::open(const scenario::Scenario& scenario, DeskOptions options) {
  auto impl = std::make_unique<Impl>(scenario, std::move(options));
  BONGSU_TRY_VOID(impl->set_up());
  return std::unique_ptr<Desk>(new Desk(std::move(impl)));
}

std::string Desk::pages() const { return fmt::format("http://127.0.0.1:{}/", impl_->server->port()); }
std::string Desk::url() const { return fmt::format("http://127.0.0.1:{}/desk/v1/", impl_->server->port()); }
const DeskTokens& Desk::tokens() const { return impl_->tokens; }
bool Desk::went_on() const { return impl_->table->went_on(); }
std::string Desk::mended() const { return impl_->table->mended(); }

bool Desk::Impl::leaves_at_end() const {
  return options.leave_at_end || options.scripts.size() == players.all().size() - 1;
}

// The score as the log has it, on disk.
Result<scoring::Scorecard> Desk::Impl::settle() {
  const std::vector<Entry> entries = table->look([](const Tabled& t) { return t.log; });
  BONGSU_TRY(scoring::Scorecard card, scoring::score(scenario, entries));
  BONGSU_TRY(const std::string text, to_canonical_text(scoring::to_json(card)));
  BONGSU_TRY_VOID(write_file_atomically(options.directory / "score.json", text + "\n"));
  scored = entries.size();
  return card;
}

Result<std::optional<scoring::Scorecard>> Desk::run(const std::function<bool()>& stop) {
  Impl& i = *impl_;
  const auto ended = [&] { return i.table->look([](const Tabled& t) { return t.drill.state() == State::kEnded; }); };
  const auto size = [&] { return i.table->look([](const Tabled& t) { return t.log.size(); }); };
  BONGSU_TRY_VOID(i.table->come_back());
  if (i.table->look([](const Tabled& t) { return t.drill.state() == State::kReady; })) {
    // Scripts must know of what was before the first round.
    if (!i.options.wait) {
      BONGSU_TRY([[maybe_unused]] const auto started, i.table->take(Control{.verb = Verb::kStart, .by = "the desk"}));
    }
    if (i.options.speed) {
      BONGSU_TRY([[maybe_unused]] const auto set,
                 i.table->take(Control{.verb = Verb::kSpeed, .by = "the desk", .speed = *i.options.speed}));
    }
  }
  while (!ended()) {
    if (stop()) return std::nullopt;
    BONGSU_TRY_VOID(i.round());
    auto sleep = std::chrono::duration_cast<std::chrono::nanoseconds>(kLongestSleep);
    if (const auto wake = i.table->next_wake()) sleep = std::min(sleep, *wake - i.clock.now());
    if (sleep > 0ns) std::this_thread::sleep_for(sleep);
  }
  BONGSU_TRY_VOID(i.courier->carry_out());
  i.read_log();
  BONGSU_TRY(scoring::Scorecard card, i.settle());
  if (i.leaves_at_end()) return card;
  i.say("the drill has ended; the desk stays for grades, appeals and rulings until it is stopped");
  auto settle_at = i.clock.monotonic() + kScoreEvery;
  while (!stop()) {
    BONGSU_TRY_VOID(i.round());
    if (i.scored != size() && i.clock.monotonic() >= settle_at) {
      BONGSU_TRY(card, i.settle());
      settle_at = i.clock.monotonic() + kScoreEvery;
    }
    std::this_thread::sleep_for(kLongestSleep);
  }
  if (i.scored == size()) return card;
  return i.settle();
}

}  // namespace bongsu::desk
