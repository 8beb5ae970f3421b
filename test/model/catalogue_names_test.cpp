// The catalogue in memory and in its backend: ids, names that wait for one, what is refused.
#include <catch2/catch.hpp>

#include <chrono>
#include <future>

#include "engine/catalogue/catalogue.h"
#include "engine/catalogue/catalogue_format.h"
#include "engine/model/bytes.h"
#include "test/support/backend_double.h"

using namespace caveat;
using namespace caveat::test;
using catalogue_format::Entry;

namespace {

// Two names of one hash; test/engine/bad_input_test.cpp says where they come from.
const std::string kOne("\x31\x4e\x24\xbf\x3f\x40\xa0\x76\x3a\x52\x96\x09\x3b\xbc\x56\xaf", 16);
const std::string kTwo("\xb9\x39\x42\xea\x7b\x73\x82\x67\x2b\x70\xa5\x4d\x6e\xda\x21\x27", 16);

// Of consecutive numbers, so that places in the table collide.
std::vector<PropertyHash> hashes(std::size_t first, std::size_t end) {
  std::vector<PropertyHash> result;
  for (std::size_t i = first; i < end; ++i) result.push_back(1 + i * 0x100000000 / 3 + i / 5);
  return result;
}

// Its walk below `failing_end` cannot begin.
class Failing final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<std::unique_ptr<KvIterator>> iterate_below(Family family, std::string_view end,
                                                    const KvSnapshot* snapshot,
                                                    bool readahead) override {
    if (end == failing_end) return fail(ErrorCode::io_error, "cannot be read");
    return BackendDouble::iterate_below(family, end, snapshot, readahead);
  }
  std::string failing_end;
};

struct World {
  std::shared_ptr<KvBackend> memory = shared_memory_backend();
  Failing backend{memory};
  Catalogue catalogue;

  Result<void> name(const std::vector<std::string_view>& names) {
    return catalogue.add_names(names, backend, Durability::wal);
  }
  void assign(const std::vector<PropertyHash>& some) { REQUIRE(catalogue.assign(some, backend)); }
  void put(std::string_view key, std::string_view value) {
    KvBatch batch;
    batch.put(Family::meta, key, value);
    REQUIRE(memory->write(batch, Durability::wal));
  }
  void page(std::uint32_t number, const std::vector<Entry>& entries) {
    std::string value;
    // Segment by segment: what is wrong here is wrong in none of them.
    for (const Entry& entry : entries) catalogue_format::append_segments({entry}, value);
    put(catalogue_format::page_key(number), value);
  }
  std::string loaded() {
    const auto done = catalogue.load(backend);
    return done ? "" : done.error().message();
  }
};

std::string waiting(std::string_view name) {
  return catalogue_format::waiting_key(hash_property(name));
}

}  // namespace

TEST_CASE("properties keep their ids while the table grows, and when they are read again") {
  World world;
  world.assign(hashes(0, 700));
  world.assign(hashes(0, 701));
  world.assign(hashes(0, 4000));
  const auto all = hashes(0, 4000);
  const auto check = [&](const Catalogue& catalogue) {
    CHECK(catalogue.size() == 4000);
    CHECK(catalogue.property_count() == 4000);
    CHECK_FALSE(catalogue.hash_of(4000));
    CHECK_FALSE(catalogue.find(0));
    CHECK_FALSE(catalogue.find(all.back() + 1));
    std::size_t right = 0;
    for (const PropertyHash hash : all) {
      const auto id = catalogue.find(hash);
      right += id && catalogue.hash_of(*id) == hash && catalogue.lacks_name(hash) &&
               !catalogue.name_of(hash);
    }
    CHECK(right == 4000);
  };
  check(world.catalogue);
  Catalogue again;
  REQUIRE(again.load(world.backend));
  check(again);
}

// All lay behind one place of the table: each walked past all before it, a quarter of an hour for a
// million of them.
TEST_CASE("numbers of a host's own are found as quickly as the hashes of names", "[regression]") {
  const auto backend = shared_memory_backend();
  std::vector<PropertyHash> own;
  for (PropertyHash i = 0; i < 100'000; ++i) own.push_back(i << 44);
  const auto begun = std::chrono::steady_clock::now();
  Catalogue catalogue;
  REQUIRE(catalogue.assign(own, *backend).has_value());
  Catalogue read;
  REQUIRE(read.load(*backend).has_value());
  for (PropertyId id = 0; id < own.size(); ++id) {
    REQUIRE(catalogue.find(own[id]) == id);
    REQUIRE(read.find(own[id]) == id);
  }
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}

TEST_CASE("room for ids doubles, once it is needed") {
  World world;
  const auto bytes = [&] { return world.catalogue.memory_bytes(); };
  const std::size_t table = bytes();  // one of 1024 places
  CHECK(table >= std::size_t{1024} * sizeof(PropertyHash));
  world.assign(hashes(0, 500));
  CHECK(bytes() > table);
  const std::size_t chunk = bytes() - table;  // of 1024 ids
  CHECK(chunk < 4 * table);
  world.assign(hashes(0, 512));
  CHECK(bytes() == table + chunk);
  world.assign(hashes(0, 1024));
  CHECK(bytes() == table * 3 + chunk);
  world.assign(hashes(0, 1025));
  CHECK(bytes() == table * 7 + chunk * 3);
}

TEST_CASE("names wait for their ids, and get them in their order") {
  World world;
  const std::size_t before = world.catalogue.memory_bytes();
  REQUIRE(world.name({"swim", "fly", "swim", std::string(1000, 'n')}));
  const std::size_t of_names = world.catalogue.memory_bytes() - before;
  CHECK(of_names > 1000);
  CHECK(of_names < 2000);
  REQUIRE(world.name({"fly"}));
  CHECK(world.catalogue.memory_bytes() - before == of_names);
  CHECK(world.catalogue.property_count() == 3);
  CHECK(world.catalogue.size() == 0);
  CHECK(world.catalogue.name_of(hash_property("swim")) == "swim");
  CHECK_FALSE(world.catalogue.name_of(17));
  const PropertyHash swim = hash_property("swim");
  const PropertyHash fly = hash_property("fly");
  world.assign({9, swim, 7, fly, 9, swim, 8});
  world.assign({8, swim});
  CHECK(world.catalogue.size() == 5);
  CHECK(world.catalogue.property_count() == 6);
  // A name comes before none, and those without one are in the order of their hashes.
  const PropertyHash order[] = {fly, swim, 7, 8, 9};
  for (PropertyId id = 0; id < 5; ++id) CHECK(world.catalogue.hash_of(id) == order[id]);
  CHECK_FALSE(world.catalogue.lacks_name(swim));
  Catalogue again;
  REQUIRE(again.load(world.backend));
  CHECK(again.size() == 5);
  CHECK(again.property_count() == 6);
  CHECK(again.name_of(fly) == "fly");
}

TEST_CASE("a property that has its id is named later, once") {
  World world;
  const PropertyHash one = hash_property("one");
  world.assign({one, hash_property("other")});
  CHECK(world.catalogue.lacks_name(one));
  REQUIRE(world.name({"one", "new"}));
  REQUIRE(world.name({"one"}));
  const auto check = [&](const Catalogue& catalogue) {
    CHECK_FALSE(catalogue.lacks_name(one));
    CHECK(catalogue.name_of(one) == "one");
    CHECK(catalogue.lacks_name(hash_property("other")));
    CHECK(catalogue.name_of(hash_property("new")) == "new");
    CHECK(catalogue.property_count() == 3);
  };
  check(world.catalogue);
  Catalogue again;
  REQUIRE(again.load(world.backend));
  check(again);
}

TEST_CASE("names of one hash are refused wherever the first of them is") {
  const auto refused = [](World& world, const std::vector<std::string_view>& names) {
    const auto done = world.name(names);
    REQUIRE_FALSE(done);
    CHECK(done.error().code() == ErrorCode::hash_collision);
    CHECK_THAT(done.error().message(), Catch::Contains(kOne) && Catch::Contains(kTwo));
    CHECK_FALSE(world.catalogue.name_of(hash_property("new")));
  };
  World fresh;
  refused(fresh, {kOne, "new", kTwo});
  REQUIRE(fresh.name({kOne, kOne}));
  refused(fresh, {"new", kTwo});
  fresh.assign({hash_property(kOne)});
  REQUIRE(fresh.name({kOne}));
  refused(fresh, {"new", kTwo});
}

TEST_CASE("the longest name is taken and read, and no longer one") {
  const std::string longest(kMaxPropertyNameBytes, 'n');
  World world;
  CHECK_FALSE(world.name({longest + 'n'}));
  REQUIRE(world.name({longest}));
  Catalogue again;
  REQUIRE(again.load(world.backend));
  CHECK(again.name_of(hash_property(longest)) == longest);
  world.put(waiting(longest + 'n'), longest + 'n');
  CHECK_THAT(world.loaded(), Catch::Contains("waiting name of a wrong length"));
}

TEST_CASE("pages of the catalogue whose ids are not in order are refused") {
  const auto refused = [](std::uint32_t page, const std::vector<Entry>& entries, const char* why) {
    World world;
    world.page(page, entries);
    CHECK_THAT(world.loaded(), Catch::Contains(why));
  };
  refused(0, {{0, 7, {}}, {0, 8, {}}}, "id 0 twice");
  refused(0, {{0, 7, {}}, {0, 7, {}}}, "id 0 twice");
  refused(0, {{0, 7, {}}, {0, hash_property("fly"), "fly"}}, "id 0 twice");
  refused(0, {{0, 7, {}}, {2, 8, {}}}, "id 2 out of order");
  refused(0, {{0, 7, {}}, {1, 7, {}}}, "id 1 out of order");
  refused(1, {{0, 7, {}}}, "id 0 out of order");
  World world;
  world.page(0, {{0, hash_property("fly"), {}}, {1, 8, {}}, {0, hash_property("fly"), "fly"}});
  CHECK(world.loaded().empty());
  CHECK(world.catalogue.name_of(hash_property("fly")) == "fly");
}

TEST_CASE("names under the key of another, or of none, are refused") {
  const auto refused = [](std::string_view key, std::string_view name, const char* why) {
    World world;
    world.put(key, name);
    CHECK_THAT(world.loaded(), Catch::Contains(why));
  };
  refused(waiting("fly"), "swim", "has another hash");
  refused(waiting("fly") + 'x', "fly", "of a wrong length");
  refused("N1", "fly", "of a wrong length");
  refused("C123", "fly", "of a wrong length");
}

TEST_CASE(
    "of a damaged catalogue what is sound is salvaged, and what cannot be read is no damage") {
  World world;
  world.page(0, {{0, 7, {}}, {2, 8, {}}});
  world.put(waiting("fly"), "fly");
  world.put(waiting("swim"), "other");
  {
    Catalogue salvaged;
    const auto damage = salvaged.load_salvaged(world.backend);
    REQUIRE(damage);
    REQUIRE(*damage);
    CHECK_THAT((*damage)->message(), Catch::Contains("id 2 out of order"));
    CHECK(salvaged.size() == 1);
  }
  for (const char* const end : {"D", "O"}) {
    world.backend.failing_end = end;
    Catalogue unread;
    const auto failed = unread.load_salvaged(world.backend);
    REQUIRE_FALSE(failed);
  }
  World sound;
  sound.page(0, {{0, 7, {}}});
  sound.put(waiting("fly"), "fly");
  Catalogue whole;
  const auto damage = whole.load_salvaged(sound.backend);
  REQUIRE(damage);
  CHECK_FALSE(*damage);
  CHECK(whole.property_count() == 2);
  sound.put(waiting("swim"), "other");
  Catalogue names;
  const auto of_names = names.load_salvaged(sound.backend);
  REQUIRE(of_names);
  REQUIRE(*of_names);
  CHECK_THAT((*of_names)->message(), Catch::Contains("has another hash"));
  for (const char* const end : {"D", "O"}) {
    sound.backend.failing_end = end;
    Catalogue unread;
    REQUIRE_FALSE(unread.load_salvaged(sound.backend));
  }
}

namespace {

// Another thread asks for a name while this writes.
class Asked final : public BackendDouble {
 public:
  explicit Asked(const Catalogue& catalogue)
      : BackendDouble(shared_memory_backend()), catalogue_(catalogue) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    if (asks) {
      answer = std::async(std::launch::async, [&] { return catalogue_.name_of(*asks); });
      // Long enough for it to come to where it waits; were it not, the answer would be the same.
      static_cast<void>(answer.wait_for(std::chrono::milliseconds(50)));
    }
    return BackendDouble::write(batch, durability);
  }
  std::optional<PropertyHash> asks;
  std::future<std::optional<std::string>> answer;

 private:
  const Catalogue& catalogue_;
};

}  // namespace

TEST_CASE("a name is known to who asks while a fold gives it an id", "[catalogue][threads]") {
  Catalogue catalogue;
  Asked backend(catalogue);
  const PropertyHash hash = hash_property("can_fly");
  REQUIRE(catalogue.add_names(std::vector<std::string_view>{"can_fly"}, backend, Durability::wal));
  backend.asks = hash;
  REQUIRE(catalogue.assign(std::vector<PropertyHash>{hash}, backend));
  CHECK(backend.answer.get() == std::optional<std::string>("can_fly"));
}
