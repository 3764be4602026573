#include "cli/label_commands.h"

#include <gmock/gmock.h>

#include "cli/command_test_support.h"
#include "cli/terminal.h"

namespace bongsu::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class LabelCommands : public CommandTest {};

TEST_F(LabelCommands, WhatIsWrittenIsReadBack) {
  const std::string label = "amber marked to:cert-lt,cert-ua class:secret";
  const LabelWriteOptions write{.label = label, .created = "2026-11-26T00:00:00Z", .bind = {"a.json=application/json"}};
  ASSERT_EQ(run(run_label_write, write), kExitOk) << err_;
  EXPECT_THAT(out_, HasSubstr("ReviewDateTime=\"2031-11-25T00:00:00Z\""));
  const std::string bound = file("bound.xml", out_);
  ASSERT_EQ(run(run_label_read, LabelReadOptions{.files = {bound}, .json = true}), kExitOk) << err_;
  EXPECT_THAT(out_,
              HasSubstr(R"("of":"a.json","label":"amber marked to:cert-lt,cert-ua class:secret","understood":true)"));
  const LabelWriteOptions stix{
      .label = "clear class:secret", .as = "stix", .created = "2026-11-26T00:00:00Z", .originator = "cert-lt"};
  ASSERT_EQ(run(run_label_write, stix), kExitOk) << err_;
  const std::string definition = file("marking.json", out_);
  ASSERT_EQ(run(run_label_read, LabelReadOptions{.files = {definition}}), kExitOk) << err_;
  EXPECT_THAT(out_, HasSubstr("marking-definition--"));
}

TEST_F(LabelCommands, WhatIsNotUnderstoodReleasesToNobodyAndSaysSo) {
  const std::string dangling = file("object.json", R"({"type":"ipv4-addr","spec_version":"2.1",
      "id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3",
      "object_marking_refs":["marking-definition--11111111-1111-4111-8111-111111111111"]})");
  EXPECT_EQ(run(run_label_read, LabelReadOptions{.files = {dangling}}), kExitNo);
  EXPECT_THAT(out_, HasSubstr("releases to nobody"));
  const std::string nato = file("nato.xml", R"(<slab:originatorConfidentialityLabel
      xmlns:slab="urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"><slab:ConfidentialityInformation>
      <slab:PolicyIdentifier>NATO</slab:PolicyIdentifier><slab:Classification>SECRET</slab:Classification>
      </slab:ConfidentialityInformation></slab:originatorConfidentialityLabel>)");
  EXPECT_EQ(run(run_label_read, LabelReadOptions{.files = {nato}}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("national:nato/military/SECRET"));
  EXPECT_THAT(out_, HasSubstr("note: no CreationDateTime"));
  EXPECT_EQ(run(run_label_read, LabelReadOptions{.files = {nato}, .spif = nato}), kExitTrouble);
  EXPECT_THAT(err_, HasSubstr("is no SPIF"));
}

TEST_F(LabelCommands, TwoDefinitionsOfOneIdAreNotTaken) {
  const auto definition = [](std::string_view statement) {
    return R"({"type":"marking-definition","spec_version":"2.1","definition_type":"statement",
        "id":"marking-definition--11111111-1111-4111-8111-111111111111","created":"2026-01-01T00:00:00.000Z",
        "definition":{"statement":")" +
           std::string(statement) + "\"}}";
  };
  const auto bundle = [&](std::string_view second) {
    return file("bundle.json", R"({"type":"bundle","id":"bundle--22222222-2222-4222-8222-222222222222","objects":[)" +
                                   definition("one") + "," + definition(second) + "]}");
  };
  EXPECT_EQ(run(run_label_read, LabelReadOptions{.files = {bundle("one")}}), kExitOk) << err_;
  EXPECT_EQ(run(run_label_read, LabelReadOptions{.files = {bundle("two")}}), kExitTrouble);
  EXPECT_THAT(err_, HasSubstr("a second definition of marking-definition--11111111-1111-4111-8111-111111111111"));
  EXPECT_EQ(out_, "");
}

TEST_F(LabelCommands, AUriKeepsItsQuery) {
  const auto bound = [&](std::string to) {
    EXPECT_EQ(run(run_label_write, LabelWriteOptions{.label = "amber", .bind = {std::move(to)}}), kExitOk) << err_;
    return out_;
  };
  EXPECT_THAT(bound("https://p/doc?id=5"),
              AllOf(HasSubstr("URI=\"https://p/doc?id=5\""), Not(HasSubstr("contentType="))));
  EXPECT_THAT(bound("https://p/doc?id=5=application/pdf"),
              AllOf(HasSubstr("URI=\"https://p/doc?id=5\""), HasSubstr("contentType=\"application/pdf\"")));
  EXPECT_THAT(bound("https://p/doc?next=/a/b"), HasSubstr("URI=\"https://p/doc?next=/a/b\""));
}

TEST_F(LabelCommands, AStixMarkingHasAnIssuer) {
  for (const char* nobody : {"", "Not A Member!"}) {
    EXPECT_EQ(
        run(run_label_write, LabelWriteOptions{.label = "clear class:secret", .as = "stix", .originator = nobody}),
        kExitTrouble);
    EXPECT_EQ(out_, "");
    EXPECT_THAT(err_, HasSubstr("--originator"));
  }
}

TEST_F(LabelCommands, TroubleNamesPlaceAndCause) {
  EXPECT_EQ(run(run_label_read, LabelReadOptions{.files = {file("x.xml", "<a>\n<b></a>")}}), kExitTrouble);
  EXPECT_THAT(err_, HasSubstr("x.xml:2"));
  EXPECT_EQ(run(run_label_read, LabelReadOptions{.files = {"/nowhere"}}), kExitTrouble);
  EXPECT_EQ(run(run_label_read, LabelReadOptions{.files = {}, .authority = "royal"}), kExitTrouble);
  EXPECT_EQ(run(run_label_write, LabelWriteOptions{.label = "purple"}), kExitTrouble);
  EXPECT_EQ(run(run_label_write, LabelWriteOptions{.label = "clear unknown"}), kExitTrouble);
  EXPECT_THAT(err_, Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace bongsu::cli
