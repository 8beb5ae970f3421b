#include "engine/cache/record_cache.h"

#include <cstring>
#include <new>
#include <type_traits>

namespace caveat {
namespace {

// The unit of the allocation: aligned for what lies in front.
struct alignas(PinnedRecord) Word {
  std::byte bytes[alignof(PinnedRecord)];
};

// What libstdc++'s shared_ptr puts in front of an array; the tests compare with the heap.
constexpr std::size_t kControlBytes = 48;

std::size_t payload_bytes(const ExceptionView& record) noexcept {
  return record.inherited_value.payload().size() + record.actual_value.payload().size() +
         record.reason.size();
}

std::string_view copy_to(char*& storage, std::string_view bytes) noexcept {
  if (!bytes.empty()) std::memcpy(storage, bytes.data(), bytes.size());
  const std::string_view copied(storage, bytes.size());
  storage += bytes.size();
  return copied;
}

}  // namespace

PinnedRecord::PinnedRecord(const RecordStamp& stamp, const ExceptionView& record, char* storage,
                           std::size_t bytes) noexcept
    : view_(record), stamp_(stamp), bytes_(bytes) {
  view_.inherited_value =
      ValueView(record.inherited_value.kind(), copy_to(storage, record.inherited_value.payload()));
  view_.actual_value =
      ValueView(record.actual_value.kind(), copy_to(storage, record.actual_value.payload()));
  view_.reason = copy_to(storage, record.reason);
}

std::shared_ptr<const PinnedRecord> PinnedRecord::make(const RecordStamp& stamp,
                                                       const ExceptionView& record) noexcept {
  // Nobody runs its destructor: the allocation is an array of words.
  static_assert(std::is_trivially_destructible_v<PinnedRecord>);
  const std::size_t bytes = sizeof(PinnedRecord) + payload_bytes(record);
  const std::size_t words = (bytes + sizeof(Word) - 1) / sizeof(Word);
  try {
    auto memory = std::make_shared_for_overwrite<Word[]>(words);
    char* storage = reinterpret_cast<char*>(memory.get()) + sizeof(PinnedRecord);
    auto* made = ::new (static_cast<void*>(memory.get())) PinnedRecord(
        stamp, record, storage, words * sizeof(Word) + kControlBytes + detail::kHeapOverhead);
    return {std::move(memory), made};
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

bool RecordCache::insert(const RecordStamp& stamp, const ExceptionView& record,
                         Admission admission) noexcept {
  if (!admits(record, admission)) return false;
  auto made = PinnedRecord::make(stamp, record);
  return made != nullptr && keep(std::move(made));
}

bool RecordCache::insert(std::shared_ptr<const PinnedRecord> record, Admission admission) noexcept {
  return admits(record->view(), admission) && keep(std::move(record));
}

bool RecordCache::admits(const ExceptionView& record, Admission admission) noexcept {
  if (payload_bytes(record) > kRecordBytesMax) return false;
  return cache_.should_admit(record.key) || admission == Admission::now;
}

bool RecordCache::keep(std::shared_ptr<const PinnedRecord> record) noexcept {
  const ExceptionKey key = record->view().key;
  const std::size_t bytes = record->bytes();
  return cache_.insert(key, std::move(record), bytes, Admission::now);
}

}  // namespace caveat
