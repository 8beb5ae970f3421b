#include "tools/cli/record_diff.h"

namespace caveat::cli {

bool same_content(const ExceptionView& a, const ExceptionView& b) noexcept {
  return a.source == b.source && a.created_at == b.created_at && a.confidence == b.confidence &&
         a.inherited_value == b.inherited_value && a.actual_value == b.actual_value &&
         a.reason == b.reason;
}

Result<DiffCounts> compare(RecordStream& before, RecordStream& after,
                           const OnDifference& on_difference,
                           const std::function<bool(const DiffCounts&)>& go_on) {
  DiffCounts counts;
  CAVEAT_ASSIGN(const auto* old, before.next());
  CAVEAT_ASSIGN(const auto* now, after.next());
  while (old != nullptr || now != nullptr) {
    const bool only_old = now == nullptr || (old != nullptr && old->key < now->key);
    const bool only_now = !only_old && (old == nullptr || now->key < old->key);
    if (only_old) {
      ++counts.removed;
    } else if (only_now) {
      ++counts.added;
    } else {
      ++(same_content(*old, *now) ? counts.same : counts.changed);
    }
    if (only_old || only_now || !same_content(*old, *now)) {
      CAVEAT_ASSIGN(const bool more,
                    on_difference(only_now ? nullptr : old, only_old ? nullptr : now));
      if (!more) return counts;
    }
    if (!go_on(counts)) return fail(ErrorCode::cancelled, "stopped");
    if (!only_now) {
      CAVEAT_ASSIGN(old, before.next());
    }
    if (!only_old) {
      CAVEAT_ASSIGN(now, after.next());
    }
  }
  return counts;
}

}  // namespace caveat::cli
