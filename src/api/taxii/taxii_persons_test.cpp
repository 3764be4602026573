// What a person may not see is not there over TAXII: every answer is byte for byte that of a node without it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/taxii/taxii_test_support.h"
#include "crypto/secret.h"
#include "policy/label.h"

namespace bongsu::api {
namespace {

std::string secret_marking() {
  policy::Label label = policy::bottom();
  label.rank = policy::ClassRank::kSecret;
  const auto text = policy::make_label_marking(label, "cert-lt", Instant{1'700'000'000, 0});
  EXPECT_TRUE(text);
  return *text;
}

struct Persons : World {
  Persons() : World() {
    auto book = accounts->accounts();
    const auto account = [&](const std::string& name, identity::Clearance clearance) {
      book[name] = {.name = name,
                    .clearance = std::move(clearance),
                    .member = "cert-lt",
                    .role = identity::Role::kOperator,
                    .token_digests = {crypto::token_digest(name + "-token")},
                    .read = {"*"},
                    .write = {"*"}};
    };
    account("cleared", {.rank = "secret"});
    account("plain", {});
    book.at("writer").clearance.rank = "secret";
    accounts->replace(std::move(book));
  }
};

// Everything that one account can ask, as text.
std::string everything(World& world, std::string_view account) {
  std::string out;
  const auto ask = [&](const std::string& path) {
    const Answer answer = world.get(path, account);
    out += fmt::format("{} → {} {} {} {}\n", path, answer.status, answer.header("X-TAXII-Date-Added-First"),
                       answer.header("X-TAXII-Date-Added-Last"), answer.body);
    return answer;
  };
  for (const std::string end : {"objects/", "manifest/"})
    for (const std::string filter :
         {"", "?match[version]=all", "?match[version]=first", "?match[version]=first,last", "?match[type]=indicator",
          "?match[version]=2024-01-02T00:00:00.000Z", "?match[spec_version]=2.1&match[version]=all"})
      for (const int limit : {1, 2, 1000}) {
        std::string path = fmt::format("/api1/collections/{}/{}{}{}limit={}", world.shared.id, end, filter,
                                       filter.empty() ? "?" : "&", limit);
        for (std::string next;;) {
          const Answer answer = ask(next.empty() ? path : path + "&next=" + next);
          const Json body = answer.json();
          if (!body.is_object() || !bool_at(body, "more").value_or(false)) break;
          next = std::string(*string_at(body, "next"));
        }
      }
  for (int n = 1; n <= 12; ++n) {
    ask(world.objects(indicator_id(n) + "/"));
    ask(world.objects(indicator_id(n) + "/versions/"));
  }
  return out;
}

// Both worlds get the same, at the same times, but that one of them has what `plain` may not see.
void fill(World& world, bool hidden, std::uint64_t seed) {
  SeededRandom random{seed};
  const std::string marking = secret_marking();
  const std::string marking_id(string_at(*parse_json(marking), "id").value());
  world.add({marking});
  for (int i = 0; i < 40; ++i) {
    world.clock.advance(std::chrono::milliseconds(10));
    const int n = 1 + static_cast<int>(random.below(12)), version = 1 + static_cast<int>(random.below(5));
    const std::string extra = fmt::format(R"(,"name":"{}")", i);
    const std::uint64_t kind = random.below(5);
    if (kind >= 2) {
      // Versions of odd and even days, so that a hidden one is never in the way of a visible one.
      (void)world.post(R"({"objects":[)" + indicator(n, 2 * version, extra) + "]}", "writer");
    } else if (hidden) {
      (void)world.post(
          R"({"objects":[)" + indicator(n, 2 * version + 1, extra, kind == 0 ? kTlpRed : marking_id) + "]}", "writer");
    }
  }
}

TEST(TaxiiPersons, D9WhatAPersonMayNotSeeLooksAsIfItWereNotThere) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Persons with, without;
    fill(with, true, seed);
    fill(without, false, seed);
    const std::string seen = everything(with, "plain");
    ASSERT_EQ(seen, everything(without, "plain")) << "seed " << seed;
    EXPECT_NE(everything(with, "writer"), everything(without, "writer")) << "the worlds do differ";
    EXPECT_GT(seen.size(), 10'000U);
  }
}

TEST(TaxiiPersons, R5RedGoesToWhoBroughtItInAndClassifiedToTheCleared) {
  Persons world;
  const std::string marking = secret_marking();
  const std::string marking_id(string_at(*parse_json(marking), "id").value());
  world.add({marking, indicator(1, 1, "", kTlpRed), indicator(2, 1, "", marking_id), indicator(3)});
  const auto reads = [&](std::string_view account) {
    std::string out;
    for (const auto& id : ids_of(world.get(world.objects("?match[type]=indicator"), account))) out += id.back();
    return out;
  };
  EXPECT_EQ(reads("writer"), "123");
  EXPECT_EQ(reads("cleared"), "23") << "R12: an operator with a clearance, but not named";
  EXPECT_EQ(reads("plain"), "3");
  // The other ways to it say the same, and nobody deletes what he does not see.
  const std::string red = world.objects(indicator_id(1) + "/"), none = world.objects(indicator_id(9) + "/");
  EXPECT_EQ(world.get(red, "cleared").body, world.get(none, "cleared").body);
  EXPECT_EQ(world.remove(red, "cleared").status, 404);
  EXPECT_EQ(world.get(red, "writer").status, 200);
  ASSERT_EQ(world.post(R"({"objects":[)" + indicator(3, 2, "", kTlpRed) + "]}", "writer").status, 202);
  EXPECT_EQ(world.remove(world.objects(indicator_id(3) + "/"), "plain").status, 200);
  EXPECT_EQ(reads("plain"), "");
  EXPECT_EQ(ids_of(world.get(world.objects(indicator_id(3) + "/"), "writer")).size(), 1U) << "the hidden version stays";
}

}  // namespace
}  // namespace bongsu::api
