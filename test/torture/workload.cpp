#include "test/torture/workload.h"

#include <random>

namespace caveat::test {

namespace {

constexpr NodeId kNodes = 160;

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDULL;
  return x ^ (x >> 29);
}

std::uint64_t hash(const ExceptionKey& key, std::uint64_t number) {
  return mix(mix(key.node_id * 0x9E3779B97F4A7C15ULL ^ key.property_hash) + number);
}

class Maker {
 public:
  Maker(std::string_view name, std::uint64_t seed) : random_(seed * 1'000'003 + name.size()) {
    made_.name = name;
    made_.seed = seed;
    made_.steps.push_back({.kind = Step::Kind::names, .changes = {}});
  }

  [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void add(Step::Kind kind, Durability durability = Durability::wal,
           std::vector<Change> changes = {}) {
    made_.steps.push_back({kind, durability, std::move(changes)});
  }
  ExceptionKey key(NodeId first = 0) {
    return {first + below(kNodes), hash_property(property_name(below(kTortureProperties)))};
  }
  Change store(const ExceptionKey& key) { return {Change::Kind::store, key, ++number_}; }

  // One write in eight reaches the device.
  Durability durability() { return below(8) == 0 ? Durability::fsync : Durability::wal; }

  void single() {
    const auto dice = below(40);
    if (dice < 4) return add(Step::Kind::single, Durability::none, {store(key(kLooseNode))});
    if (dice < 6) return add(Step::Kind::exchange, durability(), {store(key())});
    Change change = store(key());
    if (dice < 10) change.kind = Change::Kind::remove;
    if (dice == 10) change.kind = Change::Kind::clear_node;
    if (dice == 11 && below(3) == 0) change.kind = Change::Kind::clear_property;
    add(Step::Kind::single, durability(), {change});
  }
  void batch(std::size_t rows) {
    std::vector<Change> changes;
    for (std::size_t i = 1 + below(rows); i > 0; --i) {
      Change change = store(key());
      const auto dice = below(30);
      if (dice < 3) change.kind = Change::Kind::remove;
      if (dice == 3) change.kind = Change::Kind::clear_node;
      changes.push_back(change);
    }
    add(Step::Kind::batch, durability(), std::move(changes));
  }
  void bulk(std::size_t rows, NodeId first = 0) {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < rows; ++i) changes.push_back(store(key(first)));
    add(Step::Kind::bulk, durability(), std::move(changes));
  }
  Workload done() {
    add(Step::Kind::close);
    return std::move(made_);
  }

 private:
  std::mt19937_64 random_;
  std::uint64_t number_ = 0;
  Workload made_;
};

// One record at a time: the delta fills and is folded by its writers, over and over.
void make_singles(Maker& maker) {
  for (int i = 0; i < 900; ++i) {
    maker.single();
    if (i % 240 == 200) maker.add(Step::Kind::flush);
    if (i % 500 == 490) maker.add(Step::Kind::statistics);
    if (i % 400 == 399) maker.add(Step::Kind::reopen);
  }
}

// Batches with clears in them, and each call of maintenance.
void make_batches(Maker& maker) {
  for (int i = 0; i < 160; ++i) {
    maker.batch(30);
    if (i % 10 == 3) maker.single();
    if (i % 30 == 9) maker.bulk(150);
    if (i % 50 == 20) maker.add(Step::Kind::optimize);
    if (i % 60 == 40) maker.add(Step::Kind::rebuild);
    if (i % 70 == 60) maker.add(Step::Kind::compact);
    if (i == 100) maker.add(Step::Kind::reopen);
  }
}

// Loads, as an import does them, into new ranges and over old ones; partitions are cut.
void make_import(Maker& maker) {
  for (int i = 0; i < 14; ++i) {
    maker.bulk(700, static_cast<NodeId>(i % 10) * kNodes);
    for (int k = 0; k < 5; ++k) maker.single();
    if (i % 5 == 3) maker.add(Step::Kind::flush);
    if (i % 6 == 5) maker.add(Step::Kind::optimize);
    if (i % 6 == 2) maker.add(Step::Kind::reopen);
    if (i == 9) maker.add(Step::Kind::compact);
    if (i % 4 == 1) maker.add(Step::Kind::backup);
  }
}

// Writes alone: the store folds, cuts and rewrites beside them.
void make_busy(Maker& maker) {
  for (int i = 0; i < 160; ++i) {
    maker.batch(30);
    if (i % 3 == 1) maker.single();
    if (i % 40 == 30) maker.bulk(150);
    if (i == 80) maker.add(Step::Kind::reopen);
  }
}

void make_few_singles(Maker& maker) {
  for (int i = 0; i < 12; ++i) {
    maker.single();
    if (i == 7) maker.add(Step::Kind::flush);
  }
}

void make_few_batches(Maker& maker) {
  maker.bulk(40);
  maker.batch(12);
  maker.add(Step::Kind::optimize);
  maker.add(Step::Kind::rebuild);
  maker.batch(12);
  maker.add(Step::Kind::compact);
}

void make_small_import(Maker& maker) {
  maker.bulk(80);
  maker.add(Step::Kind::backup);
  maker.add(Step::Kind::reopen);
  maker.bulk(40);
}

}  // namespace

Workload make_workload(std::string_view name, std::uint64_t seed) {
  Maker maker(name, seed);
  if (name == "singles") make_singles(maker);
  if (name == "batches") make_batches(maker);
  if (name == "import") make_import(maker);
  if (name == "busy") make_busy(maker);
  if (name == "few singles") make_few_singles(maker);
  if (name == "few batches") make_few_batches(maker);
  if (name == "small import") make_small_import(maker);
  Workload made = maker.done();
  made.busy = name == "busy";
  return made;
}

Options torture_options() {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 16;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.delta_bytes = 32 << 10;
  options.dictionary_bytes = 4 << 10;
  return options;
}

std::string property_name(std::size_t i) {
  return "torture/" + std::to_string(i);
}

Exception numbered(const ExceptionKey& key, std::uint64_t number) {
  const std::uint64_t bits = hash(key, number);
  Exception made;
  made.inherited_value = static_cast<std::int64_t>(key.node_id);
  made.actual_value = static_cast<std::int64_t>(number);
  made.reason.assign(bits % 60, static_cast<char>('a' + bits % 26));
  made.source = static_cast<ExceptionSource>(bits % 5);
  made.confidence = static_cast<float>(bits % 101) / 100.0F;
  made.created_at = static_cast<std::int64_t>(number) * 1'000'000'000;
  return made;
}

std::uint64_t number_of(const Exception& exception) {
  return static_cast<std::uint64_t>(exception.created_at / 1'000'000'000);
}

void Contents::erase(std::map<ExceptionKey, std::uint64_t>::iterator record) {
  fingerprint_ ^= hash(record->first, record->second);
  records_.erase(record);
}

void Contents::apply(const Change& change) {
  if (is_loose(change.key)) return;
  if (change.kind == Change::Kind::clear_node || change.kind == Change::Kind::clear_property) {
    const bool node = change.kind == Change::Kind::clear_node;
    for (auto it = records_.begin(); it != records_.end();) {
      const auto here = it++;
      const bool gone = node ? here->first.node_id == change.key.node_id
                             : here->first.property_hash == change.key.property_hash;
      if (gone) erase(here);
    }
    return;
  }
  const auto there = records_.find(change.key);
  if (there != records_.end()) erase(there);
  if (change.kind == Change::Kind::remove) return;
  records_[change.key] = change.number;
  fingerprint_ ^= hash(change.key, change.number);
}

std::vector<std::uint64_t> fingerprints(const Workload& workload) {
  Contents contents;
  std::vector<std::uint64_t> made = {contents.fingerprint()};
  for (const Step& step : workload.steps) {
    for (const Change& change : step.changes) contents.apply(change);
    made.push_back(contents.fingerprint());
  }
  return made;
}

Contents contents_after(const Workload& workload, std::size_t steps) {
  Contents contents;
  for (std::size_t i = 0; i < steps; ++i) {
    for (const Change& change : workload.steps[i].changes) contents.apply(change);
  }
  return contents;
}

}  // namespace caveat::test
