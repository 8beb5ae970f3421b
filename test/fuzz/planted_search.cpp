// A planted bug that libFuzzer must find by itself, beginning with no input at all: behind a
// decoder of ours, in values of one shape only. tools/torture fuzz runs it before it trusts its
// silence.
#include <cstdio>
#include <cstdlib>

#include "caveat/exception_view.h"
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes = as_text(data, size);
  const auto value = caveat::decode_value(bytes);
  if (!value || value->kind() != caveat::ValueKind::List) return 0;
  std::string_view rest = value->payload();
  const auto first = caveat::ValueView::next_element(rest);
  const auto second = caveat::ValueView::next_element(rest);
  if (!first || !second || first->kind() != caveat::ValueKind::Boolean) return 0;
  if (second->kind() != caveat::ValueKind::String || second->as_string().size() < 3) return 0;
  std::fprintf(stderr, "a planted bug\n");
  std::abort();
}
