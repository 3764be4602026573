// Configuration as a typed schema that reads TOML and explains itself.
//
//   NodeConfig c;
//   ConfigSchema schema;
//   schema.section("taxii", "The TAXII 2.1 server for clients that are no Bongsu nodes.");
//   schema.text("taxii.listen", c.taxii_listen, "Address and port.");
//   schema.duration("link.heartbeat", c.heartbeat, 1s, 5min, "Silence after which a comment is sent.");
//   schema.tables<Feed>("feed", c.feeds, "One table a feed.", [](ConfigSchema& s, Feed& f) { s.text("url", f.url, "…").required(); });
//   BONGSU_TRY_VOID(schema.read(toml_text, "bongsu.toml"));
//   schema.explain();          // the whole file with defaults and a comment on each key
//
// A key that the schema does not know is an error that names the nearest one it does; so is a value of another type or out
// of range. Durations are text with a unit ("250ms", "10s", "5m", "2h", "7d"), sizes too ("64 MiB", "1 GB").
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bongsu {

class ConfigSchema {
 public:
  class Key {
   public:
    Key& required() {
      *required_ = true;
      return *this;
    }

   private:
    friend class ConfigSchema;
    explicit Key(bool* required) : required_(required) {}
    bool* required_;
  };

  ConfigSchema();
  ~ConfigSchema();
  ConfigSchema(ConfigSchema&&) noexcept;

  void section(std::string name, std::string doc);
  Key text(std::string key, std::string& target, std::string doc);
  Key choice(std::string key, std::string& target, std::vector<std::string> allowed, std::string doc);
  Key texts(std::string key, std::vector<std::string>& target, std::string doc);
  Key flag(std::string key, bool& target, std::string doc);
  Key number(std::string key, std::int64_t& target, std::int64_t least, std::int64_t most, std::string doc);
  Key duration(std::string key, std::chrono::milliseconds& target, std::chrono::milliseconds least,
               std::chrono::milliseconds most, std::string doc);
  Key size(std::string key, std::uint64_t& target, std::uint64_t least, std::uint64_t most, std::string doc);

  // An array of tables: [[key]]. Each one is read by a schema of its own into a new T.
  template <class T>
  void tables(std::string key, std::vector<T>& target, std::string doc, std::function<void(ConfigSchema&, T&)> declare) {
    T example{};
    auto inner = std::make_unique<ConfigSchema>();
    declare(*inner, example);
    add_tables(std::move(key), std::move(doc), inner->describe(), [&target] { target.clear(); },
               [&target, declare](const Reader& read) -> Result<void> {
                 T item{};
                 ConfigSchema schema;
                 declare(schema, item);
                 BONGSU_TRY_VOID(read(schema));
                 target.push_back(std::move(item));
                 return {};
               });
  }

  // kInvalid with line and key; targets keep their defaults for keys that are absent. `source` stands in messages.
  Result<void> read(std::string_view toml, std::string_view source);

  // TOML with every key, its default (commented out), type and doc.
  std::string explain() const;

 private:
  using Reader = std::function<Result<void>(ConfigSchema&)>;
  struct Impl;
  std::vector<std::string> describe() const;
  void add_tables(std::string key, std::string doc, std::vector<std::string> lines, std::function<void()> clear,
                  std::function<Result<void>(const Reader&)> read_one);
  std::unique_ptr<Impl> impl_;
};

// "250ms", "10s", "5m", "2h", "7d" → milliseconds.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string duration_text(std::chrono::milliseconds duration);
// "64 MiB", "1GB", "4096" → bytes.
Result<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);

// The candidate with the smallest edit distance, if it is near enough to be a slip; empty otherwise.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace bongsu
