// The log record: what goes in comes out, and nothing else does.
#include "engine/delta/delta_record.h"

#include <lz4.h>
#include <xxhash.h>

#include <catch2/catch.hpp>
#include <random>

#include "engine/model/varint.h"
#include "pool/arena.h"
#include "test/model/random_record.h"
#include "test/support/seed.h"

using namespace caveat;

namespace {

constexpr DeltaRecordKey kKey{7, 1000};
constexpr std::size_t kHeaderBytes = 16;

struct Record {
  std::string rows;
  std::size_t count = 0;
  std::string value;
};

Record record_of(const WriteBatch& batch, const DeltaRecordKey& key = kKey) {
  Record record{std::string(batch.rows()), batch.count(), {}};
  encode_delta_record(key, record.rows, record.count, record.value);
  return record;
}

WriteBatch random_batch(std::uint64_t seed, std::size_t count, std::size_t reason_bytes = 0) {
  test::RandomRecords random(seed);
  WriteBatch batch;
  for (std::size_t i = 0; i < count; ++i) {
    auto [key, exception] = random.record();
    if (reason_bytes != 0) exception.reason.assign(reason_bytes, 'r');
    REQUIRE(batch.store_exception(key, exception));
    if (random.chance(8)) REQUIRE(batch.remove_exception(key));
    if (random.chance(30)) REQUIRE(batch.clear_node(key.node_id));
    if (random.chance(30)) REQUIRE(batch.clear_property(key.property_hash));
  }
  return batch;
}

// The error of reading all of a record, or nothing.
std::optional<StorageError> error_of(const DeltaRecordKey& key, std::string_view value) {
  auto reader = DeltaRecordReader::open(key, value);
  if (!reader) return reader.error();
  DeltaLogRow row;
  for (;;) {
    const auto more = reader->next(row);
    if (!more) return more.error();
    if (!*more) return std::nullopt;
  }
}

// Makes the checksum right again, so that the checks behind it are reached.
void seal(const DeltaRecordKey& key, std::string& value) {
  // The seed is the encoder's: taken from a record without rows that matter.
  std::uint64_t seed = key.generation * 0x9E3779B97F4A7C15ULL + key.first_sequence;
  seed = (seed ^ (seed >> 32)) * 0xD6E8FEB86659FD93ULL;
  seed ^= seed >> 32;
  value.resize(value.size() - 8);
  put_fixed(XXH3_64bits_withSeed(value.data(), value.size(), seed), value);
}

template <class T>
void put_at(std::string& value, std::size_t offset, T field) {
  std::memcpy(value.data() + offset, &field, sizeof(field));
}

void expect_corrupt(const std::string& value, std::string_view what) {
  const auto error = error_of(kKey, value);
  REQUIRE(error);
  CAPTURE(error->message());
  CHECK(error->code() == ErrorCode::corruption);
  CHECK(error->message().find("delta generation 7 sequence 1000: ") == 0);
  CHECK(error->message().find(what) != std::string::npos);
}

}  // namespace

TEST_CASE("records of any size come back row by row", "[delta][record]") {
  const auto seed = test::chosen_seed();
  CAPTURE(seed);
  for (const std::size_t count : {1U, 2U, 5U, 60U, 3000U}) {
    const WriteBatch batch = random_batch(seed, count, count == 60 ? 300 : 0);
    const Record record = record_of(batch);
    auto reader = DeltaRecordReader::open(kKey, record.value);
    REQUIRE(reader);
    REQUIRE(reader->count() == batch.count());
    REQUIRE(reader->rows() == batch.rows());
    if (count == 60) {
      REQUIRE(reader->compressed());
      REQUIRE(record.value.size() < record.rows.size());
    }
    std::string_view rest = batch.rows();
    DeltaLogRow row;
    for (std::size_t i = 0; i < batch.count(); ++i) {
      const auto more = reader->next(row);
      REQUIRE((more && *more));
      REQUIRE(row.sequence == kKey.first_sequence + i);
      REQUIRE(row.encoded == rest.substr(4, load_fixed<std::uint32_t>(rest.data())));
      rest.remove_prefix(4 + row.encoded.size());
      std::string again;
      encode_row(row.row, again);
      REQUIRE(again == row.encoded);
    }
    const auto end = reader->next(row);
    REQUIRE((end && !*end));
    REQUIRE(rest.empty());
  }
}

TEST_CASE("a record is never more than 24 bytes larger than its rows", "[delta][record]") {
  std::mt19937_64 random(3);
  WriteBatch batch;
  Exception noise;
  for (int i = 0; i < 20; ++i) {  // nothing that LZ4 could shorten
    noise.reason.clear();
    for (int j = 0; j < 1000; ++j) noise.reason.push_back(static_cast<char>(random()));
    REQUIRE(batch.store_exception(ExceptionKey{random(), random()}, noise));
  }
  const Record record = record_of(batch);
  REQUIRE(record.value.size() == record.rows.size() + 24);
  REQUIRE_FALSE(error_of(kKey, record.value));
}

TEST_CASE("a record appends, and a full buffer does not grow", "[delta][record]") {
  const WriteBatch batch = random_batch(1, 1);
  std::string out = "before";
  out.reserve(4096);
  const char* data = out.data();
  encode_delta_record(kKey, batch.rows(), batch.count(), out);
  REQUIRE(out.data() == data);
  REQUIRE(out.substr(0, 6) == "before");
  REQUIRE_FALSE(error_of(kKey, std::string_view(out).substr(6)));
}

TEST_CASE("replayed records are the rows that were logged", "[delta][record]") {
  MemoryPool pool;
  Generation generation(kKey.generation, pool);
  const WriteBatch first = random_batch(11, 10);
  const WriteBatch second = random_batch(12, 400);
  const DeltaRecordKey second_key{kKey.generation, kKey.first_sequence + first.count() + 5};
  const auto replay = [&](const WriteBatch& batch, const DeltaRecordKey& key) {
    return replay_delta_record(key, record_of(batch, key).value, generation);
  };
  REQUIRE(replay(first, kKey).value() == kKey.first_sequence + first.count() - 1);
  REQUIRE(replay(second, second_key).value() == second_key.first_sequence + second.count() - 1);
  REQUIRE(generation.rows() == first.count() + second.count());

  const auto again = replay(first, kKey);
  REQUIRE(again.error().code() == ErrorCode::corruption);
  REQUIRE(again.error().message().find("generation 7 sequence 1000") != std::string::npos);
  std::string damaged = record_of(first, {7, 9999}).value;
  damaged[20] ^= 1;
  REQUIRE_FALSE(replay_delta_record({7, 9999}, damaged, generation));
  REQUIRE(generation.rows() == first.count() + second.count());
}

TEST_CASE("no damaged byte passes", "[delta][record][damage]") {
  const auto seed = test::chosen_seed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (const std::size_t reason : {0U, 400U}) {
    const Record record = record_of(random_batch(seed, 20, reason));
    for (std::size_t at = 0; at < record.value.size(); ++at) {
      std::string bad = record.value;
      bad[at] = static_cast<char>(bad[at] ^ (1 << random() % 8));
      REQUIRE(error_of(kKey, bad));
    }
    for (int i = 0; i < 2000; ++i) {  // three at once
      std::string bad = record.value;
      for (int j = 0; j < 3; ++j) bad[random() % bad.size()] = static_cast<char>(random());
      REQUIRE((bad == record.value || error_of(kKey, bad)));
    }
    for (std::size_t size = 0; size < record.value.size(); ++size) {
      REQUIRE(error_of(kKey, std::string_view(record.value).substr(0, size)));
    }
    REQUIRE(error_of(kKey, record.value + '\0'));
  }
}

TEST_CASE("damage behind a right checksum is refused or decodes to rows",
          "[delta][record][damage]") {
  const auto seed = test::chosen_seed();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::size_t refused = 0;
  for (const std::size_t reason : {0U, 400U}) {
    const Record record = record_of(random_batch(seed, 20, reason));
    for (int i = 0; i < 3000; ++i) {
      std::string bad = record.value;
      for (int j = 0; j < 3; ++j) bad[random() % (bad.size() - 8)] = static_cast<char>(random());
      if (i % 5 == 0) bad.resize(24 + random() % (bad.size() - 23));
      seal(kKey, bad);
      if (error_of(kKey, bad)) ++refused;
    }
  }
  REQUIRE(refused > 1000);
}

TEST_CASE("a record under another key is refused", "[delta][record]") {
  const Record record = record_of(random_batch(5, 3));
  REQUIRE_FALSE(error_of(kKey, record.value));
  REQUIRE(error_of({kKey.generation + 1, kKey.first_sequence}, record.value));
  REQUIRE(error_of({kKey.generation, kKey.first_sequence + 1}, record.value));
}

TEST_CASE("each field of a record is checked", "[delta][record][damage]") {
  const Record plain = record_of(random_batch(6, 3));
  const Record packed = record_of(random_batch(6, 60, 300));
  std::string bad = plain.value;
  const auto sealed = [&] {
    seal(kKey, bad);
    return bad;
  };
  SECTION("the helper of these tests makes right records") {
    REQUIRE_FALSE(error_of(kKey, sealed()));
  }
  SECTION("magic") {
    bad[0] = 'X';
    expect_corrupt(sealed(), "magic");
  }
  SECTION("version 0") {
    bad[4] = 0;
    expect_corrupt(sealed(), "version 0");
  }
  SECTION("a later version") {
    bad[4] = 2;
    REQUIRE(error_of(kKey, sealed())->code() == ErrorCode::unsupported_format);
  }
  SECTION("flags") {
    bad[5] = 2;
    expect_corrupt(sealed(), "flags");
  }
  SECTION("reserved") {
    bad[7] = 1;
    expect_corrupt(sealed(), "reserved");
  }
  SECTION("a count of none") {
    put_at<std::uint32_t>(bad, 8, 0);
    expect_corrupt(sealed(), "count");
  }
  SECTION("a count that no raw size holds") {
    put_at<std::uint32_t>(bad, 8, 0xFFFFFFFF);
    expect_corrupt(sealed(), "count");
  }
  SECTION("a row too few") {
    put_at<std::uint32_t>(bad, 8, static_cast<std::uint32_t>(plain.count - 1));
    expect_corrupt(sealed(), "after the last row");
  }
  SECTION("a raw size beyond the limit") {
    put_at<std::uint32_t>(bad, 12, 0xFFFFFFFF);
    expect_corrupt(sealed(), "beyond the limit");
  }
  SECTION("a raw size that is not the payload's") {
    put_at<std::uint32_t>(bad, 12, static_cast<std::uint32_t>(plain.rows.size() + 1));
    expect_corrupt(sealed(), "payload");
  }
  SECTION("a raw size that LZ4 cannot reach") {
    bad = packed.value;
    put_at<std::uint32_t>(bad, 12, 200U << 20);
    expect_corrupt(sealed(), "LZ4 can hold");
  }
  SECTION("an LZ4 block of another size") {
    bad = packed.value;
    put_at<std::uint32_t>(bad, 12, static_cast<std::uint32_t>(packed.rows.size() - 1));
    expect_corrupt(sealed(), "LZ4 block");
  }
  SECTION("a row that reaches beyond the end") {
    put_at<std::uint32_t>(bad, kHeaderBytes, 0x7FFFFFFF);
    expect_corrupt(sealed(), "row 0");
  }
  SECTION("a row of an unknown kind") {
    bad[kHeaderBytes + 4] = 9;
    expect_corrupt(sealed(), "row 0: row: unknown kind 9");
  }
}

TEST_CASE("sequences that overflow are refused", "[delta][record]") {
  const DeltaRecordKey last{1, kMaxSequence - 1};
  const WriteBatch batch = random_batch(8, 4);
  const auto error = error_of(last, record_of(batch, last).value);
  REQUIRE(error);
  REQUIRE(error->message().find("overflow") != std::string::npos);
}

TEST_CASE("the last of all sequences may be used, and none after it", "[delta][record]") {
  const WriteBatch batch = random_batch(8, 4);
  const DeltaRecordKey last{1, kMaxSequence - (batch.count() - 1)};
  CHECK_FALSE(error_of(last, record_of(batch, last).value));
  const DeltaRecordKey beyond{1, last.first_sequence + 1};
  CHECK(error_of(beyond, record_of(batch, beyond).value));
}

TEST_CASE("a record that begins where the one before ends is refused", "[delta][record]") {
  MemoryPool pool;
  Generation generation(kKey.generation, pool);
  const WriteBatch batch = random_batch(9, 3);
  const auto end = replay_delta_record(kKey, record_of(batch).value, generation).value();
  for (const Sequence first : {end, end + 1}) {
    const DeltaRecordKey next{kKey.generation, first};
    CHECK(replay_delta_record(next, record_of(batch, next).value, generation).has_value() ==
          (first > end));
  }
}

TEST_CASE("of a record with a bad row nothing is replayed", "[delta][record][damage]") {
  MemoryPool pool;
  Generation generation(kKey.generation, pool);
  const WriteBatch batch = random_batch(10, 5);
  std::string rows(batch.rows());
  // Each byte behind the first row's key, wrong: of many a row is none any more.
  std::size_t refused = 0;
  for (std::size_t at = 30; at < batch.rows().size(); ++at) {
    rows = batch.rows();
    rows[at] = static_cast<char>(~rows[at]);
    std::string value;
    encode_delta_record(kKey, rows, batch.count(), value);
    if (!error_of(kKey, value)) continue;
    ++refused;
    REQUIRE_FALSE(replay_delta_record(kKey, value, generation));
    REQUIRE(generation.rows() == 0);
  }
  CHECK(refused > 10);
}

TEST_CASE("keys order by generation, then sequence", "[delta][record]") {
  const DeltaRecordKey keys[] = {{0, 0},   {0, 1},   {0, ~0ULL},    {1, 0},
                                 {255, 3}, {256, 2}, {~0ULL, ~0ULL}};
  for (const auto& key : keys) {
    REQUIRE(decode_delta_key(encode_delta_key(key)).value() == key);
  }
  for (std::size_t i = 1; i < std::size(keys); ++i) {
    REQUIRE(encode_delta_key(keys[i - 1]) < encode_delta_key(keys[i]));
  }
  for (const std::string_view bad : {"", "123456789012345", "12345678901234567"}) {
    REQUIRE(decode_delta_key(bad).error().code() == ErrorCode::corruption);
  }
}

TEST_CASE("the range of generations holds their records and no others", "[delta][record]") {
  const auto inside = [](const auto& range, const DeltaRecordKey& key) {
    const auto bytes = encode_delta_key(key);
    return range.first <= bytes && bytes < range.second;
  };
  const auto range = delta_generation_range(5, 6);
  REQUIRE(inside(range, {5, 0}));
  REQUIRE(inside(range, {6, ~0ULL}));
  REQUIRE_FALSE(inside(range, {4, ~0ULL}));
  REQUIRE_FALSE(inside(range, {7, 0}));
  REQUIRE(inside(delta_generation_range(~0ULL, ~0ULL), {~0ULL, ~0ULL}));
}
