// A file of metrics, which another process wrote: taken or refused, and what is taken can be shown.
#include "test/fuzz/fuzz.h"
#include "tools/cli/top/view.h"

using namespace caveat;
using caveat::test::must_hold;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto metrics = cli::Metrics::parse(caveat::test::as_text(data, size));
  if (!metrics) {
    must_hold(metrics.error().code() == ErrorCode::corruption, "refused as something else");
    return 0;
  }
  const cli::Reading reading{*metrics, 0};
  must_hold(!cli::top_view("title", reading, reading).empty(), "nothing is shown");
  return 0;
}
