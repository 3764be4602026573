#include "flow/approvals.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "flow/flow_test_support.h"

namespace bongsu::flow {
namespace {

using namespace std::chrono_literals;
using State = Proposal::State;

// A node with an act that writes a value, allowed to operators.
struct Office {
  FakeClock clock;
  SeededRandom random{3};
  std::unique_ptr<Log> log = make_null_log();
  test::FaultyJournal journal{journal::make_memory_journal(clock, random)};
  identity::AccountBook accounts{clock, random};
  std::string world = "calm";  // what the act would change
  int done = 0;
  bool fails = false;
  std::unique_ptr<Approvals> approvals;

  Office() {
    person("olena", identity::Role::kOperator);
    person("otto", identity::Role::kOperator);
    person("rita", identity::Role::kReader);
    open(true);
  }
  void person(const std::string& name, identity::Role role, const std::string& whose = "") {
    auto book = accounts.accounts();
    book[name] = {.name = name, .person = whose, .member = "cert-lt", .role = role};
    accounts.replace(std::move(book));
  }
  void change(const std::string& name, const std::function<void(identity::Account&)>& how) {
    auto book = accounts.accounts();
    how(book.at(name));
    accounts.replace(std::move(book));
  }
  void open(bool four_eyes) {
    approvals =
        std::move(*Approvals::load(journal, accounts, clock, random, "cert-lt", {.four_eyes = four_eyes}, *log));
    approvals->add({.kind = "test.put",
                    .plan = [this](const Proposed& what) -> Result<ActPlan> {
                      return ActPlan{.subject = "it", .summary = "puts it", .changes = {{"world", world, what.bytes}}};
                    },
                    .may_decide = [](const identity::Account& account, const Proposed&,
                                     const ActPlan&) { return account.role == identity::Role::kOperator; },
                    .execute = [this](const Proposed& what, const Closing& closing) -> Result<void> {
                      if (fails) return fail(ErrorCode::kNoSpace, "no space");
                      journal::Batch batch;
                      batch.states = closing.states;
                      batch.states.push_back({"test", "it", what.bytes});
                      batch.entries = closing.notes;
                      BONGSU_TRY([[maybe_unused]] const auto receipt, journal.append(batch));
                      ++done;
                      return {};
                    }});
  }
  Proposal propose(const std::string& by = "olena", const std::string& bytes = "new") {
    auto waits = approvals->ask({.kind = "test.put", .parameters = {{"at", "there"}}, .bytes = bytes}, {.account = by},
                                "it is time");
    EXPECT_TRUE(waits && *waits) << (waits ? "done alone" : waits.error().text());
    return waits && *waits ? **waits : Proposal();
  }
  ErrorCode refused(const Proposal& p, const std::string& by, std::string sha256 = "") {
    const auto done_now = approvals->approve(p.id, by, sha256.empty() ? p.sha256 : sha256, "yes");
    EXPECT_FALSE(done_now) << by;
    return done_now ? ErrorCode::kInternal : done_now.error().code;
  }
  std::optional<std::string> stored() { return *journal.state("test", "it"); }
  std::vector<std::string> events() {
    std::vector<std::string> out;
    const auto snapshot = journal.snapshot();
    for (const auto& entry : *snapshot->entries(0, 1000))
      if (entry.kind == journal::EntryKind::kNote)
        out.emplace_back(*string_at(*parse_json(*snapshot->payload(entry.seq)), "event"));
    return out;
  }
};

TEST(Approvals, NobodyApprovesWhatHeProposedNotEvenByASecondAccountOfHis) {
  Office o;
  o.person("olena-admin", identity::Role::kOperator, "olena");
  const Proposal p = o.propose();
  EXPECT_EQ(o.refused(p, "olena"), ErrorCode::kDenied);
  EXPECT_EQ(o.refused(p, "olena-admin"), ErrorCode::kDenied) << "one person";
  EXPECT_EQ(o.done, 0);
  EXPECT_TRUE(o.approvals->approve(p.id, "otto", p.sha256, "seen"));
  EXPECT_EQ(o.stored(), "new");
  EXPECT_EQ(o.events(), (std::vector<std::string>{"approval.proposed", "approval.executed"}));
}

TEST(Approvals, WhoHasNotTheRightOrLostItSinceDecidesNothing) {
  Office o;
  o.person("guest", identity::Role::kOperator);
  o.change("guest", [](auto& account) { account.member = "cert-ua"; });
  const Proposal p = o.propose();
  EXPECT_EQ(o.refused(p, "rita"), ErrorCode::kDenied) << "a reader";
  EXPECT_EQ(o.refused(p, "guest"), ErrorCode::kDenied) << "another member's";
  EXPECT_EQ(o.refused(p, "nobody"), ErrorCode::kDenied);
  EXPECT_EQ(o.refused(p, std::string(kLocalAdmin)), ErrorCode::kDenied) << "no account";
  o.change("otto", [](auto& account) { account.disabled = true; });
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kDenied);
  o.change("otto", [](auto& account) { account.disabled = false, account.role = identity::Role::kAnalyst; });
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kDenied);
  EXPECT_FALSE(o.approvals->refuse(p.id, "rita", "no"));
  EXPECT_EQ(o.done, 0);
}

TEST(Approvals, WhatWasProposedBySomebodyWhoLostTheRightIsNotDone) {
  Office o;
  const Proposal p = o.propose();
  o.change("olena", [](auto& account) { account.disabled = true; });
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kDenied);
  EXPECT_EQ(o.done, 0);
}

TEST(Approvals, AnApprovalIsOfOneThingAndGoodOnce) {
  Office o;
  const Proposal p = o.propose("olena", "new"), q = o.propose("olena", "newer");
  EXPECT_NE(p.sha256, q.sha256);
  EXPECT_EQ(o.refused(p, "otto", q.sha256), ErrorCode::kConflict) << "the hash of the other";
  ASSERT_TRUE(o.approvals->approve(p.id, "otto", p.sha256, "yes"));
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kConflict) << "replayed";
  EXPECT_FALSE(o.approvals->refuse(p.id, "otto", "no"));
  o.open(true);
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kConflict) << "replayed after a start";
  EXPECT_EQ(o.done, 1);
}

TEST(Approvals, WhatItWouldChangeMustBeWhatWasShown) {
  Office o;
  const Proposal p = o.propose();
  o.world = "at war";
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kConflict);
  o.world = "calm";
  EXPECT_TRUE(o.approvals->approve(p.id, "otto", p.sha256, "as it was"));
}

TEST(Approvals, BytesAndParametersThatWereChangedOnDiskAreNotDone) {
  Office o;
  const Proposal p = o.propose();
  Json record = *parse_json(**o.journal.state("approvals", p.id));
  record.get_object()["parameters"] = JsonObject{{"at", "elsewhere"}};
  ASSERT_TRUE(o.journal.put({{"approvals", p.id, to_text(record)}}));
  o.open(true);
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kConflict);
  // Another entry in the place of the bytes: nothing is there under its own id any more.
  ASSERT_TRUE(o.journal.erase("approval--" + p.id, "cert-lt"));
  o.open(true);
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kNotFound);
  EXPECT_EQ(o.done, 0);
}

TEST(Approvals, WhatNobodyDecidedInTimeIsGoneAndItsBytesToo) {
  Office o;
  const Proposal p = o.propose();
  ASSERT_EQ(*o.approvals->content(p.id), "new");
  o.clock.advance(7 * 24h);
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kConflict) << "to the second";
  ASSERT_TRUE(o.approvals->keep_up());
  EXPECT_EQ(o.approvals->find(p.id)->state, State::kExpired);
  EXPECT_FALSE(o.approvals->content(p.id));
  EXPECT_EQ(o.events().back(), "approval.expired");
  EXPECT_NE(o.propose().id, p.id) << "proposed again, it is another";
}

TEST(Approvals, OfTwoWhoApproveAtOnceOneDoesIt) {
  Office o;
  o.person("ada", identity::Role::kOperator);
  const Proposal p = o.propose();
  std::atomic<int> went = 0, conflicts = 0;
  const auto go = [&](const char* who) {
    const auto done = o.approvals->approve(p.id, who, p.sha256, "yes");
    done ? ++went : (done.error().code == ErrorCode::kConflict ? ++conflicts : conflicts += 100);
  };
  std::thread a(go, "otto"), b(go, "ada");
  a.join();
  b.join();
  EXPECT_EQ(went, 1);
  EXPECT_EQ(conflicts, 1);
  EXPECT_EQ(o.done, 1);
}

// Admission asks while it holds what an act of another thread, which admits, waits for.
TEST(Approvals, WhoAsksDoesNotWaitForAnActThatIsBeingDone) {
  Office o;
  std::promise<void> begun, asked;
  auto done_asking = asked.get_future();
  bool waited_in_vain = false;
  o.approvals->add(
      {.kind = "test.wait",
       .plan = [](const Proposed&) -> Result<ActPlan> { return ActPlan{.subject = "it", .summary = "waits"}; },
       .may_decide = [](const identity::Account& account, const Proposed&,
                        const ActPlan&) { return account.role == identity::Role::kOperator; },
       .execute = [&](const Proposed&, const Closing& closing) -> Result<void> {
         begun.set_value();
         waited_in_vain = done_asking.wait_for(10s) != std::future_status::ready;
         BONGSU_TRY_VOID(o.journal.put(closing.states));
         return {};
       }});
  const auto waits =
      o.approvals->ask({.kind = "test.wait", .parameters = {}, .bytes = "b"}, {.account = "olena"}, "why");
  ASSERT_TRUE(waits && *waits);
  std::jthread other([&] {
    begun.get_future().wait();
    const Proposal first = o.propose();
    EXPECT_EQ(o.propose().id, first.id) << "the same stands once";
    asked.set_value();
  });
  const auto done = o.approvals->approve((*waits)->id, "otto", (*waits)->sha256, "yes");
  ASSERT_TRUE(done) << done.error().text();
  other.join();
  EXPECT_FALSE(waited_in_vain);
  EXPECT_EQ(o.approvals->find((*waits)->id)->state, State::kExecuted);
  EXPECT_EQ(o.approvals->list().front().state, State::kOpen) << "and what was asked for meanwhile waits";
}

TEST(Approvals, OfManyWhoAskForTheSameAtOnceOneProposalStands) {
  Office o;
  std::vector<std::jthread> all;
  for (int i = 0; i < 4; ++i) all.emplace_back([&] { o.propose(); });
  all.clear();
  EXPECT_EQ(o.approvals->list().size(), 1u);
}

TEST(Approvals, AnActThatFailsIsOpenStillAndDoneOnceItWorks) {
  Office o;
  const Proposal p = o.propose();
  o.fails = true;
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kNoSpace);
  EXPECT_EQ(o.approvals->find(p.id)->state, State::kOpen);
  o.fails = false;
  o.journal.fail_after(0);
  EXPECT_FALSE(o.approvals->approve(p.id, "otto", p.sha256, "yes")) << "nothing of the commit is there";
  o.journal.heal();
  o.open(true);
  EXPECT_EQ(o.stored(), std::nullopt);
  EXPECT_TRUE(o.approvals->approve(p.id, "otto", p.sha256, "yes"));
  EXPECT_EQ(o.stored(), "new");
}

TEST(Approvals, ACrashBehindTheCommitLeavesItDoneOnceAndItsBytesAreErasedAtTheNextStart) {
  Office o;
  const Proposal p = o.propose();
  o.journal.fail_after(2);  // the act's commit goes through, the erasure does not
  ASSERT_TRUE(o.approvals->approve(p.id, "otto", p.sha256, "yes"));
  o.journal.heal();
  o.open(true);
  EXPECT_EQ(o.approvals->find(p.id)->state, State::kExecuted);
  EXPECT_EQ(o.done, 1);
  const auto snapshot = o.journal.snapshot();
  for (const auto& entry : *snapshot->entries(0, 1000))
    if (entry.object_id == "approval--" + p.id && entry.kind == journal::EntryKind::kQuarantined)
      EXPECT_TRUE(entry.erased);
}

TEST(Approvals, TheLocalAdministratorWaitsForAnAccountToo) {
  Office o;
  const Proposal p = o.propose(std::string(kLocalAdmin));
  EXPECT_EQ(p.by_person, "");
  EXPECT_EQ(o.refused(p, std::string(kLocalAdmin)), ErrorCode::kDenied);
  EXPECT_TRUE(o.approvals->approve(p.id, "olena", p.sha256, "he called me"));
  EXPECT_EQ(o.done, 1);
}

TEST(Approvals, WhereNobodyElseCouldDecideOneDoesItAndTheJournalSaysThatHeWasAlone) {
  Office o;
  o.change("otto", [](auto& account) { account.person = "olena"; });
  const auto waits = o.approvals->ask({.kind = "test.put", .parameters = {}, .bytes = "new"}, {.account = "olena"}, "");
  ASSERT_TRUE(waits);
  EXPECT_FALSE(*waits);
  EXPECT_EQ(o.events(), std::vector<std::string>{"approval.alone"});
  o.open(false);
  const auto off = o.approvals->ask({.kind = "test.put", .parameters = {}, .bytes = "new"}, {.account = "olena"}, "");
  ASSERT_TRUE(off && !*off);
  EXPECT_EQ(o.events().size(), 1u) << "off: nothing is asked and nothing is said";
}

TEST(Approvals, AReasonIsGivenTheSameProposalStandsOnceAndARefusalEndsIt) {
  Office o;
  const auto none = o.approvals->ask({.kind = "test.put", .parameters = {}, .bytes = "x"}, {.account = "olena"}, " ");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().where.field, "reason");
  const auto reader =
      o.approvals->ask({.kind = "test.put", .parameters = {}, .bytes = "x"}, {.account = "rita"}, "why not");
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kDenied);
  const Proposal p = o.propose();
  EXPECT_EQ(o.propose().id, p.id);
  EXPECT_NE(o.propose("otto").id, p.id);
  EXPECT_FALSE(o.approvals->refuse(p.id, "otto", ""));
  ASSERT_TRUE(o.approvals->refuse(p.id, "otto", "not now"));
  EXPECT_EQ(o.refused(p, "otto"), ErrorCode::kConflict);
  EXPECT_EQ(o.approvals->find(p.id)->decided_why, "not now");
  const Proposal own = o.propose();
  EXPECT_TRUE(o.approvals->refuse(own.id, "olena", "a mistake")) << "who proposed it takes it back";
  EXPECT_TRUE(o.approvals->may_see(own, "otto"));
  EXPECT_FALSE(o.approvals->may_see(own, "rita"));
}

}  // namespace
}  // namespace bongsu::flow
