#include "base/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include <toml++/toml.h>

#include "base/toml_text.h"

namespace bongsu {
namespace {

constexpr std::size_t kMaxConfigBytes = 4 * 1024 * 1024;

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : std::string(separator)) + part;
  return out;
}

std::string toml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// Prose folded into comment lines.
void comment(std::vector<std::string>& lines, const std::string& text) {
  constexpr std::size_t kWidth = 100;
  std::string line = "#";
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find(' ', at);
    if (end == std::string::npos) end = text.size();
    if (line.size() + 1 + end - at > kWidth && line.size() > 1) {
      lines.push_back(line);
      line = "#";
    }
    line += " " + text.substr(at, end - at);
    at = end + 1;
  }
  lines.push_back(line);
}

}  // namespace

struct ConfigSchema::Impl {
  struct Item {
    std::string key;      // "taxii.listen"
    std::string type;     // for people
    std::string example;  // default as TOML
    std::string doc;
    std::unique_ptr<bool> required = std::make_unique<bool>(false);
    std::function<Result<void>(const toml::node&)> assign;
    // Arrays of tables:
    std::vector<std::string> inner;
    std::function<void()> clear;
    std::function<Result<void>(const Reader&)> read_one;
    bool seen = false;
  };
  std::vector<Item> items;
  std::vector<std::pair<std::string, std::string>> sections;

  Item* find(std::string_view key) {
    for (auto& item : items)
      if (item.key == key) return &item;
    return nullptr;
  }

  bool is_section(std::string_view path) const {
    return std::any_of(items.begin(), items.end(), [&](const Item& item) {
      return item.key.size() > path.size() && item.key.starts_with(path) && item.key[path.size()] == '.';
    });
  }

  Result<void> read_table(const toml::table& table, const std::string& prefix, std::string_view source) {
    for (const auto& [k, node] : table) {
      const std::string path = prefix + std::string(k.str());
      const Where where{.source = std::string(source), .line = node.source().begin.line, .field = path};
      Item* item = find(path);
      if (item == nullptr) {
        if (node.is_table() && is_section(path)) {
          BONGSU_TRY_VOID(read_table(*node.as_table(), path + ".", source));
          continue;
        }
        std::vector<std::string> known;
        for (const auto& i : items) known.push_back(i.key);
        const std::string near = nearest(path, known);
        return fail(ErrorCode::kInvalid,
                    near.empty() ? "there is no such key; `bongsu config --explain` lists them all"
                                 : fmt::format("there is no such key; the nearest is \"{}\"", near),
                    where);
      }
      item->seen = true;
      if (item->read_one) {
        const toml::array* array = node.as_array();
        if (array == nullptr || (!array->empty() && !array->is_array_of_tables()))
          return fail(ErrorCode::kInvalid, fmt::format("expected tables: [[{}]]", path), where);
        item->clear();
        for (const auto& element : *array) {
          const toml::table& inner = *element.as_table();
          BONGSU_TRY_VOID(item->read_one([&](ConfigSchema& schema) -> Result<void> {
            BONGSU_TRY_VOID(schema.impl_->read_table(inner, "", source));
            return schema.impl_->check_required(std::string(source), inner.source().begin.line, path + ".");
          }));
        }
        continue;
      }
      if (auto assigned = item->assign(node); !assigned) {
        assigned.error().where = where;
        return assigned;
      }
    }
    return {};
  }

  Result<void> check_required(const std::string& source, std::uint64_t line, const std::string& prefix) const {
    for (const auto& item : items)
      if (*item.required && !item.seen)
        return fail(ErrorCode::kInvalid, "is required", {.source = source, .line = line, .field = prefix + item.key});
    return {};
  }
};

ConfigSchema::ConfigSchema() : impl_(std::make_unique<Impl>()) {}
ConfigSchema::~ConfigSchema() = default;
ConfigSchema::ConfigSchema(ConfigSchema&&) noexcept = default;

void ConfigSchema::section(std::string name, std::string doc) {
  impl_->sections.emplace_back(std::move(name), std::move(doc));
}

ConfigSchema::Key ConfigSchema::text(std::string key, std::string& target, std::string doc) {
  auto& item = impl_->items.emplace_back(Impl::Item{.key = std::move(key), .type = "text", .example = toml_quoted(target), .doc = std::move(doc)});
  item.assign = [&target](const toml::node& node) -> Result<void> {
    if (!node.is_string()) return fail(ErrorCode::kInvalid, "expected text in quotes");
    target = node.as_string()->get();
    return {};
  };
  return Key(item.required.get());
}

ConfigSchema::Key ConfigSchema::choice(std::string key, std::string& target, std::vector<std::string> allowed, std::string doc) {
  auto& item = impl_->items.emplace_back(
      Impl::Item{.key = std::move(key), .type = "one of " + join(allowed, ", "), .example = toml_quoted(target), .doc = std::move(doc)});
  item.assign = [&target, allowed = std::move(allowed)](const toml::node& node) -> Result<void> {
    const std::string value = node.is_string() ? node.as_string()->get() : "";
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
      return fail(ErrorCode::kInvalid, "expected one of " + join(allowed, ", "));
    target = value;
    return {};
  };
  return Key(item.required.get());
}

ConfigSchema::Key ConfigSchema::texts(std::string key, std::vector<std::string>& target, std::string doc) {
  std::string example = "[";
  for (const auto& value : target) example += (example.size() > 1 ? ", " : "") + toml_quoted(value);
  auto& item = impl_->items.emplace_back(Impl::Item{.key = std::move(key), .type = "list of texts", .example = example + "]", .doc = std::move(doc)});
  item.assign = [&target](const toml::node& node) -> Result<void> {
    const toml::array* array = node.as_array();
    if (array == nullptr) return fail(ErrorCode::kInvalid, "expected a list of texts");
    std::vector<std::string> values;
    for (const auto& element : *array) {
      if (!element.is_string()) return fail(ErrorCode::kInvalid, "expected a list of texts");
      values.push_back(element.as_string()->get());
    }
    target = std::move(values);
    return {};
  };
  return Key(item.required.get());
}

ConfigSchema::Key ConfigSchema::flag(std::string key, bool& target, std::string doc) {
  auto& item = impl_->items.emplace_back(
      Impl::Item{.key = std::move(key), .type = "true or false", .example = target ? "true" : "false", .doc = std::move(doc)});
  item.assign = [&target](const toml::node& node) -> Result<void> {
    if (!node.is_boolean()) return fail(ErrorCode::kInvalid, "expected true or false");
    target = node.as_boolean()->get();
    return {};
  };
  return Key(item.required.get());
}

ConfigSchema::Key ConfigSchema::number(std::string key, std::int64_t& target, std::int64_t least, std::int64_t most, std::string doc) {
  auto& item = impl_->items.emplace_back(Impl::Item{
      .key = std::move(key), .type = fmt::format("number, {} to {}", least, most), .example = fmt::format("{}", target), .doc = std::move(doc)});
  item.assign = [&target, least, most](const toml::node& node) -> Result<void> {
    if (!node.is_integer() || node.as_integer()->get() < least || node.as_integer()->get() > most)
      return fail(ErrorCode::kInvalid, fmt::format("expected a whole number from {} to {}", least, most));
    target = node.as_integer()->get();
    return {};
  };
  return Key(item.required.get());
}

ConfigSchema::Key ConfigSchema::duration(std::string key, std::chrono::milliseconds& target, std::chrono::milliseconds least,
                                         std::chrono::milliseconds most, std::string doc) {
  auto& item = impl_->items.emplace_back(
      Impl::Item{.key = std::move(key), .type = fmt::format("duration, {} to {}", duration_text(least), duration_text(most)),
                 .example = toml_quoted(duration_text(target)), .doc = std::move(doc)});
  item.assign = [&target, least, most](const toml::node& node) -> Result<void> {
    if (!node.is_string()) return fail(ErrorCode::kInvalid, "expected a duration in quotes, such as \"10s\"");
    BONGSU_TRY(const auto value, parse_duration(node.as_string()->get()));
    if (value < least || value > most)
      return fail(ErrorCode::kInvalid, fmt::format("expected a duration from {} to {}", duration_text(least), duration_text(most)));
    target = value;
    return {};
  };
  return Key(item.required.get());
}

ConfigSchema::Key ConfigSchema::size(std::string key, std::uint64_t& target, std::uint64_t least, std::uint64_t most, std::string doc) {
  auto& item = impl_->items.emplace_back(Impl::Item{.key = std::move(key), .type = fmt::format("size, {} to {}", size_text(least), size_text(most)),
                                                    .example = toml_quoted(size_text(target)), .doc = std::move(doc)});
  item.assign = [&target, least, most](const toml::node& node) -> Result<void> {
    if (!node.is_string()) return fail(ErrorCode::kInvalid, "expected a size in quotes, such as \"64 MiB\"");
    BONGSU_TRY(const auto value, parse_size(node.as_string()->get()));
    if (value < least || value > most)
      return fail(ErrorCode::kInvalid, fmt::format("expected a size from {} to {}", size_text(least), size_text(most)));
    target = value;
    return {};
  };
  return Key(item.required.get());
}

void ConfigSchema::add_tables(std::string key, std::string doc, std::vector<std::string> lines, std::function<void()> clear,
                              std::function<Result<void>(const Reader&)> read_one) {
  impl_->items.emplace_back(Impl::Item{.key = std::move(key), .type = "tables", .doc = std::move(doc), .inner = std::move(lines),
                                       .clear = std::move(clear), .read_one = std::move(read_one)});
}

Result<void> ConfigSchema::read(std::string_view text, std::string_view source) {
  if (text.size() > kMaxConfigBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a configuration file has at most {}", size_text(kMaxConfigBytes)), {.source = std::string(source)});
  BONGSU_TRY_VOID(check_toml_text(text, source));
  toml::table table;
  try {
    table = toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalid, "not TOML: " + std::string(error.description()),
                {.source = std::string(source), .line = error.source().begin.line});
  }
  for (auto& item : impl_->items) item.seen = false;
  BONGSU_TRY_VOID(impl_->read_table(table, "", source));
  return impl_->check_required(std::string(source), 0, "");
}

std::vector<std::string> ConfigSchema::describe() const {
  std::vector<std::string> lines;
  for (const auto& item : impl_->items) {
    comment(lines, fmt::format("{} ({}{})", item.doc, item.type, *item.required ? "; required" : ""));
    lines.push_back(fmt::format("# {} = {}", item.key, item.example));
  }
  return lines;
}

std::string ConfigSchema::explain() const {
  std::vector<std::string> lines;
  std::string open;
  for (const auto& item : impl_->items) {
    const std::size_t dot = item.key.rfind('.');
    const std::string section = dot == std::string::npos || item.read_one ? "" : item.key.substr(0, dot);
    if (!item.read_one && section != open) {
      lines.emplace_back();
      for (const auto& [name, doc] : impl_->sections)
        if (name == section) comment(lines, doc);
      lines.push_back("[" + section + "]");
      open = section;
    }
    if (item.read_one) {
      lines.emplace_back();
      comment(lines, item.doc);
      lines.push_back("# [[" + item.key + "]]");
      lines.insert(lines.end(), item.inner.begin(), item.inner.end());
      continue;
    }
    comment(lines, fmt::format("{} ({}{})", item.doc, item.type, *item.required ? "; required" : ""));
    lines.push_back(fmt::format("{}{} = {}", *item.required ? "" : "# ", dot == std::string::npos ? item.key : item.key.substr(dot + 1), item.example));
  }
  return join(lines, "\n") + "\n";
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  static const std::map<std::string_view, std::uint64_t> kUnits = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  const auto at = kUnits.find(unit);
  constexpr std::uint64_t kMost = 36'525ULL * 86'400'000;  // a hundred years
  if (ec != std::errc() || at == kUnits.end() || number > kMost / at->second)
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no duration; write it as 250ms, 10s, 5m, 2h or 7d", text));
  return std::chrono::milliseconds(static_cast<std::int64_t>(number * at->second));
}

std::string duration_text(std::chrono::milliseconds duration) {
  const auto ms = duration.count();
  if (ms != 0 && ms % 86'400'000 == 0) return fmt::format("{}d", ms / 86'400'000);
  if (ms != 0 && ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
  if (ms != 0 && ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
  if (ms % 1000 == 0) return fmt::format("{}s", ms / 1000);
  return fmt::format("{}ms", ms);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  static const std::map<std::string_view, std::uint64_t> kUnits = {
      {"", 1}, {"B", 1}, {"KB", 1000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}, {"TB", 1'000'000'000'000},
      {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}};
  const auto at = kUnits.find(unit);
  if (ec != std::errc() || at == kUnits.end() || number > INT64_MAX / at->second)
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no size; write it as 4096, 64 MiB or 1 GB", text));
  return number * at->second;
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& [unit, shift] : {std::pair{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}})
    if (bytes != 0 && bytes % (1ULL << shift) == 0) return fmt::format("{} {}", bytes >> shift, unit);
  return fmt::format("{}", bytes);
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = word.size() / 3 + 2;
  for (const auto& candidate : candidates) {
    // Levenshtein, one row.
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t above = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1)});
        diagonal = above;
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace bongsu
