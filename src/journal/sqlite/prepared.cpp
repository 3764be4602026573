#include "journal/sqlite/prepared.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "journal/batch_rules.h"

namespace bongsu::journal::sqlite {
namespace {

constexpr std::size_t kDedupeHashBytes = 16;

// Random bytes drawn beforehand, so that drawing is the only thing done under the lock.
class DrawnRandom final : public Random {
 public:
  explicit DrawnRandom(std::span<const std::uint8_t> drawn) : drawn_(drawn) {}
  void fill(std::span<std::uint8_t> out) override {
    BONGSU_CHECK(out.size() <= drawn_.size());
    std::copy_n(drawn_.begin(), out.size(), out.begin());
    drawn_ = drawn_.subspan(out.size());
  }

 private:
  std::span<const std::uint8_t> drawn_;
};

constexpr std::size_t kKeyAndNonceBytes = 32 + 12;

// Where the payload ends is authenticated with it.
void bind_proof(std::string& context, std::size_t size) {
  context += '\0';
  context += fmt::format("proof {}", size);
}

}  // namespace

Sealed Sealer::seal(std::string_view payload, std::string_view proof, std::string context) {
  std::array<std::uint8_t, kKeyAndNonceBytes> bytes{};
  {
    const std::lock_guard lock(random_mutex_);
    random_.fill(bytes);
  }
  DrawnRandom drawn(bytes);
  crypto::Key256 key = crypto::fresh_key(drawn);
  Sealed out{.proof = proof.size()};
  if (proof.empty()) {
    out.sealed = crypto::seal_payload(key, payload, context);
  } else {
    bind_proof(context, proof.size());
    out.sealed = crypto::seal_payload(key, std::string(payload).append(proof), context);
  }
  out.wrapped = crypto::wrap_key(master_, key, drawn);
  explicit_bzero(key.data(), key.size());
  explicit_bzero(bytes.data(), bytes.size());
  return out;
}

Result<Content> Sealer::open(std::string_view sealed, std::string_view wrapped, std::size_t proof,
                             std::string context) const {
  if (proof > 0) bind_proof(context, proof);
  BONGSU_TRY(crypto::Key256 key, crypto::unwrap_key(master_, wrapped));
  auto plain = crypto::open_payload(key, sealed, context);
  explicit_bzero(key.data(), key.size());
  if (!plain) return std::unexpected(plain.error());
  if (proof > plain->size()) return fail(ErrorCode::kCorrupt, "is shorter than its proof");
  Content out;
  if (proof > 0) {
    out.proof = plain->substr(plain->size() - proof);
    plain->resize(plain->size() - proof);
  }
  out.payload = std::move(*plain);
  return out;
}

std::string payload_context(bool variant, std::string_view object_id, std::string_view version_code) {
  std::string context;
  context.reserve(object_id.size() + version_code.size() + 2);
  context += variant ? 'v' : 'p';
  context += object_id;
  context += '\0';
  context += version_code;
  return context;
}

Result<PreparedBatch> prepare(const Batch& batch, Sealer& sealer) {
  PreparedBatch out;
  out.batch = &batch;
  out.sealer = &sealer;
  BONGSU_TRY(out.bytes, check_batch(batch));
  out.entries.reserve(batch.entries.size());
  for (const NewEntry& entry : batch.entries) {
    PreparedEntry& prepared = out.entries.emplace_back();
    prepared.entry = &entry;
    prepared.object = split_object_id(entry.object_id);
    prepared.hash = sha256(entry.payload);
    prepared.version = encode_version_key(entry.version_key);
    if (!prepared.version.empty() || !entry.version.empty()) {
      prepared.form.digits = version_digits(entry.version_key, entry.version);
      if (!prepared.form.digits) prepared.form.text = entry.version;
    }
    prepared.dedupe = prepared.version;
    if (entry.kind == EntryKind::kObject && prepared.version.empty()) {
      prepared.dedupe.assign(1, kHashVersionMark);
      prepared.dedupe.append(reinterpret_cast<const char*>(prepared.hash.data()), kDedupeHashBytes);
    }
    if (entry.kind == EntryKind::kObject || !entry.payload.empty())
      prepared.payload =
          sealer.seal(entry.payload, entry.proof, payload_context(false, entry.object_id, prepared.version));
    prepared.variants.resize(entry.releases.size());
    for (std::size_t i = 0; i < entry.releases.size(); ++i)
      if (const auto& variant = entry.releases[i].payload)
        prepared.variants[i] =
            sealer.seal(*variant, entry.releases[i].proof, payload_context(true, entry.object_id, prepared.version));
  }
  return out;
}

}  // namespace bongsu::journal::sqlite
