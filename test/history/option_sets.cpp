#include "test/history/option_sets.h"

#include <algorithm>
#include <atomic>
#include <random>

namespace caveat::test {

namespace {

using Kind = Operation::Kind;

constexpr CodecId kOwnCodec = 200;

// Turns every bit: what is not decoded by it is no record.
class InvertingCodec final : public CustomCompressor {
 public:
  std::string_view name() const noexcept override { return "inverting"; }
  Result<void> compress(std::string_view raw, const CompressionDictionary*,
                        std::string& out) const override {
    for (const char c : raw) out.push_back(static_cast<char>(~c));
    return {};
  }
  Result<void> decompress(std::string_view stored, const CompressionDictionary*,
                          std::span<char> out) const override {
    if (stored.size() != out.size()) return fail(ErrorCode::corruption, "inverting: size");
    std::transform(stored.begin(), stored.end(), out.begin(),
                   [](char c) { return static_cast<char>(~c); });
    return {};
  }
};

void tiny_blocks(Options& options) {
  options.partition_records = 16;
  options.partition_bytes = 1024;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.delta_bytes = 16 << 10;
}

void huge_blocks(Options& options) {
  options.partition_records = 4096;
  options.partition_bytes = 64 * kMiB;
}

void own_codec(Options& options) {
  options.compression = CompressionAlgorithm::Custom;
  options.custom_codec_id = kOwnCodec;
  options.custom_codecs.emplace_back(kOwnCodec, std::make_shared<InvertingCodec>());
}

// Now the one key, now the other: many an open begins a rotation, which an optimize ends.
class ChangingKeys final : public KeyProvider {
 public:
  KeyId current() const override { return asked_++ % 5 < 2 ? 1 : 2; }
  Result<SecretKey> key(KeyId id) const override {
    return SecretKey::from_hex(std::string(2 * kKeyBytes, static_cast<char>('0' + id)));
  }

 private:
  mutable std::atomic<KeyId> asked_{0};
};

void encrypted(Options& options) {
  if (built_in_cipher() != nullptr) options.encryption.keys = std::make_shared<ChangingKeys>();
}

}  // namespace

std::vector<OptionSet> option_sets() {
  std::vector<OptionSet> sets;
  const auto add = [&](std::string name, bool on_disk, const auto& change) {
    OptionSet& set = sets.emplace_back();
    set.name = std::move(name) + (on_disk ? ", on disk" : ", in memory");
    set.on_disk = on_disk;
    change(set);
  };
  for (const bool on_disk : {false, true}) {
    add("defaults", on_disk, [](OptionSet&) {});
    add("tiny blocks and delta", on_disk, [](OptionSet& set) { tiny_blocks(set.options); });
    add("huge blocks, lz4", on_disk, [](OptionSet& set) {
      huge_blocks(set.options);
      set.options.compression = CompressionAlgorithm::Lz4;
      set.options.dictionary_bytes = 0;
    });
    add("a codec of the host's", on_disk, [](OptionSet& set) {
      own_codec(set.options);
      set.options.partition_records = 64;
    });
  }
  add("caches of one entry", false, [](OptionSet& set) {
    set.options.cache_bytes = 48 << 10;
    set.options.delta_bytes = 32 << 10;
  });
  add("no cache, writers fold", false, [](OptionSet& set) {
    tiny_blocks(set.options);
    set.options.cache_bytes = 1;
    set.options.background_maintenance = false;
  });
  add("zstd 19, small dictionaries", false, [](OptionSet& set) {
    set.options.compression_level = set.options.optimize_compression_level = 19;
    set.options.dictionary_bytes = 4 << 10;
  });
  add("everything in the delta", false,
      [](OptionSet& set) { set.options.background_maintenance = false; });
  add("a fold behind every seven", false, [](OptionSet& set) {
    tiny_blocks(set.options);
    set.forced_every = 7;
  });
  add("splits and joins, an optimize behind every forty", false, [](OptionSet& set) {
    tiny_blocks(set.options);
    set.options.compression = CompressionAlgorithm::None;
    set.forced_every = 40;
    set.forced = Kind::optimize;
  });
  add("a crash behind every fifty", false, [](OptionSet& set) {
    tiny_blocks(set.options);
    set.forced_every = 50;
    set.forced = Kind::crash;
  });
  add("encrypted, a crash behind every seventy", false, [](OptionSet& set) {
    tiny_blocks(set.options);
    encrypted(set.options);
    set.forced_every = 70;
    set.forced = Kind::crash;
  });
  add("encrypted, a reopen behind every ninety", true, [](OptionSet& set) {
    tiny_blocks(set.options);
    encrypted(set.options);
    set.forced_every = 90;
    set.forced = Kind::reopen;
  });
  add("budget at the floor", true, [](OptionSet& set) {
    set.options.memory_budget_bytes = kMemoryBudgetMin;
    set.options.cache_bytes = 32 << 10;
  });
  add("no durability, no compression", true, [](OptionSet& set) {
    set.options.durability = Durability::none;
    set.options.compression = CompressionAlgorithm::None;
    set.options.partition_records = 32;
  });
  add("fsync", true, [](OptionSet& set) {
    set.options.durability = Durability::fsync;
    set.options.background_maintenance = false;
  });
  add("a rebuild behind every sixty", true, [](OptionSet& set) {
    tiny_blocks(set.options);
    set.forced_every = 60;
    set.forced = Kind::rebuild;
  });
  add("a reopen behind every eighty", true, [](OptionSet& set) {
    set.options.partition_records = 64;
    set.forced_every = 80;
    set.forced = Kind::reopen;
  });
  return sets;
}

OptionSet random_option_set(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto one_of = [&](auto... values) {
    const std::common_type_t<decltype(values)...> all[] = {values...};
    return all[random() % sizeof...(values)];
  };
  OptionSet set;
  set.name = "random " + std::to_string(seed);
  set.on_disk = random() % 2 == 0;
  Options& o = set.options;
  o.durability = one_of(Durability::none, Durability::wal, Durability::wal, Durability::fsync);
  o.background_maintenance = random() % 2 == 0;
  o.memory_budget_bytes = one_of(kMemoryBudgetMin, 16 * kMiB, 256 * kMiB);
  o.cache_bytes = one_of(0U, 1U, 8U << 10, 48U << 10, 1U << 20);
  o.delta_bytes = one_of(0U, 8U << 10, 16U << 10, 128U << 10, 1U << 20);
  o.partition_records = one_of(16U, 17U, 64U, 256U, 4096U);
  o.partition_bytes = one_of(std::size_t{1024}, std::size_t{32} << 10, 64 * kMiB);
  o.compression_level = one_of(1, 3, 19);
  o.optimize_compression_level = one_of(1, 12, 19);
  o.dictionary_bytes = one_of(0U, 1U << 10, 112U << 10);
  o.compression = one_of(CompressionAlgorithm::None, CompressionAlgorithm::Lz4,
                         CompressionAlgorithm::Zstd, CompressionAlgorithm::Custom);
  if (o.compression == CompressionAlgorithm::Custom) own_codec(o);
  set.forced_every = one_of(0U, 0U, 5U, 20U, 100U);
  set.forced = one_of(Kind::flush, Kind::optimize, Kind::rebuild, Kind::crash, Kind::compact);
  if (random() % 4 == 0) encrypted(o);
  return set;
}

std::optional<OptionSet> option_set_named(std::string_view name) {
  for (auto& set : option_sets()) {
    if (set.name == name) return set;
  }
  constexpr std::string_view kRandom = "random ";
  if (name.substr(0, kRandom.size()) != kRandom) return std::nullopt;
  return random_option_set(std::strtoull(name.data() + kRandom.size(), nullptr, 10));
}

}  // namespace caveat::test
