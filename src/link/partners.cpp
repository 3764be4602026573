#include "link/partners.h"

namespace bongsu::link {

void PartnerDirectory::replace(const std::map<std::string, identity::Member>& members) {
  std::map<std::string, std::string> by_authority;
  for (const auto& [id, member] : members) {
    if (member.ca_fingerprint.empty()) continue;
    if (const auto [it, fresh] = by_authority.emplace(member.ca_fingerprint, id); !fresh) it->second.clear();
  }
  const std::lock_guard lock(mutex_);
  by_authority_ = std::move(by_authority);
}

std::optional<std::string> PartnerDirectory::member_of(const net::Peer& peer) const {
  if (peer.certificate_fingerprint.empty() || peer.issuer_fingerprint.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = by_authority_.find(peer.issuer_fingerprint);
  if (found == by_authority_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

bool PartnerDirectory::is_pinned(const std::string& fingerprint) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_authority_.find(fingerprint);
  return found != by_authority_.end() && !found->second.empty();
}

}  // namespace bongsu::link
