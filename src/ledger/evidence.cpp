#include "ledger/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "ledger/text_lines.h"

namespace bongsu::ledger {
namespace {

constexpr std::size_t kMaxProblems = 1000;

Result<Opening> parse_opening(const Json& json) {
  const auto salt = string_at(json, "salt"), content = string_at(json, "content");
  if (!salt || !content) return fail(ErrorCode::kInvalid, "an opening has salt and content");
  BONGSU_TRY(const std::string bytes, from_base64(*salt));
  Opening opening;
  if (bytes.size() != opening.salt.size()) return fail(ErrorCode::kInvalid, "a salt has 32 bytes");
  std::copy(bytes.begin(), bytes.end(), opening.salt.begin());
  opening.content = *content;
  return opening;
}

// Signed by the log itself, and by each witness that is demanded.
Result<void> check_signers(const Checkpoint& head, const std::vector<Signed>& by, std::span<const std::string> witnesses) {
  const auto has = [&](std::string_view name, SignatureType type) { return std::ranges::any_of(by, [&](const Signed& s) { return s.name == name && s.type == type; }); };
  if (!has(head.origin, SignatureType::kEd25519)) return fail(ErrorCode::kDenied, fmt::format("the checkpoint of \"{}\" is not signed by that log's key", head.origin));
  for (const auto& witness : witnesses)
    if (!has(witness, SignatureType::kCosignature)) return fail(ErrorCode::kDenied, fmt::format("the checkpoint is not cosigned by \"{}\"", witness));
  return {};
}

class Checker {
 public:
  Checker(std::span<const VerifierKey> trusted, std::span<const std::string> witnesses) : trusted_(trusted), witnesses_(witnesses) {}

  Result<CheckedItem> item(const Json& json) {
    const auto entry = string_at(json, "entry"), text = string_at(json, "proof");
    if (!entry || !text) return fail(ErrorCode::kInvalid, "an item has an entry and a proof");
    BONGSU_TRY(const Proof proof, Proof::parse(*text));
    BONGSU_TRY(auto verified, proof.verify(*entry, trusted_));
    BONGSU_TRY_VOID(check_signers(verified.checkpoint, verified.by, witnesses_));
    BONGSU_TRY_VOID(note(verified.checkpoint));
    CheckedItem item{.origin = verified.checkpoint.origin, .index = proof.index, .leaf = {}, .content = {}, .by = std::move(verified.by)};
    BONGSU_TRY(item.leaf, Leaf::parse(*entry));
    if (const Json* opening = find(json, "opening"); opening != nullptr && !opening->is_null()) {
      BONGSU_TRY(auto opened, parse_opening(*opening));
      BONGSU_TRY_VOID(check_opening(item.leaf, opened));
      item.content = std::move(opened.content);
    }
    return item;
  }

  Result<void> consistency(const Json& json) {
    BONGSU_TRY(const Checkpoint before, head(json, "old"));
    BONGSU_TRY(const Checkpoint after, head(json, "new"));
    if (before.origin != after.origin) return fail(ErrorCode::kDenied, "the two checkpoints are of two logs");
    std::vector<Hash> proof;
    if (const Json* list = find(json, "proof"); list != nullptr && list->is_array()) {
      for (const Json& line : list->as_array()) {
        const auto hash = line.is_string() ? parse_hash(std::string_view(line.as_string())) : std::nullopt;
        if (!hash || proof.size() == kMaxProofHashes) return fail(ErrorCode::kInvalid, "a consistency proof is a list of at most 63 hashes in base64");
        proof.push_back(*hash);
      }
    }
    if (before.size == 0) return fail(ErrorCode::kInvalid, "from an empty log every log follows: there is nothing to prove");
    return verify_consistency(before.size, after.size, before.root, after.root, proof);
  }

 private:
  Result<Checkpoint> head(const Json& json, std::string_view field) {
    const auto text = string_at(json, field);
    if (!text) return fail(ErrorCode::kInvalid, "a pair of checkpoints has old and new", {.field = std::string(field)});
    BONGSU_TRY(const Note note_, Note::parse(*text));
    BONGSU_TRY(const auto by, note_.verify(trusted_));
    BONGSU_TRY(Checkpoint checkpoint, Checkpoint::parse(note_.text));
    BONGSU_TRY_VOID(check_signers(checkpoint, by, witnesses_));
    BONGSU_TRY_VOID(note(checkpoint));
    return checkpoint;
  }

  Result<void> note(const Checkpoint& checkpoint) {
    const auto [at, fresh] = seen_.try_emplace({checkpoint.origin, checkpoint.size}, checkpoint.root);
    if (!fresh && at->second != checkpoint.root) return fail(ErrorCode::kDenied, fmt::format("\"{}\" signed two histories of {} entries", checkpoint.origin, checkpoint.size));
    return {};
  }

  std::span<const VerifierKey> trusted_;
  std::span<const std::string> witnesses_;
  std::map<std::pair<std::string, std::uint64_t>, Hash> seen_;
};

}  // namespace

Result<JsonObject> evidence_item(const Store& store, std::string_view log, std::uint64_t index) {
  BONGSU_TRY(const Proof proof, store.proof(log, index));
  BONGSU_TRY(std::string entry, store.entry(log, index));
  BONGSU_TRY(const Opening opening, store.opening(log, index));
  JsonObject item{{"log", log}, {"entry", std::move(entry)}, {"opening", nullptr}, {"proof", proof.text()}};
  if (!opening.erased) item["opening"] = JsonObject{{"salt", to_base64(opening.salt)}, {"content", opening.content}};
  return item;
}

JsonObject evidence_document(JsonArray items, JsonArray consistency, std::span<const VerifierKey> keys) {
  JsonArray names;
  for (const auto& key : keys) names.emplace_back(key.text());
  return {{"format", kEvidenceFormat}, {"keys", std::move(names)}, {"items", std::move(items)}, {"consistency", std::move(consistency)}};
}

Result<Checked> check_evidence(const Json& document, std::span<const VerifierKey> trusted, std::span<const std::string> witnesses) {
  if (string_at(document, "format") != kEvidenceFormat) return fail(ErrorCode::kInvalid, fmt::format("is no evidence of a ledger: \"format\" is not \"{}\"", kEvidenceFormat), {.field = "format"});
  Checked checked;
  Checker checker(trusted, witnesses);
  const auto each = [&](const char* field, const auto& work) -> Result<void> {
    const Json* list = find(document, field);
    if (list == nullptr || list->is_null()) return {};
    if (!list->is_array()) return fail(ErrorCode::kInvalid, "is no list", {.field = field});
    for (std::size_t i = 0; i < list->as_array().size(); ++i)
      if (auto done = work(list->as_array()[i]); !done && checked.problems.size() < kMaxProblems) checked.problems.push_back(fmt::format("{}[{}]: {}", field, i, done.error().text()));
    return {};
  };
  BONGSU_TRY_VOID(each("items", [&](const Json& json) -> Result<void> {
    BONGSU_TRY(auto item, checker.item(json));
    checked.items.push_back(std::move(item));
    return {};
  }));
  BONGSU_TRY_VOID(each("consistency", [&](const Json& json) -> Result<void> {
    BONGSU_TRY_VOID(checker.consistency(json));
    ++checked.consistent;
    return {};
  }));
  return checked;
}

Result<Checkpoint> check_tiles(Files& files, std::span<const VerifierKey> trusted, std::vector<Signed>* by) {
  BONGSU_TRY(const std::string text, files.read("checkpoint"));
  auto note = Note::parse(text);
  if (!note) {
    note.error().where.source = "checkpoint";
    return std::unexpected(note.error());
  }
  BONGSU_TRY(auto signers, note->verify(trusted));
  BONGSU_TRY(Checkpoint head, Checkpoint::parse(note->text));
  BONGSU_TRY_VOID(check_signers(head, signers, {}));
  Tree tree;
  std::vector<std::vector<Hash>> levels;  // of the tiles that are not full yet
  const auto tile_is = [&](const TileName& name, const std::vector<Hash>& hashes) -> Result<void> {
    const std::string path = tile_path(name);
    BONGSU_TRY(const std::string bytes, files.read(path));
    if (bytes != tile_bytes(hashes)) return fail(ErrorCode::kDenied, "has other hashes than the entries below it", {.source = path});
    return {};
  };
  for (std::uint64_t index = 0; index * kTileWidth < head.size; ++index) {
    const auto width = static_cast<unsigned>(std::min<std::uint64_t>(kTileWidth, head.size - index * kTileWidth));
    const std::string path = tile_path({.entries = true, .level = 0, .index = index, .width = width});
    BONGSU_TRY(const std::string bytes, files.read(path));
    auto entries = parse_bundle(bytes, width);
    if (!entries) {
      entries.error().where.source = path;
      return std::unexpected(entries.error());
    }
    if (levels.empty()) levels.emplace_back();
    for (const auto& entry : *entries) {
      levels[0].push_back(leaf_hash(entry));
      tree.append(levels[0].back());
    }
    for (unsigned level = 0; level < levels.size() && levels[level].size() == kTileWidth; ++level) {
      BONGSU_TRY_VOID(tile_is({.level = level, .index = (hashes_at_level(tree.size(), level) - 1) / kTileWidth}, levels[level]));
      Tree full;
      for (const Hash& hash : levels[level]) full.append(hash);
      levels[level].clear();
      if (level + 1 == levels.size()) levels.emplace_back();
      levels[level + 1].push_back(full.root());
    }
  }
  for (unsigned level = 0; level < levels.size(); ++level)
    if (!levels[level].empty())
      BONGSU_TRY_VOID(tile_is({.level = level, .index = hashes_at_level(head.size, level) / kTileWidth, .width = static_cast<unsigned>(levels[level].size())}, levels[level]));
  if (tree.root() != head.root) return fail(ErrorCode::kDenied, "the entries do not have the root that was signed", {.source = "checkpoint"});
  if (by != nullptr) *by = std::move(signers);
  return head;
}

}  // namespace bongsu::ledger
