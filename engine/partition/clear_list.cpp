#include "engine/partition/clear_list.h"

namespace caveat {

void ClearList::drop_up_to(Sequence sequence) {
  std::erase_if(nodes_, [&](const auto& entry) { return entry.second <= sequence; });
  std::erase_if(properties_, [&](const auto& entry) { return entry.second <= sequence; });
}

}  // namespace caveat
