#include "engine/store/stored_pages.h"

#include <functional>

#include "engine/partition/container.h"
#include "engine/store/behind_damage.h"

namespace caveat {

namespace {

// More damaged places than this in one family: what is behind them is not looked for.
constexpr std::size_t kGapsMax = 1000;

// Every key of the kind, with what could not be read.
struct Walk {
  std::function<void(const ExceptionKey&, std::string_view value)> entry;
  std::function<void(const StorageError&)> gap;
};

Result<void> walk_kind(KvBackend& backend, char kind, const Walk& walk) {
  const std::string prefix(1, kind);
  const std::string end(1, static_cast<char>(kind + 1));
  const auto make = [&] { return backend.iterate_below(Family::meta, end, nullptr, true); };
  CAVEAT_ASSIGN(auto it, make());
  ExceptionKey at;
  it->seek(prefix);
  for (std::size_t gaps = 0;;) {
    for (; it->valid() && it->key().starts_with(kind); it->next()) {
      const auto lower = decode_key(it->key().substr(1));
      if (!lower) continue;
      at = *lower;
      walk.entry(*lower, it->value());
    }
    const auto status = it->status();
    if (status) return {};
    if (status.error().code() != ErrorCode::corruption) return fail(status.error());
    walk.gap(status.error());
    if (++gaps > kGapsMax) return {};
    CAVEAT_ASSIGN(auto behind, seek_behind_damage(make, prefix, at));
    if (!behind) return {};
    it = std::move(behind->it);
  }
}

}  // namespace

Result<StoredPages> read_stored_pages(KvBackend& backend) {
  StoredPages stored;
  CAVEAT_TRY(walk_kind(backend, 'D',
                       {[&](const ExceptionKey& lower, std::string_view value) {
                          stored.pages.push_back({lower, std::string(value)});
                        },
                        [&](const StorageError& error) {
                          (stored.pages.empty() ? stored.gap_before
                                                : stored.pages.back().gap_behind) = true;
                          stored.damage.push_back(error.within("directory pages"));
                        }}));
  CAVEAT_TRY(
      walk_kind(backend, 'X',
                {[&](const ExceptionKey& lower, std::string_view) { stored.marks.insert(lower); },
                 [&](const StorageError& error) {
                   stored.marks_readable = false;
                   stored.damage.push_back(error.within("marks of directory pages"));
                 }}));
  return stored;
}

}  // namespace caveat
