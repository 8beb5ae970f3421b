// KvBatch: one buffer of bytes and one record of offsets an entry. Also the families' names.
#include <limits>

#include "caveat/kv_backend.h"
#include "pool/invariant.h"

namespace caveat {

std::string_view to_string(Family family) noexcept {
  switch (family) {
    case Family::meta:
      return "meta";
    case Family::delta:
      return "delta";
    case Family::primary:
      return "primary";
    case Family::property:
      return "property";
    case Family::source:
      return "source";
    case Family::confidence:
      return "confidence";
    case Family::temporal:
      return "temporal";
  }
  return "unknown";
}

void KvBatch::add(Op op, Family family, std::string_view key, std::string_view value) {
  CAVEAT_ASSERT(key.size() <= std::numeric_limits<std::uint32_t>::max());
  CAVEAT_ASSERT(value.size() <= std::numeric_limits<std::uint32_t>::max());
  Record record;
  record.offset = buffer_.size();
  record.key_size = static_cast<std::uint32_t>(key.size());
  record.value_size = static_cast<std::uint32_t>(value.size());
  record.op = op;
  record.family = family;
  records_.push_back(record);
  try {
    buffer_.append(key);
    buffer_.append(value);
  } catch (...) {  // out of memory: the batch is as it was
    buffer_.resize(record.offset);
    records_.pop_back();
    throw;
  }
}

void KvBatch::extend(const KvBatch& other) {
  const std::size_t shift = buffer_.size();
  const std::size_t count = other.records_.size();  // `other` may be this batch
  records_.reserve(records_.size() + count);
  buffer_.append(other.buffer_);
  for (std::size_t i = 0; i < count; ++i) {
    Record record = other.records_[i];
    record.offset += shift;
    records_.push_back(record);
  }
}

void KvBatch::clear() noexcept {
  buffer_.clear();
  records_.clear();
}

KvBatch::Entry KvBatch::entry(std::size_t index) const noexcept {
  CAVEAT_ASSERT(index < records_.size());
  const Record& record = records_[index];
  const std::string_view bytes(buffer_);
  return {record.op, record.family, bytes.substr(record.offset, record.key_size),
          bytes.substr(record.offset + record.key_size, record.value_size)};
}

}  // namespace caveat
