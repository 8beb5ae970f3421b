#include "tools/cli/damaged_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "engine/model/bytes.h"
#include "engine/store/engine.h"
#include "engine/store/set_aside.h"

namespace caveat::cli {
namespace {

namespace fs = std::filesystem;

// Files of a store that says in no other way that it is one.
bool holds_tables(const std::string& path) {
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto extension = entry->path().extension();
    if (extension == ".sst" || extension == ".log") return true;
  }
  return false;
}

// Of a store that is damaged, as far as its opening can tell.
bool may_be_damage(ErrorCode code) {
  return code == ErrorCode::corruption || code == ErrorCode::unsupported_format ||
         code == ErrorCode::io_error || code == ErrorCode::internal;
}

}  // namespace

DamagedStore::DamagedStore(DamagedStore&& other) noexcept
    : inspected_(std::move(other.inspected_)),
      read_(std::move(other.read_)),
      why_(std::move(other.why_)),
      losses_(std::move(other.losses_)),
      notes_(std::move(other.notes_)),
      lock_(std::exchange(other.lock_, -1)) {}

DamagedStore::~DamagedStore() {
  if (lock_ >= 0) ::close(lock_);
}

bool DamagedStore::has_lost_records() const noexcept {
  return std::any_of(losses_.begin(), losses_.end(),
                     [](const SalvageLoss& loss) { return loss.of_records; });
}

Result<DamagedStore> DamagedStore::open(const std::string& path) {
  DamagedStore store;
  auto opened = InspectedStore::open(path);
  if (opened) {
    store.why_ = (*opened)->estimate_storage_statistics().read_only_reason;
    if (store.why_.empty()) {
      store.inspected_.emplace(std::move(*opened));
      CAVEAT_TRY(store.add_lost_writes());
      return store;
    }
  } else {
    if (!may_be_damage(opened.error().code()) || !holds_tables(path)) return fail(opened.error());
    store.why_ = opened.error().message();
  }
  const auto read = store.read_files(path);
  if (read) {
    CAVEAT_TRY(store.add_lost_writes());
    return store;
  }
  if (!opened) return fail(read.error());
  // Whole tables are missing from it then, and named; better than nothing.
  store.inspected_.emplace(std::move(*opened));
  store.why_.clear();
  store.losses_.clear();
  store.notes_.clear();
  CAVEAT_TRY(store.add_lost_writes());
  return store;
}

// Those of which an earlier opening could read as little as this one.
Result<void> DamagedStore::add_lost_writes() {
  CAVEAT_ASSIGN(const auto kept, read_set_aside(*(**this).engine().core().backend));
  for (const SetAside& record : kept) {
    SalvageLoss loss;
    loss.file = "the log";
    loss.why = record.describe();
    losses_.push_back(std::move(loss));
  }
  return {};
}

Result<void> DamagedStore::read_files(const std::string& path) {
  lock_ = ::open((fs::path(path) / "caveat.lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock_ >= 0 && ::flock(lock_, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return fail(ErrorCode::locked,
                path + " is open in another process: close it first (" + why_ + ")");
  }
  CAVEAT_ASSIGN(const auto scratch, ScratchDirectory::make_temporary(path));
  CAVEAT_ASSIGN(auto files, salvage_files(path, scratch.path()));
  losses_ = std::move(files.losses);
  notes_ = std::move(files.notes);
  CAVEAT_ASSIGN(read_, open_salvaged(std::move(files.backend)));
  return {};
}

std::optional<ExceptionKey> partition_bound(const std::optional<std::string>& key) {
  constexpr std::size_t kBytes = 16;
  if (!key || key->size() != kBytes) return std::nullopt;
  return ExceptionKey{get_big_endian(*key, 0), get_big_endian(*key, 8)};
}

}  // namespace caveat::cli
