// Codecs and dictionaries of a whole store: the host's own codec, blocks of several codecs, and
// what happens when a codec is not registered any more.
#include <algorithm>
#include <random>
#include <set>

#include "test/engine/patient.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

constexpr CodecId kMine = 200;
constexpr NodeId kNodes = 3000;

// Our own: lz4 behind a mark of one byte.
class MarkedCodec final : public CustomCompressor {
 public:
  std::string_view name() const noexcept override { return "marked"; }
  Result<void> compress(std::string_view raw, const CompressionDictionary*,
                        std::string& out) const override {
    out.push_back('#');
    CAVEAT_ASSIGN(const Codec* lz4, registry_.find(static_cast<CodecId>(1)));
    return lz4->compress(raw, nullptr, out);
  }
  Result<void> decompress(std::string_view stored, const CompressionDictionary*,
                          std::span<char> out) const override {
    if (stored.empty() || stored[0] != '#') return fail(ErrorCode::corruption, "marked: no mark");
    CAVEAT_ASSIGN(const Codec* lz4, registry_.find(static_cast<CodecId>(1)));
    return lz4->decompress(stored.substr(1), nullptr, out);
  }

 private:
  CodecRegistry registry_ = CodecRegistry::built_in(3);
};

// The same, and while it is told to it fails on texts: keys and numbers are inflated as ever.
class FussyCodec final : public CustomCompressor {
 public:
  explicit FussyCodec(std::shared_ptr<bool> fussy) : fussy_(std::move(fussy)) {}
  std::string_view name() const noexcept override { return "fussy"; }
  Result<void> compress(std::string_view raw, const CompressionDictionary* dictionary,
                        std::string& out) const override {
    if (compresses) return marked_.compress(raw, dictionary, out);
    return fail(ErrorCode::limit_exceeded, "fussy: not now");
  }
  bool compresses = true;
  Result<void> decompress(std::string_view stored, const CompressionDictionary* dictionary,
                          std::span<char> out) const override {
    CAVEAT_TRY(marked_.decompress(stored, dictionary, out));
    const std::string_view text(out.data(), out.size());
    const bool refused = *fussy_ && text.find("everybody") != text.npos;
    return refused ? fail(ErrorCode::corruption, "fussy: no") : Result<void>();
  }

 private:
  MarkedCodec marked_;
  std::shared_ptr<bool> fussy_;
};

Options with(CompressionAlgorithm algorithm, bool registered) {
  Options options;
  options.compression = algorithm;
  options.custom_codec_id = kMine;
  options.background_maintenance = false;
  if (registered) options.custom_codecs.emplace_back(kMine, std::make_shared<MarkedCodec>());
  return options;
}

ExceptionRecord record(NodeId node, int version) {
  ExceptionRecord record;
  record.key = {node, hash_property("p")};
  record.exception.inherited_value = "the value that everybody inherits";
  record.exception.actual_value = static_cast<std::int64_t>(node);
  record.exception.reason =
      "observed by station " + std::to_string(node % 40) + ", version " + std::to_string(version);
  return record;
}

// Of a few words in any order, so that a dictionary of them is worth it.
std::vector<ExceptionRecord> wordy_records() {
  const char* vocabulary[] = {"observed ",    "inherited ",  "contradicts ",  "the parent ",
                              "measurement ", "by curator ", "in the field ", "since review "};
  std::vector<ExceptionRecord> records;
  for (NodeId node = 0; node < 20'000; ++node) {
    std::mt19937_64 random(node);
    std::string words;
    for (int i = 0; i < 20; ++i) words += vocabulary[random() % 8] + std::to_string(random() % 97);
    records.push_back(record(node, 1));
    records.back().exception.reason = words;
  }
  return records;
}

class CodecWorld {
 public:
  StorageOptimizer open(const Options& options) {
    return value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(memory_), options));
  }
  void fill(StorageOptimizer& store, NodeId begin, NodeId end, int version) {
    std::vector<ExceptionRecord> records;
    for (NodeId node = begin; node < end; ++node) records.push_back(record(node, version));
    value_of(store.bulk_store(records));
    value_of(store.flush());
  }

 private:
  std::shared_ptr<KvBackend> memory_ = shared_memory_backend();
};

std::set<CodecId> codecs_of(StorageOptimizer& store) {
  std::set<CodecId> codecs;
  for (const auto& partition : value_of(CompressedExceptionStore(store).partitions())) {
    codecs.insert(partition.codec);
  }
  return codecs;
}

}  // namespace

TEST_CASE("a codec of the host's is used, and needed at every open", "[codec]") {
  CodecWorld world;
  {
    auto store = world.open(with(CompressionAlgorithm::Custom, true));
    world.fill(store, 0, kNodes, 1);
    CHECK(codecs_of(store) == std::set<CodecId>{kMine});
  }
  {
    auto store = world.open(with(CompressionAlgorithm::Custom, true));
    CHECK(value_of(store.retrieve_exception(record(7, 1).key)) == record(7, 1).exception);
    CHECK(value_of(store.verify()).errors.empty());
  }
  {  // Not registered: the store opens, and whatever needs no such block goes on.
    auto store = world.open(with(CompressionAlgorithm::Zstd, false));
    const auto lost = store.retrieve_exception(record(7, 1).key);
    REQUIRE_FALSE(lost.has_value());
    INFO(lost.error().message());
    CHECK(lost.error().code() == ErrorCode::codec_missing);
    CHECK_THAT(lost.error().message(), Catch::Contains("200"));
    value_of(store.store_exception(record(7, 2).key, record(7, 2).exception));
    CHECK(value_of(store.retrieve_exception(record(7, 2).key)) == record(7, 2).exception);
    // A fold has to put it beside a block that it cannot read; no write fails for it.
    value_of(store.flush());
    for (NodeId node = 0; node < kNodes; node += 100) {
      value_of(store.store_exception(record(node, 3).key, record(node, 3).exception));
    }
    value_of(store.flush());
    value_of(store.store_exception(record(kNodes + 1, 1).key, record(kNodes + 1, 1).exception));
  }
  {  // Registered again: everything is there.
    auto store = world.open(with(CompressionAlgorithm::Custom, true));
    CHECK(value_of(store.count({})) == kNodes + 1);
    CHECK(value_of(store.retrieve_exception(record(7, 2).key)) == record(7, 2).exception);
    CHECK(value_of(store.retrieve_exception(record(8, 1).key)) == record(8, 1).exception);
    CHECK(value_of(store.verify()).errors.empty());
  }
}

// They failed as a whole, while damaged partitions were left out.
TEST_CASE("figures leave out partitions whose codec is not there, and say so",
          "[codec][regression]") {
  CodecWorld world;
  {
    auto store = world.open(with(CompressionAlgorithm::Custom, true));
    world.fill(store, 0, kNodes, 1);
  }
  {
    auto store = world.open(with(CompressionAlgorithm::Zstd, true));
    world.fill(store, kNodes, 2 * kNodes, 1);
  }
  std::vector<ErrorCode> told;
  Options options = with(CompressionAlgorithm::Zstd, false);
  options.on_background_error = [&](const StorageError& error) { told.push_back(error.code()); };
  auto store = world.open(options);
  const auto before = value_of(store.get_storage_statistics());
  CHECK(before.total_exceptions == 2 * kNodes);  // no row waits: the directory knows
  for (NodeId node = 0; node < kNodes; node += 500) {
    value_of(store.store_exception(record(node, 2).key, record(node, 2).exception));
  }
  value_of(store.flush());
  told.clear();
  const auto figures = value_of(store.get_storage_statistics());
  CHECK(figures.total_exceptions_min < 2 * kNodes);
  CHECK(figures.total_exceptions_max > 2 * kNodes);
  const auto skipped =
      static_cast<std::uint64_t>(std::count(told.begin(), told.end(), ErrorCode::codec_missing));
  CHECK(skipped >= 6);  // one run each
  CHECK(figures.background_errors >= skipped);
  CHECK_FALSE(value_of(store.column_statistics()).empty());
}

TEST_CASE("blocks that the host's codec cannot inflate are damage, and their keys are known",
          "[codec][damage]") {
  const auto fussy = std::make_shared<bool>(false);
  Options options = with(CompressionAlgorithm::Custom, false);
  options.custom_codecs.emplace_back(kMine, std::make_shared<FussyCodec>(fussy));
  options.partition_records = 64;
  CodecWorld world;
  {
    auto store = world.open(options);
    world.fill(store, 0, 1000, 1);
    value_of(store.close());
  }
  *fussy = true;
  {
    auto store = world.open(options);
    const auto partitions = store.estimate_storage_statistics().partitions;
    CHECK(value_of(store.contains(record(7, 1).key)));
    const auto lost = store.retrieve_exception(record(7, 1).key);
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code() == ErrorCode::corruption);
    CHECK_THAT(lost.error().message(), Catch::Contains("primary node 0 "));
    CHECK(value_of(store.verify()).error_count == partitions);
    for (const std::size_t limit : {Query().limit, std::size_t{1}}) {  // whole blocks, and a record
      Query query;
      query.limit = limit;
      auto cursor = value_of(store.query(query));
      std::size_t skipped = 0;
      for (;;) {
        const auto next = cursor.next();
        if (next) {
          CHECK(*next == nullptr);
          break;
        }
        CHECK_THAT(next.error().message(), Catch::Contains("fussy"));
        ++skipped;
        REQUIRE(cursor.skip_damage());
        REQUIRE(skipped <= partitions);
      }
      CHECK(skipped == partitions);
    }
    const auto done = value_of(store.optimize_storage());
    CHECK(done.partitions_skipped == partitions);
    REQUIRE(done.first_error);
    CHECK_THAT(done.first_error->message(), Catch::Contains("fussy"));
  }
  *fussy = false;
  auto store = world.open(options);
  CHECK(value_of(store.retrieve_exception(record(7, 1).key)) == record(7, 1).exception);
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("codecs of a host's are refused twice under one id, and under the library's", "[codec]") {
  for (const CodecId second : {kMine, CodecId{3}}) {
    Options options = with(CompressionAlgorithm::Zstd, true);
    options.custom_codecs.emplace_back(second, std::make_shared<MarkedCodec>());
    const auto refused =
        StorageOptimizer::open(std::make_unique<BackendDouble>(shared_memory_backend()), options);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message(), Catch::Contains("codec id " + std::to_string(second)));
  }
}

TEST_CASE("a codec that is asked for must be registered", "[codec]") {
  CodecWorld world;
  const auto refused =
      StorageOptimizer::open(std::make_unique<BackendDouble>(shared_memory_backend()),
                             with(CompressionAlgorithm::Custom, false));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == ErrorCode::codec_missing);
  CHECK_THAT(refused.error().message(), Catch::Contains("200"));
}

TEST_CASE("a store of several codecs is read whole, and optimize re-encodes it", "[codec]") {
  CodecWorld world;
  int part = 0;
  for (const auto algorithm : {CompressionAlgorithm::None, CompressionAlgorithm::Lz4,
                               CompressionAlgorithm::Custom, CompressionAlgorithm::Zstd}) {
    auto store = world.open(with(algorithm, true));
    const NodeId begin = static_cast<NodeId>(part++) * kNodes;
    world.fill(store, begin, begin + kNodes, 1);
  }
  auto store = world.open(with(CompressionAlgorithm::Zstd, true));
  CHECK(codecs_of(store) == std::set<CodecId>{0, 1, 2, kMine});
  CHECK(value_of(store.verify()).errors.empty());
  value_of(store.optimize_storage());
  CHECK(codecs_of(store) == std::set<CodecId>{2});
  CHECK(value_of(store.count({})) == 4 * kNodes);
  for (NodeId node = 0; node < 4 * kNodes; node += 37) {
    REQUIRE(value_of(store.retrieve_exception(record(node, 1).key)) == record(node, 1).exception);
  }
  CHECK(value_of(store.verify()).errors.empty());
}

TEST_CASE("a dictionary is trained once there is enough, and used from then on", "[codec]") {
  CodecWorld world;
  auto store = world.open(with(CompressionAlgorithm::Zstd, false));
  const std::vector<ExceptionRecord> records = wordy_records();
  value_of(store.bulk_store(std::span(records).first(50)));
  value_of(store.flush());
  CHECK(store.estimate_storage_statistics().dictionaries == 0);
  value_of(store.bulk_store(records));
  value_of(store.flush());
  CHECK(store.estimate_storage_statistics().dictionaries >= 1);
  const auto named = [&] {
    std::size_t count = 0;
    for (const auto& partition : value_of(CompressedExceptionStore(store).partitions())) {
      count += partition.dictionary != 0 ? 1U : 0U;
    }
    return count;
  };
  CHECK(named() > 0);
  value_of(store.optimize_storage());
  CHECK(named() == store.estimate_storage_statistics().partitions);
  CHECK(store.estimate_storage_statistics().dictionaries == 1);  // the old one is dropped
  value_of(store.close());
  auto again = world.open(with(CompressionAlgorithm::Zstd, false));
  for (NodeId node = 0; node < 20'000; node += 211) {
    REQUIRE(value_of(again.retrieve_exception(records[node].key)) == records[node].exception);
  }
}

TEST_CASE("a dictionary stays while a partition or a reader may need it, and goes then",
          "[codec]") {
  std::vector<ExceptionRecord> records = wordy_records();
  records.resize(4000);  // no layout is chosen of so few
  patient::Patient p;
  p.options = with(CompressionAlgorithm::Zstd, false);
  p.options.cache_bytes = 256 << 10;  // what is read is inflated again
  {
    auto store = p.open();
    value_of(store.bulk_store(records));
    const auto dictionaries = [&] { return store.estimate_storage_statistics().dictionaries; };
    const auto optimize = [&] {
      const auto done = value_of(store.optimize_storage());
      CHECK(done.dictionaries_trained == 1);
      return done.partitions_skipped;
    };
    CHECK(optimize() == 0);
    CHECK(dictionaries() == 1);
    p.make_ill(7, ErrorCode::corruption);
    CHECK(optimize() == 1);
    p.ailment->places.clear();
    CHECK(dictionaries() == 2);
    CHECK(value_of(store.verify()).sound());
    {
      const Snapshot old = store.snapshot();
      CHECK(optimize() == 0);
      auto cursor = value_of(store.query({}, &old));
      std::size_t read = 0;
      while (const ExceptionView* there = value_of(cursor.next())) {
        REQUIRE(there->reason == records.at(read++).exception.reason);
      }
      CHECK(read == records.size());
    }
    CHECK(optimize() == 0);
    CHECK(dictionaries() == 1);
    value_of(store.close());
  }
  p.options.dictionary_bytes = 0;
  auto store = p.open();
  CHECK(value_of(store.optimize_storage()).dictionaries_trained == 0);
  CHECK(store.estimate_storage_statistics().dictionaries == 0);
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("a codec of the host's has an id of the host's", "[regression]") {
  for (const int id : {0, 1, 2, 127}) {
    auto options = with(CompressionAlgorithm::Custom, true);
    options.custom_codec_id = static_cast<CodecId>(id);
    const auto refused =
        StorageOptimizer::open(std::make_unique<BackendDouble>(shared_memory_backend()), options);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a fold that the host's codec refuses fails, and is done when it no longer does",
          "[codec]") {
  const auto codec = std::make_shared<FussyCodec>(std::make_shared<bool>(false));
  Options options = with(CompressionAlgorithm::Custom, false);
  options.custom_codecs.emplace_back(kMine, codec);
  options.partition_records = 64;
  CodecWorld world;
  {
    auto store = world.open(options);
    codec->compresses = false;
    for (NodeId node = 0; node < 1000; ++node) {
      const auto one = record(node, 1);
      value_of(store.store_exception(one.key, one.exception));
    }
    const auto refused = store.flush();  // there is no partition that the records could lie beside
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::limit_exceeded);
    CHECK_THAT(refused.error().message(), Catch::Contains("fussy: not now"));
    CHECK(value_of(store.count({})) == 1000);
    codec->compresses = true;
    value_of(store.flush());
    // Where there is one they wait in it.
    codec->compresses = false;
    world.fill(store, 500, 700, 2);
    value_of(store.flush());
    CHECK(value_of(store.count({})) == 1000);
    codec->compresses = true;
    value_of(store.close());
  }
  auto store = world.open(options);
  CHECK(value_of(store.count({})) == 1000);
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("what the host's codec cannot compress stays as it is stored", "[codec]") {
  for (const std::size_t dictionary : {0, 4096}) {  // which is learnt all the same
    const auto codec = std::make_shared<FussyCodec>(std::make_shared<bool>(false));
    Options options = with(CompressionAlgorithm::Custom, false);
    options.custom_codecs.emplace_back(kMine, codec);
    options.partition_records = 256;
    CodecWorld world;
    {
      auto store = world.open(options);
      world.fill(store, 0, 20'000, 1);
      value_of(store.close());
    }
    options.partition_records = 64;  // the rewrite of a stretch has many pieces
    options.dictionary_bytes = dictionary;
    auto store = world.open(options);
    const auto before = store.estimate_storage_statistics().partitions;
    codec->compresses = false;
    const auto done = value_of(store.optimize_storage());
    CHECK(done.partitions_rewritten == 0);
    CHECK(done.partitions_skipped == before);
    CHECK(done.dictionaries_trained == (dictionary == 0 ? 0 : 1));
    REQUIRE(done.first_error);
    CHECK_THAT(done.first_error->message(), Catch::Contains("fussy: not now"));
    CHECK(value_of(store.count({})) == 20'000);
    codec->compresses = true;
    CHECK(value_of(store.optimize_storage()).partitions_skipped == 0);
    CHECK(store.estimate_storage_statistics().partitions > before * 2);
    CHECK(value_of(store.verify()).sound());
  }
}

}  // namespace caveat::test
