// RocksDB's tables, as a salvage walks them: whatever the bytes are, what is told lies in the file,
// and its gaps are told in order.
//
// The bytes are walked as they are. They are also taken for the blocks of a table, each with the
// checksum that it lacks, and a footer is put behind them: a length (u16, little-endian), the kind
// of compression, the contents; the last two are metaindex and index. The first byte says which
// checksum.
#include "adapters/rocksdb/table_walk.h"
#include "adapters/rocksdb/crc32c.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/model/varint.h"
#include "test/fuzz/fuzz.h"

using namespace caveat;
using namespace caveat::detail;
using namespace caveat::test;

namespace {

// All of what a walk tells, to be compared.
std::string told_of(std::string_view file) {
  std::string told;
  std::uint64_t entries = 0;
  TableWalk walk;
  walk.on_block = [&](BlockPlace place, std::string_view raw) {
    must_hold(place.offset <= file.size() && place.bytes <= file.size() - place.offset,
              "a block lies outside of its file");
    must_hold(is_sound_block(file, place, walk.checksum), "a block is told whose checksum differs");
    const auto again = read_block(file, place, walk.checksum);
    must_hold(again && *again == raw, "a block is read otherwise by its place");
    BlockEntries block(raw);
    TableEntry entry;
    while (block.next(entry)) {
      if (entry.kind != EntryKind::erase_range) ++entries;
      told.append(entry.key).append(1, static_cast<char>(entry.kind)).append(entry.value);
    }
  };
  walk.run(file);
  must_hold(walk.entries_found == entries, "the entries found are not those told");
  std::uint64_t end = 0;
  for (const TableGap& gap : walk.gaps) {
    must_hold(gap.offset <= file.size() && gap.bytes <= file.size() - gap.offset,
              "a gap lies outside of its file");
    must_hold(gap.offset >= end, "gaps overlap, or are out of order");
    end = gap.offset + gap.bytes;
    told += "gap " + std::to_string(gap.offset) + '+' + std::to_string(gap.bytes) +
            gap.before.value_or("-") + gap.behind.value_or("-");
  }
  return told + walk.family + walk.end_damage;
}

std::string sealed_table(std::string_view bytes) {
  std::string file;
  BlockPlace metaindex, index;
  const bool crc = !bytes.empty() && (bytes[0] & 1) != 0;
  if (!bytes.empty()) bytes.remove_prefix(1);
  std::uint16_t size = 0;
  while (bytes.size() > 2 && take_fixed(bytes, size)) {
    const char packing = bytes[0];
    const auto contents = bytes.substr(1, size);
    bytes.remove_prefix(1 + contents.size());
    metaindex = index;
    index = {file.size(), contents.size()};
    file.append(contents).append(1, packing);
    const std::uint32_t sum = crc32c(crc32c(0, contents), {&packing, 1});
    const auto low = static_cast<std::uint32_t>(XXH3_64bits(contents.data(), contents.size()));
    put_fixed(file, crc ? ((sum >> 15) | (sum << 17)) + 0xA282EAD8U
                        : low ^ (static_cast<unsigned char>(packing) * 0x6B9083D9U));
  }
  std::string footer(1, crc ? '\x01' : '\x04');
  for (const BlockPlace& place : {metaindex, index}) {
    put_varint(place.offset, footer);
    put_varint(place.bytes, footer);
  }
  footer.resize(41, '\0');
  put_fixed(footer, std::uint32_t{5});
  put_fixed(footer, std::uint64_t{0x88E241B785F4CFF7});
  return file + footer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = as_text(data, size);
  for (const std::string& file : {std::string(bytes), sealed_table(bytes)}) {
    must_hold(told_of(file) == told_of(file), "the second walk tells something else");
  }
  return 0;
}
