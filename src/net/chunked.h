// Chunked transfer coding (RFC 9112 §7.1), decoded byte by byte, so that pieces cannot change the result. Beast 1.81
// reads it too, but lets a quoted extension run over the end of its line, and then depends on the pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bongsu::net {

inline constexpr std::size_t kMaxChunkLineBytes = 4096;  // size and extensions of one chunk; beyond: kBad
inline constexpr std::size_t kMaxTrailerBytes = 8192;    // all trailers; they are checked and dropped; beyond: kBad

class ChunkedDecoder {
 public:
  enum class State { kMore, kDone, kTooLarge, kBad };

  explicit ChunkedDecoder(std::uint64_t max_body_bytes = 0) : budget_(max_body_bytes) {}

  // Takes bytes from the front of `in`, appends data to `out`. kMore: all were taken; kDone: what is left belongs to
  // the next message; kTooLarge, kBad: error() says why.
  State decode(std::string_view& in, std::string& out);
  const char* error() const { return error_; }

 private:
  enum class Step { kSize, kExtension, kLineLf, kData, kDataCr, kDataLf, kTrailer, kTrailerLf, kEnd };

  State refuse(const char* error) {
    error_ = error;
    return State::kBad;
  }
  State on_byte(char c);
  bool trailer_line_ends();

  std::uint64_t budget_;
  Step step_ = Step::kSize;
  std::uint64_t size_ = 0;  // of this chunk; counts down in kData
  std::size_t digits_ = 0;
  std::size_t line_bytes_ = 0;    // of this chunk's line, or of all trailers
  bool extension_begun_ = false;  // a ';' has come: blanks before it must be followed by one
  bool quoted_ = false;           // within a quoted value of an extension
  bool escaped_ = false;
  std::string trailer_;  // the current line
  const char* error_ = "";
};

}  // namespace bongsu::net
