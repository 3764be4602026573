// A small drill in a directory of its own, and a member's node that says what it is told to.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "desk/member_node.h"
#include "desk/table.h"
#include "exercise/scenario/read.h"

namespace bongsu::desk {

using namespace std::chrono_literals;
using namespace exercise::drill;
namespace fs = std::filesystem;
constexpr const char* kExercise = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710";
constexpr const char* kScenario = R"(name: Two
exercise: {id: two, start: 2027-01-19T07:00:00Z, time-zone: Europe/Vilnius, duration: 1h, label: TLP:AMBER, speed: {least: 1, most: 60}}
entities:
  white: {name: Exercise control, role: White}
  lt-blue: {name: CERT-LT, role: Blue, member: cert-lt, nation: lt}
  ua-blue: {name: CERT-UA, role: Blue, member: cert-ua, nation: ua}
  press: {name: Newspaper, role: Media}
  agency: {name: News agency, role: Media}
  counsel: {name: Counsel, role: Legal}
injects:
  phish:
    name: A mail
    from-entity: white
    to-entities: [lt-blue, ua-blue]
    deliver: [{via: console, roles: [Blue], subject: Look, text: "Is this ours?"}]
    telemetry: [{template: zeek-dns, parameters: {source: 10.0.0.5, query: evil.example}, after: 10s}]
    indicators: [{id: name, type: domain-name, value: evil.example}]
    expectations: [{id: sitrep, act: form, score: 5, expires: 30min, seen: {as: form, of: sitrep}}]
    share: [{id: warn, what: indicators, from: [lt-blue], to: [ua-blue], label: TLP:AMBER+STRICT, by: 30min, score: 20}]
  rumour:
    name: A rumour
    from-entity: white
    to-entities: [lt-blue, press]
    deliver: [{via: console, roles: [Media], subject: A rumour, text: "Have you heard?"}, {via: console, roles: [Legal, Media], subject: Law, text: "May one print it?"}]
events: {one: {injects: [phish]}, two: {injects: [rumour]}}
scripts: {day: {start-time: 0s, end-time: 1h, speed: 1, events: {one: 1min, two: 30min}}}
stories: {main: {scripts: [day]}}
)";

inline exercise::scenario::Scenario two() {
  auto read = exercise::scenario::read_scenario(kScenario, "two.yaml");
  EXPECT_TRUE(read) << read.error().list.front().text();
  return std::move(*read);
}

class Desks : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("desk-test-" + std::to_string(::getpid()) + "-" +
                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }
  std::string read(const fs::path& file) const { return *read_small_file(dir_ / file, 1 << 24); }
  std::unique_ptr<Table> open() {
    auto table = Table::open(dir_, scenario_, {.background = 0ms}, no_range(), clock_);
    EXPECT_TRUE(table) << table.error().text();
    return std::move(*table);
  }
  std::unique_ptr<Table> begun() {
    auto table = open();
    EXPECT_TRUE(table->take(Control{.verb = Verb::kStart, .by = "white"}));
    return table;
  }

  fs::path dir_;
  FakeClock clock_;
  SeededRandom random_{1};
  const exercise::scenario::Scenario scenario_ = two();
};

class FakeNode final : public MemberNode {
 public:
  std::vector<NodeAlert> alerts_list;
  std::vector<NodeCollection> collections_list;
  std::map<std::string, std::vector<NodeObject>> held;
  std::map<std::pair<std::string, std::string>, std::string> labels;  // by object and version
  bool down = false, alerts_fail = false;
  std::size_t labels_asked = 0;
  Result<Published> published = Published{};

  Result<std::vector<NodeAlert>> alerts(std::uint32_t limit, std::uint64_t before) override {
    if (down || alerts_fail) return gone();
    std::vector<NodeAlert> out;
    for (const NodeAlert& alert : alerts_list)
      if ((before == 0 || alert.seq < before) && out.size() < limit) out.push_back(alert);
    return out;
  }
  Result<std::vector<NodeCollection>> collections() override {
    if (down) return gone();
    return collections_list;
  }
  Result<ObjectPage> objects(const std::string& collection, std::uint64_t after) override {
    const auto& all = held[collection];
    ObjectPage out{.objects = {}, .next = std::min<std::uint64_t>(after + 1, all.size())};
    if (after < all.size()) out.objects.push_back(all[after]);
    out.more = out.next < all.size();
    return out;
  }
  Result<std::string> label_of(const NodeObject& object, const std::string&) override {
    ++labels_asked;
    const auto label = labels.find({object.id, object.version});
    if (label == labels.end()) return fail(ErrorCode::kNotFound, "it is not there");
    return label->second;
  }
  Result<Published> publish(const std::string&, const JsonArray&) override { return published; }

  void put(const std::string& collection, const std::string& id, const std::string& pattern, const std::string& label,
           const std::string& version = "2027-01-19T07:00:00.000Z") {
    held[collection].push_back({.id = id,
                                .type = id.substr(0, id.find("--")),
                                .version = version,
                                .body = JsonObject{{"id", id}, {"pattern", pattern}}});
    labels[{id, version}] = label;
  }

 private:
  static std::unexpected<Error> gone() { return fail(ErrorCode::kUnavailable, "it is gone"); }
};

const char* const kEvil = "[domain-name:value = 'evil.example']";

}  // namespace bongsu::desk
