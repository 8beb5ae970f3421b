// A batch holds its rows as they will be logged.
#include <catch2/catch.hpp>

#include "caveat/kv_backend.h"
#include "caveat/write_batch.h"
#include "engine/model/row.h"
#include "engine/model/varint.h"
#include "test/model/random_record.h"

using namespace caveat;

namespace {

std::vector<RowView> rows_of(const WriteBatch& batch) {
  std::vector<RowView> rows;
  auto rest = batch.rows();
  while (!rest.empty()) {
    const auto length = load_fixed<std::uint32_t>(rest.data());
    auto bytes = rest.substr(sizeof(length), length);
    const auto row = decode_row(bytes);
    REQUIRE(row);
    REQUIRE(bytes.empty());
    rows.push_back(*row);
    rest.remove_prefix(sizeof(length) + length);
  }
  return rows;
}

}  // namespace

TEST_CASE("a batch keeps its writes in order") {
  test::RandomRecords random(11);
  const auto first = random.record();
  const auto second = random.record();
  std::string view_bytes;
  encode_store_row(second.key, second.exception, view_bytes);

  WriteBatch batch;
  CHECK(batch.empty());
  REQUIRE(batch.store_exception(first.key, first.exception));
  REQUIRE(batch.remove_exception({3, 4}));
  REQUIRE(batch.clear_node(5));
  REQUIRE(batch.store_exception(decode_trusted_row(view_bytes).record));
  REQUIRE(batch.clear_property(6));
  CHECK(batch.count() == 5);
  CHECK(batch.bytes() == batch.rows().size());

  const auto rows = rows_of(batch);
  REQUIRE(rows.size() == 5);
  CHECK(rows[0].record.to_record() == first);
  CHECK(rows[1].kind == RowKind::remove);
  CHECK(rows[1].record.key == ExceptionKey{3, 4});
  CHECK(rows[2].record.key == ExceptionKey{5, 0});
  CHECK(rows[3].record.to_record() == second);
  CHECK(rows[4].record.key == ExceptionKey{0, 6});

  batch.clear();
  CHECK(batch.empty());
  CHECK(batch.rows().empty());
}

TEST_CASE("a refused write leaves the batch as it was") {
  WriteBatch batch;
  REQUIRE(batch.remove_exception({1, 2}));
  const std::string before(batch.rows());

  Exception bad;
  bad.confidence = 2.0F;
  CHECK(batch.store_exception({1, 2}, bad).error().code() == ErrorCode::invalid_argument);
  ExceptionView view;
  view.source = static_cast<ExceptionSource>(77);
  CHECK(batch.store_exception(view).error().code() == ErrorCode::invalid_argument);
  CHECK(batch.rows() == before);
  CHECK(batch.count() == 1);
}

TEST_CASE("a batch ends at its limit") {
  WriteBatch batch;
  Exception large;
  large.reason.assign(kMaxRecordBytes - 100, 'x');
  for (NodeId node = 0; node < 4; ++node) REQUIRE(batch.store_exception({node, 1}, large));
  const auto refused = batch.store_exception({9, 1}, large);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::limit_exceeded);
  CHECK(batch.count() == 4);
}

TEST_CASE("a batch takes another's writes behind its own") {
  test::RandomRecords random(12);
  const auto record = random.record();
  WriteBatch first;
  WriteBatch second;
  REQUIRE(first.remove_exception({1, 2}));
  REQUIRE(second.store_exception(record.key, record.exception));
  REQUIRE(second.clear_node(9));
  const std::string rows = std::string(first.rows()) + std::string(second.rows());
  REQUIRE(first.append(second));
  CHECK(first.count() == 3);
  CHECK(first.rows() == rows);
  CHECK(second.count() == 2);
  REQUIRE(first.append(WriteBatch()));
  CHECK(first.rows() == rows);
}

TEST_CASE("a batch refuses another that does not fit, and is as before") {
  WriteBatch large;
  Exception exception;
  exception.reason.assign(kMaxRecordBytes / 2, 'x');
  while (large.bytes() <= WriteBatch::kMaxBatchBytes / 2) {
    REQUIRE(large.store_exception({large.count(), 1}, exception));
  }
  const std::size_t bytes = large.bytes();
  const std::size_t count = large.count();
  const auto refused = large.append(large);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::limit_exceeded);
  CHECK(large.bytes() == bytes);
  CHECK(large.count() == count);
}

TEST_CASE("a batch of the backend takes another one, or itself, behind its own") {
  KvBatch one;
  one.put(Family::meta, "key", "value");
  one.erase(Family::delta, "gone");
  KvBatch other;
  other.append(Family::source, "list", "operand");
  other.erase_range(Family::primary, "first", "last");
  one.extend(other);
  one.extend(one);
  REQUIRE(one.count() == 8);
  for (const std::size_t from : {0U, 4U}) {
    CHECK(one.entry(from).key == "key");
    CHECK(one.entry(from).value == "value");
    CHECK(one.entry(from + 1).key == "gone");
    CHECK(one.entry(from + 2).family == Family::source);
    CHECK(one.entry(from + 2).value == "operand");
    CHECK(one.entry(from + 3).op == KvBatch::Op::erase_range);
    CHECK(one.entry(from + 3).key == "first");
    CHECK(one.entry(from + 3).value == "last");
  }
}
