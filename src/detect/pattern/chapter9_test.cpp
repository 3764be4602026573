// STIX 2.1 chapter 9, sentence by sentence: (section, pattern, observations, expected), held against both evaluators.
//
// An observation is "SECOND[-SECOND][xNUMBER] OBJECTS": when it was seen, how often, and its objects, a dictionary or a
// single object. Several are separated by '\n'.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <charconv>

#include "detect/pattern/pattern_sequencer.h"
#include "detect/pattern/slow_pattern_test_support.h"

namespace bongsu::detect {
namespace {

enum class Want { kYes, kNo, kBad };
using enum Want;

struct Row {
  const char* section;
  const char* pattern;
  const char* observations;
  Want want;
};

std::string time_text(double second) {
  const auto whole = static_cast<std::int64_t>(second);
  return Instant{1'577'836'800 + whole, static_cast<std::int32_t>((second - static_cast<double>(whole)) * 1e9)}.text(3);
}

std::vector<Observation> observations_of(std::string_view text) {
  std::vector<Observation> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    double first = 0, last = 0;
    int number = 1;
    auto read = std::from_chars(line.data(), line.data() + line.size(), first);
    last = first;
    if (*read.ptr == '-') read = std::from_chars(read.ptr + 1, line.data() + line.size(), last);
    const char* at = read.ptr;
    if (*at == 'x') at = std::from_chars(at + 1, line.data() + line.size(), number).ptr;
    std::string objects(line.substr(static_cast<std::size_t>(at - line.data())));
    if (objects.find("\"0\"") == std::string::npos) objects = "{\"0\":" + objects + "}";
    const std::string json = fmt::format(
        R"({{"type":"observed-data","first_observed":"{}","last_observed":"{}","number_observed":{},"objects":{}}})",
        time_text(first), time_text(last), number, objects);
    auto data = read_observed_data(json, "table");
    EXPECT_TRUE(data && data->bad.empty()) << json << (data ? data->bad.front().text() : data.error().text());
    if (data && !data->observations.empty()) out.push_back(std::move(data->observations.front()));
  }
  return out;
}

// Objects that rows share.
#define A R"({"type":"a","v":1})"
#define B R"({"type":"b","v":1})"
#define C R"({"type":"c","v":1})"

constexpr const char* kTraffic =
    R"(0 {"0":{"type":"network-traffic","src_ref":"1"},"1":{"type":"ipv4-addr","value":"203.0.113.10"},)"
    R"("2":{"type":"network-traffic","dst_ref":"3"},"3":{"type":"ipv4-addr","value":"198.51.100.58"}})";
constexpr const char* kFile =
    R"(0 {"type":"file","name":"foo.dll","size":25536,"hashes":{"MD5":"d4","SHA-256":"aec0","ssdeep":"3:x"},"created":"2014-01-13T07:03:17Z",)"
    R"("extensions":{"windows-pebinary-ext":{"sections":[{"name":".text","entropy":6.5},{"name":".x","entropy":7.5}]},"raster-image-ext":{"image_height":768}},"is_on":true})";
constexpr const char* kArtifact = R"(0 {"type":"artifact","payload_bin":"dGhpcyBpcyBhIHRlc3Q=","magic_hex":"ffd8"})";
constexpr const char* kNet =
    R"(0 {"0":{"type":"network-traffic","src_ref":"1","dst_ref":"2","protocols":["ipv4","tcp","http"],"dst_port":443},)"
    R"("1":{"type":"ipv4-addr","value":"198.51.100.0/27"},"2":{"type":"domain-name","value":"example.com","resolves_to_refs":["1","3","9"]},)"
    R"("3":{"type":"ipv6-addr","value":"2001:db8::5"},"4":{"type":"network-traffic","dst_ref":"9"}})";
constexpr const char* kMail =
    R"(0 {"0":{"type":"email-message","from_ref":"1","body_multipart":[{"content_type":"text/plain"},{"body_raw_ref":"2"}]},)"
    R"("1":{"type":"email-addr","value":"jdoe@example.com"},"2":{"type":"file","name":"Final Report 7.exe"}})";
constexpr const char* kVariables =
    R"(0 {"0":{"type":"process","environment_variables":{"GIT_ref":"main","node_bin":"/usr/bin/node","color_hex":"#ffd8\u00e9",)"
    R"("good_hex":"ff","some_ref":"1"}},"1":{"type":"file","name":"a"}})";
constexpr const char* kAbc = "0 " A "\n10 " B "\n20 " C;

const Row kRows[] = {
    // 9.1, 9.4: patterns are true or false of a set of observations; number_observed are so many of them.
    {"9.1", "[file:size = 25536]", kFile, kYes},
    {"9.1", "[a:v = 1] REPEATS 3 TIMES", "0-5x3 " A, kYes},
    {"9.1", "[a:v = 1] REPEATS 4 TIMES", "0-5x3 " A, kNo},
    {"9.1", "[a:v = 1] FOLLOWEDBY [b:v = 1]", "0-20 " A "\n10 " B, kYes},
    {"9.1", "[a:v = 1] FOLLOWEDBY [b:v = 1]", "11-20 " A "\n10 " B, kNo},
    {"9.4", "[file:name = 'foo.dll']", "", kNo},
    {"9.4", "[file:name = 'foo.dll'\n\r\t OR\xc2\xa0\xe3\x80\x80 file:name='x']", kFile, kYes},
    {"9.4", "[file:magic = h'fff']", kFile, kBad},
    {"9.4", "[file:magic = b'A']", kFile, kBad},
    {"9.4", "file:name = 'foo.dll'", kFile, kBad},
    {"9.4 Unicode", "[file:name != '\xff']", kFile, kBad},
    {"9.4 Unicode", "[file:'\xed\xa0\x80' != 'a']", kFile, kBad},

    // 9.2: constants, and what they may be compared with.
    {"9.2 boolean", "[file:is_on = true]", kFile, kYes},
    {"9.2 boolean", "[file:is_on = false]", kFile, kNo},
    {"9.2 boolean", "[file:is_on = 'true']", kFile, kNo},
    {"9.2 boolean", "[file:is_on = 1]", kFile, kNo},
    {"9.2 binary", "[artifact:payload_bin = b'dGhpcyBpcyBhIHRlc3Q=']", kArtifact, kYes},
    {"9.2 binary", "[artifact:payload_bin = b'dGhpcyBp\ncyBhIHRlc3Q=']", kArtifact, kYes},
    {"9.2 binary", "[artifact:magic_hex = b'/9g=']", kArtifact, kYes},
    {"9.2 binary", "[file:name = b'Zm9vLmRsbA==']", kFile, kYes},
    {"9.2 hex", "[artifact:payload_bin = h'7468697320697320612074657374']", kArtifact, kYes},
    {"9.2 hex", "[artifact:magic_hex = h'ffd8']", kArtifact, kYes},
    {"9.2 hex", "[file:name = h'666f6f2e646c6c']", kFile, kYes},
    {"9.2 hex", "[file:name = h'666f6f']", kFile, kNo},
    {"9.2 integer", "[file:size = 25536]", kFile, kYes},
    {"9.2 integer", "[a:v = 1]", R"(0 {"type":"a","v":1.5})", kNo},
    {"9.2 integer", "[a:v = 1]", R"(0 {"type":"a","v":1.0})", kYes},
    {"9.2 integer", "[a:v < 2]", R"(0 {"type":"a","v":1.5})", kYes},
    {"9.2 integer", "[a:v > 1]", R"(0 {"type":"a","v":1.5})", kYes},
    {"9.2 integer", "[a:v = -7]", R"(0 {"type":"a","v":-7})", kYes},
    {"9.2 integer", "[a:v = +7]", R"(0 {"type":"a","v":7})", kBad},
    {"9.2 float", "[a:v = 7.0]", R"(0 {"type":"a","v":7})", kYes},
    {"9.2 float", "[a:v > 7.25]", R"(0 {"type":"a","v":7.5})", kYes},
    {"9.2 float", "[a:v = -.5]", R"(0 {"type":"a","v":-0.5})", kYes},
    {"9.2 float", "[a:v = 4503599627370495.5]", R"(0 {"type":"a","v":4503599627370495})", kNo},
    {"9.2 float", "[a:v < 4503599627370495.5]", R"(0 {"type":"a","v":4503599627370495})", kYes},
    {"9.2 string", "[a:v = 'it\\'s a \\\\']", R"(0 {"type":"a","v":"it's a \\"})", kYes},
    {"9.2 string", "[a:v = 'a\\n']", R"(0 {"type":"a","v":"a\n"})", kBad},
    {"9.2 string", "[a:v_hex = '\xc3\xbf']", R"(0 {"type":"a","v_hex":"ff"})", kYes},
    {"9.2 timestamp", "[file:created = t'2014-01-13T07:03:17Z']", kFile, kYes},
    {"9.2 timestamp", "[file:created = t'2014-01-13T07:03:17.000Z']", kFile, kYes},
    {"9.2 timestamp", "[file:created > t'2014-01-13T07:03:16.999999999Z']", kFile, kYes},
    {"9.2 timestamp", "[file:created = t'2014-01-13']", kFile, kBad},
    {"9.2 timestamp", "[file:name = t'2014-01-13T07:03:17Z']", kFile, kNo},
    {"9.2 timestamp", "[file:created IN (t'2013-01-13T07:03:17Z', t'2014-01-13T07:03:17.0Z')]", kFile, kYes},

    // 9.3: building blocks.
    {"9.3", "[ipv4-addr:value = '198.51.100.1/32' OR ipv6-addr:value = '2001:db8::5']", kNet, kYes},
    {"9.3", "([ipv4-addr:value = '198.51.100.0/27'] FOLLOWEDBY [domain-name:value = 'example.com']) WITHIN 600 SECONDS",
     R"(0 {"type":"ipv4-addr","value":"198.51.100.0/27"})"
     "\n"
     R"(599 {"type":"domain-name","value":"example.com"})",
     kYes},
    {"9.3", "[a:v = 1 OR b:v = 1] REPEATS 3 TIMES", "0 " A "\n1 " B "\n2 " A, kYes},

    // 9.5: one observation, one object.
    {"9.5 same observation", "[a:v = 1] AND [b:v = 1]", kAbc, kYes},
    {"9.5 distinct", "[a:v = 1] AND [a:v = 1]", "0 " A, kNo},
    {"9.5 distinct", "[a:v = 1] AND [a:v = 1]", "0 " A "\n0 " A, kYes},
    {"9.5 distinct", "[a:v = 1] AND [b:v = 1]", R"(0 {"0":{"type":"a","v":1},"1":{"type":"b","v":1}})", kNo},
    {"9.5 OR", "[a:v = 1] OR [z:v = 1]", "0 " A, kYes},
    {"9.5 OR", "[z:v = 1] OR [a:v = 1]", "0 " A, kYes},
    {"9.5 same object",
     "[network-traffic:src_ref.value = '203.0.113.10' AND network-traffic:dst_ref.value = '198.51.100.58']", kTraffic,
     kNo},
    {"9.5 same object",
     "[network-traffic:src_ref.value = '203.0.113.10' OR network-traffic:dst_ref.value = '198.51.100.58']", kTraffic,
     kYes},
    {"9.5 same object",
     "[network-traffic:src_ref.value = '203.0.113.10'] AND [network-traffic:dst_ref.value = '198.51.100.58']", kTraffic,
     kNo},
    {"9.5 types", "[a:v = 1 AND b:v = 1]", kAbc, kBad},
    {"9.5 types", "[(a:j = 'W' AND a:k = 'X') OR (b:m = 'Y' AND b:n = 'Z')]",
     R"(0 {"0":{"type":"a","j":"W"},"1":{"type":"b","m":"Y","n":"Z"}})", kYes},
    {"9.5 types", "[(a:j = 'W' AND a:k = 'X') OR (b:m = 'Y' AND b:n = 'Z')]",
     R"(0 {"0":{"type":"a","j":"W"},"1":{"type":"a","k":"X"},"2":{"type":"b","m":"Y"}})", kNo},
    {"9.5 precedence", "[a:j = 'W' AND a:k = 'X' OR a:l = 'Z']", R"(0 {"type":"a","l":"Z"})", kYes},
    {"9.5 precedence", "[a:l = 'Z' OR a:j = 'W' AND a:k = 'X']", R"(0 {"type":"a","l":"Z"})", kYes},
    {"9.5 precedence", "[(a:l = 'Z' OR a:j = 'W') AND a:k = 'X']", R"(0 {"type":"a","l":"Z"})", kNo},
    {"9.5 parentheses", "([a:v = 1] AND [b:v = 1] REPEATS 2 TIMES) WITHIN 300 SECONDS", "0 " A "\n10 " B "\n299 " B,
     kYes},
    {"9.5 parentheses", "([a:v = 1] AND [b:v = 1] REPEATS 2 TIMES) WITHIN 300 SECONDS", "0 " A "\n10 " B "\n300 " B,
     kNo},
    {"9.5 parentheses", "([a:v = 1] AND [b:v = 1]) REPEATS 2 TIMES WITHIN 300 SECONDS", "0 " A "\n10 " B "\n20 " B,
     kNo},
    {"9.5 parentheses", "([a:v = 1] AND [b:v = 1]) REPEATS 2 TIMES WITHIN 300 SECONDS",
     "0 " A "\n10 " B "\n20 " B "\n30 " A, kYes},

    // 9.5.1: qualifiers.
    {"9.5.1", "[a:v = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS", kAbc, kBad},
    {"9.5.1 REPEATS", "[a:v = 1] REPEATS 2 TIMES", "0 " A, kNo},
    {"9.5.1 REPEATS", "[a:v = 1] REPEATS 2 TIMES", "0 " A "\n1 " A "\n2 " A, kYes},
    {"9.5.1 REPEATS", "[a:v = 1] REPEATS 0 TIMES", kAbc, kBad},
    {"9.5.1 REPEATS", "[a:v = 1] REPEATS -1 TIMES", kAbc, kBad},
    {"9.5.1 REPEATS", "[a:v = 1] REPEATS 1 TIMES", kAbc, kYes},
    {"9.5.1 REPEATS", "[b:v = 1] FOLLOWEDBY [c:v = 1] REPEATS 2 TIMES", "0 " B "\n1 " C "\n2 " C, kYes},
    {"9.5.1 REPEATS", "[b:v = 1] FOLLOWEDBY [c:v = 1] REPEATS 2 TIMES", "0 " C "\n1 " B "\n2 " C, kNo},
    {"9.5.1 WITHIN", "([a:v = 1] AND [b:v = 1]) WITHIN 120 SECONDS", "0 " A "\n119.999 " B, kYes},
    {"9.5.1 WITHIN edge", "([a:v = 1] AND [b:v = 1]) WITHIN 120 SECONDS", "0 " A "\n120 " B, kNo},
    {"9.5.1 WITHIN edge", "([a:v = 1] AND [b:v = 1]) WITHIN 120.001 SECONDS", "0 " A "\n120 " B, kYes},
    {"9.5.1 WITHIN one", "[a:v = 1] WITHIN 0.001 SECONDS", "0 " A, kYes},
    {"9.5.1 WITHIN", "[a:v = 1] WITHIN 0 SECONDS", "0 " A, kBad},
    {"9.5.1 WITHIN", "[a:v = 1] AND [b:v = 1] WITHIN 1 SECONDS", "0 " A "\n100 " B, kYes},
    {"9.5.1 WITHIN", "[a:v = 1] WITHIN 5 SECONDS REPEATS 2 TIMES", "0 " A "\n100 " A, kYes},
    {"9.5.1 WITHIN", "[a:v = 1] REPEATS 2 TIMES WITHIN 5 SECONDS", "0 " A "\n100 " A, kNo},
    {"9.5.1 WITHIN lasting", "([a:v = 1] AND [b:v = 1]) WITHIN 5 SECONDS", "0-100 " A "\n104 " B, kYes},
    {"9.5.1 WITHIN lasting", "([a:v = 1] AND [b:v = 1]) WITHIN 5 SECONDS", "0-100 " A "\n105 " B, kNo},
    {"9.5.1 WITHIN lasting", "([a:v = 1] AND [b:v = 1] AND [c:v = 1]) WITHIN 10 SECONDS", "0 " A "\n0-100 " B "\n9 " C,
     kYes},
    {"9.5.1 one moment each", "([a:v = 1] AND [b:v = 1]) WITHIN 5 SECONDS AND [c:v = 1]", "0-100 " A "\n3 " B "\n50 " C,
     kYes},
    {"9.5.1 one moment each",
     "([a:v = 1] FOLLOWEDBY [b:v = 1]) START t'2020-01-01T00:00:50Z' STOP t'2020-01-01T00:01:00Z'",
     "0-100 " A "\n0-55 " B, kYes},
    {"9.5.1 one moment each",
     "([a:v = 1] START t'2020-01-01T00:00:50Z' STOP t'2020-01-01T00:01:00Z' FOLLOWEDBY [b:v = 1])",
     "0-100 " A "\n0-49 " B, kNo},
    {"9.5.1 START", "[a:v = 1] START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:01Z'", "0 " A, kYes},
    {"9.5.1 STOP", "[a:v = 1] START t'2019-01-01T00:00:00Z' STOP t'2020-01-01T00:00:00Z'", "0 " A, kNo},
    {"9.5.1 START", "[a:v = 1] START t'2020-01-01T00:00:01Z' STOP t'2021-01-01T00:00:00Z'", "0 " A, kNo},
    {"9.5.1 START", "[a:v = 1] START t'2020-01-01T00:00:01Z' STOP t'2021-01-01T00:00:00Z'", "0-1 " A, kYes},
    {"9.5.1 STOP", "[a:v = 1] START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:00Z'", "0 " A, kNo},
    {"9.5.1 START STOP all", "([a:v = 1] AND [b:v = 1]) START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:05Z'",
     kAbc, kNo},
    {"9.5.1 START", "[a:v = 1] START '2020-01-01T00:00:00Z' STOP '2021-01-01T00:00:00Z'", kAbc, kBad},

    // 9.5.2: observation operators.
    {"9.5.2 AND", "[a:v = 1] AND [z:v = 1]", kAbc, kNo},
    {"9.5.2 AND", "[c:v = 1] AND [a:v = 1]", kAbc, kYes},
    {"9.5.2 FOLLOWEDBY", "[a:v = 1] FOLLOWEDBY [b:v = 1] FOLLOWEDBY [c:v = 1]", kAbc, kYes},
    {"9.5.2 FOLLOWEDBY", "[b:v = 1] FOLLOWEDBY [a:v = 1]", kAbc, kNo},
    {"9.5.2 FOLLOWEDBY equal", "[a:v = 1] FOLLOWEDBY [b:v = 1]", "0 " B "\n0 " A, kYes},
    {"9.5.2 FOLLOWEDBY distinct", "[a:v = 1] FOLLOWEDBY [a:v = 1]", "0 " A, kNo},
    {"9.5.2 FOLLOWEDBY groups", "([a:v = 1] AND [c:v = 1]) FOLLOWEDBY [b:v = 1]", kAbc, kNo},
    {"9.5.2 FOLLOWEDBY groups", "([a:v = 1] AND [b:v = 1]) FOLLOWEDBY [c:v = 1]", kAbc, kYes},
    {"9.5.2 not greedy", "[a:v = 1] FOLLOWEDBY [b:v = 1] REPEATS 2 TIMES", "0 " A "\n1 " B "\n2 " B, kYes},
    {"9.5.2 not greedy", "([a:v = 1] FOLLOWEDBY [b:v = 1]) REPEATS 2 TIMES", "0 " A "\n1 " B "\n2 " B, kNo},
    {"9.5.2 not greedy", "([a:v = 1] FOLLOWEDBY [b:v = 1]) REPEATS 2 TIMES", "0 " A "\n1 " B "\n2 " A "\n3 " B, kYes},
    {"9.5.2 OR", "([a:v = 1] AND [z:v = 1]) OR [c:v = 1]", kAbc, kYes},
    {"9.5.2 OR", "([z:v = 1] OR [c:v = 1]) FOLLOWEDBY [a:v = 1]", kAbc, kNo},
    {"9.5.2 OR", "([c:v = 1] OR [a:v = 1]) FOLLOWEDBY [b:v = 1]", kAbc, kYes},

    // 9.5.3: precedence.
    {"9.5.3", "[c:v = 1] OR [z:v = 1] AND [y:v = 1]", kAbc, kYes},
    {"9.5.3", "([c:v = 1] OR [z:v = 1]) AND [y:v = 1]", kAbc, kNo},
    {"9.5.3", "[b:v = 1] FOLLOWEDBY [a:v = 1] OR [c:v = 1]", kAbc, kYes},
    {"9.5.3", "([b:v = 1] FOLLOWEDBY [a:v = 1]) OR [z:v = 1]", kAbc, kNo},

    {"9.5.1 WITHIN ages", "([a:v = 1] AND [b:v = 1]) WITHIN 9000000001 SECONDS", "0 " A "\n9000000001 " B, kNo},
    {"9.5.1 WITHIN ages", "([a:v = 1] AND [b:v = 1]) WITHIN 9000000002 SECONDS", "0 " A "\n9000000001 " B, kYes},
    {"9.5.1 WITHIN moment", "([a:v = 1] AND [b:v = 1]) WITHIN 0.0000000001 SECONDS", "0 " A "\n0 " B, kYes},
    {"9.5.1 WITHIN moment", "([a:v = 1] AND [b:v = 1]) WITHIN 0.0000000001 SECONDS", "0 " A "\n0.001 " B, kNo},
    {"9.5.1 WITHIN fraction", "([a:v = 1] AND [b:v = 1]) WITHIN 1.0000000004 SECONDS", "0 " A "\n1 " B, kYes},
    {"9.5.1 WITHIN fraction", "([a:v = 1] AND [b:v = 1]) WITHIN 0.3 SECONDS", "0 " A "\n0.3 " B, kNo},

    // 9.6: what is not there.
    {"9.6 absent", "[file:absent = 'x']", kFile, kNo},
    {"9.6 absent", "[file:absent != 'x']", kFile, kNo},
    {"9.6 absent", "[file:absent NOT = 'x']", kFile, kNo},
    {"9.6 absent", "[file:absent NOT IN ('x')]", kFile, kNo},
    {"9.6 absent", "[file:absent NOT LIKE 'x']", kFile, kNo},
    {"9.6 absent", "[file:absent NOT MATCHES 'x']", kFile, kNo},
    {"9.6 absent", "[file:absent NOT ISSUBSET '198.51.100.0/24']", kFile, kNo},
    {"9.6 absent", "[file:absent > 0]", kFile, kNo},
    {"9.6 absent", "[EXISTS file:absent]", kFile, kNo},
    {"9.6 unreadable", "[a:x_hex != 'a']", R"(0 {"type":"a","x_hex":"zz"})", kNo},
    {"9.6 unreadable", "[EXISTS a:x_hex]", R"(0 {"type":"a","x_hex":"zz"})", kYes},

    // 9.6.1: operators.
    {"9.6.1 incompatible", "[file:size = '25536']", kFile, kNo},
    {"9.6.1 incompatible", "[file:size != '25536']", kFile, kYes},
    {"9.6.1 incompatible", "[file:name > 5]", kFile, kNo},
    {"9.6.1 incompatible", "[file:name <= 5]", kFile, kNo},
    {"9.6.1 incompatible", "[file:hashes = 'x']", kFile, kNo},
    {"9.6.1 incompatible", "[file:hashes != 'x']", kFile, kYes},
    {"9.6.1 incompatible", "[network-traffic:protocols = 'tcp']", kNet, kNo},
    {"9.6.1 incompatible", "[file:size LIKE '25536']", kFile, kNo},
    {"9.6.1 incompatible", "[file:size MATCHES '25536']", kFile, kNo},
    {"9.6.1 incompatible", "[file:size ISSUBSET '0.0.0.0/0']", kFile, kNo},
    {"9.6.1 NOT", "[file:name NOT = 'foo.dll']", kFile, kNo},
    {"9.6.1 NOT", "[file:name NOT = 'x']", kFile, kYes},
    {"9.6.1 NOT", "[file:name NOT != 'foo.dll']", kFile, kYes},
    {"9.6.1 NOT", "[file:size NOT > 30000]", kFile, kYes},
    {"9.6.1 NOT", "[file:size NOT = '25536']", kFile, kYes},
    {"9.6.1 NOT", "[file:name NOT LIKE 'f%']", kFile, kNo},
    {"9.6.1 NOT of a list", "[network-traffic:protocols[*] NOT = 'tcp']", kNet, kNo},
    {"9.6.1 NOT of a list", "[network-traffic:protocols[*] NOT = 'udp']", kNet, kYes},
    {"9.6.1 NOT of a list", "[network-traffic:protocols[*] != 'tcp']", kNet, kYes},
    {"9.6.1 =", "[file:name = 'foo.dll']", kFile, kYes},
    {"9.6.1 =", "[file:name = 'FOO.DLL']", kFile, kNo},
    {"9.6.1 !=", "[file:size != 4112]", kFile, kYes},
    {"9.6.1 !=", "[file:size != 25536]", kFile, kNo},
    {"9.6.1 >", "[file:size > 25535]", kFile, kYes},
    {"9.6.1 >", "[file:size > 25536]", kFile, kNo},
    {"9.6.1 <", "[file:size < 25537]", kFile, kYes},
    {"9.6.1 <", "[file:size < 25536]", kFile, kNo},
    {"9.6.1 <=", "[file:size <= 25536]", kFile, kYes},
    {"9.6.1 >=", "[file:size >= 25536]", kFile, kYes},
    {"9.6.1 >=", "[file:size >= 25537]", kFile, kNo},
    {"9.6.1 order", "[file:is_on > true]", kFile, kBad},
    {"9.6.1 IN", "[file:name IN ('proccy', 'foo.dll')]", kFile, kYes},
    {"9.6.1 IN", "[file:name IN ('proccy', 'proximus')]", kFile, kNo},
    {"9.6.1 IN", "[file:size IN (1, 25536.0)]", kFile, kYes},
    {"9.6.1 IN", "[file:name IN ('a', 1)]", kFile, kBad},
    {"9.6.1 IN", "[file:is_on IN (false, true)]", kFile, kYes},
    {"9.6.1 LIKE", "[directory:path LIKE 'C:\\\\Windows\\\\%\\\\foo']",
     R"(0 {"type":"directory","path":"C:\\Windows\\a\\b\\foo"})", kYes},
    {"9.6.1 LIKE", "[file:name LIKE 'foo']", kFile, kNo},
    {"9.6.1 LIKE", "[file:name LIKE 'foo%']", kFile, kYes},
    {"9.6.1 LIKE", "[file:name LIKE 'foo.dll%']", kFile, kYes},
    {"9.6.1 LIKE", "[file:name LIKE 'f_o.dll']", kFile, kYes},
    {"9.6.1 LIKE", "[file:name LIKE 'f_.dll']", kFile, kNo},
    {"9.6.1 LIKE", "[file:name LIKE 'FOO%']", kFile, kNo},
    {"9.6.1 LIKE", "[file:name LIKE 'foo.d%l.']", kFile, kNo},
    {"9.6.1 LIKE newline", "[a:v LIKE 'a%b']", R"(0 {"type":"a","v":"a\nb"})", kYes},
    {"9.6.1 LIKE character", "[a:v LIKE '_']", "0 {\"type\":\"a\",\"v\":\"\xe2\x82\xac\"}", kYes},
    {"9.6.1 LIKE NFC", "[a:v LIKE '_']", "0 {\"type\":\"a\",\"v\":\"e\xcc\x81\"}", kYes},
    {"9.6.1 LIKE NFC", "[a:v LIKE 'e\xcc\x81%']", "0 {\"type\":\"a\",\"v\":\"\xc3\xa9t\xc3\xa9\"}", kYes},
    {"9.6.1 LIKE parts", "[a:v LIKE 'a%bc%bd']", R"(0 {"type":"a","v":"abcbd"})", kYes},
    {"9.6.1 LIKE parts", "[a:v LIKE 'a%bc%cd']", R"(0 {"type":"a","v":"abcd"})", kNo},
    {"9.6.1 LIKE parts", "[a:v LIKE '%a_c%e_']",
     "0 {\"type\":\"a\",\"v\":\"abba\xc3\xa9"
     "ce\xe2\x82\xac\"}",
     kYes},
    {"9.6.1 LIKE parts", "[a:v LIKE '%__']", R"(0 {"type":"a","v":"a"})", kNo},
    {"9.6.1 LIKE parts", "[a:v LIKE 'ab%b']", R"(0 {"type":"a","v":"ab"})", kNo},
    {"9.6.1 LIKE", "[file:name LIKE 5]", kFile, kBad},
    {"9.6.1 LIKE octets", "[artifact:payload_bin LIKE 'this%']", kArtifact, kYes},
    {"9.6.1 MATCHES", "[directory:path MATCHES '^C:\\\\\\\\Windows\\\\\\\\\\\\w+$']",
     R"(0 {"type":"directory","path":"C:\\Windows\\foo"})", kYes},
    {"9.6.1 MATCHES search", "[file:name MATCHES 'o\\\\.d']", kFile, kYes},
    {"9.6.1 MATCHES search", "[file:name MATCHES '^o']", kFile, kNo},
    {"9.6.1 MATCHES dotall", "[a:v MATCHES 'a.b']", R"(0 {"type":"a","v":"a\nb"})", kYes},
    {"9.6.1 MATCHES PCRE $", "[a:v MATCHES 'ab$']", R"(0 {"type":"a","v":"ab\n"})", kYes},
    {"9.6.1 MATCHES PCRE \\z", "[a:v MATCHES 'ab\\\\z']", R"(0 {"type":"a","v":"ab\n"})", kNo},
    {"9.6.1 MATCHES PCRE \\s", "[a:v MATCHES 'a\\\\sb']", R"(0 {"type":"a","v":"a\u000bb"})", kYes},
    {"9.6.1 MATCHES NFC", "[a:v MATCHES '^.$']", "0 {\"type\":\"a\",\"v\":\"e\xcc\x81\"}", kYes},
    {"9.6.1 MATCHES octets", "[artifact:magic_hex MATCHES '^\\\\xff\\\\xd8$']", kArtifact, kYes},
    {"9.6.1 MATCHES octets", "[artifact:magic_hex MATCHES '^..$']", kArtifact, kYes},
    {"9.6.1 MATCHES \\v", R"([a:v MATCHES 'x\\vy'])", R"(0 {"type":"a","v":"x\ry"})", kYes},
    {"9.6.1 MATCHES \\v", R"([a:v MATCHES 'x\\vy'])", R"(0 {"type":"a","v":"x\ny"})", kYes},
    {"9.6.1 MATCHES \\v", R"([a:v MATCHES 'x\\vy'])", R"(0 {"type":"a","v":"x\u2028y"})", kYes},
    {"9.6.1 MATCHES \\v", R"([a:v MATCHES 'x\\vy'])", R"(0 {"type":"a","v":"x\u0085y"})", kYes},
    {"9.6.1 MATCHES \\v", R"([a:v MATCHES 'x\\vy'])", R"(0 {"type":"a","v":"x y"})", kNo},
    {"9.6.1 MATCHES \\v", R"([a:v MATCHES 'x[\\v]y'])", R"(0 {"type":"a","v":"x\u2029y"})", kYes},
    {"9.6.1 MATCHES \\V", R"([a:v MATCHES 'x\\Vy'])", R"(0 {"type":"a","v":"x\u2029y"})", kNo},
    {"9.6.1 MATCHES \\V", R"([a:v MATCHES 'x[\\V]y'])", R"(0 {"type":"a","v":"xzy"})", kYes},
    {"9.6.1 MATCHES \\h", R"([a:v MATCHES 'a\\h*b'])", R"(0 {"type":"a","v":"a\t \u3000b"})", kYes},
    {"9.6.1 MATCHES \\h", R"([a:v MATCHES 'a\\hb'])", R"(0 {"type":"a","v":"a\nb"})", kNo},
    {"9.6.1 MATCHES \\H", R"([a:v MATCHES 'a[^\\H]b'])", R"(0 {"type":"a","v":"a\u00a0b"})", kYes},
    {"9.6.1 MATCHES \\N", R"([a:v MATCHES 'a\\Nb'])", R"(0 {"type":"a","v":"a\nb"})", kNo},
    {"9.6.1 MATCHES \\N", R"([a:v MATCHES 'a\\Nb'])", R"(0 {"type":"a","v":"axb"})", kYes},
    {"9.6.1 MATCHES \\e", R"([a:v MATCHES '\\e'])", R"(0 {"type":"a","v":"\u001b"})", kYes},
    {"9.6.1 MATCHES \\c", R"([a:v MATCHES '^\\cA$'])", R"(0 {"type":"a","v":"\u0001"})", kYes},
    {"9.6.1 MATCHES [\\b]", R"([a:v MATCHES '^[\\b]$'])", R"(0 {"type":"a","v":"\u0008"})", kYes},
    {"9.6.1 MATCHES name", R"([a:v MATCHES '(?<n>a)b'])", R"(0 {"type":"a","v":"ab"})", kYes},
    {"9.6.1 MATCHES name", R"([a:v MATCHES '(?P<n>a)b'])", R"(0 {"type":"a","v":"ab"})", kYes},
    {"9.6.1 MATCHES comment", R"([a:v MATCHES 'a(?#c)b'])", R"(0 {"type":"a","v":"ab"})", kYes},
    {"9.6.1 MATCHES \\x", R"([a:v MATCHES '^\\x4$'])", R"(0 {"type":"a","v":"\u0004"})", kYes},
    {"9.6.1 MATCHES \\x", R"([a:v MATCHES '^\\x41$'])", R"(0 {"type":"a","v":"A"})", kYes},
    {"9.6.1 MATCHES octal", R"([a:v MATCHES '^\\101$'])", R"(0 {"type":"a","v":"A"})", kYes},
    {"9.6.1 MATCHES \\Q", R"([a:v MATCHES '^[\\Qa]\\E]$'])", R"(0 {"type":"a","v":"]"})", kYes},
    {"9.6.1 MATCHES \\Q", R"([a:v MATCHES '^\\Qa.b\\E+$'])", R"(0 {"type":"a","v":"a.bb"})", kYes},
    {"9.6.1 MATCHES \\Q", R"([a:v MATCHES '^\\Qa.b\\E$'])", R"(0 {"type":"a","v":"axb"})", kNo},
    {"9.6.1 MATCHES twice", R"([a:v MATCHES '^a{2}{3}$'])", R"(0 {"type":"a","v":"aaaaaa"})", kYes},
    {"9.6.1 MATCHES twice", R"([a:v MATCHES '^a{2}{3}$'])", R"(0 {"type":"a","v":"aaaaa"})", kNo},
    {"9.6.1 MATCHES brace", R"([a:v MATCHES '^a{x}$'])", R"(0 {"type":"a","v":"a{x}"})", kYes},
    {"9.6.1 MATCHES class", R"([a:v MATCHES '^[]a-]+$'])", R"(0 {"type":"a","v":"-]a"})", kYes},
    {"9.6.1 MATCHES class", R"([a:v MATCHES '^[^]]$'])", R"(0 {"type":"a","v":"]"})", kNo},
    {"9.6.1 MATCHES class", R"([a:v MATCHES '^[[:upper:]]$'])", R"(0 {"type":"a","v":"A"})", kYes},
    {"9.6.1 MATCHES class", R"([a:v MATCHES '^[\\w-]+$'])", R"(0 {"type":"a","v":"a-b"})", kYes},
    {"9.6.1 MATCHES class", R"([a:v MATCHES '^[\\\\s]$'])", R"(0 {"type":"a","v":"s"})", kYes},
    {"9.6.1 MATCHES (?m)", R"([a:v MATCHES '(?m:^a$)|b$'])", R"(0 {"type":"a","v":"b\n"})", kYes},
    {"9.6.1 MATCHES (?m)", R"([a:v MATCHES '^a$|b$'])", R"(0 {"type":"a","v":"b\n"})", kYes},
    {"9.6.1 MATCHES (?m)", R"([a:v MATCHES '(?m)^a$'])", R"(0 {"type":"a","v":"a\nb"})", kYes},
    {"9.6.1 MATCHES (?m)", R"([a:v MATCHES '(?m:a)$'])", R"(0 {"type":"a","v":"a\nb"})", kNo},
    {"9.6.1 MATCHES (?m)", R"([a:v MATCHES '\\(?m$'])", R"(0 {"type":"a","v":"(m\n"})", kYes},
    {"9.6.1 MATCHES (?m)", R"([a:v MATCHES '[(?m]m$'])", R"(0 {"type":"a","v":"(m\n"})", kYes},
    {"9.6.1 MATCHES (?i)", R"([a:v MATCHES '(?i)AB'])", R"(0 {"type":"a","v":"ab"})", kYes},
    {"9.6.1 MATCHES (?i)", R"([a:v MATCHES '(?i:a)B'])", R"(0 {"type":"a","v":"AB"})", kYes},
    {"9.6.1 MATCHES (?i)", R"([a:v MATCHES '(?i:a)B'])", R"(0 {"type":"a","v":"Ab"})", kNo},
    {"9.6.1 MATCHES lazy", R"([a:v MATCHES '^a+?b$'])", R"(0 {"type":"a","v":"aab"})", kYes},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '(?i)\\xe9'])", R"(0 {"type":"a","x_hex":"c9"})", kNo},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '(?i)\\xe9'])", R"(0 {"type":"a","x_hex":"e9"})", kYes},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '(?i)[\\xe0-\\xff]'])", R"(0 {"type":"a","x_hex":"c9"})", kNo},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '(?i)A'])", R"(0 {"type":"a","x_hex":"61"})", kYes},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '(?i)[^a]'])", R"(0 {"type":"a","x_hex":"41"})", kNo},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '(?i:[a-c])B'])", R"(0 {"type":"a","x_hex":"4242"})", kYes},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '(?i:[a-c])B'])", R"(0 {"type":"a","x_hex":"4262"})", kNo},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '^\\W\\D\\S$'])", R"(0 {"type":"a","x_hex":"e9e9e9"})", kYes},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '(?i)[[:lower:]]'])", R"(0 {"type":"a","x_hex":"41"})", kYes},
    {"9.6.1 MATCHES octets", R"([a:x_hex MATCHES '^[\\V]$'])", R"(0 {"type":"a","x_hex":"85"})", kNo},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '(?x) a b'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '(?>a)b'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES 'a++b'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES 'a{1001}'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '(?=a)b'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '(?<!a)b'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '(?1)'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '[z-a]'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '*a'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES 'a)'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '[a'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '[[:what:]]'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '\\g1'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '\\K'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '[\\N]'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '(a)\\1'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '(?(1)a)'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES '(*UTF8)a'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES refused", R"([a:v MATCHES 'a{3,2}'])", R"(0 {"type":"a","v":"a"})", kBad},
    {"9.6.1 MATCHES", "[file:name MATCHES '(']", kFile, kBad},
    {"9.6.1 MATCHES", "[file:name MATCHES '(a)\\\\1']", kFile, kBad},
    {"9.6.1 ISSUBSET", "[ipv4-addr:value ISSUBSET '198.51.100.0/24']", kNet, kYes},
    {"9.6.1 ISSUBSET", "[ipv4-addr:value ISSUBSET '198.51.100.0/27']", kNet, kYes},
    {"9.6.1 ISSUBSET", "[ipv4-addr:value ISSUBSET '198.51.100.0/28']", kNet, kNo},
    {"9.6.1 ISSUBSET", "[ipv4-addr:value ISSUBSET '0.0.0.0/0']", kNet, kYes},
    {"9.6.1 ISSUBSET", "[network-traffic:src_ref.value ISSUBSET '198.51.100.0/24']", kNet, kYes},
    {"9.6.1 ISSUBSET v6", "[ipv6-addr:value ISSUBSET '2001:db8::/32']", kNet, kYes},
    {"9.6.1 ISSUBSET v6", "[ipv6-addr:value ISSUBSET '2001:db9::/32']", kNet, kNo},
    {"9.6.1 ISSUBSET v6", "[ipv6-addr:value ISSUBSET '2001:0db8:0000::0005']", kNet, kYes},
    {"9.6.1 ISSUBSET versions", "[ipv6-addr:value ISSUBSET '0.0.0.0/0']", kNet, kNo},
    {"9.6.1 ISSUBSET name", "[domain-name:value ISSUBSET '0.0.0.0/0']", kNet, kNo},
    {"9.6.1 ISSUBSET", "[ipv4-addr:value ISSUBSET 'x']", kNet, kBad},
    {"9.6.1 ISSUPERSET", "[ipv4-addr:value ISSUPERSET '198.51.100.0/28']", kNet, kYes},
    {"9.6.1 ISSUPERSET", "[ipv4-addr:value ISSUPERSET '198.51.100.0/27']", kNet, kYes},
    {"9.6.1 ISSUPERSET", "[ipv4-addr:value ISSUPERSET '198.51.100.0/24']", kNet, kNo},
    {"9.6.1 ISSUPERSET", "[ipv4-addr:value ISSUPERSET '198.51.100.31']", kNet, kYes},
    {"9.6.1 ISSUPERSET", "[ipv6-addr:value ISSUPERSET '2001:db8::5']", kNet, kYes},
    {"9.6.1 EXISTS", "[EXISTS file:hashes]", kFile, kYes},
    {"9.6.1 EXISTS", "[EXISTS file:hashes.MD5]", kFile, kYes},
    {"9.6.1 EXISTS", "[EXISTS file:hashes.'SHA-512']", kFile, kNo},
    {"9.6.1 EXISTS", "[NOT EXISTS file:hashes.'SHA-512']", kFile, kYes},
    {"9.6.1 EXISTS", "[NOT EXISTS file:name]", kFile, kNo},
    {"9.6.1 EXISTS", "[NOT EXISTS process:name]", kFile, kNo},
    {"9.6.1 EXISTS", "[EXISTS network-traffic:dst_ref]", kNet, kYes},
    {"9.6.1 null", "[EXISTS a:v]", R"(0 {"type":"a","v":null})", kNo},
    {"9.6.1 null", "[NOT EXISTS a:v]", R"(0 {"type":"a","v":null})", kYes},
    {"9.6.1 null", "[a:v = 'x']", R"(0 {"type":"a","v":null})", kNo},
    {"9.6.1 null", "[a:v != 'x']", R"(0 {"type":"a","v":null})", kNo},
    {"9.6.1 null", "[a:v NOT = 'x']", R"(0 {"type":"a","v":null})", kNo},
    {"9.6.1 null", "[a:v[*] != 'x']", R"(0 {"type":"a","v":[null]})", kNo},

    // 9.6.2: strings by code point, without normalisation.
    {"9.6.2", "[a:v < 'oz']", R"(0 {"type":"a","v":"o"})", kYes},
    {"9.6.2", "[a:v < 'o\xcc\x80']", R"(0 {"type":"a","v":"oz"})", kYes},
    {"9.6.2", "[a:v < 'z']", "0 {\"type\":\"a\",\"v\":\"o\xcc\x80\"}", kYes},
    {"9.6.2", "[a:v < '\xc3\xb2']", R"(0 {"type":"a","v":"z"})", kYes},
    {"9.6.2", "[a:v = '\xc3\xb2']", "0 {\"type\":\"a\",\"v\":\"o\xcc\x80\"}", kNo},
    {"9.6.2", "[a:v > 'o']", R"(0 {"type":"a","v":"oz"})", kYes},
    {"9.6.2 beyond the BMP", "[a:v > '\xef\xbf\xbd']", "0 {\"type\":\"a\",\"v\":\"\xf0\x9f\x98\x80\"}", kYes},

    // 9.6.3: octets are unsigned.
    {"9.6.3", "[a:v_hex < h'ff']", R"(0 {"type":"a","v_hex":"00"})", kYes},
    {"9.6.3", "[a:v_hex > h'ff']", R"(0 {"type":"a","v_hex":"ff00"})", kYes},
    {"9.6.3", "[a:v_hex = h'ff']", R"(0 {"type":"a","v_hex":"ff00"})", kNo},

    // 9.6.4: native format.
    {"9.6.4", "[artifact:payload_bin = 'dGhpcyBpcyBhIHRlc3Q=']", kArtifact, kNo},
    {"9.6.4", "[artifact:payload_bin = 'this is a test']", kArtifact, kYes},
    {"9.6.4", "[artifact:payload_bin = '\xc4\x80']", kArtifact, kNo},
    {"9.6.4", "[artifact:payload_bin != '\xc4\x80']", kArtifact, kYes},
    {"9.6.4", "[artifact:payload_bin > '\xc4\x80']", kArtifact, kNo},
    {"9.6.4", "[artifact:payload_bin < '\xc4\x80']", kArtifact, kNo},
    {"9.6.4", "[artifact:payload_bin LIKE '\xc4\x80%']", kArtifact, kNo},
    {"9.6.4", "[artifact:payload_bin IN ('\xc4\x80', 'this is a test')]", kArtifact, kYes},

    // 9.7: paths.
    {"9.7 type", "[process:name = 'foo.dll']", kFile, kNo},
    {"9.7 quoted", "[file:'name' = 'foo.dll']", kFile, kYes},
    {"9.7 quoted", "[file:hashes.SHA-256 = 'aec0']", kFile, kBad},
    {"9.7 quoted", "[a:'x.y' = 1]", R"(0 {"type":"a","x.y":1})", kYes},
    {"9.7 nested", "[a:x.y.z = 1]", R"(0 {"type":"a","x":{"y":{"z":1}}})", kYes},
    {"9.7 reference", "[network-traffic:src_ref.value = '198.51.100.0/27']", kNet, kYes},
    {"9.7 reference", "[network-traffic:src_ref.type = 'ipv4-addr']", kNet, kYes},
    {"9.7 reference", "[network-traffic:src_ref = '1']", kNet, kNo},
    {"9.7.1", "[file:size > 0]", kFile, kYes},
    {"9.7.2 index", "[network-traffic:protocols[0] = 'ipv4']", kNet, kYes},
    {"9.7.2 index", "[network-traffic:protocols[1] = 'ipv4']", kNet, kNo},
    {"9.7.2 out of range", "[network-traffic:protocols[3] = 'ipv4']", kNet, kNo},
    {"9.7.2 out of range", "[network-traffic:protocols[3] != 'ipv4']", kNet, kNo},
    {"9.7.2 any", "[network-traffic:protocols[*] = 'http']", kNet, kYes},
    {"9.7.2 any", "[network-traffic:protocols[*] = 'udp']", kNet, kNo},
    {"9.7.2 any", "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]", kFile, kYes},
    {"9.7.2 any", "[file:extensions.'windows-pebinary-ext'.sections[0].entropy > 7.0]", kFile, kNo},
    {"9.7.2 each by itself",
     "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0 AND "
     "file:extensions.'windows-pebinary-ext'.sections[*].name = '.text']",
     kFile, kYes},
    {"9.7.2 no list", "[file:name[*] = 'foo.dll']", kFile, kNo},
    {"9.7.2 lists of lists", "[a:v[*][1] = 4]", R"(0 {"type":"a","v":[[1,2],[3,4]]})", kYes},
    {"9.7.3 key", "[file:hashes.ssdeep = '3:x']", kFile, kYes},
    {"9.7.3 key", "[file:hashes.md5 = 'd4']", kFile, kNo},
    {"9.7.3 key", "[file:extensions.'raster-image-ext'.image_height = 768]", kFile, kYes},
    {"9.7.3 key like a suffix", "[process:environment_variables.GIT_ref = 'main']", kVariables, kYes},
    {"9.7.3 key like a suffix", "[process:environment_variables.GIT_ref != 'main']", kVariables, kNo},
    {"9.7.3 key like a suffix", "[process:environment_variables.node_bin = '/usr/bin/node']", kVariables, kYes},
    {"9.7.3 key like a suffix", "[process:environment_variables.node_bin LIKE '/usr/%']", kVariables, kYes},
    {"9.7.3 key like a suffix", "[process:environment_variables.node_bin MATCHES '^/usr.*\xc4\x80?$']", kVariables,
     kYes},
    {"9.7.3 key like a suffix", "[process:environment_variables.color_hex = '#ffd8\xc3\xa9']", kVariables, kYes},
    {"9.7.3 key like a suffix", "[process:environment_variables.color_hex IN ('x', '#ffd8\xc3\xa9')]", kVariables,
     kYes},
    {"9.7.3 key like a suffix", "[process:environment_variables.color_hex = h'2366666438e9']", kVariables, kYes},
    {"9.7.3 key like a suffix", "[process:environment_variables.good_hex = h'ff']", kVariables, kYes},
    {"9.7.3 key like a suffix", "[process:environment_variables.some_ref.name = 'a']", kVariables, kYes},
    {"9.7.4 one", "[email-message:from_ref.value = 'jdoe@example.com']", kMail, kYes},
    {"9.7.4 nested", "[email-message:body_multipart[*].body_raw_ref.name MATCHES '^Final Report.+\\\\.exe$']", kMail,
     kYes},
    {"9.7.4 list", "[domain-name:resolves_to_refs[*].value = '2001:db8::5']", kNet, kYes},
    {"9.7.4 list", "[domain-name:resolves_to_refs[1].value = '2001:db8::5']", kNet, kYes},
    {"9.7.4 list", "[domain-name:resolves_to_refs[0].value = '2001:db8::5']", kNet, kNo},
    {"9.7.4 not found", "[domain-name:resolves_to_refs[2].value != 'x']", kNet, kNo},
    {"9.7.4 through two", "[network-traffic:dst_ref.resolves_to_refs[*].value = '2001:db8::5']", kNet, kYes},

    // 9.8: the examples that say more than the above.
    {"9.8",
     "[email-message:from_ref.value MATCHES '.+\\\\@example\\\\.com$' AND "
     "email-message:body_multipart[*].body_raw_ref.name MATCHES '^Final Report.+\\\\.exe$']",
     kMail, kYes},
    {"9.8", "[(file:name = 'pdf.exe' OR file:size = 25536) AND file:created = t'2014-01-13T07:03:17Z']", kFile, kYes},
    {"9.8", "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'example.com']", kNet,
     kYes},
    {"9.8", "([a:v = 1] AND [b:v = 1]) OR [z:image_ref.name = 'fooproc' OR z:image_ref.name = 'procfoo']", kAbc, kYes},
};

TEST(Chapter9, EverySentenceHoldsOfBothEvaluators) {
  std::size_t rows = 0;
  for (const Row& row : kRows) {
    ++rows;
    SCOPED_TRACE(fmt::format("§{}: {}  against  {}", row.section, row.pattern, row.observations));
    const auto observations = observations_of(row.observations);
    const auto pattern = stix::parse_pattern(row.pattern);
    if (!pattern) {
      EXPECT_EQ(row.want, kBad) << pattern.error().message;
      EXPECT_TRUE(pattern.error().where.has_offset);
      continue;
    }
    const auto fast = evaluate(*pattern, observations);
    if (!fast) {
      EXPECT_EQ(row.want, kBad) << fast.error().message;
      EXPECT_TRUE(fast.error().where.has_offset);
      continue;
    }
    EXPECT_NE(row.want, kBad);
    const auto slow = slow_matches(*pattern, observations);
    EXPECT_EQ(!fast->empty(), row.want == kYes) << "fast";
    ASSERT_TRUE(slow.has_value());
    EXPECT_EQ(*slow, row.want == kYes) << "slow";
  }
  EXPECT_GT(rows, 300U);
}

TEST(Chapter9, ReferencesThatGoRoundAreFollowedOnce) {
  const auto two =
      observations_of(R"(0 {"0":{"type":"p","k_refs":["0","1"],"n":"a"},"1":{"type":"p","k_refs":["0","1"],"n":"b"}})");
  std::string path = "p:";
  for (int i = 0; i < 40; ++i) path += "k_refs[*].";
  for (const char* end : {"n = 'a'", "n = 'c'", "n NOT = 'a'", "n LIKE '_'"}) {
    const auto pattern = stix::parse_pattern("[" + path + end + "]");
    ASSERT_TRUE(pattern);
    const auto fast = evaluate(*pattern, two);
    ASSERT_TRUE(fast);
    EXPECT_EQ(!fast->empty(), slow_matches(*pattern, two)) << end;
  }
}

TEST(Chapter9, ALongLikeOverALongValueTakesNoLongTime) {
  const auto observations = observations_of(R"(0 {"type":"a","v":")" + std::string(1'000'000, 'a') + "\"}");
  for (const std::string& wildcards :
       {"%" + std::string(8000, 'a') + "b%", "%" + std::string(1000, '_') + "b%", std::string(8000, '_') + "b%"}) {
    const auto pattern = stix::parse_pattern("[a:v LIKE '" + wildcards + "']");
    const auto fast = evaluate(*pattern, observations);
    ASSERT_TRUE(fast);
    EXPECT_TRUE(fast->empty());
  }
  const auto fast = evaluate(*stix::parse_pattern("[a:v LIKE '%" + std::string(1025, '_') + "%']"), observations);
  ASSERT_FALSE(fast);
  EXPECT_EQ(fast.error().code, ErrorCode::kTooLarge);
}

TEST(Chapter9, WhatARegularExpressionMayNotHaveIsNamedWithItsPlace) {
  struct Case {
    const char* constant;
    const char* message;
    std::size_t offset;
  };
  const Case table[] = {
      {"ab(?=c)", "MATCHES: look-ahead (?=…) is not supported, at character 3 of the constant", 16},
      {"\\\\'a++", "MATCHES: a possessive repeat is not supported, at character 5 of the constant", 21},
      {"\xc3\xa9"
       "a{1001}",
       "MATCHES: a repeat of more than 1000 times, at character 3 of the constant", 17},
      {"e\xcc\x81(?>a)", "MATCHES: an atomic group (?>…) is not supported, at character 3 of the constant", 17},
      {"(a)\\1", "MATCHES: a back reference \\1 is not supported, at character 4 of the constant", 17},
      {"(?x)a", "MATCHES: the extended notation (?x) is not supported, at character 1 of the constant", 14},
  };
  for (const Case& c : table) {
    std::string constant;
    for (const char* p = c.constant; *p != 0; ++p) {
      if (*p == '\'' || *p == '\\') constant += '\\';
      constant += *p;
    }
    const auto fast = evaluate(*stix::parse_pattern("[a:v MATCHES '" + constant + "']"), {});
    ASSERT_FALSE(fast) << constant;
    EXPECT_EQ(fast.error().message, c.message);
    EXPECT_EQ(fast.error().where.offset, c.offset) << constant;
  }
}

}  // namespace
}  // namespace bongsu::detect
