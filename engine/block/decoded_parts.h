// What a DecodedBlock holds behind what every read touches: where the columns are in the encoded
// bytes, what is inflated so far, and the lock under which it is.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/block/block_memory.h"
#include "engine/block/int_column.h"
#include "engine/block/layout.h"
#include "pool/arena.h"

namespace caveat::detail {

// Lengths of a ValueRow that are marks.
inline constexpr std::uint16_t kLongText = 0xFFFF;    // offset: the string's number, or the row's
inline constexpr std::uint16_t kUnresolved = 0xFFFE;  // offset: the string's number
// Of a reason in halves. By number: offset and tail are strings' numbers; else they are offsets,
// and the length is that of the head, times 256, and that of the tail.
inline constexpr std::uint16_t kHalvesByNumber = 0xFFFD;
inline constexpr std::size_t kHeadLengthMax = 0xFE;
inline constexpr std::size_t kTailLengthMax = 0xFF;
static_assert((kHeadLengthMax << 8 | kTailLengthMax) < kHalvesByNumber);
// Text that 16 bits reach is in the slab: frames and joined reasons up to this each.
inline constexpr std::size_t kTextInlineMax = kUnresolved - 1;
// Copies move 16 bytes at a time and may write or read that far beyond.
inline constexpr std::size_t kTextSlack = 16;

struct Frame {
  std::uint32_t first = 0;  // its first string, counted in the order of the frames' bytes
  std::uint32_t count = 0;
  std::uint32_t raw_bytes = 0;
  std::uint32_t text_at = 0;  // in the block's text, if it is there
  std::string_view stored;
  char* room = nullptr;   // where it is inflated to
  char* bytes = nullptr;  // null until inflated and checked
  // Frames beyond kTextInlineMax and strings larger than a frame have memory of their own, taken
  // when they are inflated: a block must not cost what it merely claims.
  bool in_slab = true;
};

// Strings that are neighbours by number and in a frame.
struct Stretch {
  std::uint32_t number = 0;  // of the first
  std::uint32_t at = 0;      // the same in the order of the frames' bytes
  std::uint32_t count = 0;
  std::uint32_t frame = 0;
};

// The string table of a block, as parsed.
struct StringTable {
  bool separated = true;
  char separator = 0;
  std::uint32_t string_count = 0;
  std::uint32_t frame_count = 0;
  std::uint32_t columns = 0;                                    // whose strings each frame counts
  std::array<std::uint32_t, kStringColumns> first_of_column{};  // numbers
  std::size_t slab_bytes = 0;    // raw bytes of frames whose text is in the slab
  std::size_t apart_bytes = 0;   // of the others
  std::string_view frame_table;  // counts and sizes
  std::string_view lengths;      // column of lengths, where strings are not separated

  [[nodiscard]] std::uint32_t ending() const noexcept { return separated ? 1 : 0; }
  [[nodiscard]] std::uint32_t stretches() const noexcept { return columns * frame_count; }
};

[[nodiscard]] inline tl::unexpected<StorageError> corrupt_block(std::string_view what) {
  return tl::make_unexpected(StorageError{ErrorCode::corruption, "block: " + std::string(what)});
}

// Reads and checks the string table's section; `frames` is what follows it.
[[nodiscard]] Result<void> parse_string_table(std::string_view section, std::string_view frames,
                                              const BlockHeader& header, StringTable& out);
// The frames of a table that was parsed, and the stretches in the order of their numbers; there is
// room for frame_count and for stretches() of them.
void list_frames(const StringTable& table, std::string_view frames, Frame* out,
                 Stretch* stretches) noexcept;

// Integers of a column on their way to where they stay; kept per thread.
struct ColumnScratch {
  std::vector<std::uint64_t> wide;
  std::vector<std::uint32_t> narrow, other;
  std::vector<std::uint16_t> node_of_row;

  template <class T>
  [[nodiscard]] static std::span<T> sized(std::vector<T>& values, std::size_t count) {
    if (values.size() < count) values.resize(count);
    return {values.data(), count};
  }
};
[[nodiscard]] ColumnScratch& column_scratch();

}  // namespace caveat::detail

namespace caveat {

// The pieces of a block's slab, in the order in which a point read asks for them.
struct DecodedBlock::Slab {
  NodeId* nodes = nullptr;
  std::uint32_t* node_starts = nullptr;
  std::uint32_t* property_ids = nullptr;
  Row* rows = nullptr;
  char* text = nullptr;    // of the frames
  char* joined = nullptr;  // joined reasons, where their sizes fit in 16 bits
  // Only inflating asks for the rest.
  std::uint16_t* property_of_row = nullptr;  // null where the block has no local numbers
  std::uint16_t* starts = nullptr;  // of each string in its frame, one more at each frame's end
  detail::Frame* frames = nullptr;
  detail::Stretch* stretches = nullptr;
  std::string_view* joined_apart = nullptr;  // of each row, where `joined` is null and needed
  Parts* parts = nullptr;
  char* encoded = nullptr;  // the block as stored, with BlockForm::keys
};

struct DecodedBlock::Parts {
  Parts(MemoryPool& the_pool, const Slab& the_slab)
      : pool(the_pool), slab(the_slab), apart(the_pool.chunks()) {}
  // For one row of a block of its keys alone: the same bytes, and a slab that carve_row() laid out.
  Parts(const Parts& kept, const Slab& of_row);
  ~Parts();

  MemoryPool& pool;  // kept alive by the block's chunk
  const Slab slab;   // written under the lock, each piece before the bit that says it is there
  std::shared_ptr<const std::string> owner;  // of the encoded bytes; null once all are decoded
  const Codec* codec = nullptr;              // null: every frame is raw
  const CompressionDictionary* dictionary = nullptr;
  std::shared_ptr<const CompressionDictionary> dictionary_owner;
  BlockCounters* counters = nullptr;

  std::array<std::string_view, kBlockColumnCount> columns;
  std::string_view frames;  // all of them, as stored
  std::uint32_t row_count = 0;
  std::uint32_t node_count = 0;
  std::uint32_t property_count = 0;  // of local numbers
  detail::StringTable strings;
  bool split = false;              // reasons are stored in halves
  bool keep_halves = false;        // and stay so
  std::uint64_t reason_bytes = 0;  // of all rows, where reasons are split

  std::mutex mutex;  // guards what follows, and the slab until its bits are set
  Arena apart;       // what is not in the slab
  std::size_t joined_used = 0;
  std::uint32_t frames_left = 0;  // not yet inflated
  std::uint32_t pieces = 0;       // what would have been allocations of their own
  std::uint32_t reads = 0;        // rows materialised before all strings were found
  ColumnMask numbered = 0;        // value columns whose string numbers are in the rows
  bool starts_known = false;
  bool unsound = false;  // finding all strings failed: rows are read one by one

  // Good until the thread asks for another block's.
  [[nodiscard]] detail::RowShape shape() const;

  // Columns of all rows, decoded and checked; in the thread's scratch until it decodes another.
  struct Sources;
  struct Confidences;
  struct CreatedAts;
  [[nodiscard]] Result<Sources> sources(const detail::RowShape& shape) const;
  [[nodiscard]] Result<Confidences> confidences(const detail::RowShape& shape) const;
  [[nodiscard]] Result<CreatedAts> created_ats(const detail::RowShape& shape) const;
  // The same of some rows: all but their key order, with numbers in place of strings.
  [[nodiscard]] Result<void> pick_rows(std::span<const std::uint32_t> rows,
                                       const detail::RowShape& shape, Row* out) const;

  // All under the lock. Whoever calls one of the first four passes shape().
  [[nodiscard]] Result<void> load_sources(const detail::RowShape& shape);
  [[nodiscard]] Result<void> load_confidences(const detail::RowShape& shape);
  [[nodiscard]] Result<void> load_created_ats(const detail::RowShape& shape);
  [[nodiscard]] Result<void> load_numbers(unsigned which, const detail::RowShape& shape);
  // Nothing is read of them once every column is loaded, whose strings are inflated by then.
  void let_go_of_bytes() noexcept { owner.reset(); }
  [[nodiscard]] Result<void> load_lengths();
  [[nodiscard]] Result<void> inflate(detail::Frame& frame);
  // All of one row but its key order, with no column decoded: its numbers by themselves, then their
  // strings. Not where reasons are put together.
  [[nodiscard]] Result<void> read_row(const detail::RowPlace& place, Row& out);
  // Finds and checks the strings of a row that has their numbers in place of them. Not where
  // reasons are put together. `used`: bytes of reasons in halves so far, of all rows that are read
  // with it.
  [[nodiscard]] Result<void> resolve_alone(Row& row, std::size_t& used);
  // What reading one row inflates and finds strings with.
  [[nodiscard]] Slab carve_row(detail::Carver& carver) const noexcept;
  // Finds and checks the string of one row, or of all.
  [[nodiscard]] Result<void> resolve_row(unsigned which, std::uint32_t row);
  [[nodiscard]] Result<void> resolve_all(std::span<const unsigned> which_columns,
                                         const detail::RowShape& shape);

  // Of a number below string_count.
  [[nodiscard]] const detail::Stretch& stretch_of(std::uint32_t number) const noexcept;
  [[nodiscard]] detail::Frame& frame_of(std::uint32_t number) const noexcept {
    return slab.frames[stretch_of(number).frame];
  }
  // Of a number below string_count whose frame has been inflated.
  [[nodiscard]] std::string_view text_of(std::uint32_t number) const noexcept {
    return text_of(stretch_of(number), number);
  }
  [[nodiscard]] std::string_view text_of(const detail::Stretch& stretch,
                                         std::uint32_t number) const noexcept;
  // Of a row whose length is kLongText.
  [[nodiscard]] std::string_view long_text(const Row& row, unsigned which) const noexcept;

 private:
  struct Place;
  // Inflates its frame, if need be.
  [[nodiscard]] Result<Place> find(std::uint32_t number);
  // Value columns' numbers: those of row at(i) go to out[i].
  template <class At>
  [[nodiscard]] Result<void> read_numbers(unsigned which, const detail::RowShape& shape,
                                          std::span<Row> out, const At& at) const;
  [[nodiscard]] Result<void> join(std::uint32_t row, std::string_view head, std::string_view tail);
  // What join() does where halves stay what they are.
  // `used`: bytes of such reasons so far.
  [[nodiscard]] Result<void> place_halves(Row& row, Place head, Place tail, std::size_t& used);
  // Of a row that has the string's number in place of the string.
  [[nodiscard]] Result<void> resolve(unsigned which, Row& row, std::size_t& halves_used);
  [[nodiscard]] Result<void> inflate_all(unsigned which);
  [[nodiscard]] Result<void> join_all(std::span<const Place> places);
};

}  // namespace caveat
