#include "engine/maintenance/partition_hints.h"

namespace caveat {

namespace {

bool is_of_others(const PartitionImage& image, std::uint32_t row, const Catalogue& catalogue) {
  const DecodedBlock& base = *image.base();
  const auto property = catalogue.hash_of(base.property_id(row));
  if (!property) return false;
  const ExceptionKey key{base.node(row), *property};
  return key < image.lower() || (image.upper() && key >= *image.upper());
}

}  // namespace

std::uint32_t rows_of_others(const PartitionImage& image, const Catalogue& catalogue) {
  if (image.base() == nullptr || image.base_is_inside()) return 0;
  std::uint32_t rows = 0;
  for (std::uint32_t row = 0; row < image.base()->row_count(); ++row) {
    if (is_of_others(image, row, catalogue)) ++rows;
  }
  return rows;
}

Result<HintSet> hints_of(const PartitionImage& image, HintBuilder& builder,
                         const Catalogue& catalogue) {
  HintSet hints;
  CAVEAT_ASSIGN(const auto runs, image.all_run_rows());
  if (const DecodedBlock* base = image.base()) {
    // Rows of others, as a torn split leaves them, may have lost theirs: then a rewrite that brings
    // the term back would leave it without.
    const bool all_inside = image.base_is_inside();
    for (std::uint32_t row = 0; row < base->row_count(); ++row) {
      if (!all_inside && is_of_others(image, row, catalogue)) continue;
      builder.add(base->property_id(row), base->source(row), base->confidence(row),
                  base->created_at(row));
    }
  }
  for (const RunRow& run : runs) {
    if (run.row.kind != RowKind::store) continue;
    const ExceptionView& record = run.row.record;
    const auto id = catalogue.find(record.key.property_hash);
    if (id) builder.add(*id, record.source, record.confidence, record.created_at);
  }
  builder.finish(hints);
  return hints;
}

}  // namespace caveat
