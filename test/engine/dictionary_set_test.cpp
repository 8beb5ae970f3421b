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

}  // namespace caveat::test
