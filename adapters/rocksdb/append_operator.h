// The merge function of every family: it appends.
#pragma once

#include <rocksdb/merge_operator.h>
#include <memory>

namespace caveat::detail {

// The name is stored with each family; a database made with another one is not ours.
inline constexpr const char* kAppendOperatorName = "caveat.append.1";

[[nodiscard]] std::shared_ptr<rocksdb::MergeOperator> append_operator();

}  // namespace caveat::detail
