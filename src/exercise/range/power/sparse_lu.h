// LU factors of a sparse matrix whose pattern stays while its values change (KLU behind our types).
//
//   SparseLu lu;
//   lu.analyse(starts, rows);          // once: ordering for little fill
//   if (!lu.factor(values)) …          // singular
//   lu.refactor(other_values);         // same pivots, much cheaper; pivots anew by itself when they have become poor
//   lu.solve(b);                       // b becomes A⁻¹ b
//
// One owner, not for several threads at once.
#pragma once

#include <memory>
#include <span>
#include <vector>

namespace bongsu::exercise::power {

// The factors as rows, for solvers of our own: with b'[k] = b[pivot_row[k]] * row_scale[k], L U y = b', x[column[k]] = y[k].
// L has ones on its diagonal, which is left out; U's diagonal is given inverted.
struct LuRows {
  int size = 0;
  std::vector<int> pivot_row, column;
  std::vector<double> row_scale, inverse_diagonal;
  std::vector<int> lower_start, lower_column, upper_start, upper_column;
  std::vector<double> lower, upper;
};

class SparseLu {
 public:
  SparseLu();
  ~SparseLu();
  SparseLu(SparseLu&&) noexcept;
  SparseLu& operator=(SparseLu&&) noexcept;

  // Compressed columns: rows[starts[j] .. starts[j + 1]) are the rows of column j, each once, ascending. False: no matrix of
  // this pattern can be inverted.
  bool analyse(std::vector<int> starts, std::vector<int> rows);
  bool factor(std::span<const double> values);    // with pivoting; false: singular
  bool refactor(std::span<const double> values);  // with the pivots there are
  void solve(std::span<double> b) const;
  LuRows rows() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bongsu::exercise::power
