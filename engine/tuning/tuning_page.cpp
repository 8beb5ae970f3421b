#include "engine/tuning/tuning_page.h"

#include <fmt/format.h>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"

namespace caveat {

namespace {

constexpr std::uint32_t kMagic = 0x55545643;  // "CVTU"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kTrialBytes = 12;
constexpr std::size_t kChecksumOffset = 24;
static_assert(kHeaderBytes == kChecksumOffset + sizeof(std::uint64_t));

bool possible(Tuned tuned, std::uint32_t value) {
  switch (tuned) {
    case Tuned::dictionary:
      return value <= 4 * kMiB;
    case Tuned::codec:
      return value <= static_cast<std::uint32_t>(CompressionAlgorithm::Zstd);
    case Tuned::partition:
      return value >= 16 && value <= 4096;
    case Tuned::level:
    case Tuned::optimize_level:
      return value >= 1 && value <= 19;
  }
  return false;
}

tl::unexpected<StorageError> wrong(std::string_view what) {
  return fail(ErrorCode::corruption, fmt::format("tuning: {}", what));
}

}  // namespace

void encode_tuning(const Tuning& tuning, std::string& out) {
  const std::size_t start = out.size();
  std::size_t trials = 0;
  for (const Choice& choice : tuning.choices) trials += choice.trials.size();
  put_fixed(out, kMagic);
  put_fixed(out, kVersion);
  put_fixed(out, static_cast<std::uint8_t>(tuning.moment));
  put_fixed(out, static_cast<std::uint8_t>(trials));
  put_fixed(out, std::uint8_t{0});
  put_fixed(out, tuning.records);
  put_fixed(out, tuning.sampled_rows);
  put_fixed(out, std::uint32_t{0});
  put_fixed(out, std::uint64_t{0});
  for (std::size_t i = 0; i < kTunedCount; ++i) {
    for (const Trial& trial : tuning.choices[i].trials) {
      put_fixed(out, static_cast<std::uint8_t>(i + 1));
      put_fixed(out, static_cast<std::uint8_t>(tuning.choices[i].chosen == trial.value ? 1 : 0));
      put_fixed(out, std::uint16_t{0});
      put_fixed(out, trial.value);
      put_fixed(out, trial.millibytes);
    }
  }
  const auto page = std::string_view(out).substr(start);
  set_fixed(out, start + kChecksumOffset,
            checksum_around(page, kChecksumOffset, sizeof(std::uint64_t)));
}

Result<Tuning> decode_tuning(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || get_fixed<std::uint32_t>(bytes, 0) != kMagic) {
    return wrong("wrong magic");
  }
  const auto version = static_cast<std::uint8_t>(bytes[4]);
  if (version > kVersion) {
    return fail(ErrorCode::unsupported_format,
                fmt::format("tuning: version {}; this caveat knows up to {}", version, kVersion));
  }
  const auto trials = static_cast<std::uint8_t>(bytes[6]);
  if (version == 0 || bytes.size() != kHeaderBytes + trials * kTrialBytes) {
    return wrong("wrong version or length");
  }
  if (get_fixed<std::uint64_t>(bytes, kChecksumOffset) !=
      checksum_around(bytes, kChecksumOffset, sizeof(std::uint64_t))) {
    return wrong("checksum differs");
  }
  Tuning tuning;
  const auto moment = static_cast<std::uint8_t>(bytes[5]);
  tuning.records = get_fixed<std::uint64_t>(bytes, 8);
  tuning.sampled_rows = get_fixed<std::uint32_t>(bytes, 16);
  if ((moment != static_cast<std::uint8_t>(Moment::fold) &&
       moment != static_cast<std::uint8_t>(Moment::optimize)) ||
      bytes[7] != 0 || get_fixed<std::uint32_t>(bytes, 20) != 0) {
    return wrong("impossible field");
  }
  tuning.moment = static_cast<Moment>(moment);
  std::uint8_t before = 0;
  for (std::size_t at = kHeaderBytes; at < bytes.size(); at += kTrialBytes) {
    const auto what = static_cast<std::uint8_t>(bytes[at]);
    const auto chosen = static_cast<std::uint8_t>(bytes[at + 1]);
    const Trial trial{get_fixed<std::uint32_t>(bytes, at + 4),
                      get_fixed<std::uint32_t>(bytes, at + 8)};
    if (what == 0 || what > kTunedCount || what < before || chosen > 1 ||
        get_fixed<std::uint16_t>(bytes, at + 2) != 0 ||
        !possible(static_cast<Tuned>(what), trial.value)) {
      return wrong("impossible trial");
    }
    before = what;
    Choice& choice = tuning.of(static_cast<Tuned>(what));
    for (const Trial& other : choice.trials) {
      if (other.value == trial.value) return wrong("a trial is there twice");
    }
    if (chosen == 1 && choice.chosen) return wrong("two are chosen");
    if (chosen == 1) choice.chosen = trial.value;
    choice.trials.push_back(trial);
  }
  for (const Choice& choice : tuning.choices) {
    if (!choice.trials.empty() && !choice.chosen) return wrong("none is chosen");
  }
  return tuning;
}

}  // namespace caveat
