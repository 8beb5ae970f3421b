// Options of a store whose maintenance is the test's own, with partitions that few records fill.
#pragma once

#include "caveat/options.h"

namespace caveat::test {

inline Options plain_options() {
  Options options;
  options.background_maintenance = false;
  options.partition_records = 64;
  return options;
}

}  // namespace caveat::test
