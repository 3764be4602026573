#include "charters.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "base/hash.h"
#include "fake_keys.h"
#include "nodes.h"
#include "policy/charter_trust.h"

namespace bongsu::simulation {
namespace {

constexpr const char* kCharter = "exchange";
constexpr const char* kSponsors[] = {"ee", "lt", "ua"};
constexpr std::chrono::hours kYear{24 * 365}, kProbation{24 * 90};

template <class T>
T made(Result<T> result, std::string_view what) {
  if (!result) {
    std::fprintf(stderr, "simulation: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
                 result.error().text().c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

crypto::SigningKey sponsor_key(const std::string& nation) { return signing_key_of("sponsor " + nation); }

policy::SignedCharter signed_by_all(const policy::Charter& charter) {
  policy::SignedCharter out{.charter = charter, .signatures = {}};
  for (const char* nation : kSponsors) made(policy::sign_charter(out, sponsor_key(nation)), "a charter's signature");
  return out;
}

policy::CharterMember founder(const std::string& member) {
  policy::CharterMember out;
  out.title = member;
  out.nation = "lt";
  out.role = policy::CharterMember::Role::kContributingParticipant;
  out.keys = {public_key_hex(member)};
  out.ca_fingerprint = SimNode::authority_of(member);
  out.communities = {"net"};
  out.proofs = {made(policy::prove_key(kCharter, member, out, signing_key_of(member)), "a proof of key")};
  return out;
}

}  // namespace

CharterBook::CharterBook(const std::vector<std::string>& founders, Instant issued) {
  policy::Charter charter;
  charter.id = kCharter;
  charter.title = "The exchange";
  charter.issued = {issued.seconds, 0};
  charter.expires = charter.issued + kYear;
  charter.threshold = 2;
  charter.communities = {{"net", "All"}};
  for (const char* nation : kSponsors)
    charter.sponsors.push_back(
        {.nation = nation, .title = nation, .keys = {public_key_hex(std::string("sponsor ") + nation)}});
  for (const auto& member : founders) charter.members[member] = founder(member);
  versions_.push_back(signed_by_all(charter));
}

void CharterBook::next(Instant issued, const Change& change) {
  const auto& current = versions_.back().charter;
  policy::Charter draft = policy::next_version(current, std::max(issued, current.issued), current.expires);
  change(draft);
  versions_.push_back(signed_by_all(draft));
}

void CharterBook::admit(policy::Charter& draft, const std::string& member) {
  const auto invitation = made(policy::invite_member({.charter = draft.id,
                                                      .member = member,
                                                      .nation = "lt",
                                                      .kind = "civil",
                                                      .role = "contributing-participant",
                                                      .sponsor = "lt",
                                                      .expires = draft.issued + kProbation,
                                                      .key = "",
                                                      .signature = ""},
                                                     sponsor_key("lt")),
                               "an invitation");
  const auto application = made(policy::apply_for_membership({.charter = "",
                                                              .member = "",
                                                              .nation = "",
                                                              .title = member,
                                                              .ca_fingerprint = SimNode::authority_of(member),
                                                              .identity = "",
                                                              .keys = {},
                                                              .proofs = {},
                                                              .invitation = invitation},
                                                             signing_key_of(member)),
                                "an application");
  made(policy::admit_member(draft, application,
                            {.until = draft.issued + kProbation, .highest_tlp = stix::Tlp::kGreen, .highest_rank = 0},
                            0, {"net"}),
       "an admission");
}

void CharterBook::remove(policy::Charter& draft, const std::string& member) {
  (void)policy::remove_member(draft, member);  // one who is out already stays so
}

void CharterBook::change_clearance(policy::Charter& draft, const std::string& member, std::uint8_t clearance) {
  if (const auto at = draft.members.find(member); at != draft.members.end()) at->second.clearance = clearance;
}

void CharterBook::found_group(policy::Charter& draft, const std::string& name,
                              const std::vector<std::string>& members) {
  draft.groups[name] = {.id = group_id(name),
                        .versions = {{.valid_from = draft.issued, .members = {members.begin(), members.end()}}}};
}

void CharterBook::change_group(policy::Charter& draft, const std::string& name, Instant from,
                               const std::vector<std::string>& members) {
  draft.groups.at(name).versions.push_back({.valid_from = {from.seconds, 0}, .members = {members.begin(), members.end()}});
}

std::string CharterBook::group_id(const std::string& name) {
  return fmt::format("{:08x}-1111-4111-8111-111111111111", hash64(name) & 0xffffffff);
}

}  // namespace bongsu::simulation
