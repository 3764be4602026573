// What a task's patterns come to for one learner: ${variables} drawn from a seat, $(functions) of them.
//
//   BONGSU_TRY(const Values values, Values::draw(task, {.course = "protocols", .learner = "ana", .seed = 7}));
//   BONGSU_TRY(const std::string text, values.fill("${attacker} at $(later ${at} 90s)"));
//
// The same seat gives the same values, on any machine. Variables of one task differ from each other where they are
// drawn (an attacker's address is not the control centre's), as far as there is room.
//
//   $(sum A B …) $(minus A B) $(product A B …) $(quotient A B)    numbers
//   $(later TIME DURATION) $(earlier …) $(month-later TIME)        times as 2027-01-19T07:00:00Z
//   $(choose N A B …)                                             the N-th of them, from 0
//   $(phrase a~b)                                                 a b
//   $(hex N DIGITS) $(uuid WORD)                                  0x… without 0x; a UUID of its own for this seat
//   $(registers FORMAT VALUE)                                     as point lists name formats: "0x4248,0x0000"
//   $(iec104 type=C_DC_NA_1 cause=6 ca=1 ioa=1100 value=2 select=yes tx=0 rx=0)     a frame in hexadecimal
//   $(iec104 u=startdt-act) $(iec104 s=3)
//   $(modbus function=6 unit=1 tx=1 address=4 values=50)          a request; count= for reads
//
// Words in functions are divided by blanks and hold none; functions stand in functions, the innermost first.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "exercise/course/course.h"

namespace bongsu::exercise::course {

struct Seat {
  std::string course, learner;
  std::uint64_t seed = 0;
  std::uint32_t round = 1;  // raised by each reset
};

class Values {
 public:
  // kInvalid names the variable and what is wrong with it.
  static Result<Values> draw(const Task& task, const Seat& seat);

  // kInvalid: no such variable or function, or arguments it does not take.
  Result<std::string> fill(std::string_view pattern) const;
  // The same as a time.
  Result<Instant> time(std::string_view pattern) const;
  // A number of this seat's own for what is made beside the variables.
  std::uint64_t number(std::string_view what) const;
  const std::map<std::string, std::string, std::less<>>& all() const { return values_; }

 private:
  explicit Values(std::string seat) : seat_(std::move(seat)) {}
  Result<std::string> drawn(const Variable& variable, std::string_view purpose) const;

  std::string seat_;
  std::map<std::string, std::string, std::less<>> values_;
};

// $(name arguments…), whose words are filled already.
Result<std::string> call(std::string_view name, const std::vector<std::string_view>& arguments);

}  // namespace bongsu::exercise::course
