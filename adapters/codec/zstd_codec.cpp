// Magicless frames and dictionaries by reference are zstd's "experimental" half; its numbers have
// been the same since 1.3.5, and the tests would tell.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>

#include "adapters/codec/codecs.h"

namespace caveat {
namespace {

constexpr int kLevelMin = 1;
constexpr int kLevelMax = 19;

struct FreeContext {
  void operator()(ZSTD_CCtx* c) const noexcept { ZSTD_freeCCtx(c); }
  void operator()(ZSTD_DCtx* c) const noexcept { ZSTD_freeDCtx(c); }
};

ZSTD_CCtx* compression_context() {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  return context.get();
}
ZSTD_DCtx* decompression_context() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  return context.get();
}

// A dictionary ready for use: one form for reading, and one for each level written with so far.
// Digesting costs milliseconds; a block costs microseconds.
class Digest {
 public:
  explicit Digest(std::string_view bytes)
      : bytes_(bytes), reading_(ZSTD_createDDict_byReference(bytes_.data(), bytes_.size())) {}
  ~Digest() {
    ZSTD_freeDDict(reading_);
    for (auto& writing : writing_) ZSTD_freeCDict(writing.load());
  }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  [[nodiscard]] const ZSTD_DDict* reading() const noexcept { return reading_; }
  [[nodiscard]] const ZSTD_CDict* writing(int level) {
    auto& slot = writing_.at(static_cast<std::size_t>(level));
    if (auto* ready = slot.load(std::memory_order_acquire)) return ready;
    const std::lock_guard lock(mutex_);
    if (auto* ready = slot.load(std::memory_order_acquire)) return ready;
    auto* made = ZSTD_createCDict_byReference(bytes_.data(), bytes_.size(), level);
    slot.store(made, std::memory_order_release);
    return made;
  }

 private:
  const std::string bytes_;
  ZSTD_DDict* reading_;
  std::array<std::atomic<ZSTD_CDict*>, kLevelMax + 1> writing_{};
  std::mutex mutex_;
};

Digest* digest_of(const CompressionDictionary* dictionary) {
  return dictionary != nullptr ? static_cast<Digest*>(dictionary->digested.get()) : nullptr;
}

StorageError failed(ErrorCode code, std::size_t result) {
  return {code, std::string("zstd: ") + ZSTD_getErrorName(result)};
}

class ZstdCodec final : public Codec {
 public:
  explicit ZstdCodec(int level) : level_(std::clamp(level, kLevelMin, kLevelMax)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "zstd"; }
  [[nodiscard]] bool uses_dictionary() const noexcept override { return true; }

  [[nodiscard]] Result<void> compress(std::string_view raw, const CompressionDictionary* dictionary,
                                      std::string& out) const override {
    ZSTD_CCtx* const c = compression_context();
    if (c == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_reset(c, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level_);
    ZSTD_CCtx_setParameter(c, ZSTD_c_format, ZSTD_f_zstd1_magicless);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 0);
    ZSTD_CCtx_setParameter(c, ZSTD_c_dictIDFlag, 0);
    if (auto* digest = digest_of(dictionary)) {
      ZSTD_CCtx_refCDict(c, digest->writing(level_));
    } else if (dictionary != nullptr) {
      ZSTD_CCtx_loadDictionary_byReference(c, dictionary->bytes.data(), dictionary->bytes.size());
    }
    const std::size_t before = out.size();
    const std::size_t bound = ZSTD_compressBound(raw.size());
    out.resize(before + bound);
    const std::size_t written =
        ZSTD_compress2(c, out.data() + before, bound, raw.data(), raw.size());
    if (ZSTD_isError(written) != 0U) {
      out.resize(before);
      return fail(failed(ErrorCode::internal, written));
    }
    out.resize(before + written);
    return {};
  }

  [[nodiscard]] Result<void> decompress(std::string_view stored,
                                        const CompressionDictionary* dictionary,
                                        std::span<char> out) const override {
    ZSTD_DCtx* const d = decompression_context();
    if (d == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_reset(d, ZSTD_reset_session_and_parameters);
    ZSTD_DCtx_setParameter(d, ZSTD_d_format, ZSTD_f_zstd1_magicless);
    if (auto* digest = digest_of(dictionary)) {
      ZSTD_DCtx_refDDict(d, digest->reading());
    } else if (dictionary != nullptr) {
      ZSTD_DCtx_loadDictionary_byReference(d, dictionary->bytes.data(), dictionary->bytes.size());
    }
    const std::size_t got =
        ZSTD_decompressDCtx(d, out.data(), out.size(), stored.data(), stored.size());
    if (ZSTD_isError(got) != 0U) return fail(failed(ErrorCode::corruption, got));
    if (got != out.size())
      return fail(ErrorCode::corruption, "zstd: fewer bytes than the header says");
    return {};
  }

 private:
  int level_;
};

}  // namespace

std::shared_ptr<const Codec> make_zstd_codec(int level) {
  return std::make_shared<ZstdCodec>(level);
}

std::shared_ptr<void> digest_zstd_dictionary(std::string_view bytes) {
  return std::make_shared<Digest>(bytes);
}

}  // namespace caveat
