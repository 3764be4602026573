#include "exercise/drill/drill_test_support.h"

#include <algorithm>

namespace bongsu::exercise::drill {

using namespace std::chrono_literals;

Result<std::uint64_t> SwitchRange::order(const RangeOrder& order) {
  const auto at = on_.find(order.target);
  if (at == on_.end()) return fail(ErrorCode::kNotFound, "there is no switch " + order.target);
  const bool off = order.kind == "breaker-open" || order.kind == "branch-fail";
  if (!off && order.kind != "breaker-close") return fail(ErrorCode::kUnsupported, "switches don't " + order.kind);
  if (at->second != off) return fail(ErrorCode::kConflict, order.target + " is so already");
  at->second = !off;
  events_.push_back({.id = ++last_,
                     .at_ms = now_ms_,
                     .kind = "ordered",
                     .target = order.target,
                     .text = order.kind + " " + order.target});
  const std::uint64_t id = last_;
  coming_.push_back({now_ms_ + 1000,
                     {.id = ++last_,
                      .cause = id,
                      .at_ms = now_ms_ + 1000,
                      .kind = off ? "dark" : "live",
                      .target = "site." + order.target,
                      .text = "site." + order.target,
                      .magnitude = 2.5}});
  return id;
}

void SwitchRange::advance_to(std::int64_t at_ms) {
  std::erase_if(coming_, [&](const Coming& it) {
    if (it.at_ms > at_ms) return false;
    dark_[it.event.target] = it.event.kind == "dark";
    events_.push_back(it.event);
    return true;
  });
  for (const auto& [_, on] : on_)
    if (!on) off_ms_ += at_ms - now_ms_;
  now_ms_ = at_ms;
}

std::vector<RangeEvent> SwitchRange::take_events() { return std::exchange(events_, {}); }

Result<double> SwitchRange::measure(const std::string& quantity, const std::string&) {
  if (quantity != "load-served") return fail(ErrorCode::kUnsupported, "switches have no " + quantity);
  return 25.0 * static_cast<double>(std::ranges::count_if(on_, [](const auto& it) { return it.second; }));
}

ProbeAnswer SwitchRange::probe(const scenario::Service& service) {
  for (const std::string& on : service.depends_on)
    if (dark_[on]) return {false, on + " is dark"};
  return {};
}

JsonObject SwitchRange::consequences() {
  if (off_ms_ == 0) return {};
  return {{"unserved_mwh", static_cast<double>(off_ms_) / 3.6e6}};
}

RangeMaker switch_ranges() {
  return [](const std::string&) -> Result<std::unique_ptr<RangeCopy>> { return std::make_unique<SwitchRange>(); };
}

scenario::Scenario small_scenario() {
  using namespace scenario;
  const auto label = [](const char* text) { return *policy::Label::parse(text); };
  Scenario s;
  s.name = "Winter";
  s.exercise.id = "winter";
  s.exercise.start = *Instant::parse("2027-01-19T07:00:00Z");
  s.exercise.time_zone = "Europe/Vilnius";
  s.exercise.duration = 2h;
  s.exercise.speed = {1, 60};
  s.exercise.label = label("green marked");
  s.exercise.seed = 7;
  s.entities = {{.id = "lt-blue", .name = "CERT-LT", .role = Role::kBlue, .member = "cert-lt", .nation = "lt"},
                {.id = "lt-blue.soc", .role = Role::kBlue},
                {.id = "ua-blue", .role = Role::kBlue, .member = "cert-ua", .nation = "ua"},
                {.id = "pl-blue", .role = Role::kBlue, .member = "cert-pl", .nation = "pl"},
                {.id = "white", .role = Role::kWhite},
                {.id = "press", .role = Role::kMedia},
                {.id = "red", .role = Role::kRed}};
  s.services = {{.id = "portal",
                 .name = "Portal",
                 .depends_on = {"site.cb1"},
                 .probe = "http",
                 .target = "https://portal.example",
                 .complain = 3min,
                 .complaints = {"The portal is down!", "Still down!"},
                 .score = 20},
                {.id = "phones",
                 .entity = "lt-blue",
                 .depends_on = {"site.cb2", "portal"},
                 .probe = "phone",
                 .target = "vilnius",
                 .score = 10}};
  s.conditions = {{.id = "powered", .range = RangeTest{"load-served", "", Comparison::kAbove, 99}},
                  {.id = "unpowered", .none = {"powered"}, .holds = 30s},
                  {.id = "lt-shared", .act = ActTest{.team = "lt-blue", .did = Act::kShare, .inject = "phish"}},
                  {.id = "impossible", .range = RangeTest{"load-served", "", Comparison::kAbove, 101}}};
  const std::vector<std::string> all = {"lt-blue", "ua-blue", "pl-blue"};
  Inject phish{.id = "phish", .name = "A mail with a link", .from_entity = "red", .to_entities = all, .ttp = {"T0865"}};
  phish.deliver = {
      {.via = Channel::kMail, .roles = {Role::kBlue}, .sender = "hr", .subject = "Holidays", .text = "See the list"}};
  phish.telemetry = {{.template_name = "zeek-dns",
                      .parameters = {{"source", "10.0.0.5"}, {"query", "evil.example"}},
                      .after = 90s,
                      .count = 3,
                      .every = 2s},
                     {.template_name = "zeek-conn",
                      .parameters = {{"source", "10.0.0.5"}, {"destination", "203.0.113.9"}, {"port", "443"}},
                      .after = 2min}};
  phish.indicators = {{.id = "name", .type = "domain-name", .value = "evil.example"},
                      {.id = "address", .type = "ipv4-addr", .value = "203.0.113.9"}};
  phish.expectations = {
      {.id = "seen", .act = Act::kDetect, .score = 10, .expires = 20min, .seen = {.as = Seen::kAlert}},
      {.id = "sitrep", .act = Act::kForm, .score = 20, .expires = 60min, .seen = {.as = Seen::kForm, .of = "sitrep"}}};
  phish.share = {{.id = "warn",
                  .what = Shared::kIndicators,
                  .from = {"lt-blue", "pl-blue"},
                  .to = {"ua-blue"},
                  .label = label("amber marked"),
                  .by = 45min,
                  .score = 20}};
  Inject open{.id = "open", .name = "Breakers open", .from_entity = "red", .to_entities = all, .ttp = {"T0855"}};
  open.when.spread = 2min;
  open.physics = {{.kind = "breaker-open", .target = "cb1"}};
  open.telemetry = {{.template_name = "iec104-command",
                     .parameters = {{"source", "10.0.0.5"}, {"station", "10.21.0.1"}, {"object", "1100"}}}};
  open.expectations = {{.id = "closed",
                        .act = Act::kContain,
                        .score = 10,
                        .expires = 30min,
                        .seen = {.as = Seen::kOrder, .of = "breaker-close", .target = "cb1"}},
                       {.id = "power-back",
                        .act = Act::kRestore,
                        .score = 15,
                        .starts = 1min,
                        .expires = 40min,
                        .seen = {.as = Seen::kCondition, .of = "powered"}}};
  Inject ddos{.id = "ddos", .name = "Flood", .from_entity = "red", .to_entities = all};
  ddos.when.conditions = {"unpowered"};
  ddos.physics = {{.kind = "service-down", .target = "portal", .lasts = 10min}};
  ddos.expectations = {{.id = "calm",
                        .act = Act::kDecide,
                        .score = 5,
                        .expires = 30min,
                        .seen = {.as = Seen::kManual, .of = "stays calm"}}};
  Inject rumour{.id = "rumour",
                .name = "A rumour",
                .from_entity = "white",
                .to_entities = {"press", "lt-blue", "ua-blue", "pl-blue"}};
  rumour.when.manual = true;
  rumour.deliver = {{.via = Channel::kConsole,
                     .roles = {Role::kMedia, Role::kBlue, Role::kWhite},
                     .subject = "Rumour",
                     .text = "They say"}};
  Inject second{.id = "second", .name = "After the warning", .from_entity = "red", .to_entities = {"ua-blue"}};
  second.when.conditions = {"lt-shared"};
  second.when.until = 90min;
  Inject luck{.id = "luck", .name = "By chance", .from_entity = "red", .to_entities = all};
  luck.when.chance = 0.5;
  Inject never{.id = "never", .name = "Never", .from_entity = "red", .to_entities = all};
  never.when.conditions = {"impossible"};
  never.when.until = 10min;
  Inject late{.id = "late", .name = "Late", .from_entity = "red", .to_entities = all};
  late.when.delay = 3h;
  s.injects = {phish, open, ddos, rumour, second, luck, never, late};
  s.events = {{.id = "one", .injects = {"phish", "second", "never"}},
              {.id = "two", .injects = {"open"}},
              {.id = "three", .injects = {"ddos", "rumour", "luck", "late"}}};
  s.scripts = {{.id = "day",
                .start_time = 0s,
                .end_time = 4h,
                .speed = 2,
                .events = {{"one", 20min}, {"two", 40min}, {"three", 60min}}}};
  s.stories = {{.id = "main", .scripts = {"day"}}};
  return s;
}

}  // namespace bongsu::exercise::drill
