#include <lz4.h>
#include <lz4hc.h>

#include <algorithm>

#include "adapters/codec/codecs.h"

namespace caveat {
namespace {

constexpr std::size_t kInputMax = LZ4_MAX_INPUT_SIZE;
constexpr int kFirstHighLevel = 10;

class NullCodec final : public Codec {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "none"; }
  [[nodiscard]] Result<void> compress(std::string_view raw, const CompressionDictionary*,
                                      std::string& out) const override {
    out.append(raw);
    return {};
  }
  [[nodiscard]] Result<void> decompress(std::string_view stored, const CompressionDictionary*,
                                        std::span<char> out) const override {
    if (stored.size() != out.size())
      return fail(ErrorCode::corruption, "none: stored and raw size differ");
    std::copy(stored.begin(), stored.end(), out.begin());
    return {};
  }
};

class Lz4Codec final : public Codec {
 public:
  explicit Lz4Codec(int level) : level_(level) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "lz4"; }

  [[nodiscard]] Result<void> compress(std::string_view raw, const CompressionDictionary*,
                                      std::string& out) const override {
    if (raw.size() > kInputMax) return fail(ErrorCode::limit_exceeded, "lz4: input above 2 GiB");
    const int size = static_cast<int>(raw.size());
    const int bound = LZ4_compressBound(size);
    const std::size_t before = out.size();
    out.resize(before + static_cast<std::size_t>(bound));
    char* to = out.data() + before;
    const int written = level_ >= kFirstHighLevel
                            ? LZ4_compress_HC(raw.data(), to, size, bound, level_ - 7)
                            : LZ4_compress_default(raw.data(), to, size, bound);
    if (written <= 0) {
      out.resize(before);
      return fail(ErrorCode::internal, "lz4: compression failed");
    }
    out.resize(before + static_cast<std::size_t>(written));
    return {};
  }

  [[nodiscard]] Result<void> decompress(std::string_view stored, const CompressionDictionary*,
                                        std::span<char> out) const override {
    if (stored.size() > kInputMax || out.size() > kInputMax)
      return fail(ErrorCode::corruption, "lz4: size above 2 GiB");
    const int got = LZ4_decompress_safe(stored.data(), out.data(), static_cast<int>(stored.size()),
                                        static_cast<int>(out.size()));
    if (got < 0 || static_cast<std::size_t>(got) != out.size())
      return fail(ErrorCode::corruption, "lz4: damaged input");
    return {};
  }

 private:
  int level_;
};

}  // namespace

std::shared_ptr<const Codec> make_null_codec() {
  return std::make_shared<NullCodec>();
}
std::shared_ptr<const Codec> make_lz4_codec(int level) {
  return std::make_shared<Lz4Codec>(level);
}

}  // namespace caveat
