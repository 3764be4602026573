#include "exercise/report/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "exercise/drill/drill_test_support.h"
#include "exercise/drill/table_top.h"
#include "exercise/report/figures.h"

namespace bongsu::exercise::report {
namespace {

using namespace drill;

struct Played {
  scenario::Scenario scenario = small_scenario();
  std::vector<Entry> log;
  scoring::Scorecard card;
};

Played play(const std::vector<Policy>& policies, scenario::Scenario scenario = small_scenario()) {
  Played out{.scenario = std::move(scenario)};
  auto table = TableTop::make(out.scenario, {.background = scenario::Duration(0)}, switch_ranges(), policies,
                              *Instant::parse("2026-12-01T09:00:00Z"));
  const auto keep = [&](const Step& step) { out.log.insert(out.log.end(), step.entries.begin(), step.entries.end()); };
  keep(table->start());
  while (const auto next = table->next()) keep(table->live(*next));
  keep(table->close());
  out.card = *scoring::score(out.scenario, out.log);
  return out;
}
const Played& usual() {
  static const Played played = play({*policy("good"), *policy("slow"), *policy("leaky")});
  return played;
}
const Played& baseline() {
  static const Played played = play({*policy("baseline")});
  return played;
}
Report usual_report() {
  return make_report({.scenario = usual().scenario,
                      .log = usual().log,
                      .card = usual().card,
                      .before = &baseline().card,
                      .baseline = &baseline().card});
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

TEST(Report, IsTheSameToTheLastByteInAllForms) {
  const Report a = usual_report(), b = usual_report();
  EXPECT_EQ(*to_canonical_text(a.json), *to_canonical_text(b.json));
  EXPECT_EQ(to_html(a.document), to_html(b.document));
  const auto pdf = to_pdf(a.document, a.when);
  ASSERT_TRUE(pdf) << pdf.error().text();
  EXPECT_EQ(*pdf, *to_pdf(b.document, b.when));
  EXPECT_TRUE(pdf->starts_with("%PDF-"));
}

TEST(Report, TheLabelStandsAtHeadAndFoot) {
  const Report r = usual_report();
  EXPECT_NE(r.document.label.find("EXERCISE"), std::string::npos);
  const std::string html = to_html(r.document);
  EXPECT_EQ(count(html, "class=\"label\">" + r.document.label), 2U);
  EXPECT_EQ(string_at(r.json, "label"), r.document.label);
  EXPECT_NE(write_items(r.items, r.document.label).find(r.document.label), std::string::npos);
}

TEST(Report, EveryPointOpensInThePage) {
  const std::string html = to_html(usual_report().document);
  std::size_t points = 0;
  for (const auto& team : usual().card.teams) points += team.points.size();
  EXPECT_GE(count(html, "<details>"), points);
  EXPECT_GT(count(html, "rule: a trace on the team&#39;s own node"), 0U);
  EXPECT_EQ(count(html, "not in this log"), 0U);
  for (const char* section : {"Seen and not shared", "Label violations", "ATT&amp;CK", "Injects that did not fire",
                              "Compared", "To get better", "Time-lines"})
    EXPECT_NE(html.find(section), std::string::npos) << section;
  EXPECT_NE(html.find("laxer-than-exercise"), std::string::npos) << "the leaky team";
  EXPECT_EQ(count(html, "<script"), 0U);
  EXPECT_EQ(count(html, "http"), count(html, "http-equiv") + count(html, "https://portal.example"))
      << "nothing from elsewhere";
}

TEST(Report, BeginsWithASummaryAndSpeaksInNamesAndUnits) {
  auto scenario = small_scenario();
  // A technique that leaves nothing to see, at one team alone.
  for (auto& inject : scenario.injects)
    if (inject.id == "open") {
      inject.ttp = {"T1489"};
      inject.telemetry.clear();
    }
  const Played played = play({*policy("good"), *policy("silent"), *policy("leaky")}, scenario);
  const Report r = make_report({.scenario = played.scenario, .log = played.log, .card = played.card});
  const std::string html = to_html(r.document);
  const auto summary = html.find("Summary"), teams = html.find(">Teams<");
  ASSERT_NE(summary, std::string::npos);
  EXPECT_LT(summary, teams);
  EXPECT_NE(html.find("CERT-LT: "), std::string::npos) << "the team by its name";
  EXPECT_NE(html.find("saw "), std::string::npos);
  EXPECT_NE(html.find("Lost most by: "), std::string::npos) << "the silent team did";
  EXPECT_NE(html.find("A mail with a link · "), std::string::npos);
  EXPECT_NE(html.find("energy not served: at most "), std::string::npos);
  EXPECT_NE(html.find(" MWh"), std::string::npos);
  EXPECT_EQ(html.find("unserved_mwh"), std::string::npos);
  EXPECT_NE(html.find("came, with no trace to see"), std::string::npos) << "T1489";
  EXPECT_EQ(clipped("Žiema ateina", 5), "Žiema…");
  EXPECT_EQ(clipped("Žiema", 5), "Žiema");
}

TEST(Report, HostileWordsStayWords) {
  auto scenario = small_scenario();
  const std::string evil = "</title><script>alert(1)</script><svg onload=x>\" ' \x01";
  scenario.name = evil;
  scenario.description = evil;
  scenario.entities[0].name = evil;
  scenario.injects[0].expectations[0].description = evil;
  const Played played = play({*policy("good")}, scenario);
  const Report r = make_report({.scenario = played.scenario, .log = played.log, .card = played.card});
  const std::string html = to_html(r.document);
  EXPECT_EQ(count(html, "<script"), 0U);
  EXPECT_EQ(count(html, "<svg onload"), 0U);
  EXPECT_EQ(count(html, "</title><script"), 0U);
  EXPECT_EQ(html.find('\x01'), std::string::npos);
  EXPECT_TRUE(to_pdf(r.document, r.when));
}

TEST(Report, ThePdfHoldsEveryScriptAndManyPages) {
  Document d{.title = "훈련 결과 · Rezultatai · Підсумки", .label = "EXERCISE · TLP:AMBER"};
  for (int i = 0; i < 120; ++i)
    d.blocks.push_back(Paragraph{std::string("우크라이나와 리투아니아의 합동 훈련. Žiema. Батареї холодні. ") +
                                 std::string(600, 'x')});
  d.blocks.push_back(Table{.columns = {"a", "b"}, .rows = {{{std::string(20'000, 'y')}, {"\xff\xfe"}}}});
  const auto pdf = to_pdf(d, *Instant::parse("2026-12-01T09:00:00Z"));
  ASSERT_TRUE(pdf) << pdf.error().text();
  // Other people's reading of it, where it is there.
  if (std::system("command -v pdftotext >/dev/null") != 0) GTEST_SKIP() << "skipped: needs pdftotext";
  const std::string path = testing::TempDir() + "report_test.pdf";
  std::ofstream(path, std::ios::binary) << *pdf;
  std::FILE* pipe = popen(("pdftotext -layout '" + path + "' -").c_str(), "r");
  std::string text;
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  pclose(pipe);
  std::filesystem::remove(path);
  EXPECT_GE(count(text, "EXERCISE · TLP:AMBER"), 10U) << "twice a page";
  EXPECT_NE(text.find("리투아니아의"), std::string::npos);
  EXPECT_NE(text.find("Батареї холодні"), std::string::npos);
}

TEST(Report, WhatIsFoundComesBackAtTheNextDrill) {
  const Report first = usual_report();
  ASSERT_FALSE(first.items.empty());
  for (const Item& item : first.items) EXPECT_EQ(item.drills, 1);
  auto kept = *read_items(write_items(first.items, "x"), "items.json");
  EXPECT_EQ(kept, first.items);
  kept[0].owner = "jonas";
  kept[0].due = "2027-03-01";
  kept[0].state = "done";
  // The same run again: nothing is counted twice.
  Report again = make_report({.scenario = usual().scenario, .log = usual().log, .card = usual().card, .items = kept});
  EXPECT_EQ(again.items, kept);
  // Another run of the same teams.
  Played next = usual();
  next.log.front().wall = *Instant::parse("2027-05-01T09:00:00Z");
  again = make_report({.scenario = next.scenario, .log = next.log, .card = next.card, .items = kept});
  EXPECT_EQ(again.items[0].state, "again");
  EXPECT_EQ(again.items[0].owner, "jonas");
  EXPECT_EQ(again.items[0].drills, 2);
  // A drill that finds nothing leaves what is there.
  EXPECT_EQ(merge(kept, {}, "other"), kept);
}

TEST(Report, PeoplePutInItemsOfTheirOwnAndSayWhoDoesThemUntilWhen) {
  std::vector<Item> items = usual_report().items;
  const std::size_t found = items.size();
  const auto added = change_item(items, {.team = "lt-blue", .text = "A list of phone numbers", .owner = "ona"}, "d1");
  ASSERT_TRUE(added) << added.error().text();
  EXPECT_EQ(added->id, "lt-blue.by-hand.1");
  EXPECT_EQ(change_item(items, {.team = "lt-blue", .text = "Another"}, "d1")->id, "lt-blue.by-hand.2");
  EXPECT_EQ(change_item(items, {.text = "Everybody"}, "d1")->id, "all.by-hand.1");
  ASSERT_TRUE(change_item(items, {.id = items[0].id, .owner = "jonas", .due = "2027-03-01"}, "d1"));
  EXPECT_EQ(items[0].owner, "jonas");
  EXPECT_EQ(items[0].state, "open") << "what is not said stays";
  EXPECT_EQ(change_item(items, {.id = "nobody", .owner = "x"}, "d1").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(change_item(items, {.owner = "x"}, "d1").error().where.field, "text");
  EXPECT_EQ(change_item(items, {.id = items[0].id, .due = "soon"}, "d1").error().where.field, "due");
  EXPECT_EQ(change_item(items, {.id = items[0].id, .state = "maybe"}, "d1").error().where.field, "state");
  EXPECT_EQ(items.size(), found + 3);
  // At the next drill they are there again, and stand in its report.
  Played next = usual();
  next.log.front().wall = *Instant::parse("2027-05-01T09:00:00Z");
  const Report again = make_report({.scenario = next.scenario,
                                    .log = next.log,
                                    .card = next.card,
                                    .items = *read_items(write_items(items, "x"), "items.json")});
  const auto back = std::ranges::find(again.items, "lt-blue.by-hand.1", &Item::id);
  ASSERT_NE(back, again.items.end());
  EXPECT_EQ(back->owner, "ona");
  EXPECT_NE(to_html(again.document).find("A list of phone numbers"), std::string::npos);
}

TEST(Report, ItemsThatAreBrokenAreNamed) {
  for (
      const auto& [text, field] : std::vector<std::pair<std::string, std::string>>{
          {"{}", "items"},
          {R"({"items":[{"id":"a"}]})", "items[0].team"},
          {R"({"items":[{"id":"a","team":"t","text":"x","owner":"","due":"","state":"maybe","first":"","last":""}]})",
           "items[0].state"},
          {R"({"items":[{"id":"a","team":"t","text":"x","owner":"","due":"2027-02-30","state":"open","first":"","last":""}]})",
           "items[0].due"}}) {
    const auto read = read_items(text, "items.json");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().where.field, field);
    EXPECT_EQ(read.error().where.source, "items.json");
  }
}

TEST(Report, ADrillThatHasNotBegunHasAReportAllTheSame) {
  Played played;
  auto begun = Drill::open(played.scenario, {}, switch_ranges(), *Instant::parse("2026-12-01T09:00:00Z"));
  played.log = begun->step.entries;
  played.card = *scoring::score(played.scenario, played.log);
  const Report r = make_report({.scenario = played.scenario, .log = played.log, .card = played.card});
  EXPECT_NE(to_html(r.document).find("had not ended"), std::string::npos);
  EXPECT_TRUE(to_pdf(r.document, r.when));
}

}  // namespace
}  // namespace bongsu::exercise::report
