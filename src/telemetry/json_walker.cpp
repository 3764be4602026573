#include "telemetry/json_walker.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace bongsu::telemetry {
namespace {

constexpr std::size_t kSmallestCapacity = 64 * 1024;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_long_number(const char* p, const char* end) {
  if (p != end && *p == '-') ++p;
  if (p == end || !is_digit(*p)) return false;
  if (*p == '0') {
    ++p;
  } else {
    while (p != end && is_digit(*p)) ++p;
  }
  if (p != end && *p == '.') {
    ++p;
    if (p == end || !is_digit(*p)) return false;
    while (p != end && is_digit(*p)) ++p;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (p == end || !is_digit(*p)) return false;
    while (p != end && is_digit(*p)) ++p;
  }
  return p == end;
}

// RFC 8259 §6. `before`: how many bytes before `end` may be read.
bool is_number(const char* p, const char* end, std::size_t before) {
  // Most are a few digits: eight bytes at once, for a loop's end is seldom foreseen.
  const auto size = static_cast<std::size_t>(end - p);
  if (size > 8 || before < 8) return is_long_number(p, end);
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, end - 8, 8);
  static_assert(std::endian::native == std::endian::little);
  const std::uint64_t ours = ~std::uint64_t{0} << (64 - 8 * size);  // the last `size` bytes
  const std::uint64_t from_zero = (bytes ^ 0x3030303030303030) & ours;
  const std::uint64_t above_nine = ((from_zero & 0x7f7f7f7f7f7f7f7f) + 0x7676767676767676) | from_zero;
  if ((above_nine & ours & 0x8080808080808080) != 0) return is_long_number(p, end);
  return *p != '0' || size == 1;
}

bool is_scalar(const char* p, const char* end, std::size_t before) {
  switch (*p) {
    case 't':
      return end - p == 4 && std::memcmp(p, "true", 4) == 0;
    case 'f':
      return end - p == 5 && std::memcmp(p, "false", 5) == 0;
    case 'n':
      return end - p == 4 && std::memcmp(p, "null", 4) == 0;
    default:
      return is_number(p, end, before);
  }
}

// Field by field in its place: a copy of a whole leaf just written would wait for the writes.
void put_leaf(EventStorage& out, const char* value, std::uint32_t size, const char* key, std::uint32_t key_size,
              std::uint16_t parent, const FieldMap::Found& found, Role role, Leaf::Escape escape, bool quoted) {
  Leaf& leaf = out.leaves.emplace_back();
  leaf.value = value;
  leaf.key = key;
  leaf.size = size;
  leaf.key_size = key_size;
  leaf.parent = parent;
  leaf.field = found.field;
  leaf.role = role;
  leaf.escape = escape;
  leaf.quoted = quoted;
}

// A key that was met, and what the map says of it: keys come in the same order again and again, so each remembers which
// came after it. That one is compared, as a whole and without a look at how long it is, instead of looked up. A key has
// as many of these as there are keys before which it was met: two keys tell better what comes than one.
struct KnownKey {
  static constexpr std::size_t kBytes = 32;  // of `"key":`; longer ones are looked up each time
  static constexpr std::uint64_t kAll = ~std::uint64_t{0};
  static constexpr std::size_t kFollowers = 4;  // kinds of events that go on differently after the same key

  std::uint64_t text[kBytes / 8] = {'"'};  // `"key":`; at first what stands nowhere, as no string has bytes of 0
  std::uint64_t mask[kBytes / 8] = {kAll, kAll, kAll, kAll};  // its bytes
  KnownKey* followers[kFollowers] = {};                       // the latest first; never null once there is a table
  std::uint64_t parent = 0, path = 0;                         // FieldMap::extend(parent, key)
  FieldMap::Found found;
  std::uint32_t size = 0;                             // of the key
  bool keeps_strings = false, keeps_scalars = false;  // values of that kind make a leaf

  // The kBytes at `at` begin with `"key":`. Where a string begins at `at`, its end and the colon are marks of stage 1
  // then.
  bool stands_at(const char* at) const {
    std::uint64_t differ = 0;
    for (std::size_t i = 0; i < kBytes / 8; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, at + 8 * i, 8);
      differ |= (word ^ text[i]) & mask[i];
    }
    return differ == 0;
  }
};
constexpr std::size_t kKnownKeys = 4096;  // a later one takes the place of another

// One open container.
struct Level {
  std::uint64_t path;     // hash that its keys extend
  std::uint64_t element;  // arrays: hash of the array's own path
  const char* key;        // arrays: their own key, which is their elements'
  std::uint32_t key_size;
  std::uint16_t node;
  bool array;
  FieldMap::Found found;  // arrays: of their own path
  std::size_t first_leaf = 0;  // objects: of the event's leaves, the first in it
};

}  // namespace

struct JsonWalker::Impl {
  Impl(FieldMapPtr fields, bool all) : map(std::move(fields)), everything(all) {}

  FieldMapPtr map;
  const bool everything;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1;
  std::size_t capacity = 0;
  const char* base = nullptr;
  std::size_t size = 0;
  const std::uint32_t* structurals = nullptr;
  std::size_t count = 0;
  std::size_t next = 0;
  Level levels[kMaxJsonDepth];
  std::vector<KnownKey> known;  // once something was indexed
  KnownKey no_key;              // before the first of an object

  void forget();  // all keys; makes the table
  bool index(std::string_view run);
  const char* walk(std::size_t begin, std::size_t end, EventStorage& out);
  const char* walk_object(std::size_t end, EventStorage& out);

  std::size_t position(std::size_t i) const { return i < count ? structurals[i] : size; }
  // What stands at structural `i`, if it is one of those that followed `before`; else nullptr.
  KnownKey* expected(KnownKey& before, std::uint64_t parent, std::size_t i, std::size_t end);
  KnownKey* learn(KnownKey& before, std::uint64_t parent, std::string_view key, std::uint64_t path,
                  FieldMap::Found found);
  std::size_t walk_expected(const Level& level, KnownKey*& before, std::size_t i, std::size_t end, EventStorage& out);

  void name_data(const Level& level, std::uint64_t around, EventStorage& out) const;

  bool keeps_string(FieldMap::Found found) const { return found.role != Role::kIgnore || found.wanted || everything; }
  bool keeps_scalar(FieldMap::Found found) const {
    return everything || found.wanted || found.role == Role::kHttpPort ||
           (found.role >= Role::kTime && found.role <= Role::kTimeThird);
  }

  // Past the last byte of the string or scalar that structural `i` begins.
  std::size_t token_end(std::size_t i) const {
    std::size_t p = position(i + 1);
    while (is_space(base[p - 1])) --p;
    return p;
  }
};

bool JsonWalker::Impl::index(std::string_view run) {
  if (run.empty()) return false;
  if (known.empty()) forget();
  if (run.size() > capacity) {
    const std::size_t want = std::max(run.size(), kSmallestCapacity);
    if (stage1 == nullptr) {
      if (simdjson::get_active_implementation()->create_dom_parser_implementation(want, kMaxJsonDepth, stage1) !=
          simdjson::SUCCESS)
        return false;
    } else if (stage1->set_capacity(want) != simdjson::SUCCESS) {
      capacity = 0;
      return false;
    }
    capacity = want;
  }
  base = run.data();
  size = run.size();
  next = 0;
  count = 0;
  if (stage1->stage1(reinterpret_cast<const std::uint8_t*>(base), size, simdjson::stage1_mode::regular) !=
      simdjson::SUCCESS)
    return false;
  structurals = stage1->structural_indexes.get();
  count = stage1->n_structural_indexes;
  return true;
}

void JsonWalker::Impl::forget() {
  known.resize(kKnownKeys);
  const auto expects_nothing = [&](KnownKey& key) {
    key = {};
    std::ranges::fill(key.followers, &no_key);
  };
  std::ranges::for_each(known, expects_nothing);
  expects_nothing(no_key);
}

KnownKey* JsonWalker::Impl::expected(KnownKey& before, std::uint64_t parent, std::size_t i, std::size_t end) {
  const std::size_t at = position(i);
  if (at >= end || at + KnownKey::kBytes > size) return nullptr;
  for (std::size_t k = 0; k < KnownKey::kFollowers; ++k) {
    KnownKey* key = before.followers[k];
    if (key->parent != parent || !key->stands_at(base + at)) continue;
    std::copy_backward(before.followers, before.followers + k, before.followers + k + 1);
    return before.followers[0] = key;
  }
  return nullptr;
}

KnownKey* JsonWalker::Impl::learn(KnownKey& before, std::uint64_t parent, std::string_view key, std::uint64_t path,
                                  FieldMap::Found found) {
  if (key.size() + 3 > KnownKey::kBytes) return &before;
  KnownKey& met = known[(path ^ std::rotl(before.path, 7)) % kKnownKeys];
  char text[KnownKey::kBytes] = {'"'}, mask[KnownKey::kBytes] = {};
  std::ranges::copy(key, text + 1);
  text[key.size() + 1] = '"';
  text[key.size() + 2] = ':';
  std::fill_n(mask, key.size() + 3, '\xff');
  std::memcpy(met.text, text, sizeof text);
  std::memcpy(met.mask, mask, sizeof mask);
  met.parent = parent;
  met.path = path;
  met.found = found;
  met.size = static_cast<std::uint32_t>(key.size());
  met.keeps_strings = keeps_string(found);
  met.keeps_scalars = keeps_scalar(found);
  std::copy_backward(before.followers, before.followers + KnownKey::kFollowers - 1,
                     before.followers + KnownKey::kFollowers);
  return before.followers[0] = &met;
}

// The fields `"key":value,` from structural `i` on, as long as the key is the expected one and the value a string or a
// scalar: what telemetry mostly consists of. What stops it is for walk_object to see. The new `i`.
std::size_t JsonWalker::Impl::walk_expected(const Level& level, KnownKey*& before, std::size_t i, std::size_t end,
                                            EventStorage& out) {
  const std::uint64_t parent = level.path;
  const std::uint16_t node = level.node;
  while (i + 3 < count && structurals[i + 3] < end) {
    const char* at = base + structurals[i];
    KnownKey* key = before->followers[0];
    if (size - structurals[i] < KnownKey::kBytes || key->parent != parent || !key->stands_at(at)) {
      key = expected(*before, parent, i, end);
      if (key == nullptr) break;
    }
    const char* value = base + structurals[i + 2];
    const char* comma = base + structurals[i + 3];
    if (*comma != ',') break;
    const char* value_end = comma;
    while (is_space(value_end[-1])) --value_end;
    if (*value == '"') {
      if (key->keeps_strings) {
        if (out.leaves.size() >= kMaxEventLeaves) break;
        put_leaf(out, value + 1, static_cast<std::uint32_t>(value_end - value - 2), at + 1, key->size, node, key->found,
                 key->found.role == Role::kTransparent ? Role::kShape : key->found.role, Leaf::Escape::kJson, true);
      }
    } else {
      if (!is_scalar(value, value_end, static_cast<std::size_t>(value_end - base))) break;
      if (key->keeps_scalars) {
        if (out.leaves.size() >= kMaxEventLeaves) break;
        put_leaf(out, value, static_cast<std::uint32_t>(value_end - value), at + 1, key->size, node, key->found,
                 key->found.role, Leaf::Escape::kNone, false);
      }
    }
    if (key->found.mark != Format::kText) out.mark = key->found.mark;
    before = key;
    i += 4;
  }
  return i;
}

// Windows events that were XML hold their data as {"@Name": "Image", "#text": "C:\\…"} or {"#attributes": {"Name": …},
// "#text": …} under the key "Data": the text is the field that the name says, in the container `around`.
void JsonWalker::Impl::name_data(const Level& level, std::uint64_t around, EventStorage& out) const {
  const Node& node = out.nodes[level.node];
  if (node.key_size != 4 || std::memcmp(node.key, "Data", 4) != 0 || out.leaves.size() != level.first_leaf + 2) return;
  const auto is = [](const auto& one, std::string_view key) { return std::string_view(one.key, one.key_size) == key; };
  const Leaf& first = out.leaves[level.first_leaf];
  Leaf& text = out.leaves[level.first_leaf + 1];
  const bool names = first.parent == level.node ? is(first, "@Name")
                                                : is(first, "Name") && is(out.nodes[first.parent], "#attributes") &&
                                                      out.nodes[first.parent].parent == level.node;
  if (!names || !first.quoted || first.size == 0 || std::memchr(first.value, '\\', first.size) != nullptr ||
      text.parent != level.node || !is(text, "#text"))
    return;
  const FieldMap::Found found = map->locate(around, first.raw()).found;
  text.key = first.value;
  text.key_size = first.size;
  text.parent = node.parent;
  text.field = found.field;
  text.role = found.role == Role::kTransparent ? Role::kShape : found.role;
  out.leaves.erase(out.leaves.begin() + static_cast<std::ptrdiff_t>(level.first_leaf));
}

const char* JsonWalker::Impl::walk(std::size_t begin, std::size_t end, EventStorage& out) {
  out.clear();
  while (next < count && structurals[next] < begin) ++next;
  const char* wrong = walk_object(end, out);
  if (wrong == nullptr && position(next) < end) wrong = "text after the object";
  while (next < count && structurals[next] < end) ++next;
  return wrong;
}

const char* JsonWalker::Impl::walk_object(std::size_t end, EventStorage& out) {
  std::size_t i = next;
  const FieldMap& fields = *map;
  KnownKey* before = &no_key;
  std::size_t depth = 0;  // levels[0 … depth) are open
  const auto at = [&](std::size_t k) { return position(k) < end ? base[structurals[k]] : '\0'; };
  constexpr const char* kEndsEarly = "the object ends before its closing brace";

  if (at(i) != '{') return next = i, "not a JSON object";
  ++i;
  levels[depth++] = {FieldMap::kRoot, 0, nullptr, 0, 0, false, {}};

  while (true) {
    // Here: just after '{' or '[', or after ',' (both look alike but for the empty container, handled at opening).
    Level& level = levels[depth - 1];
    const char* key = level.key;
    std::uint32_t key_size = level.key_size;
    std::uint64_t path = level.element;
    FieldMap::Found found = level.found;
    if (!level.array) {
      i = walk_expected(level, before, i, end, out);
      const char c = at(i);
      if (c == '}' && base[structurals[i - 1]] == '{') {  // empty object
        ++i;
        --depth;
        goto closed;
      }
      if (KnownKey* expect = expected(*before, level.path, i, end)) {
        before = expect;
        key = base + structurals[i] + 1;
        key_size = expect->size;
        path = expect->path;
        found = expect->found;
        i += 2;
      } else {
        if (c != '"') return next = i, c == '\0' ? kEndsEarly : "a key was expected";
        key = base + structurals[i] + 1;
        const std::size_t key_end = token_end(i);
        key_size = static_cast<std::uint32_t>(base + key_end - 1 - key);
        if (at(i + 1) != ':') return next = i, at(i + 1) == '\0' ? kEndsEarly : "a colon was expected after the key";
        i += 2;
        FieldMap::Spot spot = fields.locate(level.path, {key, key_size});
        const bool escaped = spot.found.role == Role::kShape && std::memchr(key, '\\', key_size) != nullptr;
        if (escaped) {
          std::string& plain = out.keys.emplace_back();
          unescape_json({key, key_size}, plain);
          key = plain.data();
          key_size = static_cast<std::uint32_t>(plain.size());
          spot = fields.locate(level.path, plain);
        }
        path = spot.path;
        found = spot.found;
        if (!escaped) before = learn(*before, level.path, {key, key_size}, path, found);
      }
      if (found.mark != Format::kText) out.mark = found.mark;
    } else if (at(i) == ']' && base[structurals[i - 1]] == '[') {  // empty array
      ++i;
      --depth;
      goto closed;
    }

    switch (at(i)) {
      case '\0':
        return next = i, kEndsEarly;
      case '{':
      case '[': {
        if (depth == kMaxJsonDepth) return next = i, "nested too deeply";
        const bool array = at(i) == '[';
        Level& inner = levels[depth];
        if (array) {
          inner = {level.path, path, key, key_size, level.node, true, found};
        } else {
          if (out.nodes.size() >= kMaxEventLeaves) return next = i, "too many fields in one event";
          const auto node = static_cast<std::uint16_t>(out.nodes.size());
          out.nodes.push_back({key, key_size, level.node});
          inner = {
              found.role == Role::kTransparent ? level.path : path, 0, nullptr, 0, node, false, {}, out.leaves.size()};
        }
        ++depth;
        ++i;
        continue;
      }
      case '"': {
        const char* value = base + structurals[i] + 1;
        const auto value_size = static_cast<std::uint32_t>(base + token_end(i) - 1 - value);
        if (keeps_string(found)) {
          if (out.leaves.size() >= kMaxEventLeaves) return next = i, "too many fields in one event";
          put_leaf(out, value, value_size, key, key_size, level.node, found,
                   found.role == Role::kTransparent ? Role::kShape : found.role, Leaf::Escape::kJson, true);
        }
        ++i;
        break;
      }
      case '}':
      case ']':
      case ',':
      case ':':
        return next = i, "a value was expected";
      default: {
        const char* value = base + structurals[i];
        const char* value_end = base + token_end(i);
        if (!is_scalar(value, value_end, static_cast<std::size_t>(value_end - base)))
          return next = i, "not a number, true, false or null";
        if (keeps_scalar(found)) {
          if (out.leaves.size() >= kMaxEventLeaves) return next = i, "too many fields in one event";
          put_leaf(out, value, static_cast<std::uint32_t>(value_end - value), key, key_size, level.node, found,
                   found.role, Leaf::Escape::kNone, false);
        }
        ++i;
      }
    }

  closed:
    while (true) {  // after a value
      if (depth == 0) {
        next = i;
        return nullptr;
      }
      const char c = at(i);
      if (c == ',') {
        ++i;
        break;
      }
      if (c == '\0') return next = i, kEndsEarly;
      if (c != (levels[depth - 1].array ? ']' : '}')) return next = i, "a comma or the container's end was expected";
      if (c == '}' && depth >= 2) name_data(levels[depth - 1], levels[depth - 2].path, out);
      ++i;
      --depth;
    }
  }
}

JsonWalker::JsonWalker(FieldMapPtr map, bool everything) : impl_(std::make_unique<Impl>(std::move(map), everything)) {}
JsonWalker::~JsonWalker() = default;
void JsonWalker::use(FieldMapPtr map) {
  impl_->map = std::move(map);
  impl_->known.clear();
}
bool JsonWalker::index(std::string_view run) { return impl_->index(run); }
const char* JsonWalker::walk(std::size_t begin, std::size_t end, EventStorage& out) {
  return impl_->walk(begin, end, out);
}

}  // namespace bongsu::telemetry
