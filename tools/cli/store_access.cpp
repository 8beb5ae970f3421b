#include "tools/cli/store_access.h"

#include <fmt/format.h>
#include <algorithm>
#include <functional>
#include <mutex>
#include <set>
#include <utility>

#include "adapters/crypto/key_file.h"
#include "adapters/rocksdb/live_checkpoint.h"
#include "tools/cli/command.h"
#include "tools/cli/dangling_link.h"
#include "tools/cli/report.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kMemoryMibMax = kMemoryBudgetMax / kMiB;
constexpr std::size_t kHeardMax = VerificationResults::kErrorsMax;

bool opened = false;

std::string& key_file() {
  static std::string path;
  return path;
}

Result<StorageOptimizer> noted(Result<StorageOptimizer> store) {
  opened = opened || store.has_value();
  return store;
}

// Of partitions: what is lost for good. Indexes are made anew.
struct Told {
  std::mutex mutex;
  std::vector<std::string> damage;
  std::set<std::string, std::less<>> known;  // all of them
  std::size_t said = 0;
  std::size_t not_said = 0;
};
Told& told() {
  static auto* instance = new Told;
  return *instance;
}

// False: it was told before.
bool note_damage(const StorageError& error) {
  if (error.code() != ErrorCode::corruption ||
      error.message().find("primary node ") == std::string::npos) {
    return true;
  }
  const std::lock_guard lock(told().mutex);
  if (!told().known.insert(error.message()).second) return false;
  auto& damage = told().damage;
  if (damage.size() < VerificationResults::kErrorsMax) damage.push_back(error.message());
  return true;
}

// What a store that is only looked at has to say.
void tell(const StorageError& error) {
  if (!note_damage(error)) return;
  {
    const std::lock_guard lock(told().mutex);
    if (told().said == kErrorsSaidMax) {
      ++told().not_said;
      return;
    }
    ++told().said;
  }
  report_error(error);
}

// What one that is written to has to say: a fold that found no room is tried again and again, and
// the next write fails for it.
struct Heard {
  std::mutex mutex;
  std::vector<StorageError> errors;
};
Heard& heard() {
  static auto* instance = new Heard;  // outlives any thread of a store
  return *instance;
}

void remember(const StorageError& error) {
  static_cast<void>(note_damage(error));
  const std::lock_guard lock(heard().mutex);
  auto& errors = heard().errors;
  const bool known = std::any_of(errors.begin(), errors.end(), [&](const StorageError& e) {
    return e.message() == error.message();
  });
  if (!known && errors.size() < kHeardMax) errors.push_back(error);
}

}  // namespace

void use_key_file(const std::string& path) {
  key_file() = path;
}

StorageError with_key_advice(const StorageError& error) {
  std::string_view advice;
  if (error.code() == ErrorCode::key_missing) {
    advice = "; a file with it is named by --key-file FILE or CAVEAT_KEY_FILE";
  } else if (error.code() == ErrorCode::invalid_argument &&
             error.message().find("the store is not encrypted") != std::string::npos) {
    advice = "; \"caveat encrypt STORE\" encrypts it";
  }
  return {error.code(), error.message() + std::string(advice)};
}

Result<std::shared_ptr<const KeyProvider>> keys_given() {
  return keys_in_file(key_file());
}

std::vector<std::string> damage_told() {
  const std::lock_guard lock(told().mutex);
  return told().damage;
}

std::size_t take_errors_not_said() {
  const std::lock_guard lock(told().mutex);
  return std::exchange(told().not_said, 0);
}

bool store_was_opened() noexcept {
  return opened;
}

void add_memory(Command& command, std::size_t& memory_mib) {
  command
      .add_option(
          "--memory", memory_mib,
          fmt::format("Memory budget in MiB, {} to {}", kMemoryBudgetMin / kMiB, kMemoryMibMax))
      ->type_name("MIB")
      ->range(kMemoryBudgetMin / kMiB, kMemoryMibMax);
}

std::vector<StorageError> take_background_errors() {
  const std::lock_guard lock(heard().mutex);
  return std::exchange(heard().errors, {});
}

Result<StorageOptimizer> open_to_write(const std::string& path, const WriteAccess& access) {
  if (auto dangling = dangling_link(path)) return fail(std::move(*dangling));
  Options options;
  options.create_if_missing = access.presence != Presence::must_exist;
  options.error_if_exists = access.presence == Presence::must_be_new;
  options.on_background_error = remember;
  if (access.memory_mib != 0) options.memory_budget_bytes = access.memory_mib * kMiB;
  CAVEAT_ASSIGN(options.encryption.keys, keys_given());
  options.encryption.encrypt_existing = access.encrypts != nullptr;
  options.encryption.progress = access.encrypts;
  return noted(StorageOptimizer::open(path, options));
}

Result<StorageOptimizer> open_salvaged(std::unique_ptr<KvBackend> backend) {
  Options options;
  options.background_maintenance = false;
  options.on_background_error = tell;
  CAVEAT_ASSIGN(options.encryption.keys, keys_given());
  return noted(StorageOptimizer::open(std::move(backend), options));
}

Result<InspectedStore> InspectedStore::open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    if (auto dangling = dangling_link(path)) return fail(std::move(*dangling));
    return fail(ErrorCode::not_found, fmt::format("{}: there is no such store", path));
  }
  auto store = open_copy(path, ScratchDirectory::make(path));
  if (store || store.error().code() != ErrorCode::no_space) return store;
  // A full disk is when one wants to look; there may be room elsewhere.
  return open_copy(path, ScratchDirectory::make_temporary(path));
}

Result<InspectedStore> InspectedStore::open_copy(const std::string& path,
                                                 Result<ScratchDirectory> made) {
  CAVEAT_ASSIGN(auto scratch, std::move(made));
  CAVEAT_ASSIGN(const auto copy, checkpoint_of_live_store(path, scratch.path()));
  Options options;
  options.create_if_missing = false;
  options.background_maintenance = false;  // look at it as it is
  options.on_background_error = tell;
  CAVEAT_ASSIGN(options.encryption.keys, keys_given());
  CAVEAT_ASSIGN(auto store, noted(StorageOptimizer::open(copy, options)));
  return InspectedStore(std::move(scratch), std::move(store));
}

}  // namespace caveat::cli
