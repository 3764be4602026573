#include "net/chunked.h"

#include <algorithm>

#include "net/http_syntax.h"

namespace bongsu::net {

ChunkedDecoder::State ChunkedDecoder::decode(std::string_view& in, std::string& out) {
  while (!in.empty()) {
    if (step_ == Step::kData) {
      const std::string_view piece = in.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(size_, in.size())));
      out.append(piece);
      in.remove_prefix(piece.size());
      size_ -= piece.size();
      if (size_ == 0) step_ = Step::kDataCr;
      continue;
    }
    const char c = in.front();
    in.remove_prefix(1);
    if (const State state = on_byte(c); state != State::kMore) return state;
  }
  return step_ == Step::kEnd ? State::kDone : State::kMore;
}

ChunkedDecoder::State ChunkedDecoder::on_byte(char c) {
  switch (step_) {
    case Step::kSize: {
      const int digit = hex_digit(c);
      if (digit >= 0) {
        if (++digits_ > 16) return refuse("a chunk's size has more than 16 digits");
        size_ = size_ << 4 | static_cast<std::uint64_t>(digit);
        return State::kMore;
      }
      if (digits_ == 0) return refuse("a chunk's size is a hexadecimal number");
      if (size_ > budget_) {
        error_ = "the body is too large";
        return State::kTooLarge;
      }
      budget_ -= size_;
      line_bytes_ = digits_;
      extension_begun_ = quoted_ = escaped_ = false;
      step_ = Step::kExtension;
      return on_byte(c);
    }
    case Step::kExtension:
      if (++line_bytes_ > kMaxChunkLineBytes) return refuse("the line of a chunk is too long");
      if (c == '\r') {
        // For some readers a quoted value goes on in the next line: then the body would have two meanings.
        if (quoted_) return refuse("a quoted value has no end");
        step_ = Step::kLineLf;
        return State::kMore;
      }
      if (!is_field_char(c)) return refuse("a control character in the line of a chunk");
      if (c == '"' && !escaped_) quoted_ = !quoted_;
      escaped_ = quoted_ && c == '\\' && !escaped_;
      if (c == ';') extension_begun_ = true;
      if (!extension_begun_ && c != ' ' && c != '\t') return refuse("a chunk's size is followed by something else");
      return State::kMore;
    case Step::kLineLf:
      if (c != '\n') return refuse("the line of a chunk does not end in CR LF");
      digits_ = 0;
      line_bytes_ = 0;
      step_ = size_ == 0 ? Step::kTrailer : Step::kData;
      return State::kMore;
    case Step::kDataCr:
      if (c != '\r') return refuse("a chunk is longer than its size says");
      step_ = Step::kDataLf;
      return State::kMore;
    case Step::kDataLf:
      if (c != '\n') return refuse("a chunk is longer than its size says");
      step_ = Step::kSize;
      return State::kMore;
    case Step::kTrailer:
      if (++line_bytes_ > kMaxTrailerBytes) return refuse("the trailers are too long");
      if (c == '\r') {
        step_ = Step::kTrailerLf;
        return State::kMore;
      }
      if (!is_field_char(c)) return refuse("a control character in a trailer");
      trailer_.push_back(c);
      return State::kMore;
    case Step::kTrailerLf:
      if (c != '\n') return refuse("a trailer does not end in CR LF");
      if (trailer_.empty()) {
        step_ = Step::kEnd;
        return State::kDone;
      }
      if (!trailer_line_ends()) return refuse("a trailer is malformed, or one that may not be a trailer");
      trailer_.clear();
      step_ = Step::kTrailer;
      return State::kMore;
    case Step::kData:
    case Step::kEnd:
      break;
  }
  return refuse("bytes after the end of a body");
}

// RFC 9110 §6.5.1: fields of framing and routing are never trailers.
bool ChunkedDecoder::trailer_line_ends() {
  const std::string_view name = std::string_view(trailer_).substr(0, trailer_.find(':'));
  if (name.size() == trailer_.size() || !is_token(name)) return false;
  for (const char* forbidden : {"content-length", "transfer-encoding", "host"})
    if (equal_ignoring_case(name, forbidden)) return false;
  return true;
}

}  // namespace bongsu::net
