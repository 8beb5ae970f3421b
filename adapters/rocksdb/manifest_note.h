// What caveat.lock says of the MANIFEST: how much of it was on the device when it was last synced.
// It goes on from there, but never ends before, however the process or the system ended. The end of
// a MANIFEST that is missing cannot be told otherwise: it is the store as it was once.
//
//   "manifest 5 2413 9c1d03e7 52a6f1b0\n"
//     number and length | CRC-32C of so many bytes of it | CRC-32C of the line before
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "caveat/error.h"

namespace caveat::detail {

struct ManifestNote {
  std::uint64_t number = 0;  // 0: nothing is known
  std::uint64_t bytes = 0;
  std::uint32_t checksum = 0;
};

inline constexpr std::size_t kManifestNoteMax = 80;  // with its newline

// To memory that has room for kManifestNoteMax; behind it. Nothing of a note that knows nothing.
[[nodiscard]] char* write_note(const ManifestNote& note, char* to) noexcept;
// Of the first line that is one, which any other is not, nor one with a bit wrong.
[[nodiscard]] ManifestNote parse_note(std::string_view text) noexcept;

// "MANIFEST-000005" is 5; 0: that is no name of one.
[[nodiscard]] std::uint64_t manifest_number(std::string_view name) noexcept;

// Does that file begin with what was noted? True of another one. io_error; not_found.
[[nodiscard]] Result<bool> agrees(const std::filesystem::path& manifest, const ManifestNote& note);

}  // namespace caveat::detail
