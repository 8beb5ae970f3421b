// It runs inside DB::Open, flushes, compactions and reads, and if it ever failed the database
// would go read-only or not open at all. So it knows nothing: no format, no limit, no way to say
// no. Whatever the bytes are, the result is all of them in order.
#include "adapters/rocksdb/append_operator.h"

#include <string>

namespace caveat::detail {
namespace {

class AppendOperator final : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return kAppendOperatorName; }

  bool FullMergeV2(const MergeOperationInput& in,
                   MergeOperationOutput* out) const noexcept override {
    std::string& joined = out->new_value;
    joined.clear();
    std::size_t size = in.existing_value != nullptr ? in.existing_value->size() : 0;
    for (const rocksdb::Slice& operand : in.operand_list) size += operand.size();
    joined.reserve(size);
    if (in.existing_value != nullptr) {
      joined.append(in.existing_value->data(), in.existing_value->size());
    }
    for (const rocksdb::Slice& operand : in.operand_list) {
      joined.append(operand.data(), operand.size());
    }
    return true;
  }

  bool PartialMerge(const rocksdb::Slice&, const rocksdb::Slice& left, const rocksdb::Slice& right,
                    std::string* joined, rocksdb::Logger*) const noexcept override {
    joined->clear();
    joined->reserve(left.size() + right.size());
    joined->append(left.data(), left.size());
    joined->append(right.data(), right.size());
    return true;
  }

  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands,
                         std::string* joined, rocksdb::Logger*) const noexcept override {
    joined->clear();
    std::size_t size = 0;
    for (const rocksdb::Slice& operand : operands) size += operand.size();
    joined->reserve(size);
    for (const rocksdb::Slice& operand : operands) joined->append(operand.data(), operand.size());
    return true;
  }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> append_operator() {
  return std::make_shared<AppendOperator>();
}

}  // namespace caveat::detail
