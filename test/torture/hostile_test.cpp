// Input that is meant to hurt: what is too large, too many, too alike, backwards, or in a place
// that is not what it seems. No case draws at random, so there is no seed. (Blocks and queries
// that lie about their sizes: test/bytes and test/fuzz.)
#include <sys/mount.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;

std::size_t scale() {  // CAVEAT_HOSTILE=10 for the campaign
  const char* const text = std::getenv("CAVEAT_HOSTILE");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

Exception reasoned(std::string reason) {
  Exception exception;
  exception.inherited_value = true;
  exception.actual_value = false;
  exception.reason = std::move(reason);
  return exception;
}

unsigned mode_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

// Goes back one second at each look.
class BackwardClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_ns() const noexcept override {
    return now_.fetch_sub(1'000'000'000);
  }

 private:
  mutable std::atomic<std::int64_t> now_{1'000'000'000'000};
};

// A figure of the campaign.
void tried(std::size_t count, const char* what) {
  std::printf("hostile: %9zu %s\n", count, what);
  std::fflush(stdout);
}

constexpr NodeId kHugeRecords = 3;

Exception huge_exception() {
  std::string huge(std::size_t{16} << 20, 'x');
  for (std::size_t i = 0; i < huge.size(); i += 61) huge[i] = static_cast<char>(i / 61);
  Exception exception = reasoned(huge);
  exception.actual_value = std::move(huge);
  return exception;
}

Result<void> store_huge(StorageOptimizer& store, const Exception& exception) {
  for (NodeId node = 1; node <= kHugeRecords; ++node) {
    CAVEAT_TRY(store.store_exception({node, 1}, exception));
    CAVEAT_TRY(store.store_exception({node, 2}, reasoned("small")));
  }
  return store.flush();
}

// Records that do not come back as they were stored.
std::size_t lost_of_huge(const StorageOptimizer& store, const Exception& exception) {
  std::size_t lost = 0;
  for (NodeId node = 1; node <= kHugeRecords; ++node) {
    const auto found = store.retrieve_exception({node, 1});
    if (!found || *found != exception) ++lost;
  }
  return lost;
}

// A planted bug: says that a large value was written.
class DropsWhatIsLarge final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    const auto large = [](const KvBatch::Entry& entry) { return entry.value.size() > 4096; };
    return BackendDouble::write(without(batch, large), durability);
  }
};

// What in a store's directory, and that itself, others than its owner may use.
std::vector<std::string> open_to_others(const fs::path& path) {
  std::vector<std::string> open;
  if (mode_of(path) != 0700) open.push_back(path.filename());
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    const unsigned wanted = entry.is_directory() ? 0700U : 0600U;
    if (mode_of(entry.path()) != wanted) open.push_back(entry.path().filename());
  }
  return open;
}

void in_both(const std::function<void(TestStore&)>& test, const Options& options = {}) {
  for (const Backend backend : {Backend::memory, Backend::rocksdb}) {
    INFO(name_of(backend));
    TestStore store(backend, options);
    test(store);
  }
}

}  // namespace

TEST_CASE("strings of 16 MiB are stored, found and folded, on rocksdb", "[hostile]") {
  Options options;
  options.memory_budget_bytes = std::size_t{64} << 20;
  in_both(
      [](TestStore& test) {
        Exception exception = huge_exception();
        value_of(store_huge(*test, exception));
        test.reopen();
        CHECK(lost_of_huge(*test, exception) == 0);
        CHECK(value_of(test->query_by_property(2)).size() == 3);
        value_of(test->optimize_storage());
        CHECK(value_of(test->verify()).sound());
        // A record beyond the limit is refused, and costs nothing that is there.
        exception.reason = std::string(kMaxRecordBytes, 'y');
        const auto refused = test->store_exception({9, 9}, exception);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == ErrorCode::limit_exceeded);
        CHECK(value_of(test->count({})) == 6);
      },
      options);
  tried(2 * kHugeRecords, "records of two strings of 16 MiB each");
}

TEST_CASE("planted: a large value that is not written is caught", "[hostile][planted]") {
  std::string noise(1 << 20, ' ');  // as large when it is stored
  std::mt19937_64 random(1);
  for (char& c : noise) c = static_cast<char>(random());
  const Exception exception = reasoned(std::move(noise));
  for (const bool planted : {false, true}) {
    const auto backend = shared_memory_backend();
    std::unique_ptr<KvBackend> around = std::make_unique<BackendDouble>(backend);
    if (planted) around = std::make_unique<DropsWhatIsLarge>(backend);
    {
      auto store = value_of(StorageOptimizer::open(std::move(around), {}));
      value_of(store_huge(store, exception));
    }
    auto store = value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), {}));
    CHECK(lost_of_huge(store, exception) == (planted ? kHugeRecords : 0));
  }
}

TEST_CASE("a property for every record is no trouble, on rocksdb", "[hostile]") {
  const std::size_t properties = (kSanitized ? 20'000 : 100'000) * scale();
  in_both([&](TestStore& test) {
    std::vector<std::string> names;
    std::vector<ExceptionRecord> records;
    for (std::size_t i = 0; i < properties; ++i) {
      names.push_back("property " + std::to_string(i));
      records.push_back({{i % 1000, hash_property(names.back())}, reasoned("r")});
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    value_of(test->register_properties(views));
    CHECK(value_of(test->bulk_store(records)) == properties);
    value_of(test->flush());
    test.reopen();
    const auto statistics = value_of(test->get_storage_statistics());
    CHECK(statistics.total_exceptions == properties);
    CHECK(statistics.total_properties == properties);
    CHECK(test->property_name(hash_property(names.back())) == names.back());
    for (std::size_t i = 0; i < properties; i += properties / 50) {
      CHECK(value_of(test->query_by_property(hash_property(names[i]))).size() == 1);
    }
    CHECK(value_of(test->verify()).sound());
  });
  tried(2 * properties, "records, each with a property of its own");
}

TEST_CASE("keys that differ in one bit stay apart, on rocksdb", "[hostile]") {
  in_both([](TestStore& test) {
    std::vector<ExceptionKey> keys;
    for (const std::uint64_t base :
         {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0x5555555555555555}}) {
      keys.push_back({base, base});
      for (unsigned bit = 0; bit < 64; ++bit) {
        keys.push_back({base ^ (std::uint64_t{1} << bit), base});
        keys.push_back({base, base ^ (std::uint64_t{1} << bit)});
      }
    }
    // Every second one is there.
    for (std::size_t i = 0; i < keys.size(); i += 2) {
      value_of(test->store_exception(keys[i], reasoned(std::to_string(i))));
    }
    for (int pass = 0; pass < 2; ++pass) {
      std::set<ExceptionKey> there;
      for (std::size_t i = 0; i < keys.size(); i += 2) there.insert(keys[i]);
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto found = value_of(test->retrieve_exception(keys[i]));
        REQUIRE(found.has_value() == there.contains(keys[i]));
        if (found && i % 2 == 0) REQUIRE(found->reason == std::to_string(i));
      }
      CHECK(value_of(test->count({})) == there.size());
      value_of(test->flush());
      test.reopen();
    }
    tried(keys.size(), "keys that differ in a bit");
  });
}

TEST_CASE("a clock that goes backwards harms nothing, on rocksdb", "[hostile]") {
  const BackwardClock clock;
  Options options;
  options.clock = &clock;
  in_both(
      [](TestStore& test) {
        for (NodeId node = 0; node < 2000; ++node) {
          value_of(test->store_exception({node, 1}, reasoned("r")));
        }
        const auto snapshot = test->snapshot();
        value_of(test->flush());
        const auto optimized = value_of(test->optimize_storage());
        CHECK(optimized.duration_ns < 600'000'000'000);
        CHECK(value_of(test->compact_storage()).duration_ns < 600'000'000'000);
        const auto statistics = test->estimate_storage_statistics();
        CHECK(statistics.oldest_view_age_ns >= 0);
        CHECK(value_of(test->count({}, &snapshot)) == 2000);
      },
      options);
}

TEST_CASE("what a store keeps is its owner's alone, whatever the umask, on rocksdb", "[hostile]") {
  const ScratchDirectory scratch;
  fs::permissions(scratch.path(), fs::perms::all);  // a world-writable place
  const fs::path path = scratch.path() / "store";
  const auto mask = ::umask(0);
  {
    auto store = value_of(open(path));
    store_nodes(store, 1, 0, 2000, [](NodeId) { return reasoned("secret"); });
    value_of(store.flush());
    value_of(store.store_exception({1, 2}, reasoned("in the log")));
    CHECK(open_to_others(path) == std::vector<std::string>());
    value_of(store.compact_storage());
    value_of(store.close());
  }
  ::umask(mask);
  CHECK(open_to_others(path) == std::vector<std::string>());
  const auto files = std::distance(fs::recursive_directory_iterator(path), {});
  tried(static_cast<std::size_t>(files), "files that are their owner's alone");
  // Planted: one that is not.
  fs::permissions(path / "CURRENT", fs::perms::others_read, fs::perm_options::add);
  CHECK(open_to_others(path) == std::vector<std::string>{"CURRENT"});
}

TEST_CASE("a store is one store by whatever name it is opened, on rocksdb", "[hostile]") {
  const ScratchDirectory scratch;
  const fs::path real = scratch.path() / "a name \n with \"quotes\", \xC3\xA4 and spaces";
  const fs::path link = scratch.path() / "link";
  const fs::path loop = scratch.path() / "loop";
  fs::create_directory_symlink(real, link);
  fs::create_directory_symlink(loop, loop);
  {
    auto store = value_of(open(real));
    value_of(store.store_exception({1, 1}, reasoned("r")));
    const auto again = open(link);
    REQUIRE_FALSE(again);
    CHECK(again.error().code() == ErrorCode::locked);
    value_of(store.close());
  }
  {
    auto store = value_of(open(link));
    CHECK(value_of(store.contains({1, 1})));
    value_of(store.close());
  }
  CHECK_FALSE(open(loop));
  CHECK_FALSE(open(scratch.path() / std::string(300, 'n')));
  std::ofstream(scratch.path() / "file") << "no directory";
  CHECK_FALSE(open(scratch.path() / "file"));
  CHECK_FALSE(open(scratch.path() / "file" / "below"));
  // A link that leads nowhere yet is a name like any other, or an error; never a store elsewhere.
  fs::create_directory_symlink(scratch.path() / "nowhere", scratch.path() / "dangling");
  if (auto store = open(scratch.path() / "dangling")) value_of(store->close());
}

// Needs the right to mount, as root has it outside of most containers.
TEST_CASE("a store on a read-only mount is refused with nothing harmed, on rocksdb", "[hostile]") {
  const ScratchDirectory scratch;
  const fs::path mount = scratch.path() / "mount";
  fs::create_directory(mount);
  if (::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=64m") != 0) {
    WARN("skipped: mounting is not allowed here");
    return;
  }
  const fs::path path = mount / "store";
  {
    auto store = value_of(open(path));
    store_nodes(store, 1, 0, 500, [](NodeId) { return reasoned("r"); });
    value_of(store.close());
  }
  const bool remounted =
      ::mount("tmpfs", mount.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=64m") == 0;
  if (remounted) {
    const auto refused = open(path);
    CHECK_FALSE(refused);
    if (!refused) {
      CHECK(refused.error().code() == ErrorCode::io_error);
      CHECK(refused.error().message().find(path.string()) != std::string::npos);
    }
    CHECK(::mount("tmpfs", mount.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0);
    auto store = open(path);
    CHECK(store);
    if (store) CHECK(value_of(store->count({})) == 500);
    if (store) value_of(store->close());
  }
  ::umount2(mount.c_str(), MNT_DETACH);
  CHECK(remounted);
}

}  // namespace caveat::test
