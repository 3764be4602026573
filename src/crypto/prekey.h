// Prekeys: X25519 keys that a member gives out beforehand, so that others can seal to it while it is not there.
//
//   PrekeyBook book("cert-lt", master);                     // the private side; what changed() gives is stored
//   BONGSU_TRY(PrekeyBundle bundle, book.issue("cert-ua", now, random));
//   BONGSU_TRY(std::string document, bundle.sign(signer));   // travels to cert-ua
//
//   BONGSU_TRY(PrekeyBundle theirs, PrekeyBundle::read(document, lt_signing_key, "cert-lt", "cert-ua", now));
//   shelf.put(theirs);                                       // cert-ua's side, one shelf for each member
//   BONGSU_TRY(PublicPrekey prekey, shelf.take(now));        // a one-time key, or the last resort
//
// A bundle is issued to one reader and signed for it, so that two senders never use the same one-time key. It lists all
// of the reader's unused one-time keys, and a last-resort key for when they are used up; a later bundle replaces an
// earlier one. One-time keys are destroyed by the commit that stores what they opened; last-resort keys rotate weekly
// and are destroyed when they expired and what was under way had time to come. Who takes both ends' disks after that
// cannot open what was sealed to them.
//
// Values only: the caller stores what changed() says together with what it opened.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/hpke.h"
#include "crypto/keys.h"

namespace bongsu::crypto {

inline constexpr std::string_view kPrekeyContext = "bongsu/prekeys/v1\n";  // in front of what is signed
inline constexpr std::chrono::hours kOneTimeLifetime{24 * 60};
inline constexpr std::chrono::hours kLastResortLifetime{24 * 28};
inline constexpr std::chrono::hours kLastResortRotation{24 * 7};  // a younger one is made when it is this old
inline constexpr std::chrono::hours kPrekeyGrace{24 * 14};        // how long the private key outlives it: for couriers
inline constexpr std::chrono::minutes kPrekeyClockSkew{10};       // a bundle may be issued that far in our future
inline constexpr std::size_t kOneTimePerReader = 64;              // shown in a bundle
inline constexpr std::size_t kMostOneTimePerReader = 256;         // unused at once, those that a reader lost included
inline constexpr std::size_t kMaxPrekeyReaders = 256;
inline constexpr std::size_t kMaxBundleBytes = 32 * 1024;

struct PublicPrekey {
  std::string id;          // 16 hexadecimal digits, of the key's SHA-256
  std::string public_key;  // 32 raw bytes
  Instant expires;
  bool one_time = true;
};

struct PrekeyBundle {
  std::string member, reader;  // whose keys; who may seal to them
  Instant issued;
  PublicPrekey last_resort;
  std::vector<PublicPrekey> one_time;

  // {"signed":{…},"signature":"…"}; the signature covers kPrekeyContext and the RFC 8785 text of "signed".
  Result<std::string> sign(const Signer& signer) const;
  // kInvalid names the field; kDenied: not signed by this key, or not this member's for this reader; kUnavailable: all
  // of it has expired; one-time keys that have are left out.
  static Result<PrekeyBundle> read(std::string_view document, std::string_view signing_key, std::string_view member,
                                   std::string_view reader, Instant now);
};

std::string prekey_id(std::string_view public_key);

// The private side: the keys that this member gave out. Not thread-safe.
class PrekeyBook {
 public:
  PrekeyBook(std::string member, const Key256& master) : member_(std::move(member)), master_(master) {}
  ~PrekeyBook() { wipe(master_); }
  PrekeyBook(const PrekeyBook&) = delete;
  PrekeyBook& operator=(const PrekeyBook&) = delete;

  // Tops up the reader's one-time keys, rotates the last resort when it is due. kTooLarge beyond kMaxPrekeyReaders.
  // `fresh`: at least so many of them are new: the reader lost some (it was restored from a backup, or crashed). The
  // newest are shown; beyond kMostOneTimePerReader the oldest are destroyed.
  Result<PrekeyBundle> issue(std::string_view reader, Instant now, Random& random, std::size_t fresh = 0);
  // The key that a sealed thing names. kNotFound: unknown, used or destroyed; kDenied: it was issued to another member.
  Result<X25519Key> find(std::string_view id, std::string_view sender, Instant now) const;
  bool is_one_time(std::string_view id) const;
  void consume(std::string_view id);     // a one-time key is destroyed, a last resort stays
  void sweep(Instant now);               // destroys what expired and is past its grace
  void forget(std::string_view reader);  // a member that is not paired any more: all its keys
  std::size_t size() const { return keys_.size(); }
  std::size_t one_time_left(std::string_view reader, Instant now) const;

  // What has to be stored since the last call: name and value (private keys wrapped under the master key), nullopt =
  // remove. load() takes them back. kCorrupt names the key that cannot be read.
  struct Change {
    std::string name;
    std::optional<std::string> value;
  };
  std::vector<Change> changed(Random& random);
  Result<void> load(std::string_view name, std::string_view value);

 private:
  struct Entry {
    X25519Key key;
    std::string reader;
    Instant issued, expires;
    bool one_time = true;
    std::uint64_t order = 0;  // of its making in this process: tells keys of one second apart
  };
  Result<std::string> add(std::string_view reader, bool one_time, Instant now, Random& random);
  void destroy(std::map<std::string, Entry, std::less<>>::iterator entry);

  std::string member_;
  Key256 master_;
  std::map<std::string, Entry, std::less<>> keys_;
  std::set<std::string, std::less<>> changed_;
  std::uint64_t made_ = 0;
};

// The public side: what one other member gave us to seal to. Not thread-safe; state() and load() are for keeping it.
class PrekeyShelf {
 public:
  // Replaces an older bundle; keys that were used stay used. false: not newer than what is here, nothing changed.
  bool put(PrekeyBundle bundle);
  // kNotFound: none were given to us; kUnavailable: all have expired. A one-time key is given once.
  Result<PublicPrekey> take(Instant now);
  bool usable(Instant now) const;
  std::size_t one_time_left(Instant now) const;
  std::string state() const;
  static Result<PrekeyShelf> load(std::string_view state);  // kCorrupt

 private:
  std::optional<PrekeyBundle> bundle_;
  std::map<std::string, Instant> used_;  // until they expire
};

}  // namespace bongsu::crypto
