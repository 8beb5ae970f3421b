// Turns rows into a block. The layout is drawn in layout.h.
#include <chrono>

#include "engine/block/columns_encode.h"
#include "engine/block/layout.h"
#include "engine/model/checksum.h"
#include "engine/model/row.h"
#include "engine/model/value_encoding.h"

namespace caveat {
namespace detail {

std::uint64_t block_checksum(std::string_view block) noexcept {
  CAVEAT_ASSERT(block.size() >= kHeaderBytes);
  return checksum_around(block, kChecksumAt, sizeof(std::uint64_t));
}

std::size_t EncodeScratch::bytes() const noexcept {
  const auto of = [](const auto&... vectors) {
    return ((vectors.capacity() * sizeof(vectors[0])) + ...);
  };
  return sizeof(EncodeScratch) +
         of(nodes, node_rows, links.first_of_node, links.before, last_of_property, properties,
            values, index[0], index[1], index[2], index[3], frames, stored, raw_frame, body, trial,
            coded) +
         pool.bytes() + splitter.bytes() + ints.bytes();
}

namespace {

using Clock = std::chrono::steady_clock;

StorageError bad_rows(std::string why) {
  return {ErrorCode::invalid_argument, "rows of a block: " + std::move(why)};
}

Result<std::uint64_t> check_rows(std::span<const BlockRow> rows) {
  if (rows.empty() || rows.size() > kMaxBlockRows)
    return tl::make_unexpected(bad_rows("need 1 to 4096, not " + std::to_string(rows.size())));
  std::uint64_t raw = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    raw += plain_row_bytes(rows[i].view);
    if (i == 0) continue;
    const auto& a = rows[i - 1];
    const auto& b = rows[i];
    if (std::pair(a.view.key.node_id, a.property_id) >=
        std::pair(b.view.key.node_id, b.property_id))
      return tl::make_unexpected(bad_rows("not ascending by (node, property id)"));
  }
  if (raw > kMaxBlockRawBytes)
    return tl::make_unexpected(
        StorageError{ErrorCode::limit_exceeded, "a block holds at most 4 GiB of raw rows"});
  return raw;
}

// Numbers the strings column by column, so that strings of one kind are neighbours in a frame and
// new ones of a column have numbers in a row.
void number_strings(std::span<const BlockRow> rows, EncodeScratch& s) {
  s.pool.clear(rows.size() * 2);
  for (auto& index : s.index) index.clear();
  const auto pass = [&](unsigned which, const auto& text_of) {
    s.fresh_from[which] = s.pool.strings().size();
    for (const auto& row : rows) s.index[which].push_back(s.pool.add(text_of(row)));
  };
  pass(0, [](const BlockRow& row) { return row.view.inherited_value.payload(); });
  pass(1, [](const BlockRow& row) { return row.view.actual_value.payload(); });
  const std::string_view separator = s.splitter.choose(rows);
  s.split = !separator.empty();
  if (!s.split) {
    pass(2, [](const BlockRow& row) { return row.view.reason; });
    s.fresh_from[3] = s.pool.strings().size();
    return;
  }
  s.reason_bytes = 0;
  for (const auto& row : rows) s.reason_bytes += row.view.reason.size();
  pass(2, [&](const BlockRow& row) { return split_reason(row.view.reason, separator).first; });
  pass(3, [&](const BlockRow& row) { return split_reason(row.view.reason, separator).second; });
}

// Where there is no pool to lend one.
EncodeScratch& encode_scratch() {
  thread_local EncodeScratch s;
  return s;
}

// Compresses one frame onto `out`; raw where that is not smaller. Returns its stored size.
Result<std::size_t> put_frame(const std::string& raw, const BlockContext& context,
                              const CompressionDictionary* dictionary, std::string& out) {
  const std::size_t before = out.size();
  if (context.codec != nullptr && context.codec_id != 0) {
    const auto start = Clock::now();
    CAVEAT_TRY(context.codec->compress(raw, dictionary, out));
    const std::size_t kept = std::min(out.size() - before, raw.size());
    if (context.counters != nullptr) {
      auto& c = *context.counters;
      c.compressions.fetch_add(1, std::memory_order_relaxed);
      c.compress_bytes_in.fetch_add(raw.size(), std::memory_order_relaxed);
      c.compress_bytes_out.fetch_add(kept, std::memory_order_relaxed);
      c.compress_ns.fetch_add(static_cast<std::uint64_t>((Clock::now() - start).count()),
                              std::memory_order_relaxed);
    }
    if (out.size() - before < raw.size()) return out.size() - before;
    out.resize(before);
  }
  out += raw;
  return raw.size();
}

// Shares each frame's stored bytes among the columns whose strings are in it, by raw size, of which
// `ending` bytes are each string's end.
void share_frames(const EncodeScratch& s, std::span<const std::size_t> stored, std::size_t ending,
                  BlockStatistics& statistics) {
  const auto strings = s.pool.strings();
  for (std::size_t f = 0; f < s.frames.size(); ++f) {
    const FramePlan& frame = s.frames[f];
    if (frame.raw_bytes == 0) continue;  // the empty string alone, which has no end of its own
    for (std::size_t c = 0; c < kStringColumns; ++c) {
      const std::size_t owner = std::min<std::size_t>(c, 2);  // tails are of the reason too
      auto& column = statistics.columns[static_cast<std::size_t>(BlockColumn::inherited) + owner];
      for (const std::string_view text : strings.subspan(frame.first[c], frame.count[c])) {
        column.encoded_bytes += text.size();
        // In 1/1024 bytes, so that small shares are not all rounded away.
        column.compressed_bytes += (text.size() + ending) * stored[f] * 1024 / frame.raw_bytes;
      }
    }
  }
  for (std::size_t c = static_cast<std::size_t>(BlockColumn::inherited); c < kBlockColumnCount; ++c)
    statistics.columns[c].compressed_bytes /= 1024;
}

void raw_shares(std::span<const BlockRow> rows, BlockStatistics& statistics) {
  auto& c = statistics.columns;
  c[0].raw_bytes = c[1].raw_bytes = c[4].raw_bytes = rows.size() * 8;
  c[2].raw_bytes = rows.size();
  c[3].raw_bytes = rows.size() * 4;
  for (const auto& row : rows) {
    c[5].raw_bytes += value_bytes(row.view.inherited_value);
    c[6].raw_bytes += value_bytes(row.view.actual_value);
  }
  c[7].raw_bytes = statistics.raw_bytes - c[5].raw_bytes - c[6].raw_bytes - rows.size() * 29;
}

Result<void> encode(std::span<const BlockRow> rows, const BlockContext& context, EncodeScratch& s,
                    std::string& out, BlockStatistics* statistics) {
  CAVEAT_ASSIGN(const std::uint64_t raw_bytes, check_rows(rows));
  const auto start = Clock::now();
  number_strings(rows, s);

  std::array<std::size_t, kSectionCount> sizes{};
  std::array<ColumnChoice, kBlockColumnCount> chosen;
  std::string& body = s.body;
  body.clear();
  const auto column = [&](std::size_t which, const auto& put) {
    const std::size_t before = body.size();
    chosen[which] = put();
    sizes[which] = body.size() - before;
  };
  column(0, [&] { return put_node_column(rows, s, body); });
  column(1, [&] { return put_property_column(rows, s, body); });
  column(2, [&] { return put_source_column(rows, s, body); });
  column(3, [&] { return put_confidence_column(rows, s, body); });
  column(4, [&] { return put_time_column(rows, s, body); });
  column(5, [&] { return put_value_column(rows, 0, s, body); });
  column(6, [&] { return put_value_column(rows, 1, s, body); });
  column(7, [&] { return put_reason_column(s, body); });

  const auto strings = s.pool.strings();
  const StringEnds ends = choose_ends(strings);
  plan_frames(strings, s.index, s.fresh_from, ends, s.frames);
  const bool uses_dictionary = context.codec != nullptr && context.codec->uses_dictionary() &&
                               context.dictionary != nullptr && context.dictionary->id != 0;
  const CompressionDictionary* dictionary = uses_dictionary ? context.dictionary : nullptr;
  std::vector<std::size_t>& stored = s.stored;
  std::string& frames = s.coded;
  stored.clear();
  frames.clear();
  for (const FramePlan& frame : s.frames) {
    s.raw_frame.clear();
    append_frame(strings, frame, ends, s.raw_frame);
    CAVEAT_ASSIGN(const std::size_t size, put_frame(s.raw_frame, context, dictionary, frames));
    stored.push_back(size);
  }

  const std::size_t table_at = body.size();
  body.push_back(static_cast<char>(ends.separated ? kEndsBySeparator : kEndsByLength));
  if (ends.separated) {
    body.push_back(ends.separator);
  }
  put_varint(body, s.frames.size());
  for (std::size_t f = 0; f < s.frames.size(); ++f) {
    for (const std::uint32_t count : s.frames[f].count) put_varint(body, count);
    put_varint(body, s.frames[f].raw_bytes);
    put_varint(body, stored[f]);
  }
  if (!ends.separated) {
    s.values.clear();  // in the order of the frames' bytes
    for (const FramePlan& frame : s.frames)
      for (std::size_t c = 0; c < kStringColumns; ++c)
        for (const std::string_view text : strings.subspan(frame.first[c], frame.count[c]))
          s.values.push_back(text.size());
    encode_ints(s.values, nullptr, s.ints, body);
  }
  sizes[kStringTable] = body.size() - table_at;

  const std::size_t begin = out.size();
  put_fixed(out, kBlockMagic);
  put_fixed(out, std::uint32_t{0});  // stored bytes, below
  put_fixed(out, std::uint64_t{0});  // checksum, below
  put_fixed(out, kBlockVersion);
  put_fixed(out, context.codec_id);
  put_fixed(out, static_cast<std::uint16_t>(rows.size()));
  put_fixed(out, dictionary != nullptr ? dictionary->id : std::uint32_t{0});
  put_fixed(out, context.as_of);
  put_fixed(out, static_cast<std::uint32_t>(raw_bytes));
  CAVEAT_ASSERT(out.size() - begin == kHeaderBytes);
  for (const std::size_t size : sizes) put_varint(out, size);
  const std::size_t overhead = out.size() - begin + sizes[kStringTable];
  out += body;
  out += frames;

  const std::size_t total = out.size() - begin;
  if (total > 0xFFFFFFFF) {
    out.resize(begin);
    return tl::make_unexpected(
        StorageError{ErrorCode::limit_exceeded, "an encoded block has at most 4 GiB"});
  }
  const auto total32 = static_cast<std::uint32_t>(total);
  std::memcpy(out.data() + begin + kStoredBytesAt, &total32, sizeof total32);
  const std::uint64_t checksum = block_checksum(std::string_view(out).substr(begin));
  std::memcpy(out.data() + begin + kChecksumAt, &checksum, sizeof checksum);

  if (statistics != nullptr) {
    *statistics = {};
    statistics->raw_bytes = raw_bytes;
    statistics->stored_bytes = total;
    statistics->overhead_bytes = overhead;
    raw_shares(rows, *statistics);
    share_frames(s, stored, ends.separated ? 1 : 0, *statistics);
    for (std::size_t c = 0; c < kBlockColumnCount; ++c) {
      statistics->columns[c].encoded_bytes += sizes[c];
      statistics->columns[c].compressed_bytes += sizes[c];
      statistics->columns[c].encoding = chosen[c].name();
    }
    statistics->encode_ns = static_cast<std::uint64_t>((Clock::now() - start).count());
  }
  return {};
}

}  // namespace
}  // namespace detail

Result<void> encode_block(std::span<const BlockRow> rows, const BlockContext& context,
                          std::string& out, BlockStatistics* statistics) {
  const std::size_t before = out.size();
  ObjectPool<detail::EncodeScratch>::Lease lease;
  if (context.memory != nullptr) lease = context.memory->objects<detail::EncodeScratch>().acquire();
  detail::EncodeScratch& scratch = context.memory != nullptr ? *lease : detail::encode_scratch();
  auto done = detail::encode(rows, context, scratch, out, statistics);
  if (!done) out.resize(before);
  return done;
}

void collect_dictionary_samples(std::span<const BlockRow> rows, std::vector<std::string>& samples) {
  if (rows.empty()) return;
  auto& s = detail::encode_scratch();
  detail::number_strings(rows, s);
  const auto strings = s.pool.strings();
  const auto ends = detail::choose_ends(strings);
  detail::plan_frames(strings, s.index, s.fresh_from, ends, s.frames);
  for (const auto& frame : s.frames) {
    if (frame.raw_bytes > kBlockFrameBytes) continue;  // a large string teaches little
    detail::append_frame(strings, frame, ends, samples.emplace_back());
  }
}

}  // namespace caveat
