// Reading values in place. The bytes have been checked; the size tests below only keep a view of
// another kind from being misread.
#include <utility>

#include "engine/model/value_encoding.h"

namespace caveat {

bool ValueView::as_boolean() const noexcept {
  return kind_ == ValueKind::Boolean && !payload_.empty() && payload_[0] != 0;
}

std::int64_t ValueView::as_integer() const noexcept {
  if (kind_ != ValueKind::Integer || payload_.empty()) return 0;
  const char* p = payload_.data();
  return unzigzag(take_trusted_varint(p));
}

double ValueView::as_float() const noexcept {
  if (kind_ != ValueKind::Float || payload_.size() != sizeof(double)) return 0.0;
  return load_fixed<double>(payload_.data());
}

std::string_view ValueView::as_string() const noexcept {
  return kind_ == ValueKind::String ? payload_ : std::string_view();
}

// The element is made where it is returned. Made elsewhere and copied, which compilers do sixteen
// bytes at a time, it was read before its two halves had been written: a stall of the processor
// that took a quarter of a scan of lists.
std::optional<ValueView> ValueView::next_element(std::string_view& rest) noexcept {
  if (rest.empty()) return std::nullopt;
  const char* p = rest.data();
  const char* const end = p + rest.size();
  const auto kind = static_cast<ValueKind>(*p++);
  const std::size_t size = take_trusted_size(kind, p);
  CAVEAT_ASSERT(size <= static_cast<std::size_t>(end - p));
  rest = {p + size, static_cast<std::size_t>(end - p) - size};
  return std::optional<ValueView>(std::in_place, kind, std::string_view(p, size));
}

PropertyValue ValueView::to_value() const {
  switch (kind_) {
    case ValueKind::Null:
      return {};
    case ValueKind::Boolean:
      return as_boolean();
    case ValueKind::Integer:
      return as_integer();
    case ValueKind::Float:
      return as_float();
    case ValueKind::String:
      return as_string();
    case ValueKind::List: {
      PropertyValue::List list;
      auto rest = payload_;
      while (const auto element = next_element(rest)) list.push_back(element->to_value());
      return list;
    }
  }
  return {};
}

Exception ExceptionView::to_exception() const {
  Exception exception;
  exception.inherited_value = inherited_value.to_value();
  exception.actual_value = actual_value.to_value();
  exception.reason = reason;
  exception.source = source;
  exception.created_at = created_at;
  exception.confidence = confidence;
  return exception;
}

}  // namespace caveat
