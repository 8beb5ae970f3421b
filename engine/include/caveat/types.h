// The data model: what an exception is.
//
// A node of a knowledge graph inherits the values of its properties from its parents. Where its
// actual value differs (birds fly, a penguin does not), the difference is an exception. Its key
// is (node, property hash); its value is everything else.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "caveat/error.h"

namespace caveat {

using NodeId = std::uint64_t;        // the host's own numbers
using PropertyHash = std::uint64_t;  // hash_property of its name

// XXH3-64 of the name's bytes, seed 0. Fixed for ever: hashes are on disk and in hosts.
[[nodiscard]] PropertyHash hash_property(std::string_view name) noexcept;

// Orders by node, then by property hash: the order of the store.
struct ExceptionKey {
  NodeId node_id = 0;              // any number
  PropertyHash property_hash = 0;  // any number; a name is not needed

  friend auto operator<=>(const ExceptionKey&, const ExceptionKey&) = default;
};

// Where an exception comes from. The numbers are on disk; a host's priorities are apart.
enum class ExceptionSource : std::uint8_t {
  Explicit = 0,  // stated by a person
  Detected,      // found by comparing
  Promoted,      // moved up from descendants that agree
  Conflict,      // left over where parents disagree
  Imported,      // from another system
};
inline constexpr std::size_t kExceptionSourceCount = 5;  // of ExceptionSource

// 100, 40, 80, 60, 20: which of two exceptions a host prefers.
[[nodiscard]] int source_priority(ExceptionSource source) noexcept;
[[nodiscard]] std::string_view to_string(ExceptionSource source) noexcept;
[[nodiscard]] std::optional<ExceptionSource> source_from_string(std::string_view name) noexcept;

// The numbers are on disk (docs/format/row.md).
enum class ValueKind : std::uint8_t { Null = 0, Boolean, Integer, Float, String, List };

// A property's value. Lists nest, at most kMaxValueDepth deep. Strings may hold any bytes.
class PropertyValue {
 public:
  using List = std::vector<PropertyValue>;  // of any kinds

  PropertyValue() = default;                                             // Null
  PropertyValue(bool value) : value_(value) {}                           // Boolean
  PropertyValue(std::int64_t value) : value_(value) {}                   // Integer
  PropertyValue(int value) : value_(std::int64_t{value}) {}              // Integer
  PropertyValue(double value) : value_(value) {}                         // Float
  PropertyValue(std::string value) : value_(std::move(value)) {}         // String
  PropertyValue(std::string_view value) : value_(std::string(value)) {}  // String
  PropertyValue(const char* value) : value_(std::string(value)) {}       // String
  PropertyValue(List value) : value_(std::move(value)) {}                // List

  // What it holds.
  [[nodiscard]] ValueKind kind() const noexcept { return static_cast<ValueKind>(value_.index()); }

  // The value where the kind is the one asked for, else null.
  [[nodiscard]] const bool* as_boolean() const noexcept { return std::get_if<bool>(&value_); }
  [[nodiscard]] const std::int64_t* as_integer() const noexcept {
    return std::get_if<std::int64_t>(&value_);
  }
  [[nodiscard]] const double* as_float() const noexcept { return std::get_if<double>(&value_); }
  [[nodiscard]] const std::string* as_string() const noexcept {
    return std::get_if<std::string>(&value_);
  }
  [[nodiscard]] const List* as_list() const noexcept { return std::get_if<List>(&value_); }

  // Floats compare by their bits, so that a NaN equals itself and -0.0 differs from 0.0: two
  // values are equal when they are stored alike.
  friend bool operator==(const PropertyValue& a, const PropertyValue& b) noexcept;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List> value_;
};

// What is stored under a key.
// (All have defaults, so that designated initializers may leave any out without a warning.)
struct Exception {
  PropertyValue inherited_value = {};                  // what the node would have
  PropertyValue actual_value = {};                     // what it has instead
  std::string reason = {};                             // for people; may be empty
  ExceptionSource source = ExceptionSource::Explicit;  // where it comes from
  std::int64_t created_at = 0;  // nanoseconds since the Unix epoch, UTC; may be negative
  float confidence = 1.0F;      // in [0, 1]; NaN is refused, -0.0 is stored as +0.0

  friend bool operator==(const Exception&, const Exception&) = default;
};

// A key with its exception: what bulk_store takes and queries return.
struct ExceptionRecord {
  ExceptionKey key;     // node and property
  Exception exception;  // what is stored there

  friend bool operator==(const ExceptionRecord&, const ExceptionRecord&) = default;
};

// Limits on one record. Breaking one is limit_exceeded, and nothing of the call is stored.
inline constexpr std::size_t kMaxValueDepth = 16;                      // lists in lists
inline constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;  // encoded row
inline constexpr std::size_t kMaxPropertyNameBytes = 4096;

// Checks the rules above. The message names the field.
[[nodiscard]] Result<void> validate(const Exception& exception);

}  // namespace caveat

template <>
struct std::hash<caveat::ExceptionKey> {
  std::size_t operator()(const caveat::ExceptionKey& key) const noexcept {
    // Murmur3's finaliser over both halves: node ids are often dense, hashes are random already.
    std::uint64_t h = key.node_id * 0x9E3779B97F4A7C15ULL ^ key.property_hash;
    h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDULL;
    return static_cast<std::size_t>(h ^ (h >> 29));
  }
};
