// Lets writers in no faster than the fold under way lets them, so that nobody waits for long.
//
// A writer that is faster than folds would fill memory and then wait for a whole fold, seconds in
// a large store. While one is under way, what room is left is shared out over the time that it
// will still take, judged by the last ones: many waits of a millisecond instead of one of
// thousands (as RocksDB's delayed write rate). Decision 0118.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace caveat {

// Times are of a steady clock, in nanoseconds. begun() and ended() are the folding thread's,
// pause() the writers', one at a time.
class WritePacer {
 public:
  static constexpr std::int64_t kPauseMin = 1'000'000;   // shorter ones are not worth a sleep
  static constexpr std::int64_t kPauseMax = 10'000'000;  // then look again
  static constexpr std::int64_t kBatchPauseMax = 50'000'000;
  // What is owed beyond a pause is owed by the writes that follow: forgiven, it would leave writers
  // that find little room faster than the fold, until they wait for its end at once.
  static constexpr std::int64_t kDebtMax = 100'000'000;

  void begun(std::size_t rows, std::int64_t now) noexcept {
    rows_ = rows;
    paid_until_.store(0, std::memory_order_relaxed);
    begun_.store(now, std::memory_order_relaxed);
    ends_.store(now + static_cast<std::int64_t>(static_cast<double>(rows) * ns_a_row_),
                std::memory_order_relaxed);
    folding_.store(true, std::memory_order_relaxed);
  }
  // So much of it is done: what is left is judged by that, for partitions that are written anew
  // take ten times as long as those that rows are appended to.
  void progressed(std::size_t rows, std::size_t of, std::int64_t now) noexcept {
    if (rows < of / kShareToJudge || rows == 0) return;
    const std::int64_t begun = begun_.load(std::memory_order_relaxed);
    const double share = static_cast<double>(of) / static_cast<double>(rows);
    ends_.store(begun + static_cast<std::int64_t>(static_cast<double>(now - begun) * share),
                std::memory_order_relaxed);
  }
  // `done`: it did not fail, and how long it took is worth knowing.
  void ended(std::int64_t now, bool done) noexcept {
    folding_.store(false, std::memory_order_relaxed);
    if (!done || rows_ < kRowsToLearnFrom) return;
    const double took = static_cast<double>(now - begun_.load(std::memory_order_relaxed)) /
                        static_cast<double>(rows_);
    ns_a_row_ = (ns_a_row_ + took) / 2;
  }

  [[nodiscard]] bool folding() const noexcept { return folding_.load(std::memory_order_relaxed); }

  // The last pause did not pay for everything.
  [[nodiscard]] bool in_debt(std::int64_t now) const noexcept {
    return paid_until_.load(std::memory_order_relaxed) - now >= kPauseMin;
  }

  // How long to wait before so many bytes more, of which `room` are left until writers have to wait
  // for the fold's end; 0: not at all. At most `most`.
  [[nodiscard]] std::int64_t pause(std::size_t bytes, std::size_t room, std::int64_t now,
                                   std::int64_t most = kPauseMax) noexcept {
    // What takes longer than was thought will go on doing so.
    const std::int64_t took = now - begun_.load(std::memory_order_relaxed);
    const std::int64_t left =
        std::max({ends_.load(std::memory_order_relaxed) - now, took / kLeftAtLeast, kLeftMin});
    const double share =
        static_cast<double>(bytes) / static_cast<double>(std::max({room, bytes, std::size_t{1}}));
    std::int64_t until = std::max(paid_until_.load(std::memory_order_relaxed), now) +
                         static_cast<std::int64_t>(static_cast<double>(left) * share);
    until = std::min(until, now + kDebtMax);
    paid_until_.store(until, std::memory_order_relaxed);
    return until - now < kPauseMin ? 0 : std::min(until - now, most);
  }

 private:
  static constexpr std::int64_t kLeftAtLeast = 6;  // a sixth of what it took so far
  static constexpr std::size_t kShareToJudge = 32;
  static constexpr std::int64_t kLeftMin = 50'000'000;
  static constexpr std::size_t kRowsToLearnFrom = 10'000;

  std::size_t rows_ = 0;
  std::atomic<std::int64_t> begun_{0};
  double ns_a_row_ = 5'000;  // until it is known
  std::atomic<std::int64_t> ends_{0};
  std::atomic<bool> folding_{false};
  // The writers', but for a fold's beginning, which forgets it: when what was let in is paid for.
  std::atomic<std::int64_t> paid_until_{0};
};

}  // namespace caveat
