// What else lies in family meta: names, dictionaries, the superblock.
#include "adapters/memory/memory_backend.h"
#include "caveat/codec.h"
#include "engine/catalogue/catalogue_format.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/store/dictionary_set.h"
#include "engine/store/superblock.h"
#include "engine/tuning/tuning_page.h"
#include "test/support/formats/format.h"
#include "test/support/formats/records.h"
#include "test/support/formats/segments.h"

namespace caveat::test {

namespace {

using catalogue_format::Entry;

std::vector<std::string> some_names(std::uint32_t first, std::uint32_t count) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < count; ++i)
    names.push_back(i % 5 == 4 ? "" : cldr_property(first + i));
  return names;
}

std::string cldr_names(std::uint32_t first, std::uint32_t count) {
  const auto names = some_names(first, count);
  std::vector<Entry> entries;
  for (std::uint32_t i = 0; i < count; ++i)
    entries.push_back({first + i, hash_property(cldr_property(first + i)), names[i]});
  std::string out;
  catalogue_format::append_segments(entries, out);
  return out;
}

constexpr std::size_t kSizeAt = 8, kCheckAt = 12;

// As stores of before have them.
std::string names_of_version_1(std::uint32_t first, std::uint32_t count) {
  std::string out;
  put_fixed(out, catalogue_format::kMagic);
  put_fixed(out, std::uint8_t{1});
  put_fixed(out, std::uint8_t{0});
  put_fixed(out, static_cast<std::uint16_t>(count));
  put_fixed(out, std::uint64_t{0});
  const auto names = some_names(first, count);
  for (std::uint32_t i = 0; i < count; ++i) {
    put_fixed(out, first + i);
    put_fixed(out, hash_property(cldr_property(first + i)));
    put_fixed(out, static_cast<std::uint16_t>(names[i].size()));
    out += names[i];
  }
  set_fixed(out, kSizeAt, static_cast<std::uint32_t>(out.size()));
  set_fixed(out, kCheckAt, static_cast<std::uint32_t>(checksum_around(out, kCheckAt, 4)));
  return out;
}

Result<std::string> read_names(std::string_view bytes) {
  std::string out;
  CAVEAT_TRY(catalogue_format::read_page(bytes, [&](const Entry& entry) -> Result<void> {
    put_fixed(out, entry.id);
    put_fixed(out, entry.hash);
    put_fixed(out, static_cast<std::uint64_t>(entry.name.size()));
    out += entry.name;
    return {};
  }));
  return out;
}

Result<std::string> write_names(std::string_view bytes) {
  std::string out;
  CAVEAT_TRY(catalogue_format::read_page(bytes, [&](const Entry& entry) -> Result<void> {
    catalogue_format::append_segments({entry}, out);
    return {};
  }));
  return out;
}

// As far as the sizes lead.
void seal_names(std::string& bytes) {
  for (std::size_t at = 0; bytes.size() - at >= catalogue_format::kHeaderBytes;) {
    const std::size_t size = get_fixed<std::uint32_t>(bytes, at + kSizeAt);
    if (size < catalogue_format::kHeaderBytes || size > bytes.size() - at) return;
    const auto segment = std::string_view(bytes).substr(at, size);
    set_fixed(bytes, at + kCheckAt,
              static_cast<std::uint32_t>(checksum_around(segment, kCheckAt, 4)));
    at += size;
  }
}

constexpr std::uint32_t kDictionaryId = 7;
const std::string kDictionaryKey("Z\0\0\0\x07", 5);

// Through the store's own way in, as the codec of this format is nobody else's.
Result<std::string> read_dictionary(std::string_view bytes) {
  static const CodecRegistry codecs = CodecRegistry::built_in(3);
  const auto backend = make_memory_backend();
  KvBatch batch;
  batch.put(Family::meta, kDictionaryKey, bytes);
  CAVEAT_TRY(backend->write(batch, Durability::wal));
  DictionarySet set(codecs, std::make_shared<MemoryPool>());
  CAVEAT_TRY(set.load(*backend));
  CAVEAT_ASSIGN(const auto dictionary, set.dictionary(kDictionaryId));
  must_hold(dictionary->id == kDictionaryId && set.current() == dictionary,
            "a dictionary stands under another id");
  return dictionary->bytes;
}

Result<std::string> write_dictionary(std::string_view bytes) {
  static const CodecRegistry codecs = CodecRegistry::built_in(3);
  CAVEAT_ASSIGN(auto content, read_dictionary(bytes));
  const auto backend = make_memory_backend();
  DictionarySet set(codecs, std::make_shared<MemoryPool>());
  CAVEAT_TRY(set.add({kDictionaryId, std::move(content), {}}, *backend));
  std::string out;
  CAVEAT_TRY(backend->get(Family::meta, kDictionaryKey, nullptr, out));
  return out;
}

std::string cldr_dictionary(std::size_t bytes) {
  static const CodecRegistry codecs = CodecRegistry::built_in(3);
  std::string content;
  for (std::size_t i = 0; content.size() < bytes; ++i) content += cldr_property(i);
  const auto backend = make_memory_backend();
  DictionarySet set(codecs, std::make_shared<MemoryPool>());
  std::string out;
  must_hold(set.add({kDictionaryId, content, {}}, *backend).has_value() &&
                backend->get(Family::meta, kDictionaryKey, nullptr, out).has_value(),
            "a sample cannot be encoded");
  return out;
}

Result<std::string> superblock_again(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto block, Superblock::decode(bytes));
  std::string out;
  block.encode(out);
  return out;
}

Result<std::string> tuning_again(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto tuning, decode_tuning(bytes));
  std::string out;
  encode_tuning(tuning, out);
  return out;
}

}  // namespace

Format catalogue_format() {
  Format format;
  format.name = "catalogue";
  format.samples = {cldr_names(0, 1), names_of_version_1(0, 4) + cldr_names(3, 2),
                    names_of_version_1(2, 1),
                    cldr_names(0, 12) + cldr_names(3, 2) + cldr_names(40, 6)};
  format.read = read_names;
  format.write_again = write_names;
  format.seal = seal_names;
  format.appendable = true;
  format.ends = [](std::string_view bytes) { return segment_ends(bytes, 8, 0); };
  return format;
}

Format dictionary_format() {
  Format format;
  format.name = "dictionary";
  format.samples = {cldr_dictionary(90), cldr_dictionary(600)};
  format.read = read_dictionary;
  format.write_again = write_dictionary;
  format.seal = [](std::string& bytes) {
    if (bytes.size() >= 24) set_fixed(bytes, 16, checksum_around(bytes, 16, 8));
  };
  format.canonical = true;
  return format;
}

Format superblock_format() {
  Format format;
  format.name = "superblock";
  Superblock worn;
  worn.created_ns = 1'641'401'338'000'000'000;
  worn.folded_through = 469'763;
  worn.partition_ids_end = 2'047;
  worn.dropped_generation = 12;
  worn.index_complete[5] = false;
  for (const auto& block : {Superblock{}, worn}) {
    std::string out;
    block.encode(out);
    format.samples.push_back(std::move(out));
  }
  format.read = superblock_again;
  format.write_again = superblock_again;
  format.seal = [](std::string& bytes) {
    if (bytes.size() == kSuperblockBytes)
      set_fixed(bytes, 56, std::uint64_t{XXH3_64bits(bytes.data(), 56)});
  };
  format.canonical = true;
  return format;
}

Format tuning_format() {
  Format format;
  format.name = "tuning";
  Tuning learnt;
  learnt.moment = Moment::optimize;
  learnt.sampled_rows = 2'048;
  learnt.records = 469'763;
  learnt.of(Tuned::dictionary) = {65'536, {{114'688, 14'230}, {65'536, 14'310}, {32'768, 15'000}}};
  learnt.of(Tuned::codec) = {2, {{2, 14'310}, {1, 21'004}}};
  learnt.of(Tuned::partition) = {256, {{256, 14'310}, {128, 15'311}}};
  learnt.of(Tuned::level) = {1, {{3, 14'900}, {1, 14'920}}};
  learnt.of(Tuned::optimize_level) = {12, {{19, 13'940}, {12, 14'310}, {6, 14'777}}};
  for (const auto& tuning : {Tuning{}, learnt})
    encode_tuning(tuning, format.samples.emplace_back());
  format.read = tuning_again;
  format.write_again = tuning_again;
  format.seal = [](std::string& bytes) {
    if (bytes.size() >= 32) set_fixed(bytes, 24, checksum_around(bytes, 24, 8));
  };
  format.canonical = true;
  return format;
}

}  // namespace caveat::test
