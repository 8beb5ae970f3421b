// A partition answers as the rows that were put into it: those of its block, what runs put over
// them, and what clears hide, within its bounds. Beside it a map, which is told the same.
#include <catch2/catch.hpp>
#include <limits>
#include <map>
#include <random>

#include "adapters/memory/memory_backend.h"
#include "engine/partition/container.h"
#include "engine/partition/partition_image.h"
#include "test/block/block_maker.h"
#include "test/support/seed.h"

namespace caveat {
namespace {

constexpr std::uint32_t kProperties = 5;
constexpr NodeId kNodes = 6;
constexpr Sequence kBlockAsOf = 100;

struct World {
  World() {
    REQUIRE(catalogue.load(*backend));
    std::vector<PropertyHash> hashes;
    for (PropertyHash i = 1; i <= kProperties; ++i) hashes.push_back(i * 0x9E37'79B9'7F4A'7C15);
    REQUIRE(catalogue.assign(hashes, *backend));
  }
  [[nodiscard]] PropertyHash hash_of(std::uint32_t id) const { return *catalogue.hash_of(id); }

  std::unique_ptr<KvBackend> backend = make_memory_backend();
  Catalogue catalogue;
  CodecRegistry codecs = test::all_codecs();
  SimpleBlockResolver resolver{codecs};
};

// What is under a key: when it was written, and whether it is a removal.
struct Known {
  Sequence as_of = 0;
  bool removed = false;
  std::int64_t mark = 0;  // created_at, by which the record is told from others of its key
};

struct Image {
  std::shared_ptr<const PartitionImage> image;
  std::map<ExceptionKey, Known> model;
  ExceptionKey lower;
  std::optional<ExceptionKey> upper;
  bool base_inside = true;
};

ExceptionKey random_key(const World& world, std::mt19937_64& random) {
  return {random() % kNodes, world.hash_of(static_cast<std::uint32_t>(random() % kProperties))};
}

Image random_image(const World& world, std::mt19937_64& random) {
  Image made;
  if (random() % 2 == 0) made.lower = random_key(world, random);
  if (random() % 2 == 0) made.upper = random_key(world, random);
  if (made.upper && *made.upper <= made.lower) made.upper.reset();
  const auto inside = [&](const ExceptionKey& key) {
    return key >= made.lower && (!made.upper || key < *made.upper);
  };
  std::string bytes;
  append_container_header(7, bytes);
  std::int64_t mark = 0;
  if (random() % 8 != 0) {
    std::vector<BlockRow> rows;
    for (NodeId node = 0; node < kNodes; ++node) {
      for (std::uint32_t id = 0; id < kProperties; ++id) {
        if (random() % 3 == 0) continue;
        BlockRow row;
        row.view.key.node_id = node;
        row.view.created_at = ++mark;
        row.property_id = id;
        rows.push_back(row);
        const ExceptionKey key{node, world.hash_of(id)};
        made.base_inside &= inside(key);
        if (inside(key)) made.model[key] = {kBlockAsOf, false, mark};
      }
    }
    auto context = test::context_for(world.codecs, 0);
    context.as_of = kBlockAsOf;
    if (!rows.empty()) REQUIRE(encode_block(rows, context, bytes));
  }
  for (std::uint64_t runs = random() % 3; runs > 0; --runs) {
    std::map<ExceptionKey, std::string> rows;
    const Sequence as_of = 101 + random() % 3;
    for (std::uint64_t i = 1 + random() % 6; i > 0; --i) {
      RowView row;
      row.record.key = random_key(world, random);
      if (!inside(row.record.key)) continue;
      row.kind = random() % 3 == 0 ? RowKind::remove : RowKind::store;
      row.record.created_at = ++mark;
      encode_row(row, rows[row.record.key] = std::string());
      made.model[row.record.key] = {as_of, row.kind == RowKind::remove, mark};
    }
    std::vector<std::string_view> views;
    for (const auto& [key, row] : rows) views.push_back(row);
    if (!views.empty()) append_run(views, as_of, bytes);
  }
  const BlockForm form = random() % 2 == 0 ? BlockForm::keys : BlockForm::columns;
  auto opened = PartitionImage::open(bytes, made.lower, made.upper, world.resolver, world.catalogue,
                                     Reasons::halves, form);
  REQUIRE(opened);
  made.image = *opened;
  return made;
}

void check(const World& world, const Image& made, const ClearList& clears,
           const PartitionImage& image) {
  const auto there = [&](const ExceptionKey& key, const Known& known) {
    return !known.removed && !clears.hides(key, known.as_of);
  };
  std::vector<std::pair<ExceptionKey, std::int64_t>> expected;
  for (const auto& [key, known] : made.model) {
    if (there(key, known)) expected.emplace_back(key, known.mark);
  }
  RowRoom room;
  if (!image.keys_alone()) REQUIRE(image.load(kAllColumns));
  const auto created_at = [&](PartitionImage::Row row) {
    ExceptionView view;
    REQUIRE(image.materialise(row, view, room));
    REQUIRE(view.key == image.key(row));
    if (!image.keys_alone()) REQUIRE(view.created_at == image.created_at(row));
    return view.created_at;
  };
  const auto said = [&](std::optional<NodeId> node) {
    std::vector<std::pair<ExceptionKey, std::int64_t>> all;
    const auto rows = image.rows(clears, node);
    REQUIRE(rows);
    for (const auto row : *rows) all.emplace_back(image.key(row), created_at(row));
    return all;
  };
  REQUIRE(said(std::nullopt) == expected);
  for (NodeId node = 0; node <= kNodes; ++node) {
    std::vector<std::pair<ExceptionKey, std::int64_t>> of_node;
    for (const auto& one : expected) {
      if (one.first.node_id == node) of_node.push_back(one);
    }
    REQUIRE(said(node) == of_node);
    REQUIRE(image.has_node(node, clears) == !of_node.empty());
    for (std::uint32_t id = 0; id < kProperties; ++id) {
      const ExceptionKey key{node, world.hash_of(id)};
      if (key < made.lower || (made.upper && key >= *made.upper)) continue;
      const auto found = image.find(key, clears);
      REQUIRE(found);
      const auto known = made.model.find(key);
      const bool is = known != made.model.end() && there(key, known->second);
      REQUIRE(found->has_value() == is);
      if (is) REQUIRE(created_at(**found) == known->second.mark);
    }
  }
}

void check(const World& world, const Image& made, const ClearList& clears) {
  check(world, made, clears, *made.image);
  if (!made.image->keys_alone()) return;
  const auto widened = made.image->with_columns(world.resolver);
  REQUIRE(widened);
  REQUIRE_FALSE((*widened)->keys_alone());
  REQUIRE((*widened)->id() == made.image->id());
  check(world, made, clears, **widened);
}

}  // namespace

TEST_CASE("a partition answers like a map, through runs, clears and bounds") {
  const auto seed = test::chosen_seed();
  INFO("CAVEAT_SEED=" << seed);
  std::mt19937_64 random(seed);
  const World world;
  std::size_t outside = 0;
  for (int round = 0; round < 1500; ++round) {
    CAPTURE(round);
    const Image made = random_image(world, random);
    // It may be taken for inside only if every row is; and is, unless a bound lies in a node of its
    // own.
    if (made.image->base_is_inside()) REQUIRE(made.base_inside);
    outside += made.base_inside ? 0 : 1;
    ClearList clears;
    check(world, made, clears);
    for (int i = 0; i < 2; ++i) {
      const Sequence at = 99 + random() % 6;
      if (random() % 2 == 0) {
        clears.add_node(random() % kNodes, at);
      } else {
        clears.add_property(random_key(world, random).property_hash, at);
      }
      check(world, made, clears);
    }
  }
  CHECK(outside > 100);
}

TEST_CASE("a block is inside of its partition if its nodes are, and may be if it shares one") {
  const World world;
  BlockRow row;
  row.view.key.node_id = 5;
  std::string bytes;
  append_container_header(7, bytes);
  REQUIRE(encode_block({&row, 1}, test::context_for(world.codecs, 0), bytes));
  const auto is_inside = [&](const ExceptionKey& lower, const std::optional<ExceptionKey>& upper) {
    const auto image =
        PartitionImage::open(bytes, lower, upper, world.resolver, world.catalogue).value();
    return image->base_is_inside();
  };
  CHECK(is_inside({}, std::nullopt));
  CHECK(is_inside({4, ~PropertyHash{0}}, ExceptionKey{6, 0}));
  CHECK_FALSE(is_inside({5, 1}, std::nullopt));
  CHECK_FALSE(is_inside({5, 0}, std::nullopt));
  CHECK_FALSE(is_inside({}, ExceptionKey{5, ~PropertyHash{0}}));
  CHECK_FALSE(is_inside({6, 0}, ExceptionKey{9, 0}));
}

}  // namespace caveat
