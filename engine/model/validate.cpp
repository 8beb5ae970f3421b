// What may be stored.
#include <fmt/format.h>

#include "engine/model/row.h"
#include "engine/model/value_encoding.h"

namespace caveat {
namespace {

// Never goes deeper than the limit, however deep the value is.
bool is_deeper(const PropertyValue& value, std::size_t levels) noexcept {
  const auto* list = value.as_list();
  if (list == nullptr) return false;
  if (levels == 0) return true;
  for (const auto& element : *list) {
    if (is_deeper(element, levels - 1)) return true;
  }
  return false;
}

Result<void> check_depth(const PropertyValue& value, std::string_view field) {
  if (!is_deeper(value, kMaxValueDepth)) return {};
  return fail(ErrorCode::limit_exceeded,
              fmt::format("{}: lists are nested more than {} deep", field, kMaxValueDepth));
}

Result<void> check_scalars(float confidence, ExceptionSource source) {
  // Written so that NaN fails.
  if (!(confidence >= 0.0F && confidence <= 1.0F)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("confidence: {} is not in [0, 1]", confidence));
  }
  if (static_cast<std::size_t>(source) >= kExceptionSourceCount) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("source: {} is no source", static_cast<int>(source)));
  }
  return {};
}

Result<void> check_size(std::size_t inherited, std::size_t actual, std::size_t reason) {
  const auto total = kStoreRowFixedBytes + inherited + actual + varint_bytes(reason) + reason;
  if (total <= kMaxRecordBytes) return {};
  std::string_view largest = "reason";
  if (inherited >= actual && inherited >= reason) largest = "inherited_value";
  if (actual >= inherited && actual >= reason) largest = "actual_value";
  return fail(ErrorCode::limit_exceeded,
              fmt::format("{}: makes a record of {} bytes, and the limit is {}", largest, total,
                          kMaxRecordBytes));
}

}  // namespace

Result<void> validate(const Exception& exception) {
  CAVEAT_TRY(check_scalars(exception.confidence, exception.source));
  CAVEAT_TRY(check_depth(exception.inherited_value, "inherited_value"));
  CAVEAT_TRY(check_depth(exception.actual_value, "actual_value"));
  return check_size(value_bytes(exception.inherited_value), value_bytes(exception.actual_value),
                    exception.reason.size());
}

Result<void> validate_view(const ExceptionView& record) {
  CAVEAT_TRY(check_scalars(record.confidence, record.source));
  return check_size(value_bytes(record.inherited_value), value_bytes(record.actual_value),
                    record.reason.size());
}

}  // namespace caveat
