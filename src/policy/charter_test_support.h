// A small exchange for tests: three sponsors, threshold two, three founding members, with all keys at hand.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "policy/charter_trust.h"

namespace bongsu::policy::test {

inline Instant at(std::string_view text) { return *Instant::parse(text); }

struct CharterWorld {
  std::map<std::string, crypto::SigningKey> sponsor_keys;  // by nation
  std::map<MemberId, crypto::SigningKey> member_keys;
  Instant issued = at("2027-01-01T00:00:00Z"), now = at("2027-01-02T00:00:00Z");

  static std::string hex(const crypto::SigningKey& key) { return to_hex(as_bytes(key.public_key)); }

  CharterMember member(const MemberId& id, const std::string& nation, CharterMember::Kind kind,
                       CharterMember::Role role) {
    member_keys[id] = *crypto::make_signing_key();
    CharterMember out{.title = "Member " + id,
                      .nation = nation,
                      .kind = kind,
                      .role = role,
                      .keys = {hex(member_keys[id])},
                      .ca_fingerprint = to_hex(sha256(id)),
                      .clearance = 2,
                      .communities = {"energy"},
                      .probation = std::nullopt,
                      .proofs = {},
                      .invitation = std::nullopt};
    out.proofs = {*prove_key("baltic", id, out, member_keys[id])};
    return out;
  }

  Charter first() {
    using Kind = CharterMember::Kind;
    using Role = CharterMember::Role;
    Charter c{.id = "baltic",
              .title = "Baltic exchange",
              .version = 1,
              .previous = "",
              .issued = issued,
              .expires = at("2028-01-01T00:00:00Z"),
              .threshold = 2,
              .sponsors = {},
              .communities = {{"energy", "Electricity and gas"}, {"finance", "Banks"}},
              .members = {},
              .removed = {},
              .groups = {},
              .equivalences = {}};
    for (const char* nation : {"ee", "lt", "ua"}) {
      sponsor_keys[nation] = *crypto::make_signing_key();
      c.sponsors.push_back(
          {.nation = nation, .title = std::string("Sponsor ") + nation, .keys = {hex(sponsor_keys[nation])}});
    }
    c.members["cert-ee"] = member("cert-ee", "ee", Kind::kCivil, Role::kSponsoringNation);
    c.members["cert-lt"] = member("cert-lt", "lt", Kind::kCivil, Role::kSponsoringNation);
    c.members["mil-ua"] = member("mil-ua", "ua", Kind::kMilitary, Role::kContributingParticipant);
    c.groups["BALT"] = {.id = "5d7f0a51-6a8e-4c55-9c0e-3b2f4f2c6a10",
                        .versions = {{.valid_from = at("2020-01-01T00:00:00Z"), .members = {"cert-ee", "cert-lt"}}}};
    // Sweden's two rows and Belgium's missing one are those of EU 2011/C 202/05.
    c.equivalences = {{{"be", Kind::kCivil, "CONFIDENTIEL"}, 2},
                      {{"se", Kind::kMilitary, "HEMLIG/RESTRICTED"}, 1},
                      {{"se", Kind::kMilitary, "HEMLIG/SECRET"}, 3},
                      {{"se", Kind::kCivil, "HEMLIG"}, 3}};
    return c;
  }

  SignedCharter sign(const Charter& charter, const std::vector<std::string>& nations) const {
    SignedCharter out{.charter = charter, .signatures = {}};
    for (const auto& nation : nations) EXPECT_TRUE(sign_charter(out, sponsor_keys.at(nation)));
    return out;
  }

  Charter next(const Charter& charter) const {
    return next_version(charter, charter.issued + std::chrono::hours{24}, charter.expires);
  }

  CharterApplication application(const Charter& charter, const MemberId& id, const std::string& sponsor = "lt") {
    member_keys[id] = *crypto::make_signing_key();
    const auto invitation = invite_member({.charter = charter.id,
                                           .member = id,
                                           .nation = "lv",
                                           .kind = "operator",
                                           .role = "observer",
                                           .sponsor = sponsor,
                                           .expires = charter.issued + std::chrono::hours{24 * 30},
                                           .key = "",
                                           .signature = ""},
                                          sponsor_keys.at(sponsor));
    EXPECT_TRUE(invitation) << invitation.error().text();
    const auto application = apply_for_membership({.charter = "",
                                                   .member = "",
                                                   .nation = "",
                                                   .title = "Grid of " + id,
                                                   .ca_fingerprint = to_hex(sha256(id)),
                                                   .keys = {},
                                                   .proofs = {},
                                                   .invitation = *invitation},
                                                  member_keys[id]);
    EXPECT_TRUE(application) << application.error().text();
    return *application;
  }
  Probation probation(const Charter& draft) const {
    return {.until = draft.issued + std::chrono::hours{24 * 90}, .highest_tlp = stix::Tlp::kGreen, .highest_rank = 0};
  }
};

}  // namespace bongsu::policy::test
