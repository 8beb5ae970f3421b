#include "adapters/sqlite/shared_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "adapters/crypto/key_file.h"
#include "adapters/sqlite/sqlite_api.h"

namespace caveat::sqlite {
namespace {

namespace fs = std::filesystem;
constexpr auto kSizeAge = std::chrono::seconds(2);
constexpr std::size_t kMiBytes = kMiB;

void log_error(const StorageError& error) noexcept {
  sqlite3_log(SQLITE_WARNING, "caveat: %s", error.message().c_str());
}

// The stores that are open, by the name that all tables on one have in common.
class Registry {
 public:
  static Registry& instance() {
    static auto* registry =
        new Registry;  // outlives every connection, at the end of the process too
    return *registry;
  }

  // Nothing where it is not open. Waits while it is being closed.
  std::shared_ptr<SharedStore> find(std::unique_lock<std::mutex>& lock, const std::string& name) {
    for (;;) {
      const auto it = stores_.find(name);
      if (it == stores_.end()) return nullptr;
      if (auto store = it->second.lock()) return store;
      closed_.wait(lock);
    }
  }
  std::shared_ptr<SharedStore> add(std::unique_ptr<SharedStore> store) {
    const auto name = store->name();
    std::shared_ptr<SharedStore> shared(store.release(), [](SharedStore* last) {
      const auto closed = last->name();
      last->close();
      delete last;
      instance().remove(closed);
    });
    stores_[name] = shared;
    return shared;
  }
  std::mutex& mutex() noexcept { return mutex_; }

 private:
  void remove(const std::string& name) {
    {
      const std::lock_guard lock(mutex_);
      stores_.erase(name);
    }
    closed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable closed_;
  std::map<std::string, std::weak_ptr<SharedStore>> stores_;
};

// One name for one directory, wherever the process goes later. Absolute first: weakly_canonical()
// leaves a relative path relative where nothing of it is there yet.
SqlResult<fs::path> absolute(const std::string& path) {
  std::error_code error;
  const auto from_root = fs::absolute(path, error);
  if (error) {
    return sql_fail(SQLITE_CANTOPEN, fmt::format("{}: {}", path, error.message()));
  }
  auto whole = fs::weakly_canonical(from_root, error);
  if (error) whole = from_root.lexically_normal();
  // "store/" and "store" are one.
  return whole.has_filename() ? whole : whole.parent_path();
}

Options options_of(const TableArguments& arguments, bool may_make) {
  Options options;
  options.create_if_missing = may_make && arguments.access == Access::create;
  if (arguments.memory_mib) options.memory_budget_bytes = *arguments.memory_mib * kMiBytes;
  options.on_background_error = log_error;
  return options;
}

// What CREATE VIRTUAL TABLE e USING caveat(':memory:') gives no name is for one table alone.
std::string unique_name() {
  static std::size_t count = 0;  // under the registry's lock
  return fmt::format(":memory: {}", ++count);
}

// What SQL can do about a store that does not open for its keys stands behind the sentence.
SqlResult<StorageOptimizer> opened_with(const fs::path& path, const Options& options) {
  auto store = StorageOptimizer::open(path, options);
  if (store) return *std::move(store);
  SqlError error(store.error());
  if (store.error().code() == ErrorCode::key_missing) {
    error.message +=
        "; a file with it is named by key_file='FILE' in USING caveat(...), or by "
        "CAVEAT_KEY_FILE";
  }
  return tl::unexpected(std::move(error));
}

SqlResult<std::unique_ptr<SharedStore>> open_file(const std::string& name,
                                                  const TableArguments& arguments, bool may_make,
                                                  bool as_copy) {
  auto options = options_of(arguments, may_make);
  CAVEAT_ASSIGN(options.encryption.keys, keys_in_file(arguments.key_file));
  const auto mib = options.memory_budget_bytes / kMiBytes;
  if (!as_copy) {
    CAVEAT_ASSIGN(auto store, opened_with(name, options));
    return std::make_unique<SharedStore>(name, std::move(store), std::nullopt, mib);
  }
  CAVEAT_ASSIGN(auto copy, PrivateCopy::make(name));
  options.background_maintenance = false;  // it is looked at as it is
  CAVEAT_ASSIGN(auto store, opened_with(copy.path(), options));
  return std::make_unique<SharedStore>(name + " (a copy)", std::move(store), std::move(copy), mib);
}

}  // namespace

SharedStore::SharedStore(std::string name, StorageOptimizer opened, std::optional<PrivateCopy> copy,
                         std::size_t memory_mib)
    : name_(std::move(name)),
      copy_(std::move(copy)),
      store_(std::move(opened)),
      memory_mib_(memory_mib) {}

SqlResult<std::shared_ptr<SharedStore>> SharedStore::open(const TableArguments& arguments,
                                                          bool may_make) {
  auto& registry = Registry::instance();
  std::unique_lock lock(registry.mutex());
  if (arguments.in_memory()) {
    const bool private_one = arguments.store == ":memory:";
    const auto name = private_one ? unique_name() : arguments.store;
    if (auto store = registry.find(lock, name)) return store;
    const auto options = options_of(arguments, may_make);
    return registry.add(std::make_unique<SharedStore>(
        name, StorageOptimizer(0, options), std::nullopt, options.memory_budget_bytes / kMiBytes));
  }
  CAVEAT_ASSIGN(const auto path, absolute(arguments.store));
  if (auto store = registry.find(lock, path.string())) {
    if (arguments.memory_mib.value_or(store->memory_mib_) == store->memory_mib_) return store;
    return sql_fail(SQLITE_ERROR,
                    fmt::format("{}: it is open in this process with memory={}; leave the option "
                                "out, or give it alike everywhere",
                                path.string(), store->memory_mib_));
  }
  CAVEAT_ASSIGN(auto opened,
                open_file(path.string(), arguments, may_make, arguments.access == Access::read));
  // Copies are as old as their opening, so each table has its own.
  if (opened->copy_) return std::shared_ptr<SharedStore>(std::move(opened));
  return registry.add(std::move(opened));
}

bool SharedStore::take_turn(const void* who, std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  const auto mine = [&] { return turn_ == nullptr || turn_ == who; };
  if (!turn_ended_.wait_for(lock, wait, mine)) return false;
  turn_ = who;
  return true;
}

void SharedStore::end_turn(const void* who) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (turn_ != who) return;
    turn_ = nullptr;
  }
  turn_ended_.notify_one();
}

SharedStore::Size SharedStore::size() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (size_read_ == std::chrono::steady_clock::time_point() || now - size_read_ > kSizeAge) {
    const auto statistics = store_.estimate_storage_statistics();
    size_.records = static_cast<double>(statistics.total_exceptions_max);
    size_.properties = static_cast<double>(std::max<std::uint64_t>(statistics.total_properties, 1));
    size_read_ = now;
  }
  return size_;
}

void SharedStore::close() noexcept {
  if (const auto closed = store_.close(); !closed) log_error(closed.error());
}

}  // namespace caveat::sqlite
