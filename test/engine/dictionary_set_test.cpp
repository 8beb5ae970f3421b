// Which dictionaries are given up: those that no block names, and none that was learnt meanwhile.
#include <catch2/catch.hpp>

#include "engine/store/dictionary_set.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

const CodecRegistry& codecs() {
  static const CodecRegistry built_in = CodecRegistry::built_in(3);
  return built_in;
}

std::string content(std::uint32_t id) {
  return "what records of before said, " + std::to_string(id) + " times";
}

// With the dictionaries 1 to 3, the last of which is current.
struct Dictionaries {
  explicit Dictionaries(std::shared_ptr<KvBackend> where = shared_memory_backend())
      : backend(std::move(where)) {
    for (std::uint32_t id = 1; id <= 3; ++id) value_of(set.add({id, content(id), {}}, *backend));
  }

  // In memory, and as the next open finds it, which must be the same.
  [[nodiscard]] std::vector<std::uint32_t> ids() {
    DictionarySet loaded(codecs(), std::make_shared<MemoryPool>());
    value_of(loaded.load(*backend));
    std::vector<std::uint32_t> found;
    for (std::uint32_t id = 1; id <= 4; ++id) {
      const auto here = set.dictionary(id);
      CHECK(here.has_value() == loaded.dictionary(id).has_value());
      if (here) CHECK((*here)->bytes == content(id));
      if (here) found.push_back(id);
    }
    CHECK(loaded.next_id() == set.next_id());
    CHECK(set.size() == found.size());
    return found;
  }

  std::shared_ptr<KvBackend> backend;
  DictionarySet set{codecs(), std::make_shared<MemoryPool>()};
};

using Ids = std::vector<std::uint32_t>;

}  // namespace

// All but the one that optimize had written with were dropped, that which a fold had learnt since
// among them: the blocks of that fold could not be read any more.
TEST_CASE("a dictionary that was learnt while others were given up stays", "[regression]") {
  Dictionaries kept;
  value_of(kept.set.drop_below(3, 1, *kept.backend));
  CHECK(kept.ids() == Ids{1, 3});
  REQUIRE(kept.set.current() != nullptr);
  CHECK(kept.set.current()->id == 3);
  CHECK(kept.set.next_id() == 4);
}

// What is current is what the next blocks are written with.
TEST_CASE("a dictionary that was given up is current no more", "[regression]") {
  Dictionaries kept;
  SECTION("none is worth it") {
    value_of(kept.set.drop_below(4, 0, *kept.backend));
    CHECK(kept.ids().empty());
  }
  SECTION("an older one was written with") {
    value_of(kept.set.drop_below(4, 2, *kept.backend));
    CHECK(kept.ids() == Ids{2});
  }
  CHECK(kept.set.current() == nullptr);
  CHECK(kept.set.next_id() == 4);  // an id has one meaning
}

// After the next open the last one's id was given to another dictionary: a partition that a salvage
// finds in an older file would have been read with that.
TEST_CASE("the id of a dictionary that was given up is not given again", "[regression]") {
  Dictionaries kept;
  const bool all = GENERATE(true, false);
  value_of(kept.set.drop_below(4, all ? 0 : 2, *kept.backend));
  for (int opened = 0; opened < 2; ++opened) {
    DictionarySet loaded(codecs(), std::make_shared<MemoryPool>());
    value_of(loaded.load(*kept.backend));
    CHECK(loaded.next_id() == 4);
    CHECK(loaded.size() == (all ? 0 : 1));
  }
  // What stands for it goes when there is a later one.
  DictionarySet loaded(codecs(), std::make_shared<MemoryPool>());
  value_of(loaded.load(*kept.backend));
  value_of(loaded.add({4, content(4), {}}, *kept.backend));
  std::string value;
  for (char id = 1; id <= 4; ++id) {
    const std::string key = std::string("Z\0\0\0", 4) + id;
    const bool there = value_of(kept.backend->get(Family::meta, key, nullptr, value));
    CHECK(there == (id == 4 || (id == 2 && !all)));
  }
  value_of(loaded.drop_below(5, 0, *kept.backend));
  DictionarySet again(codecs(), std::make_shared<MemoryPool>());
  value_of(again.load(*kept.backend));
  CHECK(again.next_id() == 5);
}

TEST_CASE("dictionaries stay where it cannot be written down that they go") {
  class Full final : public BackendDouble {
   public:
    using BackendDouble::BackendDouble;
    Result<void> write(const KvBatch& batch, Durability durability) override {
      if (full) return fail(ErrorCode::no_space, "full");
      return BackendDouble::write(batch, durability);
    }
    bool full = false;
  };
  const auto backend = std::make_shared<Full>(shared_memory_backend());
  Dictionaries kept(backend);
  backend->full = true;
  const auto dropped = kept.set.drop_below(4, 1, *backend);
  REQUIRE_FALSE(dropped.has_value());
  CHECK(dropped.error().code() == ErrorCode::no_space);
  CHECK(kept.ids() == Ids{1, 2, 3});
  CHECK(kept.set.current()->id == 3);
}

namespace {

// What is stored, as it is stored.
std::string stored(KvBackend& backend, const std::string& key) {
  std::string value;
  value_of(backend.get(Family::meta, key, nullptr, value));
  return value;
}

void put(KvBackend& backend, const std::string& key, const std::string& value) {
  KvBatch batch;
  batch.put(Family::meta, key, value);
  value_of(backend.write(batch, Durability::wal));
}

const std::string kThird("Z\0\0\0\x03", 5);
const std::string kSixth("Z\0\0\0\x06", 5);

}  // namespace

// A damaged one's id is taken all the same: blocks may name it.
TEST_CASE(
    "a dictionary that is damaged, or lies under another's id, is left out and keeps its id") {
  Dictionaries made;
  std::string value = stored(*made.backend, kThird);
  SECTION("damaged") {
    value.back() = static_cast<char>(value.back() ^ 1);
  }
  SECTION("another's") {}
  SECTION("nothing") {
    value.clear();
  }
  put(*made.backend, kSixth, value);
  DictionarySet loaded(codecs(), std::make_shared<MemoryPool>());
  value_of(loaded.load(*made.backend));
  CHECK(loaded.size() == 3);
  CHECK(loaded.dictionary(6).error().code() == ErrorCode::corruption);
  CHECK(value_of(loaded.dictionary(3))->bytes == content(3));
  REQUIRE(loaded.current() != nullptr);
  CHECK(loaded.current()->id == 3);
  CHECK(loaded.next_id() == 7);
}

TEST_CASE("keys of another length or letter are no dictionaries") {
  Dictionaries made;
  const std::string value = stored(*made.backend, kThird);
  for (const std::string& key : {std::string("Y"), std::string("Z"), kThird.substr(0, 4),
                                 kSixth + '\0', std::string("[\0\0\0\x06", 5)})
    put(*made.backend, key, value);
  DictionarySet loaded(codecs(), std::make_shared<MemoryPool>());
  value_of(loaded.load(*made.backend));
  CHECK(loaded.size() == 3);
  CHECK(loaded.next_id() == 4);
}

TEST_CASE("the memory of dictionaries is counted, that of the current one more") {
  Dictionaries made;
  std::size_t bytes = 0;
  for (std::uint32_t id = 1; id <= 3; ++id) bytes += content(id).size();
  CHECK(made.set.memory_bytes() > 2 * bytes + 3 * content(3).size());
  CHECK(made.set.memory_bytes() < 8 * bytes);
  value_of(made.set.drop_below(4, 1, *made.backend));  // and none is current
  CHECK(made.set.memory_bytes() >= content(1).size() * 2);
  CHECK(made.set.memory_bytes() < content(1).size() * 3);
}

}  // namespace caveat::test
