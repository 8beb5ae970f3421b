#include "test/torture/disk_state.h"

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <utility>

namespace caveat::test {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kSectorBytes = 512;
constexpr const char* kLockFile = "caveat.lock";

// Whoever finds the image must see that the system went down since.
std::string of_another_boot(std::string text) {
  const std::size_t boot = text.find("\nboot ");
  if (boot != std::string::npos) text[boot + 6] = text[boot + 6] == '0' ? '1' : '0';
  return text;
}

}  // namespace

std::string remains_of(const std::string& bytes, std::size_t synced, PowerLoss way,
                       std::mt19937_64& random) {
  if (synced >= bytes.size()) return bytes;
  const auto luck = random() % 5;
  if (way == PowerLoss::lost || luck == 0) return bytes.substr(0, synced);
  if (luck == 1) return bytes;
  if (way != PowerLoss::reordered) {
    std::size_t end = synced + random() % (bytes.size() - synced + 1);
    if (way == PowerLoss::sectors) end = std::max(synced, end / kSectorBytes * kSectorBytes);
    return bytes.substr(0, end);
  }
  std::string left = bytes.substr(0, synced);
  const auto keep_of_8 = 1 + random() % 7;
  for (std::size_t begin = synced; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.size(), (begin / kSectorBytes + 1) * kSectorBytes);
    if (random() % 8 < keep_of_8) {
      left.resize(begin, '\0');
      left.append(bytes, begin, end - begin);
    }
    begin = end;
  }
  return left;
}

std::string_view to_string(PowerLoss way) {
  switch (way) {
    case PowerLoss::lost:
      return "lost";
    case PowerLoss::torn:
      return "torn";
    case PowerLoss::sectors:
      return "sectors";
    case PowerLoss::reordered:
      return "reordered";
  }
  return "?";
}

// The numbers of files are those that PowerLossFileSystem gives.
DiskState::DiskState(const DiskTrace& trace) {
  std::uint64_t next = 1;
  for (const auto& [name, bytes] : trace.files) {
    files_[next] = {bytes, bytes.size()};
    durable_[name] = next++;
    if (name == kLockFile) lock_texts_ = {bytes};
  }
  if (lock_texts_.empty()) lock_texts_ = {""};
}

void DiskState::apply(const Change& change, Names& names) {
  using Kind = DiskEvent::Kind;
  if (change.kind == Kind::create) names[change.name] = change.file;
  if (change.kind == Kind::erase || change.kind == Kind::rename) names.erase(change.name);
  if (change.kind == Kind::rename || change.kind == Kind::link) names[change.other] = change.file;
}

void DiskState::apply(const DiskEvent& event) {
  using Kind = DiskEvent::Kind;
  switch (event.kind) {
    case Kind::create:
      files_[event.file] = {};
      changes_.push_back({event.kind, event.name, "", event.file});
      break;
    case Kind::append:
      files_[event.file].bytes += event.bytes;
      break;
    case Kind::truncate:
      files_[event.file].bytes.resize(event.number);
      files_[event.file].synced = std::min(files_[event.file].synced, event.number);
      break;
    case Kind::sync:
      files_[event.file].synced = files_[event.file].bytes.size();
      break;
    case Kind::rename:
    case Kind::link:
    case Kind::erase:
      changes_.push_back({event.kind, event.name, event.other, event.file});
      break;
    case Kind::sync_directory:
      for (const Change& change : changes_) apply(change, durable_);
      changes_.clear();
      forget_unnamed();
      break;
    case Kind::own_write:
      lock_texts_.push_back(event.bytes);
      break;
    case Kind::own_sync:
      lock_texts_ = {lock_texts_.back()};
      break;
    case Kind::range_sync:
    case Kind::step_begins:
    case Kind::step_acknowledged:
      break;
  }
}

void DiskState::forget_unnamed() {
  std::set<std::uint64_t> named;
  for (const auto& [name, file] : durable_) named.insert(file);
  std::erase_if(files_, [&](const auto& file) { return !named.contains(file.first); });
}

void DiskState::write_after(PowerLoss way, std::uint64_t seed, const fs::path& directory) const {
  std::mt19937_64 random(seed);
  Names names = durable_;
  for (const Change& change : changes_) {
    // A loss of everything is the loss of what was made; what was removed may be gone all the same.
    const bool removes = change.kind == DiskEvent::Kind::erase;
    if (random() % 2 == 0 && (removes || way != PowerLoss::lost)) apply(change, names);
  }
  fs::remove_all(directory);
  fs::create_directories(directory);
  fs::permissions(directory, fs::perms::owner_all);
  for (const auto& [name, id] : names) {
    if (name == kLockFile) continue;
    const auto file = files_.find(id);
    if (file == files_.end()) continue;
    std::ofstream(directory / name, std::ios::binary)
        << remains_of(file->second.bytes, file->second.synced, way, random);
  }
  const std::size_t text = way == PowerLoss::lost ? 0 : random() % lock_texts_.size();
  std::ofstream(directory / kLockFile, std::ios::binary) << of_another_boot(lock_texts_[text]);
}

}  // namespace caveat::test
