// What is chosen for records of every kind, and whether that is what the rule says.
#include <catch2/catch.hpp>

#include "engine/tuning/tuning_in_force.h"
#include "test/support/stores.h"
#include "test/tuning/sample_maker.h"

namespace caveat::test {

namespace {

Chosen chosen_for(Kind kind, const Options& options = {}, Moment moment = Moment::optimize,
                  std::size_t threads = 1) {
  SampleMaker maker(kind);
  const auto sample = maker.sample();
  WorkerPool workers(threads);
  return value_of(choose_layout(sample, moment, options, 7, 36, workers));
}

// Per mille, as docs/decisions/0130 has them.
std::uint64_t allowed(Tuned tuned) {
  switch (tuned) {
    case Tuned::codec:
      return 50;
    case Tuned::partition:
      return 30;
    case Tuned::dictionary:
      return 5;
    case Tuned::level:
    case Tuned::optimize_level:
      return 10;
  }
  return 0;
}

// Where the choice is not the cheapest of those that are nearly as small as the smallest. Trials
// are listed from the dearest on.
std::vector<std::string> violations(const Tuning& tuning, std::uint32_t rows_before = 0) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < kTunedCount; ++i) {
    const Choice& choice = tuning.choices[i];
    const auto tuned = static_cast<Tuned>(i + 1);
    std::uint64_t smallest = ~std::uint64_t{0};
    std::optional<std::uint32_t> right;
    for (const Trial& trial : choice.trials) {
      smallest = std::min<std::uint64_t>(smallest, trial.millibytes);
      std::uint64_t most = 1000 + allowed(tuned);
      if (tuned == Tuned::partition && rows_before != 0) {
        most = trial.value < rows_before ? most - 15 : most + 15;
      }
      if (trial.millibytes * std::uint64_t{1000} <= smallest * most) right = trial.value;
    }
    if (choice.chosen != right) found.push_back("choice " + std::to_string(i + 1));
  }
  return found;
}

std::uint32_t chosen(const Chosen& result, Tuned tuned) {
  const auto value = result.tuning.of(tuned).chosen;
  REQUIRE(value);
  return *value;
}

constexpr auto kNone = static_cast<std::uint32_t>(CompressionAlgorithm::None);
constexpr auto kZstd = static_cast<std::uint32_t>(CompressionAlgorithm::Zstd);

}  // namespace

TEST_CASE("of every kind of records the cheapest is taken that is nearly as small", "[tuning]") {
  for (const Kind kind : kKinds) {
    for (const Moment moment : {Moment::fold, Moment::optimize}) {
      const auto result = chosen_for(kind, {}, moment);
      CAPTURE(name_of(kind), static_cast<int>(moment));
      CHECK(violations(result.tuning).empty());
      CHECK(result.tuning.sampled_rows > 0);
      CHECK(result.tuning.of(Tuned::codec).chosen);
      CHECK(result.tuning.of(Tuned::partition).chosen);
      CHECK(result.tuning.of(Tuned::dictionary).chosen);
      CHECK(result.dictionary.has_value() ==
            (chosen(result, Tuned::dictionary) != 0 && chosen(result, Tuned::codec) == kZstd));
    }
  }
}

TEST_CASE("partitions keep their size unless another is clearly better", "[tuning]") {
  WorkerPool workers(1);
  for (const Kind kind : kKinds) {
    for (const std::uint32_t before : {32U, 64U, 128U, 256U}) {
      SampleMaker maker(kind);
      auto sample = maker.sample();
      sample.partition_records = before;
      const auto result = value_of(choose_layout(sample, Moment::optimize, {}, 7, 36, workers));
      CAPTURE(name_of(kind), before);
      CHECK(violations(result.tuning, before).empty());
      // What it chose it would choose again.
      sample.partition_records = chosen(result, Tuned::partition);
      const auto again = value_of(choose_layout(sample, Moment::optimize, {}, 7, 36, workers));
      CHECK(chosen(again, Tuned::partition) == sample.partition_records);
    }
  }
}

TEST_CASE("planted: a choice that is not the rule's is caught", "[tuning]") {
  auto tuning = chosen_for(Kind::phrases).tuning;
  REQUIRE(violations(tuning).empty());
  // It stopped at one that was too large: to take that, or the one before the right one, is wrong.
  Choice& partition = tuning.of(Tuned::partition);
  REQUIRE(partition.trials.size() >= 2);
  const Trial last = partition.trials.back();
  partition.trials.back().millibytes = partition.trials.front().millibytes * 2;
  partition.chosen = last.value;
  CHECK(violations(tuning) == std::vector<std::string>{"choice 3"});
  partition.trials.back().millibytes = partition.trials.front().millibytes;
  partition.chosen = partition.trials.front().value;
  CHECK(violations(tuning) == std::vector<std::string>{"choice 3"});
}

TEST_CASE("records that do not compress are not compressed, and lie in small partitions",
          "[tuning]") {
  const auto result = chosen_for(Kind::random_bytes);
  CHECK(chosen(result, Tuned::codec) == kNone);
  CHECK(chosen(result, Tuned::dictionary) == 0);
  CHECK(chosen(result, Tuned::partition) < 256);
  CHECK_FALSE(result.dictionary);
  // A codec that does nothing has no level.
  CHECK(result.tuning.of(Tuned::level).trials.empty());
}

TEST_CASE("records of repeated phrases are compressed", "[tuning]") {
  const auto result = chosen_for(Kind::phrases);
  CHECK(chosen(result, Tuned::codec) == kZstd);
  CHECK(result.tuning.of(Tuned::optimize_level).chosen);
}

TEST_CASE("a dictionary is not worth its bytes in a store of few records", "[tuning]") {
  SampleMaker maker(Kind::phrases);
  auto sample = maker.sample(5'000);
  WorkerPool workers(1);
  const auto small = value_of(choose_layout(sample, Moment::optimize, {}, 7, 36, workers));
  sample.records = 50'000'000;
  const auto large = value_of(choose_layout(sample, Moment::optimize, {}, 7, 36, workers));
  CHECK(chosen(small, Tuned::dictionary) <= chosen(large, Tuned::dictionary));
  CHECK(chosen(small, Tuned::dictionary) <= 16 << 10);
  CHECK(chosen(large, Tuned::dictionary) > 0);
}

TEST_CASE("the same sample gives the same choice, on any number of threads", "[tuning][threads]") {
  for (const Kind kind : {Kind::phrases, Kind::random_text}) {
    const auto once = chosen_for(kind);
    const auto again = chosen_for(kind, {}, Moment::optimize, 3);
    CHECK(once.tuning == again.tuning);
    CHECK(once.dictionary.has_value() == again.dictionary.has_value());
    if (once.dictionary && again.dictionary) {
      CHECK(once.dictionary->bytes == again.dictionary->bytes);
    }
  }
}

TEST_CASE("what the host says is not chosen, and the rest is measured with it", "[tuning]") {
  Options options;
  options.compression = CompressionAlgorithm::Zstd;
  options.partition_records = 64;
  options.partition_bytes = 4096;
  auto result = chosen_for(Kind::random_bytes, options);
  CHECK(result.tuning.of(Tuned::codec).trials.empty());
  CHECK(result.tuning.of(Tuned::partition).trials.empty());
  CHECK(result.tuning.of(Tuned::dictionary).chosen);

  options.dictionary_bytes = 0;
  options.compression_level = 5;
  options.optimize_compression_level = 7;
  result = chosen_for(Kind::phrases, options);
  for (const Choice& choice : result.tuning.choices) CHECK(choice.trials.empty());
  CHECK_FALSE(result.dictionary);
}

TEST_CASE("the host's word counts before the store's, and that before the defaults", "[tuning]") {
  Tuning tuning;
  tuning.of(Tuned::partition) = {64, {{64, 1}}};
  tuning.of(Tuned::codec) = {kNone, {{kNone, 1}}};
  Options options;
  options.partition_records = 512;
  const Layout layout = Layout::of(options, &tuning);
  CHECK(layout.partition_records == 512);
  CHECK(layout.partition_bytes == 64 * kBytesPerRow);
  CHECK(layout.codec == kNone);
  CHECK(layout.level == Layout{}.level);
  CHECK(Layout::of(options, nullptr).codec == kZstd);
}

TEST_CASE("a sample of nothing chooses nothing", "[tuning]") {
  WorkerPool workers(1);
  const auto result = value_of(choose_layout({}, Moment::fold, {}, 7, 36, workers));
  CHECK_FALSE(result.dictionary);
  for (const Choice& choice : result.tuning.choices) CHECK_FALSE(choice.chosen);
}

}  // namespace caveat::test
