// Records on their way in: what a caller of C says, checked, as views that the engine takes.
#pragma once

#include <array>
#include <cstddef>
#include <forward_list>
#include <memory_resource>
#include <string>

#include "caveat/c.h"
#include "caveat/exception_view.h"

namespace caveat::c {

// Makes views. They refer to the caller's bytes and to this object: valid as long as both.
class RecordIn {
 public:
  // Errors name the field: invalid_argument, limit_exceeded. Confidence, source and the record's
  // size are left to the engine.
  [[nodiscard]] Result<ExceptionView> view(const caveat_record* record);
  [[nodiscard]] Result<ExceptionView> view(const caveat_record& record);

 private:
  [[nodiscard]] Result<ValueView> value(const caveat_value& value, const char* field);
  [[nodiscard]] std::string_view keep(std::string_view bytes);

  // Two numbers and more fit; a bulk load goes on in the heap.
  std::array<std::byte, 64> first_;
  std::pmr::monotonic_buffer_resource numbers_{first_.data(), first_.size()};
  std::forward_list<std::string> lists_;
};

// Checks a pair of pointer and length.
[[nodiscard]] Result<std::string_view> text_of(const char* data, std::size_t size,
                                               const char* name);

// `count` objects of `size` bytes each, in the caller's memory.
[[nodiscard]] Result<void> check_array(const void* first, std::size_t count, std::size_t size,
                                       const char* name);

}  // namespace caveat::c
