// Random operations, compared with std::map. The same check is shown to catch planted faults.
#include <map>
#include <random>

#include "test/adapters/harness.h"
#include "test/support/seed.h"

using namespace caveat;
using namespace caveat::test;

namespace {

using Model = std::array<std::map<std::string, std::string>, kFamilyCount>;

std::size_t index_of(Family family) {
  return static_cast<std::size_t>(family);
}

void apply(Model& model, const KvBatch& batch) {
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const KvBatch::Entry e = batch.entry(i);
    auto& family = model[index_of(e.family)];
    switch (e.op) {
      case KvBatch::Op::put:
        family[std::string(e.key)] = e.value;
        break;
      case KvBatch::Op::append:
        family[std::string(e.key)] += e.value;
        break;
      case KvBatch::Op::erase:
        family.erase(std::string(e.key));
        break;
      case KvBatch::Op::erase_range:
        if (e.key < e.value) {
          family.erase(family.lower_bound(std::string(e.key)),
                       family.lower_bound(std::string(e.value)));
        }
        break;
    }
  }
}

// Empty, or the first difference.
std::string compare(KvBackend& b, const Model& model, const KvSnapshot* snapshot,
                    std::mt19937_64& random) {
  for (const Family family : kFamilies) {
    const auto& expected = model[index_of(family)];
    const std::string name(to_string(family));
    auto iterator = must(b.iterate(family, snapshot, false));
    auto at = expected.begin();
    for (iterator->seek_to_first(); iterator->valid(); iterator->next(), ++at) {
      if (at == expected.end()) return name + ": a key too many";
      if (iterator->key() != at->first) return name + ": keys differ";
      if (iterator->value() != at->second) return name + ": values differ";
    }
    if (at != expected.end()) return name + ": a key is missing";
    const std::string probe = key_of(random() % 64);
    iterator->seek_for_prev(probe);
    for (auto back = expected.upper_bound(probe); back != expected.begin(); iterator->prev()) {
      --back;
      if (!iterator->valid() || iterator->key() != back->first) return name + ": backwards";
    }
    if (iterator->valid()) return name + ": a key too many, backwards";
    const auto stored = read(b, family, probe, snapshot);
    const auto wanted = expected.find(probe);
    if (stored.has_value() != (wanted != expected.end())) return name + ": get finds another key";
    if (stored && *stored != wanted->second) return name + ": get differs";
  }
  return {};
}

KvBatch random_batch(std::mt19937_64& random) {
  KvBatch batch;
  const std::size_t count = 1 + random() % 6;
  for (std::size_t i = 0; i < count; ++i) {
    const Family family = kFamilies[random() % kFamilyCount];
    const std::string key = key_of(random() % 64);
    const std::string value(random() % 40, static_cast<char>('a' + random() % 26));
    switch (random() % 8) {
      case 0:
        batch.erase(family, key);
        break;
      case 1:
        if (random() % 4 == 0) batch.erase_range(family, key, key_of(random() % 64));
        break;
      case 2:
      case 3:
        batch.put(family, key, value);
        break;
      default:
        batch.append(family, key, value);
        break;
    }
  }
  return batch;
}

struct Held {
  std::shared_ptr<const KvSnapshot> snapshot;
  Model model;
};

// `reopen` may be empty. Returns the first difference found, or nothing.
std::string run_model(std::uint64_t seed, int steps, const std::function<KvBackend&()>& backend,
                      const std::function<void()>& reopen) {
  std::mt19937_64 random(seed);
  Model model;
  std::vector<Held> held;
  for (int step = 0; step < steps; ++step) {
    KvBackend& b = backend();
    const KvBatch batch = random_batch(random);
    must(b.write(batch, Durability::none));
    apply(model, batch);
    const auto dice = random() % 400;
    if (dice < 20) held.push_back({must(b.snapshot()), model});
    if (dice >= 20 && dice < 40 && !held.empty()) {
      const auto which = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
      const std::string wrong = compare(b, which->model, which->snapshot.get(), random);
      if (!wrong.empty()) return "in a snapshot, " + wrong;
      held.erase(which);
    }
    if (dice >= 40 && dice < 44) must(b.compact(kFamilies[random() % kFamilyCount], {}));
    if (dice >= 44 && dice < 46) must(b.flush());
    if (dice == 46 && reopen) {
      held.clear();
      reopen();
    }
    if (step % 16 == 0) {
      const std::string wrong = compare(backend(), model, nullptr, random);
      if (!wrong.empty()) return wrong;
    }
  }
  return compare(backend(), model, nullptr, random);
}

enum class Fault { none, append_replaces, range_keeps_first, snapshot_moves, batch_reversed };

// A backend with one thing wrong.
class Faulty final : public KvBackend {
 public:
  explicit Faulty(Fault fault) : fault_(fault) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    KvBatch wrong;
    for (std::size_t n = 0; n < batch.count(); ++n) {
      const auto e = batch.entry(fault_ == Fault::batch_reversed ? batch.count() - 1 - n : n);
      if (e.op == KvBatch::Op::append && fault_ != Fault::append_replaces) {
        wrong.append(e.family, e.key, e.value);
      } else if (e.op == KvBatch::Op::append || e.op == KvBatch::Op::put) {
        wrong.put(e.family, e.key, e.value);
      } else if (e.op == KvBatch::Op::erase) {
        wrong.erase(e.family, e.key);
      } else {
        const std::string first(e.key);
        wrong.erase_range(e.family, fault_ == Fault::range_keeps_first ? first + '\0' : first,
                          e.value);
      }
    }
    return real_->write(wrong, durability);
  }
  Result<bool> get(Family f, std::string_view k, const KvSnapshot* s, std::string& v) override {
    return real_->get(f, k, at(s), v);
  }
  Result<void> multi_get(Family f, std::span<const std::string_view> k, const KvSnapshot* s,
                         std::span<std::string> v, std::span<bool> found) override {
    return real_->multi_get(f, k, at(s), v, found);
  }
  Result<std::unique_ptr<KvIterator>> iterate(Family f, const KvSnapshot* s, bool r) override {
    return real_->iterate(f, at(s), r);
  }
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override { return real_->snapshot(); }
  Result<void> flush() override { return real_->flush(); }
  Result<void> compact(Family f, const std::function<bool()>& k) override {
    return real_->compact(f, k);
  }
  Result<KvProperties> properties() const override { return real_->properties(); }
  bool persistent() const noexcept override { return false; }
  void set_observer(KvObserver* o) override { real_->set_observer(o); }
  Result<void> close() override { return real_->close(); }

 private:
  const KvSnapshot* at(const KvSnapshot* s) const {
    return fault_ == Fault::snapshot_moves ? nullptr : s;
  }
  Fault fault_;
  std::unique_ptr<KvBackend> real_ = make_memory_backend();
};

}  // namespace

TEMPLATE_TEST_CASE("random operations agree with a map", "", CAVEAT_BACKENDS) {
  const std::uint64_t seed = chosen_seed();
  INFO("seed " << seed);
  TestType kind;
  std::function<void()> reopen;
  if constexpr (TestType::kPersistent) reopen = [&] { kind.reopen(); };
  const int steps = TestType::kPersistent ? 1500 : 4000;
  CHECK(run_model(
            seed, steps, [&]() -> KvBackend& { return *kind.backend; }, reopen) == "");
}

TEST_CASE("the comparison with a map catches planted faults") {
  const std::uint64_t seed = chosen_seed();
  INFO("seed " << seed);
  const auto outcome = [&](Fault fault) {
    Faulty faulty(fault);
    return run_model(seed, 2000, [&]() -> KvBackend& { return faulty; }, {});
  };
  CHECK(outcome(Fault::none) == "");
  CHECK(outcome(Fault::append_replaces) != "");
  CHECK(outcome(Fault::range_keeps_first) != "");
  CHECK(outcome(Fault::snapshot_moves) != "");
  CHECK(outcome(Fault::batch_reversed) != "");
}
