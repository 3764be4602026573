#include <fmt/format.h>

#include <array>

#include "exercise/report/document.h"

namespace bongsu::exercise::report {
namespace {

constexpr std::array<std::string_view, 9> kClasses = {"text",      "faint",    "start", "detected", "shared",
                                                      "contained", "restored", "bad",   "good"};
std::string_view class_of(Tone tone) { return kClasses[static_cast<std::size_t>(tone)]; }

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--paper:#fff;--text:#1b1f24;--faint:#8a939e;--line:#d9dee4;--start:#5b6570;--detected:#1f6feb;--shared:#1a7f37;--contained:#b35900;--restored:#8250df;--bad:#c62828;--good:#1a7f37}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--text:#e4e8ec;--faint:#87909a;--line:#333a42;--start:#a3acb6;--detected:#6ea8ff;--shared:#56c271;--contained:#f0a050;--restored:#c297ff;--bad:#ff7b72;--good:#56c271}}
body{margin:0;background:var(--paper);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:70rem;margin:0 auto;padding:1rem 1.5rem}
.label{position:sticky;top:0;background:var(--bad);color:var(--paper);text-align:center;font-weight:700;letter-spacing:.06em;padding:.3rem}
footer.label{position:sticky;top:auto;bottom:0}
h1{font-size:1.8rem}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}h3{margin-top:1.6rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:.6rem 0}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}th{color:var(--faint);font-weight:600}
details{border-bottom:1px solid var(--line);padding:.2rem 0}summary{cursor:pointer}details ol{margin:.3rem 0 .6rem;padding-left:2.2rem;font:13px/1.45 ui-monospace,monospace;list-style:none;overflow-wrap:anywhere}
figure{margin:1rem 0}figcaption{color:var(--faint)}svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif}
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        // Control characters have no place in HTML.
        out += static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t' ? ' ' : c;
    }
  return out;
}

struct Writer {
  std::string& out;

  void operator()(const Heading& h) const { out += fmt::format("<h{0}>{1}</h{0}>\n", h.level + 1, escaped(h.text)); }
  void operator()(const Paragraph& p) const {
    out += fmt::format("<p class=\"{}\">{}</p>\n", class_of(p.tone), escaped(p.text));
  }
  void operator()(const Table& t) const {
    out += "<div class=\"scroll\"><table><thead><tr>";
    for (const std::string& column : t.columns) out += fmt::format("<th scope=\"col\">{}</th>", escaped(column));
    out += "</tr></thead><tbody>\n";
    for (const auto& row : t.rows) {
      out += "<tr>";
      for (const Cell& cell : row)
        out += fmt::format("<td class=\"{}\">{}</td>", class_of(cell.tone), escaped(cell.text));
      out += "</tr>\n";
    }
    out += "</tbody></table></div>\n";
  }
  void operator()(const Fold& f) const {
    out += fmt::format("<details><summary class=\"{}\">{}</summary><ol>", class_of(f.tone), escaped(f.summary));
    for (const std::string& line : f.lines) out += fmt::format("<li>{}</li>", escaped(line));
    out += "</ol></details>\n";
  }
  void operator()(const Figure& f) const {
    out += fmt::format(
        "<figure><figcaption>{0}</figcaption><svg viewBox=\"0 0 {1:g} {2:g}\" role=\"img\" aria-label=\"{0}\">\n",
        escaped(f.title), f.width, f.height);
    for (const auto& shape : f.shapes) std::visit(*this, shape);
    out += "</svg></figure>\n";
  }
  void operator()(const Stroke& s) const {
    out += "<polyline points=\"";
    for (const auto& [x, y] : s.points) out += fmt::format("{:.1f},{:.1f} ", x, y);
    out += fmt::format("\" stroke-width=\"{:g}\" class=\"s-{}\"/>\n", s.width, class_of(s.tone));
  }
  void operator()(const Dot& d) const {
    out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:g}\" class=\"f-{}\"><title>{}</title></circle>\n",
                       d.x, d.y, d.radius, class_of(d.tone), escaped(d.about));
  }
  void operator()(const Box& b) const {
    out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"f-{}\"/>\n", b.x,
                       b.y, b.width, b.height, class_of(b.tone));
  }
  void operator()(const Words& w) const {
    const std::string_view anchor = w.anchor == 'm' ? "middle" : w.anchor == 'e' ? "end" : "start";
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"f-{}\">{}</text>\n", w.x, w.y,
                       anchor, class_of(w.tone), escaped(w.text));
  }
};

}  // namespace

std::string to_html(const Document& d) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">\n";
  // Nothing is loaded and nothing runs, whatever stands in the text.
  out += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n";
  out += fmt::format("<title>{}: {}</title>\n<style>{}", escaped(d.label), escaped(d.title), kStyle);
  for (const std::string_view tone : kClasses) {
    out += fmt::format(".s-{0}{{stroke:var(--{0});fill:none}}.f-{0}{{fill:var(--{0})}}", tone);
    if (tone != "text") out += fmt::format(".{0}{{color:var(--{0})}}", tone);
  }
  out += fmt::format("\n</style></head>\n<body><header class=\"label\">{0}</header>\n<main>\n<h1>{1}</h1>\n",
                     escaped(d.label), escaped(d.title));
  for (const Block& block : d.blocks) std::visit(Writer{out}, block);
  out += fmt::format("</main>\n<footer class=\"label\">{}</footer></body></html>\n", escaped(d.label));
  return out;
}

}  // namespace bongsu::exercise::report
