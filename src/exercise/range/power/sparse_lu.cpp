#include "exercise/range/power/sparse_lu.h"

#include <klu.h>

#include <utility>

#include "base/result.h"

namespace bongsu::exercise::power {
namespace {

// Below this ratio of the smallest to the largest pivot, other pivots are looked for.
constexpr double kPoorPivots = 1e-13;

}  // namespace

struct SparseLu::State {
  klu_common common{};
  std::vector<int> starts, rows;
  klu_symbolic* symbolic = nullptr;
  klu_numeric* numeric = nullptr;

  State() {
    klu_defaults(&common);
    // A network's matrix is one block (or a few islands); looking for blocks costs and gives nothing, and lets the factors be
    // taken out whole.
    common.btf = 0;
  }
  ~State() {
    if (numeric != nullptr) klu_free_numeric(&numeric, &common);
    if (symbolic != nullptr) klu_free_symbolic(&symbolic, &common);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

SparseLu::SparseLu() : state_(std::make_unique<State>()) {}
SparseLu::~SparseLu() = default;
SparseLu::SparseLu(SparseLu&&) noexcept = default;
SparseLu& SparseLu::operator=(SparseLu&&) noexcept = default;

bool SparseLu::analyse(std::vector<int> starts, std::vector<int> rows) {
  state_ = std::make_unique<State>();
  State& s = *state_;
  s.starts = std::move(starts);
  s.rows = std::move(rows);
  const int n = static_cast<int>(s.starts.size()) - 1;
  if (n <= 0) return false;
  s.symbolic = klu_analyze(n, s.starts.data(), s.rows.data(), &s.common);
  return s.symbolic != nullptr;
}

bool SparseLu::factor(std::span<const double> values) {
  State& s = *state_;
  BONGSU_CHECK(s.symbolic != nullptr && values.size() == s.rows.size());
  if (s.numeric != nullptr) klu_free_numeric(&s.numeric, &s.common);
  s.numeric = klu_factor(s.starts.data(), s.rows.data(), const_cast<double*>(values.data()), s.symbolic, &s.common);
  if (s.numeric == nullptr || s.common.status != KLU_OK) return false;
  return klu_rcond(s.symbolic, s.numeric, &s.common) != 0 && s.common.rcond > 0;
}

bool SparseLu::refactor(std::span<const double> values) {
  State& s = *state_;
  if (s.numeric == nullptr) return factor(values);
  BONGSU_CHECK(values.size() == s.rows.size());
  if (klu_refactor(s.starts.data(), s.rows.data(), const_cast<double*>(values.data()), s.symbolic, s.numeric, &s.common) == 0 ||
      klu_rcond(s.symbolic, s.numeric, &s.common) == 0 || !(s.common.rcond > kPoorPivots))
    return factor(values);
  return true;
}

void SparseLu::solve(std::span<double> b) const {
  State& s = *state_;
  BONGSU_CHECK(s.numeric != nullptr && b.size() == static_cast<std::size_t>(s.symbolic->n));
  klu_solve(s.symbolic, s.numeric, s.symbolic->n, 1, b.data(), &s.common);
}

LuRows SparseLu::rows() const {
  State& s = *state_;
  BONGSU_CHECK(s.numeric != nullptr);
  const auto n = static_cast<std::size_t>(s.symbolic->n);
  std::vector<int> lower_start(n + 1), lower_row(static_cast<std::size_t>(s.numeric->lnz)), upper_start(n + 1),
      upper_row(static_cast<std::size_t>(s.numeric->unz));
  std::vector<double> lower(lower_row.size()), upper(upper_row.size()), scale(n);
  LuRows out;
  out.size = s.symbolic->n;
  out.pivot_row.resize(n);
  out.column.resize(n);
  klu_extract(s.numeric, s.symbolic, lower_start.data(), lower_row.data(), lower.data(), upper_start.data(), upper_row.data(),
              upper.data(), nullptr, nullptr, nullptr, out.pivot_row.data(), out.column.data(), scale.data(), nullptr, &s.common);
  out.row_scale.resize(n);
  for (std::size_t k = 0; k < n; ++k) out.row_scale[k] = 1 / scale[k];
  out.inverse_diagonal.resize(n);
  // Columns to rows; the diagonals apart.
  const auto turn = [n](const std::vector<int>& start, const std::vector<int>& row, const std::vector<double>& value,
                        std::vector<int>& to_start, std::vector<int>& to_column, std::vector<double>& to_value, auto diagonal) {
    to_start.assign(n + 1, 0);
    for (std::size_t j = 0; j < n; ++j)
      for (int p = start[j]; p < start[j + 1]; ++p)
        if (row[p] != static_cast<int>(j)) ++to_start[row[p] + 1];
    for (std::size_t i = 0; i < n; ++i) to_start[i + 1] += to_start[i];
    to_column.resize(to_start[n]);
    to_value.resize(to_start[n]);
    std::vector<int> next(to_start.begin(), to_start.end() - 1);
    for (std::size_t j = 0; j < n; ++j) {
      for (int p = start[j]; p < start[j + 1]; ++p) {
        if (row[p] == static_cast<int>(j)) {
          diagonal(j, value[p]);
          continue;
        }
        const int at = next[row[p]]++;
        to_column[at] = static_cast<int>(j);
        to_value[at] = value[p];
      }
    }
  };
  turn(lower_start, lower_row, lower, out.lower_start, out.lower_column, out.lower, [](std::size_t, double) {});
  turn(upper_start, upper_row, upper, out.upper_start, out.upper_column, out.upper,
       [&](std::size_t j, double value) { out.inverse_diagonal[j] = 1 / value; });
  return out;
}

}  // namespace bongsu::exercise::power
