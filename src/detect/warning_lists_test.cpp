#include "detect/warning_lists.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/places_test_support.h"

namespace bongsu::detect {
namespace {

std::vector<std::string> names(const WarningLists& lists, Kind kind, const std::string& text) {
  std::vector<std::string> out;
  for (const auto& hit : lists.find(*normalise(kind, text))) out.push_back(hit.list + "/" + hit.type);
  return out;
}
using Names = std::vector<std::string>;

WarningLists sample() {
  WarningLists lists;
  EXPECT_TRUE(lists.add_list(R"({"name":"strings","type":"string","list":["Evil.example",".dotted.example"]})", "a"));
  EXPECT_TRUE(lists.add_list(
      R"({"name":"hosts","type":"hostname","list":[".bank.example"],"matching_attributes":["domain","url"]})", "b"));
  EXPECT_TRUE(
      lists.add_list(R"({"name":"nets","type":"cidr","list":["10.0.0.0/8","2001:DB8::/32","192.0.2.1","bad"]})", "c"));
  EXPECT_TRUE(lists.add_list(R"({"name":"parts","type":"substring","list":["sandbox"]})", "d"));
  EXPECT_TRUE(lists.add_list(
      R"x({"name":"re","type":"regex","list":["/^(abuse|noc)\\@.*$/i","(?<!x)y"],"matching_attributes":["email-dst"]})x",
      "e"));
  lists.finish();
  return lists;
}

TEST(WarningLists, EachTypeMatchesInItsOwnWay) {
  const WarningLists lists = sample();
  EXPECT_EQ(names(lists, Kind::kDomain, "evil.example"), Names{"strings/string"});
  EXPECT_EQ(names(lists, Kind::kDomain, "www.evil.example"), Names{}) << "a string is the whole value";
  EXPECT_EQ(names(lists, Kind::kDomain, "bank.example"), Names{"hosts/hostname"});
  EXPECT_EQ(names(lists, Kind::kDomain, "www.bank.example"), Names{"hosts/hostname"});
  EXPECT_EQ(names(lists, Kind::kDomain, "notbank.example"), Names{});
  EXPECT_EQ(names(lists, Kind::kUrl, "https://www.bank.example/x"), Names{"hosts/hostname"});
  EXPECT_EQ(names(lists, Kind::kEmail, "a@bank.example"), Names{}) << "the list does not speak of e-mail addresses";
  EXPECT_EQ(names(lists, Kind::kIpv4, "10.1.2.3"), Names{"nets/cidr"});
  EXPECT_EQ(names(lists, Kind::kIpv4, "10.1.0.0/16"), Names{"nets/cidr"});
  EXPECT_EQ(names(lists, Kind::kIpv4, "0.0.0.0/0"), Names{}) << "larger than the list's block";
  EXPECT_EQ(names(lists, Kind::kIpv4, "192.0.2.1"), Names{"nets/cidr"});
  EXPECT_EQ(names(lists, Kind::kIpv6, "2001:db8::5"), Names{"nets/cidr"});
  EXPECT_EQ(names(lists, Kind::kDomain, "my.sandbox.example"), Names{"parts/substring"});
  EXPECT_EQ(names(lists, Kind::kEmail, "ABUSE@some.example"), Names{"re/regex"});
}

TEST(WarningLists, EntriesThatMakeNoSenseAreCountedWithTheirPlace) {
  const WarningLists lists = sample();
  EXPECT_EQ(lists.lists(), 5U);
  ASSERT_EQ(lists.troubles().count(), 2U);  // "bad", and the look-behind
  EXPECT_EQ(lists.troubles().first()[0].where.field, "list[3]");
}

TEST(WarningLists, BrokenListsAreRefused) {
  WarningLists lists;
  for (const char* bad :
       {"", "[]", "{}", R"({"name":"x","type":"string"})", R"({"name":"x","type":"magic","list":[]})"})
    EXPECT_FALSE(lists.add_list(bad, "x").has_value()) << bad;
}

// A directory with a list in each of three files, of which the one in the middle may be changed.
struct Directory {
  std::filesystem::path root;
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bongsu-lists-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
    std::filesystem::permissions(root, std::filesystem::perms(0755));
    for (const std::string name : {"a", "b", "c"})
      std::ofstream(root / (name + ".json"))
          << R"({"name":")" << name << R"(","type":"hostname","list":[")" << name << R"(.example"]})";
  }
  ~Directory() { std::filesystem::remove_all(root); }
};

// root opens every file; who tests as root is somebody else for a moment.
struct NotRoot {
  const bool was_root = ::geteuid() == 0;
  const bool is_not = !was_root || ::seteuid(65'534) == 0;
  ~NotRoot() {
    if (was_root && is_not) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
};

TEST(WarningLists, AFileThatCannotBeOpenedCostsItselfOnly) {
  const Directory directory;
  std::filesystem::permissions(directory.root / "b.json", std::filesystem::perms::none);
  WarningLists lists;
  {
    const NotRoot not_root;
    std::error_code ec;
    if (!not_root.is_not || !std::filesystem::is_directory(directory.root, ec))
      GTEST_SKIP() << "skipped: cannot become another user who sees the directory";
    EXPECT_TRUE(lists.load(directory.root.string()));
  }
  lists.finish();
  EXPECT_EQ(names(lists, Kind::kDomain, "a.example"), Names{"a/hostname"});
  EXPECT_EQ(names(lists, Kind::kDomain, "c.example"), Names{"c/hostname"});
  ASSERT_EQ(lists.troubles().count(), 1U);
  EXPECT_EQ(lists.troubles().first()[0].where.source, (directory.root / "b.json").string());
}

TEST(WarningLists, AFileThatIsCutOrLeadsNowhereCostsItselfOnly) {
  const Directory directory;
  std::ofstream(directory.root / "b.json", std::ios::trunc) << "\x1f\x8b\x08";
  std::filesystem::create_symlink(directory.root / "nowhere", directory.root / "b2.json");
  WarningLists lists;
  EXPECT_TRUE(lists.load(directory.root.string()));
  lists.finish();
  EXPECT_EQ(lists.lists(), 2U);
  EXPECT_EQ(names(lists, Kind::kDomain, "c.example"), Names{"c/hostname"});
  EXPECT_EQ(lists.troubles().count(), 1U) << "a link that leads nowhere is no file";
}

TEST(WarningLists, AllOfMispsListsLoad) {
  const std::string path = shared_data("misp/warninglists.tar.zst");
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  WarningLists lists;
  const auto loaded = lists.load(path);
  ASSERT_TRUE(loaded) << loaded.error().text();
  lists.finish();
  EXPECT_EQ(lists.lists(), 136U);
  EXPECT_EQ(lists.entries() + lists.troubles().count(), 528'972U);
  EXPECT_LT(lists.troubles().count(), 10U);
  EXPECT_FALSE(names(lists, Kind::kIpv4, "8.8.8.8").empty());
  EXPECT_FALSE(names(lists, Kind::kDomain, "www.google.com").empty());
  EXPECT_FALSE(names(lists, Kind::kIpv4, "10.0.0.1").empty());
  EXPECT_TRUE(names(lists, Kind::kDomain, "a-name-nobody-has.example").empty());
}

}  // namespace
}  // namespace bongsu::detect
