// Lets the engine's observer see plain values.
#pragma once

#include <new>
#include <string>
#include <vector>

#include "engine/encryption/encrypted_backend.h"

namespace caveat {

class EncryptedObserver final : public KvObserver {
 public:
  EncryptedObserver(const EncryptedBackend& backend, KvObserver& target)
      : backend_(backend), target_(target) {}

  void on_flush_done(Family family) noexcept override { target_.on_flush_done(family); }
  void on_compaction_done(Family family, std::uint64_t in, std::uint64_t out) noexcept override {
    target_.on_compaction_done(family, in, out);
  }
  void on_stall(StallState state) noexcept override { target_.on_stall(state); }
  void on_background_error(const StorageError& error) noexcept override {
    target_.on_background_error(error);
  }
  void on_family_damaged(Family family, const StorageError& error) noexcept override {
    target_.on_family_damaged(family, error);
  }
  void on_rewrite_candidates(Family family, std::span<const std::string> keys,
                             bool more) noexcept override {
    target_.on_rewrite_candidates(family, keys, more);
  }
  [[nodiscard]] bool needs_rewrite(Family family, std::string_view key,
                                   std::string_view value) const noexcept override {
    try {
      // One for each thread that flushes or compacts.
      thread_local std::string plain;
      plain.assign(value);
      return backend_.open_value(family, key, plain) && target_.needs_rewrite(family, key, plain);
    } catch (const std::bad_alloc&) {
      return false;  // a hint is not worth a failed flush
    }
  }

 private:
  const EncryptedBackend& backend_;
  KvObserver& target_;
};

}  // namespace caveat
