#include "exercise/scenario/msel.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "base/places_test_support.h"
#include "exercise/scenario/random_scenario_test_support.h"
#include "exercise/scenario/read.h"
#include "exercise/scenario/write.h"
#include "formats/csv.h"
#include "formats/xlsx.h"

namespace bongsu::exercise::scenario {
namespace {

using namespace std::chrono_literals;
using formats::Row;
using formats::Sheet;
using formats::Workbook;
using testing::HasSubstr;

Scenario drill() {
  std::ifstream in(source_dir() + "/samples/exercise/scenarios/lithuania-ukraine.yaml");
  std::stringstream text;
  text << in.rdbuf();
  auto read = read_scenario(text.str(), "drill.yaml");
  EXPECT_TRUE(read);
  return *read;
}
std::string said(const std::expected<Scenario, Problems>& read) {
  if (read) return "good";
  std::string out;
  for (const Error& e : read.error().list)
    out +=
        fmt::format("{}:{}:{}: {}: {}\n", e.where.source, e.where.line, e.where.offset + 1, e.where.field, e.message);
  return out;
}
Sheet& sheet(Workbook& book, std::string_view name) {
  for (Sheet& s : book)
    if (s.name == name) return s;
  ADD_FAILURE() << name;
  return book[0];
}
std::string& cell(Sheet& s, std::string_view id, std::string_view header) {
  const auto column = static_cast<std::size_t>(std::ranges::find(s.rows[0], header) - s.rows[0].begin());
  const auto key = static_cast<std::size_t>(std::ranges::find(s.rows[0], "Inject ID") - s.rows[0].begin());
  for (Row& row : s.rows)
    if (row.size() > key && row[key] == id) {
      if (row.size() <= column) row.resize(column + 1);
      return row[column];
    }
  ADD_FAILURE() << id;
  return s.rows[0][0];
}

TEST(Dtg, IsReadAsItIsWritten) {
  const Instant time = *Instant::parse("2027-01-19T06:15:00Z");
  EXPECT_EQ(dtg_of(time), "190615ZJAN27");
  EXPECT_EQ(dtg_of(time + 7s), "19061507ZJAN27");
  EXPECT_EQ(parse_dtg(" 190615z Jan 27 "), time);
  EXPECT_EQ(parse_dtg("19061507ZJAN27"), time + 7s);
  for (const char* text :
       {"", "190615", "190615ZJAN2027", "190615ZJUM27", "190615AJAN27", "310615ZFEB27", "192515ZJAN27", "190615ZANF27"})
    EXPECT_FALSE(parse_dtg(text)) << text;
}

TEST(Msel, ADrillGoesThroughAWorkbookAndBackUnchanged) {
  const Scenario before = drill();
  const auto bytes = formats::write_xlsx(to_msel(before));
  ASSERT_TRUE(bytes) << bytes.error().text();
  const auto book = formats::read_xlsx(*bytes, "msel.xlsx");
  ASSERT_TRUE(book);
  const auto after = from_msel(*book, "msel.xlsx");
  ASSERT_TRUE(after) << said(after);
  EXPECT_TRUE(*after == before);
  EXPECT_EQ(to_msel(*after), *book) << "cell by cell";
  const auto csv = formats::read_csv_sheets(formats::write_csv_sheets(*book), "msel.csv");
  ASSERT_TRUE(csv);
  const auto from_csv = from_msel(*csv, "msel.csv");
  ASSERT_TRUE(from_csv) << said(from_csv);
  EXPECT_TRUE(*from_csv == before);
}

TEST(Msel, RowsStandInOrderOfTimeInTheWordsOfPlanners) {
  const Workbook book = to_msel(drill());
  EXPECT_EQ(book[0].name, "Exercise");
  EXPECT_EQ(book[1].name, "MSEL");
  const Row& head = book[1].rows[0];
  const std::vector<std::string> first(head.begin(), head.begin() + 12);
  EXPECT_EQ(first,
            (std::vector<std::string>{"Event #", "DTG", "Event", "Inject ID", "Inject", "From", "To", "Delivery Method",
                                      "Description", "Expected Action", "Objective", "ATT&CK"}));
  EXPECT_EQ(book[1].rows[1][1], "190600ZJAN27");
  EXPECT_EQ(book[1].rows.back()[3], "hot-wash");
  for (std::size_t r = 2; r < book[1].rows.size(); ++r)
    EXPECT_LE(parse_dtg(book[1].rows[r - 1][1]), parse_dtg(book[1].rows[r][1]));
}

TEST(Msel, AnyTextsGoThroughAWorkbookAndCsvUnchanged) {
  const Scenario plain = drill();
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Scenario before = plain;
    RandomScenario random(seed);
    const auto some = [&] { return "x" + random.text(); };  // where a text has to be there
    before.description = random.text();
    for (Entity& e : before.entities) {
      e.mission = random.text();
      e.categories = {random.text(), random.text()};
      e.facts[some().substr(0, 60)] = random.text();
    }
    for (Service& s : before.services) s.complaints = {random.text(), some()};
    for (Inject& i : before.injects) {
      i.name = random.text();
      i.description = random.text();
      for (Delivery& d : i.deliver) d.text = some(), d.subject = some(), d.sender = random.text();
      for (Expectation& e : i.expectations) e.description = random.text();
      for (Telemetry& l : i.telemetry)
        for (auto& [name, value] : l.parameters) value = random.text();
    }
    const auto book = formats::read_xlsx(*formats::write_xlsx(to_msel(before)), "msel.xlsx");
    ASSERT_TRUE(book);
    const auto after = from_msel(*book, "msel.xlsx");
    ASSERT_TRUE(after) << seed << said(after);
    ASSERT_EQ(write_scenario(*after), write_scenario(before)) << seed;
    ASSERT_TRUE(*after == before) << seed;
    const auto csv = formats::read_csv_sheets(formats::write_csv_sheets(*book), "msel.csv");
    ASSERT_TRUE(csv && *csv == *book) << seed;
  }
}

TEST(Msel, AnEditInASheetIsAnEditOfTheScenario) {
  Workbook book = to_msel(drill());
  cell(sheet(book, "MSEL"), "heating", "Description") = "Something else";
  cell(sheet(book, "Deliveries"), "mobile-core", "text") = "Ядро втрачено\n\nдруга фраза";
  cell(sheet(book, "MSEL"), "heating", "when.delay") = "5min";
  cell(sheet(book, "MSEL"), "heating", "DTG") = "";
  const auto read = from_msel(book, "msel.xlsx");
  ASSERT_TRUE(read) << said(read);
  EXPECT_EQ(find(read->injects, "heating")->description, "Something else");
  EXPECT_EQ(find(read->injects, "heating")->when.delay, Duration(5min));
  EXPECT_EQ(find(read->injects, "mobile-core")->deliver[0].text, "Ядро втрачено\n\nдруга фраза");
}

TEST(Msel, AnEditThatWouldBeLostIsAnErrorAtItsCell) {
  Workbook book = to_msel(drill());
  cell(sheet(book, "MSEL"), "heating", "DTG") = "190900ZJAN27";
  cell(sheet(book, "MSEL"), "ddos", "Delivery Method") = "mail";
  const std::string all = said(from_msel(book, "msel.xlsx"));
  EXPECT_THAT(all, HasSubstr("msel.xlsx!MSEL:"));
  EXPECT_THAT(all, HasSubstr("DTG: the other sheets say \"190840ZJAN27\": change it in Scripts and in when.delay"));
  EXPECT_THAT(all, HasSubstr("Delivery Method: the other sheets say \"\": change it in Deliveries"));
}

TEST(Msel, MistakesAreNamedBySheetRowAndColumn) {
  Workbook book = to_msel(drill());
  cell(sheet(book, "Expected Actions"), "heating", "expires") = "30";
  cell(sheet(book, "Information Sharing"), "heating", "to") = "lt-blue\nee-blue";
  const std::string all = said(from_msel(book, "msel.xlsx"));
  EXPECT_THAT(all, HasSubstr("msel.xlsx!Expected Actions:"));
  EXPECT_THAT(all, HasSubstr("a duration needs a unit"));
  EXPECT_THAT(all, HasSubstr("no team is called \"ee-blue\""));

  Workbook strange = to_msel(drill());
  sheet(strange, "MSEL").rows[0][5] = "Form";
  strange.push_back({"Notes", {{"a"}}});
  sheet(strange, "Deliveries").rows[1][0] = "heatin";
  sheet(strange, "Exercise").rows.push_back({"exercise.colour", "red"});
  sheet(strange, "Entities").rows.push_back({"nowhere.soc"});
  const std::string more = said(from_msel(strange, "msel.xlsx"));
  EXPECT_THAT(more, HasSubstr("no column is called so; the nearest is \"From\""));
  EXPECT_THAT(more, HasSubstr("msel.xlsx!Notes:1:1: : no sheet of a scenario is called so"));
  EXPECT_THAT(more, HasSubstr("no inject is called so; the nearest is \"heating\""));
  EXPECT_THAT(more, HasSubstr("msel.xlsx!Exercise:"));
  EXPECT_THAT(more, HasSubstr("what it is within has to stand in a row above"));
}

TEST(Msel, AListFromElsewhereNeedsABaseAndComesBackCellByCell) {
  const Workbook list = {
      {"Sheet1",
       {{"Event #", "DTG", "Inject ID", "Inject", "From", "To", "Delivery Method", "Description", "Expected Action",
         "Objective"},
        {"1", "190630ZJAN27", "inject-1", "Call from the ministry", "control", "lt-blue\nua-blue", "mail",
         "The minister asks what is going on.", "Answer within the hour\nSay what is not known", "share"},
        {"2", "190700ZJAN27", "inject-2", "Second call", "control", "pl-blue", "console", "Again.", "Answer again",
         "decide"}}}};
  EXPECT_THAT(said(from_msel(list, "list.xlsx")), HasSubstr("needs a scenario that it belongs to"));
  const Scenario base = drill();
  const auto read = from_msel(list, "list.xlsx", &base);
  ASSERT_FALSE(read) << "events of the base name injects that are not in the list";
  EXPECT_THAT(said(read), HasSubstr("no inject is called \"morning\""));

  Scenario empty = base;
  empty.injects.clear();
  empty.events.clear();
  empty.scripts.clear();
  empty.stories.clear();
  std::erase_if(empty.conditions, [](const Condition& c) { return c.act.has_value(); });
  const auto made = from_msel(list, "list.xlsx", &empty);
  ASSERT_TRUE(made) << said(made);
  ASSERT_EQ(made->injects.size(), 2U);
  EXPECT_EQ(made->injects[0].expectations.size(), 2U);
  EXPECT_EQ(made->injects[0].deliver[0].text, "The minister asks what is going on.");
  const Workbook again = to_msel(*made);
  const Sheet& msel = again[1];
  for (std::size_t r = 0; r < list[0].rows.size(); ++r)
    for (std::size_t c = 0; c < list[0].rows[0].size(); ++c) {
      const auto at =
          static_cast<std::size_t>(std::ranges::find(msel.rows[0], list[0].rows[0][c]) - msel.rows[0].begin());
      ASSERT_LT(at, msel.rows[r].size());
      EXPECT_EQ(msel.rows[r][at], list[0].rows[r][c]);
    }
}

TEST(Msel, ListsOfOthersWithStrangeTimesAndNumbersAreRefused) {
  Scenario base = drill();
  const auto with = [&](std::string number, std::string dtg) {
    return said(from_msel({{"MSEL",
                            {{"Event #", "DTG", "From", "To", "Delivery Method", "Description"},
                             {std::move(number), std::move(dtg), "control", "lt-blue", "mail", "x"}}}},
                          "l.xlsx", &base));
  };
  EXPECT_THAT(with("1a", "190630ZJAN27"), HasSubstr("\"1a\" is no whole number"));
  EXPECT_THAT(with("1", "half past six"), HasSubstr("as 190615ZJAN27 is expected"));
  EXPECT_THAT(with("1", "200630ZJAN27"), HasSubstr("the drill goes from 190600ZJAN27 to 191200ZJAN27"));
}

}  // namespace
}  // namespace bongsu::exercise::scenario
