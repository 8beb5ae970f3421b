// Magicless frames and dictionaries by reference are zstd's "experimental" half; its numbers have
// been the same since 1.3.5, and the tests would tell.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <new>

#include "adapters/codec/codecs.h"
#include "caveat/compressed_block.h"

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
      : size_(bytes.size()),
        bytes_(std::make_unique_for_overwrite<char[]>(size_ + kRoomBytes)),
        reading_(nullptr) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
    reading_ = ZSTD_createDDict_byReference(bytes_.get(), size_);
    if (reading_ == nullptr) check_memory();  // a dictionary that is damaged stays null
  }
  ~Digest() {
    ZSTD_freeDDict(reading_);
    for (auto& writing : writing_) ZSTD_freeCDict(writing.load());
  }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  // Each is null where the dictionary is damaged.
  [[nodiscard]] const ZSTD_DDict* reading() const noexcept { return reading_; }
  [[nodiscard]] const ZSTD_CDict* writing(int level) {
    auto& slot = writing_.at(static_cast<std::size_t>(level));
    if (auto* ready = slot.load(std::memory_order_acquire)) return ready;
    const std::lock_guard lock(mutex_);
    if (auto* ready = slot.load(std::memory_order_acquire)) return ready;
    auto* made = ZSTD_createCDict_byReference(bytes_.get(), size_, level);
    if (made == nullptr) check_memory();
    slot.store(made, std::memory_order_release);
    return made;
  }

  // Room for one output, right behind the dictionary: to zstd that is one stretch of text, and what
  // a small frame is mostly made of, copies out of the dictionary, is copied with no call for each
  // (a fifth of the time). Empty while another thread has it.
  static constexpr std::size_t kRoomBytes = kBlockFrameBytes + 64;  // zstd copies a little beyond
  class Room {
   public:
    explicit Room(Digest& digest) noexcept
        : digest_(digest.room_taken_.exchange(true, std::memory_order_acquire) ? nullptr
                                                                               : &digest) {}
    ~Room() {
      if (digest_ != nullptr) digest_->room_taken_.store(false, std::memory_order_release);
    }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    explicit operator bool() const noexcept { return digest_ != nullptr; }
    [[nodiscard]] char* data() const noexcept { return digest_->bytes_.get() + digest_->size_; }

   private:
    Digest* digest_;
  };

 private:
  // Throws where only want of memory can have kept zstd from digesting the bytes: it says no more
  // than null.
  void check_memory() const {
    ZSTD_DCtx* const d = decompression_context();
    if (d == nullptr ||
        ZSTD_isError(ZSTD_decompressBegin_usingDict(d, bytes_.get(), size_)) == 0U) {
      throw std::bad_alloc();
    }
  }

  const std::size_t size_;
  const std::unique_ptr<char[]> bytes_;  // and the room
  ZSTD_DDict* reading_;
  std::array<std::atomic<ZSTD_CDict*>, kLevelMax + 1> writing_{};
  std::atomic<bool> room_taken_{false};
  std::mutex mutex_;
};

Digest* digest_of(const CompressionDictionary* dictionary) {
  return dictionary != nullptr ? static_cast<Digest*>(dictionary->digested.get()) : nullptr;
}

// What zstd gave, if it is an error of its input's or output's.
StorageError failed(ErrorCode code, std::size_t result) {
  if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) throw std::bad_alloc();
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
      const ZSTD_CDict* const digested = digest->writing(level_);
      if (digested == nullptr) {  // and not without, under a header that names one
        return fail(ErrorCode::corruption, "zstd: the dictionary is damaged");
      }
      ZSTD_CCtx_refCDict(c, digested);
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
      if (digest->reading() == nullptr) {
        return fail(ErrorCode::corruption, "zstd: the dictionary is damaged");
      }
      ZSTD_DCtx_refDDict(d, digest->reading());
      if (out.size() <= Digest::kRoomBytes) {
        if (const Digest::Room room(*digest); room) {
          CAVEAT_TRY(decompress_into(d, stored, {room.data(), Digest::kRoomBytes}, out.size()));
          std::copy_n(room.data(), out.size(), out.data());
          return {};
        }
      }
    } else if (dictionary != nullptr) {
      const std::size_t loaded = ZSTD_DCtx_loadDictionary_byReference(d, dictionary->bytes.data(),
                                                                      dictionary->bytes.size());
      if (ZSTD_isError(loaded) != 0U) return fail(failed(ErrorCode::corruption, loaded));
    }
    return decompress_into(d, stored, out, out.size());
  }

 private:
  // To the front of `room`; it must become `size` bytes.
  static Result<void> decompress_into(ZSTD_DCtx* d, std::string_view stored, std::span<char> room,
                                      std::size_t size) {
    const std::size_t got =
        ZSTD_decompressDCtx(d, room.data(), room.size(), stored.data(), stored.size());
    if (ZSTD_isError(got) != 0U) return fail(failed(ErrorCode::corruption, got));
    if (got != size) {
      return fail(ErrorCode::corruption, got < size ? "zstd: fewer bytes than the header says"
                                                    : "zstd: more bytes than the header says");
    }
    return {};
  }

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
