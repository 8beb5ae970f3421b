// Reading without copying: views into encoded bytes.
//
// The plain value encoding is the one of docs/format/row.md: a tag byte (ValueKind), then
//   Null nothing | Boolean u8 (0, 1) | Integer zigzag varint | Float 8 bytes, little-endian
//   String varint length, bytes | List varint length in bytes, encoded elements
// A ValueView holds the tag and the payload apart (for strings and lists without the length), so
// that blocks can keep tags and payloads in columns of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "caveat/types.h"

namespace caveat {

// A value somebody else owns. Cheap to copy; valid as long as the bytes behind it are.
// A ValueView that caveat hands out has been checked: its accessors need not fail.
class ValueView {
 public:
  ValueView() = default;  // Null
  // Of a value's plain encoding without its tag, trusted (checked_value checks).
  ValueView(ValueKind kind, std::string_view payload) : payload_(payload), kind_(kind) {}

  [[nodiscard]] ValueKind kind() const noexcept { return kind_; }  // as stored
  // Plain encoding, no tag.
  [[nodiscard]] std::string_view payload() const noexcept { return payload_; }

  // Each needs the kind to be right; a view of another kind gives false, 0 or an empty string.
  [[nodiscard]] bool as_boolean() const noexcept;
  [[nodiscard]] std::int64_t as_integer() const noexcept;
  [[nodiscard]] double as_float() const noexcept;
  [[nodiscard]] std::string_view as_string() const noexcept;

  // Takes the next element off a list's bytes: start with `auto rest = list.payload()`.
  // Nothing when the list is at its end.
  [[nodiscard]] static std::optional<ValueView> next_element(std::string_view& rest) noexcept;

  [[nodiscard]] PropertyValue to_value() const;  // a copy that owns its bytes
  friend bool operator==(const ValueView& a, const ValueView& b) noexcept {
    return a.kind_ == b.kind_ && a.payload_ == b.payload_;
  }

 private:
  std::string_view payload_;
  ValueKind kind_ = ValueKind::Null;
};

// One record, read in place.
struct ExceptionView {
  ExceptionKey key;                                    // node and property
  ValueView inherited_value;                           // what the node would have
  ValueView actual_value;                              // what it has instead
  std::string_view reason;                             // why; may be empty
  std::int64_t created_at = 0;                         // nanoseconds since the Unix epoch, UTC
  float confidence = 1.0F;                             // 0 to 1
  ExceptionSource source = ExceptionSource::Explicit;  // where it comes from

  [[nodiscard]] Exception to_exception() const;  // a copy without the key
  [[nodiscard]] ExceptionRecord to_record() const { return {key, to_exception()}; }  // a copy
};

// A view and what keeps its bytes alive (a decoded block, or a row of the delta). Copies share
// the pin. Holding one never blocks writers or maintenance; it keeps at most one block in memory.
class PinnedException {
 public:
  // `pin` keeps what the view points to, and `reason` the reason's text where that is of its own.
  PinnedException(ExceptionView view, std::shared_ptr<const void> pin,
                  std::shared_ptr<const char[]> reason = nullptr)
      : view_(view), pin_(std::move(pin)), reason_(std::move(reason)) {}
  // While this lives.
  [[nodiscard]] const ExceptionView& operator*() const noexcept { return view_; }
  [[nodiscard]] const ExceptionView* operator->() const noexcept { return &view_; }  // the same

 private:
  ExceptionView view_;
  std::shared_ptr<const void> pin_;
  std::shared_ptr<const char[]> reason_;  // where the block has it in halves
};

// Appends the plain encoding of a value (tag included).
void encode_value(const PropertyValue& value, std::string& out);
// The payload alone (what a ValueView holds); the tag is value.kind().
void encode_payload(const PropertyValue& value, std::string& out);

// Takes one plainly encoded value off the front of `bytes`, checking every byte: bounds, depth,
// unknown tags, unused varint bits. On corruption `bytes` is left in an unspecified place.
[[nodiscard]] Result<ValueView> decode_value(std::string_view& bytes);

// Checks a tag and a payload that come from disk.
[[nodiscard]] Result<ValueView> checked_value(std::uint8_t tag, std::string_view payload);

}  // namespace caveat
