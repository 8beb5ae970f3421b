#include "adapters/rocksdb/zstd_frame.h"

#include <zstd.h>

#include <algorithm>
#include <memory>
#include <new>

namespace caveat::detail {
namespace {

// So much may be asked for on a claim alone; nearly all frames are smaller, and unpack in one go.
constexpr std::size_t kClaimBytesMax = std::size_t{1} << 20;
// The levels in use here never ask for more than 4 MiB.
constexpr int kWindowLogMax = 25;

}  // namespace

std::optional<std::string> unpack_frame(std::string_view frame, std::size_t size) {
  std::string raw;
  if (size <= kClaimBytesMax) {
    raw.resize(size);
    if (ZSTD_decompress(raw.data(), size, frame.data(), frame.size()) != size) return std::nullopt;
    return raw;
  }
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  if (!context) throw std::bad_alloc();
  if (ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLogMax)) !=
      0) {
    return std::nullopt;
  }
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  std::size_t got = 0;
  for (;;) {
    raw.resize(std::min(size, std::max(kClaimBytesMax, 2 * got)));
    ZSTD_outBuffer out{raw.data(), raw.size(), got};
    const std::size_t taken = in.pos;
    const std::size_t left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left) != 0) return std::nullopt;
    if (left == 0 && in.pos == frame.size() && out.pos == size) return raw;
    // It ends too early, or is too long; another frame behind it is none of ours.
    if (left == 0 || (in.pos == taken && out.pos == got)) return std::nullopt;
    got = out.pos;
  }
}

}  // namespace caveat::detail
