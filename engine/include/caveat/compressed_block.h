// Columnar compressed blocks: up to 4096 exceptions of neighbouring nodes in few bytes.
//
// A block is immutable and self-describing: magic and length first, a checksum over everything.
// Columns and string frames are sections of their own, so that reading one record inflates only
// what it needs. Layout in docs/format/block.md; internals in engine/block/.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "caveat/block_resolver.h"
#include "caveat/codec.h"
#include "caveat/error.h"
#include "caveat/exception_view.h"
#include "caveat/memory_pool.h"
#include "caveat/row_room.h"
#include "caveat/types.h"

namespace caveat {

namespace detail {
struct RowPlace;
struct RowShape;
}  // namespace detail

using Sequence = std::uint64_t;  // as in the engine: every write has one, larger is later

inline constexpr std::size_t kMaxBlockRows = 4096;                     // rows of a block
inline constexpr std::size_t kBlockFrameBytes = std::size_t{8} << 10;  // raw strings in a frame
inline constexpr std::uint64_t kMaxBlockRawBytes = 0xFFFFFFFF;  // of a block: 32 bits in its header

// Where a record lives.
struct BlockAddress {
  std::uint64_t partition_id = 0;  // its container
  std::uint32_t row = 0;           // in the block, by (node, property id)
  friend auto operator<=>(const BlockAddress&, const BlockAddress&) = default;
};

// --- Columns -------------------------------------------------------------------------------------

// The columns of a block, in the order in which they are stored.
enum class BlockColumn : std::uint8_t {
  node = 0,
  property,
  source,
  confidence,
  created_at,
  inherited,
  actual,
  reason,
};
inline constexpr std::size_t kBlockColumnCount = 8;                     // of BlockColumn
[[nodiscard]] std::string_view to_string(BlockColumn column) noexcept;  // "node", "property", ...

using ColumnMask = std::uint8_t;  // a bit for each BlockColumn
// The bit of one column.
[[nodiscard]] constexpr ColumnMask mask_of(BlockColumn column) noexcept {
  return static_cast<ColumnMask>(1U << static_cast<unsigned>(column));
}
inline constexpr ColumnMask kKeyColumns =
    mask_of(BlockColumn::node) | mask_of(BlockColumn::property);  // always loaded
inline constexpr ColumnMask kAllColumns = 0xFF;                   // every column

// --- Statistics ----------------------------------------------------------------------------------

// One block, as the encoder saw it.
struct BlockStatistics {
  // One column of the block.
  struct Column {
    std::uint64_t raw_bytes = 0;         // its part of the plain row encoding
    std::uint64_t encoded_bytes = 0;     // column encoding, and its distinct strings
    std::uint64_t compressed_bytes = 0;  // as stored; shared string frames by their raw shares
    std::string encoding;                // "node_delta", "whole:by_node", ...
  };
  std::array<Column, kBlockColumnCount> columns;  // by BlockColumn
  std::uint64_t overhead_bytes = 0;               // header, directory, frame table
  std::uint64_t stored_bytes = 0;                 // the whole block
  std::uint64_t raw_bytes = 0;                    // sum of plain_row_bytes
  std::uint64_t encode_ns = 0;                    // wall time, compression included
};

// --- Writing -------------------------------------------------------------------------------------

// What a block is made of. view.key.property_hash is not stored: the catalogue knows it by
// property_id.
struct BlockRow {
  ExceptionView view;             // read during the call alone
  std::uint32_t property_id = 0;  // the catalogue's number of its property
};

// What encode_block needs beside the rows. All that is pointed to is used during the call alone.
struct BlockContext {
  CodecId codec_id = 0;                               // of `codec`; 0: none
  const Codec* codec = nullptr;                       // may be null for CompressionAlgorithm::None
  const CompressionDictionary* dictionary = nullptr;  // may be null
  Sequence as_of = 0;                                 // clears up to here have been applied
  BlockCounters* counters = nullptr;                  // may be null
  MemoryPool* memory = nullptr;  // lends the encoder's scratch; null: kept per thread
};

// Appends one block to `out`. Rows: 1 to kMaxBlockRows, strictly ascending by (node, property_id),
// valid records. invalid_argument or limit_exceeded otherwise, or the codec's error; then `out` is
// as it was. Deterministic for a given codec. Thread-safe.
[[nodiscard]] Result<void> encode_block(std::span<const BlockRow> rows, const BlockContext& context,
                                        std::string& out, BlockStatistics* statistics = nullptr);

// Appends the raw string frames that a block of these rows would compress: samples to train on.
void collect_dictionary_samples(std::span<const BlockRow> rows, std::vector<std::string>& samples);

// Trains on some of the samples and measures on the others, at `level` of zstd. not_found where
// there is too little to learn from or the gain is below 3 %. `id` must not be 0.
[[nodiscard]] Result<CompressionDictionary> train_dictionary(std::span<const std::string> samples,
                                                             std::size_t max_bytes,
                                                             std::uint32_t id, int level = 3);

// A dictionary ready for use: with its digested form, made once and shared by all threads. The
// codecs take one without that too, and digest it anew at every call.
[[nodiscard]] std::shared_ptr<const CompressionDictionary> make_dictionary(std::uint32_t id,
                                                                           std::string bytes);

// --- Reading -------------------------------------------------------------------------------------

// The header's fields (docs/format/block.md).
struct BlockHeader {
  std::uint8_t version = 0;         // of the block's format
  CodecId codec_id = 0;             // 0: strings are raw
  std::uint16_t row_count = 0;      // at most kMaxBlockRows
  std::uint32_t dictionary_id = 0;  // 0: none
  Sequence as_of = 0;               // clears up to here have been applied
  std::uint32_t raw_bytes = 0;      // sum of plain_row_bytes of the rows
  std::uint32_t stored_bytes = 0;   // the whole block
  std::uint64_t checksum = 0;       // XXH3-64 of everything else; not checked by read_header
};

// Does it begin like a block?
[[nodiscard]] bool is_block(std::string_view bytes) noexcept;
// Length of the block at the front of `bytes`, from its header alone; at most bytes.size().
[[nodiscard]] Result<std::size_t> segment_bytes(std::string_view bytes);
// The header's fields, checked for sense but without the checksum: cheap.
[[nodiscard]] Result<BlockHeader> read_header(std::string_view bytes);

// One field of a run of rows. As a span of const T, but the fields are a row apart.
template <class T>
class RowFields {
 public:
  // `size` fields, the first at `first`, the others each a row further.
  RowFields(const T* first, std::size_t size) noexcept
      : first_(reinterpret_cast<const char*>(first)), size_(size) {}
  [[nodiscard]] std::size_t size() const noexcept { return size_; }  // fields
  // Of row `i`; i < size().
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept {
    return *reinterpret_cast<const T*>(first_ + i * kStride);
  }
  // `count` fields from `begin` on.
  [[nodiscard]] RowFields subspan(std::size_t begin, std::size_t count) const noexcept {
    return {&(*this)[begin], count};
  }

 private:
  static constexpr std::size_t kStride = 32;  // of DecodedBlock's rows
  const char* first_;
  std::size_t size_;
};

// How an opened block holds reasons that are stored in two halves, each of them shared by many
// rows.
enum class Reasons : std::uint8_t {
  whole,   // put together when they are decoded: for who reads the whole block and lets go of it
  halves,  // put together by each read, in room that the reader brings: for what is kept in memory
};

// What an opened block decodes beside its keys.
enum class BlockForm : std::uint8_t {
  columns,  // all of it on first use, and keeps it: for who reads many rows, or a row often
  keys,     // nothing: each read decodes its row anew, in room that the reader brings. A quarter of
            // the memory, and ten times the time of a row that is decoded
};

// Columns of a block, a value for each of its rows; which of them are there, their reader knows.
struct ColumnValues {
  std::vector<ExceptionSource> sources;   // where the source column was asked for
  std::vector<float> confidences;         // the same of confidences
  std::vector<std::int64_t> created_ats;  // and of times, in ns since the Unix epoch
};

// A block opened for reading. Keys are decoded at open, everything else on first use and kept.
// Immutable to its callers and safe from any number of threads. All of it, this object and its
// control block too, is one chunk of the resolver's pool, sized at open, so that what one row needs
// is near and the block ends with one release; strings above kBlockFrameBytes come from the pool
// when they are inflated. Reading what is inflated takes no lock; inflating takes the block's own.
// With BlockForm::keys it never changes once it is open: reading takes no lock and keeps nothing.
class DecodedBlock {
  struct Passkey {
    explicit Passkey() = default;
  };
  struct Row;

 public:
  // Checks checksum, header, directory and keys. `bytes` is shared; the block is at [offset,
  // offset + size). corruption says which field is wrong; codec_missing names the id.
  [[nodiscard]] static Result<std::shared_ptr<const DecodedBlock>> open(
      std::shared_ptr<const std::string> bytes, std::size_t offset, std::size_t size,
      const BlockResolver& resolver, Reasons reasons = Reasons::whole,
      BlockForm form = BlockForm::columns);
  explicit DecodedBlock(Passkey) noexcept {}  // for open()
  ~DecodedBlock();
  DecodedBlock(const DecodedBlock&) = delete;
  DecodedBlock& operator=(const DecodedBlock&) = delete;

  [[nodiscard]] const BlockHeader& header() const noexcept { return header_; }  // as stored
  // 1 to kMaxBlockRows.
  [[nodiscard]] std::uint32_t row_count() const noexcept { return row_count_; }
  [[nodiscard]] Sequence as_of() const noexcept { return header_.as_of; }  // of the header
  // Of the header.
  [[nodiscard]] std::uint64_t raw_bytes() const noexcept { return header_.raw_bytes; }

  // Memory when everything is inflated, and the encoded bytes, which are let go of by then; fixed
  // at open. What a cache charges.
  [[nodiscard]] std::size_t charge_bytes() const noexcept { return charge_bytes_; }
  // With BlockForm::keys: its own copy of the bytes that it was opened from.
  [[nodiscard]] std::string_view encoded() const noexcept;
  // As was asked for, save that a block has columns where it does not keep reasons in halves, and
  // where its text does not fit in its chunk.
  [[nodiscard]] BlockForm form() const noexcept {
    return keys_.rows != nullptr ? BlockForm::columns : BlockForm::keys;
  }

  // --- Keys: loaded at open ---
  // All that a search by key reads. Who keeps a copy beside the block's pointer saves a cache miss
  // on the way: it need not wait for the block's own line.
  struct Keys {
    const NodeId* nodes = nullptr;                // distinct, ascending: node_count
    const std::uint32_t* node_starts = nullptr;   // first row of each node, and row_count
    const std::uint32_t* property_ids = nullptr;  // of each row
    const Row* rows = nullptr;     // each row's small fields; null in BlockForm::keys
    std::uint32_t node_count = 0;  // of `nodes`

    // The row of a key.
    [[nodiscard]] std::optional<std::uint32_t> find(NodeId node,
                                                    std::uint32_t property_id) const noexcept;
    // Rows [first, second) of the node; first == second where it has none.
    [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> node_range(NodeId node) const noexcept;
  };
  [[nodiscard]] const Keys& keys() const noexcept { return keys_; }  // valid as long as the block
  // The row of a key.
  [[nodiscard]] std::optional<std::uint32_t> find(NodeId node,
                                                  std::uint32_t property_id) const noexcept {
    return keys_.find(node, property_id);
  }
  // Rows [first, second) of the node; first == second where it has none.
  [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> node_range(NodeId node) const noexcept {
    return keys_.node_range(node);
  }
  // The node of a row.
  [[nodiscard]] NodeId node(std::uint32_t row) const noexcept {
    return keys_.nodes[keys_.rows != nullptr ? keys_.rows[row].node : search_node(row)];
  }
  // The property id of a row.
  [[nodiscard]] std::uint32_t property_id(std::uint32_t row) const noexcept {
    return keys_.property_ids[row];
  }
  // All nodes, ascending.
  [[nodiscard]] std::span<const NodeId> distinct_nodes() const noexcept {
    return {keys_.nodes, keys_.node_count};
  }
  // Of all rows, in their order.
  [[nodiscard]] std::span<const std::uint32_t> property_ids() const noexcept {
    return {keys_.property_ids, row_count_};
  }

  // --- Fetching ahead ---
  // For readers of several blocks: each step asks for what the next one touches, so that the waits
  // of all blocks overlap instead of adding up. Nothing is inflated.
  void prefetch_property_ids() const noexcept;
  void prefetch_row(std::uint32_t row) const noexcept {
    if (keys_.rows != nullptr) __builtin_prefetch(keys_.rows + row);
  }
  // Its node and its strings; reads the row.
  void prefetch_record(std::uint32_t row) const noexcept;

  // --- Columns: after load() of the column succeeded; never with BlockForm::keys ---
  // Inflates and checks whole columns. After that what is said below about them never fails.
  // invalid_argument: the block was opened for its keys alone.
  [[nodiscard]] Result<void> load(ColumnMask columns) const {
    if (loaded(columns)) [[likely]]
      return {};
    return load_missing(columns);
  }
  [[nodiscard]] RowFields<ExceptionSource> sources() const noexcept;
  [[nodiscard]] RowFields<float> confidences() const noexcept;
  [[nodiscard]] RowFields<std::int64_t> created_ats() const noexcept;
  [[nodiscard]] ExceptionSource source(std::uint32_t row) const noexcept {
    return keys_.rows[row].source;
  }
  [[nodiscard]] float confidence(std::uint32_t row) const noexcept { return confidences()[row]; }
  [[nodiscard]] std::int64_t created_at(std::uint32_t row) const noexcept {
    return keys_.rows[row].created_at;
  }
  // After load(kAllColumns): all but key.property_hash, which stays 0.
  // Of a block with Reasons::whole.
  [[nodiscard]] ExceptionView view(std::uint32_t row) const noexcept;
  // The same into `out`, whose key.property_hash is left alone. With Reasons::halves the reason is
  // in `room` until that is used again.
  void view(std::uint32_t row, ExceptionView& out, RowRoom& room) const {
    fill(keys_.rows[row], out);
    if (in_halves_) join(keys_.rows[row], out, room);
  }

  // --- Key order ---
  // Rows of a node are ordered by property id; the store's order is by hash, which a block does not
  // know. Whoever worked it out leaves it here for the next reader.
  [[nodiscard]] bool has_key_order() const noexcept {
    return key_order_.load(std::memory_order_acquire);
  }
  // For each place in key order, the row in it, counted from its node's first. Ignored where the
  // order is known, and with BlockForm::keys.
  void set_key_order(std::span<const std::uint8_t> places) const noexcept;
  // The row at a place in key order. Needs has_key_order().
  [[nodiscard]] std::uint32_t row_in_key_order(std::uint32_t place) const noexcept {
    const Row& at = keys_.rows[place];
    return keys_.node_starts[at.node] + at.order;
  }

  // --- One record ---
  // So many rows will be read soon: where that is more than are worth reading by themselves, the
  // first one has the columns decoded.
  void expect_reads(std::size_t rows) const noexcept;
  // All but out.key.property_hash, which the caller knows. Inflates and checks what it needs:
  // never more than kBlockFrameBytes of raw strings per string column, save for a single larger
  // string. Reads the first few rows by themselves, and decodes the columns when more are asked
  // for. The views live as long as the block; with Reasons::halves the reason is in `room`, if it
  // has two. With BlockForm::keys every read is by itself and all of the text is in `room`.
  [[nodiscard]] Result<void> materialise(std::uint32_t row, ExceptionView& out,
                                         RowRoom& room) const;
  // With Reasons::whole.
  [[nodiscard]] Result<void> materialise(std::uint32_t row, ExceptionView& out) const;

  // --- With BlockForm::keys: for one reader, and kept by nobody ---
  // Several rows at once, a view for each: as materialise() one by one, but what they have in
  // common is decoded and inflated once. All text is in `room` until that is used again. Of damage
  // it does not say which row has it. invalid_argument: a row is not in the block, or this was
  // opened with columns.
  [[nodiscard]] Result<void> materialise(std::span<const std::uint32_t> rows,
                                         std::span<ExceptionView> out, RowRoom& room) const;
  // Of source, confidence and created_at those asked for, of all rows. Corruption names the column;
  // invalid_argument as above.
  [[nodiscard]] Result<void> decode(ColumnMask columns, ColumnValues& out) const;

 private:
  friend class BlockDescriber;
  struct Parts;
  struct Slab;
  struct Opening;

  // All of a record but its property, in half a cache line: a point read touches one. Strings are
  // offsets into text_, the reason's into reasons_.
  struct Row {
    std::int64_t created_at;
    float confidence;
    std::uint16_t offset[3];  // inherited, actual, reason
    std::uint16_t length[3];  // or one of the marks in decoded_parts.h
    std::uint16_t tail;       // of a reason that is not put together: the second half
    std::uint16_t node;       // among distinct_nodes()
    ExceptionSource source;
    std::uint8_t tags[2];
    std::uint8_t order;  // of this place, not of this row: row_in_key_order()
  };
  static_assert(sizeof(Row) == 32);

  [[nodiscard]] bool loaded(ColumnMask columns) const noexcept {
    return (columns & ~loaded_.load(std::memory_order_acquire)) == 0;
  }
  [[nodiscard]] Result<void> load_missing(ColumnMask columns) const;
  // Under the lock: those of source, confidence and created_at that are asked for and not there.
  [[nodiscard]] Result<void> load_small(ColumnMask columns, const detail::RowShape& shape) const;
  [[nodiscard]] std::uint32_t search_node(std::uint32_t row) const noexcept;
  [[nodiscard]] Result<void> read(std::uint32_t row, ExceptionView& out, RowRoom* room) const;
  [[nodiscard]] Result<void> read_cold(std::uint32_t row, ExceptionView& out, RowRoom* room) const;
  [[nodiscard]] detail::RowPlace place_of(std::uint32_t row) const noexcept;
  // With BlockForm::keys.
  [[nodiscard]] Result<void> read_alone(std::uint32_t row, ExceptionView& out, RowRoom& room) const;
  // Of a row whose strings are found and checked: all but a reason that is in halves, and that.
  void fill(const Row& row, ExceptionView& out) const noexcept {
    fill({text_, reasons_, parts_}, row, out);
  }
  void join(const Row& row, ExceptionView& out, RowRoom& room) const {
    join({text_, reasons_, parts_}, row, out, room);
  }
  // The same, with the text where it says.
  struct Text {
    const char* text;
    const char* reasons;
    const Parts* parts;
  };
  void fill(const Text& text, const Row& row, ExceptionView& out) const noexcept;
  static void join(const Text& text, const Row& row, ExceptionView& out, RowRoom& room);
  struct Halves {
    std::string_view head, tail;
  };
  [[nodiscard]] static Halves halves(const Text& text, const Row& row);
  // What join() writes: nothing where one half is all.
  [[nodiscard]] static std::size_t joined_bytes(const Halves& reason) noexcept {
    return reason.head.empty() || reason.tail.empty() ? 0 : reason.head.size() + reason.tail.size();
  }
  [[nodiscard]] static std::string_view join(const Halves& reason, char* to) noexcept;

  // What a point read touches first. All of it points into the block's chunk.
  Keys keys_;
  const char* text_ = nullptr;
  const char* reasons_ = nullptr;
  std::uint32_t row_count_ = 0;
  bool in_halves_ = false;
  // Columns that load() has passed. Set last, after what they promise was written.
  mutable std::atomic<ColumnMask> loaded_{kKeyColumns};
  mutable std::atomic<bool> key_order_{false};

  BlockHeader header_;
  std::size_t charge_bytes_ = 0;
  Parts* parts_ = nullptr;
};

// An encoded block by itself: the seed's name for bytes that encode_block made.
class CompressedBlock {
 public:
  // By encode_block, with its errors.
  [[nodiscard]] static Result<CompressedBlock> encode(std::span<const BlockRow> rows,
                                                      const BlockContext& context);
  // Takes encoded bytes; checks the header.
  [[nodiscard]] static Result<CompressedBlock> from_bytes(std::string bytes);

  [[nodiscard]] const BlockHeader& header() const noexcept { return header_; }  // as stored
  [[nodiscard]] std::string_view bytes() const noexcept { return *bytes_; }     // as stored
  // As DecodedBlock::open; shares the bytes.
  [[nodiscard]] Result<std::shared_ptr<const DecodedBlock>> open(
      const BlockResolver& resolver, Reasons reasons = Reasons::whole,
      BlockForm form = BlockForm::columns) const {
    return DecodedBlock::open(bytes_, 0, bytes_->size(), resolver, reasons, form);
  }

 private:
  CompressedBlock() = default;
  std::shared_ptr<const std::string> bytes_;
  BlockHeader header_;
};

// --- Dumps ---------------------------------------------------------------------------------------

// What a block's bytes say, for people. Decodes as far as it can.
struct BlockDescription {
  // A stretch of the block's bytes.
  struct Field {
    std::size_t offset = 0;  // in the block
    std::size_t size = 0;    // bytes
    std::string name;        // "header.magic", "column.node", "frame.0"
    std::string meaning;     // "dictionary 3", "packed, 24 bits", ...
  };
  BlockHeader header;                         // as far as it could be read
  std::vector<Field> fields;                  // ascending, without gaps as far as decoding went
  std::string stopped;                        // why and where decoding stopped; empty if it did not
  [[nodiscard]] std::string to_text() const;  // a line for each field
};
// Without a resolver what is compressed stays closed.
[[nodiscard]] BlockDescription describe_block(std::string_view bytes,
                                              const BlockResolver* resolver = nullptr);

}  // namespace caveat
