#include "detect/pattern/triggers.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/hash.h"
#include "detect/pattern/text_triggers.h"

namespace bongsu::detect {
namespace {

using stix::ComparisonOperator;
using stix::Literal;
using Kind = ObservedValue::Kind;

enum Seed : std::uint64_t { kText = 1, kNumber, kTime, kBlock4, kBlock6 };

std::uint64_t key(std::uint32_t path, Seed seed, std::string_view value) {
  return hash64(value, std::uint64_t{path} << 8 | seed) | 1;  // 0 is an empty slot
}
std::uint64_t number_key(std::uint32_t path, long double value) {
  // Equal numbers have one key, whatever their type.
  const auto d = static_cast<double>(value == 0 ? 0 : value);
  return key(path, kNumber, {reinterpret_cast<const char*>(&d), sizeof d});
}
std::uint64_t block_key(std::uint32_t path, const AddressBlock& block, int prefix) {
  std::array<std::uint8_t, 17> bytes{};
  const int whole = prefix / 8;
  std::copy_n(block.bytes.begin(), whole, bytes.begin());
  if (prefix % 8 != 0)
    bytes[static_cast<std::size_t>(whole)] =
        static_cast<std::uint8_t>(block.bytes[static_cast<std::size_t>(whole)] & 0xff << (8 - prefix % 8));
  bytes[16] = static_cast<std::uint8_t>(prefix);
  return key(path, block.v6 ? kBlock6 : kBlock4, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool is_number(const Literal& l) { return l.kind == Literal::Kind::kInteger || l.kind == Literal::Kind::kFloat; }
bool is_octets(const Literal& l) { return l.kind == Literal::Kind::kBinary || l.kind == Literal::Kind::kHex; }
long double number_of(const Literal& l) {
  return l.kind == Literal::Kind::kInteger ? static_cast<long double>(l.integer) : static_cast<long double>(l.number);
}

bool is_equality(const Atom& atom) {
  return !atom.negated && (atom.op == ComparisonOperator::kEqual || atom.op == ComparisonOperator::kIn) &&
         atom.constants.front().kind != Literal::Kind::kBoolean;
}
bool is_order(const Atom& atom) {
  return !atom.negated && is_number(atom.constants.empty() ? Literal{} : atom.constants.front()) &&
         (atom.op == ComparisonOperator::kGreater || atom.op == ComparisonOperator::kLess ||
          atom.op == ComparisonOperator::kGreaterEqual || atom.op == ComparisonOperator::kLessEqual);
}
bool is_text(const Atom& atom) {
  return !atom.negated && !atom.octets &&
         (atom.op == ComparisonOperator::kLike || atom.op == ComparisonOperator::kMatches);
}

constexpr double kAlways = 1000;

}  // namespace

Triggers::Triggers() = default;
Triggers::~Triggers() = default;

void Triggers::count(const Atom& atom) {
  if (is_equality(atom)) values_of_path_[atom.path] += atom.constants.size();
}

double Triggers::cost(const Atom& atom) const {
  if (is_equality(atom)) {
    // A path of which the patterns name many values is one whose values say much.
    const auto known = values_of_path_.find(atom.path);
    const double values = known == values_of_path_.end() ? 1 : static_cast<double>(known->second);
    double each = 1 + 50 / values;
    for (const Literal& constant : atom.constants)
      if (is_number(constant) || constant.text.size() < 4) each = std::max(each, 20.0);
    return each * static_cast<double>(atom.constants.size());
  }
  if (atom.op == ComparisonOperator::kIsSubset && !atom.negated)
    return 5 + (atom.block->v6 ? 128 : 32) - atom.block->prefix;
  if (is_text(atom)) return TextTriggers::cost(atom);
  if (is_order(atom)) return 300;
  return kAlways;
}

Triggers::Path& Triggers::path(std::uint32_t id) {
  if (id >= paths_.size()) paths_.resize(id + 1);
  if (id >= wanted_.size()) wanted_.resize(id + 1);
  wanted_[id] = true;
  return paths_[id];
}

void Triggers::post(std::uint64_t hash, std::uint32_t expression) { pending_.emplace_back(hash, expression); }

void Triggers::add(const Atom& atom, std::uint32_t expression) {
  Path& p = path(atom.path);
  if (is_equality(atom)) {
    for (std::size_t i = 0; i < atom.constants.size(); ++i) {
      const Literal& constant = atom.constants[i];
      if (is_number(constant)) {
        p.equal_number = true;
        post(number_key(atom.path, number_of(constant)), expression);
      } else if (constant.kind == Literal::Kind::kTimestamp) {
        p.equal_time = true;
        post(key(atom.path, kTime, atom.times[i].key()), expression);
      } else {
        p.equal_text = true;
        // Values of a binary property are octets, but of a dictionary's key they may be text.
        std::string text = constant.text;
        if (is_octets(constant)) {
          const std::string as_text = text_of_octets(text);
          if (!atom.octets) {
            text = as_text;
          } else if (as_text != text) {
            post(key(atom.path, kText, as_text), expression);
          }
        } else if (atom.octets && atom.octet_constants[i] && *atom.octet_constants[i] != text) {
          post(key(atom.path, kText, *atom.octet_constants[i]), expression);
        }
        post(key(atom.path, kText, text), expression);
      }
    }
    return;
  }
  if (atom.op == ComparisonOperator::kIsSubset && !atom.negated) {
    const AddressBlock& block = *atom.block;
    if (block.v6) {
      p.v6_prefixes[block.prefix / 64] |= std::uint64_t{1} << block.prefix % 64;
    } else {
      p.v4_prefixes |= std::uint64_t{1} << block.prefix;
    }
    post(block_key(atom.path, block, block.prefix), expression);
    return;
  }
  if (is_order(atom)) {
    if (!p.bounds) p.bounds = std::make_unique<Bounds>();
    auto& list = atom.op == ComparisonOperator::kGreater        ? p.bounds->below
                 : atom.op == ComparisonOperator::kGreaterEqual ? p.bounds->below_or_equal
                 : atom.op == ComparisonOperator::kLess         ? p.bounds->above
                                                                : p.bounds->above_or_equal;
    list.emplace_back(number_of(atom.constants.front()), expression);
    return;
  }
  if (is_text(atom)) {
    if (!p.text) p.text = std::make_unique<TextTriggers>();
    if (p.text->add(atom, expression)) return;
  }
  p.always.push_back(expression);
}

void Triggers::add_type(std::string_view type, std::uint32_t expression) {
  types_[std::string(type)].push_back(expression);
}

Result<void> Triggers::build(std::size_t paths) {
  wanted_.resize(paths);
  paths_.resize(paths);
  values_of_path_.clear();
  std::ranges::sort(pending_);
  pending_.erase(std::unique(pending_.begin(), pending_.end()), pending_.end());
  postings_.reserve(pending_.size());
  const std::size_t slots = std::bit_ceil(pending_.size() * 2 + 16);
  slots_.assign(slots, {});
  slot_mask_ = slots - 1;
  filter_.assign(std::bit_ceil(pending_.size() * 16 / 64 + 16), 0);  // 16 bits a value
  filter_mask_ = filter_.size() * 64 - 1;
  for (std::size_t i = 0; i < pending_.size();) {
    const std::uint64_t hash = pending_[i].first;
    const auto first = static_cast<std::uint32_t>(postings_.size());
    for (; i < pending_.size() && pending_[i].first == hash; ++i) postings_.push_back(pending_[i].second);
    std::size_t at = hash >> 20 & slot_mask_;
    while (slots_[at].size != 0) at = (at + 1) & slot_mask_;
    slots_[at] = {hash, first, static_cast<std::uint32_t>(postings_.size() - first)};
    const std::uint64_t bit = hash >> 8 & filter_mask_;
    filter_[bit / 64] |= std::uint64_t{1} << bit % 64;
  }
  pending_ = {};
  for (Path& p : paths_) {
    if (p.bounds) {
      std::ranges::sort(p.bounds->below);
      std::ranges::sort(p.bounds->below_or_equal);
      std::ranges::sort(p.bounds->above, std::greater<>());
      std::ranges::sort(p.bounds->above_or_equal, std::greater<>());
    }
    if (p.text) BONGSU_TRY_VOID(p.text->build());
  }
  return {};
}

void Triggers::look_up(std::uint64_t hash, std::vector<std::uint32_t>& expressions) const {
  const std::uint64_t bit = hash >> 8 & filter_mask_;
  if ((filter_[bit / 64] >> bit % 64 & 1) == 0) return;
  for (std::size_t at = hash >> 20 & slot_mask_; slots_[at].size != 0; at = (at + 1) & slot_mask_) {
    const Slot& slot = slots_[at];
    if (slot.hash != hash) continue;
    expressions.insert(expressions.end(), postings_.begin() + slot.first, postings_.begin() + slot.first + slot.size);
    return;
  }
}

void Triggers::find(std::uint32_t id, const ValueView& value, Scratch& scratch,
                    std::vector<std::uint32_t>& expressions) const {
  const Path& p = paths_[id];
  expressions.insert(expressions.end(), p.always.begin(), p.always.end());
  if (value.kind == Kind::kString || value.kind == Kind::kBinary) {
    if (p.equal_text) look_up(key(id, kText, value.text), expressions);
    if (value.kind == Kind::kBinary) return;
    if (p.equal_time)
      if (const auto when = stix::Timestamp::parse(value.text)) look_up(key(id, kTime, when->key()), expressions);
    if (p.v4_prefixes != 0 || (p.v6_prefixes[0] | p.v6_prefixes[1] | p.v6_prefixes[2]) != 0) {
      if (const auto block = block_of(value.text)) {
        if (block->v6) {
          for (int n = 0; n <= block->prefix; ++n)
            if ((p.v6_prefixes[static_cast<std::size_t>(n / 64)] >> n % 64 & 1) != 0)
              look_up(block_key(id, *block, n), expressions);
        } else {
          for (std::uint64_t rest = p.v4_prefixes; rest != 0; rest &= rest - 1)
            if (const int n = std::countr_zero(rest); n <= block->prefix)
              look_up(block_key(id, *block, n), expressions);
        }
      }
    }
    if (p.text) p.text->find(value.text, scratch, expressions);
    return;
  }
  if (value.kind != Kind::kInteger && value.kind != Kind::kFloat) return;
  const long double number =
      value.kind == Kind::kInteger ? static_cast<long double>(value.integer) : static_cast<long double>(value.number);
  if (p.equal_number) look_up(number_key(id, number), expressions);
  if (p.bounds) {
    for (const auto& [bound, expression] : p.bounds->below) {
      if (!(number > bound)) break;
      expressions.push_back(expression);
    }
    for (const auto& [bound, expression] : p.bounds->below_or_equal) {
      if (!(number >= bound)) break;
      expressions.push_back(expression);
    }
    for (const auto& [bound, expression] : p.bounds->above) {
      if (!(number < bound)) break;
      expressions.push_back(expression);
    }
    for (const auto& [bound, expression] : p.bounds->above_or_equal) {
      if (!(number <= bound)) break;
      expressions.push_back(expression);
    }
  }
}

void Triggers::find_type(std::string_view type, std::vector<std::uint32_t>& expressions) const {
  if (types_.empty()) return;
  if (const auto at = types_.find(std::string(type)); at != types_.end())
    expressions.insert(expressions.end(), at->second.begin(), at->second.end());
}

}  // namespace bongsu::detect
