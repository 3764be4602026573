#include "crypto/disclosure.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "base/json.h"
#include "crypto/byte_reader.h"
#include "crypto/openssl_types.h"
#include "crypto/whole.h"

namespace bongsu::crypto {
namespace {

enum Domain : char { kLeaf = 0, kNode = 1, kObjectDomain = 2, kContent = 3, kCore = 4, kBytes = 5, kWhole = 6 };

std::unexpected<Error> invalid(std::string message, std::string field = {}) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = std::move(field)});
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size(), 4);
  out += text;
}

Sha256 node_of(const Sha256& left, const Sha256& right) {
  std::array<char, 1 + 2 * sizeof(Sha256)> text;
  text[0] = kNode;
  std::memcpy(text.data() + 1, left.data(), left.size());
  std::memcpy(text.data() + 1 + left.size(), right.data(), right.size());
  return sha256({text.data(), text.size()});
}

// The keystream of AES-256-CTR under the seed, from the beginning.
class SeedStream {
 public:
  explicit SeedStream(const Seed& seed) {
    static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
    thread_local std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>> context(EVP_CIPHER_CTX_new());
    context_ = context.get();
    constexpr std::array<unsigned char, 16> kStart{};
    BONGSU_CHECK(EVP_EncryptInit_ex2(context_, cipher, seed.data(), kStart.data(), nullptr) == 1);
  }
  ~SeedStream() { explicit_bzero(buffer_.data(), buffer_.size()); }
  SeedStream(const SeedStream&) = delete;
  SeedStream& operator=(const SeedStream&) = delete;

  void fill(std::span<std::uint8_t> out) {
    for (std::uint8_t& byte : out) {
      if (at_ == buffer_.size()) refill();
      byte = buffer_[at_++];
    }
  }
  Salt salt() {
    Salt out;
    fill(out);
    return out;
  }
  // What a list's next element is numbered above the one before: one to 65,536, small and large steps alike likely.
  std::uint32_t step() {
    std::array<std::uint8_t, 4> raw;
    fill(raw);
    return 1 + ((static_cast<std::uint32_t>(raw[0]) << 8 | raw[1]) >> (raw[2] & 15));
  }

 private:
  void refill() {
    static constexpr std::array<std::uint8_t, 1024> kZeros{};
    int size = 0;
    BONGSU_CHECK(EVP_EncryptUpdate(context_, buffer_.data(), &size, kZeros.data(), static_cast<int>(kZeros.size())) ==
                 1);
    at_ = 0;
  }
  EVP_CIPHER_CTX* context_;  // of this thread: one stream at a time
  std::array<std::uint8_t, 1024> buffer_{};
  std::size_t at_ = buffer_.size();
};

Sha256 digest_of_bytes(std::string_view bytes, const Salt& salt) {
  std::string text(1, kBytes);
  text += as_text(Bytes(salt));
  put_digest(text, sha256(bytes));
  return sha256(text);
}

Sha256 commitment_of(const Sha256& bytes, const Sha256& content) {
  std::string text(1, kObjectDomain);
  put_digest(text, bytes);
  put_digest(text, content);
  return sha256(text);
}

Sha256 content_of(std::size_t depth, const Sha256& core, const Sha256& root) {
  std::string text(1, kContent);
  put_number(text, depth, 1);
  put_digest(text, core);
  put_digest(text, root);
  return sha256(text);
}

// Objects that cannot be taken apart.
Sha256 content_of_whole() { return sha256(std::string(1, kWhole)); }

// ── Granular markings: which apply where (STIX 2.1 §7.2.3) ─────────────────────────────────────────────────────────
class Selectors {
 public:
  static Result<Selectors> read(const JsonObject& object) {
    Selectors out;
    const Json* list = object.if_contains("granular_markings");
    if (list == nullptr) return out;
    if (!list->is_array()) return invalid("is not a list", "granular_markings");
    for (const Json& entry : list->get_array()) {
      const auto ref = string_at(entry, "marking_ref");
      const auto lang = string_at(entry, "lang");
      const Json* selectors = find(entry, "selectors");
      if (ref.has_value() == lang.has_value() || selectors == nullptr || !selectors->is_array())
        return invalid("holds an entry that is no granular marking", "granular_markings");
      const std::string mark = (ref ? "m" : "l") + std::string(ref ? *ref : *lang);
      for (const Json& selector : selectors->get_array()) {
        if (!selector.is_string()) return invalid("holds a selector that is no text", "granular_markings");
        out.by_selector_[std::string(selector.get_string())].insert(mark);
      }
    }
    return out;
  }
  bool empty() const { return by_selector_.empty(); }
  const std::set<std::string>* at(const std::string& selector) {
    const auto found = by_selector_.find(selector);
    if (found == by_selector_.end()) return nullptr;
    hit_.insert(selector);
    return &found->second;
  }
  bool all_hit() const { return hit_.size() == by_selector_.size(); }

 private:
  std::map<std::string, std::set<std::string>> by_selector_;
  std::set<std::string> hit_;
};

std::string value_text(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "n";
    case boost::json::kind::bool_:
      return value.get_bool() ? "t" : "f";
    case boost::json::kind::int64:
      return fmt::format("#{}", value.get_int64());
    case boost::json::kind::uint64:
      return fmt::format("#{}", value.get_uint64());
    case boost::json::kind::double_:
      return "#" + to_canonical_text(value).value_or("");
    case boost::json::kind::string:
      return "\"" + std::string(value.get_string());
    case boost::json::kind::array:
      return "[";  // empty
    case boost::json::kind::object:
      return "{";
  }
  return {};
}

bool is_leaf(const Json& value) {
  if (value.is_object()) return value.get_object().empty();
  if (value.is_array()) return value.get_array().empty();
  return true;
}

// Walks the leaves in document order. The sink gives numbers to list elements and takes what is hashed of each leaf:
//   std::optional<std::uint32_t> number(std::optional<std::uint32_t> before);   // nullopt ends the walk
//   bool leaf(std::string_view record);                                         // false ends the walk
template <class Sink>
class Walk {
 public:
  Walk(Selectors& selectors, Sink& sink) : selectors_(selectors), sink_(sink) {}

  bool property(std::string_view name, const Json& value) {
    const std::size_t path = path_.size(), selector = selector_.size();
    path_ += 'k';
    put_text(path_, name);
    if (!selectors_.empty()) {
      if (!selector_.empty()) selector_ += '.';
      selector_ += name;
    }
    const bool more = visit(value);
    path_.resize(path);
    selector_.resize(selector);
    return more;
  }

 private:
  bool visit(const Json& value) {
    const std::set<std::string>* here = selectors_.empty() ? nullptr : selectors_.at(selector_);
    if (here != nullptr) marks_.push_back(here);
    bool more = true;
    if (is_leaf(value)) {
      more = leaf(value);
    } else if (value.is_object()) {
      for (const auto& [name, inner] : value.get_object())
        if (!(more = property(name, inner))) break;
    } else {
      more = list(value.get_array());
    }
    if (here != nullptr) marks_.pop_back();
    return more;
  }
  bool list(const JsonArray& array) {
    std::optional<std::uint32_t> number;
    for (std::size_t i = 0; i < array.size(); ++i) {
      number = sink_.number(number);
      if (!number) return false;
      const std::size_t path = path_.size(), selector = selector_.size();
      path_ += 'e';
      put_number(path_, *number, 4);
      if (!selectors_.empty()) fmt::format_to(std::back_inserter(selector_), ".[{}]", i);
      const bool more = visit(array[i]);
      path_.resize(path);
      selector_.resize(selector);
      if (!more) return false;
    }
    return true;
  }
  bool leaf(const Json& value) {
    record_.clear();
    put_text(record_, path_);
    put_text(record_, value_text(value));
    std::set<std::string> marks;
    for (const auto* some : marks_) marks.insert(some->begin(), some->end());
    put_number(record_, marks.size(), 4);
    for (const std::string& mark : marks) put_text(record_, mark);
    return sink_.leaf(record_);
  }

  Selectors& selectors_;
  Sink& sink_;
  std::string path_, selector_, record_;
  std::vector<const std::set<std::string>*> marks_;
};

bool is_core(std::string_view name) { return std::ranges::find(kCoreProperties, name) != kCoreProperties.end(); }
bool is_hashed(std::string_view name) { return name != "granular_markings" && !is_core(name); }

Sha256 core_of(const JsonObject& object, Selectors& selectors) {
  struct Sink {
    std::string text{1, kCore};
    static std::optional<std::uint32_t> number(std::optional<std::uint32_t> before) { return before ? *before + 1 : 0; }
    bool leaf(std::string_view record) {
      text += record;
      return true;
    }
  } sink;
  Walk<Sink> walk(selectors, sink);
  for (const std::string_view name : kCoreProperties)
    if (const Json* value = object.if_contains(name)) walk.property(name, *value);
  return sha256(sink.text);
}

template <class Sink>
bool walk_hashed(const JsonObject& object, Selectors& selectors, Sink& sink) {
  Walk<Sink> walk(selectors, sink);
  for (const auto& [name, value] : object)
    if (is_hashed(name) && !walk.property(name, value)) return false;
  return true;
}

Sha256 leaf_of(const Salt& salt, std::string_view record, std::string& scratch) {
  scratch.assign(1, kLeaf);
  scratch += as_text(Bytes(salt));
  scratch += record;
  return sha256(scratch);
}

// ── The tree of an object, as far as its holder knows it ────────────────────────────────────────────────────────────
struct Tree {
  std::size_t depth = 0;
  std::vector<std::vector<std::optional<Sha256>>> levels;  // levels[0]: leaves
  const Sha256& root() const { return *levels[depth][0]; }

  static Tree of(std::vector<Sha256> leaves) {
    Tree tree;
    tree.depth = static_cast<std::size_t>(std::countr_zero(leaves.size()));
    tree.levels.resize(tree.depth + 1);
    tree.levels[0].assign(leaves.begin(), leaves.end());
    for (std::size_t level = 1; level <= tree.depth; ++level)
      for (std::size_t i = 0; i + 1 < tree.levels[level - 1].size(); i += 2)
        tree.levels[level].emplace_back(node_of(*tree.levels[level - 1][i], *tree.levels[level - 1][i + 1]));
    return tree;
  }
};

bool bit_at(std::string_view bits, std::size_t at) { return (bits[at / 8] >> (at % 8) & 1) != 0; }
void set_bit(std::string& bits, std::size_t at) { bits[at / 8] = static_cast<char>(bits[at / 8] | 1 << (at % 8)); }
std::size_t places_bytes(std::size_t depth) { return std::max<std::size_t>(1, (std::size_t{1} << depth) / 8); }

// What a holder knows: the salts and numbers in document order, the digests of its leaves in document order, the tree.
struct Holding {
  Sha256 bytes{};
  Sha256 core{};
  std::vector<Salt> salts;
  std::vector<std::uint32_t> numbers;
  std::vector<Sha256> leaves;
  Tree tree;
};

constexpr std::size_t kMaxLeaves = (std::size_t{1} << kMaxDisclosureDepth) - 1;  // a decoy has its place

// nullopt: too large to be taken apart.
Result<std::optional<Holding>> hold(std::string_view bytes, const JsonObject& object, const Seed& seed) {
  struct Sink {
    SeedStream& stream;
    Holding& out;
    std::string scratch;
    std::optional<std::uint32_t> number(std::optional<std::uint32_t> before) {
      if (out.numbers.size() == kMaxListElements) return std::nullopt;
      out.numbers.push_back(before.value_or(0) + stream.step());
      return out.numbers.back();
    }
    bool leaf(std::string_view record) {
      if (out.leaves.size() == kMaxLeaves) return false;
      out.salts.push_back(stream.salt());
      out.leaves.push_back(leaf_of(out.salts.back(), record, scratch));
      return true;
    }
  };
  Holding out;
  SeedStream stream(seed);
  out.bytes = digest_of_bytes(bytes, stream.salt());
  BONGSU_TRY(Selectors selectors, Selectors::read(object));
  Sink sink{stream, out, {}};
  if (!walk_hashed(object, selectors, sink)) return std::optional<Holding>();
  out.core = core_of(object, selectors);
  const std::size_t size = std::max(std::bit_ceil(out.leaves.size() + 1), std::size_t{1} << kMinDisclosureDepth);
  std::vector<Sha256> leaves = out.leaves;
  leaves.resize(size);
  for (std::size_t i = out.leaves.size(); i < size; ++i) stream.fill(leaves[i]);  // decoys: as random as digests
  std::ranges::sort(leaves);
  out.tree = Tree::of(std::move(leaves));
  return std::optional(std::move(out));
}

Result<Holding> hold_part(std::string_view shown, const RedactedDisclosure& part) {
  if (part.depth < kMinDisclosureDepth || part.depth > kMaxDisclosureDepth ||
      part.places.size() != places_bytes(part.depth))
    return invalid("names a tree of a size that cannot be", "proof.places");
  BONGSU_TRY(const Json json, parse_json(shown));
  if (!json.is_object()) return invalid("the redacted copy is not a JSON object");
  const JsonObject& object = json.get_object();
  BONGSU_TRY(Selectors selectors, Selectors::read(object));

  struct Sink {
    const RedactedDisclosure& part;
    Holding& out;
    std::string scratch, wrong;
    std::optional<std::uint32_t> number(std::optional<std::uint32_t> before) {
      const std::size_t at = out.numbers.size();
      if (at == part.numbers.size() || part.numbers[at] <= before.value_or(0)) {
        wrong = at == part.numbers.size() ? "has list elements that the proof does not know"
                                          : "has list elements in another order than the signed object";
        return std::nullopt;
      }
      out.numbers.push_back(part.numbers[at]);
      return part.numbers[at];
    }
    bool leaf(std::string_view record) {
      const std::size_t at = out.leaves.size();
      if (at == part.salts.size()) {
        wrong = "has values that the proof does not know";
        return false;
      }
      out.leaves.push_back(leaf_of(part.salts[at], record, scratch));
      return true;
    }
  };
  Holding out;
  Sink sink{part, out, {}, {}};
  if (!walk_hashed(object, selectors, sink)) return invalid("the redacted copy " + sink.wrong);
  if (out.leaves.size() != part.salts.size() || out.numbers.size() != part.numbers.size())
    return invalid("the redacted copy lacks values that the proof shows");
  out.core = core_of(object, selectors);
  if (!selectors.all_hit())
    return invalid("the redacted copy has a granular marking that selects nothing", "granular_markings");
  out.bytes = part.bytes;
  out.salts = part.salts;

  std::vector<Sha256> sorted = out.leaves;
  std::ranges::sort(sorted);
  // Builds the tree from the leaves that are shown and the nodes that stand for the others.
  struct Builder {
    const RedactedDisclosure& part;
    const std::vector<Sha256>& shown;
    std::size_t next_shown = 0, next_hidden = 0;
    Tree tree;
    bool any(std::size_t level, std::size_t index) const {
      const std::size_t first = index << level;
      for (std::size_t i = first; i < first + (std::size_t{1} << level); ++i)
        if (bit_at(part.places, i)) return true;
      return false;
    }
    std::optional<Sha256> build(std::size_t level, std::size_t index) {
      std::optional<Sha256>& node = tree.levels[level][index];
      if (!any(level, index)) {
        if (next_hidden < part.hidden.size()) node = part.hidden[next_hidden++];
      } else if (level == 0) {
        if (next_shown < shown.size()) node = shown[next_shown++];
      } else {
        const auto left = build(level - 1, 2 * index);
        const auto right = left ? build(level - 1, 2 * index + 1) : std::nullopt;
        if (right) node = node_of(*left, *right);
      }
      return node;
    }
  } builder{part, sorted, 0, 0, {}};
  builder.tree.depth = part.depth;
  for (std::size_t level = 0; level <= part.depth; ++level)
    builder.tree.levels.emplace_back(std::size_t{1} << (part.depth - level));
  if (!builder.build(part.depth, 0) || builder.next_shown != sorted.size() || builder.next_hidden != part.hidden.size())
    return invalid("the proof's tree and the values that are shown do not fit", "proof.places");
  out.tree = std::move(builder.tree);
  return out;
}

// ── Finding a part in the whole ─────────────────────────────────────────────────────────────────────────────────────
// A document with what is hashed at each leaf, and each leaf's and element's place in document order.
struct Branch {
  enum class Kind { kLeaf, kObject, kList } kind = Kind::kLeaf;
  std::string name;  // of a property
  std::string text;  // value and markings of a leaf
  std::size_t leaf = 0, element = 0;
  std::vector<Branch> inner;
};

class BranchMaker {
 public:
  explicit BranchMaker(Selectors& selectors) : selectors_(selectors) {}
  Branch root(const JsonObject& object) {
    Branch out{.kind = Branch::Kind::kObject, .name = {}, .text = {}, .inner = {}};
    for (const auto& [name, value] : object) {
      if (!is_hashed(name)) continue;
      out.inner.push_back(make(value, std::string(name)));
      out.inner.back().name = name;
    }
    return out;
  }

 private:
  Branch make(const Json& value, const std::string& selector) {
    Branch out;
    const std::set<std::string>* here = selectors_.empty() ? nullptr : selectors_.at(selector);
    if (here != nullptr) marks_.push_back(here);
    if (is_leaf(value)) {
      out.leaf = leaves_++;
      out.text = value_text(value);
      std::set<std::string> marks;
      for (const auto* some : marks_) marks.insert(some->begin(), some->end());
      for (const std::string& mark : marks) out.text.append(1, '\0').append(mark);
    } else if (value.is_object()) {
      out.kind = Branch::Kind::kObject;
      for (const auto& [name, inner] : value.get_object()) {
        out.inner.push_back(make(inner, selector + "." + std::string(name)));
        out.inner.back().name = name;
      }
    } else {
      out.kind = Branch::Kind::kList;
      const JsonArray& array = value.get_array();
      for (std::size_t i = 0; i < array.size(); ++i) {
        const std::size_t element = elements_++;
        out.inner.push_back(make(array[i], fmt::format("{}.[{}]", selector, i)));
        out.inner.back().element = element;
      }
    }
    if (here != nullptr) marks_.pop_back();
    return out;
  }
  Selectors& selectors_;
  std::vector<const std::set<std::string>*> marks_;
  std::size_t leaves_ = 0, elements_ = 0;
};

class Alignment {
 public:
  std::vector<std::size_t> leaves, elements;  // of the whole, in the document order of the part
  bool too_long = false;
  std::string missing;  // the property at which the part does not fit

  // Earliest fit in lists: if there is any, there is this one, for what fits depends on the two elements alone.
  bool find(const Branch& whole, const Branch& part) {
    if (++steps_ > kMaxAlignmentSteps) {
      too_long = true;
      return false;
    }
    if (whole.kind != part.kind) return false;
    switch (part.kind) {
      case Branch::Kind::kLeaf:
        if (whole.text != part.text) return false;
        leaves.push_back(whole.leaf);
        return true;
      case Branch::Kind::kObject: {
        std::size_t at = 0;
        for (const Branch& inner : part.inner) {
          std::size_t looked = 0;
          while (looked < whole.inner.size() && whole.inner[at % whole.inner.size()].name != inner.name) {
            ++at, ++looked;
            if (++steps_ > kMaxAlignmentSteps) return !(too_long = true);
          }
          if (looked == whole.inner.size()) return false;
          if (!find(whole.inner[at % whole.inner.size()], inner)) {
            if (missing.empty()) missing = inner.name;
            return false;
          }
          ++at;
        }
        return true;
      }
      case Branch::Kind::kList: {
        std::size_t at = 0;
        for (const Branch& inner : part.inner) {
          bool found = false;
          for (; !found && at < whole.inner.size(); ++at) {
            const std::size_t some_leaves = leaves.size(), some_elements = elements.size();
            elements.push_back(whole.inner[at].element);
            found = find(whole.inner[at], inner);
            if (!found) leaves.resize(some_leaves), elements.resize(some_elements);
            if (too_long) return false;
          }
          if (!found) return false;
        }
        return true;
      }
    }
    return false;
  }

 private:
  std::size_t steps_ = 0;
};

Result<RedactedDisclosure> part_of(const JsonObject& whole, const Holding& holding, std::string_view redacted) {
  BONGSU_TRY(const Json json, parse_json(redacted));
  if (!json.is_object()) return invalid("the redacted copy is not a JSON object");
  BONGSU_TRY(Selectors whole_selectors, Selectors::read(whole));
  BONGSU_TRY(Selectors selectors, Selectors::read(json.get_object()));
  if (core_of(json.get_object(), selectors) != holding.core)
    return invalid("the redacted copy hides or changes a property that identifies or binds the object");
  Alignment alignment;
  const Branch all = BranchMaker(whole_selectors).root(whole);
  const Branch some = BranchMaker(selectors).root(json.get_object());
  if (!selectors.all_hit())
    return invalid("the redacted copy has a granular marking that selects nothing", "granular_markings");
  if (!alignment.find(all, some))
    return alignment.too_long
               ? fail(ErrorCode::kTooLarge, "the redacted copy is too intricate to be found in the original")
               : invalid("the redacted copy has something that the original has not", alignment.missing);

  RedactedDisclosure out{.bytes = holding.bytes, .depth = static_cast<std::uint8_t>(holding.tree.depth)};
  out.places.assign(places_bytes(holding.tree.depth), '\0');
  const auto& sorted = holding.tree.levels[0];
  for (const std::size_t leaf : alignment.leaves) {
    out.salts.push_back(holding.salts[leaf]);
    const auto at = std::ranges::find(sorted, std::optional(holding.leaves[leaf]));
    BONGSU_CHECK(at != sorted.end());
    set_bit(out.places, static_cast<std::size_t>(at - sorted.begin()));
  }
  for (const std::size_t element : alignment.elements) out.numbers.push_back(holding.numbers[element]);
  const auto emit = [&](const auto& self, std::size_t level, std::size_t index) -> void {
    const std::size_t first = index << level, size = std::size_t{1} << level;
    bool any = false;
    for (std::size_t i = first; !any && i < first + size; ++i) any = bit_at(out.places, i);
    if (!any) {
      out.hidden.push_back(*holding.tree.levels[level][index]);
    } else if (level > 0) {
      self(self, level - 1, 2 * index);
      self(self, level - 1, 2 * index + 1);
    }
  };
  emit(emit, holding.tree.depth, 0);
  return out;
}

}  // namespace

Result<ObjectCommitment> commit_object(std::string_view bytes, Random& random) {
  BONGSU_TRY(const Json json, parse_json(bytes));
  if (!json.is_object()) return invalid("what is signed is not a JSON object");
  ObjectCommitment out;
  random.fill(out.full.seed);
  const auto holding = hold(bytes, json.get_object(), out.full.seed);
  out.full.content = holding && *holding ? content_of((*holding)->tree.depth, (*holding)->core, (*holding)->tree.root())
                                         : content_of_whole();
  out.commitment = commitment_of_full(bytes, out.full);
  return out;
}

ObjectCommitment commit_whole(std::string_view bytes, Random& random) {
  ObjectCommitment out;
  random.fill(out.full.seed);
  out.full.content = content_of_whole();
  out.commitment = commitment_of_full(bytes, out.full);
  return out;
}

Sha256 commitment_of_full(std::string_view bytes, const FullDisclosure& full) {
  SeedStream stream(full.seed);
  return commitment_of(digest_of_bytes(bytes, stream.salt()), full.content);
}

Result<Sha256> commitment_of_redacted(std::string_view redacted, const RedactedDisclosure& part) {
  BONGSU_TRY(const Holding holding, hold_part(redacted, part));
  return commitment_of(holding.bytes, content_of(holding.tree.depth, holding.core, holding.tree.root()));
}

Result<RedactedDisclosure> disclose(std::string_view bytes, const FullDisclosure& full, std::string_view redacted) {
  if (full.content == content_of_whole())
    return invalid("the object was signed as a whole: no part of it can be proven");
  BONGSU_TRY(const Json json, parse_json(bytes));
  if (!json.is_object()) return invalid("what was signed is not a JSON object");
  BONGSU_TRY(const auto holding, hold(bytes, json.get_object(), full.seed));
  if (!holding || content_of(holding->tree.depth, holding->core, holding->tree.root()) != full.content)
    return invalid("the originator's proof does not fit the values in its object");
  return part_of(json.get_object(), *holding, redacted);
}

Result<RedactedDisclosure> disclose_further(std::string_view shown, const RedactedDisclosure& part,
                                            std::string_view redacted) {
  BONGSU_TRY(const Holding holding, hold_part(shown, part));
  BONGSU_TRY(const Json json, parse_json(shown));
  return part_of(json.get_object(), holding, redacted);
}

void append_disclosure(std::string& out, const RedactedDisclosure& part) {
  put_digest(out, part.bytes);
  put_number(out, part.depth, 1);
  put_number(out, part.salts.size(), 2);
  for (const Salt& salt : part.salts) out += as_text(Bytes(salt));
  put_number(out, part.numbers.size(), 3);
  for (const std::uint32_t number : part.numbers) put_number(out, number, 4);
  out += part.places;
  put_number(out, part.hidden.size(), 2);
  for (const Sha256& node : part.hidden) put_digest(out, node);
}

Result<RedactedDisclosure> parse_disclosure(ByteReader& reader) {
  const auto truncated = [] { return invalid("the proof ends early", "proof.disclosure"); };
  RedactedDisclosure out;
  const auto bytes = reader.digest();
  const auto depth = reader.number(1);
  const auto salts = reader.number(2);
  if (!bytes || !depth || !salts) return truncated();
  if (*depth < kMinDisclosureDepth || *depth > kMaxDisclosureDepth || *salts > kMaxLeaves)
    return invalid("the proof names a tree of a size that cannot be", "proof.disclosure");
  out.bytes = *bytes;
  out.depth = static_cast<std::uint8_t>(*depth);
  for (std::uint64_t i = 0; i < *salts; ++i) {
    const auto salt = reader.bytes(sizeof(Salt));
    if (!salt) return truncated();
    std::memcpy(out.salts.emplace_back().data(), salt->data(), sizeof(Salt));
  }
  const auto numbers = reader.number(3);
  if (!numbers) return truncated();
  if (*numbers > kMaxListElements) return invalid("the proof numbers too many list elements", "proof.disclosure");
  for (std::uint64_t i = 0; i < *numbers; ++i) {
    const auto number = reader.number(4);
    if (!number) return truncated();
    out.numbers.push_back(static_cast<std::uint32_t>(*number));
  }
  const auto places = reader.bytes(places_bytes(out.depth));
  const auto hidden = reader.number(2);
  if (!places || !hidden) return truncated();
  out.places = *places;
  for (std::uint64_t i = 0; i < *hidden; ++i) {
    const auto node = reader.digest();
    if (!node) return truncated();
    out.hidden.push_back(*node);
  }
  return out;
}

}  // namespace bongsu::crypto
