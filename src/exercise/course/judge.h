// Whether an answer is right, by what it does: compared with what the material was made of, run through an engine,
// played to a control system, lived through by a world.
//
//   BONGSU_TRY(const Verdict verdict, judge(task, seat, answer, sources, engines));
//   if (!verdict.right) print(verdict.said);   // "2 of 3 attack lines are hit, and 1 of 400 others (line 17)"
//
// What is said helps to go on and does not give the answer away. A learner's mistake, be it a rule that does not
// compile, is a verdict; an error is a fault of the course or of this program.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exercise/course/material.h"

namespace bongsu::exercise::course {

struct Verdict {
  bool right = false;
  std::string said;
};

// What higher modules lend: rules and patterns over telemetry. Lines from 1 on, rising.
class Engines {
 public:
  virtual ~Engines() = default;
  // kInvalid, kUnsupported: what is wrong with the rule.
  virtual Result<std::vector<std::uint64_t>> sigma(std::string_view rules, std::string_view log) const = 0;
  virtual Result<std::vector<std::uint64_t>> patterns(std::span<const std::string> patterns,
                                                      std::string_view log) const = 0;
};

Result<Verdict> judge(const Task& task, const Seat& seat, std::string_view answer, const Sources& sources,
                      const Engines& engines);

// Its parts, by the kind of check.
struct Judged {  // what all of them look at
  const Task& task;
  const Seat& seat;
  const Values& values;
  std::string_view answer;
  const Sources& sources;
  const Engines& engines;
};
Result<Verdict> judge_answer(const std::vector<AnswerField>& fields, const Judged& j);
Result<Verdict> judge_table(const TableCheck& check, const Judged& j);
Result<Verdict> judge_detection(const DetectCheck& check, std::span<const std::string> patterns, const Judged& j);
Result<Verdict> judge_bundle(const BundleCheck& check, const Judged& j);
Result<Verdict> judge_agreement(const AgreementCheck& check, const Judged& j);
Result<Verdict> judge_orders(const OrdersCheck& check, const Judged& j);
Result<Verdict> judge_session(const SessionCheck& check, const Judged& j);

// Measures of a whole world that bounds name, beside quantities of things; for messages and the course's check.
std::span<const std::string_view> measures();

}  // namespace bongsu::exercise::course
