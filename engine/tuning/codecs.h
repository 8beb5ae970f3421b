// The codecs of a store: the built-in ones at a level, and its host's.
#pragma once

#include "caveat/options.h"

namespace caveat {

[[nodiscard]] inline CodecRegistry codecs_at(const Options& options, int level) {
  auto registry = CodecRegistry::built_in(level);
  for (const auto& [id, codec] : options.custom_codecs) {
    // Ids were checked by Engine::open.
    static_cast<void>(registry.add(id, codec));
  }
  return registry;
}

}  // namespace caveat
