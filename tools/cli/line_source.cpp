#include "tools/cli/line_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "tools/cli/byte_source.h"
#include "tools/cli/ndjson_reader.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kBufferBytes = 2 * kReadBytes + kLinePadding;
constexpr std::size_t kRoomKept = std::size_t{16} << 20;

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
    : bytes_(std::move(bytes)), buffer_(kBufferBytes) {}

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

// Why what has been gathered of a line, without an end so far, can be no record.
std::optional<StorageError> LineSource::refusal() const {
  const std::string_view text(buffer_.data() + begin_, end_ - begin_);
  if (text.size() > kMaxLineBytes) {
    return StorageError(
        ErrorCode::limit_exceeded,
        fmt::format("the line is longer than {} MiB, the limit of a line", kMaxLineBytes >> 20));
  }
  if (text.size() <= kLongLineBytes) return std::nullopt;
  const auto first = text.find_first_not_of(line_number_ == 0 ? "\xEF\xBB\xBF \t\r" : " \t\r");
  if (first != std::string_view::npos && text[first] == '{') return std::nullopt;
  return StorageError(ErrorCode::invalid_argument,
                      fmt::format("the line is longer than {} MiB and begins like no record, "
                                  "which would be a JSON object in one line",
                                  kLongLineBytes >> 20));
}

// What was gathered, and the room that it took.
void LineSource::forget() {
  begin_ = end_ = 0;
  buffer_.resize(kBufferBytes);
  buffer_.shrink_to_fit();
}

Result<bool> LineSource::next_raw(Line& line) {
  line.refused.reset();
  // The room for a long line is not kept for short ones.
  if (buffer_.size() > kRoomKept && end_ - begin_ <= kReadBytes) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    buffer_.resize(kBufferBytes);
    buffer_.shrink_to_fit();
  }
  for (std::size_t searched = 0;;) {
    const char* const from = buffer_.data() + begin_ + searched;
    const auto* feed = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_ - searched));
    if (feed != nullptr) {
      const auto length = static_cast<std::size_t>(feed - (buffer_.data() + begin_));
      line.text = {buffer_.data() + begin_, line.refused ? 0 : length};
      begin_ += length + 1;
      ++line_number_;
      return true;
    }
    searched = end_ - begin_;
    if (!line.refused) line.refused = refusal();
    if (line.refused) {
      // The rest of the line goes the same way.
      forget();
      searched = 0;
    }
    CAVEAT_ASSIGN(const bool more, fill());
    if (more) continue;
    line.text = {buffer_.data() + begin_, line.refused ? 0 : end_ - begin_};
    begin_ = end_;
    if (line.text.empty() && !line.refused) return false;
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
    if (line.refused || !is_blank(line.text)) return true;
  }
}

}  // namespace caveat::cli
