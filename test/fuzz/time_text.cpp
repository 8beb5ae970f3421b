// Times and ranges as text: a time that is taken is written and read back as the same.
#include <string>

#include "test/fuzz/fuzz.h"
#include "tools/cli/time_text.h"

using namespace caveat;
using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text(data, size);
  if (const auto time = cli::parse_time(text)) {
    std::string written;
    cli::append_time(*time, written);
    const auto back = cli::parse_time(written);
    must_hold(back && *back == *time, "a time is read back as another one");
  }
  if (const auto range = cli::parse_time_range(text)) {
    std::string written;
    cli::append_time(range->start_ns, written);
    written += "..";
    cli::append_time(range->end_ns, written);
    const auto back = cli::parse_time_range(written);
    must_hold(range->start_ns > range->end_ns ||
                  (back && back->start_ns == range->start_ns && back->end_ns == range->end_ns),
              "a range is read back as another one");
  }
  if (const auto range = cli::parse_confidence_range(text))
    must_hold(range->min == range->min && range->max == range->max, "a range with no number");
  return 0;
}
