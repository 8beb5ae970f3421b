// A directory as the trace says it is, and as a loss of power would leave it.
//
// A file's bytes are on the device up to where it was last synced. A directory entry is when the
// directory was synced since it was made, renamed or removed. Whatever else there is may be there
// or not, each by itself; which of it, the seed says. One thing is promised though POSIX does not:
// a rename is whole.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "test/torture/disk_trace.h"

namespace caveat::test {

enum class PowerLoss : std::uint8_t {
  lost,       // of what was not synced, nothing is left
  torn,       // files end at any byte behind what was synced
  sectors,    // files end at any sector of 512 bytes
  reordered,  // any sectors are left; in place of others there are zeros
};
inline constexpr std::array kPowerLosses = {PowerLoss::lost, PowerLoss::torn, PowerLoss::sectors,
                                            PowerLoss::reordered};
[[nodiscard]] std::string_view to_string(PowerLoss way);

// What is left of a file behind `synced`. One in five is whole, one in five lost: files differ in
// how soon the system wrote them.
[[nodiscard]] std::string remains_of(const std::string& bytes, std::size_t synced, PowerLoss way,
                                     std::mt19937_64& random);

class DiskState {
 public:
  explicit DiskState(const DiskTrace& trace);

  // The next event has happened.
  void apply(const DiskEvent& event);

  // Makes the directory anew.
  void write_after(PowerLoss way, std::uint64_t seed, const std::filesystem::path& directory) const;

 private:
  struct File {
    std::string bytes;
    std::size_t synced = 0;
  };
  using Names = std::map<std::string, std::uint64_t>;
  struct Change {  // of the directory, not synced
    DiskEvent::Kind kind;
    std::string name;
    std::string other;
    std::uint64_t file;
  };
  static void apply(const Change& change, Names& names);
  void forget_unnamed();

  std::map<std::uint64_t, File> files_;
  Names durable_;
  std::vector<Change> changes_;
  std::vector<std::string> lock_texts_;  // the first is on the device
};

}  // namespace caveat::test
