// One connection's dealings with one store: its transaction, the version its statements read, the
// names it knows. Shared by the connection's tables on that store; SQLite holds the connection's
// lock whenever it is used.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "adapters/sqlite/pending_writes.h"
#include "adapters/sqlite/shared_store.h"
#include "caveat/snapshot.h"

struct sqlite3;

namespace caveat::sqlite {

class Session {
 public:
  Session(sqlite3* connection, std::shared_ptr<SharedStore> store)
      : connection_(connection), store_(std::move(store)) {}
  ~Session() { store_->end_turn(this); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // --- Transactions, as SQLite calls them. Of a call that comes once for each table the first
  // counts. SQLITE_BUSY where another connection's transaction did not end within the busy timeout.
  [[nodiscard]] SqlResult<void> begin();
  // Writes everything to the store, as one batch.
  [[nodiscard]] SqlResult<void> sync();
  void end() noexcept;  // after commit or rollback
  void savepoint(int depth);
  void release(int depth);
  void rollback_to(int depth);
  // Of what the tables ask for, the safest holds for all.
  void use_durability(Durability durability) noexcept;

  // --- Writing: kept until sync().
  [[nodiscard]] SqlResult<void> store_row(const ExceptionKey& key, PendingRowPtr row);
  [[nodiscard]] SqlResult<void> remove_row(const ExceptionKey& key);
  // The hash of a property by this name. SQLITE_CONSTRAINT where another name has it.
  [[nodiscard]] SqlResult<PropertyHash> use_property(std::string_view name);

  // --- Reading.
  // A version of the store and the writes on top of it.
  struct View {
    Snapshot snapshot;
    std::shared_ptr<const PendingWrites> pending;  // null: none
    std::uint64_t pending_by = 0;                  // later writes do not count
  };
  // Statements that overlap read one version, as within a transaction that has written; it is taken
  // anew when none is under way, and after this connection's own commits.
  [[nodiscard]] View begin_read();
  void end_read() noexcept;
  // The newest, for writing: valid until the next write.
  [[nodiscard]] SqlResult<std::optional<ExceptionRecord>> find(const ExceptionKey& key);
  [[nodiscard]] SqlResult<bool> contains(const ExceptionKey& key);

  // Null where a property is known by its hash alone. Valid until the transaction ends, or, if
  // `kept`, as long as the session.
  struct Name {
    std::string bytes;
    bool is_text;  // UTF-8
    bool kept;
  };
  [[nodiscard]] const Name* property_name(PropertyHash property);

  [[nodiscard]] SharedStore& store() noexcept { return *store_; }
  [[nodiscard]] const std::shared_ptr<SharedStore>& shared_store() const noexcept { return store_; }

 private:
  [[nodiscard]] SqlResult<void> put(const ExceptionKey& key, PendingRowPtr row);

  sqlite3* connection_;
  std::shared_ptr<SharedStore> store_;
  WriteOptions write_options_;
  WriteBatch checked_;  // each row by itself, for its errors and its size

  std::shared_ptr<PendingWrites> pending_;  // null: no transaction has begun
  bool synced_ = false;
  std::unordered_map<PropertyHash, Name> new_names_;

  std::optional<Snapshot> snapshot_;
  std::size_t reads_ = 0;
  std::unordered_map<PropertyHash, Name> names_;
  struct NameSlot {
    PropertyHash property = 0;
    const Name* name = nullptr;
  };
  std::vector<NameSlot> name_slots_;  // by the low bits of the hash: found without a search
};

}  // namespace caveat::sqlite
