#include "tools/cli/line_source.h"

#include <algorithm>
#include <cstring>

#include "tools/cli/byte_source.h"
#include "tools/cli/ndjson_reader.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

Result<LineSource> LineSource::open(const std::string& path) {
  auto read = std::make_shared<std::uint64_t>(0);
  CAVEAT_ASSIGN(auto opened, open_byte_source(path, read));
  LineSource source(std::move(opened.source));
  source.bytes_read_ = std::move(read);
  source.bytes_total_ = opened.total_bytes;
  return source;
}

LineSource::LineSource(std::unique_ptr<ByteSource> bytes)
    : bytes_(std::move(bytes)), buffer_(2 * kReadBytes + kLinePadding) {}

// Makes room behind what is left and reads more. False at the end.
Result<bool> LineSource::fill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - kLinePadding - end_ < kReadBytes) buffer_.resize(buffer_.size() * 2);
  const auto count = bytes_->read(buffer_.data() + end_, buffer_.size() - kLinePadding - end_);
  if (!count) {
    failed_ = true;
    return fail(count.error());
  }
  end_ += *count;
  at_end_ = *count == 0;
  return !at_end_;
}

Result<bool> LineSource::next_raw(Line& line) {
  line.too_long = false;
  for (std::size_t searched = 0;;) {
    const char* const from = buffer_.data() + begin_ + searched;
    const auto* feed = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_ - searched));
    if (feed != nullptr) {
      const auto length = static_cast<std::size_t>(feed - (buffer_.data() + begin_));
      line.text = {buffer_.data() + begin_, length};
      begin_ += length + 1;
      ++line_number_;
      return true;
    }
    searched = end_ - begin_;
    if (searched > kMaxLineBytes) {
      // Forget what was gathered; the rest of the line goes the same way.
      line.too_long = true;
      begin_ = end_ = searched = 0;
    }
    CAVEAT_ASSIGN(const bool more, fill());
    if (more) continue;
    line.text = {buffer_.data() + begin_, end_ - begin_};
    begin_ = end_;
    if (line.text.empty() && !line.too_long) return false;
    ++line_number_;
    return true;
  }
}

Result<bool> LineSource::next(Line& line) {
  for (;;) {
    CAVEAT_ASSIGN(const bool found, next_raw(line));
    if (!found) return false;
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (line_number_ == 1 && line.text.substr(0, 3) == kByteOrderMark) line.text.remove_prefix(3);
    if (line.too_long || !is_blank(line.text)) return true;
  }
}

}  // namespace caveat::cli
