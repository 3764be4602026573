#include "exercise/course/course.h"

#include <algorithm>
#include <array>

namespace bongsu::exercise::course {
namespace {

constexpr std::array kProtocols = {scenario::Word<Protocol>{Protocol::kIec104, "iec104"},
                                   scenario::Word<Protocol>{Protocol::kModbus, "modbus"}};
constexpr std::array kForms = {scenario::Word<Form>{Form::kPcap, "pcap"}, scenario::Word<Form>{Form::kLog, "log"},
                               scenario::Word<Form>{Form::kHex, "hex"}};
constexpr std::array kAs = {scenario::Word<As>{As::kText, "text"},     scenario::Word<As>{As::kExact, "exact"},
                            scenario::Word<As>{As::kNumber, "number"}, scenario::Word<As>{As::kTime, "time"},
                            scenario::Word<As>{As::kSet, "set"},       scenario::Word<As>{As::kList, "list"},
                            scenario::Word<As>{As::kHex, "hex"}};

}  // namespace

std::span<const scenario::Word<Protocol>> words(Protocol) { return kProtocols; }
std::span<const scenario::Word<Form>> words(Form) { return kForms; }
std::span<const scenario::Word<As>> words(As) { return kAs; }

double Course::hours() const {
  double sum = 0;
  for (const Day& day : days) sum += day.hours;
  return sum;
}

double Course::points() const {
  double sum = 0;
  for (const Day& day : days)
    for (const Task& task : day.tasks) sum += task.points;
  return sum;
}

const Task* Course::find(std::string_view name) const {
  const Task* found = nullptr;
  for (const Day& day : days)
    for (const Task& task : day.tasks) {
      if (name == day.id + "." + task.id) return &task;
      if (name != task.id) continue;
      if (found != nullptr) return nullptr;
      found = &task;
    }
  return found;
}

const Day* Course::day_of(const Task& task) const {
  for (const Day& day : days)
    if (!day.tasks.empty() && &task >= day.tasks.data() && &task < day.tasks.data() + day.tasks.size()) return &day;
  return nullptr;
}

std::vector<const Task*> tasks_of(const Course& course) {
  std::vector<const Task*> out;
  for (const Day& day : course.days)
    for (const Task& task : day.tasks) out.push_back(&task);
  return out;
}

}  // namespace bongsu::exercise::course
