#include "exercise/scenario/sheet_form.h"

#include "exercise/scenario/fields.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::scenario {
namespace {

template <class>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
struct Bare {
  using Type = T;
};
template <class T>
struct Bare<std::optional<T>> {
  using Type = T;
};
template <class T>
inline constexpr bool kIsText =
    std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string> || std::is_same_v<T, Duration> ||
    std::is_same_v<T, Instant> || std::is_same_v<T, policy::Label>;

// Columns of a block; lists of blocks are sheets of their own.
template <class T>
struct Columns {
  std::vector<Column>& out;
  std::string prefix;

  template <class M>
  void field(std::string_view key, M T::*, Need) {
    using Value = typename Bare<M>::Type;
    const std::string path = prefix + std::string(key);
    if constexpr (std::is_same_v<Value, MinScore>) {
      out.push_back({path, path, CellShape::kScore});
    } else if constexpr (std::is_same_v<Value, std::map<std::string, std::string>> ||
                         std::is_same_v<Value, std::vector<EventTime>>) {
      out.push_back({path, path, CellShape::kMap});
    } else if constexpr (kIsText<Value>) {
      out.push_back({path, path, CellShape::kText});
    } else if constexpr (kIsVector<Value>) {
      if constexpr (kIsText<typename Value::value_type>) out.push_back({path, path, CellShape::kList});
    } else {
      Columns<Value> inner{out, path + "."};
      fields(inner, std::type_identity<Value>());
    }
  }
};

template <class T>
SheetForm form(std::string name, std::string key, std::string within = {}) {
  SheetForm out{std::move(name), std::move(key), std::move(within), {}};
  if constexpr (kNamed<T>) out.columns.push_back({"id", "id", CellShape::kText});
  Columns<T> columns{out.columns, ""};
  fields(columns, std::type_identity<T>());
  return out;
}

// The words of those who plan exercises (HSEEP's and NATO's lists) for what an inject has.
constexpr std::pair<std::string_view, std::string_view> kMselHeaders[] = {{"id", kInjectId},
                                                                          {"name", "Inject"},
                                                                          {"from-entity", "From"},
                                                                          {"to-entities", "To"},
                                                                          {"description", "Description"},
                                                                          {"tlos", "Objective"},
                                                                          {"ttp", "ATT&CK"},
                                                                          {"response", "Playbook"}};

std::vector<SheetForm> make() {
  std::vector<SheetForm> out;
  out.push_back(form<Scenario>(kHeadSheet, ""));
  SheetForm msel = form<Inject>(kMselSheet, "injects");
  for (Column& column : msel.columns)
    for (const auto& [path, header] : kMselHeaders)
      if (column.path == path) column.header = header;
  out.push_back(std::move(msel));
  out.push_back(form<Delivery>("Deliveries", "deliver", "injects"));
  out.push_back(form<Expectation>("Expected Actions", "expectations", "injects"));
  out.push_back(form<ShareExpectation>("Information Sharing", "share", "injects"));
  out.push_back(form<Effect>("Effects", "physics", "injects"));
  out.push_back(form<Telemetry>("Telemetry", "telemetry", "injects"));
  out.push_back(form<Indicator>("Indicators", "indicators", "injects"));
  out.push_back(form<Reference>("References", "references", "exercise"));
  out.push_back(form<Service>("Services", "services"));
  out.push_back(form<Entity>("Entities", "entities"));
  out.push_back(form<Condition>("Conditions", "conditions"));
  out.push_back(form<Metric>("Metrics", "metrics"));
  out.push_back(form<Evaluation>("Evaluations", "evaluations"));
  out.push_back(form<Tlo>("Objectives", "tlos"));
  out.push_back(form<Goal>("Goals", "goals"));
  out.push_back(form<Event>("Events", "events"));
  out.push_back(form<Script>("Scripts", "scripts"));
  out.push_back(form<Story>("Stories", "stories"));
  return out;
}

}  // namespace

const std::vector<SheetForm>& sheet_forms() {
  static const std::vector<SheetForm> forms = make();
  return forms;
}

}  // namespace bongsu::exercise::scenario
