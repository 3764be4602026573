#include "telemetry/field_map_document.h"

#include <toml++/toml.h>

#include <initializer_list>

#include "base/toml_text.h"
#include "telemetry/byte_source.h"

namespace bongsu::telemetry {
namespace {

class Reader {
 public:
  Reader(const std::string& source, FieldMapBuilder& builder) : source_(source), builder_(builder) {}

  Result<void> document(const toml::table& root) {
    BONGSU_TRY_VOID(only(root, {"format", "field", "logsource"}, ""));
    const toml::node* format = root.get("format");
    if (format == nullptr) return wrong(&root, "format", "a map says the format of its lines");
    BONGSU_TRY(const std::string name, text(*format, "format"));
    const auto known = parse_format(name);
    if (!known)
      return wrong(format, "format",
                   "no such format: text, zeek-json, zeek-tsv, suricata-eve, windows, json, syslog, cef, leef, csv or "
                   "key-value");
    format_ = *known;
    if (const toml::node* fields = root.get("field")) {
      if (!fields->is_table()) return wrong(fields, "field", "this is a table: path = role");
      for (const auto& [path, node] : *fields->as_table()) BONGSU_TRY_VOID(field(std::string(path.str()), node));
    }
    if (const toml::node* sources = root.get("logsource")) {
      if (!sources->is_array_of_tables()) return wrong(sources, "logsource", "write log sources as [[logsource]]");
      // The first in the document goes first: the builder puts each before those that it has.
      const toml::array& array = *sources->as_array();
      for (std::size_t i = array.size(); i > 0; --i) BONGSU_TRY_VOID(log_source(*array[i - 1].as_table()));
    }
    return {};
  }

 private:
  std::unexpected<Error> wrong(const toml::node* node, std::string field, std::string message) const {
    return fail(ErrorCode::kInvalid, std::move(message),
                {.source = source_, .line = node->source().begin.line, .field = std::move(field)});
  }

  Result<void> only(const toml::table& table, std::initializer_list<std::string_view> keys,
                    const std::string& in) const {
    for (const auto& [key, node] : table) {
      bool known = false;
      for (const std::string_view name : keys) known = known || name == key.str();
      if (!known) return wrong(&node, in + std::string(key.str()), "a map has no such key here");
    }
    return {};
  }

  Result<std::string> text(const toml::node& node, const std::string& field) const {
    const auto value = node.value<std::string>();
    if (!value || value->empty()) return wrong(&node, field, "this is a text");
    return *value;
  }

  // One text or number, or a list of them.
  Result<std::vector<std::string>> texts(const toml::node& node, const std::string& field) const {
    const auto one = [&](const toml::node& each) -> Result<std::string> {
      if (each.is_integer()) return std::to_string(*each.value<std::int64_t>());
      return text(each, field);
    };
    std::vector<std::string> out;
    if (const toml::array* array = node.as_array()) {
      if (array->size() > kMaxMapNames) return wrong(&node, field, "too many in one list");
      for (const toml::node& each : *array) {
        BONGSU_TRY(out.emplace_back(), one(each));
      }
      if (out.empty()) return wrong(&node, field, "this list is empty");
    } else {
      BONGSU_TRY(out.emplace_back(), one(node));
    }
    return out;
  }

  Result<void> field(const std::string& path, const toml::node& node) {
    const std::string place = "field." + path;
    FieldRow row;
    row.format = format_;
    row.path = path;
    const toml::node* role = &node;
    if (const toml::table* table = node.as_table()) {
      BONGSU_TRY_VOID(only(*table, {"role", "marks", "sigma", "stix"}, place + "."));
      role = table->get("role");
      if (const toml::node* marks = table->get("marks")) {
        if (!marks->is_boolean()) return wrong(marks, place + ".marks", "this is true or false");
        row.marks = *marks->value<bool>();
      }
      if (const toml::node* sigma = table->get("sigma")) {
        BONGSU_TRY(row.sigma, texts(*sigma, place + ".sigma"));
      }
      if (const toml::node* stix = table->get("stix")) {
        BONGSU_TRY(row.stix, texts(*stix, place + ".stix"));
      }
    }
    if (role != nullptr) {
      BONGSU_TRY(const std::string name, text(*role, place));
      const auto known = parse_role(name);
      if (!known) return wrong(role, place, "no such role: \"" + name + "\"");
      row.role = *known;
    }
    auto added = builder_.add(std::move(row));
    if (!added) return wrong(&node, place, added.error().message);
    return {};
  }

  Result<void> log_source(const toml::table& table) {
    BONGSU_TRY_VOID(only(table, {"product", "category", "service", "when", "fields"}, "logsource."));
    LogSource out;
    out.format = format_;
    const std::pair<const char*, std::string*> names[] = {
        {"product", &out.product}, {"category", &out.category}, {"service", &out.service}};
    for (const auto& [key, to] : names)
      if (const toml::node* node = table.get(key)) {
        BONGSU_TRY(*to, text(*node, std::string("logsource.") + key));
      }
    if (out.product.empty() && out.category.empty() && out.service.empty())
      return wrong(&table, "logsource", "a log source has a product, a category or a service");
    if (const toml::node* when = table.get("when")) {
      if (!when->is_table()) return wrong(when, "logsource.when", "this is a table: field = value or values");
      for (const auto& [path, node] : *when->as_table()) {
        BONGSU_TRY(auto values, texts(node, "logsource.when." + std::string(path.str())));
        out.when.emplace_back(std::string(path.str()), std::move(values));
      }
    }
    if (const toml::node* fields = table.get("fields")) {
      if (!fields->is_table()) return wrong(fields, "logsource.fields", "this is a table: name = path or paths");
      for (const auto& [name, node] : *fields->as_table()) {
        BONGSU_TRY(out.fields[std::string(name.str())], texts(node, "logsource.fields." + std::string(name.str())));
      }
    }
    builder_.add(std::move(out));
    return {};
  }

  const std::string& source_;
  FieldMapBuilder& builder_;
  Format format_ = Format::kJson;
};

}  // namespace

Result<void> read_map_document(std::string_view toml, const std::string& source, FieldMapBuilder& builder) {
  if (toml.size() > kMaxMapDocumentBytes)
    return fail(ErrorCode::kTooLarge, "a map is at most 4 MiB", {.source = source});
  BONGSU_TRY_VOID(check_toml_text(toml, source));
  toml::table root;
  try {
    root = toml::parse(toml, source);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalid, std::string(error.description()),
                {.source = source, .line = error.source().begin.line});
  }
  FieldMapBuilder copy = builder;
  BONGSU_TRY_VOID(Reader(source, copy).document(root));
  builder = std::move(copy);
  return {};
}

Result<FieldMapPtr> read_maps(const std::vector<std::string>& files) {
  if (files.empty()) return FieldMap::standard();
  FieldMapBuilder builder(*FieldMap::standard());
  for (const std::string& file : files) {
    BONGSU_TRY(const std::string text, read_whole(file, kMaxMapDocumentBytes));
    BONGSU_TRY_VOID(read_map_document(text, file, builder));
  }
  return builder.build();
}

}  // namespace bongsu::telemetry
