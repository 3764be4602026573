#include "link/sealing.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "flow/facts.h"
#include "stix/marking.h"

namespace bongsu::link {
namespace {

constexpr std::string_view kOwnSpace = "prekeys.own", kTheirSpace = "prekeys.theirs";

// A national mark counts whatever its level: which rank it is in the reference scale, an agreement says.
bool is_classified(const policy::Label& label) {
  return label.rank != policy::ClassRank::kUnclassified || !label.national.empty();
}

}  // namespace

std::optional<SealLevel> SealLevel::parse(std::string_view text) {
  if (text == "classified") return SealLevel{.from = stix::Tlp::kRed, .classified_only = true};
  const auto tlp = stix::parse_tlp(text);
  if (!tlp) return std::nullopt;
  return SealLevel{.from = *tlp};
}

bool needs_sealing(const policy::Label& label, const SealLevel& level) {
  if (label.unknown || is_classified(label)) return true;
  return !level.classified_only && label.tlp >= level.from;
}

bool needs_sealing(std::string_view label_text, const SealLevel& level) {
  const auto label = policy::Label::parse(flow::stored_label(label_text));
  return !label || needs_sealing(*label, level);
}

std::string handling_text(const policy::Label& label) {
  std::string text(stix::to_string(label.tlp));
  if (label.rank != policy::ClassRank::kUnclassified) text += fmt::format(" {}", policy::to_string(label.rank));
  return text;
}

Result<void> forget_keys_of_others(journal::Journal& journal) {
  BONGSU_TRY(const auto theirs, journal.states(kTheirSpace));
  std::vector<journal::StateChange> states;
  for (const auto& [member, value] : theirs) states.push_back({std::string(kTheirSpace), member, std::nullopt});
  return journal.put(std::move(states));
}

struct Sealing::Impl {
  // Another member's keys: what is stored says that `ready` are used already.
  struct Shelf {
    crypto::PrekeyShelf shelf;
    std::vector<crypto::PublicPrekey> ready;
    bool dirty = false;  // keys were taken off the shelf and that is not stored yet
  };

  Impl(journal::Journal& j, Own o, SealingDirectory d, const Clock& c, Random& r)
      : journal(j), own(std::move(o)), directory(std::move(d)), clock(c), random(r), book(own.self, own.master) {}

  Result<std::shared_ptr<const crypto::Signer>> signer() {
    if (!signer_) {
      BONGSU_TRY(signer_, crypto::open_signer(own.signing_key));
    }
    return signer_;
  }

  void take_block(Shelf& shelf, Instant now) {
    while (shelf.ready.size() < kPrekeyBlock) {
      auto key = shelf.shelf.take(now);
      if (!key || !key->one_time) break;
      shelf.ready.push_back(std::move(*key));
      shelf.dirty = true;
    }
  }

  // The next key of a member; one-time if there is one.
  Result<crypto::PublicPrekey> next_key(std::string_view member) {
    const auto found = shelves.find(member);
    if (found == shelves.end())
      return fail(ErrorCode::kNotFound, fmt::format("{} has given no prekeys to seal to", member));
    Shelf& shelf = found->second;
    const Instant now = clock.now();
    std::erase_if(shelf.ready, [&](const crypto::PublicPrekey& key) { return key.expires <= now; });
    if (shelf.ready.empty()) take_block(shelf, now);
    if (!shelf.ready.empty()) {
      crypto::PublicPrekey key = std::move(shelf.ready.back());
      shelf.ready.pop_back();
      return key;
    }
    auto last = shelf.shelf.take(now);
    if (!last) last.error().message = fmt::format("the prekeys that {} has given have expired", member);
    return last;
  }

  Result<crypto::SealRecipient> recipient(std::string_view member) {
    BONGSU_TRY(crypto::PublicPrekey key, next_key(member));
    return crypto::SealRecipient{
        .member = std::string(member), .prekey = std::move(key), .secret = directory.secret(member)};
  }

  Result<crypto::Sealed> seal(std::span<const std::string> members, const What& what, std::string_view content) {
    std::vector<crypto::SealRecipient> recipients;
    auto sealed = seal_with(members, what, content, recipients);
    if (sealed) return sealed;
    // No key was used: whoever cannot sign for a while (a token that is away) does not use up what others gave.
    const std::lock_guard lock(mutex);
    for (auto& one : recipients)
      if (const auto found = shelves.find(one.member); one.prekey.one_time && found != shelves.end())
        found->second.ready.push_back(std::move(one.prekey));
    return sealed;
  }

  Result<crypto::Sealed> seal_with(std::span<const std::string> members, const What& what, std::string_view content,
                                   std::vector<crypto::SealRecipient>& recipients) {
    std::shared_ptr<const crypto::Signer> by;
    {
      const std::lock_guard lock(mutex);
      for (const auto& member : members) {
        BONGSU_TRY(auto one, recipient(member));
        recipients.push_back(std::move(one));
      }
      BONGSU_TRY(by, signer());
    }
    const crypto::SealRequest request{
        .sender = own.self, .label = what.label, .content_type = what.content_type, .sealed_at = clock.now()};
    return crypto::seal(request, content, recipients, *by, random);
  }

  std::vector<journal::StateChange> own_changes() {
    std::vector<journal::StateChange> states;
    for (auto& change : book.changed(random))
      states.push_back({std::string(kOwnSpace), change.name, std::move(change.value)});
    return states;
  }

  journal::Journal& journal;
  const Own own;
  const SealingDirectory directory;
  const Clock& clock;
  Random& random;
  mutable std::mutex mutex;
  std::mutex writing;  // one writer of states at a time, so that a later state is stored later
  crypto::PrekeyBook book;
  std::map<std::string, Shelf, std::less<>> shelves;
  std::shared_ptr<const crypto::Signer> signer_;
};

Sealing::Sealing(journal::Journal& journal, Own own, SealingDirectory directory, const Clock& clock, Random& random)
    : impl_(std::make_unique<Impl>(journal, std::move(own), std::move(directory), clock, random)) {}
Sealing::~Sealing() = default;

Result<std::vector<Error>> Sealing::load() {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Error> bad;
  BONGSU_TRY(const auto own, impl_->journal.states(kOwnSpace));
  for (const auto& [name, value] : own)
    if (auto loaded = impl_->book.load(name, value); !loaded) bad.push_back(loaded.error());
  BONGSU_TRY(const auto theirs, impl_->journal.states(kTheirSpace));
  for (const auto& [member, value] : theirs) {
    auto shelf = crypto::PrekeyShelf::load(value);
    if (shelf)
      impl_->shelves[member].shelf = std::move(*shelf);
    else
      bad.push_back(shelf.error());
  }
  return bad;
}

Result<std::string> Sealing::bundle_for(std::string_view reader, std::optional<std::size_t> left) {
  const std::lock_guard writing(impl_->writing);
  std::string document;
  std::vector<journal::StateChange> states;
  {
    const std::lock_guard lock(impl_->mutex);
    const std::size_t fresh = left && *left < kFewPrekeys ? crypto::kOneTimePerReader - *left : 0;
    BONGSU_TRY(const auto bundle, impl_->book.issue(reader, impl_->clock.now(), impl_->random, fresh));
    BONGSU_TRY(const auto signer, impl_->signer());
    BONGSU_TRY(document, bundle.sign(*signer));
    states = impl_->own_changes();
  }
  BONGSU_TRY_VOID(impl_->journal.put(std::move(states)));
  return document;
}

Result<std::size_t> Sealing::take_bundle(std::string_view member, std::string_view document) {
  const auto key = impl_->directory.signing_key(member);
  if (!key) return fail(ErrorCode::kUnauthenticated, fmt::format("{} is no member here", member));
  const Instant now = impl_->clock.now();
  BONGSU_TRY(auto bundle, crypto::PrekeyBundle::read(document, *key, member, impl_->own.self, now));
  {
    const std::lock_guard lock(impl_->mutex);
    Impl::Shelf& shelf = impl_->shelves[std::string(member)];
    // Keys of the block that the bundle does not show any more may be destroyed there (it was restored from a backup).
    std::set<std::string> shown;
    for (const auto& one : bundle.one_time) shown.insert(one.id);
    if (shelf.shelf.put(std::move(bundle))) {
      std::erase_if(shelf.ready, [&](const crypto::PublicPrekey& key) { return !shown.contains(key.id); });
      impl_->take_block(shelf, now);
      shelf.dirty = true;
    }
  }
  BONGSU_TRY_VOID(flush());
  return one_time_left(member);
}

bool Sealing::can_seal_to(std::string_view member) const {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->shelves.find(member);
  const Instant now = impl_->clock.now();
  return found != impl_->shelves.end() &&
         (found->second.shelf.usable(now) || std::any_of(found->second.ready.begin(), found->second.ready.end(),
                                                         [&](const auto& key) { return key.expires > now; }));
}

std::size_t Sealing::one_time_left(std::string_view member) const {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->shelves.find(member);
  if (found == impl_->shelves.end()) return 0;
  return found->second.ready.size() + found->second.shelf.one_time_left(impl_->clock.now());
}

std::size_t Sealing::own_left(std::string_view reader) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->book.one_time_left(reader, impl_->clock.now());
}

Result<std::string> Sealing::seal(std::string_view member, const What& what, std::string_view content) {
  const std::string only(member);
  BONGSU_TRY(const crypto::Sealed sealed, impl_->seal({&only, 1}, what, content));
  return sealed.for_recipient(0);
}

Result<std::string> Sealing::seal_together(const std::vector<std::string>& members, const What& what,
                                           std::string_view content) {
  BONGSU_TRY(const crypto::Sealed sealed, impl_->seal(members, what, content));
  return sealed.together();
}

Result<void> Sealing::flush() {
  const std::lock_guard writing(impl_->writing);
  std::vector<journal::StateChange> states;
  {
    const std::lock_guard lock(impl_->mutex);
    for (auto& [member, shelf] : impl_->shelves)
      if (std::exchange(shelf.dirty, false)) states.push_back({std::string(kTheirSpace), member, shelf.shelf.state()});
  }
  auto stored = impl_->journal.put(states);
  if (!stored) {  // it is still to be stored
    const std::lock_guard lock(impl_->mutex);
    for (const auto& state : states)
      if (const auto found = impl_->shelves.find(state.key); found != impl_->shelves.end()) found->second.dirty = true;
  }
  return stored;
}

Result<Sealing::OpenedEnvelope> Sealing::open(std::string_view file) {
  struct Keys final : crypto::EnvelopeKeys {
    explicit Keys(Impl& i) : impl(i) {}
    Impl& impl;
    std::optional<std::string> signing_key(std::string_view member) override {
      return impl.directory.signing_key(member);
    }
    Result<crypto::X25519Key> prekey(std::string_view id, std::string_view sender) override {
      const std::lock_guard lock(impl.mutex);
      return impl.book.find(id, sender, impl.clock.now());
    }
    std::optional<crypto::SharedSecret> secret(std::string_view sender) override {
      return impl.directory.secret(sender);
    }
  } keys(*impl_);
  BONGSU_TRY(auto opened, crypto::open_envelope(file, impl_->own.self, keys, impl_->clock.now()));
  OpenedEnvelope out;
  const std::lock_guard lock(impl_->mutex);
  if (impl_->book.is_one_time(opened.header.prekey))
    out.states.push_back({std::string(kOwnSpace), opened.header.prekey, std::nullopt});
  out.opened = std::move(opened);
  return out;
}

void Sealing::committed(const OpenedEnvelope& opened) {
  const std::lock_guard lock(impl_->mutex);
  // The removal is in the commit that stored what was opened; it is told again with the next change, which is harmless.
  impl_->book.consume(opened.opened.header.prekey);
}

}  // namespace bongsu::link
