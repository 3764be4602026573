#include "ledger/witness.h"

#include <fmt/format.h>

#include "ledger/text_lines.h"

namespace bongsu::ledger {
namespace {

WitnessAnswer refuse(int status, std::string why) { return {.status = status, .body = std::move(why) + "\n"}; }
WitnessAnswer conflict(std::uint64_t size) { return {.status = 409, .body = fmt::format("{}\n", size), .content_type = std::string(kSizeType)}; }

}  // namespace

std::string add_checkpoint_request(const AddCheckpoint& request) {
  std::string out = fmt::format("old {}\n", request.old_size);
  for (const Hash& hash : request.proof) out += hash_text(hash) + "\n";
  return out + "\n" + request.checkpoint.whole();
}

Result<AddCheckpoint> parse_add_checkpoint(std::string_view rest) {
  if (rest.size() > kMaxAddCheckpointBytes) return fail(ErrorCode::kTooLarge, fmt::format("a request has at most {} bytes", kMaxAddCheckpointBytes));
  AddCheckpoint request;
  std::uint64_t number = 1;
  const auto invalid = [&](std::string why) { return fail(ErrorCode::kInvalid, std::move(why), {.line = number}); };
  auto line = take_line(rest);
  if (!line || !line->starts_with("old ")) return invalid("a request begins with \"old N\"");
  const auto old_size = parse_decimal(line->substr(4));
  if (!old_size) return invalid("the old size is a decimal number");
  request.old_size = *old_size;
  for (;;) {
    line = take_line(rest);
    ++number;
    if (!line) return invalid("an empty line and a checkpoint follow the proof");
    if (line->empty()) break;
    const auto hash = parse_hash(*line);
    if (!hash) return invalid("a line of the proof is a hash in base64");
    if (request.proof.size() == kMaxProofHashes) return fail(ErrorCode::kTooLarge, "a consistency proof has at most 63 hashes");
    request.proof.push_back(*hash);
  }
  auto note = Note::parse(rest);
  if (!note) {
    note.error().where.line += number;
    return std::unexpected(note.error());
  }
  request.checkpoint = std::move(*note);
  return request;
}

WitnessAnswer Witness::add_checkpoint(std::string_view body, const KeysOf& keys_of) {
  const auto request = parse_add_checkpoint(body);
  if (!request) return refuse(400, request.error().text());
  const auto head = Checkpoint::parse(request->checkpoint.text);
  if (!head) return refuse(400, head.error().text());
  const auto keys = keys_of(head->origin);
  if (keys.empty()) return refuse(404, "no such log is known here");
  if (const auto by = request->checkpoint.verify(keys); !by) return refuse(403, by.error().message);

  const std::lock_guard lock(mutex_);
  const auto stored = record_.newest(head->origin);
  if (!stored) return refuse(503, "the record of cosigned checkpoints cannot be read now");
  std::string newest;
  Checkpoint before{.origin = head->origin, .size = 0, .root = empty_root(), .extensions = {}};
  if (*stored) {
    newest = **stored;
    const auto note = Note::parse(newest);
    const auto read = note ? Checkpoint::parse(note->text) : Result<Checkpoint>(std::unexpected(note.error()));
    if (!read) return refuse(500, "the record of cosigned checkpoints is damaged");
    before = *read;
  }
  // Seen at any old size: two roots of one size are two histories, whatever the request claims to continue.
  if (*stored && head->size == before.size && head->root != before.root) {
    WitnessAnswer answer = conflict(before.size);
    answer.forked = Fork{.origin = head->origin, .reason = fmt::format("two checkpoints of {} entries have different roots", head->size), .first = newest, .second = request->checkpoint.whole()};
    return answer;
  }
  if (request->old_size > head->size) return refuse(400, "the old size is larger than the checkpoint's");
  if (request->old_size != before.size) {
    WitnessAnswer answer = conflict(before.size);
    if (head->size < before.size)
      answer.rolled_back = Fork{.origin = head->origin, .reason = fmt::format("{} entries were cosigned, {} are shown", before.size, head->size), .first = newest, .second = request->checkpoint.whole()};
    return answer;
  }
  if (before.size == 0) {
    if (!request->proof.empty()) return refuse(422, "the proof from an empty log is empty");
    if (head->size == 0 && head->root != empty_root()) return refuse(422, "the root of an empty log is the hash of nothing");
  } else if (auto continues = verify_consistency(before.size, head->size, before.root, head->root, request->proof); !continues) {
    WitnessAnswer answer = refuse(422, continues.error().message);
    answer.forked = Fork{.origin = head->origin, .reason = fmt::format("the history of {} entries is not shown to continue the one of {} that was cosigned: {}", head->size, before.size, continues.error().message),
                         .first = newest, .second = request->checkpoint.whole()};
    return answer;
  }
  const std::int64_t now = clock_.now().seconds;
  auto signature = cosign_note(request->checkpoint.text, options_.name, options_.key, static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0)));
  if (!signature) return refuse(500, signature.error().message);
  // Only the log's own signatures are kept beside it: what others wrote into the note was not looked at.
  Note kept{.text = request->checkpoint.text, .signatures = {}};
  for (const auto& s : request->checkpoint.signatures)
    for (const auto& key : keys)
      if (s.name == key.name && s.id == key.id()) kept.signatures.push_back(s);
  if (auto put = record_.put(head->origin, kept.whole()); !put) return refuse(503, "the checkpoint cannot be recorded now");
  return {.status = 200, .body = signature->line()};
}

WitnessSays read_add_checkpoint(int status, std::string_view body, const Note& checkpoint, const VerifierKey& witness) {
  WitnessSays says;
  if (status == 200) {
    std::string_view rest = body.substr(0, kMaxNoteBytes);
    for (std::size_t lines = 0; !rest.empty() && lines < kMaxSignatures; ++lines) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) break;
      auto signature = NoteSignature::parse(rest.substr(0, end + 1));
      rest.remove_prefix(end + 1);
      if (!signature || signature->name != witness.name || signature->id != witness.id()) continue;
      Note cosigned{.text = checkpoint.text, .signatures = {std::move(*signature)}};
      if (auto by = cosigned.verify({&witness, 1}); !by) {
        says.reason = by.error().message;
        return says;
      }
      says.note = checkpoint;
      std::erase_if(says.note.signatures, [&](const NoteSignature& s) { return s.name == witness.name && s.id == witness.id(); });
      says.note.signatures.push_back(std::move(cosigned.signatures.front()));
      says.kind = WitnessSays::Kind::kCosigned;
      return says;
    }
    says.reason = "the witness gave no cosignature of its key";
    return says;
  }
  std::string_view rest = body;
  const auto line = take_line(rest);
  if (status == 409) {
    if (const auto size = line && rest.empty() ? parse_decimal(*line) : std::nullopt; size && *size <= kMaxLogSize) {
      says.kind = WitnessSays::Kind::kOtherSize;
      says.size = *size;
      return says;
    }
  }
  says.reason = fmt::format("status {}: {}", status, line.value_or(body).substr(0, 200));
  return says;
}

}  // namespace bongsu::ledger
