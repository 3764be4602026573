#include "ledger/checkpoint.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "ledger/text_lines.h"

namespace bongsu::ledger {
namespace {

constexpr std::string_view kProofHeader = "c2sp.org/tlog-proof@v1";
constexpr std::size_t kMaxExtensions = 16;

std::unexpected<Error> invalid(std::uint64_t line, std::string why) {
  return fail(ErrorCode::kInvalid, std::move(why), {.line = line});
}

}  // namespace

std::string Checkpoint::text() const {
  std::string out = fmt::format("{}\n{}\n{}\n", origin, size, hash_text(root));
  for (const auto& line : extensions) out += line + "\n";
  return out;
}

Result<Checkpoint> Checkpoint::parse(std::string_view rest) {
  Checkpoint checkpoint;
  const auto origin = take_line(rest), size = take_line(rest), root = take_line(rest);
  if (!origin || origin->empty()) return invalid(1, "a checkpoint begins with the log's origin");
  if (!is_key_name(*origin)) return invalid(1, "the origin of a checkpoint has no spaces, plus or control characters");
  checkpoint.origin = *origin;
  const auto number = size ? parse_decimal(*size) : std::nullopt;
  if (!number || *number > kMaxLogSize) return invalid(2, "the second line of a checkpoint is the size in decimal");
  checkpoint.size = *number;
  const auto hash = root ? parse_hash(*root) : std::nullopt;
  if (!hash) return invalid(3, "the third line of a checkpoint is the root in base64");
  checkpoint.root = *hash;
  while (!rest.empty()) {
    const auto line = take_line(rest);
    if (!line || line->empty()) return invalid(4 + checkpoint.extensions.size(), "an extension line is not empty");
    if (checkpoint.extensions.size() == kMaxExtensions)
      return fail(ErrorCode::kTooLarge, fmt::format("a checkpoint has at most {} extension lines", kMaxExtensions));
    checkpoint.extensions.emplace_back(*line);
  }
  return checkpoint;
}

std::string Proof::text() const {
  std::string out = fmt::format("{}\n", kProofHeader);
  if (!extra.empty()) out += fmt::format("extra {}\n", to_base64(as_bytes(extra)));
  out += fmt::format("index {}\n", index);
  for (const Hash& hash : path) out += hash_text(hash) + "\n";
  return out + "\n" + checkpoint.whole();
}

Result<Proof> Proof::parse(std::string_view rest) {
  if (rest.size() > kMaxProofBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a proof has at most {} bytes", kMaxProofBytes));
  Proof proof;
  std::uint64_t number = 1;
  if (take_line(rest) != kProofHeader) return invalid(number, fmt::format("a proof begins with \"{}\"", kProofHeader));
  auto line = take_line(rest);
  ++number;
  if (line && line->starts_with("extra ")) {
    auto extra = from_base64(line->substr(6));
    if (!extra || extra->empty()) return invalid(number, "extra data are in base64");
    proof.extra = std::move(*extra);
    line = take_line(rest);
    ++number;
  }
  if (!line || !line->starts_with("index ")) return invalid(number, "the line \"index N\" is missing");
  const auto index = parse_decimal(line->substr(6));
  if (!index) return invalid(number, "an index is a decimal number");
  proof.index = *index;
  for (;;) {
    line = take_line(rest);
    ++number;
    if (!line) return invalid(number, "an empty line and a checkpoint follow the hashes");
    if (line->empty()) break;
    const auto hash = parse_hash(*line);
    if (!hash) return invalid(number, "a line of the path is a hash in base64");
    if (proof.path.size() == kMaxProofHashes) return fail(ErrorCode::kTooLarge, "an inclusion proof has at most 63 hashes");
    proof.path.push_back(*hash);
  }
  auto note = Note::parse(rest);
  if (!note) {
    note.error().where.line += number;
    return std::unexpected(note.error());
  }
  proof.checkpoint = std::move(*note);
  return proof;
}

Result<Proof::Verified> Proof::verify(std::string_view entry, std::span<const VerifierKey> trusted) const {
  BONGSU_TRY(auto by, checkpoint.verify(trusted));
  BONGSU_TRY(auto head, Checkpoint::parse(checkpoint.text));
  BONGSU_TRY_VOID(verify_inclusion(index, head.size, leaf_hash(entry), path, head.root));
  return Verified{std::move(head), std::move(by)};
}

}  // namespace bongsu::ledger
