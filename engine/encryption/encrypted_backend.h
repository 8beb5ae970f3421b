// A KvBackend around another one, which sees no plain value.
//
// Keys pass through, for the inner backend orders by them; each value, and each operand of an
// append, goes into an envelope. The inner backend joins envelopes as it joins bytes. Nothing of
// the engine knows of it: whatever the engine stores is covered, because there is no other way to
// the disk.
//
// Values that do not open are corruption where one is asked for alone (get). multi_get and
// iterators give kRefusedValue for them, which no decoder takes: like a damaged value of a plain
// store, it costs itself and not its neighbours.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "engine/encryption/envelope.h"
#include "engine/encryption/key_sheet.h"

namespace caveat {

// Begins like no format of ours and has no length of any.
inline constexpr std::string_view kRefusedValue = "refused: the value does not authenticate";

class EncryptedObserver;

class EncryptedBackend final : public KvBackend {
 public:
  // `keys` has each key of the sheet, which lies in the inner backend as it is here.
  EncryptedBackend(std::unique_ptr<KvBackend> inner, std::shared_ptr<const Cipher> cipher,
                   KeySheet sheet, KeyList keys);
  ~EncryptedBackend() override;

  Result<void> write(const KvBatch& batch, Durability durability) override;
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override;
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override;
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override;
  Result<std::unique_ptr<KvIterator>> iterate_below(Family family, std::string_view end,
                                                    const KvSnapshot* snapshot,
                                                    bool readahead) override;
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override { return inner_->snapshot(); }
  Result<void> flush() override { return inner_->flush(); }
  Result<void> compact(Family family, const std::function<bool()>& keep_going) override {
    return inner_->compact(family, keep_going);
  }
  Result<void> clear(Family family) override;
  std::optional<StorageError> read_only() const override { return inner_->read_only(); }
  Result<KvProperties> properties() const override { return inner_->properties(); }
  bool persistent() const noexcept override { return inner_->persistent(); }
  void set_observer(KvObserver* observer) override;
  Result<void> close() override { return inner_->close(); }

  // What lies on disk, for a copy of the files.
  [[nodiscard]] KvBackend& inner() noexcept { return *inner_; }

  // --- Opening: encryption.cpp ---

  // A lot of numbers for this process, and the sheet as it is here, in the inner backend.
  [[nodiscard]] Result<void> begin_numbers();
  // Every value that is plain still is encrypted, and the files are rewritten without it. Null:
  // nobody is told.
  [[nodiscard]] Result<void> convert(ProgressSink* progress);

  // --- Rotation: reencrypt.cpp ---

  // Told of each step: the family, and values looked at so far. False ends with `cancelled`.
  using OnStep = std::function<bool(Family, std::uint64_t values)>;
  struct Reencryption {
    std::uint64_t values = 0;      // written again
    std::uint64_t unreadable = 0;  // left as they are
    std::optional<StorageError> first_unreadable;
  };
  // Are there older keys, which values may be under?
  [[nodiscard]] bool rotating() const;
  // Writes every value that is under an older key anew. Others write meanwhile.
  [[nodiscard]] Result<Reencryption> reencrypt(const OnStep& on_step);
  // After a whole pass: older keys are not needed to open the store any more.
  [[nodiscard]] Result<void> forget_older_keys();

  // Counts every stored value by key; reads all of them.
  [[nodiscard]] Result<std::vector<KeyUsage>> usage() const;

  // The stored form, opened in place; corruption, naming family and key.
  [[nodiscard]] Result<void> open_value(Family family, std::string_view key,
                                        std::string& value) const;

 private:
  // What a step of a pass has read under the lock.
  enum class Pass : std::uint8_t { convert, reencrypt };
  [[nodiscard]] Result<void> step(Pass pass, Family family, std::optional<std::string>& at,
                                  Reencryption& done);
  [[nodiscard]] Result<void> pass(Pass pass, Family family, const OnStep& on_step,
                                  Reencryption& done);
  [[nodiscard]] Result<bool> needs_pass(Pass pass, Family family, std::string_view key,
                                        std::string& value, Reencryption& done) const;

  [[nodiscard]] Result<void> seal_into(KvBatch& out, const KvBatch& batch);
  // The first of `count` numbers that nobody else gets.
  [[nodiscard]] Result<std::uint64_t> take_numbers(std::uint64_t count);
  [[nodiscard]] Result<void> write_sheet(const KeySheet& sheet, Durability durability);
  [[nodiscard]] const SecretKey* find_key(KeyId id) const noexcept;

  const std::unique_ptr<KvBackend> inner_;
  const std::shared_ptr<const Cipher> cipher_;
  const StoreId store_id_;
  const KeyList keys_;
  const KeyId current_;
  const FindKey finder_;

  mutable std::mutex sheet_mutex_;
  KeySheet sheet_;  // as stored

  std::atomic<std::uint64_t> next_number_{1};
  std::atomic<std::uint64_t> numbers_end_{1};

  // Envelopes of one key must reach the backend in the order of their numbers. The delta's keys
  // are each written once, so that commits need not wait for maintenance.
  std::mutex order_mutex_;
  // Writes hold it shared, a step that reads and writes back holds it alone; who wants it passes
  // the turnstile first, or a stream of writers would never let that one in.
  mutable std::mutex turnstile_;
  mutable std::shared_mutex write_mutex_;

  std::unique_ptr<EncryptedObserver> observer_;
};

}  // namespace caveat
