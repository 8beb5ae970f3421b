#include "adapters/c/host_codec.h"

#include <fmt/format.h>

#include <atomic>

#include "adapters/c/sized.h"

namespace caveat::c {
namespace {

// A host's C++ may throw all the same; it must not get into ours.
template <class Call>
int call_host(Call&& call) noexcept {
  try {
    return call();
  } catch (...) {
    return -1;
  }
}

class HostCodec final : public CustomCompressor {
 public:
  explicit HostCodec(const caveat_codec& given)
      : host_(given), name_(given.name != nullptr ? given.name : "host") {
    if (given.name == nullptr) name_ += fmt::format("{}", given.id);
  }
  ~HostCodec() override {
    if (host_.release == nullptr || !taken_over_.load(std::memory_order_relaxed)) return;
    static_cast<void>(call_host([&] {
      host_.release(host_.context);
      return 0;
    }));
  }
  HostCodec(const HostCodec&) = delete;
  HostCodec& operator=(const HostCodec&) = delete;

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] bool uses_dictionary() const noexcept override {
    return host_.uses_dictionary != 0;
  }

  [[nodiscard]] Result<void> compress(std::string_view raw, const CompressionDictionary* dictionary,
                                      std::string& out) const override {
    const auto before = out.size();
    out.resize(before + raw.size());
    std::size_t written = raw.size() + 1;
    const int failed = call_host([&] {
      return host_.compress(host_.context, string_of(raw), bytes_of(dictionary),
                            out.data() + before, raw.size(), &written);
    });
    if (failed != 0) {
      out.resize(before);
      return fail(ErrorCode::internal,
                  fmt::format("codec {}: compressing failed with {}", name_, failed));
    }
    // What did not get smaller is thrown away by the caller, whatever is in it.
    if (written < raw.size()) out.resize(before + written);
    return {};
  }

  [[nodiscard]] Result<void> decompress(std::string_view stored,
                                        const CompressionDictionary* dictionary,
                                        std::span<char> out) const override {
    const int failed = call_host([&] {
      return host_.decompress(host_.context, string_of(stored), bytes_of(dictionary), out.data(),
                              out.size());
    });
    if (failed == 0) return {};
    return fail(ErrorCode::corruption,
                fmt::format("codec {}: decompressing failed with {}", name_, failed));
  }

 private:
  static caveat_string string_of(std::string_view text) noexcept {
    return {text.data(), text.size()};
  }
  static caveat_string bytes_of(const CompressionDictionary* dictionary) noexcept {
    return dictionary == nullptr ? caveat_string{} : string_of(dictionary->bytes);
  }

  friend void caveat::c::take_over(const CustomCompressor& codec) noexcept;

  const caveat_codec host_;
  std::string name_;
  mutable std::atomic<bool> taken_over_{false};
};

}  // namespace

Result<std::shared_ptr<const CustomCompressor>> host_codec(const caveat_codec& given) {
  if (given.id < kFirstCustomCodec || given.id > 255) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("caveat_codec.id: {} is not 128 to 255", given.id));
  }
  if (given.compress == nullptr || given.decompress == nullptr) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("caveat_codec {}: a function is NULL", given.id));
  }
  return std::make_shared<const HostCodec>(given);
}

void take_over(const CustomCompressor& codec) noexcept {
  static_cast<const HostCodec&>(codec).taken_over_.store(true, std::memory_order_relaxed);
}

}  // namespace caveat::c
