// The promise: what is retired is never freed while pinned. The check must be able to fail, so the
// same storm runs with a pin that forgets to look again.
#include "pool/hazard.h"

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using namespace caveat;

namespace {

// Stays allocated for ever; "freed" is a state, so that a use after free is seen and not undefined.
struct Object {
  std::atomic<int> uses{0};
  std::atomic<bool> freed{false};
};

// A reader loses its core at the worst moment: between reading the source and publishing.
struct SlowPin {
  static constexpr bool kRecheck = true;
  static void before_publish() noexcept { std::this_thread::yield(); }
};
struct ForgetfulPin : SlowPin {
  static constexpr bool kRecheck = false;
};

// Readers pin and use; one writer replaces and frees. Counts uses of freed objects.
template <class Policy>
std::size_t uses_after_free(std::size_t rounds, std::size_t stop_after) {
  constexpr std::size_t kReaders = 3;
  std::vector<std::unique_ptr<Object>> objects;
  for (std::size_t i = 0; i <= rounds; ++i) objects.push_back(std::make_unique<Object>());
  std::atomic<const Object*> source{objects[0].get()};
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> bad{0};
  std::vector<std::thread> readers;
  for (std::size_t r = 0; r < kReaders; ++r) {
    readers.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        const auto pin = HazardPtr<Object, Policy>::pin(source);
        for (int i = 0; i < 3; ++i) {
          if (pin->freed.load(std::memory_order_relaxed)) {
            bad.fetch_add(1);
            break;
          }
        }
      }
    });
  }
  std::vector<Object*> retired;
  for (std::size_t i = 1; i <= rounds && bad.load() < stop_after; ++i) {
    source.store(objects[i].get());
    retired.push_back(objects[i - 1].get());
    std::erase_if(retired, [](Object* object) {
      if (HazardDomain::is_pinned(object)) return false;
      object->freed.store(true, std::memory_order_relaxed);
      return true;
    });
    if (i % 16 == 0) std::this_thread::yield();
  }
  stop.store(true);
  for (auto& reader : readers) reader.join();
  return bad.load();
}

}  // namespace

TEST_CASE("hazard: a pinned object is not freed, however threads interleave", "[threads]") {
  CHECK(uses_after_free<detail::HazardPinPolicy>(20'000, 1) == 0);
  CHECK(uses_after_free<SlowPin>(20'000, 1) == 0);
}

TEST_CASE("hazard: the storm catches a pin that does not look again") {
  std::size_t caught = 0;
  for (int attempt = 0; attempt < 20 && caught == 0; ++attempt) {
    caught = uses_after_free<ForgetfulPin>(20'000, 1);
  }
  CHECK(caught > 0);
}

TEST_CASE("hazard: memory is really given back and really safe", "[threads]") {
  // With real deletes, for the address and thread sanitizers.
  struct Node {
    explicit Node(int n) : a(n), b(n) {}
    int a, b;
  };
  std::atomic<const Node*> source{new Node(0)};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  std::atomic<int> torn{0};
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        const auto pin = HazardPtr<Node>::pin(source);
        if (pin->a != pin->b) torn.fetch_add(1);
      }
    });
  }
  std::vector<const Node*> retired;
  std::vector<const void*> pinned;
  std::size_t retired_max = 0;
  for (int i = 1; i <= 20'000; ++i) {
    retired.push_back(source.exchange(new Node(i)));
    HazardDomain::collect_pinned(pinned);
    std::erase_if(retired, [&](const Node* node) {
      if (std::binary_search(pinned.begin(), pinned.end(), node)) return false;
      delete node;
      return true;
    });
    retired_max = std::max(retired_max, retired.size());
  }
  stop.store(true);
  for (auto& reader : readers) reader.join();
  for (const Node* node : retired) delete node;
  delete source.load();
  CHECK(torn.load() == 0);
  CHECK(retired_max <= 3);  // one pin a reader
}

TEST_CASE("hazard: more pins than a thread has slots, released in any order", "[threads]") {
  std::array<int, 20> objects{};
  std::vector<std::atomic<const int*>> sources(objects.size());
  std::vector<HazardPtr<int>> pins;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    sources[i].store(&objects[i]);
    pins.push_back(HazardPtr<int>::pin(sources[i]));
  }
  for (const int& object : objects) CHECK(HazardDomain::is_pinned(&object));
  for (std::size_t i = 0; i < pins.size(); i += 2) pins[i].reset();
  for (std::size_t i = 0; i < objects.size(); ++i) {
    CHECK(HazardDomain::is_pinned(&objects[i]) == (i % 2 == 1));
  }
  pins.clear();
  std::vector<const void*> pinned;
  HazardDomain::collect_pinned(pinned);
  CHECK(pinned.empty());
}

TEST_CASE("hazard: a pin moves, and an empty source gives an empty pin", "[threads]") {
  const int object = 1;
  std::atomic<const int*> source{&object};
  auto pin = HazardPtr<int>::pin(source);
  HazardPtr<int> other = std::move(pin);
  CHECK_FALSE(pin);
  CHECK(*other == 1);
  auto& same = other;
  other = std::move(same);
  CHECK(HazardDomain::is_pinned(&object));
  other = HazardPtr<int>();
  CHECK_FALSE(HazardDomain::is_pinned(&object));
  source.store(nullptr);
  CHECK_FALSE(HazardPtr<int>::pin(source));
}

namespace {
std::atomic<const int*> late_source{nullptr};
std::atomic<bool> late_pin_worked{false};
struct PinsAtThreadExit {
  ~PinsAtThreadExit() {
    const auto pin = HazardPtr<int>::pin(late_source);
    late_pin_worked = HazardDomain::is_pinned(late_source.load());
  }
};
}  // namespace

TEST_CASE("hazard: threads pass their slots on, and may pin while they end", "[threads]") {
  const int object = 1;
  late_source.store(&object);
  for (int i = 0; i < 50; ++i) {
    late_pin_worked = false;
    std::thread([] {
      // Made before the first pin, so destroyed after the thread's slots are gone.
      thread_local PinsAtThreadExit at_exit;
      static_cast<void>(&at_exit);
      const auto pin = HazardPtr<int>::pin(late_source);
    }).join();
    CHECK(late_pin_worked);
  }
  CHECK_FALSE(HazardDomain::is_pinned(&object));
}

TEST_CASE("hazard: cost of a pin", "[.measure]") {
  const int object = 1;
  std::atomic<const int*> source{&object};
  constexpr int kRounds = 20'000'000;
  const auto start = std::clock();
  long sum = 0;
  for (int i = 0; i < kRounds; ++i) sum += *HazardPtr<int>::pin(source);
  const double ns = double(std::clock() - start) * 1e9 / CLOCKS_PER_SEC / kRounds;
  WARN("pin and unpin: " << ns << " ns, " << sum);
}
