// Opening stores: in place for commands that write, a private copy for those that look.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "caveat/storage_optimizer.h"
#include "tools/cli/scratch_directory.h"

namespace caveat::cli {

class Command;

enum class Presence { must_exist, any, must_be_new };

struct WriteAccess {
  Presence presence = Presence::must_exist;
  std::size_t memory_mib = 0;        // 0: the library's default
  ProgressSink* encrypts = nullptr;  // told while a plain store is encrypted; null: it is refused
};
[[nodiscard]] Result<StorageOptimizer> open_to_write(const std::string& path,
                                                     const WriteAccess& access = {});

// What was salvaged of a store's files (adapters/rocksdb/salvage.h).
[[nodiscard]] Result<StorageOptimizer> open_salvaged(std::unique_ptr<KvBackend> backend);

// What went wrong in the background of stores opened to write, each sentence once. A command that
// fails for the same reason says so by itself.
[[nodiscard]] std::vector<StorageError> take_background_errors();

// Of what a store has to say so many are said one by one on standard error; a store whose table is
// gone has one for each of its partitions.
inline constexpr std::size_t kErrorsSaidMax = 10;
// The others of stores that are only looked at; then 0.
[[nodiscard]] std::size_t take_errors_not_said();

// Partitions that were left out because they cannot be read, each with why, as a store has told
// while it was open, of both kinds; of many, the first.
[[nodiscard]] std::vector<std::string> damage_told();

// Whether this command has come so far: what can be advised of damage depends on it.
[[nodiscard]] bool store_was_opened() noexcept;

// --key-file: the file with the keys of all stores that this command opens.
void use_key_file(const std::string& path);

// The keys in that file, or the one that CAVEAT_KEY_FILE names (KeyRing::parse); null where there
// is neither.
[[nodiscard]] Result<std::shared_ptr<const KeyProvider>> keys_given();

// What the tool can do about a store that did not open for its keys, behind the library's sentence.
[[nodiscard]] StorageError with_key_advice(const StorageError& error);

// --memory, checked.
void add_memory(Command& command, std::size_t& memory_mib);

// A consistent copy of the store, which another process may have open meanwhile. The store itself
// is never changed.
class InspectedStore {
 public:
  [[nodiscard]] static Result<InspectedStore> open(const std::string& path);

  [[nodiscard]] StorageOptimizer& operator*() noexcept { return store_; }
  [[nodiscard]] StorageOptimizer* operator->() noexcept { return &store_; }

 private:
  InspectedStore(ScratchDirectory scratch, StorageOptimizer store)
      : scratch_(std::move(scratch)), store_(std::move(store)) {}
  [[nodiscard]] static Result<InspectedStore> open_copy(const std::string& path,
                                                        Result<ScratchDirectory> made);

  ScratchDirectory scratch_;  // outlives the store
  StorageOptimizer store_;
};

}  // namespace caveat::cli
