#include "telemetry/evtx.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "telemetry/batch_reader.h"

namespace bongsu::telemetry {
namespace {

// Writes binary XML as Windows does, as far as the tests need it.
class Chunk {
 public:
  Chunk() : bytes_(512, '\0') { bytes_.replace(0, 8, std::string("ElfChnk\0", 8)); }
  std::string finish() {
    put_at(48, bytes_.size(), 4);
    std::string out = bytes_;
    out.resize(kEvtxChunkBytes, '\0');
    return out;
  }
  std::size_t size() const { return bytes_.size(); }
  void begin_record() {
    record_ = bytes_.size();
    bytes_ += std::string("**\0\0", 4);
    number(0, 4), number(++records_, 8), number(0, 8);
    bytes_ += std::string("\x0f\x01\x01\x00", 4);
  }
  void end_record() {
    bytes_ += '\0';
    const std::size_t size = bytes_.size() + 4 - record_;
    number(size, 4);
    put_at(record_ + 4, size, 4);
  }
  // Outside of templates an element has no dependency number.
  void open(const std::string& name, bool in_template = false, bool attributes = false) {
    bytes_ += attributes ? '\x41' : '\x01';
    if (in_template) number(0xffff, 2);
    number(0, 4);
    put_name(name);
    if (attributes) number(0, 4);
  }
  void attribute(const std::string& name, const std::string& value) {
    bytes_ += '\x06';
    put_name(name);
    text(value);
  }
  void attribute(const std::string& name) { bytes_ += '\x06', put_name(name); }
  void start_ends() { bytes_ += '\x02'; }
  void empty_ends() { bytes_ += '\x03'; }
  void close() { bytes_ += '\x04'; }
  void text(const std::string& value) {
    bytes_ += std::string("\x05\x01", 2);
    number(value.size(), 2);
    for (const char c : value) bytes_ += c, bytes_ += '\0';
  }
  void substitution(int id, char type) { bytes_ += '\x0d', number(id, 2), bytes_ += type; }
  std::string& bytes() { return bytes_; }
  void number(std::uint64_t value, std::size_t size) { bytes_.append(reinterpret_cast<const char*>(&value), size); }
  void put_at(std::size_t at, std::uint64_t value, std::size_t size) { std::memcpy(bytes_.data() + at, &value, size); }
  // A template defined here: what `body` writes; then its values (type, bytes).
  template <class Body>
  void define(Body body, const std::vector<std::pair<char, std::string>>& values) {
    bytes_ += std::string("\x0c\x01", 2);
    number(1, 4);
    number(bytes_.size() + 4, 4);
    number(0, 4), number(0, 8), number(0, 8);
    const std::size_t size_at = bytes_.size();
    number(0, 4);
    bytes_ += std::string("\x0f\x01\x01\x00", 4);
    body();
    bytes_ += '\0';
    put_at(size_at, bytes_.size() - size_at - 4, 4);
    number(values.size(), 4);
    for (const auto& [type, value] : values) number(value.size(), 2), bytes_ += type, bytes_ += '\0';
    for (const auto& [type, value] : values) bytes_ += value;
  }

 private:
  void put_name(const std::string& name) {
    number(bytes_.size() + 4, 4);
    number(0, 4), number(0, 2), number(name.size(), 2);
    for (const char c : name) bytes_ += c, bytes_ += '\0';
    number(0, 2);
  }
  std::string bytes_;
  std::size_t record_ = 0, records_ = 0;
};

std::string wide(const std::string& text) {
  std::string out;
  for (const char c : text) out += c, out += '\0';
  return out;
}

void small_record(Chunk& chunk, const std::string& image) {
  chunk.begin_record();
  chunk.open("Event");
  chunk.start_ends();
  chunk.open("EventData");
  chunk.start_ends();
  chunk.open("Data", false, true);
  chunk.attribute("Name", "Image");
  chunk.start_ends();
  chunk.text(image);
  chunk.close();
  chunk.close();
  chunk.close();
  chunk.end_record();
}

std::string render(const std::string& chunk, std::string* troubles = nullptr) {
  std::string lines;
  std::vector<Error> errors;
  render_evtx_chunk(chunk, 4096, lines, errors);
  for (const Error& error : errors)
    if (troubles != nullptr) *troubles += error.text() + "\n";
  if (troubles == nullptr) EXPECT_TRUE(errors.empty()) << errors[0].text();
  return lines;
}

TEST(Evtx, EachTypeIsWrittenAsTheEventViewerWritesIt) {
  const std::string sid("\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00", 16);
  const std::string guid("\x5f\x38\x70\x57\x2a\xc2\xe0\x43\xbf\x4c\x06\xf5\x69\x8f\xfb\xd9", 16);
  const std::string filetime("\x00\x80\x3e\xd5\xde\xb1\x9d\x01", 8);  // 1970-01-01
  struct Row {
    char type;
    std::string bytes;
    const char* text;
  };
  const Row table[] = {{'\x01', wide("a\"b"), "\"a\\\"b\""},
                       {'\x02', std::string("ansi\0", 5), "\"ansi\""},
                       {'\x03', "\xff", "\"-1\""},
                       {'\x04', "\xff", "\"255\""},
                       {'\x05', "\xfe\xff", "\"-2\""},
                       {'\x08', std::string("\x01\x00\x00\x00", 4), "\"1\""},
                       {'\x0a', std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8), "\"18446744073709551615\""},
                       {'\x0d', std::string("\x01\x00\x00\x00", 4), "\"true\""},
                       {'\x0e', "\x0a\xff", "\"0AFF\""},
                       {'\x0f', guid, "\"{5770385f-c22a-43e0-bf4c-06f5698ffbd9}\""},
                       {'\x11', filetime, "\"1970-01-01T00:00:00.0000000Z\""},
                       {'\x12', std::string("\xe8\x07\x05\x00\x05\x00\x0a\x00\x01\x00\x02\x00\x03\x00\x04\x00", 16),
                        "\"2024-05-10T01:02:03.004Z\""},
                       {'\x13', sid, "\"S-1-5-32-544\""},
                       {'\x14', std::string("\xe7\x03\x00\x00", 4), "\"0x3e7\""},
                       {'\x15', std::string("\xe7\x03\x00\x00\x00\x00\x00\x00", 8), "\"0x3e7\""},
                       {'\x10', std::string("\xe7\x03\x00\x00", 4), "\"0x3e7\""},
                       {'\x81', wide(std::string("a\0bc\0", 5)), "[\"a\",\"bc\"]"},
                       {'\x86', std::string("\x01\x00\x02\x00", 4), "[\"1\",\"2\"]"},
                       {'\x00', "", "\"\""},
                       {'\x0f', "short", "\"73686F7274\""}};
  for (const Row& row : table) {
    Chunk chunk;
    chunk.begin_record();
    chunk.define(
        [&] {
          chunk.open("Event", true);
          chunk.start_ends();
          chunk.open("EventData", true);
          chunk.start_ends();
          chunk.open("Data", true, true);
          chunk.attribute("Name", "X");
          chunk.start_ends();
          chunk.substitution(0, row.type);
          chunk.close(), chunk.close(), chunk.close();
        },
        {{row.type, row.bytes}});
    chunk.end_record();
    EXPECT_EQ(render(chunk.finish()), "{\"X\":" + std::string(row.text) + "}\n") << static_cast<int>(row.type);
  }
}

TEST(Evtx, SystemAndDataBecomeOneFlatEvent) {
  Chunk chunk;
  chunk.begin_record();
  chunk.open("Event", false, true);
  chunk.attribute("xmlns", "http://schemas.microsoft.com/win/2004/08/events/event");
  chunk.start_ends();
  chunk.open("System");
  chunk.start_ends();
  chunk.open("Provider", false, true);
  chunk.attribute("Name", "P");
  chunk.empty_ends();
  chunk.open("EventID"), chunk.start_ends(), chunk.text("4688"), chunk.close();
  chunk.open("TimeCreated", false, true), chunk.attribute("SystemTime", "2024-05-10T00:00:00Z"), chunk.empty_ends();
  chunk.close();
  chunk.open("UserData"), chunk.start_ends();
  chunk.open("LogFileCleared"), chunk.start_ends();
  chunk.open("Channel"), chunk.start_ends(), chunk.text("Security"), chunk.close();
  chunk.close(), chunk.close();
  chunk.open("EventData"), chunk.start_ends();
  for (const char* text : {"one", "two"}) chunk.open("Data"), chunk.start_ends(), chunk.text(text), chunk.close();
  chunk.close(), chunk.close();
  chunk.end_record();
  EXPECT_EQ(render(chunk.finish()),
            "{\"Provider_Name\":\"P\",\"EventID\":4688,\"TimeCreated\":\"2024-05-10T00:00:00Z\",\"Channel\":"
            "\"Security\",\"Data\":[\"one\",\"two\"]}\n");
}

TEST(Evtx, ADamagedRecordCostsOnlyItself) {
  Chunk chunk;
  small_record(chunk, "a.exe");
  const std::size_t second = chunk.size();
  small_record(chunk, "b.exe");
  const std::size_t third = chunk.size();
  small_record(chunk, "c.exe");
  const std::string good = chunk.finish();
  const std::string a = "{\"Image\":\"a.exe\"}\n", b = "{\"Image\":\"b.exe\"}\n", c = "{\"Image\":\"c.exe\"}\n";
  EXPECT_EQ(render(good), a + b + c);
  const auto damaged = [&](std::size_t at, char to) {
    std::string bytes = good, troubles;
    bytes[at] = to;
    return std::pair(render(bytes, &troubles), troubles);
  };
  EXPECT_EQ(damaged(second, 'x').first, a + c);
  EXPECT_EQ(damaged(second, 'x').second,
            "offset " + std::to_string(4096 + second) + ": an event log's record is damaged\n");
  EXPECT_EQ(damaged(second + 5, '\xff').first, a + c);  // its size
  EXPECT_EQ(damaged(second + 28, '\x3f').second,
            "offset " + std::to_string(4096 + second) +
                ": an event log's record cannot be read: binary XML of an unknown kind\n");
  EXPECT_EQ(damaged(0, 'x').first, a + b + c);  // the chunk's head
  std::string troubles;
  EXPECT_EQ(render(good.substr(0, third + 10), &troubles), a + b);
  EXPECT_NE(troubles.find("damaged"), std::string::npos);
  troubles.clear();
  EXPECT_EQ(render(good.substr(0, 100), &troubles), "");
  EXPECT_EQ(troubles, "offset 4096: an event log's chunk is cut off\n");
  EXPECT_EQ(render(std::string(kEvtxChunkBytes, '\0')), "");
}

TEST(Evtx, TemplatesThatBlowUpAreRefused) {
  // A value of 60,000 bytes written out a thousand times; and a template within itself.
  Chunk big;
  big.begin_record();
  big.define(
      [&] {
        big.open("Event", true);
        big.start_ends();
        for (int i = 0; i < 1000; ++i) big.substitution(0, '\x01');
        big.close();
      },
      {{'\x01', wide(std::string(20'000, 'x'))}});
  big.end_record();
  std::string troubles;
  EXPECT_EQ(render(big.finish(), &troubles), "");
  EXPECT_NE(troubles.find("too large once its templates are written out"), std::string::npos);

  Chunk loop;
  loop.begin_record();
  const std::size_t definition = loop.size() + 10;
  loop.define(
      [&] {
        loop.bytes() += std::string("\x0c\x01", 2);
        loop.number(1, 4), loop.number(definition, 4), loop.number(0, 4);
      },
      {});
  loop.end_record();
  troubles.clear();
  EXPECT_EQ(render(loop.finish(), &troubles), "");
  EXPECT_NE(troubles.find("nested too deeply"), std::string::npos);
}

TEST(Evtx, NamesCountInARecordsLimit) {
  for (const int times : {10, 1000}) {
    Chunk chunk;
    chunk.begin_record();
    chunk.open("Event", false, true);
    const std::size_t name = chunk.size() + 5;
    chunk.attribute("xmlns" + std::string(20'000, 'x'));
    for (int i = 0; i < times; ++i) chunk.bytes() += '\x06', chunk.number(name, 4);
    chunk.start_ends(), chunk.open("Data"), chunk.start_ends(), chunk.text("a"), chunk.close(), chunk.close();
    chunk.end_record();
    std::string troubles;
    EXPECT_EQ(render(chunk.finish(), &troubles), times == 10 ? "{\"Data\":\"a\"}\n" : "");
    EXPECT_EQ(troubles.contains("too large once its templates are written out"), times == 1000) << troubles;
  }
}

// Small records that use a template again and again, whose text becomes six times as long.
TEST(Evtx, AChunksTextIsBoundedAndTheRestOfTheFileIsRead) {
  for (const int texts : {1, 4}) {
    Chunk chunk;
    chunk.begin_record();
    const std::size_t definition = chunk.size() + 10;
    chunk.define(
        [&] {
          chunk.open("Event", true), chunk.start_ends(), chunk.open("Data", true), chunk.start_ends();
          chunk.text(std::string(12'000, '\x01'));
          chunk.close(), chunk.close();
        },
        {});
    chunk.end_record();
    for (int i = 0; i < 300; ++i) {
      chunk.begin_record();
      for (int j = 0; j < texts; ++j) {
        chunk.bytes() += std::string("\x0c\x01", 2);
        chunk.number(1, 4), chunk.number(definition, 4), chunk.number(0, 4);
      }
      chunk.end_record();
    }
    std::string troubles;
    const std::string lines = render(chunk.finish(), &troubles);
    EXPECT_LE(lines.size(), kMaxEvtxChunkText);
    EXPECT_GT(lines.size(), kMaxEvtxChunkText / 2);
    EXPECT_TRUE(lines.ends_with("}\n"));
    EXPECT_TRUE(troubles.starts_with("offset 4096: an event log's chunk holds more than 8388608 bytes")) << troubles;
    EXPECT_EQ(std::count(troubles.begin(), troubles.end(), '\n'), 1);

    Chunk next;
    small_record(next, "a.exe");
    std::string file(kEvtxHeaderBytes, '\0');
    file.replace(0, 8, std::string(kEvtxMagic));
    const auto source = open_memory(file + chunk.finish() + next.finish(), "s.evtx");
    const auto all = read_all(*source, 4 * kMaxEvtxChunkText);
    ASSERT_TRUE(all);
    EXPECT_EQ(*all, lines + "{\"Image\":\"a.exe\"}\n");
    const auto told = source->take_troubles();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].code, ErrorCode::kTooLarge);
    EXPECT_EQ(told[0].where.offset, kEvtxHeaderBytes);
  }
}

TEST(Evtx, AFileComesAsLinesAndNamesWhatItLost) {
  Chunk chunk;
  small_record(chunk, "a.exe");
  std::string file(kEvtxHeaderBytes, '\0');
  file.replace(0, 8, std::string(kEvtxMagic));
  std::string broken = chunk.finish();
  broken[512] = 'x';
  file += chunk.finish() + std::string(kEvtxChunkBytes, '\0') + broken + chunk.finish().substr(0, 520);
  BadLines bad;
  BatchReader reader(open_memory(file, "s.evtx"), "s.evtx", bad);
  std::string data;
  while (true) {
    auto batch = reader.next();
    ASSERT_TRUE(batch) << batch.error().text();
    if (!*batch) break;
    data += (*batch)->data;
  }
  EXPECT_EQ(data, "{\"Image\":\"a.exe\"}\n");
  ASSERT_GE(bad.count(), 2U);
  EXPECT_EQ(bad.first()[0].where.source, "s.evtx");
  EXPECT_EQ(bad.first()[0].where.offset, kEvtxHeaderBytes + 2 * kEvtxChunkBytes + 512);

  auto cut = open_memory(file.substr(0, 100), "x");
  char buffer[64];
  EXPECT_EQ(cut->read(buffer, sizeof buffer).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bongsu::telemetry
