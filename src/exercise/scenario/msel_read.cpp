// The way back: sheets to a scenario.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/config.h"
#include "base/text.h"
#include "exercise/scenario/cells.h"
#include "exercise/scenario/derived.h"
#include "exercise/scenario/msel.h"
#include "exercise/scenario/read_tree.h"

namespace bongsu::exercise::scenario {

using formats::Place;
using formats::Sheet;
using formats::Workbook;
using formats::Yaml;

namespace {

// Where each column of a form stands in a sheet; whatever else stands there is an error.
class Table {
 public:
  Table(const Sheet& sheet, const SheetForm& form, const std::vector<std::string>& beside, const std::string& source,
        Problems& problems)
      : sheet_(sheet), form_(form), source_(source), problems_(problems) {
    std::vector<std::string> known = beside;
    for (const Column& column : form.columns) known.push_back(column.header);
    if (sheet.rows.empty()) return;
    for (std::size_t c = 0; c < sheet.rows[0].size(); ++c) {
      const std::string name = std::string(trim(sheet.rows[0][c]));
      if (name.empty()) continue;
      const auto at = std::ranges::find_if(known, [&](const std::string& k) { return lowered(k) == lowered(name); });
      if (at == known.end()) {
        const std::string near = nearest(name.substr(0, 60), known);
        add(0, c,
            near.empty() ? fmt::format("no column of \"{}\" is called so", form.name)
                         : fmt::format("no column is called so; the nearest is \"{}\"", near));
      } else if (!column_.emplace(*at, c).second) {
        add(0, c, "this column comes twice");
      }
    }
  }

  std::size_t rows() const { return sheet_.rows.size(); }
  bool empty(std::size_t row) const {
    return std::ranges::all_of(sheet_.rows[row], [](const std::string& cell) { return trim(cell).empty(); });
  }
  bool has(std::string_view header) const { return column_.contains(std::string(header)); }
  const std::string& cell(std::size_t row, std::string_view header) const {
    static const std::string kNothing;
    const auto at = column_.find(std::string(header));
    return at == column_.end() || at->second >= sheet_.rows[row].size() ? kNothing : sheet_.rows[row][at->second];
  }
  Place place(std::size_t row, std::string_view header) const {
    const auto at = column_.find(std::string(header));
    return {static_cast<std::uint32_t>(row + 1), at == column_.end() ? 1U : static_cast<std::uint32_t>(at->second + 1)};
  }
  // The row's block: what its columns say. The id is the caller's.
  Yaml block(std::size_t row) const {
    Yaml out = map_at(place(row, ""));
    for (const Column& column : form_.columns) {
      if (column.path == "id" && form_.within.empty()) continue;
      const std::string& text = cell(row, column.header);
      if (text.empty()) continue;
      Yaml value;
      if (const std::string wrong = read_cell(text, column.shape, place(row, column.header), value); !wrong.empty())
        add(row, column_.at(column.header), wrong);
      else
        set_path(out, column.path, std::move(value));
    }
    return out;
  }
  void add(std::size_t row, std::size_t column, std::string why) const {
    problems_.add({}, std::move(why));
    if (problems_.list.size() == problems_.count)
      problems_.list.back().where = {.source = source_ + "!" + form_.name,
                                     .line = row + 1,
                                     .offset = column,
                                     .has_offset = true,
                                     .field = column < sheet_.rows[0].size() ? sheet_.rows[0][column] : ""};
  }
  void add(std::size_t row, std::string_view header, std::string why) const {
    add(row, place(row, header).column - 1, std::move(why));
  }

 private:
  const Sheet& sheet_;
  const SheetForm& form_;
  const std::string& source_;
  Problems& problems_;
  std::unordered_map<std::string, std::size_t> column_;
};

void erase(Yaml& map, std::string_view key) {
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (map.keys[i].first != key) continue;
    map.keys.erase(map.keys.begin() + static_cast<std::ptrdiff_t>(i));
    map.items.erase(map.items.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}
// Also where the key is there already: the reader tells of names that come twice.
void append(Yaml& map, std::string key, Yaml value) {
  map.keys.emplace_back(std::move(key), value.place);
  map.items.push_back(std::move(value));
}
Yaml& map_in(Yaml& node, const std::string& key) {
  if (node.find(key) == nullptr) node.set(key, map_at());
  return *node.find(key);
}
Yaml text_map(std::initializer_list<std::pair<const char*, std::string>> pairs, Place place) {
  Yaml out = map_at(place);
  for (const auto& [key, text] : pairs) out.set(key, text_at(text, place));
  return out;
}
Yaml list_of(Yaml item) {
  Yaml out = list_at(item.place);
  out.items.push_back(std::move(item));
  return out;
}

std::string sheet_of(const std::string& path) {
  const SheetForm* best = &sheet_forms().front();  // what is of no other sheet
  for (const SheetForm& form : sheet_forms()) {
    if (form.within == "injects") {
      const auto id = path.find('.');
      const auto key = id == std::string::npos ? id : path.find('.', id + 1);
      if (path.starts_with("injects.") && key != std::string::npos &&
          path.compare(key + 1, form.key.size(), form.key) == 0)
        best = &form;
    } else if (form.within == "exercise") {
      if (path.starts_with("exercise." + form.key)) best = &form;
    } else if (!form.key.empty() && (path == form.key || path.starts_with(form.key + "."))) {
      best = &form;
    }
  }
  return best->name;
}

// "email" is what most lists call it.
std::string method_word(std::string_view line) {
  const std::string word = lowered(trim(line));
  return word == "email" || word == "e-mail" ? "mail" : word;
}

class Import {
 public:
  Import(const Workbook& sheets, const std::string& source, const Scenario* base)
      : sheets_(sheets), source_(source), base_(base), tree_(base != nullptr ? tree_of(*base) : map_at()) {}

  std::expected<Scenario, Problems> run(const Techniques* techniques) {
    match();
    for (const SheetForm& form : sheet_forms()) {  // injects before what belongs to them
      const auto at = found_.find(form.name);
      if (at == found_.end() || at->second->rows.empty()) continue;
      const Sheet& sheet = *at->second;
      if (form.name == kHeadSheet)
        head(sheet, form);
      else if (form.name == kMselSheet)
        msel(sheet, form);
      else if (form.within.empty())
        named(sheet, form);
      else
        listed(sheet, form);
    }
    if (problems_.count > 0) return std::unexpected(std::move(problems_));
    auto scenario = read_tree(tree_, Check::kWhole, techniques, [&](Place place, const std::string& path) {
      return formats::at(source_ + "!" + sheet_of(path), place, path);
    });
    if (!scenario) return scenario;
    verify(*scenario);
    if (problems_.count > 0) return std::unexpected(std::move(problems_));
    return scenario;
  }

 private:
  void match() {
    for (const Sheet& sheet : sheets_) {
      const auto form = std::ranges::find_if(
          sheet_forms(), [&](const SheetForm& f) { return lowered(f.name) == lowered(sheet.name); });
      const bool alone = form == sheet_forms().end() && sheets_.size() == 1;
      const std::string name = form != sheet_forms().end() ? form->name : alone ? kMselSheet : sheet.name;
      if (form == sheet_forms().end() && !alone) {
        std::vector<std::string> names;
        for (const SheetForm& f : sheet_forms()) names.push_back(f.name);
        wrong(sheet.name, 1, fmt::format("no sheet of a scenario is called so; there are {}", fmt::join(names, ", ")));
      } else if (!found_.emplace(name, &sheet).second) {
        wrong(sheet.name, 1, "this sheet comes twice");
      }
    }
  }
  void wrong(const std::string& sheet, std::uint64_t line, std::string why) {
    problems_.add({}, std::move(why));
    if (problems_.list.size() == problems_.count)
      problems_.list.back().where = {.source = source_ + "!" + sheet, .line = line};
  }
  bool has(const std::string& sheet) const { return found_.contains(sheet); }

  void head(const Sheet& sheet, const SheetForm& form) {
    SheetForm pairs{form.name, "", "", {{"key", "Key"}, {"value", "Value"}}};
    const Table table(sheet, pairs, {}, source_, problems_);
    Yaml references = map_at();
    if (const Yaml* there = at_path(tree_, "exercise.references")) references.set("references", *there);
    for (const char* key : {"name", "description", "exercise", "range"}) erase(tree_, key);
    if (!references.keys.empty()) tree_.set("exercise", references);
    std::vector<std::string> paths;
    for (const Column& column : form.columns) paths.push_back(column.path);
    for (std::size_t r = 1; r < table.rows(); ++r) {
      if (table.empty(r)) continue;
      const std::string& key = table.cell(r, "Key");
      const auto column = std::ranges::find(form.columns, key, &Column::path);
      if (column == form.columns.end()) {
        const std::string near = nearest(key.substr(0, 60), paths);
        table.add(
            r, "Key",
            near.empty() ? "there is no such key" : fmt::format("there is no such key; the nearest is \"{}\"", near));
        continue;
      }
      if (table.cell(r, "Value").empty()) continue;
      if (at_path(tree_, key) != nullptr) {
        table.add(r, "Key", "this key comes twice");
        continue;
      }
      Yaml value;
      if (const std::string why = read_cell(table.cell(r, "Value"), column->shape, table.place(r, "Value"), value);
          !why.empty())
        table.add(r, "Value", why);
      else
        set_path(tree_, key, std::move(value));
    }
  }

  void named(const Sheet& sheet, const SheetForm& form) {
    const Table table(sheet, form, {}, source_, problems_);
    erase(tree_, form.key);
    Yaml map = map_at({1, 1});
    for (std::size_t r = 1; r < table.rows(); ++r) {
      if (table.empty(r)) continue;
      const std::string& id = table.cell(r, "id");
      Yaml* into = &map;
      std::string_view rest = id;
      if (form.key == "entities") {  // "lt-blue.soc" stands within "lt-blue"
        for (auto dot = rest.find('.'); into != nullptr && dot != std::string_view::npos; dot = rest.find('.')) {
          into = into->find(rest.substr(0, dot));
          if (into != nullptr) into = &map_in(*into, "entities");
          rest.remove_prefix(dot + 1);
        }
        if (into == nullptr) {
          table.add(r, "id", "what it is within has to stand in a row above");
          continue;
        }
      }
      append(*into, std::string(rest), table.block(r));
    }
    if (!map.keys.empty()) tree_.set(form.key, std::move(map));
  }

  void listed(const Sheet& sheet, const SheetForm& form) {
    const bool of_injects = form.within == "injects";
    const Table table(sheet, form, of_injects ? std::vector<std::string>{kInjectId} : std::vector<std::string>{},
                      source_, problems_);
    if (!of_injects) erase(map_in(tree_, "exercise"), form.key);
    Yaml& injects = of_injects ? map_in(tree_, "injects") : tree_;
    std::vector<std::string> ids;
    std::unordered_map<std::string, std::size_t> number;
    if (of_injects)
      for (std::size_t i = 0; i < injects.keys.size(); ++i) {
        erase(injects.items[i], form.key);
        ids.push_back(injects.keys[i].first);
        number.emplace(ids.back(), i);
      }
    for (std::size_t r = 1; r < table.rows(); ++r) {
      if (table.empty(r)) continue;
      Yaml* owner = nullptr;
      if (!of_injects) {
        owner = tree_.find("exercise");
      } else if (const auto at = number.find(table.cell(r, kInjectId)); at != number.end()) {
        owner = &injects.items[at->second];
      } else {
        const std::string near = ids.size() > 2000 ? "" : nearest(table.cell(r, kInjectId).substr(0, 60), ids);
        table.add(r, kInjectId,
                  near.empty() ? "no inject is called so"
                               : fmt::format("no inject is called so; the nearest is \"{}\"", near));
        continue;
      }
      if (owner->find(form.key) == nullptr) owner->set(form.key, list_at(table.place(r, kInjectId)));
      owner->find(form.key)->items.push_back(table.block(r));
    }
  }

  void msel(const Sheet& sheet, const SheetForm& form) {
    const Table table(sheet, form, beside(), source_, problems_);
    struct Entry {
      std::size_t row;
      std::string id;
    };
    std::map<std::uint64_t, Entry> by_number;
    std::uint64_t last = 0;
    for (std::size_t r = 1; r < table.rows(); ++r) {
      if (table.empty(r)) continue;
      const std::string cell(trim(table.cell(r, kNumber)));
      std::uint64_t number = last + 1;
      const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
      if (!cell.empty() && (error != std::errc{} || end != cell.data() + cell.size())) {
        table.add(r, kNumber, fmt::format("\"{}\" is no whole number", cell.substr(0, 40)));
        continue;
      }
      last = number;
      std::string id = table.cell(r, kInjectId);
      if (id.empty()) id = fmt::format("inject-{}", number);
      if (!by_number.emplace(number, Entry{r, std::move(id)}).second)
        table.add(r, kNumber, fmt::format("{} comes twice", number));
    }
    Yaml known = map_at();
    if (const Yaml* there = tree_.find("injects")) known = *there;
    erase(tree_, "injects");
    Yaml injects = map_at({1, 1});
    for (const auto& [number, entry] : by_number) {
      Yaml block = table.block(entry.row);
      if (const Yaml* before = known.find(entry.id)) {
        for (const SheetForm& list : sheet_forms())
          if (list.within == "injects" && !has(list.name))
            if (const Yaml* there = before->find(list.key)) block.set(list.key, *there);
      } else {
        make_lists(table, entry.row, entry.id, block);
      }
      append(injects, entry.id, std::move(block));
    }
    if (!injects.keys.empty()) tree_.set("injects", std::move(injects));
  }
  static std::vector<std::string> beside() {
    std::vector<std::string> out{kNumber};
    for (const auto word : kDerived) out.emplace_back(word);
    return out;
  }

  // Of an inject that stands in the list alone: what the columns for people say of it.
  void make_lists(const Table& table, std::size_t row, const std::string& id, Yaml& block) {
    const auto text = [&](const char* path) {
      return at_path(block, path) != nullptr ? at_path(block, path)->text : std::string();
    };
    const std::string subject = text("name").empty() ? id : text("name");
    const std::string body = text("description").empty() ? subject : text("description");
    if (!has("Deliveries")) {
      each_line(table.cell(row, kMethod), [&](std::string_view line) {
        if (trim(line).empty()) return;
        const Place place = table.place(row, kMethod);
        Yaml delivery = text_map({{"via", method_word(line)}, {"subject", subject}, {"text", body}}, place);
        delivery.set("roles", list_of(text_at("Blue", place)));
        if (block.find("deliver") == nullptr) block.set("deliver", list_at(place));
        block.find("deliver")->items.push_back(std::move(delivery));
      });
    }
    if (has("Events")) return;
    const Place place = table.place(row, kDtg);
    const auto time = parse_dtg(table.cell(row, kDtg));
    if (base_ == nullptr)
      return table.add(row, kDtg, "a list alone needs a scenario that it belongs to, for the drill's start and teams");
    if (!time) return table.add(row, kDtg, "a day and time as 190615ZJAN27 is expected here");
    const std::string delay_text = text("when.delay");
    const Duration delay = parse_duration(delay_text).value_or(Duration(0));
    const Duration at = std::chrono::duration_cast<Duration>(*time - base_->exercise.start) - delay;
    if (at < Duration(0) || at > base_->exercise.duration)
      return table.add(row, kDtg,
                       fmt::format("the drill goes from {} to {}", dtg_of(base_->exercise.start),
                                   dtg_of(base_->exercise.start + base_->exercise.duration)));
    if (!has("Expected Actions") && !has("Information Sharing")) {
      const Duration left = base_->exercise.duration - at - delay;
      int number = 0;
      each_line(table.cell(row, kExpected), [&](std::string_view line) {
        if (trim(line).empty()) return;
        const Place of = table.place(row, kExpected);
        Yaml expectation = text_map({{"id", fmt::format("action-{}", ++number)},
                                     {"act", "report"},
                                     {"description", std::string(line)},
                                     {"score", "1"},
                                     {"expires", text_of(std::min<Duration>(std::chrono::hours(1), left))}},
                                    of);
        expectation.set("seen", text_map({{"as", "manual"}, {"of", std::string(line)}}, of));
        if (block.find("expectations") == nullptr) block.set("expectations", list_at(of));
        block.find("expectations")->items.push_back(std::move(expectation));
      });
    }
    const std::string& called = table.cell(row, kEvent);
    const std::string event = called.empty() ? id : called;
    Yaml& events = map_in(tree_, "events");
    if (events.find(event) == nullptr) {
      events.set(event, map_at(place));
      events.find(event)->set("injects", list_at(place));
      Yaml& scripts = map_in(tree_, "scripts");
      if (scripts.find("msel") == nullptr) {
        scripts.set("msel", text_map({{"start-time", "0"}, {"end-time", text_of(base_->exercise.duration)}}, place));
        Yaml story = map_at(place);
        story.set("scripts", list_of(text_at("msel", place)));
        map_in(tree_, "stories").set("msel", std::move(story));
      }
      map_in(*scripts.find("msel"), "events").set(event, text_at(text_of(at), place));
    }
    events.find(event)->find("injects")->items.push_back(text_at(id, place));
  }

  // What people read has to say what the other sheets say.
  void verify(const Scenario& scenario) {
    const auto at = found_.find(kMselSheet);
    if (at == found_.end()) return;
    const auto& form = *std::ranges::find(sheet_forms(), kMselSheet, &SheetForm::name);
    const Table table(*at->second, form, beside(), source_, problems_);
    const auto derived = derive(scenario);
    std::uint64_t last = 0;
    for (std::size_t r = 1; r < table.rows(); ++r) {
      if (table.empty(r)) continue;
      const std::string number(trim(table.cell(r, kNumber)));
      last = number.empty() ? last + 1 : std::stoull(number);  // read before: a number it is
      const std::string& id = table.cell(r, kInjectId);
      const auto entry = derived.find(id.empty() ? fmt::format("inject-{}", last) : id);
      if (entry == derived.end()) continue;
      for (const auto header : kDerived) {
        const std::string& cell = table.cell(r, header);
        const std::string& says = of(entry->second, header);
        if (trim(cell).empty() || same(header, cell, says)) continue;
        const std::string_view where = header == kDtg      ? "Scripts and in when.delay"
                                       : header == kEvent  ? "Events"
                                       : header == kMethod ? "Deliveries"
                                                           : "Expected Actions and Information Sharing";
        table.add(r, header,
                  fmt::format("the other sheets say \"{}\": change it in {}, or leave this cell empty", says, where));
      }
    }
  }
  static bool same(std::string_view header, const std::string& cell, const std::string& says) {
    if (header == kDtg) return parse_dtg(cell) == parse_dtg(says);
    std::vector<std::string> a, b;
    const auto take = [&](std::vector<std::string>& into) {
      return [&](std::string_view line) {
        if (!trim(line).empty()) into.push_back(header == kMethod ? method_word(line) : std::string(trim(line)));
      };
    };
    each_line(cell, take(a));
    each_line(says, take(b));
    return a == b;
  }

  const Workbook& sheets_;
  const std::string& source_;
  const Scenario* base_;
  Yaml tree_;
  Problems problems_;
  std::map<std::string, const Sheet*> found_;
};

}  // namespace

std::expected<Scenario, Problems> from_msel(const Workbook& sheets, const std::string& source, const Scenario* base,
                                            const Techniques* techniques) {
  return Import(sheets, source, base).run(techniques);
}

}  // namespace bongsu::exercise::scenario
