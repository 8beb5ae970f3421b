// A system that makes no thread more: calls that want one say so, and nothing is thrown.
#include <pthread.h>

#include "test/engine/plain_options.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

// While one lives, no thread can be made: its stack would be larger than all addresses.
class NoThreads {
 public:
  NoThreads() {
    pthread_attr_init(&attributes_);
    pthread_getattr_default_np(&attributes_);
    pthread_attr_getstacksize(&attributes_, &stack_bytes_);
    set(std::size_t{1} << 60);
  }
  ~NoThreads() {
    set(stack_bytes_);
    pthread_attr_destroy(&attributes_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  void set(std::size_t bytes) {
    pthread_attr_setstacksize(&attributes_, bytes);
    REQUIRE(pthread_setattr_default_np(&attributes_) == 0);
  }
  pthread_attr_t attributes_;
  std::size_t stack_bytes_ = 0;
};

void check_no_thread(const StorageError& error, std::string_view what) {
  CHECK(error.code() == ErrorCode::limit_exceeded);
  CHECK(error.message().find("threads: the system has none for " + std::string(what)) == 0);
}

}  // namespace

// std::system_error came out of open().
TEST_CASE("without a thread for its maintenance a store does not open, and says so",
          "[regression]") {
  const auto memory = shared_memory_backend();
  {
    const NoThreads none;
    const auto opened = StorageOptimizer::open(std::make_unique<BackendDouble>(memory));
    REQUIRE_FALSE(opened);
    check_no_thread(opened.error(), "maintenance");
  }
  CHECK(StorageOptimizer::open(std::make_unique<BackendDouble>(memory)));
}

TEST_CASE("without a thread for rocksdb a store does not open, and says so", "[regression]") {
  const ScratchDirectory directory;
  {
    const NoThreads none;
    const auto opened = StorageOptimizer::open(directory.path() / "store", plain_options());
    REQUIRE_FALSE(opened);
    check_no_thread(opened.error(), "RocksDB");
  }
  CHECK(StorageOptimizer::open(directory.path() / "store", plain_options()));
}

TEST_CASE("without a thread to keep it up to date there is no metrics file", "[regression]") {
  const ScratchDirectory directory;
  Options options = plain_options();
  options.metrics_file = directory.path() / "metrics";
  {
    const NoThreads none;
    const auto opened = StorageOptimizer::open(make_memory_backend(), options);
    REQUIRE_FALSE(opened);
    check_no_thread(opened.error(), "metrics_file and log_sink");
  }
  CHECK_FALSE(std::filesystem::exists(options.metrics_file));
  const auto opened = StorageOptimizer::open(make_memory_backend(), options);
  CHECK(opened);
  CHECK(std::filesystem::exists(options.metrics_file));
}

// It came out of compact_storage(), which asks on its own thread whether to go on.
TEST_CASE("without a thread to compact on a store on rocksdb says so, and goes on",
          "[regression]") {
  const ScratchDirectory directory;
  auto store = value_of(StorageOptimizer::open(directory.path() / "store", plain_options()));
  Exception exception;
  store_nodes(store, 7, 0, 100, [&](NodeId) { return exception; });
  {
    const NoThreads none;
    const auto compacted = store.compact_storage();
    REQUIRE_FALSE(compacted);
    CHECK(compacted.error().code() == ErrorCode::limit_exceeded);
    CHECK(compacted.error().message().find("threads: the system has none to compact") !=
          std::string::npos);
  }
  CHECK(store.compact_storage());
  CHECK(value_of(store.count({})) == 100);
}

}  // namespace caveat::test
