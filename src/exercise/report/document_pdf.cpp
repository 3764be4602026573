// PDF by cairo, text by Pango: every script that a member writes in, shaped and broken as it should be.
#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "exercise/report/document.h"

namespace bongsu::exercise::report {
namespace {

constexpr double kWidth = 595.28, kHeight = 841.89, kMargin = 48, kBody = kWidth - 2 * kMargin;  // A4 in points
constexpr double kTop = 70, kBottom = kHeight - 64;
constexpr std::size_t kMaxPages = 2'000;

struct Colour {
  double red, green, blue;
};
constexpr std::array<Colour, 9> kColours = {{{0.1, 0.12, 0.14},
                                             {0.5, 0.54, 0.58},
                                             {0.36, 0.4, 0.44},
                                             {0.12, 0.44, 0.92},
                                             {0.1, 0.5, 0.22},
                                             {0.7, 0.35, 0},
                                             {0.51, 0.31, 0.87},
                                             {0.78, 0.16, 0.16},
                                             {0.1, 0.5, 0.22}}};

template <class T, auto Free>
struct Freed {
  void operator()(T* it) const { Free(it); }
};
using Surface = std::unique_ptr<cairo_surface_t, Freed<cairo_surface_t, cairo_surface_destroy>>;
using Context = std::unique_ptr<cairo_t, Freed<cairo_t, cairo_destroy>>;
using Font = std::unique_ptr<PangoFontDescription, Freed<PangoFontDescription, pango_font_description_free>>;
struct Unref {
  void operator()(PangoLayout* it) const { g_object_unref(it); }
};
using Layout = std::unique_ptr<PangoLayout, Unref>;

cairo_status_t append(void* to, const unsigned char* data, unsigned int size) {
  static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(data), size);
  return CAIRO_STATUS_SUCCESS;
}

// Pango takes UTF-8 without control characters; what is not becomes a blank or U+FFFD.
std::string clean(std::string_view text) {
  gchar* const valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
  std::string out(valid);
  g_free(valid);
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; }, ' ');
  return out;
}

class Pages {
 public:
  Pages(cairo_t* cairo, const Document& document) : cairo_(cairo), document_(document) { begin(); }

  void operator()(const Heading& h) {
    const double size = h.level == 1 ? 16 : h.level == 2 ? 13 : 11;
    need(size * 3.5);
    y_ += size * 0.8;
    y_ += put(h.text, kMargin, kBody, size, Tone::kText, true) + size * 0.4;
  }
  void operator()(const Paragraph& p) { flow(p.text, p.tone); }
  void operator()(const Fold& f) {
    flow(f.brief.empty() ? f.summary : fmt::format("{}  [{}]", f.summary, f.brief), f.tone);
  }
  void operator()(const Table& t) {
    if (t.columns.empty()) return;
    std::vector<double> widths = t.widths;
    widths.resize(t.columns.size(), t.widths.empty() ? 1.0 : 0.0);
    double sum = 0;
    for (const double w : widths) sum += w;
    std::vector<Cell> head;
    for (const std::string& column : t.columns) head.push_back({column, Tone::kFaint});
    row(head, widths, sum, true);
    for (const auto& cells : t.rows) row(cells, widths, sum, false);
    y_ += 6;
  }
  void operator()(const Figure& f) {
    const double scale = std::min(kBody / f.width, (kBottom - kTop - 30) / f.height);
    need(f.height * scale + 24);
    y_ += put(f.title, kMargin, kBody, 9, Tone::kFaint, false) + 4;
    cairo_save(cairo_);
    cairo_translate(cairo_, kMargin, y_);
    cairo_scale(cairo_, scale, scale);
    for (const auto& shape : f.shapes) std::visit([this](const auto& it) { draw(it); }, shape);
    cairo_restore(cairo_);
    y_ += f.height * scale + 8;
  }

  void end() { cairo_show_page(cairo_); }
  bool full() const { return page_ > kMaxPages; }

 private:
  void colour(Tone tone) {
    const Colour& c = kColours[static_cast<std::size_t>(tone)];
    cairo_set_source_rgb(cairo_, c.red, c.green, c.blue);
  }
  Layout layout(std::string_view text, double width, double size, bool bold) {
    Layout out(pango_cairo_create_layout(cairo_));
    const Font font(pango_font_description_from_string(fmt::format("sans {} {}", bold ? "bold" : "", size).c_str()));
    pango_layout_set_font_description(out.get(), font.get());
    if (width > 0) pango_layout_set_width(out.get(), static_cast<int>(width * PANGO_SCALE));
    pango_layout_set_wrap(out.get(), PANGO_WRAP_WORD_CHAR);
    const std::string shown = clean(text);
    pango_layout_set_text(out.get(), shown.data(), static_cast<int>(shown.size()));
    return out;
  }
  static double height(PangoLayout* it) {
    int h = 0;
    pango_layout_get_size(it, nullptr, &h);
    return static_cast<double>(h) / PANGO_SCALE;
  }
  double put(std::string_view text, double x, double width, double size, Tone tone, bool bold) {
    const Layout it = layout(text, width, size, bold);
    colour(tone);
    cairo_move_to(cairo_, x, y_);
    pango_cairo_show_layout(cairo_, it.get());
    return height(it.get());
  }
  // Line by line, over as many pages as it takes.
  void flow(std::string_view text, Tone tone) {
    const Layout it = layout(text, kBody, 9.5, false);
    PangoLayoutIter* const iter = pango_layout_get_iter(it.get());
    do {
      PangoRectangle box;
      pango_layout_iter_get_line_extents(iter, nullptr, &box);
      const double line = static_cast<double>(box.height) / PANGO_SCALE;
      const double base = static_cast<double>(pango_layout_iter_get_baseline(iter) - box.y) / PANGO_SCALE;
      need(line);
      colour(tone);
      cairo_move_to(cairo_, kMargin, y_ + base);
      pango_cairo_show_layout_line(cairo_, pango_layout_iter_get_line_readonly(iter));
      y_ += line;
    } while (pango_layout_iter_next_line(iter) != 0);
    pango_layout_iter_free(iter);
    y_ += 3;
  }
  void row(const std::vector<Cell>& cells, const std::vector<double>& widths, double sum, bool bold) {
    std::vector<Layout> layouts;
    double tallest = 0;
    for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
      layouts.push_back(layout(cells[i].text, std::max(8.0, kBody * widths[i] / sum - 6), 8.5, bold));
      tallest = std::max(tallest, height(layouts.back().get()));
    }
    // A row that no page holds is cut by the page's end: its text is in the HTML and JSON forms.
    need(std::min(tallest + 4, kBottom - kTop));
    double x = kMargin;
    for (std::size_t i = 0; i < layouts.size(); ++i) {
      colour(cells[i].tone);
      cairo_move_to(cairo_, x, y_);
      pango_cairo_show_layout(cairo_, layouts[i].get());
      x += kBody * widths[i] / sum;
    }
    y_ += tallest + 4;
    colour(Tone::kFaint);
    cairo_set_line_width(cairo_, 0.3);
    cairo_move_to(cairo_, kMargin, y_ - 2);
    cairo_line_to(cairo_, kMargin + kBody, y_ - 2);
    cairo_stroke(cairo_);
  }

  void draw(const Stroke& s) {
    colour(s.tone);
    cairo_set_line_width(cairo_, s.width);
    cairo_new_path(cairo_);  // text before it left a point behind
    for (const auto& [x, y] : s.points) cairo_line_to(cairo_, x, y);
    cairo_stroke(cairo_);
  }
  void draw(const Dot& d) {
    colour(d.tone);
    cairo_new_path(cairo_);
    cairo_arc(cairo_, d.x, d.y, d.radius, 0, 6.283185307179586);
    cairo_fill(cairo_);
  }
  void draw(const Box& b) {
    colour(b.tone);
    cairo_new_path(cairo_);
    cairo_rectangle(cairo_, b.x, b.y, b.width, b.height);
    cairo_fill(cairo_);
  }
  void draw(const Words& w) {
    const Layout it = layout(w.text, 0, 9, false);
    int width = 0;
    pango_layout_get_size(it.get(), &width, nullptr);
    const double wide = static_cast<double>(width) / PANGO_SCALE;
    const double base = static_cast<double>(pango_layout_get_baseline(it.get())) / PANGO_SCALE;
    colour(w.tone);
    cairo_move_to(cairo_, w.anchor == 'm' ? w.x - wide / 2 : w.anchor == 'e' ? w.x - wide : w.x, w.y - base);
    pango_cairo_show_layout(cairo_, it.get());
  }

  void begin() {
    ++page_;
    for (const double at : {30.0, kHeight - 46}) {
      y_ = at;
      const Layout it = layout(document_.label, kBody, 10, true);
      pango_layout_set_alignment(it.get(), PANGO_ALIGN_CENTER);
      colour(Tone::kBad);
      cairo_move_to(cairo_, kMargin, y_);
      pango_cairo_show_layout(cairo_, it.get());
    }
    y_ = kHeight - 32;
    put(fmt::format("{} · {}", document_.title, page_), kMargin, kBody, 8, Tone::kFaint, false);
    y_ = kTop;
  }
  void need(double room) {
    if (y_ + room <= kBottom || y_ <= kTop) return;
    cairo_show_page(cairo_);
    begin();
  }

  cairo_t* cairo_;
  const Document& document_;
  double y_ = 0;
  std::size_t page_ = 0;
};

}  // namespace

Result<std::string> to_pdf(const Document& d, const Instant& when) {
  std::string out;
  Surface surface(cairo_pdf_surface_create_for_stream(append, &out, kWidth, kHeight));
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_TITLE,
                                 clean(fmt::format("{}: {}", d.label, d.title)).c_str());
  // The drill's date, not the day's: the same report is the same file.
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATE_DATE, when.text(0).c_str());
  {
    const Context cairo(cairo_create(surface.get()));
    Pages pages(cairo.get(), d);
    pages(Heading{1, d.title});
    for (const Block& block : d.blocks) {
      std::visit(pages, block);
      if (pages.full())
        return fail(ErrorCode::kTooLarge,
                    fmt::format("a report of more than {} pages: use the HTML or JSON form", kMaxPages));
    }
    pages.end();
    if (const auto status = cairo_status(cairo.get()); status != CAIRO_STATUS_SUCCESS)
      return fail(ErrorCode::kInternal, fmt::format("cairo: {}", cairo_status_to_string(status)));
  }
  cairo_surface_finish(surface.get());
  if (const auto status = cairo_surface_status(surface.get()); status != CAIRO_STATUS_SUCCESS)
    return fail(ErrorCode::kInternal, fmt::format("cairo: {}", cairo_status_to_string(status)));
  return out;
}

}  // namespace bongsu::exercise::report
