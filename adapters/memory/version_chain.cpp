#include "adapters/memory/version_chain.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "pool/invariant.h"

namespace caveat::detail {
namespace {

std::shared_ptr<char[]> allocate(std::size_t size) {
  return std::make_shared_for_overwrite<char[]>(size);
}

void copy_to(char* target, std::string_view bytes) noexcept {
  if (!bytes.empty()) std::memcpy(target, bytes.data(), bytes.size());
}

bool seen(const ValueVersion& version, std::span<const Stamp> snapshots) noexcept {
  const auto first = std::lower_bound(snapshots.begin(), snapshots.end(), version.begin);
  return first != snapshots.end() && *first < version.end;
}

}  // namespace

void VersionChain::push(Stamp stamp, std::shared_ptr<char[]> data, std::size_t size,
                        std::size_t capacity) {
  if (versions_.empty()) versions_.reserve(1);
  ValueVersion version{stamp, kLive, std::move(data), size, capacity};
  versions_.push_back(std::move(version));
  // Last, so that a failed allocation changes nothing.
  if (versions_.size() > 1) {
    ValueVersion& before = versions_[versions_.size() - 2];
    before.end = std::min(before.end, stamp);
  }
}

void VersionChain::put(Stamp stamp, std::string_view value) {
  auto data = allocate(value.size());
  copy_to(data.get(), value);
  push(stamp, std::move(data), value.size(), value.size());
}

void VersionChain::append(Stamp stamp, std::string_view operand) {
  const ValueVersion* base = newest();
  if (base == nullptr) return put(stamp, operand);
  const std::size_t size = base->size + operand.size();
  if (size <= base->capacity) {
    copy_to(base->data.get() + base->size, operand);
    // Copies first: push moves the vector that `base` points into.
    const std::size_t capacity = base->capacity;
    return push(stamp, std::shared_ptr<char[]>(base->data), size, capacity);
  }
  const std::size_t capacity = size + size / 2;
  auto data = allocate(capacity);
  copy_to(data.get(), base->view());
  copy_to(data.get() + base->size, operand);
  push(stamp, std::move(data), size, capacity);
}

void VersionChain::erase(Stamp stamp) noexcept {
  if (!versions_.empty()) versions_.back().end = std::min(versions_.back().end, stamp);
}

void VersionChain::roll_back(Stamp stamp) noexcept {
  while (!versions_.empty() && versions_.back().begin == stamp) versions_.pop_back();
  if (!versions_.empty() && versions_.back().end == stamp) versions_.back().end = kLive;
}

const ValueVersion* VersionChain::at(Stamp stamp) const noexcept {
  for (auto version = versions_.rbegin(); version != versions_.rend(); ++version) {
    if (version->begin <= stamp) return stamp < version->end ? &*version : nullptr;
  }
  return nullptr;
}

const ValueVersion* VersionChain::newest() const noexcept {
  return versions_.empty() || versions_.back().end != kLive ? nullptr : &versions_.back();
}

void VersionChain::prune(std::span<const Stamp> snapshots) noexcept {
  std::erase_if(versions_, [&](const ValueVersion& version) {
    return version.end != kLive && !seen(version, snapshots);
  });
}

void VersionChain::shrink(std::span<const Stamp> snapshots) {
  for (ValueVersion& version : versions_) {
    if (version.capacity == version.size || seen(version, snapshots)) continue;
    auto data = allocate(version.size);
    copy_to(data.get(), version.view());
    version.data = std::move(data);
    version.capacity = version.size;
  }
}

std::size_t VersionChain::bytes() const noexcept {
  std::size_t total = versions_.capacity() * sizeof(ValueVersion);
  const char* last = nullptr;
  for (const ValueVersion& version : versions_) {
    if (version.data.get() != last) total += version.capacity;  // a shared buffer counts once
    last = version.data.get();
  }
  return total;
}

}  // namespace caveat::detail
