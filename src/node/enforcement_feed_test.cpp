#include "node/enforcement_feed.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class EnforcementFeedTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bongsu-enforce-XXXXXX").string();
    root_ = fs::path(::mkdtemp(pattern.data())) / "node";
    const DataDir directory(root_);
    ASSERT_TRUE(directory.init({.member = "cert-lt", .title = "t", .country = "LT", .names = {}, .base_port = 0},
                               clock_, random_));
    auto core = Core::open(directory, *log_);
    ASSERT_TRUE(core) << core.error().text();
    core_ = std::move(*core);
    ASSERT_TRUE(core_->first_run());
    feed_ = std::make_unique<EnforcementFeed>(*core_, [this] { return lists_; });
  }
  void TearDown() override {
    feed_.reset();
    core_.reset();
    fs::remove_all(root_.parent_path());
  }
  void admit(int number, const std::string& pattern, const std::string& more = "",
             const std::string& modified = "2026-01-01T00:00:00Z", const std::string& collection = kSharedCollection,
             stix::Tlp fallback = stix::Tlp::kGreen) {
    const std::string text =
        fmt::format(R"({{"type":"indicator","spec_version":"2.1","id":"indicator--7ef4b0a4-9c2a-4a4a-8b8c-{:012}",)"
                    R"("created":"2026-01-01T00:00:00Z","modified":"{}","valid_from":"2026-01-01T00:00:00Z",)"
                    R"("pattern_type":"stix","pattern":"{}"{}}})",
                    number, modified, pattern, more);
    std::vector<Result<stix::Object>> objects;
    objects.push_back(stix::Object::parse(text));
    ASSERT_TRUE(objects[0]) << objects[0].error().text();
    const auto report = core_->admission->admit(
        objects, {.collection = core_->collections->find(collection)->id, .origin = "cert-lt", .fallback = fallback});
    ASSERT_TRUE(report) << report.error().text();
  }
  JsonObject build() {
    auto report = feed_->build(
        {formats::EnforcementFormat::kEdl, formats::EnforcementFormat::kZeek, formats::EnforcementFormat::kRpz});
    EXPECT_TRUE(report) << (report ? "" : report.error().text());
    return report ? std::move(*report) : JsonObject();
  }
  std::string read(const std::string& file) {
    std::ifstream in(feed_->directory() / file);
    return {(std::istreambuf_iterator<char>(in)), {}};
  }
  std::string etag(const std::string& format, const std::string& file) {
    const auto body = feed_->open(format, file);
    return body ? body->etag : "";
  }

  fs::path root_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Log> log_ = make_null_log();
  std::unique_ptr<Core> core_;
  WarningListsPtr lists_;
  std::unique_ptr<EnforcementFeed> feed_;
};

TEST_F(EnforcementFeedTest, OnlyReleasedValuesAreWrittenAndTheRestIsCounted) {
  const std::string red = R"(,"object_marking_refs":["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"])";
  const std::string pap_amber =
      R"(,"object_marking_refs":["marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab"])";
  admit(1, "[domain-name:value = 'evil.example']");
  admit(2, "[domain-name:value = 'red.example']", red);
  admit(3, "[domain-name:value = 'revoked.example']");
  admit(3, "[domain-name:value = 'revoked.example']", R"(,"revoked":true)", "2026-02-01T00:00:00Z");
  admit(4, "[domain-name:value = 'looked-for.example']", pap_amber);
  admit(5, "[domain-name:value = 'unsure.example']", R"(,"confidence":10)");
  admit(6, "[domain-name:value = 'over.example']", R"(,"valid_until":"2026-01-02T00:00:00Z")");
  admit(7, "[ipv4-addr:value = '192.168.1.1']");
  admit(8, "[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']");
  admit(9, "[email-addr:value = 'x@evil.example']");
  admit(10, "[domain-name:value = 'evil.example']");  // the same value once more
  const JsonObject report = build();
  EXPECT_EQ(read("edl/domain.txt"), "evil.example\n");
  EXPECT_EQ(read("edl/ip.txt"), "");
  EXPECT_THAT(read("rpz/bongsu.rpz"), HasSubstr("\nevil.example CNAME .\n*.evil.example CNAME .\n"));
  EXPECT_THAT(read("zeek/bongsu.intel"), HasSubstr("looked-for.example\tIntel::DOMAIN"));
  EXPECT_THAT(read("zeek/bongsu.intel"), HasSubstr("unsure.example"));
  for (const char* withheld : {"red.example", "revoked.example", "over.example", "192.168.1.1"})
    for (const char* file :
         {"zeek/bongsu.intel", "zeek/unexpressed.ndjson", "edl/unexpressed.ndjson", "rpz/bongsu.rpz"})
      EXPECT_THAT(read(file), Not(HasSubstr(withheld))) << file;
  EXPECT_THAT(read("edl/unexpressed.ndjson"), HasSubstr("x@evil.example"));
  const Json& block = report.at("verdicts").at("block");
  for (const auto& [verdict, n] : {std::pair{"use", 3},
                                   {"tlp_too_high", 1},
                                   {"pap_amber", 1},
                                   {"low_confidence", 1},
                                   {"expired", 1},
                                   {"allow_listed", 1},
                                   {"revoked", 1}})
    EXPECT_EQ(int_at(block, verdict).value_or(0), n) << verdict;
  EXPECT_EQ(report.at("not_plain_values").to_number<int>(), 1);
  EXPECT_EQ(report.at("formats").as_array()[0].at("unexpressed").to_number<int>(), 1);
}

TEST_F(EnforcementFeedTest, EntityTagsAndTheSerialChangeOnlyWithTheContent) {
  admit(1, "[domain-name:value = 'evil.example']");
  build();
  const std::string domains = etag("edl", "domain.txt"), zone = etag("rpz", "bongsu.rpz"), ips = etag("edl", "ip.txt");
  const std::string before = read("rpz/bongsu.rpz");
  EXPECT_FALSE(domains.empty());
  build();
  EXPECT_EQ(etag("edl", "domain.txt"), domains);
  EXPECT_EQ(etag("rpz", "bongsu.rpz"), zone);
  admit(2, "[domain-name:value = 'more.example']");
  build();
  EXPECT_NE(etag("edl", "domain.txt"), domains);
  EXPECT_NE(etag("rpz", "bongsu.rpz"), zone);
  EXPECT_EQ(etag("edl", "ip.txt"), ips);
  const auto serial = [](const std::string& text) {
    return std::stoul(text.substr(text.find("root.localhost. ") + 16));
  };
  EXPECT_GT(serial(read("rpz/bongsu.rpz")), serial(before));
  // After a restart the bytes on disk decide.
  const std::string now = read("rpz/bongsu.rpz");
  feed_ = std::make_unique<EnforcementFeed>(*core_, [this] { return lists_; });
  build();
  EXPECT_EQ(read("rpz/bongsu.rpz"), now);
}

TEST_F(EnforcementFeedTest, WarningListedValuesAreWithheldUnlessAskedFor) {
  auto lists = std::make_shared<detect::WarningLists>();
  ASSERT_TRUE(lists->add_list(
      R"({"name":"good","type":"hostname","list":["evil.example"],"matching_attributes":["domain"]})", "good"));
  lists->finish();
  lists_ = lists;
  admit(1, "[domain-name:value = 'www.evil.example']");
  build();
  EXPECT_EQ(read("edl/domain.txt"), "");
  core_->config.enforcement_warning_listed = true;
  const JsonObject report = build();
  EXPECT_EQ(read("edl/domain.txt"), "www.evil.example\n");
  EXPECT_EQ(int_at(report.at("verdicts").at("block"), "use_warned"), 1);
}

TEST_F(EnforcementFeedTest, APapMarkingDoesNotLoosenWhatElseHolds) {
  const std::string pap = "marking-definition--60f8932b-e51e-4458-b265-a2e8be9a80ab";
  const auto marked = [&](const std::string& more) {
    return fmt::format(R"(,"object_marking_refs":["{}"{}])", pap, more);
  };
  admit(1, "[domain-name:value = 'fallback-red.example']", marked(""), "2026-01-01T00:00:00Z", kSharedCollection,
        stix::Tlp::kRed);
  admit(2, "[domain-name:value = 'fallback-green.example']", marked(""));
  admit(3, "[domain-name:value = 'unknown.example']",
        marked(R"(,"marking-definition--00000000-1111-4111-8111-111111111111")"));
  build();
  const std::string intel = read("zeek/bongsu.intel");
  EXPECT_THAT(intel, HasSubstr("fallback-green.example"));
  EXPECT_THAT(intel, Not(HasSubstr("fallback-red.example")));
  EXPECT_THAT(intel, Not(HasSubstr("unknown.example")));
}

TEST_F(EnforcementFeedTest, OneVersionInTwoCollectionsIsHeldToBothLabels) {
  const char* const when = "2026-01-01T00:00:00Z";
  for (const auto& [number, first, second] : {std::tuple{1, stix::Tlp::kGreen, stix::Tlp::kRed},
                                              {2, stix::Tlp::kRed, stix::Tlp::kGreen},
                                              {3, stix::Tlp::kGreen, stix::Tlp::kAmber}}) {
    const std::string pattern = fmt::format("[domain-name:value = 'e{}.example']", number);
    admit(number, pattern, "", when, kSharedCollection, first);
    admit(number, pattern, "", when, kPrivateCollection, second);
  }
  build();
  EXPECT_EQ(read("edl/domain.txt"), "e3.example\n");
}

TEST_F(EnforcementFeedTest, BeyondAnOriginsLimitValuesAreSkippedAndRevocationGoesOn) {
  feed_ = std::make_unique<EnforcementFeed>(
      *core_, [this] { return lists_; }, EnforcementLimits{.items_of_origin = 2});
  for (int i = 1; i <= 4; ++i) admit(i, fmt::format("[domain-name:value = 'e{}.example']", i));
  JsonObject report = build();
  EXPECT_EQ(read("edl/domain.txt"), "e1.example\ne2.example\n");
  EXPECT_EQ(int_at(report.at("skipped"), "cert-lt"), 2);
  admit(1, "[domain-name:value = 'e1.example']", R"(,"revoked":true)", "2026-02-01T00:00:00Z");
  build();
  EXPECT_THAT(read("edl/domain.txt"), Not(HasSubstr("e1.example")));
}

TEST_F(EnforcementFeedTest, FilesThatAreOverdueAreWithdrawn) {
  feed_ = std::make_unique<EnforcementFeed>(
      *core_, [this] { return lists_; }, EnforcementLimits{.failing = -std::chrono::hours(1)});
  build();
  const auto body = feed_->open("edl", "ip.txt");
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(body.error().message, HasSubstr("withdrawn"));
  EXPECT_EQ(to_text(feed_->listing()), "{}");
}

TEST_F(EnforcementFeedTest, FoldersOfOtherFormatsAreDeletedAtTheStart) {
  build();
  core_->config.enforcement_formats = {"edl"};
  EXPECT_FALSE(feed_->open("rpz", "bongsu.rpz")) << "nobody writes it anew";
  feed_->start();
  EXPECT_FALSE(fs::exists(feed_->directory() / "rpz"));
  EXPECT_TRUE(fs::exists(feed_->directory() / "edl"));
  feed_->stop();
}

TEST_F(EnforcementFeedTest, NamesThatAreNoneAreNotServed) {
  build();
  EXPECT_TRUE(feed_->open("edl", "ip.txt"));
  for (const auto& [format, file] : {std::pair{"edl", "../bongsu.toml"},
                                     {"..", "bongsu.toml"},
                                     {"edl", ""},
                                     {"", "ip.txt"},
                                     {"haproxy", "bongsu-ips.acl"}})
    EXPECT_FALSE(feed_->open(format, file)) << format << "/" << file;
}

}  // namespace
}  // namespace bongsu::node
