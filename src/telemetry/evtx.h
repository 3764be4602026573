// Windows event logs (.evtx): every record as one line of JSON in the flat Windows form, so that maps and rules see
// what they see in events that a collector sent.
//
//   {"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","TimeCreated":"2019-05-16T14:17:15.7627088Z",…,"Image":"C:\\…"}
//
// Keys: the elements of System by their names (their attributes as Provider_Name, Execution_ProcessID, …; TimeCreated
// is its SystemTime), the values of EventData by their Name, those of UserData and the like by their element's name.
// What comes several times or has no name (Data) is an array. Numbers of System are numbers, everything else is text as
// the Event Viewer writes it (hexadecimal without leading zeros, SIDs, times in UTC).
//
// The format (file header, 64-KiB chunks, records of binary XML with templates) is the one described in libyal's
// documentation of libevtx. We read it ourselves: libevtx 20181227, Debian's, needs a file that it can seek in, writes
// 0x00000000000003e7 where Windows writes 0x3e7, and cannot read logs whose records have no templates.
//
// Lines beyond kMaxEvtxChunkText of a chunk are dropped, and told as a trouble at the chunk's offset.
//
// A damaged record or chunk is told as a trouble with its offset in the file; the rest is read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "telemetry/byte_source.h"

namespace bongsu::telemetry {

inline constexpr std::string_view kEvtxMagic{"ElfFile\0", 8};
inline constexpr std::size_t kEvtxHeaderBytes = 4096;
inline constexpr std::size_t kEvtxChunkBytes = 65536;
inline constexpr std::size_t kMaxEvtxDepth = 32;               // of elements, and of templates in templates
inline constexpr std::size_t kMaxEvtxTokens = 100'000;         // in one record, templates written out
inline constexpr std::size_t kMaxEvtxEventBytes = 768 * 1024;  // of a record's values and names
inline constexpr std::size_t kMaxEvtxChunkText = 8 << 20;      // of a chunk's lines, templates written out

// Appends one line for each record of a chunk (at most kEvtxChunkBytes; a file's last may be cut off). `file_offset`:
// where the chunk stands, for the troubles.
void render_evtx_chunk(std::string_view chunk, std::uint64_t file_offset, std::string& lines,
                       std::vector<Error>& troubles);

// The lines of a whole file whose bytes `file` delivers.
std::unique_ptr<ByteSource> open_evtx(std::unique_ptr<ByteSource> file);

}  // namespace bongsu::telemetry
