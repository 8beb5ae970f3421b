#include "engine/maintenance/repartition.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/maintenance/partition_hints.h"
#include "engine/partition/container.h"
#include "pool/invariant.h"

namespace caveat {

Result<void> RepartitionJob::prepare(const Core& core) {
  CAVEAT_TRY(merge(core));
  cut();
  result_.resize(cuts_.size());
  return {};
}

Result<void> RepartitionJob::merge(const Core& core) {
  HintBuilder builder(core.indexes->rules());
  old_hints_.resize(old_.size());
  auto row = rows_.begin();
  RowRoom unused;  // reasons of these images are whole
  std::size_t room = rows_.size();
  for (const OldPartition& old : old_) {  // no more than a block can have, whatever a page claims
    room += std::min<std::size_t>(old.entry.rows, kMaxBlockRows);
  }
  merged_.reserve(room);
  const auto add_delta_row = [&](const DeltaRow& delta) -> Result<void> {
    if (delta.kind != RowKind::store) return {};
    const auto id = core.catalogue.find(delta.key.property_hash);
    if (!id) return fail(ErrorCode::internal, "a folded property has no id");
    merged_.push_back({delta.view(), *id});
    return {};
  };
  for (std::size_t i = 0; i < old_.size(); ++i) {
    OldPartition& old = old_[i];
    const auto in_range = [&](const ExceptionKey& key) { return !old.upper || key < *old.upper; };
    if (old.unread) return fail(*old.unread);
    if (!old.container.empty()) {
      auto opened = PartitionImage::open(std::move(old.container), old.entry.lower, old.upper,
                                         core.dictionaries, core.catalogue);
      if (!opened) return fail(opened.error().within("primary " + describe_key(old.entry.lower)));
      const auto image = images_.emplace_back(std::move(*opened));
      const auto within = [&](const StorageError& error) {
        return fail(error.within("primary " + describe_key(old.entry.lower)));
      };
      if (auto loaded = image->load(kAllColumns); !loaded) return within(loaded.error());
      auto hints = hints_of(*image, builder, core.catalogue);
      if (!hints) return within(hints.error());
      old_hints_[i] = std::move(*hints);
      auto kept = image->rows(*settings_.clears);
      if (!kept) return within(kept.error());
      for (const auto& kept_row : *kept) {
        BlockRow merged;
        if (auto read = image->materialise(kept_row, merged.view, unused); !read) {
          return within(read.error());
        }
        const ExceptionKey& key = merged.view.key;
        while (row != rows_.end() && (*row)->key < key) CAVEAT_TRY(add_delta_row(**row++));
        if (row != rows_.end() && (*row)->key == key) continue;  // superseded: added next turn
        const auto id = core.catalogue.find(key.property_hash);
        if (!id) return fail(ErrorCode::internal, "a stored property has no id");
        merged.property_id = *id;
        merged_.push_back(merged);
      }
    }
    while (row != rows_.end() && in_range((*row)->key)) CAVEAT_TRY(add_delta_row(**row++));
  }
  CAVEAT_ASSERT(row == rows_.end());
  return {};
}

void RepartitionJob::cut() {
  // The first piece takes the place of the first partition, whose bound is for ever.
  const ExceptionKey first = old_.front().entry.lower;
  std::size_t begin = 0;
  for (const std::size_t end : cut_rows(merged_, settings_.limits)) {
    cuts_.push_back({begin, end, cuts_.empty() ? first : merged_[begin].view.key});
    begin = end;
  }
  if (cuts_.empty()) cuts_.push_back({0, 0, first});
  for (const Cut& piece : cuts_) {
    std::sort(merged_.begin() + static_cast<std::ptrdiff_t>(piece.begin),
              merged_.begin() + static_cast<std::ptrdiff_t>(piece.end),
              [](const BlockRow& a, const BlockRow& b) {
                if (a.view.key.node_id != b.view.key.node_id) {
                  return a.view.key.node_id < b.view.key.node_id;
                }
                return a.property_id < b.property_id;
              });
  }
}

void RepartitionJob::let_go_of_rows() noexcept {
  std::vector<BlockRow>().swap(merged_);  // it views what follows
  decltype(images_)().swap(images_);
}

std::span<const BlockRow> RepartitionJob::piece(std::size_t index) const {
  const Cut& cut = cuts_[index];
  return std::span(merged_).subspan(cut.begin, cut.end - cut.begin);
}

Result<void> RepartitionJob::encode_piece(std::size_t index, const Core& core,
                                          const CodecRegistry& codecs, CodecId codec,
                                          const CompressionDictionary* dictionary) {
  const auto rows = piece(index);
  NewPartition& made = result_[index];
  made.lower = cuts_[index].lower;
  made.rows = static_cast<std::uint32_t>(rows.size());
  if (rows.empty()) {
    made.filter = make_lasting<KeyFilter>(1);
    return {};
  }
  BlockContext context;
  context.codec_id = codec;
  if (codec != static_cast<CodecId>(CompressionAlgorithm::None)) {
    CAVEAT_ASSIGN(context.codec, codecs.find(codec));
    if (context.codec->uses_dictionary()) context.dictionary = dictionary;
  }
  context.as_of = settings_.as_of;
  context.counters = core.dictionaries.counters();
  context.memory = core.dictionaries.memory().get();
  CAVEAT_TRY(encode_block(rows, context, made.block));

  // Kept for the next piece, unless memory runs out while it is half full.
  thread_local std::unique_ptr<HintBuilder> kept;
  thread_local unsigned kept_shift = 0;
  auto builder = std::move(kept);
  if (!builder || kept_shift != core.indexes->rules().temporal_shift) {
    kept_shift = core.indexes->rules().temporal_shift;
    builder = std::make_unique<HintBuilder>(core.indexes->rules());
  }
  std::size_t nodes = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ExceptionView& view = rows[i].view;
    builder->add(rows[i].property_id, view.source, view.confidence, view.created_at);
    made.raw_bytes += plain_row_bytes(view);
    if (i == 0 || rows[i - 1].view.key.node_id != view.key.node_id) ++nodes;
  }
  builder->finish(made.hints);
  kept = std::move(builder);
  KeyFilter filter(rows.size() + nodes);
  for (const BlockRow& row : rows) filter.add(row.view.key);
  made.filter = make_lasting<KeyFilter>(std::move(filter));
  return {};
}

}  // namespace caveat
