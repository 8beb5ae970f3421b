// The calls that work on files beside the store: backups, and reading a store that is damaged; and
// one whose store needs something that only a loss leaves. See public_calls.h.
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "adapters/rocksdb/salvage.h"
#include "caveat/backup.h"
#include "engine/store/engine.h"
#include "engine/store/set_aside.h"
#include "test/torture/io_faults.h"
#include "test/torture/public_calls.h"
#include "test/torture/workload_run.h"

namespace caveat::test {

namespace fs = std::filesystem;

namespace {

using Records = std::vector<ExceptionRecord>;

fs::path backups_of(const Places& places) {
  return places.beside / "backups";
}

// Of the trial that is under way.
struct Made {
  std::vector<Records> held;  // by the backups 1, 2, ...; the call may make the last
  std::uint64_t first_kept = 1, last_kept = 0;  // those that must be there
  std::uint64_t gone = 0;                       // one that must not; 0: none
  bool restored = false;
};
Made made;

Change one_more(Ledger& ledger) {
  const ExceptionKey key{3, hash_property(property_name(1))};
  return {Change::Kind::store, key, ledger.next_number()};
}

void back_up(StorageOptimizer& store, const Places& places, Ledger& ledger) {
  value_of(create_backup(store, backups_of(places)));
  made.held.push_back(ledger.records());
  made.last_kept = made.held.size();
  const Change change = one_more(ledger);
  ledger.begin({change});
  value_of(store.store_exception(change.key, numbered(change.key, change.number)));
  ledger.done();
}

void prepare_none(StorageOptimizer* /*store*/, const Places& /*places*/, Ledger& ledger) {
  made = {};
  made.held.push_back(ledger.records());
}

void prepare_one(StorageOptimizer* store, const Places& places, Ledger& ledger) {
  made = {};
  back_up(*store, places, ledger);
  made.held.push_back(ledger.records());
}

void prepare_two(StorageOptimizer* store, const Places& places, Ledger& ledger) {
  made = {};
  back_up(*store, places, ledger);
  back_up(*store, places, ledger);
}

// What the store has and the backup has not is gone if the call does well.
void prepare_closed(StorageOptimizer* /*store*/, const Places& places, Ledger& ledger) {
  made = {};
  auto store = value_of(StorageOptimizer::open(places.store, torture_options()));
  value_of(create_backup(store, backups_of(places)));
  made.held.push_back(ledger.records());
  made.last_kept = 1;
  const Change change = one_more(ledger);
  ledger.begin({change});
  value_of(store.store_exception(change.key, numbered(change.key, change.number)));
  value_of(store.close());
}

Result<void> create(StorageOptimizer* store, const Places& places, Ledger& ledger,
                    Violation& wrong) {
  CAVEAT_ASSIGN(const auto info, create_backup(*store, backups_of(places)));
  made.last_kept = info.id;
  if (info.id != made.held.size()) wrong = "a backup says another number than it has";
  // Where something could not be read, they are estimated.
  const bool exact = IoFaults::instance().struck() == 0;
  if (exact && info.records != ledger.records().size()) wrong = "a backup counts wrongly";
  return {};
}

Result<void> list(StorageOptimizer* /*store*/, const Places& places, Ledger& /*ledger*/,
                  Violation& wrong) {
  CAVEAT_ASSIGN(const auto listed, list_backups(backups_of(places)));
  if (listed.size() != made.held.size()) wrong = "a backup is not listed";
  for (const ListedBackup& backup : listed) {
    if (!backup.info) return fail(backup.info.error());
    if (backup.info->records != made.held.at(backup.id - 1).size()) {
      wrong = "the list says something else than was made";
    }
  }
  return {};
}

Result<void> verify(StorageOptimizer* /*store*/, const Places& places, Ledger& /*ledger*/,
                    Violation& wrong) {
  BackupVerifyOptions all;
  all.records = true;
  CAVEAT_ASSIGN(const auto info, verify_backup(backups_of(places), std::nullopt, all));
  if (info.id != made.held.size()) wrong = "another backup than the newest was verified";
  return {};
}

Result<void> restore(StorageOptimizer* /*store*/, const Places& places, Ledger& /*ledger*/,
                     Violation& /*wrong*/) {
  CAVEAT_TRY(restore_backup(backups_of(places), std::nullopt, places.beside / "restored"));
  made.restored = true;
  return {};
}

Result<void> restore_over(StorageOptimizer* /*store*/, const Places& places, Ledger& ledger,
                          Violation& /*wrong*/) {
  RestoreOptions options;
  options.replace = true;
  const auto restored = restore_backup(backups_of(places), 1, places.store, options);
  if (restored) {
    ledger.withdraw();
    return {};
  }
  // The store that was there is, with all it had; unless the way back was barred as well.
  if (IoFaults::instance().struck() <= 1) ledger.done();
  return fail(restored.error());
}

Result<void> erase(StorageOptimizer* /*store*/, const Places& places, Ledger& /*ledger*/,
                   Violation& /*wrong*/) {
  made.first_kept = 2;
  CAVEAT_TRY(delete_backup(backups_of(places), 1));
  made.gone = 1;
  return {};
}

Result<void> keep_newest(StorageOptimizer* /*store*/, const Places& places, Ledger& /*ledger*/,
                         Violation& wrong) {
  made.first_kept = 2;
  CAVEAT_ASSIGN(const auto deleted, keep_newest_backups(backups_of(places), 1));
  made.gone = 1;
  if (deleted != 1) wrong = "another number of backups was deleted than is said";
  return {};
}

Violation holds(const fs::path& directory, const Records& wanted, const std::string& what) {
  auto store = StorageOptimizer::open(directory, torture_options());
  if (!store) return what + " does not open: " + store.error().message();
  const auto found = scan(*store);
  if (!found) return what + " cannot be read: " + found.error().message();
  if (*found != wanted) return what + " holds other records";
  const auto closed = store->close();
  return closed ? std::nullopt : Violation(what + " does not close: " + closed.error().message());
}

// Each backup that is listed is whole; those that must be there are; the next call does well.
Violation look_at_backups(const Places& places, const Ledger& ledger) {
  const fs::path backups = backups_of(places);
  const auto restored = places.beside / "looked-at";
  const auto restored_well = [&](std::uint64_t id, const Records& wanted) -> Violation {
    fs::remove_all(restored);
    const auto done = restore_backup(backups, id, restored);
    if (!done) return fmt::format("backup {} is not restored: {}", id, done.error().message());
    return holds(restored, wanted, fmt::format("backup {}", id));
  };
  std::uint64_t kept = made.first_kept;
  const auto listed = list_backups(backups);
  const bool absent = !listed && listed.error().code() == ErrorCode::not_found;
  if (!listed && !absent) return "the backups are not listed: " + listed.error().message();
  for (const ListedBackup& backup : listed.value_or(std::vector<ListedBackup>())) {
    if (backup.id == made.gone) return "a backup that was deleted is there";
    if (backup.id > made.held.size()) return "a backup is there that nobody made";
    if (backup.id == kept) ++kept;
    if (auto wrong = restored_well(backup.id, made.held[backup.id - 1])) return wrong;
  }
  if (kept <= made.last_kept) return fmt::format("backup {} is gone", kept);
  if (made.restored || fs::exists(places.beside / "restored")) {
    if (auto wrong = holds(places.beside / "restored", made.held.back(), "what was restored")) {
      return wrong;
    }
  }
  auto store = StorageOptimizer::open(places.store, torture_options());
  if (!store) return store.error().message();
  const auto next = create_backup(*store, backups);
  if (!next) return "the next backup is not made: " + next.error().message();
  return restored_well(next->id, ledger.records());
}

// Everything, or what is missing is named and is an error of the disk's.
Result<void> salvage(StorageOptimizer* /*store*/, const Places& places, Ledger& ledger,
                     Violation& wrong) {
  const fs::path scratch = places.beside / "scratch";
  CAVEAT_ASSIGN(auto files, salvage_files(places.store, scratch));
  Options options = torture_options();
  CAVEAT_ASSIGN(auto read, StorageOptimizer::open(std::move(files.backend), options));
  CAVEAT_ASSIGN(const auto found, scan(read));
  for (const SalvageLoss& loss : files.losses) {
    if (loss.of_records) return fail(ErrorCode::io_error, loss.sentence());
  }
  if (found != ledger.records()) wrong = "repair reads other records, and names no loss";
  return {};
}

void prepare_scratch(StorageOptimizer* /*store*/, const Places& places, Ledger& /*ledger*/) {
  fs::create_directories(places.beside / "scratch");
}

Violation no_files(const Places& /*places*/, const Ledger& /*ledger*/) {
  return std::nullopt;
}

constexpr std::size_t kLost = 3;

// As an opening leaves them that could not read records of the log.
void lose_writes(StorageOptimizer* store, const Places& /*places*/, Ledger& /*ledger*/) {
  KvBatch batch;
  for (std::size_t i = 0; i < kLost; ++i) {
    batch.put(Family::meta, set_aside_key("no key " + std::to_string(i)), "no record");
  }
  value_of(store->engine().core().backend->write(batch, Durability::fsync));
}

Result<void> forget(StorageOptimizer* store, const Places& /*places*/, Ledger& /*ledger*/,
                    Violation& wrong) {
  CAVEAT_ASSIGN(const auto forgotten, store->forget_lost_writes());
  if (forgotten != kLost) wrong = "another number of lost writes is forgotten";
  return {};
}

// All of them or none are left, and the next call forgets them.
Violation forget_rest(StorageOptimizer& store) {
  const auto rest = store.forget_lost_writes();
  if (!rest) return rest.error().message();
  if (*rest != 0 && *rest != kLost) return "some lost writes are forgotten and others are not";
  return std::nullopt;
}

constexpr CallOnFiles kFirst = {prepare_none, create, look_at_backups};
constexpr CallOnFiles kNext = {prepare_one, create, look_at_backups};
constexpr CallOnFiles kList = {prepare_two, list, look_at_backups};
constexpr CallOnFiles kVerify = {prepare_two, verify, look_at_backups};
constexpr CallOnFiles kRestore = {prepare_two, restore, look_at_backups};
constexpr CallOnFiles kRestoreOver = {prepare_closed, restore_over, look_at_backups};
constexpr CallOnFiles kDelete = {prepare_two, erase, look_at_backups};
constexpr CallOnFiles kKeepNewest = {prepare_two, keep_newest, look_at_backups};
constexpr CallOnFiles kSalvage = {prepare_scratch, salvage, no_files};
constexpr CallOnFiles kForget = {lose_writes, forget, nullptr, forget_rest};

constexpr auto kOpened = PublicCall::Begin::opened;
constexpr auto kCrashed = PublicCall::Begin::crashed;
constexpr PublicCall kFileCalls[] = {
    {"first-backup", kOpened, nullptr, &kFirst, "create_backup"},
    {"next-backup", kOpened, nullptr, &kNext, "create_backup"},
    {"list-backups", kOpened, nullptr, &kList, "list_backups"},
    {"verify-backup", kOpened, nullptr, &kVerify, "verify_backup"},
    {"restore", kOpened, nullptr, &kRestore, "restore_backup"},
    {"restore-over", kCrashed, nullptr, &kRestoreOver, "restore_backup"},
    {"delete-backup", kOpened, nullptr, &kDelete, "delete_backup"},
    {"keep-backups", kOpened, nullptr, &kKeepNewest, "keep_newest_backups"},
    {"salvage", kCrashed, nullptr, &kSalvage, "salvage_files"},
    {"forget-lost", kOpened, nullptr, &kForget, "StorageOptimizer::forget_lost_writes"},
};

}  // namespace

std::span<const PublicCall> file_calls() {
  return kFileCalls;
}

}  // namespace caveat::test
