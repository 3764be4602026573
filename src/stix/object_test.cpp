#include "stix/object.h"

#include <gtest/gtest.h>

#include "stix/test_support.h"

namespace bongsu::stix {
namespace {

struct Refused {
  const char* name;
  std::string text;
  const char* field;    // where.field
  const char* message;  // a part of it
};

TEST(Object, RefusesWhatIsNoObjectOfStix) {
  const std::string id = id_of("identity");
  const std::vector<Refused> table = {
      {"nothing", "", "", "not JSON"},
      {"not JSON", "{\"type\":", "", "not JSON"},
      {"bytes after the object", plain("identity", "") + "x", "", "not JSON"},
      {"two objects", plain("identity", "") + plain("identity", ""), "", "not JSON"},
      {"a list", "[]", "", "JSON object"},
      {"a string", "\"identity\"", "", "JSON object"},
      {"text that is not UTF-8", plain("identity", "\"name\":\"\xff\""), "", "not JSON"},
      {"half a surrogate pair", plain("identity", "\"name\":\"\\ud800\""), "", "not JSON"},
      {"a raw line feed in a string", plain("identity", "\"name\":\"a\nb\""), "", "not JSON"},
      {"NaN", plain("identity", "\"confidence\":NaN"), "", "not JSON"},
      {"no type", "{\"id\":\"" + id + "\"}", "type", "required"},
      {"no id", "{\"type\":\"identity\"}", "id", "required"},
      {"a type that is a number", "{\"type\":1,\"id\":\"" + id + "\"}", "type", "type name"},
      {"a type in upper case", "{\"type\":\"Identity\",\"id\":\"Identity--" + uuid_of("identity") + "\"}", "id",
       "identifier"},
      {"a type of two letters", "{\"type\":\"ab\",\"id\":\"ab--" + uuid_of("identity") + "\"}", "id", "identifier"},
      {"an id of another type", "{\"type\":\"malware\",\"id\":\"" + id + "\"}", "id", "cannot identify"},
      {"an id with a short UUID", "{\"type\":\"identity\",\"id\":\"identity--1\"}", "id", "identifier"},
      {"an id in upper case", "{\"type\":\"identity\",\"id\":\"identity--0A000000-0000-4000-8000-000000000000\"}", "id",
       "identifier"},
      {"an id with a single hyphen", "{\"type\":\"identity\",\"id\":\"identity-" + uuid_of("identity") + "\"}", "id",
       "identifier"},
      {"a bundle", plain("bundle", ""), "type", "container"},
      {"a key twice", plain("identity", "\"name\":\"a\",\"name\":\"b\""), "name", "twice"},
      {"a key twice, once escaped", plain("identity", "\"name\":\"a\",\"n\\u0061me\":\"b\""), "name", "twice"},
      {"a key twice deep inside", plain("identity", "\"x_a\":[{\"b\":{\"c\":1,\"d\":2,\"c\":3}}]"), "x_a[0].b.c",
       "twice"},
      {"created in local time", plain("identity", "\"created\":\"2020-01-01T00:00:00+01:00\""), "created", "timestamp"},
      {"modified that is a number", plain("identity", "\"modified\":5"), "modified", "timestamp"},
      {"revoked that is a string", plain("identity", "\"revoked\":\"true\""), "revoked", "revoked"},
      {"a marking that is no id", plain("identity", "\"object_marking_refs\":[\"red\"]"), "object_marking_refs[0]",
       "identifier"},
      {"markings that are no list", plain("identity", "\"object_marking_refs\":\"red\""), "object_marking_refs",
       "list"},
      {"a granular marking without selectors", plain("identity", "\"granular_markings\":[{\"lang\":\"de\"}]"),
       "granular_markings[0].selectors", "selectors"},
      {"a granular marking that refers to nothing readable",
       plain("identity", "\"granular_markings\":[{\"marking_ref\":\"x\",\"selectors\":[\"name\"]}]"),
       "granular_markings[0].marking_ref", "identifier"},
  };
  for (const Refused& refused : table) {
    const auto object = Object::parse(refused.text);
    ASSERT_FALSE(object) << refused.name;
    EXPECT_EQ(object.error().code, ErrorCode::kInvalid) << refused.name;
    EXPECT_EQ(object.error().where.field, refused.field) << refused.name;
    EXPECT_NE(object.error().message.find(refused.message), std::string::npos)
        << refused.name << ": " << object.error().message;
  }
}

TEST(Object, NamesTheOffsetOfBrokenJson) {
  const auto object = Object::parse(R"({"type":"identity","id":tru})");
  ASSERT_FALSE(object);
  EXPECT_TRUE(object.error().where.has_offset);
  EXPECT_GE(object.error().where.offset, 24u);
  EXPECT_LE(object.error().where.offset, 27u);
}

TEST(Object, FindsADuplicateAmongManyKeys) {
  std::string properties;
  for (int i = 0; i < 5000; ++i) properties += "\"x_" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(Object::parse(plain("identity", properties + "\"x_5000\":0")));
  const auto twice = Object::parse(plain("identity", properties + "\"x_4321\":0"));
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().where.field, "x_4321");
}

TEST(Object, RefusesDepthAndSizeBeyondTheLimits) {
  const auto nested = [](std::size_t depth) {
    return plain("identity", "\"x_deep\":" + std::string(depth, '[') + std::string(depth, ']'));
  };
  EXPECT_TRUE(Object::parse(nested(kJsonMaxDepth - 10)));
  EXPECT_FALSE(Object::parse(nested(kJsonMaxDepth + 10)));
  EXPECT_FALSE(Object::parse(nested(1'000'000)));
  for (std::size_t depth = kJsonMaxDepth - 10; depth < kJsonMaxDepth + 10; ++depth) {
    // What is accepted can be read as a document too.
    const auto object = Object::parse(nested(depth));
    if (object) EXPECT_TRUE(object->json().is_object()) << depth;
  }
  const std::string large = plain("identity", "\"x_a\":\"" + std::string(kMaxObjectBytes, 'a') + "\"");
  const auto object = Object::parse(large);
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(Object::parse(large.substr(0, kMaxObjectBytes - 2) + "\"}"));
}

TEST(Object, KeepsEveryByte) {
  const std::string text =
      " { \"id\" : \"" + id_of("x-custom") +
      "\", \"x_big\": 1.0e2, \"x_n\":-0.0,\n\"type\":\"x-custom\", \"x_u\":\"\\u00e9\xc3\xa9\" } \n";
  const auto object = Object::parse(text);
  ASSERT_TRUE(object) << object.error().text();
  EXPECT_EQ(object->bytes(), text);
  EXPECT_EQ(object->category(), Category::kCustom);
  EXPECT_EQ(object->hash(), sha256(text));
}

TEST(Object, ReadsWhatTheHouseAsksOf) {
  const std::string text = versioned(
      "indicator",
      R"("created_by_ref":")" + id_of("identity") + R"(","revoked":true,"confidence":70,)" +
          R"("object_marking_refs":["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"],)" +
          R"("granular_markings":[{"lang":"de","selectors":["name","labels.[0]"]},)" +
          R"({"marking_ref":"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb","selectors":["name"]}],)" +
          R"("x_list":[{"a_refs":[")" + id_of("malware") + R"(","nonsense"]}],"extensions":{"x":{"y_ref":")" +
          id_of("tool") + R"("}})");
  const auto object = Object::parse(text);
  ASSERT_TRUE(object) << object.error().text();
  EXPECT_EQ(object->id_text(), id_of("indicator"));
  EXPECT_EQ(object->category(), Category::kDomain);
  EXPECT_EQ(object->spec_version(), "2.1");
  EXPECT_EQ(object->version()->text(), "2020-01-01T00:00:00.000Z");
  EXPECT_TRUE(object->revoked());
  EXPECT_EQ(object->confidence(), 70);
  EXPECT_EQ(object->created_by()->text(), id_of("identity"));
  ASSERT_EQ(object->object_markings().size(), 1u);
  ASSERT_EQ(object->granular_markings().size(), 2u);
  EXPECT_EQ(object->granular_markings()[0].lang, "de");
  EXPECT_EQ(object->granular_markings()[0].selectors, (std::vector<std::string>{"name", "labels.[0]"}));

  std::vector<std::string> references;
  for (const Reference& reference : object->references())
    references.push_back(reference.property + " " + reference.target.type);
  EXPECT_EQ(references,
            (std::vector<std::string>{"created_by_ref identity", "object_marking_refs[0] marking-definition",
                                      "granular_markings[1].marking_ref marking-definition",
                                      "x_list[0].a_refs[0] malware", "extensions.x.y_ref tool"}));
  const auto elsewhere = Object::parse(plain(
      "ipv4-addr", R"("value":"198.51.100.1","x_of":")" + id_of("tool") + R"(","x_text":"of )" + id_of("tool") + '"'));
  ASSERT_EQ(elsewhere->references().size(), 1u) << "wherever it stands as a whole, but as its own";
  EXPECT_EQ(elsewhere->references()[0].property, "x_of");
}

TEST(Object, SaysTheVersionThatIsImplied) {
  EXPECT_EQ(Object::parse(plain("ipv4-addr", R"("value":"198.51.100.1")"))->spec_version(), "2.1");
  EXPECT_EQ(Object::parse(plain("indicator", R"("created":"2017-01-01T00:00:00.000Z")"))->spec_version(), "2.0");
  EXPECT_EQ(Object::parse(plain("x-custom", R"("x_a":1)"))->spec_version(), "2.1");
  EXPECT_EQ(Object::parse(plain("marking-definition", R"("created":"2017-01-01T00:00:00.000Z")"))->version()->text(),
            "2017-01-01T00:00:00.000Z");
  EXPECT_EQ(Object::parse(plain("ipv4-addr", R"("value":"198.51.100.1")"))->version(), nullptr);
}

TEST(Timestamp, ComparesAtAnyNumberOfDigits) {
  const auto at = [](std::string_view text) { return *Timestamp::parse(text); };
  EXPECT_EQ(at("2020-01-01T00:00:00Z"), at("2020-01-01T00:00:00.000Z"));
  EXPECT_EQ(at("2020-01-01T00:00:00.10Z"), at("2020-01-01T00:00:00.1Z"));
  EXPECT_LT(at("2020-01-01T00:00:00Z"), at("2020-01-01T00:00:00.0000000000000000001Z"));
  EXPECT_LT(at("2020-01-01T00:00:00.0000000000000000001Z"), at("2020-01-01T00:00:00.0000000000000000002Z"));
  EXPECT_LT(at("2020-01-01T00:00:00.9Z"), at("2020-01-01T00:00:01Z"));
  EXPECT_EQ(at("2020-01-01T00:00:00.100Z").text(), "2020-01-01T00:00:00.100Z");
  EXPECT_EQ(at("2020-01-01T00:00:00.100Z").key(), "2020-01-01T00:00:00.1");
  EXPECT_EQ(at("2016-12-31T23:59:60Z"), at("2017-01-01T00:00:00Z"));
  EXPECT_LT(at("2016-12-31T23:59:59.9Z"), at("2016-12-31T23:59:60Z"));
  for (const char* bad : {"", "2020-01-01", "2020-01-01T00:00:00", "2020-01-01T00:00:00z", "2020-01-01t00:00:00Z",
                          "2020-01-01T00:00:00.Z", "2020-01-01T00:00:00+00:00", "2020-02-30T00:00:00Z",
                          "2020-01-01T24:00:00Z", " 2020-01-01T00:00:00Z", "2020-1-01T00:00:00Z"})
    EXPECT_FALSE(Timestamp::parse(bad)) << bad;
}

TEST(Id, HasATypeAndAUuidInLowerCase) {
  EXPECT_EQ(Id::parse(id_of("x-a1-b"))->text(), id_of("x-a1-b"));
  for (const std::string& bad :
       {std::string("--") + uuid_of("a"), "ab--" + uuid_of("a"), "a--b--" + uuid_of("a"), "abc-" + uuid_of("a"),
        "abc---" + uuid_of("a"), "1bc--" + uuid_of("a"), "a_c--" + uuid_of("a"), "abc--" + uuid_of("a") + "0",
        std::string("abc--"), std::string(251, 'a') + "--" + uuid_of("a")})
    EXPECT_FALSE(Id::parse(bad)) << bad;
}

}  // namespace
}  // namespace bongsu::stix
