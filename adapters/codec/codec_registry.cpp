#include <algorithm>
#include <string>

#include "adapters/codec/codecs.h"
#include "caveat/compressed_block.h"

namespace caveat {

CodecRegistry CodecRegistry::built_in(int level) {
  CodecRegistry registry;
  const auto id = [](CompressionAlgorithm a) { return static_cast<CodecId>(a); };
  registry.codecs_ = {{id(CompressionAlgorithm::None), make_null_codec()},
                      {id(CompressionAlgorithm::Lz4), make_lz4_codec(level)},
                      {id(CompressionAlgorithm::Zstd), make_zstd_codec(level)}};
  return registry;
}

Result<void> CodecRegistry::add(CodecId id, std::shared_ptr<const Codec> codec) {
  if (id < kFirstCustomCodec)
    return fail(ErrorCode::invalid_argument, "codec id " + std::to_string(id) +
                                                 " is reserved: custom codecs start at " +
                                                 std::to_string(kFirstCustomCodec));
  if (codec == nullptr)
    return fail(ErrorCode::invalid_argument, "codec " + std::to_string(id) + " is null");
  if (find(id))
    return fail(ErrorCode::already_exists, "codec id " + std::to_string(id) + " is taken");
  codecs_.emplace_back(id, std::move(codec));
  return {};
}

Result<const Codec*> CodecRegistry::find(CodecId id) const {
  for (const auto& [known, codec] : codecs_)
    if (known == id) return codec.get();
  return fail(ErrorCode::codec_missing, "codec " + std::to_string(id) +
                                            " is not registered; register it (custom_codecs) and "
                                            "open again");
}

std::shared_ptr<const CompressionDictionary> make_dictionary(std::uint32_t id, std::string bytes) {
  auto made = std::make_shared<CompressionDictionary>();
  made->id = id;
  made->bytes = std::move(bytes);
  made->digested = digest_zstd_dictionary(made->bytes);
  return made;
}

}  // namespace caveat
