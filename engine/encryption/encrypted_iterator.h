// An iterator whose values are opened when they are asked for; keys alone cost nothing.
#pragma once

#include <memory>
#include <string>

#include "engine/encryption/encrypted_backend.h"

namespace caveat {

class EncryptedIterator final : public KvIterator {
 public:
  EncryptedIterator(const EncryptedBackend& backend, Family family,
                    std::unique_ptr<KvIterator> inner)
      : backend_(backend), family_(family), inner_(std::move(inner)) {}

  void seek_to_first() override {
    inner_->seek_to_first();
    moved(&KvIterator::next);
  }
  void seek(std::string_view key) override {
    inner_->seek(key);
    moved(&KvIterator::next);
  }
  void seek_for_prev(std::string_view key) override {
    inner_->seek_for_prev(key);
    moved(&KvIterator::prev);
  }
  void next() override {
    inner_->next();
    moved(&KvIterator::next);
  }
  void prev() override {
    inner_->prev();
    moved(&KvIterator::prev);
  }
  [[nodiscard]] bool valid() const override { return inner_->valid(); }
  [[nodiscard]] std::string_view key() const override { return inner_->key(); }
  [[nodiscard]] std::string_view value() const override {
    if (!opened_) {
      value_.assign(inner_->value());
      if (!backend_.open_value(family_, inner_->key(), value_)) value_ = kRefusedValue;
      opened_ = true;
    }
    return value_;
  }
  [[nodiscard]] Result<void> status() const override { return inner_->status(); }

 private:
  // The key sheet is not the engine's: it is passed over.
  void moved(void (KvIterator::*onward)()) {
    opened_ = false;
    if (family_ == Family::meta && inner_->valid() && inner_->key() == kKeySheetKey) {
      ((*inner_).*onward)();
    }
  }

  const EncryptedBackend& backend_;
  const Family family_;
  const std::unique_ptr<KvIterator> inner_;
  mutable std::string value_;
  mutable bool opened_ = false;
};

}  // namespace caveat
