// The hints that a container stands for in the indexes.
#pragma once

#include "caveat/index_manager.h"
#include "engine/catalogue/catalogue.h"
#include "engine/partition/partition_image.h"

namespace caveat {

// Rows of the base that lie outside of the partition, as a torn split leaves them in it.
[[nodiscard]] std::uint32_t rows_of_others(const PartitionImage& image, const Catalogue& catalogue);

// All terms that the image's rows have, superseded, removed and cleared ones included; of its base,
// those of the rows that lie inside of the partition. Rewrites take the difference to these, so
// whoever writes hints from a container writes exactly these: a rebuild that left out the
// superseded ones made the next rewrite believe that they were there. The image's columns must be
// loaded.
[[nodiscard]] Result<HintSet> hints_of(const PartitionImage& image, HintBuilder& builder,
                                       const Catalogue& catalogue);

}  // namespace caveat
