// Syslog, CEF, LEEF, key=value and CSV as the event parser sees them.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "telemetry/batch_reader.h"
#include "telemetry/csv.h"
#include "telemetry/line_batch.h"

namespace bongsu::telemetry {
namespace {

struct Event {
  std::string format, fields;  // "path=value;…" without the line's own text
  std::uint64_t line = 0;
};

std::vector<Event> parse(const std::string& data, std::size_t piece = 0) {
  BadLines bad;
  std::vector<Event> out;
  EventParser parser(bad, FieldMap::standard(), true);
  const auto take = [&](const LineBatch& batch) {
    parser.start(batch);
    std::vector<std::string> storage;
    while (const EventView* event = parser.next()) {
      Event& e = out.emplace_back();
      e.format = to_string(event->format);
      e.line = event->line;
      bool text = event->format == Format::kJson;
      for (const Field& field : fields_of(*event, storage)) {
        if (field.path == "text") {
          EXPECT_EQ(field.value, event->raw);
          text = true;
        } else {
          e.fields += std::string(field.path) + "=" + std::string(field.value) + ";";
        }
      }
      EXPECT_TRUE(text) << event->raw;
    }
  };
  if (piece == 0) {
    take({std::make_shared<const std::string>("log"), data, 0, 1, nullptr});
  } else {  // as it arrives from a file that grows
    LineCutter cutter("log", bad);
    for (std::size_t at = 0; at < data.size(); at += piece) {
      const std::size_t n = std::min(piece, data.size() - at);
      std::copy_n(data.data() + at, n, cutter.room(n));
      cutter.commit(n);
      while (const auto batch = cutter.take(at + n == data.size())) take(*batch);
    }
  }
  EXPECT_EQ(bad.count(), 0U);
  return out;
}

TEST(TextFormats, EachLineIsReadByWhatItIs) {
  struct Row {
    const char *line, *format, *fields;
  };
  const Row table[] = {
      // RFC 5424 §6.5, its four examples
      {"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xef\xbb\xbf'su root' failed for lonvick on "
       "/dev/pts/8",
       "syslog",
       "syslog.priority=34;syslog.time=2003-10-11T22:14:15.003Z;syslog.host=mymachine.example.com;syslog.app=su;syslog."
       "msgid=ID47;"
       "syslog.message='su root' failed for lonvick on /dev/pts/8;"},
      {"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.", "syslog",
       "syslog.priority=165;syslog.time=2003-08-24T05:14:15.000003-07:00;syslog.host=192.0.2.1;syslog.app=myproc;"
       "syslog.pid=8710;"
       "syslog.message=%% It's time to make the do-nuts.;"},
      {"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" "
       "eventSource=\"Application\" "
       "eventID=\"1011\"] An application event log entry...",
       "syslog",
       "syslog.priority=165;syslog.time=2003-10-11T22:14:15.003Z;syslog.host=mymachine.example.com;syslog.app=evntslog;"
       "syslog.msgid=ID47;"
       "syslog.exampleSDID@32473.iut=3;syslog.exampleSDID@32473.eventSource=Application;syslog.exampleSDID@32473."
       "eventID=1011;"
       "syslog.message=An application event log entry...;"},
      {"<165>1 2003-10-11T22:14:15.003Z m evntslog - ID47 [a@1 iut=\"3\"][b@1 class=\"hi\\\"g\\]h\\\\ \\n\"]", "syslog",
       "syslog.priority=165;syslog.time=2003-10-11T22:14:15.003Z;syslog.host=m;syslog.app=evntslog;syslog.msgid=ID47;"
       "syslog.a@1.iut=3;"
       "syslog.b@1.class=hi\"g]h\\ \\n;"},
      {"<14>1 - - - - - -", "syslog", "syslog.priority=14;"},
      // not RFC 5424: the structured data is not closed
      {"<14>1 - h a - - [x@1 y=\"z", "syslog", "syslog.priority=14;syslog.message=1 - h a - - [x@1 y=\"z;"},
      {"<999>1 2003-10-11T22:14:15Z h a - - - m", "syslog",
       "syslog.priority=999;syslog.time=2003-10-11T22:14:15Z;syslog.host=h;syslog.app=a;syslog.message=m;"},
      // RFC 3164 §5.4
      {"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8", "syslog",
       "syslog.priority=34;syslog.time=Oct 11 22:14:15;syslog.host=mymachine;syslog.app=su;syslog.message='su root' "
       "failed for lonvick on "
       "/dev/pts/8;"},
      {"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!", "syslog",
       "syslog.priority=13;syslog.time=Feb  5 17:32:18;syslog.host=10.0.0.99;syslog.message=Use the BFG!;"},
      {"Use the BFG!", "text", ""},
      {"<30>sshd[12]: Accepted", "syslog", "syslog.priority=30;syslog.app=sshd;syslog.pid=12;syslog.message=Accepted;"},
      {"<189>Oct 11 2003 22:14:15: %ASA-6-302013: Built", "syslog",
       "syslog.priority=189;syslog.time=Oct 11 2003 22:14:15;syslog.app=%ASA-6-302013;syslog.message=Built;"},
      // files of daemons
      {"Nov 21 10:00:00 web01 sshd[77]: Failed password for root from 198.51.100.7 port 22 ssh2", "syslog",
       "syslog.time=Nov 21 10:00:00;syslog.host=web01;syslog.app=sshd;syslog.pid=77;syslog.message=Failed password for "
       "root from "
       "198.51.100.7 port 22 ssh2;"},
      {"2024-05-10T08:00:00.123456+02:00 web01 CRON[9]: (root) CMD (x)", "syslog",
       "syslog.time=2024-05-10T08:00:00.123456+02:00;syslog.host=web01;syslog.app=CRON;syslog.pid=9;syslog.message=("
       "root) CMD (x);"},
      {"Nov 21 10:00:00 nothing like a tag here", "text", ""},
      {"2024-05-10T08:00:00Z just words of a program", "text", ""},
      // JSON in a syslog message
      {"<14>1 2024-05-10T08:00:00Z h app - - - {\"b\":\"c\",\"n\":1}", "json",
       "b=c;n=1;syslog.priority=14;syslog.time=2024-05-10T08:00:00Z;syslog.host=h;syslog.app=app;syslog.message={\"b\":"
       "\"c\",\"n\":1};"},
      {"<14>h app: @cee: {\"b\":\"c\"", "syslog", "syslog.priority=14;syslog.message=h app: @cee: {\"b\":\"c\";"},
      {"<14>app: {\"b\":", "syslog", "syslog.priority=14;syslog.app=app;syslog.message={\"b\":;"},
      // CEF
      {"CEF:0|Security|threat\\|manager|1.0|100|worm \\\\ stopped|10|src=10.0.0.1 dst=2.1.2.2 spt=1232", "cef",
       "cef.device_vendor=Security;cef.device_product=threat|manager;cef.device_version=1.0;cef.event_class_id=100;cef."
       "name=worm \\ "
       "stopped;cef.severity=10;cef.src=10.0.0.1;cef.dst=2.1.2.2;cef.spt=1232;"},
      {"Sep 19 08:26:10 host CEF:0|Security|manager|1.0|100|a \\= b|10|act=blocked a | dst=1.1.1.1 msg=no \\= and \\\\ "
       "and\\nline  x= y=z",
       "cef",
       "syslog.time=Sep 19 08:26:10;syslog.host=host;syslog.message=CEF:0|Security|manager|1.0|100|a \\= "
       "b|10|act=blocked a | dst=1.1.1.1 "
       "msg=no \\= and \\\\ and\\nline  x= "
       "y=z;cef.device_vendor=Security;cef.device_product=manager;cef.device_version=1.0;"
       "cef.event_class_id=100;cef.name=a = b;cef.severity=10;cef.act=blocked a |;cef.dst=1.1.1.1;cef.msg=no = and \\ "
       "and\nline;cef.y=z;"},
      {"<134>1 2024-05-10T08:00:00Z h - - - - CEF:1|V|P|1|2|n|Low|request=http://evil.example/a?b=c&d=e "
       "filePath=C:\\Users\\x",
       "cef",
       "syslog.priority=134;syslog.time=2024-05-10T08:00:00Z;syslog.host=h;syslog.message=CEF:1|V|P|1|2|n|Low|request="
       "http://evil.example/"
       "a?b=c&d=e "
       "filePath=C:\\Users\\x;cef.device_vendor=V;cef.device_product=P;cef.device_version=1;cef.event_class_id=2;cef."
       "name=n;"
       "cef.severity=Low;cef.request=http://evil.example/a?b=c&d=e;cef.filePath=C:\\Users\\x;"},
      {"CEF:0|a|b|c|d|name|5", "cef",
       "cef.device_vendor=a;cef.device_product=b;cef.device_version=c;cef.event_class_id=d;cef.name=name;cef.severity="
       "5;"},
      {"CEF:0|a|b|c|d", "text", ""},
      {"about CEF: a format", "text", ""},
      // LEEF
      {"LEEF:1.0|Microsoft|MSExchange|4.0 "
       "SP1|15345|src=192.0.2.0\tdst=172.50.123.1\tsev=5\tcat=anomaly\turl=http://e.example/?a=b",
       "leef",
       "leef.vendor=Microsoft;leef.product=MSExchange;leef.version=4.0 "
       "SP1;leef.event_id=15345;leef.src=192.0.2.0;leef.dst=172.50.123.1;"
       "leef.sev=5;leef.cat=anomaly;leef.url=http://e.example/?a=b;"},
      {"<13>1 2019-01-18T11:07:53.520Z 192.168.1.1 "
       "LEEF:2.0|Lancope|StealthWatch|1.0|41|^|src=192.0.2.0^dst=172.50.123.1",
       "leef",
       "syslog.priority=13;syslog.time=2019-01-18T11:07:53.520Z;syslog.host=192.168.1.1;syslog.message=LEEF:2.0|"
       "Lancope|StealthWatch|1.0|41"
       "|^|src=192.0.2.0^dst=172.50.123.1;leef.vendor=Lancope;leef.product=StealthWatch;leef.version=1.0;leef.event_id="
       "41;leef.src=192.0.2.0;leef.dst=172.50.123.1;"},
      {"Jan 18 11:07:53 myhost LEEF:2.0|V|P|1|2|0x7C|src=1.1.1.1|usrName=a b", "leef",
       "syslog.time=Jan 18 11:07:53;syslog.host=myhost;syslog.message=LEEF:2.0|V|P|1|2|0x7C|src=1.1.1.1|usrName=a "
       "b;leef.vendor=V;"
       "leef.product=P;leef.version=1;leef.event_id=2;leef.src=1.1.1.1;leef.usrName=a b;"},
      {"LEEF:2.0|V|P|1|2|src=1.1.1.1\tdst=2.2.2.2", "leef",
       "leef.vendor=V;leef.product=P;leef.version=1;leef.event_id=2;leef.src=1.1.1.1;leef.dst=2.2.2.2;"},
      // key=value
      {"level=info msg=\"GET \\\"/a\\\" C:\\\\x C:\\new\" host=198.51.100.7 empty= dur=1.5ms", "key-value",
       "level=info;msg=GET \"/a\" C:\\x C:\\new;host=198.51.100.7;dur=1.5ms;"},
      {"date=2019-05-10 time=11:37:47 logid=\"0000000013\" srcip=10.1.100.11 url=\"http://evil.example/?a=b\"",
       "key-value", "date=2019-05-10;time=11:37:47;logid=0000000013;srcip=10.1.100.11;url=http://evil.example/?a=b;"},
      {"type=USER_CMD msg=audit(1364481363.243:24287): pid=1 uid=0 msg='cwd=\"/root\" cmd=6C73 terminal=pts/0 "
       "res=success'",
       "key-value",
       "type=USER_CMD;audit.time=1364481363.243;audit.serial=24287;msg=audit(1364481363.243:24287):;pid=1;uid=0;cwd=/"
       "root;cmd=6C73;"
       "terminal=pts/0;res=success;"},
      {"kernel: [1.0] IN=eth0 OUT= MAC=00:0c SRC=198.51.100.7 DST=192.0.2.1 LEN=40", "key-value",
       "IN=eth0;MAC=00:0c;SRC=198.51.100.7;DST=192.0.2.1;LEN=40;"},
      {"a='two words', b=c,", "key-value", "a=two words;b=c;"},
      {"only one=pair here and text", "text", ""},
      {"x = y = z", "text", ""},
      {"a=\"open b=c", "text", ""},
      {"<13>Oct 11 22:14:15 fw01 id=firewall sn=00 src=198.51.100.7:80:X1 msg=\"a\"", "syslog",
       "syslog.priority=13;syslog.time=Oct 11 22:14:15;syslog.host=fw01;syslog.message=id=firewall sn=00 "
       "src=198.51.100.7:80:X1 msg=\"a\";"
       "id=firewall;sn=00;src=198.51.100.7:80:X1;msg=a;"},
  };
  for (const Row& row : table) {
    const auto events = parse("first\n" + std::string(row.line) + "\n");
    ASSERT_EQ(events.size(), 2U) << row.line;
    EXPECT_EQ(events[1].format, row.format) << row.line;
    EXPECT_EQ(events[1].fields, row.fields) << row.line;
  }
}

TEST(TextFormats, CsvGoesByItsHeaderAndLosesNoLine) {
  const std::string data =
      "time,src_ip,\"user name\",url\r\n"
      "2024-05-10,198.51.100.7,\"Smith, \"\"Jo\"\"\",http://evil.example/\r\n"
      "\n"
      "1,2,\"three\nlines \"\"of\"\"\ntext\",4\n"
      "too,few\n"
      "{\"a\":\"b\"}\n"
      "1,2,3,4,5\n"
      ",,,\n"
      "a,b,\"c\"d,e\n"
      "x,\"never closed,y,z\n"
      "1,2,3,4";
  for (const std::size_t piece : {0, 1, 7, 40}) {
    const auto events = parse(data, piece);
    std::string seen;
    for (const Event& event : events)
      seen += std::to_string(event.line) + " " + event.format + " " + event.fields + "\n";
    EXPECT_EQ(seen,
              "1 text \n"
              "2 csv time=2024-05-10;src_ip=198.51.100.7;user name=Smith, \"Jo\";url=http://evil.example/;\n"
              "4 csv time=1;src_ip=2;user name=three\nlines \"of\"\ntext;url=4;\n"
              "7 text \n"
              "8 json a=b;\n"
              "9 text \n"
              "10 csv \n"
              "11 text \n"
              "12 text \n"
              "13 csv time=1;src_ip=2;user name=3;url=4;\n")
        << piece;
  }
}

TEST(TextFormats, OnlyALineOfNamesIsACsvHeader) {
  for (const char* line : {"a,b,c", "a;b;c", "a\tb\tc", "a|b|c", "\"a\",\"b c\",d",
                           "\xef\xbb\xbf"
                           "a,b,c\r",
                           "Date (UTC),src.ip,@x"})
    EXPECT_NE(read_csv_header(line), nullptr) << line;
  for (const char* line : {"", "a,b", "a,b,", "a,b,a", "1,2,3", "a,b,198.51.100.7", "a,b,\"c", "a,b,\"c\"\"d\"",
                           "{\"a\":1,\"b\":2,\"c\":3}", "a b c", "Nov 21 10:00:00 h sshd: a, b, c"})
    EXPECT_EQ(read_csv_header(line), nullptr) << line;
  std::string wide = "c0";
  for (std::size_t i = 1; i <= kMaxTsvColumns; ++i) wide += ",c" + std::to_string(i);
  EXPECT_EQ(read_csv_header(wide), nullptr);
}

TEST(TextFormats, AQuoteThatNeverClosesHoldsBackNoMoreThanTheLimit) {
  std::string data = "a,b,c\n1,\"2,3\n";
  for (int i = 0; i < 100'000; ++i) data += "4,5,6 and some more text\n";
  BadLines bad;
  BatchReader reader(open_memory(data, "x"), "x", bad);
  EventParser parser(bad);
  std::size_t events = 0, rows = 0;
  while (true) {
    auto batch = reader.next();
    ASSERT_TRUE(batch);
    if (!*batch) break;
    parser.start(**batch);
    while (const EventView* event = parser.next()) ++events, rows += event->format == Format::kCsv;
  }
  EXPECT_EQ(events, 100'002U);
  EXPECT_EQ(rows, 100'000U);
  EXPECT_EQ(bad.count(), 0U);
}

TEST(TextFormats, HostileLinesStayTextInBoundedTime) {
  std::string deep = "<14>app: ";
  for (int i = 0; i < 10'000; ++i) deep += "{\"a\":[";
  std::string equals(500'000, '=');
  std::string brackets = "<14>1 - h a - - ";
  for (int i = 0; i < 100'000; ++i) brackets += "[a b=\"c\"]";
  std::string pairs;
  for (int i = 0; i < 200'000; ++i) pairs += "k=v ";
  std::string cef = "CEF:0|a|b|c|d|e|f|" + std::string(300'000, '\\') + " " + pairs;
  for (const std::string& line : {deep, equals, brackets, pairs, cef, "LEEF:2.0|a|b|c|d|" + std::string(500'000, '|'),
                                  std::string("<14>1 2003-10-11T22:14:15Z h a - - [\xff\xfe=\"\xc0\x80\"] \xff")}) {
    const auto events = parse("x\n" + line + "\n");
    ASSERT_EQ(events.size(), 2U);
    EXPECT_LE(std::ranges::count(events[1].fields, ';'), 200'000);
  }
}

}  // namespace
}  // namespace bongsu::telemetry
