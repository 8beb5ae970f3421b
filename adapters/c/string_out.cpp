#include "adapters/c/string_out.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace caveat::c {

caveat_string copy_of(std::string_view text) {
  auto* const bytes = static_cast<char*>(std::malloc(text.size() + 1));
  if (bytes == nullptr) throw std::bad_alloc();
  if (!text.empty()) std::memcpy(bytes, text.data(), text.size());
  bytes[text.size()] = '\0';
  return {bytes, text.size()};
}

}  // namespace caveat::c

void caveat_string_free(caveat_string* string) {
  if (string == nullptr) return;
  std::free(const_cast<char*>(string->data));
  *string = {};
}
