// What this node has stands above what a file says of it; and what the registry makes of consent that is for crises.
#include "node/sealed_release.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "flow/facts.h"
#include "flow/recall_states.h"
#include "stix/marking.h"

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class PairedNode : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bongsu-seal-XXXXXX").string();
    root_ = fs::path(::mkdtemp(pattern.data())) / "node";
    ASSERT_TRUE(DataDir(root_).init({.member = "cert-lt", .title = "t", .country = "LT", .names = {}, .base_port = 0},
                                    clock_, random_));
    open();
    ASSERT_TRUE(core_->first_run());
    ASSERT_TRUE(core_->registry->put_member({.id = "cert-ua", .title = "CERT Ukraine", .country = "UA"}));
  }
  void TearDown() override {
    core_.reset();
    fs::remove_all(root_.parent_path());
  }
  void open() {
    core_.reset();
    auto core = Core::open(DataDir(root_), *log_);
    ASSERT_TRUE(core) << core.error().text();
    core_ = std::move(*core);
  }
  void agree(std::set<policy::Purpose> purposes, std::set<policy::MemberId> passes_on = {}) {
    const auto done = core_->registry->put_agreement({.partner = "cert-ua",
                                                      .collections = {kSharedCollection},
                                                      .highest_tlp = stix::Tlp::kGreen,
                                                      .types = {"*"},
                                                      .valid_until = clock_.now() + 24h,
                                                      .passes_on = std::move(passes_on),
                                                      .purposes = std::move(purposes)});
    ASSERT_TRUE(done) << done.error().text();
  }
  static std::string indicator(stix::Tlp tlp, int second) {
    return fmt::format(
        R"({{"type":"indicator","spec_version":"2.1","id":"indicator--7ef4b0a4-9c2a-4a4a-8b8c-000000000001",)"
        R"("created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:{:02}Z","valid_from":"2026-01-01T00:00:00Z",)"
        R"("pattern_type":"stix","pattern":"[domain-name:value = 'a.example']","object_marking_refs":["{}"]}})",
        second, stix::tlp_marking_id(tlp).text());
  }
  void admit(const std::string& text) {
    std::vector<Result<stix::Object>> objects;
    objects.push_back(stix::Object::parse(text));
    const auto report = core_->admission->admit(objects, {.collection = core_->collections->find(kSharedCollection)->id,
                                                          .origin = "cert-lt",
                                                          .fallback = stix::Tlp::kGreen,
                                                          .authority = "otto",
                                                          .authority_reason = "it is public now"});
    ASSERT_TRUE(report) << report.error().text();
    ASSERT_EQ(report->items.front().outcome, flow::AdmitItem::Outcome::kNew) << report->items.front().message;
  }
  // As `bongsu seal --to cert-ua`.
  Result<void> seal(const std::string& text) {
    BONGSU_TRY(const FileToSeal file, file_to_seal(*core_, text, "", kSharedCollection));
    return may_seal(*core_, file, "cert-ua");
  }
  std::set<policy::MemberId> consent() { return core_->release->state()->agreements.at("cert-ua").passes_on; }

  fs::path root_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Log> log_ = make_null_log();
  std::unique_ptr<Core> core_;
};

TEST_F(PairedNode, AnObjectThatStandsHereIsNotSealedByWeakerMarkingsOfTheFile) {
  agree({policy::Purpose::kOperations});
  ASSERT_TRUE(seal(indicator(stix::Tlp::kClear, 0))) << "what is not here has its own markings";
  admit(indicator(stix::Tlp::kRed, 0));
  for (const int second : {0, 1}) {
    const auto sealed = seal(indicator(stix::Tlp::kClear, second));
    ASSERT_FALSE(sealed) << "the same version, and a newer one";
    EXPECT_EQ(sealed.error().code, ErrorCode::kDenied);
  }
  admit(indicator(stix::Tlp::kGreen, 2));  // four eyes are off: one lowers it, and the journal says who
  EXPECT_TRUE(seal(indicator(stix::Tlp::kGreen, 2)));
  const auto file = file_to_seal(*core_, indicator(stix::Tlp::kClear, 2), "", kSharedCollection);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(file->label.tlp, stix::Tlp::kGreen) << "how to handle it is said on the envelope";
}

TEST_F(PairedNode, WhereLoweringTakesTwoPersonsAFileIsNoWayRound) {
  agree({policy::Purpose::kOperations});
  admit(indicator(stix::Tlp::kRed, 0));
  std::ofstream(DataDir(root_).config_file(), std::ios::app) << "\n[people]\nfour_eyes = true\n";
  open();
  const auto sealed = seal(indicator(stix::Tlp::kClear, 1));
  ASSERT_FALSE(sealed);
  EXPECT_NE(sealed.error().message.find("takes two persons"), std::string::npos) << sealed.error().text();
}

TEST_F(PairedNode, V5_WhatItsSenderRecalledBeforeItWasReadIsNotOpened) {
  const std::string bundle = fmt::format(R"({{"type":"bundle","id":"bundle--{}","objects":[{}]}})",
                                         Uuid::random(random_).text(), indicator(stix::Tlp::kGreen, 0));
  ASSERT_TRUE(may_open(*core_, "cert-ua", bundle));
  const auto object = stix::Object::parse(indicator(stix::Tlp::kGreen, 0));
  ASSERT_TRUE(object);
  flow::RecallBounds bounds;
  bounds.add_for_good(flow::version_key_of(*object));
  journal::Batch batch;
  batch.states.push_back({std::string(flow::kRecallTombstones), "cert-ua/" + object->id_text(), bounds.text()});
  ASSERT_TRUE(core_->journal->append(batch));
  open();
  for (const std::string& content : {bundle, indicator(stix::Tlp::kGreen, 0)}) {
    const auto opened = may_open(*core_, "cert-ua", content);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kDenied);
    EXPECT_NE(opened.error().message.find(object->id_text()), std::string::npos);
  }
  EXPECT_TRUE(may_open(*core_, "cert-pl", bundle)) << "who did not recall it may give it";
  EXPECT_TRUE(may_open(*core_, "cert-ua", indicator(stix::Tlp::kGreen, 1))) << "a new version is a new decision";
  EXPECT_TRUE(may_open(*core_, "cert-ua", "words")) << "no STIX";
}

TEST_F(PairedNode, ConsentThatIsForCrisesAloneIsGivenWhileOneLasts) {
  agree({policy::Purpose::kOperations}, {"cert-pl"});
  EXPECT_EQ(consent(), std::set<policy::MemberId>{"cert-pl"});
  agree({policy::Purpose::kCrisis}, {"cert-pl"});
  EXPECT_TRUE(consent().empty()) << "none was declared";
  ASSERT_TRUE(core_->registry->declare_crisis(
      {.since = {}, .until = clock_.now() + 1h, .reason = "attacks on the grid", .by = "olena"}));
  EXPECT_EQ(consent(), std::set<policy::MemberId>{"cert-pl"});
  ASSERT_TRUE(core_->registry->end_crisis("olena", "over"));
  EXPECT_TRUE(consent().empty());
  open();
  EXPECT_TRUE(consent().empty()) << "nor after a start";
}

}  // namespace
}  // namespace bongsu::node
