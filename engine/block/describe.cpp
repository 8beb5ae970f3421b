// What a block's bytes say, for people: the dump tool's view. Decodes as far as it can.
#include <fmt/format.h>

#include "engine/block/decoded_parts.h"

namespace caveat {

using detail::ByteReader;
using detail::IntEncoding;

// Walks the block field by field. Offsets never go back, so that what is missing shows.
class BlockDescriber {
 public:
  BlockDescriber(std::string_view bytes, BlockDescription& out) : bytes_(bytes), out_(out) {}

  void run(const BlockResolver* resolver) {
    if (!header() || !directory()) return;
    columns();
    if (!string_table()) return;
    if (resolver != nullptr) contents(*resolver);
  }

 private:
  void field(std::size_t size, std::string name, std::string meaning) {
    out_.fields.push_back({at_, size, std::move(name), std::move(meaning)});
    at_ += size;
  }
  bool stop(std::string why) {
    out_.stopped = fmt::format("at byte {}: {}", at_, why);
    return false;
  }

  bool header() {
    auto read = read_header(bytes_);
    if (!read) return stop(read.error().message());
    const BlockHeader& h = out_.header = *read;
    bytes_ = bytes_.substr(0, h.stored_bytes);
    const bool sound = detail::block_checksum(bytes_) == h.checksum;
    field(4, "header.magic", "CVBK");
    field(4, "header.stored_bytes", fmt::format("{} bytes in all", h.stored_bytes));
    field(8, "header.checksum", fmt::format("{:016x}, {}", h.checksum, sound ? "right" : "WRONG"));
    field(1, "header.version", fmt::format("version {}", h.version));
    field(1, "header.codec", fmt::format("codec {}", h.codec_id));
    field(2, "header.rows", fmt::format("{} rows", h.row_count));
    field(4, "header.dictionary",
          h.dictionary_id == 0 ? "no dictionary" : fmt::format("dictionary {}", h.dictionary_id));
    field(8, "header.as_of", fmt::format("clears up to {} applied", h.as_of));
    field(4, "header.raw_bytes", fmt::format("{} bytes as plain rows", h.raw_bytes));
    if (!sound) out_.stopped = "the checksum is wrong: what follows may be damaged";
    return true;
  }

  bool directory() {
    ByteReader in(bytes_.substr(at_));
    for (std::size_t i = 0; i < detail::kSectionCount; ++i) {
      const std::size_t before = in.left();
      sizes_[i] = in.varint();
      if (!in.ok()) return stop("directory is cut off");
      field(before - in.left(), "directory." + section(i), fmt::format("{} bytes", sizes_[i]));
    }
    std::uint64_t sum = 0;
    for (const std::uint64_t size : sizes_) {
      if (size > bytes_.size()) return stop("directory: a section is larger than the block");
      sum += size;
    }
    if (sum > bytes_.size() - at_) return stop("directory: sections pass the end");
    return true;
  }

  static std::string section(std::size_t i) {
    return i < kBlockColumnCount ? std::string(to_string(static_cast<BlockColumn>(i))) : "strings";
  }

  // The name of the encoding that the rest of `in` begins with.
  static std::string encoding(ByteReader& in) {
    return std::string(to_string(static_cast<IntEncoding>(in.byte())));
  }

  void columns() {
    for (std::size_t i = 0; i < kBlockColumnCount; ++i) {
      ByteReader in(bytes_.substr(at_, sizes_[i]));
      std::string meaning;
      switch (static_cast<BlockColumn>(i)) {
        case BlockColumn::node: {
          const std::uint64_t nodes = in.varint();
          meaning = fmt::format("{} nodes, {}", nodes, encoding(in));
          break;
        }
        case BlockColumn::property: {
          const std::uint64_t distinct = in.varint();
          meaning = distinct == 0 ? "ids, " + encoding(in)
                                  : fmt::format("{} local ids, {}", distinct, encoding(in));
          break;
        }
        case BlockColumn::confidence: {
          const unsigned form = in.byte();
          meaning = form < detail::kConfidenceDecimal
                        ? "float bits, "
                        : fmt::format("{} decimals, ", form - detail::kConfidenceDecimal);
          meaning += encoding(in);
          break;
        }
        case BlockColumn::created_at: {
          const std::uint64_t factor = in.varint();
          const bool aligned = in.byte() == 1;
          const std::int64_t least = detail::unzigzag(in.varint());
          meaning = fmt::format(
              "{} + n x {} ns, ",
              aligned ? fmt::format("{} x {}", least, factor) : fmt::format("{}", least), factor);
          meaning += encoding(in);
          break;
        }
        case BlockColumn::inherited:
        case BlockColumn::actual:
          meaning = "tags " + encoding(in) + ", then strings";
          break;
        case BlockColumn::reason:
          if (in.byte() == detail::kReasonSplit)
            meaning = fmt::format("split, {} bytes of text, heads ", in.varint());
          else
            meaning = "whole, ";
          meaning += encoding(in);
          break;
        default:
          meaning = encoding(in);
          break;
      }
      field(sizes_[i], "column." + section(i), in.ok() ? meaning : "unreadable");
    }
  }

  bool string_table() {
    const std::size_t size = sizes_[detail::kStringTable];
    detail::StringTable table;
    auto parsed = detail::parse_string_table(bytes_.substr(at_, size), bytes_.substr(at_ + size),
                                             out_.header, table);
    if (!parsed) return stop(parsed.error().message());
    field(size, "strings",
          fmt::format("{} strings in {} frames, {}", table.string_count, table.frame_count,
                      table.separated ? fmt::format("ended by {:02x}",
                                                    static_cast<unsigned char>(table.separator))
                                      : std::string("with a column of lengths")));
    std::vector<detail::Frame> frames(table.frame_count);
    std::vector<detail::Stretch> stretches(table.stretches());
    detail::list_frames(table, bytes_.substr(at_), frames.data(), stretches.data());
    for (std::size_t f = 0; f < table.frame_count; ++f) {
      const detail::Frame& frame = frames[f];
      std::string numbers;
      for (const detail::Stretch& stretch : stretches) {
        if (stretch.frame != f || stretch.count == 0) continue;
        if (!numbers.empty()) numbers += ", ";
        numbers += fmt::format("{} to {}", stretch.number, stretch.number + stretch.count - 1);
      }
      field(frame.stored.size(), fmt::format("frame.{}", f),
            fmt::format("strings {}, {} bytes raw{}", numbers, frame.raw_bytes,
                        frame.stored.size() == frame.raw_bytes ? ", stored as they are" : ""));
    }
    return true;
  }

  void contents(const BlockResolver& resolver) {
    auto owned = std::make_shared<const std::string>(bytes_);
    auto opened = DecodedBlock::open(owned, 0, owned->size(), resolver);
    Result<void> loaded = opened ? (*opened)->load(kAllColumns) : fail(opened.error());
    if (!loaded) out_.stopped = "contents: " + loaded.error().message();
  }

  std::string_view bytes_;
  BlockDescription& out_;
  std::size_t at_ = 0;
  std::array<std::uint64_t, detail::kSectionCount> sizes_{};
};

std::string BlockDescription::to_text() const {
  std::string text;
  for (const Field& field : fields)
    text += fmt::format("{:>8}  {:>6}  {:<22} {}\n", field.offset, field.size, field.name,
                        field.meaning);
  if (!stopped.empty()) text += "stopped " + stopped + "\n";
  return text;
}

BlockDescription describe_block(std::string_view bytes, const BlockResolver* resolver) {
  BlockDescription description;
  BlockDescriber(bytes, description).run(resolver);
  return description;
}

}  // namespace caveat
