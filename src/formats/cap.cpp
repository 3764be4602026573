#include "formats/cap.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "base/clock.h"
#include "base/text.h"
#include "formats/xml.h"

namespace bongsu::formats {
namespace {

constexpr std::string_view kSignatures = "http://www.w3.org/2000/09/xmldsig#";

constexpr std::string_view kStatus[] = {"Actual", "Exercise", "System", "Test", "Draft"};
constexpr std::string_view kMessage[] = {"Alert", "Update", "Cancel", "Ack", "Error"};
constexpr std::string_view kScope[] = {"Public", "Restricted", "Private"};
constexpr std::string_view kCategory[] = {"Geo",    "Met", "Safety",    "Security", "Rescue", "Fire",
                                          "Health", "Env", "Transport", "Infra",    "CBRNE",  "Other"};
constexpr std::string_view kResponse[] = {"Shelter", "Evacuate", "Prepare",  "Execute", "Avoid",
                                          "Monitor", "Assess",   "AllClear", "None"};
constexpr std::string_view kUrgency[] = {"Immediate", "Expected", "Future", "Past", "Unknown"};
constexpr std::string_view kSeverity[] = {"Extreme", "Severe", "Moderate", "Minor", "Unknown"};
constexpr std::string_view kCertainty[] = {"Observed", "Likely", "Possible", "Unlikely", "Unknown"};

using Words = std::span<const std::string_view>;
enum class Need : bool { kOptional, kRequired };

// The schema's order, once: a Reader or a Writer goes along it.
template <class Walk>
void walk_resource(Walk& w, auto& r) {
  w.text("resourceDesc", r.description, Need::kRequired);
  w.text("mimeType", r.mime_type, Need::kRequired);
  w.text("size", r.size);
  w.text("uri", r.uri);
  w.text("derefUri", r.deref_uri);
  w.text("digest", r.digest);
}

template <class Walk>
void walk_area(Walk& w, auto& a) {
  w.text("areaDesc", a.description, Need::kRequired);
  w.texts("polygon", a.polygons);
  w.texts("circle", a.circles);
  w.pairs("geocode", a.geocodes);
  w.text("altitude", a.altitude);
  w.text("ceiling", a.ceiling);
}

template <class Walk>
void walk_info(Walk& w, auto& i) {
  w.text("language", i.language);
  w.texts("category", i.categories, kCategory, Need::kRequired);
  w.text("event", i.event, Need::kRequired);
  w.texts("responseType", i.response_types, kResponse);
  w.text("urgency", i.urgency, Need::kRequired, kUrgency);
  w.text("severity", i.severity, Need::kRequired, kSeverity);
  w.text("certainty", i.certainty, Need::kRequired, kCertainty);
  w.text("audience", i.audience);
  w.pairs("eventCode", i.event_codes);
  w.time("effective", i.effective);
  w.time("onset", i.onset);
  w.time("expires", i.expires);
  w.text("senderName", i.sender_name);
  w.text("headline", i.headline);
  w.text("description", i.description);
  w.text("instruction", i.instruction);
  w.text("web", i.web);
  w.text("contact", i.contact);
  w.pairs("parameter", i.parameters);
  w.each("resource", i.resources, [](auto& inner, auto& r) { walk_resource(inner, r); });
  w.each("area", i.areas, [](auto& inner, auto& a) { walk_area(inner, a); });
}

template <class Walk>
void walk_alert(Walk& w, auto& a) {
  w.text("identifier", a.identifier, Need::kRequired);
  w.text("sender", a.sender, Need::kRequired);
  w.time("sent", a.sent, Need::kRequired);
  w.text("status", a.status, Need::kRequired, kStatus);
  w.text("msgType", a.message_type, Need::kRequired, kMessage);
  w.text("source", a.source);
  w.text("scope", a.scope, Need::kRequired, kScope);
  w.text("restriction", a.restriction);
  w.text("addresses", a.addresses);
  w.texts("code", a.codes);
  w.text("note", a.note);
  w.text("references", a.references);
  w.text("incidents", a.incidents);
  w.each("info", a.info, [](auto& inner, auto& i) { walk_info(inner, i); });
}

bool is_one_of(Words words, std::string_view text) {
  return words.empty() || std::ranges::find(words, text) != words.end();
}

std::unexpected<Error> wrong(std::string_view source, std::uint64_t line, std::string_view element,
                             std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message),
              {.source = std::string(source), .line = line, .field = std::string(element)});
}

class Reader {
 public:
  Reader(const XmlElement& of, std::string_view source, std::optional<Error>& error)
      : of_(of), source_(source), error_(error) {}

  void text(std::string_view name, std::string& to, Need need = Need::kOptional, Words words = {}) {
    const XmlElement* e = take(name);
    if (e == nullptr) {
      if (need == Need::kRequired) missing(name);
      return;
    }
    if (!e->children.empty()) return stop(*e, "has elements within");
    // Where the schema wants a word, blanks around it are not part of it.
    to = words.empty() ? e->text : std::string(trim(e->text));
    if (to.empty() && need == Need::kRequired) return stop(*e, "is empty");
    if (!is_one_of(words, to) && !to.empty()) return stop(*e, fmt::format("\"{}\" is no value of it", to));
  }
  void time(std::string_view name, std::string& to, Need need = Need::kOptional) {
    text(name, to, need);
    if (error_ || to.empty()) return;
    to = std::string(trim(to));
    if (!is_cap_time(to)) stop(of_.children[at_ - 1], "is no time like 2027-01-19T07:00:00-00:00");
  }
  void texts(std::string_view name, std::vector<std::string>& to, Words words = {}, Need need = Need::kOptional) {
    while (!error_ && next_is(name) && room(to.size())) text(name, to.emplace_back(), Need::kOptional, words);
    if (need == Need::kRequired && to.empty()) missing(name);
  }
  void pairs(std::string_view name, CapValues& to) {
    each(name, to, [](Reader& inner, auto& pair) {
      inner.text("valueName", pair.first);
      inner.text("value", pair.second);
    });
  }
  template <class T, class F>
  void each(std::string_view name, std::vector<T>& to, F f) {
    while (!error_ && next_is(name) && room(to.size())) {
      Reader inner(*take(name), source_, error_);
      f(inner, to.emplace_back());
      inner.end();
    }
  }
  void end() {
    while (!error_ && at_ < of_.children.size() && of_.children[at_].ns == kSignatures) ++at_;
    if (!error_ && at_ < of_.children.size())
      stop(of_.children[at_], "does not belong here; the standard has an order");
  }

 private:
  bool next_is(std::string_view name) const {
    return at_ < of_.children.size() && of_.children[at_].is(kCapNamespace, name);
  }
  const XmlElement* take(std::string_view name) { return !error_ && next_is(name) ? &of_.children[at_++] : nullptr; }
  void stop(const XmlElement& e, std::string message) {
    if (!error_) error_ = wrong(source_, e.line, e.name, std::move(message)).error();
  }
  void missing(std::string_view name) { stop(of_, fmt::format("has no {} where one belongs", name)); }
  bool room(std::size_t size) {
    if (size < kMaxCapItems) return true;
    stop(of_.children[at_], fmt::format("there are more than {}", kMaxCapItems));
    if (error_) error_->code = ErrorCode::kTooLarge;
    return false;
  }
  const XmlElement& of_;
  std::string_view source_;
  std::optional<Error>& error_;
  std::size_t at_ = 0;
};

class Writer {
 public:
  Writer(std::string& out, std::size_t depth, std::optional<Error>& error) : out_(out), depth_(depth), error_(error) {}

  void text(std::string_view name, const std::string& text, Need need = Need::kOptional, Words words = {}) {
    if (error_) return;
    if (text.empty()) {
      if (need == Need::kRequired) stop(name, "is required");
      return;
    }
    if (!is_one_of(words, text)) return stop(name, fmt::format("\"{}\" is no value of it", text));
    element(name, text);
  }
  void time(std::string_view name, const std::string& text, Need need = Need::kOptional) {
    if (!text.empty() && !is_cap_time(text)) return stop(name, "is no time like 2027-01-19T07:00:00-00:00");
    this->text(name, text, need);
  }
  void texts(std::string_view name, const std::vector<std::string>& texts, Words words = {},
             Need need = Need::kOptional) {
    if (texts.empty() && need == Need::kRequired) return stop(name, "is required");
    for (const std::string& text : texts) {
      if (!is_one_of(words, text)) return stop(name, fmt::format("\"{}\" is no value of it", text));
      element(name, text);
    }
  }
  void pairs(std::string_view name, const CapValues& values) {
    each(name, values, [](Writer& inner, const auto& pair) {
      inner.element("valueName", pair.first);
      inner.element("value", pair.second);
    });
  }
  template <class T, class F>
  void each(std::string_view name, const std::vector<T>& things, F f) {
    for (const T& thing : things) {
      out_ += fmt::format("{:{}}<{}>\n", "", depth_ * 2, name);
      Writer inner(out_, depth_ + 1, error_);
      f(inner, thing);
      out_ += fmt::format("{:{}}</{}>\n", "", depth_ * 2, name);
    }
  }

 private:
  void element(std::string_view name, const std::string& text) {
    const auto escaped = xml_escaped(text);
    if (!escaped) return stop(name, escaped.error().message);
    out_ += fmt::format("{:{}}<{}>{}</{}>\n", "", depth_ * 2, name, *escaped, name);
  }
  void stop(std::string_view name, std::string message) {
    if (!error_) error_ = wrong("", 0, name, std::move(message)).error();
  }
  std::string& out_;
  const std::size_t depth_;
  std::optional<Error>& error_;
};

}  // namespace

bool is_cap_time(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00+00:00";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kShape[i] == '0'   ? !is_digit(text[i])
        : kShape[i] == '+' ? text[i] != '+' && text[i] != '-'
                           : text[i] != kShape[i])
      return false;
  }
  return Instant::parse(text).has_value();
}

Result<CapAlert> read_cap(std::string_view xml, std::string_view source_name) {
  BONGSU_TRY(const XmlElement root, parse_xml(xml, source_name));
  if (!root.is(kCapNamespace, "alert"))
    return wrong(source_name, root.line, root.name, "is no alert of CAP 1.2 (urn:oasis:names:tc:emergency:cap:1.2)");
  CapAlert out;
  std::optional<Error> error;
  Reader reader(root, source_name, error);
  walk_alert(reader, out);
  reader.end();
  if (error) return std::unexpected(std::move(*error));
  return out;
}

Result<std::string> write_cap(const CapAlert& alert) {
  std::string out = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"{}\">\n", kCapNamespace);
  std::optional<Error> error;
  Writer writer(out, 1, error);
  walk_alert(writer, alert);
  if (error) return std::unexpected(std::move(*error));
  return out + "</alert>\n";
}

}  // namespace bongsu::formats
