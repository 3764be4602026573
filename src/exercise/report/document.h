// A report as blocks that know nothing of pages or browsers; rendered as one HTML page or as PDF.
//
//   Document d{.title = "After action: Winter", .label = "EXERCISE · TLP:AMBER"};
//   d.blocks.push_back(Heading{1, "Teams"});
//   d.blocks.push_back(Table{.columns = {"Team", "Points"}, .rows = {{{"lt-blue"}, {"73.4"}}}});
//   write(to_html(d)); write(*to_pdf(d, instant));
//
// The label stands at head and foot of every page. The same document gives the same bytes.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace bongsu::exercise::report {

// Meanings, not colours: each renderer has its own, readable in light and dark.
enum class Tone : std::uint8_t { kText, kFaint, kStart, kDetected, kShared, kContained, kRestored, kBad, kGood };

struct Heading {
  int level = 1;  // 1 to 3
  std::string text;
};
struct Paragraph {
  std::string text;
  Tone tone = Tone::kText;
};
struct Cell {
  std::string text;
  Tone tone = Tone::kText;
};
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
  std::vector<double> widths;  // parts of the page's width; empty: equal
};
// A line that opens to what stands behind it. On paper it is the line with its short form behind.
struct Fold {
  std::string summary, brief;
  Tone tone = Tone::kText;
  std::vector<std::string> lines;
};

struct Stroke {  // through points, in the figure's units
  std::vector<std::pair<double, double>> points;
  Tone tone = Tone::kText;
  double width = 1.5;
};
struct Dot {
  double x = 0, y = 0, radius = 4;
  Tone tone = Tone::kText;
  std::string about;  // shown where a reader points at it
};
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  Tone tone = Tone::kFaint;
};
struct Words {
  double x = 0, y = 0;  // of the baseline's beginning, middle or end
  std::string text;
  Tone tone = Tone::kText;
  char anchor = 's';  // s, m, e
};
struct Figure {
  std::string title;
  double width = 900, height = 200;
  std::vector<std::variant<Stroke, Dot, Box, Words>> shapes;
};

using Block = std::variant<Heading, Paragraph, Table, Fold, Figure>;

struct Document {
  std::string title, label;
  std::vector<Block> blocks;
};

// One page without scripts or anything from elsewhere.
std::string to_html(const Document& document);

// A4. `when` is the date in its metadata. kInternal: the library could not.
Result<std::string> to_pdf(const Document& document, const Instant& when);

}  // namespace bongsu::exercise::report
