// Checks a journal from end to end: structure of the file, sequences, hashes and seals of payloads, picks of outboxes.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "journal/sqlite/snapshot.h"

namespace bongsu::journal::sqlite {

// The first thing that is wrong, as kCorrupt with its place. `progress(done, total)` counts entries and outbox rows.
Result<void> verify_file(const std::filesystem::path& file, const Sealer& sealer,
                         const std::function<std::unique_ptr<SqliteSnapshot>()>& snapshot,
                         const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace bongsu::journal::sqlite
