#include "identity/accounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"
#include "crypto/secret.h"

namespace bongsu::identity {
namespace {

// RFC 2104 over SHA-256; `key` has 64 bytes, the block size.
std::string hmac(std::string_view key, std::string_view message) {
  std::string inner, outer;
  for (char c : key) {
    inner.push_back(static_cast<char>(c ^ 0x36));
    outer.push_back(static_cast<char>(c ^ 0x5c));
  }
  const Sha256 first = sha256(inner.append(message));
  return to_hex(sha256(outer.append(as_text(first))));
}

std::unexpected<Error> nobody() {
  return fail(ErrorCode::kUnauthenticated, "the credentials are not those of an account of this node");
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

JsonArray array_of(const std::set<std::string>& values) {
  JsonArray out;
  for (const auto& v : values) out.emplace_back(v);
  return out;
}

Result<std::set<std::string>> set_at(const Json& json, std::string_view key) {
  std::set<std::string> out;
  const Json* value = find(json, key);
  if (!value) return out;
  if (!value->is_array()) return fail(ErrorCode::kInvalid, "must be a list of strings", {.field = std::string(key)});
  for (const Json& item : value->get_array()) {
    if (!item.is_string()) return fail(ErrorCode::kInvalid, "must be a list of strings", {.field = std::string(key)});
    out.emplace(item.get_string());
  }
  return out;
}

}  // namespace

Principal principal_of(const Account& account) {
  return {.account = account.name,
          .member = account.member,
          .role = account.role,
          .read = account.read,
          .write = account.write,
          .enforcement = account.enforcement,
          .person = account.person_name(),
          .clearance = account.clearance};
}

Json to_json(const Clearance& clearance) {
  return JsonObject{{"rank", clearance.rank},
                    {"categories", array_of(clearance.categories)},
                    {"nationalities", array_of(clearance.nationalities)},
                    {"custodian", clearance.custodian}};
}

Result<Clearance> parse_clearance(const Json* json) {
  Clearance out;
  if (json == nullptr) return out;
  const auto bad = [](std::string field, std::string_view why) {
    return fail(ErrorCode::kInvalid, std::string(why), {.field = "clearance." + std::move(field)});
  };
  if (!json->is_object()) return fail(ErrorCode::kInvalid, "must be an object", {.field = "clearance"});
  static constexpr std::array<std::string_view, 5> kRanks = {"unclassified", "restricted", "confidential", "secret",
                                                             "top-secret"};
  out.rank = string_at(*json, "rank").value_or("");
  if (std::ranges::find(kRanks, out.rank) == kRanks.end())
    return bad("rank", "is unclassified, restricted, confidential, secret or top-secret");
  BONGSU_TRY(out.categories, set_at(*json, "categories"));
  if (out.categories.size() > kMaxCategories) return bad("categories", "are too many");
  for (const std::string& category : out.categories)
    if (category.empty() || category.size() > kMaxCategoryBytes)
      return bad("categories", "are words of 1 to 128 bytes");
  BONGSU_TRY(out.nationalities, set_at(*json, "nationalities"));
  if (out.nationalities.size() > kMaxNationalities) return bad("nationalities", "are too many");
  for (const std::string& nation : out.nationalities)
    if (nation.size() != 2 || !std::ranges::all_of(nation, [](char c) { return c >= 'a' && c <= 'z'; }))
      return bad("nationalities", "are two small letters each (ISO 3166-1 alpha-2)");
  const Json* custodian = find(*json, "custodian");
  if (custodian != nullptr && !custodian->is_bool()) return bad("custodian", "must be true or false");
  out.custodian = custodian != nullptr && custodian->get_bool();
  return out;
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kReader:
      return "reader";
    case Role::kAnalyst:
      return "analyst";
    case Role::kOperator:
      return "operator";
  }
  return "reader";
}

std::optional<Role> parse_role(std::string_view text) {
  for (Role role : {Role::kReader, Role::kAnalyst, Role::kOperator})
    if (text == to_string(role)) return role;
  return std::nullopt;
}

bool is_account_name(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && alphanumeric(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

Json Account::json() const {
  JsonObject out;
  out["name"] = name;
  out["member"] = member;
  out["role"] = to_string(role);
  if (!person.empty()) out["person"] = person;
  if (clearance != Clearance()) out["clearance"] = to_json(clearance);
  if (!passkeys.empty()) {
    JsonArray list;
    for (const auto& passkey : passkeys) list.push_back(passkey.json());
    out["passkeys"] = std::move(list);
  }
  if (!user_handle.empty()) out["user_handle"] = user_handle;
  out["password_hash"] = password_hash;
  out["token_digests"] = array_of(token_digests);
  out["certificate_fingerprints"] = array_of(certificate_fingerprints);
  out["read"] = array_of(read);
  out["write"] = array_of(write);
  if (enforcement) out["enforcement"] = true;
  out["disabled"] = disabled;
  return out;
}

Result<Account> Account::parse(const Json& json) {
  Account account;
  const auto name = string_at(json, "name");
  if (!name || !is_account_name(*name))
    return fail(ErrorCode::kInvalid,
                "an account's name is 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit",
                {.field = "name"});
  account.name = *name;
  const auto member = string_at(json, "member");
  if (!member || member->empty()) return fail(ErrorCode::kInvalid, "an account acts for a member", {.field = "member"});
  account.member = *member;
  const auto role = parse_role(string_at(json, "role").value_or(""));
  if (!role) return fail(ErrorCode::kInvalid, "a role is reader, analyst or operator", {.field = "role"});
  account.role = *role;
  if (const Json* person = find(json, "person")) {
    if (!person->is_string() || !is_account_name(person->get_string()))
      return fail(ErrorCode::kInvalid, "a person is named like an account", {.field = "person"});
    account.person = person->get_string();
  }
  BONGSU_TRY(account.clearance, parse_clearance(find(json, "clearance")));
  if (const Json* passkeys = find(json, "passkeys")) {
    if (!passkeys->is_array() || passkeys->get_array().size() > kMaxPasskeysPerAccount)
      return fail(ErrorCode::kInvalid, "must be a short list", {.field = "passkeys"});
    for (const Json& one : passkeys->get_array()) {
      BONGSU_TRY(Passkey passkey, Passkey::parse(one));
      account.passkeys.push_back(std::move(passkey));
    }
  }
  account.user_handle = string_at(json, "user_handle").value_or("");
  account.password_hash = string_at(json, "password_hash").value_or("");
  BONGSU_TRY(account.token_digests, set_at(json, "token_digests"));
  BONGSU_TRY(account.certificate_fingerprints, set_at(json, "certificate_fingerprints"));
  BONGSU_TRY(account.read, set_at(json, "read"));
  BONGSU_TRY(account.write, set_at(json, "write"));
  if (const Json* right = find(json, "enforcement"); right && !right->is_bool())
    return fail(ErrorCode::kInvalid, "must be true or false", {.field = "enforcement"});
  account.enforcement = bool_at(json, "enforcement").value_or(false);
  // A value that is not a boolean must not enable an account that somebody meant to disable.
  if (const Json* disabled = find(json, "disabled"); disabled && !disabled->is_bool())
    return fail(ErrorCode::kInvalid, "must be true or false", {.field = "disabled"});
  account.disabled = bool_at(json, "disabled").value_or(false);
  return account;
}

bool Principal::may_read(const std::string& collection) const {
  return read.contains("*") || read.contains(collection);
}
bool Principal::may_write(const std::string& collection) const {
  return write.contains("*") || write.contains(collection);
}

AccountBook::AccountBook(const Clock& clock, Random& random) : clock_(clock) {
  cache_key_.resize(64);
  random.fill({reinterpret_cast<std::uint8_t*>(cache_key_.data()), cache_key_.size()});
  decoy_hash_ = crypto::hash_password(cache_key_, random);
}

void AccountBook::replace(std::map<std::string, Account> accounts) {
  const std::lock_guard lock(mutex_);
  accounts_ = std::move(accounts);
  by_token_.clear();
  by_certificate_.clear();
  for (const auto& [name, account] : accounts_) {
    // A credential that two accounts claim is nobody's: which one it opened would be an accident of order.
    for (const auto& digest : account.token_digests)
      if (const auto [it, fresh] = by_token_.emplace(digest, name); !fresh) it->second.clear();
    for (const auto& print : account.certificate_fingerprints)
      if (const auto [it, fresh] = by_certificate_.emplace(print, name); !fresh) it->second.clear();
  }
}

std::map<std::string, Account> AccountBook::accounts() const {
  const std::lock_guard lock(mutex_);
  return accounts_;
}

std::optional<Account> AccountBook::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto at = accounts_.find(name);
  return at == accounts_.end() ? std::nullopt : std::optional(at->second);
}

std::string AccountBook::remembered_key(std::string_view name, std::string_view password) const {
  return hmac(cache_key_, std::string(name).append(1, '\0').append(password));  // a name holds no NUL
}

void AccountBook::note_failure(const std::string& name) {
  const auto now = clock_.monotonic();
  if (failures_.size() >= kMaxRemembered && !failures_.contains(name)) {
    std::erase_if(failures_, [&](const auto& f) { return now - f.second.last > kFailureMemory; });
    // Still full: somebody sprays names. Names without an account go first; slowing is for real accounts.
    if (failures_.size() >= kMaxRemembered)
      std::erase_if(failures_, [&](const auto& f) { return !accounts_.contains(f.first); });
    if (failures_.size() >= kMaxRemembered) return;
  }
  Failures& failures = failures_[name];
  if (failures.count > 0 && now - failures.last > kFailureMemory) failures = {};
  failures.last = now;
  if (++failures.count < kFreeFailures) return;
  const int doublings = std::min(failures.count - kFreeFailures, 6);
  failures.blocked_until =
      now + std::min<std::chrono::nanoseconds>(std::chrono::seconds(1LL << doublings), kLongestBlock);
}

Result<Principal> AccountBook::by_basic(std::string_view name, std::string_view password) {
  if (name.size() > kMaxCredentialBytes || password.size() > kMaxCredentialBytes) return nobody();
  const std::string key(is_account_name(name) ? name : std::string_view());
  const std::string remembered = remembered_key(key, password);
  std::string stored = decoy_hash_;
  bool exists = false;
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.monotonic();
    const auto account = accounts_.find(key);
    exists = account != accounts_.end() && !account->second.disabled && !account->second.password_hash.empty();
    if (exists) {
      stored = account->second.password_hash;
      if (const auto proven = proven_.find(remembered); proven != proven_.end()) {
        if (proven->second.until > now && proven->second.account == key && proven->second.password_hash == stored)
          return principal_of(account->second);
        proven_.erase(proven);
      }
    }
    if (const auto failures = failures_.find(key);
        failures != failures_.end() && failures->second.blocked_until > now) {
      const auto wait = std::chrono::ceil<std::chrono::seconds>(failures->second.blocked_until - now);
      return fail(ErrorCode::kUnavailable,
                  fmt::format("too many wrong passwords for this account: try again in {} s", wait.count()));
    }
  }
  // Without the lock: this takes tens of milliseconds, and the others must not wait for it.
  const bool right = crypto::verify_password(password, stored) && exists;
  const std::lock_guard lock(mutex_);
  if (!right) {
    note_failure(key);
    return nobody();
  }
  const auto account = accounts_.find(key);  // it may have changed meanwhile
  if (account == accounts_.end() || account->second.disabled || account->second.password_hash != stored)
    return nobody();
  const auto now = clock_.monotonic();
  failures_.erase(key);
  if (proven_.size() >= kMaxRemembered) std::erase_if(proven_, [&](const auto& p) { return p.second.until <= now; });
  if (proven_.size() < kMaxRemembered) proven_[remembered] = {key, stored, now + kProvenMemory};
  return principal_of(account->second);
}

Result<Principal> AccountBook::by_token(std::string_view token) {
  if (token.empty() || token.size() > kMaxCredentialBytes) return nobody();
  const std::string digest = crypto::token_digest(token);
  const std::lock_guard lock(mutex_);
  const auto name = by_token_.find(digest);
  if (name == by_token_.end()) return nobody();
  const auto account = accounts_.find(name->second);
  if (account == accounts_.end() || account->second.disabled) return nobody();
  return principal_of(account->second);
}

Result<Principal> AccountBook::by_certificate(std::string_view fingerprint) {
  const std::lock_guard lock(mutex_);
  const auto name = by_certificate_.find(std::string(fingerprint));
  if (fingerprint.empty() || name == by_certificate_.end()) return nobody();
  const auto account = accounts_.find(name->second);
  if (account == accounts_.end() || account->second.disabled) return nobody();
  return principal_of(account->second);
}

Result<Principal> AccountBook::by_authorization(std::string_view header) {
  if (header.size() > kMaxCredentialBytes) return nobody();
  const auto space = header.find(' ');
  if (space == std::string_view::npos) return nobody();
  const std::string_view scheme = header.substr(0, space);
  std::string_view credentials = header.substr(space);
  credentials.remove_prefix(std::min(credentials.find_first_not_of(' '), credentials.size()));
  if (equal_without_case(scheme, "bearer")) return by_token(credentials);
  if (!equal_without_case(scheme, "basic")) return nobody();
  const auto pair = from_base64(credentials);
  if (!pair) return nobody();
  const auto colon = pair->find(':');  // the first: a user-id has none, a password may (RFC 7617 §2)
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (colon == std::string::npos || std::ranges::any_of(*pair, control)) return nobody();
  return by_basic(std::string_view(*pair).substr(0, colon), std::string_view(*pair).substr(colon + 1));
}

}  // namespace bongsu::identity
