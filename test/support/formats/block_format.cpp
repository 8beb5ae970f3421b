#include "caveat/compressed_block.h"

#include "engine/block/layout.h"
#include "engine/model/row.h"
#include "test/block/block_maker.h"
#include "test/support/formats/format.h"
#include "test/support/formats/records.h"
#include "test/support/formats/segments.h"

namespace caveat::test {

namespace {

const CodecRegistry& codecs() {
  static const CodecRegistry registry = all_codecs();
  return registry;
}

using Block = std::shared_ptr<const DecodedBlock>;

Result<Block> open(std::string_view bytes, Reasons reasons = Reasons::whole,
                   BlockForm form = BlockForm::columns) {
  const SimpleBlockResolver resolver(codecs());  // with a pool of its own: nothing is kept
  auto shared = std::make_shared<const std::string>(bytes);
  const auto size = shared->size();
  return DecodedBlock::open(std::move(shared), 0, size, resolver, reasons, form);
}

void account(const ExceptionView& view, std::uint32_t property_id, std::string& out) {
  RowView row{RowKind::store, view};
  row.record.key.property_hash = property_id;
  must_hold(validate_view(row.record).has_value(), "a block gives a record that is not valid");
  encode_row(row, out);
}

// Some rows out of blocks of which nothing else was read, out of one that keeps nothing, and as one
// of many rows.
Result<void> read_first(std::string_view bytes, const DecodedBlock& block) {
  constexpr std::uint32_t kSome = 8;
  RowRoom room;
  CAVEAT_ASSIGN(const auto keys, open(bytes, Reasons::halves, BlockForm::keys));
  const std::uint32_t step = block.row_count() / kSome + 1;
  std::vector<std::uint32_t> rows;
  std::string one_by_one;
  for (std::uint32_t row = 0; row < block.row_count(); row += step) {
    CAVEAT_ASSIGN(const auto fresh, open(bytes, Reasons::halves));
    std::string alone, of_keys, among_others;
    ExceptionView view;
    CAVEAT_TRY(fresh->materialise(row, view, room));
    account(view, fresh->property_id(row), alone);
    CAVEAT_TRY(block.materialise(row, view, room));
    account(view, block.property_id(row), among_others);
    must_hold(alone == among_others, "a row by itself is not what it is among others");
    CAVEAT_TRY(keys->materialise(row, view, room));
    account(view, keys->property_id(row), of_keys);
    must_hold(alone == of_keys, "a row out of a block of its keys is not what it is elsewhere");
    one_by_one += of_keys;
    rows.push_back(row);
  }
  // Rows that are read together have to do with all others: what is wrong with these may be told.
  std::vector<ExceptionView> views(rows.size());
  if (!keys->materialise(rows, views, room)) return {};
  std::string together;
  for (std::size_t i = 0; i < rows.size(); ++i)
    account(views[i], keys->property_id(rows[i]), together);
  must_hold(one_by_one == together, "rows read together are not what each is by itself");
  return {};
}

// A row at a time, as a get does; then all at once, as a query or a fold does.
Result<std::string> read_rows(std::string_view bytes, const Block& by_row, const Block& at_once,
                              const Block& halves) {
  std::string one_by_one;
  RowRoom room;
  for (std::uint32_t row = 0; row < by_row->row_count(); ++row) {
    ExceptionView view;
    CAVEAT_TRY(by_row->materialise(row, view, room));
    account(view, by_row->property_id(row), one_by_one);
    must_hold(by_row->find(view.key.node_id, by_row->property_id(row)) == row,
              "a row is not found under its key");
  }
  CAVEAT_TRY(read_first(bytes, *by_row));
  CAVEAT_TRY(at_once->load(kAllColumns));
  std::string together;
  for (std::uint32_t row = 0; row < at_once->row_count(); ++row)
    account(at_once->view(row), at_once->property_id(row), together);
  must_hold(one_by_one == together, "a block's two ways to read disagree");
  CAVEAT_TRY(halves->load(kAllColumns));
  together.clear();
  for (std::uint32_t row = 0; row < halves->row_count(); ++row) {
    ExceptionView view;
    halves->view(row, view, room);
    account(view, halves->property_id(row), together);
  }
  must_hold(one_by_one == together, "reasons in halves disagree with whole ones");
  return together;
}

Result<std::string> read(std::string_view bytes) {
  static_cast<void>(describe_block(bytes).to_text());
  CAVEAT_ASSIGN(const auto block, open(bytes, Reasons::halves));
  CAVEAT_ASSIGN(const auto other, open(bytes));
  CAVEAT_ASSIGN(const auto halves, open(bytes, Reasons::halves));
  CAVEAT_ASSIGN(auto rows, read_rows(bytes, block, other, halves));
  return std::to_string(block->as_of()) + '\n' + std::move(rows);
}

Result<std::string> write_again(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto block, open(bytes));
  CAVEAT_TRY(block->load(kAllColumns));
  std::vector<BlockRow> rows;
  for (std::uint32_t row = 0; row < block->row_count(); ++row)
    rows.push_back({block->view(row), block->property_id(row)});
  BlockContext context;
  context.codec_id = block->header().codec_id;
  if (context.codec_id != 0) {
    CAVEAT_ASSIGN(context.codec, codecs().find(context.codec_id));
  }
  context.as_of = block->as_of();
  std::string out;
  CAVEAT_TRY(encode_block(rows, context, out));
  return out;
}

}  // namespace

void seal_block(std::string& bytes, std::size_t at) {
  const std::string_view block = std::string_view(bytes).substr(at);
  if (block.size() < detail::kHeaderBytes) return;
  const auto size = static_cast<std::uint32_t>(block.size());
  std::memcpy(bytes.data() + at + detail::kStoredBytesAt, &size, sizeof size);
  const std::uint64_t checksum = detail::block_checksum(block);
  std::memcpy(bytes.data() + at + detail::kChecksumAt, &checksum, sizeof checksum);
}

std::string cldr_block(std::size_t count, CodecId codec) {
  const auto records = cldr_records(count);
  RowSet set;
  for (const auto& record : records) {
    BlockRow row;
    const auto& e = record.exception;
    row.view = {record.key,
                set.value(e.inherited_value),
                set.value(e.actual_value),
                e.reason,
                e.created_at,
                e.confidence,
                e.source};
    row.property_id = static_cast<std::uint32_t>(record.key.property_hash % 50);
    set.rows.push_back(row);
  }
  set.sort();
  std::string out;
  const auto encoded = encode_block(set.rows, context_for(codecs(), codec), out);
  must_hold(encoded.has_value(), "a sample cannot be encoded");
  return out;
}

Format block_format() {
  Format format;
  format.name = "block";
  format.samples = {cldr_block(1, 0), cldr_block(40, 2), cldr_block(24, 1), cldr_block(12, 0),
                    cldr_block(30, kRunCodec)};
  BlockMaker maker(77);
  for (const std::size_t rows : {3, 9, 17, 33}) {
    const auto set = maker.rows(rows);
    std::string out;
    const auto encoded =
        encode_block(set.rows, context_for(codecs(), static_cast<CodecId>(rows % 3)), out);
    must_hold(encoded.has_value(), "a sample cannot be encoded");
    format.samples.push_back(std::move(out));
  }
  format.read = read;
  format.write_again = write_again;
  format.seal = [](std::string& bytes) { seal_block(bytes, 0); };
  return format;
}

}  // namespace caveat::test
