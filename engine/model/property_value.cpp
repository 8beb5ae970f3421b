// Hashes of names, and when two values are the same.
#include <xxhash.h>

#include <algorithm>
#include <bit>

#include "caveat/types.h"

namespace caveat {

// The kind of a value is the place of its alternative; both are on disk.
static_assert(static_cast<int>(ValueKind::Null) == 0 && static_cast<int>(ValueKind::Boolean) == 1 &&
              static_cast<int>(ValueKind::Integer) == 2 &&
              static_cast<int>(ValueKind::Float) == 3 && static_cast<int>(ValueKind::String) == 4 &&
              static_cast<int>(ValueKind::List) == 5);

PropertyHash hash_property(std::string_view name) noexcept {
  return XXH3_64bits(name.data(), name.size());
}

bool operator==(const PropertyValue& a, const PropertyValue& b) noexcept {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case ValueKind::Null:
      return true;
    case ValueKind::Boolean:
      return *a.as_boolean() == *b.as_boolean();
    case ValueKind::Integer:
      return *a.as_integer() == *b.as_integer();
    case ValueKind::Float:
      return std::bit_cast<std::uint64_t>(*a.as_float()) ==
             std::bit_cast<std::uint64_t>(*b.as_float());
    case ValueKind::String:
      return *a.as_string() == *b.as_string();
    case ValueKind::List: {
      const auto& x = *a.as_list();
      const auto& y = *b.as_list();
      return std::equal(x.begin(), x.end(), y.begin(), y.end());
    }
  }
  return false;
}

}  // namespace caveat
