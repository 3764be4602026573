#include "telemetry/field_map_document.h"

#include <gtest/gtest.h>

#include "telemetry/line_batch.h"

namespace bongsu::telemetry {
namespace {

TEST(FieldMapDocument, TeachesANewKindOfLog) {
  FieldMapBuilder builder(*FieldMap::standard());
  const FieldId image = FieldMap::standard()->field("Image");
  ASSERT_TRUE(read_map_document(R"(
format = "json"
[field]
"client.name" = "host"
"cmd" = { role = "text", sigma = ["CommandLine"], stix = ["process:command_line"] }
"Image" = { sigma = "Exe" }
[[logsource]]
product = "acme"
category = "process_creation"
when = { kind = "exec", level = [1, "2"] }
fields = { User = ["user", "uid"], Image = "client.exe" }
)",
                                "acme.toml", builder)
                  .has_value());
  const FieldId number = builder.want("port").value();
  const FieldMapPtr map = builder.build().value();
  EXPECT_EQ(map->find("client.name").role, Role::kHost);
  EXPECT_EQ(map->row(map->field("cmd")).sigma, std::vector<std::string>{"CommandLine"});
  EXPECT_EQ(map->field("Image"), image) << "ids keep their meaning";
  EXPECT_EQ(map->row(image).role, Role::kFilePath);
  EXPECT_EQ(map->row(image).sigma, std::vector<std::string>{"Exe"});
  ASSERT_FALSE(map->log_sources().empty());
  const LogSource& source = map->log_sources().front();
  EXPECT_EQ(source.product, "acme");
  EXPECT_EQ(source.when.size(), 2U);
  EXPECT_EQ(source.fields.at("User"), (std::vector<std::string>{"user", "uid"}));

  BadLines bad;
  EventParser parser(bad, map);
  LineBatch batch{std::make_shared<const std::string>("x"), R"({"client":{"name":"a.example"},"port":7,"other":8})", 0,
                  1, nullptr};
  parser.start(batch);
  const EventView* event = parser.next();
  ASSERT_NE(event, nullptr);
  ASSERT_EQ(event->leaves.size(), 2U) << "what nobody wants is left out";
  EXPECT_EQ(event->leaves[0].role, Role::kHost);
  EXPECT_EQ(event->leaves[1].field, number);
  EXPECT_EQ(event->leaves[1].raw(), "7");
}

TEST(FieldMapDocument, PathsAreToldApartByAllTheirBytes) {
  FieldMapBuilder builder(*FieldMap::standard());
  // Alike in length, first eight and last eight bytes.
  const FieldId known = FieldMap::standard()->field("process.parent.executable");
  ASSERT_NE(known, kNoField);
  const FieldId other = builder.want("process.parXnt.executable").value();
  const FieldId inner = builder.want("requestPXXXrameters.name").value();
  const auto built = builder.build();
  ASSERT_TRUE(built.has_value()) << built.error().text();
  EXPECT_EQ((*built)->field("process.parent.executable"), known);
  EXPECT_EQ((*built)->field("process.parXnt.executable"), other);
  BadLines bad;
  EventParser parser(bad, *built);
  LineBatch batch{std::make_shared<const std::string>("x"),
                  "{\"requestPYYYrameters\":{\"name\":\"a\"},\"requestPXXXrameters\":{\"name\":\"b\"}}", 0, 1, nullptr};
  parser.start(batch);
  const EventView* event = parser.next();
  ASSERT_NE(event, nullptr);
  ASSERT_EQ(event->leaves.size(), 2U);
  EXPECT_EQ(event->leaves[0].field, kNoField);
  EXPECT_EQ(event->leaves[1].field, inner);
}

TEST(FieldMapDocument, ContainersThatAddNothingAreNoPartOfAPath) {
  FieldMapBuilder builder(*FieldMap::standard());
  const FieldId foo = builder.want("winlog.event_data.Foo").value();
  EXPECT_EQ(builder.want("Foo").value(), foo);
  const FieldMapPtr map = builder.build().value();
  EXPECT_EQ(map->row(foo).path, "Foo");
  EXPECT_EQ(map->plain("Event.EventData.a.b"), "a.b");
  EXPECT_EQ(map->plain("a.EventData.b"), "a.EventData.b");
  BadLines bad;
  EventParser parser(bad, map);
  LineBatch batch{std::make_shared<const std::string>("x"),
                  "{\"winlog.event_data.Foo\":1,\"winlog.event_data\":{\"Foo\":2},\"winlog\":{\"event_data.Foo\":3},"
                  "\"\\u0077inlog.Foo\":4,\"other.Foo\":5}",
                  0, 1, nullptr};
  parser.start(batch);
  const EventView* event = parser.next();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->format, Format::kWindows) << "winlog tells the format";
  std::string found;
  for (const Leaf& leaf : event->leaves)
    if (leaf.field == foo) found += leaf.raw();
  EXPECT_EQ(found, "1234");
}

TEST(FieldMapDocument, WantedNumbersOfTsvAndItsPathAreThere) {
  FieldMapBuilder builder(*FieldMap::standard());
  const FieldId path = builder.want("_path").value(), bytes = builder.want("orig_bytes").value();
  const FieldMapPtr map = builder.build().value();
  BadLines bad;
  EventParser parser(bad, map);
  LineBatch batch{
      std::make_shared<const std::string>("x"),
      "#separator \\x09\n#path\tconn\n#fields\tuid\torig_bytes\tmissed\n#types\tstring\tcount\tcount\nC1\t5\t6\n", 0, 1,
      nullptr};
  parser.start(batch);
  const EventView* event = parser.next();
  ASSERT_NE(event, nullptr);
  std::map<FieldId, std::string> found;
  for (const Leaf& leaf : event->leaves) found.emplace(leaf.field, leaf.raw());
  EXPECT_EQ(found[path], "conn");
  EXPECT_EQ(found[bytes], "5");
  EXPECT_FALSE(found.contains(kNoField));
}

TEST(FieldMapDocument, NamesTheLineAndTheKeyOfWhatIsWrong) {
  const struct {
    const char* toml;
    const char* told;
  } cases[] = {
      {"[field]\n\"a\" = \"host\"", "format"},
      {"format = \"xml\"", "no such format"},
      {"format = \"json\"\n[field]\na = \"hots\"", "acme.toml:3: field.a: no such role"},
      {"format = \"json\"\n[field]\na = { rol = \"host\" }", "field.a.rol"},
      {"format = \"json\"\n[field]\na = 7", "field.a"},
      {"format = \"json\"\n[field]\na = { marks = \"yes\" }", "field.a.marks"},
      {"format = \"json\"\n[field]\na = { sigma = [] }", "this list is empty"},
      {"format = \"json\"\n[[logsource]]\nwhen = { a = 1 }", "a product, a category or a service"},
      {"format = \"json\"\n[[logsource]]\nproduct = \"a\"\nwhen = 3", "logsource.when"},
      {"format = \"json\"\n[logsource]\nproduct = \"a\"", "[[logsource]]"},
      {"format = \"json\"\nfields = 1", "no such key"},
      {"format = \"json\"\n[field]\n\"a.b.c.d.e.f.g.h.i.j.k.l\" = \"host\"", "too long"},
      {"format = ", "acme.toml:1"},
  };
  for (const auto& [toml, told] : cases) {
    FieldMapBuilder builder;
    const auto read = read_map_document(toml, "acme.toml", builder);
    ASSERT_FALSE(read.has_value()) << toml;
    EXPECT_NE(read.error().text().find(told), std::string::npos) << read.error().text();
    EXPECT_TRUE(builder.build().value()->rows().empty()) << "nothing of a bad document stays";
  }
}

}  // namespace
}  // namespace bongsu::telemetry
