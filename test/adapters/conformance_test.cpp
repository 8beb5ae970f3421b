// What every backend must do, whichever it is.
#include <string>

#include "test/adapters/harness.h"

using namespace caveat;
using namespace caveat::test;

TEMPLATE_TEST_CASE("a batch applies as a whole, in order, across families", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  KvBatch batch;
  batch.put(Family::meta, "a", "1");
  batch.put(Family::primary, "a", "2");
  batch.put(Family::primary, "a", "3");
  batch.put(Family::property, "gone", "x");
  batch.erase(Family::property, "gone");
  batch.erase(Family::temporal, "back");
  batch.put(Family::temporal, "back", "y");
  must(b.write(batch, Durability::wal));
  CHECK(read(b, Family::meta, "a") == "1");
  CHECK(read(b, Family::primary, "a") == "3");
  CHECK(read(b, Family::property, "gone") == std::nullopt);
  CHECK(read(b, Family::temporal, "back") == "y");
  CHECK(read(b, Family::delta, "a") == std::nullopt);
  must(b.write(KvBatch(), Durability::fsync));
}

TEMPLATE_TEST_CASE("keys and values may hold any bytes", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  using namespace std::string_literals;
  put(b, Family::primary, "\0"s, "zero"s);
  put(b, Family::primary, "\0\0"s, "\0\xff"s);
  put(b, Family::primary, "\x7f"s, "");
  put(b, Family::primary, "\x80"s, "high"s);
  put(b, Family::primary, "\xff"s, "last"s);
  const Pairs all = {{"\0"s, "zero"s},
                     {"\0\0"s, "\0\xff"s},
                     {"\x7f"s, ""s},
                     {"\x80"s, "high"s},
                     {"\xff"s, "last"s}};
  CHECK(walk(b, Family::primary) == all);  // bytes compare unsigned
  CHECK(read(b, Family::primary, "\x7f"s) == "");
}

TEMPLATE_TEST_CASE("append joins in order", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  for (const Family family : kFamilies) {
    append(b, family, "k", "one ");  // on an absent key
    append(b, family, "k", "two ");
    const auto snapshot = must(b.snapshot());
    append(b, family, "k", "three");
    CHECK(read(b, family, "k", snapshot.get()) == "one two ");
    CHECK(read(b, family, "k") == "one two three");
    erase(b, family, "k");
    CHECK(read(b, family, "k") == std::nullopt);
    append(b, family, "k", "new");  // after an erase nothing of the old comes back
    CHECK(read(b, family, "k") == "new");
    put(b, family, "k", "base ");
    append(b, family, "k", "");
    append(b, family, "k", "more");
    CHECK(read(b, family, "k") == "base more");
    CHECK(read(b, family, "k", snapshot.get()) == "one two ");
  }
  KvBatch batch;
  batch.append(Family::primary, "mixed", "lost");
  batch.put(Family::primary, "mixed", "a");
  batch.append(Family::primary, "mixed", "b");
  batch.append(Family::primary, "mixed", "c");
  must(b.write(batch, Durability::wal));
  CHECK(read(b, Family::primary, "mixed") == "abc");
}

TEMPLATE_TEST_CASE("many appends grow one value", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  std::string expected;
  std::vector<std::shared_ptr<const KvSnapshot>> snapshots;
  std::vector<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string operand = std::to_string(i) + ";";
    append(b, Family::primary, "k", operand);
    expected += operand;
    if (i % 20 == 7) {
      snapshots.push_back(must(b.snapshot()));
      seen.push_back(expected);
    }
  }
  CHECK(read(b, Family::primary, "k") == expected);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(read(b, Family::primary, "k", snapshots[i].get()) == seen[i]);
  }
  must(b.compact(Family::primary, {}));
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(read(b, Family::primary, "k", snapshots[i].get()) == seen[i]);
  }
  snapshots.clear();
  must(b.compact(Family::primary, {}));
  CHECK(read(b, Family::primary, "k") == expected);
}

TEMPLATE_TEST_CASE("erase_range erases [first, last) of one family", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  for (const Family family : {Family::delta, Family::primary}) {
    for (int i = 0; i < 10; ++i) put(b, family, key_of(i), std::to_string(i));
  }
  for (const Family family : {Family::delta, Family::primary}) {
    const auto before = must(b.snapshot());
    KvBatch batch;
    batch.put(family, key_of(20), "in the range, put before");
    batch.append(family, key_of(21), "in the range, appended before");
    batch.erase_range(family, key_of(3), key_of(7));
    batch.erase_range(family, key_of(15), key_of(30));
    batch.put(family, key_of(4), "put after");
    batch.erase_range(family, key_of(9), key_of(9));  // empty
    batch.erase_range(family, key_of(9), key_of(0));  // backwards: empty as well
    must(b.write(batch, Durability::wal));
    const Pairs left = {{key_of(0), "0"},         {key_of(1), "1"}, {key_of(2), "2"},
                        {key_of(4), "put after"}, {key_of(7), "7"}, {key_of(8), "8"},
                        {key_of(9), "9"}};
    CHECK(walk(b, family) == left);
    CHECK(walk(b, family, before.get()).size() == 10);
    CHECK(read(b, family, key_of(5), before.get()) == "5");
    append(b, family, key_of(5), "again");
    CHECK(read(b, family, key_of(5)) == "again");
  }
  CHECK(walk(b, Family::confidence).empty());
}

TEMPLATE_TEST_CASE("a snapshot sees all families as they were", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  const auto empty = must(b.snapshot());
  for (const Family family : kFamilies) put(b, family, "k", "old");
  const auto old = must(b.snapshot());
  for (const Family family : kFamilies) put(b, family, "k", "new");
  for (const Family family : kFamilies) erase(b, family, "k");
  for (const Family family : kFamilies) {
    CHECK(read(b, family, "k", empty.get()) == std::nullopt);
    CHECK(read(b, family, "k", old.get()) == "old");
    CHECK(read(b, family, "k") == std::nullopt);
    CHECK(walk(b, family, old.get()).size() == 1);
  }
}

TEMPLATE_TEST_CASE("iterators go both ways and keep their version", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  for (int i = 0; i < 100; i += 2) put(b, Family::primary, key_of(i), std::to_string(i));
  const auto it = must(b.iterate(Family::primary, nullptr, false));
  CHECK_FALSE(it->valid());
  it->seek(key_of(51));
  REQUIRE(it->valid());
  CHECK(it->key() == key_of(52));
  it->seek(key_of(52));
  CHECK(it->key() == key_of(52));
  it->seek_for_prev(key_of(51));
  CHECK(it->key() == key_of(50));
  it->seek_for_prev(key_of(50));
  CHECK(it->key() == key_of(50));
  CHECK(it->value() == "50");

  // Writers go on: this iterator does not notice.
  for (int i = 0; i < 100; ++i) put(b, Family::primary, key_of(i), "new");
  erase_range(b, Family::primary, key_of(40), key_of(60));
  it->next();
  CHECK(it->key() == key_of(52));
  CHECK(it->value() == "52");
  it->prev();
  it->prev();
  CHECK(it->key() == key_of(48));
  CHECK(it->value() == "48");
  CHECK(walk(*it).size() == 50);
  CHECK(walk(b, Family::primary).size() == 80);

  it->seek_to_first();
  it->prev();
  CHECK_FALSE(it->valid());
  it->seek(key_of(99));
  CHECK_FALSE(it->valid());
  it->seek_for_prev("");
  CHECK_FALSE(it->valid());
  it->seek_for_prev(key_of(1000));
  CHECK(it->key() == key_of(98));
  must(it->status());
}

TEMPLATE_TEST_CASE("multi_get answers like get", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  for (int i = 0; i < 50; i += 3) put(b, Family::confidence, key_of(i), std::string(100, 'v'));
  const auto snapshot = must(b.snapshot());
  erase_range(b, Family::confidence, key_of(0), key_of(10));
  append(b, Family::confidence, key_of(12), "+");
  std::vector<std::string> keys;
  for (int i = 0; i < 50; ++i) keys.push_back(key_of(i));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  for (const KvSnapshot* at : {snapshot.get(), static_cast<const KvSnapshot*>(nullptr)}) {
    std::vector<std::string> values(keys.size(), "stale");
    const auto found = std::make_unique<bool[]>(keys.size());
    must(b.multi_get(Family::confidence, views, at, values, {found.get(), keys.size()}));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto single = read(b, Family::confidence, keys[i], at);
      CHECK(found[i] == single.has_value());
      CHECK(values[i] == single.value_or(""));
    }
  }
  must(b.multi_get(Family::confidence, {}, nullptr, {}, {}));
}

TEMPLATE_TEST_CASE("properties count what is there", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  KvBatch batch;
  for (int i = 0; i < 256; ++i) batch.put(Family::primary, key_of(i), std::string(4096, 'p'));
  must(b.write(batch, Durability::wal));
  const auto of = [&](Family family) {
    return must(b.properties()).families[static_cast<std::size_t>(family)];
  };
  CHECK(of(Family::primary).key_estimate == 256);
  const auto full = of(Family::primary).memtable_bytes + of(Family::primary).disk_bytes;
  CHECK(full >= 256 * 4096);
  CHECK(full < 256 * 4096 * 3 / 2);
  CHECK(of(Family::confidence).key_estimate == 0);
  CHECK(must(b.properties()).stall == StallState::normal);
  erase_range(b, Family::primary, key_of(0), key_of(256));
  must(b.compact(Family::primary, {}));
  CHECK(of(Family::primary).key_estimate == 0);
  CHECK(of(Family::primary).disk_bytes < 4096);
  if (!TestType::kPersistent) CHECK(of(Family::primary).memtable_bytes < 4096);
}

TEMPLATE_TEST_CASE("compaction can be cancelled and keeps everything", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  for (int i = 0; i < 100; ++i) put(b, Family::source, key_of(i), std::to_string(i));
  // The same sentence whether it had begun or not, and none of the backend's own.
  for (const int more : {0, 1, 2}) {
    int left = more;
    const auto ended = b.compact(Family::source, [&] { return left-- > 0; });
    if (more > 0 && ended) continue;  // it was faster
    CHECK(must_fail(ended).code() == ErrorCode::cancelled);
    CHECK(must_fail(ended).message() == "compact: stopped by its caller; what was done stays");
  }
  int asked = 0;
  must(b.compact(Family::source, [&] { return ++asked > 0; }));
  CHECK(asked > 0);
  CHECK(walk(b, Family::source).size() == 100);
}

TEMPLATE_TEST_CASE("after close every call says closed", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  put(b, Family::meta, "k", "v");
  must(b.close());
  must(b.close());
  std::string value;
  KvBatch batch;
  batch.put(Family::meta, "k", "w");
  CHECK(must_fail(b.write(batch, Durability::wal)).code() == ErrorCode::closed);
  CHECK(must_fail(b.get(Family::meta, "k", nullptr, value)).code() == ErrorCode::closed);
  CHECK(must_fail(b.multi_get(Family::meta, {}, nullptr, {}, {})).code() == ErrorCode::closed);
  CHECK(must_fail(b.iterate(Family::meta, nullptr, false)).code() == ErrorCode::closed);
  CHECK(must_fail(b.snapshot()).code() == ErrorCode::closed);
  CHECK(must_fail(b.flush()).code() == ErrorCode::closed);
  CHECK(must_fail(b.compact(Family::meta, {})).code() == ErrorCode::closed);
  CHECK(must_fail(b.properties()).code() == ErrorCode::closed);
}

TEMPLATE_TEST_CASE("clear empties one family, which goes on as a new one", "", CAVEAT_BACKENDS) {
  TestType kind;
  for (int round = 0; round < 2; ++round) {
    KvBackend& b = *kind.backend;
    for (const Family family : {Family::property, Family::temporal}) {
      put(b, family, "a", "1");
      append(b, family, std::string(40, '\xff'), "2");
      must(b.compact(family, {}));
      put(b, family, "b", "3");
    }
    must(b.clear(Family::property));
    CHECK(walk(b, Family::property).empty());
    CHECK(walk(b, Family::temporal).size() == 3);
    must(b.clear(Family::property));
    append(b, Family::property, "a", "new");
    CHECK(read(b, Family::property, "a") == "new");
    must(b.compact(Family::property, {}));
    if constexpr (TestType::kPersistent) kind.reopen();
    CHECK(read(*kind.backend, Family::property, "a") == "new");
    CHECK(walk(*kind.backend, Family::property).size() == 1);
    erase(*kind.backend, Family::property, "a");
  }
}
