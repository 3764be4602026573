#include "cli/agreement_commands.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "cli/command_test_support.h"
#include "cli/terminal.h"
#include "policy/charter_test_support.h"
#include "policy/memorandum.h"

namespace bongsu::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class AgreementCommands : public CommandTest {
 protected:
  AgreementCommands() {
    charter_ = file("charter.json", world_.sign(world_.first(), {"ee", "lt"}).text());
    draft_ = path("energy.toml");
    EXPECT_EQ(run(run_agreement_draft,
                  AgreementDraftOptions{.charter = "baltic", .out = draft_, .parties = {"cert-lt", "cert-ee"}}),
              kExitOk)
        << err_;
  }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  std::string content(const std::string& name) const {
    std::ifstream in(dir_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  policy::SignedMemorandum signed_by(const std::vector<std::string>& members) {
    policy::SignedMemorandum out = *policy::unsigned_memorandum(content("energy.toml"), "");
    for (const auto& member : members) EXPECT_TRUE(policy::sign_memorandum(out, member, world_.member_keys.at(member)));
    return out;
  }
  int explain(const std::string& document, bool by_charter, bool json = false) {
    return run(run_agreement_explain,
               AgreementFilesOptions{.files = {document}, .charter = by_charter ? charter_ : "", .json = json});
  }

  policy::test::CharterWorld world_;
  std::string charter_, draft_;
};

TEST_F(AgreementCommands, SaysOfEachSignatureWhetherItHolds) {
  EXPECT_EQ(explain(draft_, false), kExitOk);
  EXPECT_THAT(out_, HasSubstr("Signatures: cert-ee: not yet, cert-lt: not yet\n"));

  auto document = signed_by({"cert-lt"});
  EXPECT_EQ(explain(file("one", document.text()), false), kExitOk);
  EXPECT_THAT(out_, HasSubstr("cert-ee: not yet, cert-lt: signed\n"));
  EXPECT_THAT(out_, HasSubstr("by the keys in the file"));

  char& digit = document.signatures[0].signature.signature[0];
  digit = digit == '0' ? '1' : '0';
  EXPECT_EQ(explain(file("bad", document.text()), false), kExitNo);
  EXPECT_THAT(out_, HasSubstr("cert-lt: DOES NOT HOLD"));
  EXPECT_EQ(explain(path("bad"), false, true), kExitNo);
  EXPECT_THAT(out_, HasSubstr(R"("signatures_hold":false)"));

  const AgreementFilesOptions merge{.files = {path("bad")}, .out = path("merged")};
  EXPECT_EQ(run(run_agreement_merge, merge), kExitNo) << "it is written, and does not hold";
  EXPECT_THAT(err_, HasSubstr("cert-lt: DOES NOT HOLD"));

  // Signatures of another text.
  auto other = signed_by({"cert-lt", "cert-ee"});
  other.toml += "# something else\n";
  EXPECT_EQ(explain(file("other", other.text()), false), kExitNo);
  EXPECT_THAT(out_, HasSubstr("cert-ee: DOES NOT HOLD, cert-lt: DOES NOT HOLD"));

  auto strangers = signed_by({"cert-lt"});
  strangers.signatures[0].member = "mallory";
  EXPECT_EQ(explain(file("strangers", strangers.text()), false), kExitNo);
  EXPECT_THAT(out_, HasSubstr("mallory: signs, but is NO PARTY"));

  auto ended = signed_by({"cert-lt"});
  ASSERT_TRUE(policy::give_notice(ended, "cert-lt", SystemClock().now(), world_.member_keys.at("cert-lt")));
  EXPECT_EQ(explain(file("ended", ended.text()), false), kExitOk);
  ended.notices[0].by = "cert-ee";
  EXPECT_EQ(explain(file("ended", ended.text()), false), kExitNo);
  EXPECT_THAT(out_, HasSubstr("notice by cert-ee: DOES NOT HOLD"));
}

TEST_F(AgreementCommands, ExitsWithOneWhenTheCharterSaysNo) {
  EXPECT_EQ(explain(file("both", signed_by({"cert-lt", "cert-ee"}).text()), true), kExitOk) << err_;
  EXPECT_THAT(out_, HasSubstr("Signatures: signed by every party\n"));
  EXPECT_EQ(explain(path("both"), true, true), kExitOk);
  EXPECT_THAT(out_, HasSubstr(R"("verified":true)"));

  // With a key of its own making: by the file all is well, by the charter nothing.
  auto forged = signed_by({"cert-lt"});
  ASSERT_TRUE(policy::sign_memorandum(forged, "cert-ee", *crypto::make_signing_key()));
  EXPECT_EQ(explain(file("forged", forged.text()), false), kExitOk);
  EXPECT_EQ(explain(path("forged"), true), kExitNo);
  EXPECT_THAT(out_, HasSubstr("DO NOT HOLD: signature: cert-ee did not sign this text"));
  EXPECT_EQ(explain(path("forged"), true, true), kExitNo);
  EXPECT_THAT(out_, HasSubstr(R"("verified":false)"));
  EXPECT_EQ(explain(draft_, true), kExitNo) << "nobody signed it";

  const std::string local = file("local.toml",
                                 "partner = \"cert-lt\"\ncollections = [\"shared\"]\nhighest_tlp = \"green\"\n"
                                 "types = [\"*\"]\nvalid_until = 2099-01-01T00:00:00Z\n");
  EXPECT_EQ(explain(local, false), kExitOk) << err_;
  EXPECT_EQ(explain(local, true), kExitTrouble);
}

TEST_F(AgreementCommands, ANextVersionTakesWhatIsAsked) {
  const auto next = [&](AgreementDraftOptions options) {
    options.from = draft_;
    const int status = run(run_agreement_draft, options);
    return status == kExitOk ? *policy::parse_memorandum(out_, "") : policy::Memorandum{};
  };
  const policy::Memorandum before = *policy::parse_memorandum(content("energy.toml"), "");
  const policy::Memorandum same = next({});
  EXPECT_EQ(same.version, 2);
  EXPECT_EQ(same.valid_until, before.valid_until);
  EXPECT_EQ(same.notice_days, 90);
  const policy::Memorandum other = next({.title = "Grid", .until = "2099-01-01T00:00:00Z", .notice_days = 30});
  EXPECT_EQ(other.title, "Grid");
  EXPECT_EQ(other.valid_until.text(0), "2099-01-01T00:00:00Z");
  EXPECT_EQ(other.notice_days, 30);
  EXPECT_EQ(other.previous, same.previous);
  EXPECT_EQ(next({.parties = {"mil-ua"}}).version, 1);
  EXPECT_THAT(err_, HasSubstr("--party"));
  EXPECT_EQ(next({.charter = "nordic"}).version, 1);
  EXPECT_THAT(err_, HasSubstr("--charter"));
  EXPECT_EQ(next({.until = "2001-01-01T00:00:00Z"}).version, 1);
  EXPECT_THAT(err_, HasSubstr("valid_until"));
}

}  // namespace
}  // namespace bongsu::cli
