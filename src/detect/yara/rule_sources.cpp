#include "detect/yara/rule_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "detect/tar.h"
#include "telemetry/byte_source.h"

namespace bongsu::detect {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSourceErrors = 10'000;

bool rule_name(std::string_view name) {
  for (const std::string_view end : {".gz", ".zst"})
    if (name.ends_with(end)) name.remove_suffix(end.size());
  return name.ends_with(".yar") || name.ends_with(".yara") || name.ends_with(".rule") || name.ends_with(".rules");
}

bool archive_name(std::string_view name) {
  return name.ends_with(".tar") || name.ends_with(".tgz") || name.ends_with(".tar.gz") || name.ends_with(".tar.zst");
}

Result<std::string> read_text(const std::string& path) {
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  if (!fs::exists(status)) return fail(ErrorCode::kNotFound, "no such file or directory", {.source = path});
  if (!fs::is_regular_file(status)) return fail(ErrorCode::kInvalid, "not a regular file", {.source = path});
  return telemetry::read_whole(path, kMaxRuleFileBytes);
}

}  // namespace

std::optional<std::string> path_within(std::string_view directory, std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != name.npos || name.find('\0') != name.npos)
    return std::nullopt;
  std::vector<std::string_view> parts;
  const std::string whole = directory.empty() ? std::string(name) : fmt::format("{}/{}", directory, name);
  std::string_view rest = whole;
  while (!rest.empty()) {
    const std::size_t cut = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, cut);
    rest.remove_prefix(std::min(cut + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return std::nullopt;
    } else {
      parts.pop_back();
    }
  }
  if (parts.empty()) return std::nullopt;
  return fmt::format("{}", fmt::join(parts, "/"));
}

void RuleSources::trouble(ErrorCode code, std::string message, std::string source) {
  if (errors_.size() < kMaxSourceErrors) errors_.push_back({code, std::move(message), {.source = std::move(source)}});
}

void RuleSources::add_file(std::size_t group, const std::string& name, const std::string& path, std::string text) {
  if (files_.size() >= kMaxRuleFiles)
    return trouble(ErrorCode::kTooLarge, fmt::format("more than {} rule files", kMaxRuleFiles), name);
  if (bytes_ + text.size() > kMaxRuleBytes)
    return trouble(ErrorCode::kTooLarge, fmt::format("more than {} bytes of rules together", kMaxRuleBytes), name);
  if (const std::size_t nul = text.find('\0'); nul != text.npos) {
    if (errors_.size() < kMaxSourceErrors)
      errors_.push_back({ErrorCode::kInvalid,
                         "not a text of rules: it holds a NUL byte (compiled rules are not taken)",
                         {.source = name, .offset = nul, .has_offset = true}});
    return;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.replace(0, 3, "   ");
  bytes_ += text.size();
  // Two files of one name (of two directories, say) have two namespaces.
  const std::size_t same = names_[name]++;
  by_path_.try_emplace({group, path}, files_.size());
  files_.push_back({same == 0 ? name : fmt::format("{}#{}", name, same + 1), std::move(text), group, path});
}

void RuleSources::add_text(std::string name, std::string text) {
  const std::size_t group = groups_++;
  if (text.size() > kMaxRuleFileBytes)
    return trouble(ErrorCode::kTooLarge, fmt::format("a rule file is at most {} bytes", kMaxRuleFileBytes), name);
  add_file(group, name, name, std::move(text));
}

void RuleSources::add_directory(const std::string& path) {
  const std::size_t group = groups_++;
  std::error_code ec;
  std::vector<std::string> found;
  fs::recursive_directory_iterator it(path, ec), end;
  while (!ec && it != end) {
    const bool hidden = it->path().filename().string().starts_with('.');
    std::error_code status;
    if (hidden && it->is_directory(status)) it.disable_recursion_pending();
    // A link is followed by nobody here: what it leads to may be outside.
    if (!hidden && rule_name(it->path().filename().string()) &&
        it->symlink_status(status).type() == fs::file_type::regular)
      found.push_back(it->path().string());
    if (found.size() > kMaxRuleFiles) break;
    it.increment(ec);
  }
  if (ec) trouble(ErrorCode::kIo, "cannot list: " + ec.message(), path);
  std::sort(found.begin(), found.end());
  for (const std::string& file : found) {
    const std::string below = fs::path(file).lexically_relative(path).generic_string();
    auto text = read_text(file);
    if (!text) {
      text.error().where.source = file;
      if (errors_.size() < kMaxSourceErrors) errors_.push_back(std::move(text.error()));
      continue;
    }
    add_file(group, below, below, std::move(*text));
  }
  if (found.empty() && !ec)
    trouble(ErrorCode::kNotFound, "no rule file (*.yar, *.yara, *.rule) in this directory", path);
}

bool RuleSources::add_archive(const std::string& path) {
  const auto source = telemetry::open_source(path);
  if (!source) {
    errors_.push_back(source.error());
    return false;
  }
  const std::size_t group = groups_++;
  std::size_t found = 0;
  const auto read = read_tar(**source, [&](std::string name, std::string content) {
    const auto below = path_within("", name);
    if (!rule_name(name)) return true;
    ++found;
    if (!below) {
      trouble(ErrorCode::kInvalid, "a name in an archive must not lead out of it", fmt::format("{}:{}", path, name));
    } else if (content.size() > kMaxRuleFileBytes) {
      trouble(ErrorCode::kTooLarge, fmt::format("a rule file is at most {} bytes", kMaxRuleFileBytes),
              fmt::format("{}:{}", path, name));
    } else {
      add_file(group, *below, *below, std::move(content));
    }
    return found <= kMaxRuleFiles && bytes_ < kMaxRuleBytes;
  });
  if (!read) trouble(read.error().code, read.error().message, path);
  if (read && found == 0) trouble(ErrorCode::kNotFound, "no rule file (*.yar, *.yara, *.rule) in this archive", path);
  return read.has_value();
}

void RuleSources::add(const std::string& path) {
  std::error_code ec;
  if (fs::is_directory(path, ec)) return add_directory(path);
  if (archive_name(path)) {
    add_archive(path);
    return;
  }
  auto text = read_text(path);
  if (!text) {
    text.error().where.source = path;
    errors_.push_back(std::move(text.error()));
    return;
  }
  const std::size_t group = groups_++;
  std::string directory = fs::path(path).parent_path().string();
  beside_[group] = directory.empty() ? "." : directory;
  add_file(group, path, fs::path(path).filename().string(), std::move(*text));
}

std::optional<std::string> RuleSources::include(std::size_t group, std::string_view name, std::string_view from) const {
  const std::size_t slash = from.rfind('/');
  const auto path = path_within(slash == from.npos ? "" : from.substr(0, slash), name);
  if (!path) return std::nullopt;
  if (const auto found = by_path_.find({group, *path}); found != by_path_.end()) return files_[found->second].text;
  const auto beside = beside_.find(group);
  if (beside == beside_.end()) return std::nullopt;
  std::error_code ec;
  const fs::path root = fs::canonical(beside->second, ec);
  const fs::path whole = ec ? fs::path() : fs::canonical(root / *path, ec);
  if (ec || whole.lexically_relative(root).generic_string().starts_with("..")) return std::nullopt;
  auto text = read_text(whole.string());
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

}  // namespace bongsu::detect
