#include "indexes/posting_segment.h"

#include <zstd.h>

#include <memory>
#include <new>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "pool/invariant.h"

namespace caveat::posting {
namespace {

static_assert(kPostingHeaderBytes == 4 + 4 * 1 + 4 * 4 + 8);

constexpr std::size_t kChecksumOffset = 24;

struct Codecs {
  struct Free {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
  };
  // One a thread: making one costs more than decoding a container.
  static ZSTD_DCtx* decompressor() {
    static thread_local std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
    if (!context) context.reset(ZSTD_createDCtx());
    if (!context) throw std::bad_alloc();
    return context.get();
  }
  // Only mutators compress, and rarely: its tables are not worth keeping.
  static void compress(std::string_view plain, int level, std::string& out) {
    out.resize(ZSTD_compressBound(plain.size()));
    const auto size = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), level);
    if (ZSTD_isError(size)) throw std::bad_alloc();  // with room enough, nothing else can fail
    out.resize(size);
  }
};

std::uint64_t checksum(std::string_view segment) noexcept {
  return checksum_around(segment, kChecksumOffset, sizeof(std::uint64_t));
}

tl::unexpected<StorageError> bad_segment(std::string_view what) {
  return fail(ErrorCode::corruption, "posting segment: " + std::string(what));
}

// One way to write the payload.
struct Candidate {
  StreamLayout layout = StreamLayout::by_term;
  SegmentCompression compression = SegmentCompression::none;
  std::size_t plain_bytes = 0;
  std::string bytes;
};

void put_segment(SegmentKind kind, const Candidate& form, std::size_t adds, std::size_t removes,
                 std::string& out) {
  CAVEAT_ASSERT(adds + removes <= kMaxSegmentPairs && form.plain_bytes <= kMaxSegmentBytes);
  const auto start = out.size();
  put_fixed(out, kPostingMagic);
  put_fixed(out, kPostingVersion);
  put_fixed(out, static_cast<std::uint8_t>(kind));
  put_fixed(out, static_cast<std::uint8_t>(form.layout));
  put_fixed(out, static_cast<std::uint8_t>(form.compression));
  put_fixed(out, static_cast<std::uint32_t>(form.bytes.size()));
  put_fixed(out, static_cast<std::uint32_t>(form.plain_bytes));
  put_fixed(out, static_cast<std::uint32_t>(adds));
  put_fixed(out, static_cast<std::uint32_t>(removes));
  put_fixed(out, std::uint64_t{0});
  CAVEAT_ASSERT(out.size() - start == kPostingHeaderBytes);
  out += form.bytes;
  const auto sum = checksum(std::string_view(out).substr(start));
  set_fixed(out, start + kChecksumOffset, sum);
}

// The layout that is smaller before compression is smaller after it too, on all data measured:
// only that one is compressed. Ties go to what is read faster.
Candidate smallest(std::span<const PostingPair> adds, std::span<const PostingPair> removes,
                   int level) {
  Candidate best;
  bool found = false;
  for (const auto layout : {StreamLayout::by_term, StreamLayout::by_partition}) {
    std::string plain;
    if (!encode_stream(adds, layout, plain) || !encode_stream(removes, layout, plain)) continue;
    const auto plain_bytes = plain.size();
    if (!found || plain_bytes < best.bytes.size())
      best = {layout, SegmentCompression::none, plain_bytes, std::move(plain)};
    found = true;
  }
  // Below this a zstd frame cannot win back its own header.
  if (best.plain_bytes <= 64) return best;
  std::string packed;
  Codecs::compress(best.bytes, level, packed);
  // The compressed form has to win by a margin, as it is slower to read.
  if (packed.size() + best.plain_bytes / 16 < best.plain_bytes) {
    best.compression = SegmentCompression::zstd;
    best.bytes = std::move(packed);
  }
  return best;
}

// Level 12 would save 3% and cost four times as much.
constexpr int kBaseLevel = 3;
constexpr int kChangesLevel = 1;

}  // namespace

std::optional<SegmentHeader> peek_segment(std::string_view bytes) noexcept {
  if (bytes.size() < kPostingHeaderBytes) return std::nullopt;
  const auto kind = get_fixed<std::uint8_t>(bytes, 5);
  const auto layout = get_fixed<std::uint8_t>(bytes, 6);
  const auto compression = get_fixed<std::uint8_t>(bytes, 7);
  SegmentHeader header;
  header.kind = static_cast<SegmentKind>(kind);
  header.layout = static_cast<StreamLayout>(layout);
  header.compression = static_cast<SegmentCompression>(compression);
  header.stored_bytes = get_fixed<std::uint32_t>(bytes, 8);
  header.plain_bytes = get_fixed<std::uint32_t>(bytes, 12);
  header.adds = get_fixed<std::uint32_t>(bytes, 16);
  header.removes = get_fixed<std::uint32_t>(bytes, 20);
  const bool known = get_fixed<std::uint32_t>(bytes, 0) == kPostingMagic &&
                     get_fixed<std::uint8_t>(bytes, 4) == kPostingVersion &&
                     (kind == 1 || kind == 2) && (layout == 1 || layout == 2) &&
                     (compression == 0 || compression == 2);
  const bool plausible = header.adds <= kMaxSegmentPairs && header.removes <= kMaxSegmentPairs &&
                         header.adds + header.removes <= kMaxSegmentPairs &&
                         (header.kind == SegmentKind::changes || header.removes == 0) &&
                         header.plain_bytes <= kMaxSegmentBytes &&
                         header.stored_bytes <= header.plain_bytes &&
                         (header.compression == SegmentCompression::zstd ||
                          header.stored_bytes == header.plain_bytes) &&
                         header.stored_bytes <= bytes.size() - kPostingHeaderBytes;
  if (!known || !plausible) return std::nullopt;
  return header;
}

std::uint64_t segment_checksum(std::string_view bytes) noexcept {
  return get_fixed<std::uint64_t>(bytes, kChecksumOffset);
}

Result<Segment> take_segment(std::string_view& bytes) {
  const auto header = peek_segment(bytes);
  if (!header) return bad_segment("header is cut or names what this version does not know");
  const auto payload = bytes.substr(kPostingHeaderBytes, header->stored_bytes);
  if (segment_checksum(bytes) != checksum(bytes.substr(0, header->total_bytes())))
    return bad_segment("checksum");
  bytes.remove_prefix(header->total_bytes());
  return Segment{*header, payload};
}

void encode_base(std::span<const PostingPair> pairs, std::string& out) {
  put_segment(SegmentKind::base, smallest(pairs, {}, kBaseLevel), pairs.size(), 0, out);
}

void encode_changes(std::span<const PostingChange> changes, std::string& out) {
  std::vector<PostingPair> adds;
  std::vector<PostingPair> removes;
  for (const auto& change : changes) (change.add ? adds : removes).push_back(change.pair());
  put_segment(SegmentKind::changes, smallest(adds, removes, kChangesLevel), adds.size(),
              removes.size(), out);
}

Result<void> decode_segment(const Segment& segment, std::uint64_t lo, std::uint64_t hi,
                            bool ordered, std::vector<PostingPair>& adds,
                            std::vector<PostingPair>& removes) {
  const auto& header = segment.header;
  auto bytes = segment.payload;
  std::string plain;
  if (header.compression == SegmentCompression::zstd) {
    // Before memory is taken: zstd's frame says so too.
    if (ZSTD_getFrameContentSize(bytes.data(), bytes.size()) != header.plain_bytes)
      return bad_segment("payload is of another size than its header says");
    plain.resize(header.plain_bytes);
    const auto size = ZSTD_decompressDCtx(Codecs::decompressor(), plain.data(), plain.size(),
                                          bytes.data(), bytes.size());
    if (ZSTD_isError(size) || size != plain.size())
      return bad_segment("payload does not decompress");
    bytes = plain;
  }
  const auto adds_before = adds.size();
  const auto removes_before = removes.size();
  CAVEAT_TRY(decode_stream(bytes, header.layout, header.adds, lo, hi, adds));
  CAVEAT_TRY(decode_stream(bytes, header.layout, header.removes, lo, hi, removes));
  if (!bytes.empty()) return bad_segment("bytes are left over");
  if (ordered && header.layout == StreamLayout::by_partition && lo != hi) {
    std::vector<PostingPair> scratch;
    sort_by_term(std::span(adds).subspan(adds_before), scratch);
    sort_by_term(std::span(removes).subspan(removes_before), scratch);
  }
  return {};
}

}  // namespace caveat::posting
