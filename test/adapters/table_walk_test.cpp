// Tables walked without RocksDB: what is found in a damaged one is a part of what was written.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "adapters/rocksdb/rocksdb_backend.h"
#include "adapters/rocksdb/table_walk.h"
#include "test/support/seed.h"
#include "test/support/store_files.h"
#include "test/support/stores.h"

using namespace caveat;
using namespace caveat::detail;
using namespace caveat::test;

namespace {

using Entries = std::map<std::pair<std::string, std::uint64_t>, std::string>;

struct Walked {
  Entries entries;
  TableWalk walk;
};

Walked walked(const std::string& file) {
  Walked found;
  found.walk.on_block = [&](BlockPlace, std::string_view raw) {
    BlockEntries block(raw);
    TableEntry entry;
    while (block.next(entry)) {
      found.entries[{std::string(entry.key), entry.sequence}] = entry.value;
    }
  };
  found.walk.run(file);
  return found;
}

std::string key_of(std::size_t i) {
  std::string key(16, '\0');
  key[6] = static_cast<char>(i >> 8);
  key[7] = static_cast<char>(i);
  return key;
}

// A table of meta, packed by zstd, and one of records, which is not packed at the bottom.
std::vector<std::string> make_tables(const std::filesystem::path& path) {
  auto backend = value_of(open_rocksdb_backend(path));
  std::mt19937_64 random(7);
  for (std::size_t i = 0; i < 400; ++i) {
    KvBatch batch;
    std::string value;
    for (std::size_t k = 0; k < 30; ++k) value += std::to_string(random() % 1000) + " of meta ";
    batch.put(Family::meta, "N" + key_of(i), value);
    batch.put(Family::primary, key_of(i), "CVPT" + value);
    value_of(backend->write(batch, Durability::wal));
  }
  value_of(backend->compact(Family::primary, {}));
  value_of(backend->compact(Family::meta, {}));
  value_of(backend->close());
  std::vector<std::string> tables;
  for (const char* family : {"default", "primary"}) {
    for (const auto& file : tables_of(path, family)) tables.push_back(bytes_of(file));
  }
  return tables;
}

}  // namespace

TEST_CASE("a table is walked with its index and without, on rocksdb") {
  ScratchDirectory scratch;
  const auto tables = make_tables(scratch.path() / "store");
  REQUIRE(tables.size() >= 2);
  for (const std::string& table : tables) {
    const auto whole = walked(table);
    CHECK(whole.walk.gaps.empty());
    CHECK(whole.walk.end_damage.empty());
    CHECK(whole.walk.entries_said == whole.entries.size());
    CHECK_FALSE(whole.walk.family.empty());
    for (const std::size_t back : {1, 45, 50}) {  // magic, index's handle, metaindex's
      auto damaged = table;
      damaged[table.size() - back] = static_cast<char>(damaged[table.size() - back] ^ 1);
      const auto found = walked(damaged);
      CHECK(found.entries == whole.entries);
      CHECK(found.walk.gaps.empty());
      CHECK(found.walk.family == whole.walk.family);
    }
  }
}

TEST_CASE("a damaged table gives what it held or less, and says where, on rocksdb") {
  ScratchDirectory scratch;
  const auto seed = chosen_seed();
  INFO("CAVEAT_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (const std::string& table : make_tables(scratch.path() / "store")) {
    const auto whole = walked(table);
    for (int round = 0; round < 60; ++round) {
      auto damaged = table;
      const std::size_t at = random() % table.size();
      if (round % 3 == 0) {
        damaged.resize(at);
      } else {
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
      }
      const auto found = walked(damaged);
      CHECK(std::includes(whole.entries.begin(), whole.entries.end(), found.entries.begin(),
                          found.entries.end()));
      const bool complete = found.entries.size() == whole.entries.size();
      CHECK((complete || !found.walk.gaps.empty()));
      if (round % 3 != 0 && whole.entries.size() > 300) {  // a bit costs its block
        CHECK(found.entries.size() >= whole.entries.size() - 100);
      }
    }
  }
}
