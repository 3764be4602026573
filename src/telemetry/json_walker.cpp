#include "telemetry/json_walker.h"

#include <simdjson.h>

#include <cstring>

namespace bongsu::telemetry {
namespace {

constexpr std::size_t kSmallestCapacity = 64 * 1024;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_number(const char* p, const char* end) {
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

bool is_scalar(const char* p, const char* end) {
  switch (*p) {
    case 't':
      return end - p == 4 && std::memcmp(p, "true", 4) == 0;
    case 'f':
      return end - p == 5 && std::memcmp(p, "false", 5) == 0;
    case 'n':
      return end - p == 4 && std::memcmp(p, "null", 4) == 0;
    default:
      return is_number(p, end);
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

// One open container.
struct Level {
  std::uint64_t path;     // hash that its keys extend
  std::uint64_t element;  // arrays: hash of the array's own path
  const char* key;        // arrays: their own key, which is their elements'
  std::uint32_t key_size;
  std::uint16_t node;
  bool array;
  FieldMap::Found found;  // arrays: of their own path
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

  bool index(std::string_view run);
  const char* walk(std::size_t begin, std::size_t end, EventStorage& out);
  const char* walk_object(std::size_t end, EventStorage& out);

  std::size_t position(std::size_t i) const { return i < count ? structurals[i] : size; }
  // Past the last byte of the string or scalar that structural `i` begins.
  std::size_t token_end(std::size_t i) const {
    std::size_t p = position(i + 1);
    while (is_space(base[p - 1])) --p;
    return p;
  }
};

bool JsonWalker::Impl::index(std::string_view run) {
  if (run.empty()) return false;
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
      const char c = at(i);
      if (c == '}' && base[structurals[i - 1]] == '{') {  // empty object
        ++i;
        --depth;
        goto closed;
      }
      if (c != '"') return next = i, c == '\0' ? kEndsEarly : "a key was expected";
      key = base + structurals[i] + 1;
      const std::size_t key_end = token_end(i);
      key_size = static_cast<std::uint32_t>(base + key_end - 1 - key);
      if (at(i + 1) != ':') return next = i, at(i + 1) == '\0' ? kEndsEarly : "a colon was expected after the key";
      i += 2;
      path = FieldMap::extend(level.path, {key, key_size});
      found = fields.find(path, {key, key_size});
      if (found.role == Role::kShape && std::memchr(key, '\\', key_size) != nullptr) {
        std::string& plain = out.keys.emplace_back();
        unescape_json({key, key_size}, plain);
        key = plain.data();
        key_size = static_cast<std::uint32_t>(plain.size());
        path = FieldMap::extend(level.path, plain);
        found = fields.find(path, plain);
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
          inner = {found.role == Role::kTransparent ? level.path : path, 0, nullptr, 0, node, false, {}};
        }
        ++depth;
        ++i;
        continue;
      }
      case '"': {
        const char* value = base + structurals[i] + 1;
        const auto value_size = static_cast<std::uint32_t>(base + token_end(i) - 1 - value);
        if (found.role != Role::kIgnore || found.wanted || everything) {
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
        if (!is_scalar(value, value_end)) return next = i, "not a number, true, false or null";
        if (everything || found.wanted || found.role == Role::kHttpPort ||
            (found.role >= Role::kTime && found.role <= Role::kTimeThird)) {
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
      ++i;
      --depth;
    }
  }
}

JsonWalker::JsonWalker(FieldMapPtr map, bool everything) : impl_(std::make_unique<Impl>(std::move(map), everything)) {}
JsonWalker::~JsonWalker() = default;
void JsonWalker::use(FieldMapPtr map) { impl_->map = std::move(map); }
bool JsonWalker::index(std::string_view run) { return impl_->index(run); }
const char* JsonWalker::walk(std::size_t begin, std::size_t end, EventStorage& out) {
  return impl_->walk(begin, end, out);
}

}  // namespace bongsu::telemetry
