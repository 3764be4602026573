#include "telemetry/syslog.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace bongsu::telemetry {
namespace {

constexpr std::string_view kNil = "-";
constexpr std::string_view kBom = "\xef\xbb\xbf";

bool is_graphic(char c) { return c > ' ' && c < 127; }

// The word up to the next blank, which is taken, too.
std::string_view take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

// "<34>"; what stands between, or nothing.
std::string_view take_priority(std::string_view& rest) {
  if (!rest.starts_with('<')) return {};
  const std::size_t end = rest.substr(0, 5).find('>');
  if (end == rest.npos || end < 2) return {};
  const std::string_view digits = rest.substr(1, end - 1);
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return {};
  rest.remove_prefix(end + 1);
  return digits;
}

bool digits_at(std::string_view text, std::initializer_list<std::size_t> places) {
  return std::all_of(places.begin(), places.end(), [&](std::size_t i) { return is_digit(text[i]); });
}

bool is_clock(std::string_view text) {  // hh:mm:ss
  return text.size() >= 8 && digits_at(text, {0, 1, 3, 4, 6, 7}) && text[2] == ':' && text[5] == ':';
}

// "Oct 11 22:14:15 ", as some devices write it with the year before the clock: "Oct 11 2003 22:14:15 ". With its blank
// or colon.
std::string_view take_bsd_time(std::string_view& rest) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (rest.size() < 15 || rest[3] != ' ') return {};
  const std::size_t month = kMonths.find(rest.substr(0, 3));
  if (month == kMonths.npos || month % 3 != 0) return {};
  std::size_t at = 4;
  if (rest[at] == ' ') ++at;
  if (!is_digit(rest[at])) return {};
  ++at;
  if (is_digit(rest[at])) ++at;
  if (rest[at] != ' ') return {};
  ++at;
  if (rest.size() >= at + 13 && digits_at(rest.substr(at), {0, 1, 2, 3}) && rest[at + 4] == ' ') at += 5;
  if (!is_clock(rest.substr(at))) return {};
  at += 8;
  if (at < rest.size() && rest[at] == '.') {  // a fraction
    ++at;
    while (at < rest.size() && is_digit(rest[at])) ++at;
  }
  const std::string_view time = rest.substr(0, at);
  if (at < rest.size() && rest[at] == ':') ++at;
  if (at < rest.size() && rest[at] != ' ') return {};
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return time;
}

// RFC 3339, as RFC 5424 §6.2.3 has it.
bool is_iso_time(std::string_view word) {
  return word.size() >= 20 && word.size() <= 35 && digits_at(word, {0, 1, 2, 3, 5, 6, 8, 9}) && word[4] == '-' &&
         word[7] == '-' && word[10] == 'T' && is_clock(word.substr(11)) && parse_event_time(word).has_value();
}

bool is_name(std::string_view word, std::size_t most) {
  return !word.empty() && word.size() <= most && std::all_of(word.begin(), word.end(), is_graphic);
}

// "su[77]: " or "su: " at the beginning: RFC 3164 §4.1.3, with the letters that programs put into their names today.
bool take_tag(std::string_view& rest, std::string_view& app, std::string_view& pid) {
  std::size_t at = 0;
  while (at < rest.size() && at < 64 && is_graphic(rest[at]) && std::strchr("[]:=\"'<>{}|,;", rest[at]) == nullptr)
    ++at;
  if (at == 0 || at >= rest.size()) return false;
  std::size_t next = at;
  std::string_view number;
  if (rest[at] == '[') {
    const std::size_t close = rest.substr(0, at + 66).find(']', at);
    if (close == rest.npos) return false;
    number = rest.substr(at + 1, close - at - 1);
    if (!is_name(number, 64) || number.find_first_of("=\"'<>{}|") != number.npos) return false;
    next = close + 1;
  }
  if (next >= rest.size() || rest[next] != ':') return false;
  if (next + 1 < rest.size() && rest[next + 1] != ' ') return false;
  app = rest.substr(0, at);
  pid = number;
  rest.remove_prefix(std::min(next + 2, rest.size()));
  return true;
}

bool begins_an_event(std::string_view text) {
  return text.starts_with('{') || text.starts_with("CEF:") || text.starts_with("LEEF:") || text.starts_with("@cee:");
}

// RFC 5424 §6.3: [ID NAME="VALUE" …]…, in which ", \ and ] of values stand behind a backslash. False: not so.
bool take_structured_data(std::string_view& rest, LineFields& fields, LineFields::Container syslog) {
  if (rest.starts_with(kNil)) {
    rest.remove_prefix(1);
    return rest.empty() || rest.front() == ' ';
  }
  if (!rest.starts_with('[')) return false;
  while (rest.starts_with('[')) {
    std::size_t at = 1;
    const auto name = [&] {
      const std::size_t begin = at;
      while (at < rest.size() && is_graphic(rest[at]) && rest[at] != '=' && rest[at] != ']' && rest[at] != '"') ++at;
      return rest.substr(begin, at - begin);
    };
    const std::string_view id = name();
    if (id.empty() || id.size() > 256) return false;
    const LineFields::Container element = fields.container(id, syslog);
    while (at < rest.size() && rest[at] == ' ') {
      ++at;
      const std::string_view key = name();
      if (key.empty()) {
        if (at < rest.size() && rest[at] == ']') break;
        return false;
      }
      if (at + 1 >= rest.size() || rest[at] != '=' || rest[at + 1] != '"') return false;
      at += 2;
      const std::size_t begin = at;
      bool escaped = false;
      while (at < rest.size() && rest[at] != '"') {
        if (rest[at] == '\\' && at + 1 < rest.size()) escaped = true, ++at;
        ++at;
      }
      if (at >= rest.size()) return false;
      fields.add(element, key, rest.substr(begin, at - begin), escaped ? Leaf::Escape::kQuoted : Leaf::Escape::kNone);
      ++at;
    }
    if (at >= rest.size() || rest[at] != ']') return false;
    rest.remove_prefix(at + 1);
  }
  return rest.empty() || rest.front() == ' ';
}

// After "<34>": VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP STRUCTURED-DATA [SP MSG].
bool read_5424(std::string_view rest, std::string_view priority, LineFields& fields, SyslogHead& head) {
  const std::string_view version = take_word(rest);
  if (version.empty() || version.size() > 3 || version[0] == '0' ||
      !std::all_of(version.begin(), version.end(), is_digit))
    return false;
  const std::string_view time = take_word(rest);
  if (time != kNil && !is_iso_time(time)) return false;
  const std::string_view host = take_word(rest), app = take_word(rest), pid = take_word(rest), msgid = take_word(rest);
  if (!is_name(host, 255) || !is_name(app, 48) || !is_name(pid, 128) || !is_name(msgid, 32)) return false;
  const auto mark = fields.mark();
  const auto syslog = fields.container("syslog");
  const auto add = [&](std::string_view key, std::string_view value) {
    if (value != kNil) fields.add(syslog, key, value);
  };
  add("priority", priority);
  add("time", time);
  add("host", host);
  add("app", app);
  add("pid", pid);
  add("msgid", msgid);
  if (!take_structured_data(rest, fields, syslog)) {
    fields.back_to(mark);
    return false;
  }
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  if (rest.starts_with(kBom)) rest.remove_prefix(kBom.size());
  head = {true, rest};
  fields.add(syslog, "message", rest);
  return true;
}

}  // namespace

SyslogHead read_syslog_head(std::string_view line, LineFields& fields) {
  SyslogHead head{false, line};
  std::string_view rest = line;
  const std::string_view priority = take_priority(rest);
  if (!priority.empty() && read_5424(rest, priority, fields, head)) return head;
  std::string_view time = take_bsd_time(rest);
  if (time.empty()) {
    std::string_view after = rest;
    // Devices that write RFC 5424's version and time, and not the rest of its head.
    if (!priority.empty() && after.starts_with("1 ")) after.remove_prefix(2);
    if (const std::string_view word = take_word(after); is_iso_time(word)) {
      time = word;
      rest = after;
    }
  }
  if (priority.empty() && time.empty()) return head;

  std::string_view host, app, pid;
  if (!time.empty() && !begins_an_event(rest)) {
    if (!take_tag(rest, app, pid)) {
      std::string_view after = rest;
      const std::string_view word = take_word(after);
      if (is_name(word, 255) && word.find('=') == word.npos) {
        const bool event = begins_an_event(after);
        const bool tag = !event && take_tag(after, app, pid);
        // Without a tag behind it, a first word is a host only where RFC 3164 says that one stands: behind priority and
        // time.
        if (event || tag || !priority.empty()) {
          host = word;
          rest = after;
        } else if (priority.empty()) {
          return head;
        }
      } else if (priority.empty()) {
        return head;
      }
    }
  } else if (time.empty() && !begins_an_event(rest)) {
    take_tag(rest, app, pid);
  }
  const auto syslog = fields.container("syslog");
  fields.add(syslog, "priority", priority);
  fields.add(syslog, "time", time);
  fields.add(syslog, "host", host);
  fields.add(syslog, "app", app);
  fields.add(syslog, "pid", pid);
  fields.add(syslog, "message", rest);
  return {true, rest};
}

}  // namespace bongsu::telemetry
