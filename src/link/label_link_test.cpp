// What an object's label became at its sender travels beside it: a receiver that does not hold what raised it passes it
// on to nobody from whom the sender withholds it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "flow/facts.h"
#include "link/link_test_support.h"

namespace bongsu::link {
namespace {

using namespace test;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct LabelLink : ::testing::Test {
  FakeClock clock;
  SeededRandom random{3};
  Node ua{"cert-ua", clock, random}, lt{"cert-lt", clock, random};
  FlowApplier applier{*lt.journal, *lt.admission, *lt.collections, random, *lt.log, "cert-lt", [this](const auto&) {
                        pass_on(stix::Tlp::kGreen);
                      }};
  std::string shared = ua.add_collection("shared");
  const std::string open_end = flow::test::id_of("indicator", 1), hidden_end = flow::test::id_of("malware", 2);

  LabelLink() {
    ua.agree({{"cert-lt", {shared}}}, stix::Tlp::kAmber);
    pass_on(stix::Tlp::kGreen);
    ua.publish(shared, {indicator(1, flow::test::kGreen), flow::test::malware(2, {std::string(flow::test::kAmber)}),
                        flow::test::relationship(3, open_end, hidden_end, {std::string(flow::test::kClear)})});
  }

  // cert-lt passes on to cert-kr all that it mirrors, up to this level.
  void pass_on(stix::Tlp highest) {
    policy::PolicyState state{.self = "cert-lt"};
    state.members["cert-ua"];
    state.members["cert-kr"];
    auto& back = state.agreements["cert-ua"] = flow::test::agreement({}, stix::Tlp::kAmberStrict);
    back.partner = "cert-ua";
    back.onward = true;
    back.passes_on = {"cert-kr"};
    std::vector<std::string> all;
    for (const auto& c : lt.collections->list()) all.push_back(c.id);
    auto& on = state.agreements["cert-kr"] = flow::test::agreement(all, highest, {"*"}, true);
    on.partner = "cert-kr";
    ASSERT_TRUE(lt.release->apply(std::move(state), all));
  }

  std::vector<TailItem> offered() {
    Producer from(ua);
    Wire wire(from.get("cert-lt", "/link/v1/tail/" + shared));
    return items_of(wire.drain());
  }
  void arrive(std::vector<TailItem> items) {
    const FollowedCollection remote{"cert-ua", shared, "shared", "Shared"};
    ASSERT_TRUE(applier.open(remote));
    TailBatch batch;
    batch.items = std::move(items);
    batch.cursor = {batch.items.back().pos, batch.items.back().cursor};
    const auto applied = applier.apply(remote, batch);
    ASSERT_TRUE(applied) << applied.error().text();
  }
  std::string mirror() {
    for (const auto& c : lt.collections->list())
      if (c.mirror_of == "cert-ua") return c.id;
    return "";
  }
  std::vector<std::string> passed_on() {
    auto reading = lt.release->open("cert-kr", mirror());
    EXPECT_TRUE(reading);
    std::vector<std::string> out;
    const auto page = reading->snapshot->page({.view = reading->view, .last = false, .all = true, .limit = 1000});
    for (const auto& row : page->rows) out.push_back(row.object_id.substr(0, row.object_id.find("--")));
    return out;
  }
  std::string label_here(const std::string& id) {
    const auto versions = lt.journal->snapshot()->versions(mirror(), id);
    for (const auto& entry : *versions)
      if (!entry.erased) return std::string(flow::stored_label(entry.label));
    return "";
  }
  // Rows of cert-kr's outbox of the mirror, withdrawn ones too.
  std::size_t rows_passed_on() {
    const auto reading = lt.release->open("cert-kr", mirror());
    return reading->snapshot->tail(reading->view, 0, 1000)->rows.size();
  }
  const std::string relation = flow::test::id_of("relationship", 3);
};

TEST_F(LabelLink, D2_WhatRaisedTheLabelMayBeGoneBeforeItArrives) {
  ASSERT_TRUE(ua.admission->remove(shared, hidden_end, "", "cert-ua"));
  arrive(offered());
  EXPECT_EQ(label_here(hidden_end), "");
  EXPECT_THAT(label_here(relation), HasSubstr("amber"));
  EXPECT_THAT(passed_on(), ::testing::ElementsAre("indicator"));
}

TEST_F(LabelLink, D2_WhatRaisedTheLabelMayBeOfATypeThatIsNotAgreed) {
  auto state = *ua.release->state();
  state.agreements["cert-lt"].types = {"indicator", "relationship"};
  ASSERT_TRUE(ua.release->apply(std::move(state), {shared}));
  arrive(offered());
  EXPECT_EQ(label_here(hidden_end), "");
  EXPECT_THAT(passed_on(), ::testing::ElementsAre("indicator"));
}

TEST_F(LabelLink, FromASenderThatSaysNoLabelsWhatLeadsToTheUnknownGoesNoFurther) {
  ASSERT_TRUE(ua.admission->remove(shared, hidden_end, "", "cert-ua"));
  auto items = offered();
  for (auto& item : items) item.label.clear();
  arrive(std::move(items));
  EXPECT_THAT(label_here(relation), HasSubstr("to:cert-lt,cert-ua"));
  EXPECT_THAT(passed_on(), ::testing::ElementsAre("indicator"));
}

TEST_F(LabelLink, FromASenderThatSaysNoLabelsWhatLeadsToTheKnownGoesAsThatGoes) {
  pass_on(stix::Tlp::kAmberStrict);
  auto items = offered();
  for (auto& item : items) item.label.clear();
  arrive(std::move(items));
  pass_on(stix::Tlp::kAmberStrict);
  EXPECT_THAT(passed_on(), SizeIs(3));
}

TEST_F(LabelLink, ALabelThatCannotBeReadGoesToNobody) {
  auto items = offered();
  for (auto& item : items) item.label = "clear of-a-later-version";
  arrive(std::move(items));
  EXPECT_THAT(label_here(open_end), HasSubstr("unknown"));
  EXPECT_THAT(passed_on(), IsEmpty());
}

// An update of the sender: what came without a label before comes with one after a fresh start.
TEST_F(LabelLink, TheSameAgainWithAStricterLabelTakesItsPlace) {
  auto bare = offered();
  for (auto& item : bare) item.label.clear();
  std::erase_if(bare, [&](const TailItem& item) { return item.object_id == hidden_end; });
  for (auto& item : bare)
    if (item.object_id == relation) item.label = "clear";  // and a sender that understates it
  arrive(bare);
  EXPECT_THAT(passed_on(), SizeIs(2));
  auto again = offered();
  std::erase_if(again, [&](const TailItem& item) { return item.object_id == hidden_end; });
  arrive(again);
  EXPECT_THAT(label_here(relation), HasSubstr("amber"));
  EXPECT_THAT(passed_on(), ::testing::ElementsAre("indicator"));
  // With a weaker one it does not.
  arrive(bare);
  EXPECT_THAT(label_here(relation), HasSubstr("amber"));
}

TEST_F(LabelLink, WhatAMemberGaveComesBackWithTheLabelThatItGave) {
  pass_on(stix::Tlp::kGreen);
  arrive(offered());
  const auto versions = lt.journal->snapshot()->versions(mirror(), relation);
  ASSERT_THAT(*versions, SizeIs(1));
  EXPECT_EQ(flow::label_for(versions->front().label, "cert-ua"), "amber marked");
}

// What a member may not see stands between what it may, or does not.
TEST_F(LabelLink, D9_WhatIsGoneInBetweenDoesNotShowInWhatIsPassedOn) {
  const std::string gone = flow::test::id_of("malware", 9);
  ua.publish(shared, {flow::test::malware(9, {std::string(flow::test::kAmber)})});
  arrive(offered());
  const std::size_t before = rows_passed_on();
  const TailItem none{.kind = TailItem::Kind::kVoid}, had{.kind = TailItem::Kind::kWithdrawn, .object_id = gone},
      never_had{.kind = TailItem::Kind::kWithdrawn, .object_id = flow::test::id_of("malware", 99)};
  unsigned number = 100;
  for (const TailItem& between : {none, had, never_had}) {
    const unsigned object = number++, relating = number++, end = number++;
    const std::string first = flow::test::indicator(object, {std::string(flow::test::kClear)}),
                      stricter = flow::test::indicator(object, {std::string(flow::test::kAmber)}, 1),
                      refers = flow::test::relationship(relating, open_end, flow::test::id_of("malware", end),
                                                        {std::string(flow::test::kClear)}),
                      hidden = flow::test::malware(end, {std::string(flow::test::kAmber)});
    std::vector<TailItem> items;
    for (const auto& [id, bytes, label] : {std::tuple(flow::test::id_of("indicator", object), first, "clear marked"),
                                           std::tuple(flow::test::id_of("relationship", relating), refers, "clear"),
                                           std::tuple(std::string(), std::string(), ""),
                                           std::tuple(flow::test::id_of("indicator", object), stricter, "amber marked"),
                                           std::tuple(flow::test::id_of("malware", end), hidden, "amber marked")}) {
      TailItem item = between;
      if (!id.empty()) {
        item = {.kind = TailItem::Kind::kObject, .object_id = id, .bytes = bytes, .label = label};
        item.version = bytes == stricter ? "2026-01-01T00:00:01.000Z" : "2026-01-01T00:00:00.000Z";
      }
      item.pos = 1000 + number * 10 + items.size();
      item.cursor = fmt::format("{}", item.pos);
      items.push_back(std::move(item));
    }
    arrive(std::move(items));
    EXPECT_THAT(passed_on(), ::testing::ElementsAre("indicator")) << static_cast<int>(between.kind);
    EXPECT_EQ(rows_passed_on(), before);
  }
  EXPECT_EQ(label_here(gone), "");
}

// Of a hidden object a version comes and the one before it goes: what stands around them is admitted at once all the
// same.
TEST_F(LabelLink, D9_AVersionThatGoesBehindAnotherDoesNotShowInWhatIsPassedOn) {
  const std::string hidden = flow::test::id_of("indicator", 9);
  ua.publish(shared, {flow::test::indicator(9, {std::string(flow::test::kAmber)})});
  arrive(offered());
  const std::size_t before = rows_passed_on();
  const std::string first = flow::test::indicator(100, {std::string(flow::test::kClear)}),
                    stricter = flow::test::indicator(100, {std::string(flow::test::kAmber)}, 1),
                    newer = flow::test::indicator(9, {std::string(flow::test::kAmber)}, 1);
  constexpr auto kFirst = "2026-01-01T00:00:00.000Z", kSecond = "2026-01-01T00:00:01.000Z";
  const std::string open = flow::test::id_of("indicator", 100);
  std::vector<TailItem> items = {
      {.kind = TailItem::Kind::kObject, .object_id = open, .version = kFirst, .bytes = first, .label = "clear marked"},
      {.kind = TailItem::Kind::kObject,
       .object_id = hidden,
       .version = kSecond,
       .bytes = newer,
       .label = "amber marked"},
      {.kind = TailItem::Kind::kWithdrawn, .object_id = hidden, .version = kFirst},
      {.kind = TailItem::Kind::kObject,
       .object_id = open,
       .version = kSecond,
       .bytes = stricter,
       .label = "amber marked"}};
  for (TailItem& item : items) {
    item.pos = 1000 + static_cast<journal::Pos>(&item - items.data());
    item.cursor = fmt::format("{}", item.pos);
  }
  arrive(std::move(items));
  EXPECT_EQ(rows_passed_on(), before);
  const auto versions = lt.journal->snapshot()->versions(mirror(), hidden);
  ASSERT_THAT(*versions, SizeIs(1));
  EXPECT_EQ(versions->front().version, kSecond);
}

// However often something hidden comes and goes in a batch, what stands around it is admitted at once.
TEST_F(LabelLink, D9_HowOftenAnotherObjectTurnsInABatchDoesNotShowInWhatIsPassedOn) {
  constexpr auto kFirst = "2026-01-01T00:00:00.000Z", kSecond = "2026-01-01T00:00:01.000Z";
  const std::string amber(flow::test::kAmber), versioned = flow::test::id_of("indicator", 9),
                                               observable = "ipv4-addr--28bb3599-77cd-5a82-a950-b5bd3350c8f5";
  const TailItem comes{.kind = TailItem::Kind::kObject,
                       .object_id = versioned,
                       .version = kSecond,
                       .bytes = flow::test::indicator(9, {amber}, 1),
                       .label = "amber marked"},
      goes{.kind = TailItem::Kind::kWithdrawn, .object_id = versioned, .version = kSecond},
      all_goes{.kind = TailItem::Kind::kWithdrawn, .object_id = versioned},
      seen{
          .kind = TailItem::Kind::kObject,
          .object_id = observable,
          .bytes = fmt::format(
              R"({{"type":"ipv4-addr","spec_version":"2.1","id":"{}","value":"198.51.100.3","object_marking_refs":["{}"]}})",
              observable, amber),
          .label = "amber marked"},
      unseen{.kind = TailItem::Kind::kWithdrawn, .object_id = observable, .kept = {Sha256{}}};
  struct Hidden {
    const char* name;
    std::vector<TailItem> items;
    std::size_t versioned, observables;  // that are here at the end
  };
  const Hidden cases[] = {
      {"none", {}, 1, 0},
      {"comes and goes", {comes, goes}, 1, 0},
      {"comes and all of it goes", {comes, all_goes}, 0, 0},
      {"comes twice", {comes, comes}, 1, 0},
      {"comes, goes and comes", {comes, goes, comes}, 1, 0},
      {"comes, goes, comes and goes", {comes, goes, comes, all_goes}, 0, 0},
      {"an observable comes and goes", {seen, unseen}, 0, 0},
      {"an observable comes, goes and comes", {seen, unseen, seen}, 0, 1},
  };
  ua.publish(shared, {flow::test::indicator(9, {amber})});
  arrive(offered());
  const std::size_t before = rows_passed_on();
  const auto here = [&](const std::string& id) {
    const auto versions = lt.journal->snapshot()->versions(mirror(), id);
    return static_cast<std::size_t>(std::ranges::count_if(*versions, [](const auto& entry) { return !entry.erased; }));
  };
  unsigned number = 100;
  for (const Hidden& hidden : cases) {
    // Open: a version and the stricter one after it, and one that itself comes, goes and comes.
    const unsigned stricter = number++, turning = number++;
    const std::string id = flow::test::id_of("indicator", stricter), turns = flow::test::id_of("indicator", turning);
    std::vector<TailItem> items{{.kind = TailItem::Kind::kObject,
                                 .object_id = id,
                                 .version = kFirst,
                                 .bytes = flow::test::indicator(stricter, {std::string(flow::test::kClear)}),
                                 .label = "clear marked"}};
    const TailItem open{.kind = TailItem::Kind::kObject,
                        .object_id = turns,
                        .version = kFirst,
                        .bytes = flow::test::indicator(turning, {std::string(flow::test::kClear)}),
                        .label = "clear marked"};
    items.push_back(open);
    items.insert(items.end(), hidden.items.begin(), hidden.items.end());
    items.push_back({.kind = TailItem::Kind::kWithdrawn, .object_id = turns, .version = kFirst});
    items.push_back({.kind = TailItem::Kind::kObject,
                     .object_id = id,
                     .version = kSecond,
                     .bytes = flow::test::indicator(stricter, {amber}, 1),
                     .label = "amber marked"});
    for (TailItem& item : items) {
      item.pos = 1000 + number * 20 + static_cast<journal::Pos>(&item - items.data());
      item.cursor = fmt::format("{}", item.pos);
    }
    const std::size_t rows = rows_passed_on();
    arrive(std::move(items));
    EXPECT_EQ(rows_passed_on(), rows + 1) << hidden.name << ": what came and went is a row, the clear version is none";
    EXPECT_EQ(here(turns), 0U) << hidden.name;
    EXPECT_EQ(here(id), 2U) << hidden.name;
    EXPECT_EQ(here(observable), hidden.observables) << hidden.name;
    if (hidden.items.empty() || hidden.items.front().object_id == versioned)
      EXPECT_EQ(here(versioned), hidden.versioned) << hidden.name;
  }
  EXPECT_EQ(rows_passed_on(), before + std::size(cases));
}

// Of one object everything happens in the order in which it was told.
TEST_F(LabelLink, WhatIsWithdrawnBehindItsObjectTakesThat) {
  auto items = offered();
  const auto at = std::ranges::find(items, open_end, &TailItem::object_id);
  ASSERT_NE(at, items.end());
  const TailItem object = *at;
  TailItem gone{.kind = TailItem::Kind::kWithdrawn, .object_id = object.object_id, .version = object.version};
  items.push_back(gone);
  arrive(items);
  EXPECT_EQ(label_here(open_end), "");
  items = {gone, object};
  arrive(items);
  EXPECT_NE(label_here(open_end), "");
}

// What is withdrawn goes first: wherever the disk fails then, what stood before it in the batch comes again.
TEST_F(LabelLink, TheCursorStaysBeforeWhatIsNotAdmittedYet) {
  const FollowedCollection remote{"cert-ua", shared, "shared", "Shared"};
  arrive(offered());
  const journal::Pos before = applier.open(remote)->pos;
  auto batch_of = [&](unsigned number) {
    TailBatch batch;
    for (const std::string& id : {flow::test::id_of("malware", number), hidden_end}) {
      TailItem item{.kind = TailItem::Kind::kWithdrawn, .pos = before + 1 + batch.items.size(), .object_id = id};
      if (id != hidden_end) {
        item.kind = TailItem::Kind::kObject;
        item.version = "2026-01-01T00:00:00.000Z";
        item.bytes = flow::test::malware(number, {std::string(flow::test::kAmber)});
      }
      item.cursor = fmt::format("{}", item.pos);
      batch.items.push_back(std::move(item));
    }
    batch.cursor = {batch.items.back().pos, batch.items.back().cursor};
    return batch;
  };
  bool removed_alone = false;
  for (int changes = 0; label_here(flow::test::id_of("malware", 50)).empty(); ++changes) {
    ASSERT_LT(changes, 50);
    lt.journal->fail_after(changes);
    const auto applied = applier.apply(remote, batch_of(50));
    lt.journal->heal();
    if (label_here(flow::test::id_of("malware", 50)).empty()) {
      EXPECT_FALSE(applied);
      EXPECT_EQ(applier.open(remote)->pos, before) << changes;
      removed_alone = removed_alone || label_here(hidden_end).empty();
    }
  }
  EXPECT_TRUE(removed_alone);
  EXPECT_EQ(label_here(hidden_end), "");
}

// An object that comes twice makes two turns: until the last of them is stored, all of the batch comes again.
TEST_F(LabelLink, TheCursorGoesWithTheLastTurnOfABatch) {
  const FollowedCollection remote{"cert-ua", shared, "shared", "Shared"};
  arrive(offered());
  const journal::Pos before = applier.open(remote)->pos;
  const std::string twice = flow::test::id_of("malware", 50), once = flow::test::id_of("malware", 51);
  TailBatch batch;
  for (const unsigned number : {50U, 50U, 51U}) {
    TailItem item{.kind = TailItem::Kind::kObject,
                  .pos = before + 1 + batch.items.size(),
                  .object_id = flow::test::id_of("malware", number),
                  .version = "2026-01-01T00:00:00.000Z",
                  .bytes = flow::test::malware(number, {std::string(flow::test::kAmber)})};
    item.cursor = fmt::format("{}", item.pos);
    batch.items.push_back(std::move(item));
  }
  batch.cursor = {batch.items.back().pos, batch.items.back().cursor};
  bool first_alone = false;
  for (int changes = 0; label_here(once).empty(); ++changes) {
    ASSERT_LT(changes, 50);
    lt.journal->fail_after(changes);
    const auto applied = applier.apply(remote, batch);
    lt.journal->heal();
    if (!label_here(once).empty()) continue;
    EXPECT_FALSE(applied);
    EXPECT_EQ(applier.open(remote)->pos, before) << changes;
    first_alone = first_alone || !label_here(twice).empty();
  }
  EXPECT_TRUE(first_alone);
  EXPECT_EQ(applier.open(remote)->pos, batch.cursor.pos);
}

}  // namespace
}  // namespace bongsu::link
