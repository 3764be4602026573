#include "telemetry/store/dictionary.h"

#include "telemetry/store/bytes_codec.h"

namespace bongsu::telemetry {
namespace {

constexpr unsigned kPartBits = 64 - kKeyBits;
constexpr std::size_t kKeysPerBucket = 12;
constexpr std::size_t kHeadBytes = 32;
// First byte of a list that is a set of bits; a number of parts otherwise.
constexpr std::uint64_t kOne = 0, kSeveral = 1, kBits = 2, kAll = 3;

std::unexpected<Error> broken(const char* what) {
  return fail(ErrorCode::kCorrupt, std::string("the dictionary is damaged: ") + what);
}

// A list of parts, rising: one number in most cases.
void put_list(std::string& out, std::span<const std::uint32_t> list, std::uint32_t parts) {
  if (list.size() == 1) return put_varint(out, std::uint64_t{list[0]} << 2 | kOne);
  if (list.size() == parts) return put_varint(out, kAll);
  if (list.size() > parts / 8) {
    put_varint(out, kBits);
    std::string bits((parts + 7) / 8, '\0');
    for (const std::uint32_t part : list) bits[part / 8] = static_cast<char>(bits[part / 8] | 1 << (part % 8));
    out += bits;
    return;
  }
  put_varint(out, static_cast<std::uint64_t>(list.size()) << 2 | kSeveral);
  std::uint32_t last = 0;
  for (const std::uint32_t part : list) {
    put_varint(out, part - last);
    last = part;
  }
}

}  // namespace

void DictionaryBuilder::add(std::uint32_t part, std::span<const std::uint64_t> hashes,
                            std::span<const std::uint64_t> ordered) {
  for (const std::uint64_t hash : hashes) hashes_.push_back((hash & ~((std::uint64_t{1} << kPartBits) - 1)) | part);
  for (const std::uint64_t key : ordered) ordered_.emplace_back(key, part);
}

std::string DictionaryBuilder::finish(std::uint32_t parts) {
  BONGSU_CHECK(parts <= kMaxSegmentParts);
  std::ranges::sort(hashes_);
  hashes_.erase(std::ranges::unique(hashes_).begin(), hashes_.end());
  std::ranges::sort(ordered_);
  ordered_.erase(std::ranges::unique(ordered_).begin(), ordered_.end());

  std::size_t keys = 0;
  for (std::size_t i = 0; i < hashes_.size(); ++i)
    keys += i == 0 || hashes_[i] >> kPartBits != hashes_[i - 1] >> kPartBits;
  const auto bucket_bits = static_cast<unsigned>(std::bit_width(keys / kKeysPerBucket));
  const unsigned low_bits = kKeyBits - bucket_bits;
  const std::size_t buckets = std::size_t{1} << bucket_bits;

  std::string directory, packed((keys * low_bits + 7) / 8 + 8, '\0'), postings;
  std::vector<std::uint32_t> list;
  std::size_t key = 0, bucket = 0;
  const auto open_buckets = [&](std::size_t upto) {
    for (; bucket <= upto; ++bucket) {
      put_fixed(directory, static_cast<std::uint32_t>(key));
      put_fixed(directory, static_cast<std::uint32_t>(postings.size()));
    }
  };
  for (std::size_t i = 0; i < hashes_.size();) {
    const std::uint64_t hash = hashes_[i] >> kPartBits;
    list.clear();
    for (; i < hashes_.size() && hashes_[i] >> kPartBits == hash; ++i)
      list.push_back(static_cast<std::uint32_t>(hashes_[i] & ((1U << kPartBits) - 1)));
    open_buckets(static_cast<std::size_t>(hash >> low_bits));
    const std::uint64_t bit = static_cast<std::uint64_t>(key) * low_bits;
    std::uint64_t word;
    std::memcpy(&word, packed.data() + bit / 8, sizeof word);
    word |= (hash & ((std::uint64_t{1} << low_bits) - 1)) << (bit % 8);
    std::memcpy(packed.data() + bit / 8, &word, sizeof word);
    // What does not fit the word: low_bits + 7 may be 55 at most, so it always does.
    put_list(postings, list, parts);
    ++key;
  }
  open_buckets(buckets);

  std::string ordered_keys, ordered_lists;
  std::size_t ordered = 0;
  for (std::size_t i = 0; i < ordered_.size();) {
    const std::uint64_t value = ordered_[i].first;
    list.clear();
    for (; i < ordered_.size() && ordered_[i].first == value; ++i) list.push_back(ordered_[i].second);
    put_fixed(ordered_keys, value);
    put_fixed(ordered_lists, static_cast<std::uint32_t>(postings.size()));
    put_list(postings, list, parts);
    ++ordered;
  }

  std::string out;
  out.reserve(kHeadBytes + directory.size() + packed.size() + ordered_keys.size() + ordered_lists.size() +
              postings.size());
  put_fixed(out, static_cast<std::uint32_t>(kKeyBits));
  put_fixed(out, static_cast<std::uint32_t>(bucket_bits));
  put_fixed(out, static_cast<std::uint64_t>(keys));
  put_fixed(out, static_cast<std::uint64_t>(ordered));
  put_fixed(out, static_cast<std::uint64_t>(postings.size()));
  out += directory;
  out += packed;
  out += ordered_keys;
  out += ordered_lists;
  out += postings;
  hashes_ = {};
  ordered_ = {};
  return out;
}

Result<KeyDictionary> KeyDictionary::open(std::string bytes, std::uint32_t parts) {
  ByteTaker in(bytes);
  KeyDictionary out;
  const auto key_bits = in.fixed<std::uint32_t>();
  out.bucket_bits_ = in.fixed<std::uint32_t>();
  const auto keys = in.fixed<std::uint64_t>();
  const auto ordered = in.fixed<std::uint64_t>();
  const auto postings = in.fixed<std::uint64_t>();
  if (!in.good()) return broken("it is cut off");
  if (key_bits != kKeyBits || out.bucket_bits_ >= 32) return broken("its keys have another width");
  // Each key and each list takes a byte or more: no sum below can overflow.
  if (keys > bytes.size() || ordered > bytes.size() || postings > bytes.size())
    return broken("it says that it is larger than it is");
  out.low_bits_ = kKeyBits - out.bucket_bits_;
  out.parts_ = parts;
  out.keys_ = static_cast<std::size_t>(keys);
  out.ordered_ = static_cast<std::size_t>(ordered);
  out.directory_ = kHeadBytes;
  out.packed_ = out.directory_ + ((std::size_t{1} << out.bucket_bits_) + 1) * sizeof(Bucket);
  out.ordered_at_ = out.packed_ + (out.keys_ * out.low_bits_ + 7) / 8 + 8;
  out.ordered_lists_ = out.ordered_at_ + out.ordered_ * sizeof(std::uint64_t);
  out.postings_ = out.ordered_lists_ + out.ordered_ * sizeof(std::uint32_t);
  if (out.postings_ + postings != bytes.size()) return broken("its parts do not add up");
  out.bytes_ = std::move(bytes);
  return out;
}

std::size_t KeyDictionary::lower_bound(std::uint64_t key) const {
  std::size_t begin = 0, end = ordered_;
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    if (ordered_key(middle) < key)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}

// Takes one list from the front of `in`. False: there is none.
bool KeyDictionary::read_list(std::string_view& in, std::vector<std::uint32_t>* out) const {
  ByteTaker taker(in);
  const std::uint64_t head = taker.varint();
  const auto put = [&](std::uint64_t part) {
    if (out != nullptr && part < parts_) out->push_back(static_cast<std::uint32_t>(part));
  };
  switch (head & 3) {
    case kOne:
      put(head >> 2);
      break;
    case kSeveral: {
      std::uint64_t part = 0;
      if (head >> 2 > kMaxSegmentParts) return false;
      for (std::uint64_t i = 0; i < head >> 2 && taker.good(); ++i) {
        part += taker.varint();
        if (taker.good()) put(part);
      }
      break;
    }
    case kBits: {
      const std::string_view bits = taker.bytes((std::uint64_t{parts_} + 7) / 8);
      for (std::uint32_t part = 0; part < parts_ && taker.good(); ++part)
        if ((static_cast<unsigned char>(bits[part / 8]) >> (part % 8) & 1) != 0) put(part);
      break;
    }
    default:
      for (std::uint32_t part = 0; part < parts_; ++part) put(part);
  }
  if (!taker.good()) return false;
  in.remove_prefix(in.size() - taker.left());
  return true;
}

void KeyDictionary::postings(std::size_t bucket_number, std::size_t key, std::vector<std::uint32_t>& out) const {
  out.clear();
  const Bucket here = bucket(bucket_number);
  std::string_view lists = std::string_view(bytes_).substr(postings_);
  if (here.postings > lists.size() || key < here.first_key) return;
  lists.remove_prefix(here.postings);
  for (std::size_t i = here.first_key; i < key; ++i)
    if (!read_list(lists, nullptr)) return;
  read_list(lists, &out);
}

void KeyDictionary::ordered_postings(std::size_t key, std::vector<std::uint32_t>& out) const {
  out.clear();
  std::uint32_t at;
  std::memcpy(&at, bytes_.data() + ordered_lists_ + key * sizeof at, sizeof at);
  std::string_view lists = std::string_view(bytes_).substr(postings_);
  if (at > lists.size()) return;
  lists.remove_prefix(at);
  read_list(lists, &out);
}

}  // namespace bongsu::telemetry
