#include "crypto/prekey.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"
#include "crypto/gcm.h"

namespace bongsu::crypto {
namespace {

constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kMaxStateBytes = 256 * 1024;
constexpr std::string_view kStored = "bongsu/prekey at rest/v1\n";

std::string time_text(Instant at) { return at.text(0); }

Json key_json(const PublicPrekey& key) {
  return JsonObject{
      {"id", key.id}, {"key", to_base64url(as_bytes(key.public_key))}, {"expires", time_text(key.expires)}};
}

Json bundle_json(const PrekeyBundle& bundle) {
  JsonArray one_time;
  for (const auto& key : bundle.one_time) one_time.push_back(key_json(key));
  return JsonObject{{"member", bundle.member},
                    {"reader", bundle.reader},
                    {"issued", time_text(bundle.issued)},
                    {"last_resort", key_json(bundle.last_resort)},
                    {"one_time", std::move(one_time)}};
}

std::unexpected<Error> broken(std::string what, std::string field) {
  return fail(ErrorCode::kInvalid, "a prekey bundle: " + std::move(what), {.field = std::move(field)});
}

Result<Instant> read_time(const Json& json, std::string_view name) {
  const auto text = string_at(json, name);
  const auto at = text ? Instant::parse(*text) : std::nullopt;
  if (!at) return broken("must be a time", std::string(name));
  return *at;
}

Result<PublicPrekey> read_key(const Json* json, bool one_time, const std::string& field) {
  if (json == nullptr || !json->is_object()) return broken("must be a key", field);
  PublicPrekey key{.one_time = one_time};
  key.id = string_at(*json, "id").value_or("");
  const auto raw = from_base64url(string_at(*json, "key").value_or("!"));
  if (!raw || raw->size() != kX25519Bytes) return broken("an X25519 key has 32 bytes, in base64url", field + ".key");
  key.public_key = *raw;
  if (key.id != prekey_id(key.public_key)) return broken("the id is not the key's", field + ".id");
  BONGSU_TRY(key.expires, read_time(*json, "expires"));
  return key;
}

Result<PrekeyBundle> read_bundle(const Json& json) {
  PrekeyBundle bundle;
  bundle.member = string_at(json, "member").value_or("");
  bundle.reader = string_at(json, "reader").value_or("");
  BONGSU_TRY(bundle.issued, read_time(json, "issued"));
  BONGSU_TRY(bundle.last_resort, read_key(find(json, "last_resort"), false, "last_resort"));
  const Json* one_time = find(json, "one_time");
  if (one_time == nullptr || !one_time->is_array()) return broken("must be a list", "one_time");
  if (one_time->get_array().size() > kOneTimePerReader)
    return fail(ErrorCode::kTooLarge, fmt::format("a prekey bundle has at most {} one-time keys", kOneTimePerReader),
                {.field = "one_time"});
  std::set<std::string> seen{bundle.last_resort.id};
  for (std::size_t i = 0; i < one_time->get_array().size(); ++i) {
    const std::string field = fmt::format("one_time[{}]", i);
    BONGSU_TRY(PublicPrekey key, read_key(&one_time->get_array()[i], true, field));
    if (!seen.insert(key.id).second) return broken("a key stands there twice", field);
    bundle.one_time.push_back(std::move(key));
  }
  return bundle;
}

}  // namespace

std::string prekey_id(std::string_view public_key) { return to_hex(sha256(public_key)).substr(0, kIdDigits); }

Result<std::string> PrekeyBundle::sign(const Signer& signer) const {
  const Json content = bundle_json(*this);
  BONGSU_TRY(const std::string text, to_canonical_text(content));
  BONGSU_TRY(const std::string signature, signer.sign(std::string(kPrekeyContext) + text));
  return to_text(JsonObject{{"signed", content}, {"signature", to_base64url(as_bytes(signature))}});
}

Result<PrekeyBundle> PrekeyBundle::read(std::string_view document, std::string_view signing_key,
                                        std::string_view member, std::string_view reader, Instant now) {
  if (document.size() > kMaxBundleBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a prekey bundle ends at {} bytes", kMaxBundleBytes));
  BONGSU_TRY(const Json json, parse_json(document));
  const Json* content = find(json, "signed");
  if (content == nullptr || !content->is_object()) return broken("must be an object", "signed");
  const auto signature = from_base64url(string_at(json, "signature").value_or("!"));
  if (!signature) return broken("must be base64url", "signature");
  // Canonical text of what was read: however the document was written, this is what was meant.
  BONGSU_TRY(const std::string text, to_canonical_text(*content));
  if (!verify(signing_key, std::string(kPrekeyContext) + text, *signature))
    return fail(ErrorCode::kDenied, fmt::format("a prekey bundle is not signed by {}", member), {.field = "signature"});
  BONGSU_TRY(PrekeyBundle bundle, read_bundle(*content));
  if (bundle.member != member || bundle.reader != reader)
    return fail(ErrorCode::kDenied, fmt::format("a prekey bundle is {}'s for {}, not {}'s for {}", bundle.member,
                                                bundle.reader, member, reader));
  if (bundle.issued > now + kPrekeyClockSkew) return broken("was issued in the future", "issued");
  std::erase_if(bundle.one_time, [&](const PublicPrekey& key) { return key.expires <= now; });
  if (bundle.one_time.empty() && bundle.last_resort.expires <= now)
    return fail(ErrorCode::kUnavailable, fmt::format("the prekeys of {} have expired", member));
  return bundle;
}

Result<std::string> PrekeyBook::add(std::string_view reader, bool one_time, Instant now, Random& random) {
  BONGSU_TRY(X25519Key key, make_x25519_key(random));
  std::string id = prekey_id(key.public_key);
  // To the second, as bundles write it.
  const Instant issued{now.seconds, 0};
  changed_.insert(id);
  keys_[id] = Entry{.key = std::move(key),
                    .reader = std::string(reader),
                    .issued = issued,
                    .expires = issued + (one_time ? kOneTimeLifetime : kLastResortLifetime),
                    .one_time = one_time,
                    .order = ++made_};
  return id;
}

void PrekeyBook::destroy(std::map<std::string, Entry, std::less<>>::iterator entry) {
  changed_.insert(entry->first);
  keys_.erase(entry);  // X25519Key wipes itself
}

Result<PrekeyBundle> PrekeyBook::issue(std::string_view reader, Instant now, Random& random, std::size_t fresh_keys) {
  std::set<std::string_view> readers;
  for (const auto& [_, entry] : keys_) readers.insert(entry.reader);
  if (!readers.contains(reader) && readers.size() >= kMaxPrekeyReaders)
    return fail(ErrorCode::kTooLarge, fmt::format("prekeys are given to at most {} members", kMaxPrekeyReaders));
  sweep(now);
  const auto fresh = [&](const Entry& entry) { return entry.reader == reader && entry.expires > now; };
  const std::size_t left = one_time_left(reader, now);
  const std::size_t missing = kOneTimePerReader - std::min(left, kOneTimePerReader);
  for (std::size_t i = 0; i < std::max(missing, std::min(fresh_keys, kOneTimePerReader)); ++i) {
    BONGSU_TRY([[maybe_unused]] const auto added, add(reader, true, now, random));
  }
  std::vector<std::map<std::string, Entry, std::less<>>::iterator> newest;
  for (auto entry = keys_.begin(); entry != keys_.end(); ++entry)
    if (entry->second.one_time && fresh(entry->second)) newest.push_back(entry);
  std::sort(newest.begin(), newest.end(), [](const auto& a, const auto& b) {
    return std::tie(a->second.issued, a->second.order) > std::tie(b->second.issued, b->second.order);
  });
  for (std::size_t i = kMostOneTimePerReader; i < newest.size(); ++i) destroy(newest[i]);
  newest.resize(std::min(newest.size(), kOneTimePerReader));
  const std::pair<const std::string, Entry>* last_resort = nullptr;
  for (const auto& key : keys_)
    if (!key.second.one_time && fresh(key.second) &&
        (last_resort == nullptr || key.second.issued > last_resort->second.issued))
      last_resort = &key;
  if (last_resort == nullptr || last_resort->second.issued + kLastResortRotation <= now) {
    BONGSU_TRY(const std::string id, add(reader, false, now, random));
    last_resort = &*keys_.find(id);
  }
  const auto shown = [](const std::pair<const std::string, Entry>& entry) {
    return PublicPrekey{.id = entry.first,
                        .public_key = entry.second.key.public_key,
                        .expires = entry.second.expires,
                        .one_time = entry.second.one_time};
  };
  PrekeyBundle bundle{
      .member = member_, .reader = std::string(reader), .issued = {now.seconds, 0}, .last_resort = shown(*last_resort)};
  for (const auto& entry : newest) bundle.one_time.push_back(shown(*entry));
  return bundle;
}

Result<X25519Key> PrekeyBook::find(std::string_view id, std::string_view sender, Instant now) const {
  const auto found = keys_.find(id);
  if (found == keys_.end() || found->second.expires + kPrekeyGrace <= now)
    return fail(ErrorCode::kNotFound,
                fmt::format("the prekey {} is not here: it was used and destroyed, has expired, or was never ours",
                            id.substr(0, kIdDigits)));
  if (found->second.reader != sender)
    return fail(ErrorCode::kDenied, fmt::format("the prekey {} was not given to {}", id, sender));
  return found->second.key;
}

bool PrekeyBook::is_one_time(std::string_view id) const {
  const auto found = keys_.find(id);
  return found != keys_.end() && found->second.one_time;
}

void PrekeyBook::consume(std::string_view id) {
  if (const auto found = keys_.find(id); found != keys_.end() && found->second.one_time) destroy(found);
}

void PrekeyBook::sweep(Instant now) {
  for (auto entry = keys_.begin(); entry != keys_.end();) {
    const auto next = std::next(entry);
    if (entry->second.expires + kPrekeyGrace <= now) destroy(entry);
    entry = next;
  }
}

void PrekeyBook::forget(std::string_view reader) {
  for (auto entry = keys_.begin(); entry != keys_.end();) {
    const auto next = std::next(entry);
    if (entry->second.reader == reader) destroy(entry);
    entry = next;
  }
}

std::size_t PrekeyBook::one_time_left(std::string_view reader, Instant now) const {
  return static_cast<std::size_t>(std::count_if(keys_.begin(), keys_.end(), [&](const auto& entry) {
    return entry.second.one_time && entry.second.reader == reader && entry.second.expires > now;
  }));
}

std::vector<PrekeyBook::Change> PrekeyBook::changed(Random& random) {
  std::vector<Change> out;
  for (const std::string& id : changed_) {
    const auto found = keys_.find(id);
    if (found == keys_.end()) {
      out.push_back({id, std::nullopt});
      continue;
    }
    const Entry& entry = found->second;
    const std::string facts = fmt::format("{}\n{}\n{}\n{}\n{}", id, entry.reader, time_text(entry.issued),
                                          time_text(entry.expires), entry.one_time ? 1 : 0);
    const std::string_view secret(reinterpret_cast<const char*>(entry.key.private_key.data()), kX25519Bytes);
    const std::string sealed = gcm_seal_with_nonce(master_, secret, std::string(kStored) + facts, random);
    out.push_back({id, to_text(JsonObject{{"reader", entry.reader},
                                          {"issued", time_text(entry.issued)},
                                          {"expires", time_text(entry.expires)},
                                          {"one_time", entry.one_time},
                                          {"sealed", to_base64url(as_bytes(sealed))}})});
  }
  changed_.clear();
  return out;
}

Result<void> PrekeyBook::load(std::string_view name, std::string_view value) {
  const auto corrupt = [&](std::string_view why) {
    return fail(ErrorCode::kCorrupt, fmt::format("a stored prekey {}", why), {.source = std::string(name)});
  };
  const auto json = parse_json(value);
  if (!json) return corrupt("is not JSON");
  const auto sealed = from_base64url(string_at(*json, "sealed").value_or("!"));
  const auto issued = read_time(*json, "issued"), expires = read_time(*json, "expires");
  const auto one_time = bool_at(*json, "one_time");
  const std::string reader(string_at(*json, "reader").value_or(""));
  if (!sealed || sealed->size() != kNonceBytes + kX25519Bytes + kGcmTagBytes || !issued || !expires || !one_time ||
      reader.empty())
    return corrupt("has another form");
  const std::string facts =
      fmt::format("{}\n{}\n{}\n{}\n{}", name, reader, time_text(*issued), time_text(*expires), *one_time ? 1 : 0);
  auto secret = gcm_open_with_nonce(master_, *sealed, std::string(kStored) + facts);
  if (!secret) return corrupt("does not open under the master key");
  auto key = x25519_key_of(*secret);
  wipe(*secret);
  if (!key || prekey_id(key->public_key) != name) return corrupt("is another one than its name says");
  keys_[std::string(name)] =
      Entry{.key = std::move(*key), .reader = reader, .issued = *issued, .expires = *expires, .one_time = *one_time};
  return {};
}

bool PrekeyShelf::put(PrekeyBundle bundle) {
  if (bundle_ && bundle.issued < bundle_->issued) return false;
  std::erase_if(used_, [&](const auto& used) { return used.second <= bundle.issued; });
  bundle_ = std::move(bundle);
  std::erase_if(bundle_->one_time, [&](const PublicPrekey& key) { return used_.contains(key.id); });
  return true;
}

Result<PublicPrekey> PrekeyShelf::take(Instant now) {
  if (!bundle_) return fail(ErrorCode::kNotFound, "no prekeys were given to us");
  while (!bundle_->one_time.empty()) {
    PublicPrekey key = std::move(bundle_->one_time.back());
    bundle_->one_time.pop_back();
    used_[key.id] = key.expires;
    if (key.expires > now) return key;
  }
  if (bundle_->last_resort.expires > now) return bundle_->last_resort;
  return fail(ErrorCode::kUnavailable, "the prekeys that were given to us have expired");
}

bool PrekeyShelf::usable(Instant now) const {
  return bundle_ && (bundle_->last_resort.expires > now || one_time_left(now) > 0);
}

std::size_t PrekeyShelf::one_time_left(Instant now) const {
  if (!bundle_) return 0;
  return static_cast<std::size_t>(std::count_if(bundle_->one_time.begin(), bundle_->one_time.end(),
                                                [&](const PublicPrekey& key) { return key.expires > now; }));
}

std::string PrekeyShelf::state() const {
  JsonObject used;
  for (const auto& [id, expires] : used_) used[id] = time_text(expires);
  return to_text(JsonObject{{"bundle", bundle_ ? bundle_json(*bundle_) : Json()}, {"used", std::move(used)}});
}

Result<PrekeyShelf> PrekeyShelf::load(std::string_view state) {
  const auto corrupt = [] { return fail(ErrorCode::kCorrupt, "stored prekeys of another member cannot be read"); };
  if (state.size() > kMaxStateBytes) return corrupt();
  const auto json = parse_json(state);
  const Json* used = json ? bongsu::find(*json, "used") : nullptr;
  const Json* bundle = json ? bongsu::find(*json, "bundle") : nullptr;
  if (used == nullptr || !used->is_object() || bundle == nullptr) return corrupt();
  PrekeyShelf shelf;
  for (const auto& [id, expires] : used->get_object()) {
    const auto at = expires.is_string() ? Instant::parse(std::string_view(expires.get_string())) : std::nullopt;
    if (!at) return corrupt();
    shelf.used_[std::string(id)] = *at;
  }
  if (bundle->is_object()) {
    auto read = read_bundle(*bundle);
    if (!read) return corrupt();
    shelf.bundle_ = std::move(*read);
  }
  return shelf;
}

}  // namespace bongsu::crypto
