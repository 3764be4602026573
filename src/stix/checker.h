// Goes through one object by the tables of schema.h and collects what it breaks. Internal to the module.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stix/document.h"
#include "stix/schema.h"
#include "stix/validate.h"

namespace bongsu::stix {

class Checker {
 public:
  Checker(const Object& object, const dom::object& root, Conformance conformance);

  std::vector<Finding> run();

  // For the rules: the structure at hand, and what is said about it. Without a section, that of the structure is cited.
  const dom::object& current() const { return current_; }
  const dom::object& root() const { return root_; }
  const Object& object() const { return object_; }
  bool is_stix_20() const { return stix_20_; }
  std::size_t selector_budget = 1'000'000;  // values that all selectors together may look at (rules.cpp)
  std::optional<dom::element> find(std::string_view name) const;
  void error(const Path& path, std::string sentence, std::string_view section = {});
  void warn(const Path& path, std::string sentence, std::string_view section = {});
  // A MUST that objects of good producers break and that harms nobody: an error by the letter, a warning at admission.
  void lapse(const Path& path, std::string sentence, std::string_view section = {});

  void check_structure(const dom::object& object, const Structure& structure, const Path& path);

 private:
  void check_object();
  void check_properties(const dom::object& object, const Structure& own, std::span<const Property> common,
                        const Path& path);
  void check_missing(std::span<const Property> properties, std::uint64_t seen, const Path& path,
                     std::string_view section);
  void check_unknown(std::string_view name, dom::element value, const Path& path);
  void check_rules(const Structure& structure, const Path& path);
  void check_rule(const Rule& rule, const Structure& structure, const Path& path);
  void check_order(const Rule& rule, const Path& path);

  void check_property(const Property& property, dom::element value, const Path& path);
  void check_value(dom::element value, const Type& type, const Path& path);
  void check_string(std::string_view value, const Type& type, const Path& path);
  void check_integer(dom::element value, const Type& type, const Path& path);
  void check_float(dom::element value, const Type& type, const Path& path);
  void check_identifier(std::string_view value, const Type& type, const Path& path);
  void check_hex(std::string_view value, const Path& path);
  void check_hashes(const dom::object& hashes, const Path& path);
  void check_dictionary(const dom::object& dictionary, const Type& type, const Path& path);
  void check_entry(dom::element value, Entries entries, const Path& path);
  void check_term(std::string_view value, const Vocabulary& vocabulary, const Path& path);

  void check_id(const Path& path);
  void check_versioning(const Path& path);
  void check_marking_cycles(const Path& path);
  void check_extensions(const dom::object& extensions, const Path& path);
  void check_extension(std::string_view key, const dom::object& extension, const Path& path);

  void say(Severity severity, const Path& path, std::string sentence, std::string_view section);
  void sort_by_place();

  const Object& object_;
  dom::object root_;
  Conformance conformance_;
  bool stix_20_ = false;  // judged as an object of STIX 2.0
  bool defanged_ = false;
  bool extends_top_level_ = false;
  const ObjectSchema* schema_ = nullptr;

  dom::object current_;
  std::string_view section_;    // of the structure at hand
  std::string_view structure_;  // its name
  std::uint64_t own_seen_ = 0;  // bits of its own properties that are there
  std::vector<Finding> findings_;
};

}  // namespace bongsu::stix
