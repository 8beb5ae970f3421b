// What a store must hold, while calls on it succeed and fail.
#pragma once

#include <vector>

#include "test/torture/recovered_store.h"

namespace caveat::test {

class Ledger {
 public:
  // What the workload leaves.
  explicit Ledger(const Workload& workload);

  [[nodiscard]] std::uint64_t next_number() { return ++number_; }
  // A call begins. Unless it returns well nothing of it is seen, and the next opening may find all
  // of it or nothing.
  void begin(std::vector<Change> changes);
  // It returned well: what it did is there from now on.
  void done();
  // It gave an error, and is known to have left nothing.
  void withdraw();

  // All that is acknowledged, in the order of keys.
  [[nodiscard]] const std::vector<ExceptionRecord>& records() const { return records_; }
  // What the store shows is exactly what was acknowledged.
  [[nodiscard]] Violation compare(const std::vector<ExceptionRecord>& found) const;
  // The same of a store that was opened since: with each doubtful call or without it. From then on
  // what was found is what must be there.
  [[nodiscard]] Violation settle(const std::vector<ExceptionRecord>& found);

 private:
  struct Call {
    std::vector<Change> changes;
    bool doubtful = true;
  };

  Contents settled_;         // as the store was last opened
  std::vector<Call> calls_;  // since
  std::vector<ExceptionRecord> records_;
  std::uint64_t number_ = 0;
};

// Whatever the store answers is right; it may not answer where `may_fail` says so.
[[nodiscard]] Violation check_answers(StorageOptimizer& store, const Ledger& ledger, bool may_fail);

}  // namespace caveat::test
