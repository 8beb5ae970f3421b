#include "engine/maintenance/publication.h"

#include "engine/store/core.h"

namespace caveat {

Result<void> Publication::publish(std::function<void(Version&)> change) {
  try {
    const auto snapshot = core_.backend->snapshot();
    if (snapshot) {
      core_.versions.update([&](Version& version) {
        version.backend_snapshot = *snapshot;
        change(version);
      });
      return {};
    }
    waiting_ = std::move(change);
    return fail(snapshot.error());
  } catch (...) {  // std::bad_alloc; moving a function takes none
    if (change) waiting_ = std::move(change);
    throw;
  }
}

}  // namespace caveat
