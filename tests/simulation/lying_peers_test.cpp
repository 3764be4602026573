// Peers that lie: caught, named, contained; everybody else goes on, and so does the liar's link when it stops lying.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "texts.h"
#include "world.h"

namespace bongsu::simulation {
namespace {

constexpr Instant kStart{1'767'225'600, 0};

// cert-a lies to cert-b; cert-c does not. All give everything up to GREEN to each other.
class LyingPeers : public testing::Test {
 protected:
  LyingPeers() : world_(kStart) {
    world_.step(0, "start");
    for (const char* member : {"cert-a", "cert-b", "cert-c"}) world_.add(member);
    for (const auto& a : world_.members())
      for (const auto& b : world_.members())
        if (a != b) {
          world_.node(a).know(b);
          policy::Agreement agreement;
          agreement.partner = b;
          agreement.collections = {"shared"};
          agreement.highest_tlp = stix::Tlp::kGreen;
          agreement.types = {"*"};
          agreement.valid_until = Instant{4'000'000'000, 0};
          world_.node(a).agree(agreement);
        }
    settle();
  }

  void publish(const std::string& node, unsigned number) {
    const auto done = world_.node(node).publish(
        "shared", {domain_object("indicator", number, {tlp(stix::Tlp::kGreen)}, 0, "n")}, node);
    ASSERT_EQ(done.admitted, 1U) << done.message;
  }
  // Time passes, and every link is served once.
  void round() {
    at_ += 61'000'000;
    world_.step(at_, "round " + std::to_string(at_));
    for (const auto& consumer : world_.members())
      for (const auto& producer : world_.members())
        if (consumer != producer) world_.pump(consumer, producer);
  }
  void settle() {
    for (int i = 0; i < 4; ++i) round();
  }
  bool has(const std::string& node, unsigned number) { return world_.node(node).holds(id_of("indicator", number)); }

  // What cert-a sends to cert-b is changed once, as soon as there is something that `change` does change.
  void lie(const std::function<void(std::string&)>& change) {
    auto done = std::make_shared<bool>(false);
    world_.forge("cert-b", "cert-a", [=](std::string& bytes) {
      if (*done || bytes.find("event: object") == std::string::npos) return;
      const std::string before = bytes;
      change(bytes);
      *done = bytes != before;
    });
  }

  World world_;
  std::int64_t at_ = 0;
};

struct Lie {
  const char* what;
  std::function<void(std::string&)> change;
  const char* named;  // in the link's error
};

const std::vector<Lie>& lies() {
  static const std::vector<Lie> all = {
      {"other content under the hash of the first",
       [](std::string& bytes) { bytes.replace(bytes.find("domain-name:value"), 6, "evilll"); },
       "does not have the hash in its header"},
      {"an event left out",
       [](std::string& bytes) {
         const auto from = bytes.find("id: ");
         bytes.erase(from, bytes.find("\n\n", from) + 2 - from);
       },
       "where"},
      {"what was sent before, again", [](std::string& bytes) { bytes += bytes; }, "where"},
      {"a position of its own making",
       [](std::string& bytes) { bytes.replace(bytes.find("\"pos\":"), 6, "\"pos\":9"); }, "where"},
      {"an event without a cursor",
       [](std::string& bytes) {
         bytes.erase(bytes.find("id: "), bytes.find('\n', bytes.find("id: ")) + 1 - bytes.find("id: "));
       },
       "without a cursor"},
      {"a cursor that does not end",
       [](std::string& bytes) { bytes.insert(bytes.find("id: ") + 4, std::string(5000, '1')); }, "without a cursor"},
      {"a header that is none", [](std::string& bytes) { bytes.replace(bytes.find("{\"pos\""), 1, "["); },
       "without a header line"},
      {"an object that is none",
       [](std::string& bytes) {
         const auto header = bytes.find("data: {\"pos\"");
         const auto body = bytes.find('\n', header) + 1;
         bytes.erase(body, bytes.find('\n', body) + 1 - body);
       },
       "an object event without an object"},
      {"a line without an end",
       [](std::string& bytes) { bytes.insert(0, "data: " + std::string(25 * 1024 * 1024, 'x')); }, "exceeds"},
  };
  return all;
}

TEST_F(LyingPeers, BrokenStreamsEndTheLinkNameTheFaultAndHurtNobodyElse) {
  unsigned number = 100;
  for (const Lie& lie_told : lies()) {
    SCOPED_TRACE(lie_told.what);
    const unsigned of_a = number++, second_of_a = number++, of_c = number++;
    lie(lie_told.change);
    publish("cert-a", of_a);
    publish("cert-a", second_of_a);
    publish("cert-c", of_c);
    std::string error;
    for (int i = 0; i < 3 && error.empty(); ++i) {
      round();
      const auto* link = world_.follower("cert-b", "cert-a", "shared");
      ASSERT_NE(link, nullptr);
      if (link->phase() == "backing_off") error = link->last_error();
    }
    EXPECT_NE(error.find(lie_told.named), std::string::npos) << "named: " << error;
    EXPECT_TRUE(has("cert-b", of_c)) << "others go on";
    EXPECT_TRUE(has("cert-c", of_a)) << "others go on";
    EXPECT_EQ(world_.follower("cert-b", "cert-c", "shared")->phase(), "live");
    for (const auto& payload : world_.node("cert-b").contents("cert-a.shared"))
      EXPECT_EQ(payload.find("evilll"), std::string::npos) << "nothing of the lie stays";
    settle();  // it lies no more
    EXPECT_TRUE(has("cert-b", of_a));
    EXPECT_TRUE(has("cert-b", second_of_a)) << "nothing is lost by it";
    EXPECT_EQ(world_.node("cert-b").contents("cert-a.shared"), *world_.node("cert-a").visible_to("cert-b", "shared"));
  }
}

TEST_F(LyingPeers, TruncatedTailsLoseNothingWhereverTheyEnd) {
  for (std::int64_t cut = 0; cut < 900; cut += 23) {
    publish("cert-a", static_cast<unsigned>(1000 + cut));
    round();  // in flight
    world_.step(at_ += 61'000'000, "cut");
    world_.pump("cert-b", "cert-a", cut);
  }
  settle();
  EXPECT_EQ(world_.node("cert-b").contents("cert-a.shared"), *world_.node("cert-a").visible_to("cert-b", "shared"));
}

// What breaks no rule of the stream, but speaks for others: refused by itself, the rest of the link goes on.
TEST_F(LyingPeers, ObjectsThatSpeakForUsAreRefusedAndTheRestArrives) {
  std::string own;  // cert-b's identity, as it is in its own collection
  for (const auto& payload : world_.node("cert-b").contents("shared"))
    if (const auto at = payload.find("\"id\":\"identity--"); at != std::string::npos) own = payload.substr(at + 6, 46);
  ASSERT_FALSE(own.empty());
  const std::string forged =
      domain_object("indicator", 1, {tlp(stix::Tlp::kGreen)}, 0, "forged", ",\"created_by_ref\":\"" + own + "\"");
  ASSERT_EQ(world_.node("cert-a").publish("shared", {forged}, "cert-a").admitted, 1U) << "cert-a says what it wants";
  publish("cert-a", 2);
  settle();
  EXPECT_FALSE(has("cert-b", 1));
  EXPECT_TRUE(has("cert-b", 2));
  EXPECT_EQ(world_.follower("cert-b", "cert-a", "shared")->phase(), "live");
  EXPECT_EQ(world_.follower("cert-b", "cert-a", "shared")->refused(), 1U) << "counted";
}

TEST_F(LyingPeers, AMarkingDefinitionIsWhatItFirstWas) {
  const auto definition = [](std::string_view text) {
    return R"({"type":"marking-definition","spec_version":"2.1","id":"marking-definition--00000001-1111-4111-8111-111111111111","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":")" +
           std::string(text) + "\"}}";
  };
  ASSERT_EQ(world_.node("cert-c").publish("shared", {definition("as it was")}, "cert-c").admitted, 1U);
  settle();
  ASSERT_EQ(world_.node("cert-b").contents("cert-c.shared").size(), 2U);
  // Both others have it by now, and take no other content under its id, from nobody.
  EXPECT_EQ(world_.node("cert-a").publish("shared", {definition("as it shall be")}, "cert-a").admitted, 0U);
  EXPECT_EQ(world_.node("cert-b").publish("shared", {definition("as it shall be")}, "cert-b").admitted, 0U);
}

}  // namespace
}  // namespace bongsu::simulation
