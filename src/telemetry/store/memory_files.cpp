#include "telemetry/store/memory_files.h"

namespace bongsu::telemetry {

class MemoryFiles::Writer final : public AppendFile {
 public:
  Writer(MemoryFiles& files, std::shared_ptr<Content> content) : files_(files), content_(std::move(content)) {}
  Result<void> append(std::string_view bytes) override {
    BONGSU_TRY_VOID(files_.step());
    content_->bytes.append(bytes);
    return {};
  }
  Result<void> sync() override {
    BONGSU_TRY_VOID(files_.step());
    content_->synced = content_->bytes.size();
    return {};
  }

 private:
  MemoryFiles& files_;
  std::shared_ptr<Content> content_;
};

class MemoryFiles::Reader final : public ReadFile {
 public:
  Reader(std::shared_ptr<const Content> content, std::string name)
      : content_(std::move(content)), name_(std::move(name)), size_(content_->bytes.size()) {}
  std::uint64_t size() const override { return size_; }
  Result<std::string> read(std::uint64_t offset, std::size_t size) const override {
    const std::size_t there = content_->bytes.size();
    if (offset > there || size > there - offset)
      return fail(ErrorCode::kCorrupt, "the file ends too early",
                  {.source = name_, .offset = offset, .has_offset = true});
    return content_->bytes.substr(offset, size);
  }

 private:
  std::shared_ptr<const Content> content_;
  std::string name_;
  std::uint64_t size_;
};

Result<void> MemoryFiles::step() {
  if (steps_ >= fails_at_) return fail(ErrorCode::kIo, "the power is off");
  ++steps_;
  return {};
}

Result<std::vector<Files::Entry>> MemoryFiles::list() const {
  std::vector<Entry> out;
  for (const auto& [name, content] : names_) out.push_back({name, content->bytes.size()});
  return out;
}

Result<std::unique_ptr<AppendFile>> MemoryFiles::create(const std::string& name) {
  BONGSU_TRY_VOID(step());
  auto content = std::make_shared<Content>();
  names_[name] = content;
  return std::make_unique<Writer>(*this, std::move(content));
}

Result<std::unique_ptr<ReadFile>> MemoryFiles::open(const std::string& name) const {
  const auto at = names_.find(name);
  if (at == names_.end()) return fail(ErrorCode::kNotFound, "cannot be opened", {.source = path(name)});
  return std::make_unique<Reader>(at->second, path(name));
}

Result<void> MemoryFiles::rename(const std::string& from, const std::string& to) {
  BONGSU_TRY_VOID(step());
  const auto at = names_.find(from);
  if (at == names_.end()) return fail(ErrorCode::kNotFound, "cannot be renamed", {.source = path(from)});
  auto content = at->second;
  names_.erase(at);
  names_[to] = std::move(content);
  return {};
}

Result<void> MemoryFiles::remove(const std::string& name) {
  BONGSU_TRY_VOID(step());
  names_.erase(name);
  return {};
}

Result<void> MemoryFiles::sync_directory() {
  BONGSU_TRY_VOID(step());
  durable_names_ = names_;
  return {};
}

void MemoryFiles::crash(Unsynced unsynced) {
  if (unsynced != Unsynced::kKept) names_ = durable_names_;
  for (auto& [name, content] : names_) {
    const std::size_t loose = content->bytes.size() - std::min(content->synced, content->bytes.size());
    if (unsynced == Unsynced::kLost) content->bytes.resize(content->bytes.size() - loose);
    if (unsynced == Unsynced::kHalf) content->bytes.resize(content->bytes.size() - loose + loose / 2);
    content->synced = content->bytes.size();
  }
  durable_names_ = names_;
  fails_at_ = ~0ULL;
}

}  // namespace bongsu::telemetry
