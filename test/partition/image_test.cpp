// A partition as it is read: its block, the runs over it, and what of them cannot be.
#include <catch2/catch.hpp>
#include <limits>

#include "adapters/memory/memory_backend.h"
#include "engine/model/row.h"
#include "engine/model/value_encoding.h"
#include "engine/partition/container.h"
#include "engine/partition/partition_image.h"
#include "test/block/block_maker.h"

namespace caveat {
namespace {

// Properties 0 to 999 have an id each; those of ids beyond are not known.
class ImageMaker {
 public:
  ImageMaker() {
    REQUIRE(catalogue_.load(*backend_));
    // In two steps, so that the order of ids is not that of hashes.
    for (const PropertyHash first : {1, 2}) {
      std::vector<PropertyHash> hashes;
      for (PropertyHash hash = first; hash <= 1000; hash += 2) hashes.push_back(hash * 0x9E37'79B9);
      REQUIRE(catalogue_.assign(hashes, *backend_));
    }
  }

  // A block with one row for each (node, property id), which are sorted.
  [[nodiscard]] std::string container(
      const std::vector<std::pair<NodeId, std::uint32_t>>& keys) const {
    std::string bytes;
    append_container_header(7, bytes);
    if (keys.empty()) return bytes;
    std::vector<BlockRow> rows;
    for (const auto& [node, id] : keys) {
      BlockRow row;
      row.view.key.node_id = node;
      row.property_id = id;
      rows.push_back(row);
    }
    std::string block;
    REQUIRE(encode_block(rows, test::context_for(codecs_, 1), block));
    return bytes + block;
  }
  [[nodiscard]] PropertyHash hash_of(std::uint32_t id) const { return *catalogue_.hash_of(id); }
  [[nodiscard]] Result<std::shared_ptr<const PartitionImage>> open(std::string bytes) const {
    return PartitionImage::open(std::move(bytes), {}, std::nullopt, resolver_, catalogue_);
  }

 private:
  std::unique_ptr<KvBackend> backend_ = make_memory_backend();
  Catalogue catalogue_;
  CodecRegistry codecs_ = test::all_codecs();
  SimpleBlockResolver resolver_{codecs_};
};

std::string row_of(RowKind kind, const ExceptionKey& key) {
  RowView row;
  row.kind = kind;
  row.record.key = key;
  std::string bytes;
  encode_row(row, bytes);
  return bytes;
}

std::string run_of(const std::vector<std::string>& rows) {
  const std::vector<std::string_view> views(rows.begin(), rows.end());
  std::string bytes;
  append_run(views, 5, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("a container without rows has no node, and none with rows has others") {
  const ImageMaker maker;
  const ClearList no_clears;
  const auto empty = maker.open(maker.container({}));
  REQUIRE(empty);
  CHECK((*empty)->has_node(1, no_clears) == false);
  CHECK((*empty)->rows(no_clears)->empty());
  CHECK((*empty)->row_limit() == 0);
  CHECK((*empty)->load(kAllColumns));
  const auto one = maker.open(maker.container({{4, 1}}));
  REQUIRE(one);
  CHECK((*one)->has_node(4, no_clears) == true);
  CHECK((*one)->has_node(5, no_clears) == false);
  CHECK((*one)->row_limit() == 1);
}

TEST_CASE("a run with rows out of order, or of another kind, is refused", "[damage]") {
  const ImageMaker maker;
  const auto store = [&](NodeId node) { return row_of(RowKind::store, {node, maker.hash_of(1)}); };
  CHECK(maker.open(maker.container({}) + run_of({store(1), store(2)})));
  for (const auto& rows : {std::vector<std::string>{store(2), store(1)},
                           std::vector<std::string>{store(2), store(2)}}) {
    const auto refused = maker.open(maker.container({}) + run_of(rows));
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message(), Catch::Contains("rows out of order"));
  }
  for (const RowKind kind : {RowKind::clear_node, RowKind::clear_property}) {
    ExceptionKey key{kind == RowKind::clear_node ? NodeId{1} : 0,
                     kind == RowKind::clear_node ? 0 : maker.hash_of(1)};
    const auto refused = maker.open(maker.container({}) + run_of({row_of(kind, key)}));
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message(), Catch::Contains("a row of a wrong kind"));
  }
}

TEST_CASE("a block with a property that nobody knows is told, and its other rows are found",
          "[damage]") {
  const ImageMaker maker;
  const ClearList no_clears;
  const auto image = maker.open(maker.container({{1, 3}, {2, 5000}, {3, 4}}));
  REQUIRE(image);
  const auto rows = (*image)->rows(no_clears);
  REQUIRE_FALSE(rows);
  CHECK(rows.error().code() == ErrorCode::corruption);
  CHECK_THAT(rows.error().message(),
             Catch::StartsWith("primary node 0") &&
                 Catch::Contains("property id 5000 is not in the catalogue"));
  CHECK(*(*image)->find({1, maker.hash_of(3)}, no_clears));
  CHECK(*(*image)->find({3, maker.hash_of(4)}, no_clears));
  (*image)->order_keys();
  CHECK_FALSE((*image)->base()->has_key_order());
}

TEST_CASE("rows of a node are in the order of hashes, however many it has") {
  const ImageMaker maker;
  const ClearList no_clears;
  for (const std::uint32_t count : {200U, 256U, 257U, 900U}) {
    std::vector<std::pair<NodeId, std::uint32_t>> keys;
    for (std::uint32_t id = 0; id < count; ++id) keys.push_back({7, id});
    keys.push_back({8, 0});
    const auto image = maker.open(maker.container(keys));
    REQUIRE(image);
    (*image)->order_keys();
    CHECK((*image)->base()->has_key_order() == (count <= 256));
    const auto rows = (*image)->rows(no_clears);
    REQUIRE(rows);
    REQUIRE(rows->size() == count + 1);
    for (std::size_t i = 1; i < rows->size(); ++i) {
      REQUIRE((*image)->key((*rows)[i - 1]) < (*image)->key((*rows)[i]));
    }
  }
}

TEST_CASE("columns of a row are read alike from the block and from a run") {
  const ImageMaker maker;
  const ClearList no_clears;
  RowView newer;
  newer.kind = RowKind::store;
  newer.record.key = {2, maker.hash_of(1)};
  newer.record.source = ExceptionSource::Imported;
  newer.record.confidence = 0.25F;
  newer.record.created_at = 77;
  std::string run;
  encode_row(newer, run);
  const auto opened = maker.open(maker.container({{1, 1}, {2, 1}}) + run_of({run}));
  REQUIRE(opened);
  const PartitionImage& image = **opened;
  REQUIRE(image.load(kAllColumns));
  const auto rows = image.rows(no_clears);
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  const ExceptionView plain;
  CHECK_FALSE((*rows)[0].in_run());
  CHECK(image.property_hash((*rows)[0]) == maker.hash_of(1));
  CHECK(image.source((*rows)[0]) == plain.source);
  CHECK(image.confidence((*rows)[0]) == plain.confidence);
  CHECK(image.created_at((*rows)[0]) == plain.created_at);
  CHECK((*rows)[1].in_run());
  CHECK(image.property_hash((*rows)[1]) == maker.hash_of(1));
  CHECK(image.source((*rows)[1]) == ExceptionSource::Imported);
  CHECK(image.confidence((*rows)[1]) == 0.25F);
  CHECK(image.created_at((*rows)[1]) == 77);
}

// Asked of every container that the backend writes out: of whole ones it answers, and of no bytes
// it reads one that is not there.
TEST_CASE("a container asks to be rewritten once its runs hold sixteen rows, however many runs") {
  const ImageMaker maker;
  const auto run = [&](std::size_t rows) {
    std::vector<std::string> bytes;
    for (NodeId node = 0; node < rows; ++node) {
      bytes.push_back(row_of(RowKind::store, {node, maker.hash_of(1)}));
    }
    return run_of(bytes);
  };
  const std::string bare = maker.container({});
  const std::string with_block = maker.container({{1, 1}, {2, 1}});
  for (const std::string& base : {bare, with_block}) {
    CHECK_FALSE(container_needs_rewrite(base));
    CHECK_FALSE(container_needs_rewrite(base + run(15)));
    CHECK(container_needs_rewrite(base + run(16)));
    CHECK(container_needs_rewrite(base + run(40)));
    CHECK_FALSE(container_needs_rewrite(base + run(7) + run(8)));
    CHECK(container_needs_rewrite(base + run(7) + run(9)));
    CHECK(container_needs_rewrite(base + run(7) + run(8) + run(1)));
    // What comes behind is no run: nothing is said of it, and verify will.
    CHECK_FALSE(container_needs_rewrite(base + run(16) + "x"));
    const std::string whole = base + run(16);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // From the heap, so that a byte too many is seen.
      const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(container_needs_rewrite({cut.data(), cut.size()}));
    }
  }
  std::string other = bare + run(16);
  other[0] ^= 1;
  CHECK_FALSE(container_needs_rewrite(other));
  CHECK_FALSE(container_needs_rewrite(bare + std::string(60, 'x')));
}

TEST_CASE("each reserved byte of a container and of a run is checked", "[damage]") {
  const ImageMaker maker;
  const auto run = run_of({row_of(RowKind::store, {1, maker.hash_of(1)})});
  const std::string whole = maker.container({}) + run;
  REQUIRE(maker.open(whole));
  for (const std::size_t at : {5U, 6U, 7U}) {
    std::string header = whole;
    header[at] = 1;
    CHECK_THAT(maker.open(header).error().message(), Catch::Contains("reserved bytes"));
    std::string damaged = whole;
    damaged[whole.size() - run.size() + at] = 1;
    CHECK_THAT(maker.open(damaged).error().message(), Catch::Contains("unknown version"));
  }
}

// The first row of the next node was compared with a row behind the last one: a read of memory that
// nobody had written, which only a build with checked containers sees.
TEST_CASE("a node after one of which nothing is left is read in its order") {
  const ImageMaker maker;
  ClearList clears;
  clears.add_node(2, std::numeric_limits<Sequence>::max());
  const auto image = maker.open(maker.container({{1, 1}, {2, 1}, {3, 1}, {3, 2}, {3, 3}}));
  REQUIRE(image);
  const auto rows = (*image)->rows(clears);
  REQUIRE(rows);
  REQUIRE(rows->size() == 4);
  for (std::size_t i = 1; i < rows->size(); ++i) {
    CHECK((*image)->key((*rows)[i - 1]) < (*image)->key((*rows)[i]));
  }
}

}  // namespace caveat
