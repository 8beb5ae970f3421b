#include "engine/partition/container.h"

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "test/support/formats/format.h"
#include "test/support/formats/records.h"
#include "test/support/formats/segments.h"

namespace caveat::test {

namespace {

constexpr std::size_t kSizeAt = 8, kRunCheckAt = 24;

std::string row_bytes(const RowView& row) {
  std::string out;
  encode_row(row, out);
  return out;
}

std::string cldr_run(std::size_t count, Sequence as_of) {
  std::vector<std::string> rows;
  for (const auto& record : cldr_records(count)) {
    std::string row;
    if (rows.size() % 4 == 3) {
      row = row_bytes({RowKind::remove, {record.key, {}, {}, {}, 0, 0, {}}});
    } else {
      encode_store_row(record.key, record.exception, row);
    }
    rows.push_back(std::move(row));
  }
  std::string out;
  append_run(std::vector<std::string_view>(rows.begin(), rows.end()), as_of, out);
  return out;
}

Result<std::string> read_run(std::string_view bytes) {
  std::vector<RunRow> rows;
  CAVEAT_TRY(decode_run(bytes, rows));
  std::string out = rows.empty() ? "" : std::to_string(rows[0].as_of) + '\n';
  for (const auto& row : rows) out += row_bytes(row.row);
  return out;
}

Result<std::string> write_run(std::string_view bytes) {
  std::vector<RunRow> rows;
  CAVEAT_TRY(decode_run(bytes, rows));
  std::vector<std::string> encoded;
  for (const auto& row : rows) encoded.push_back(row_bytes(row.row));
  std::string out;
  append_run(std::vector<std::string_view>(encoded.begin(), encoded.end()),
             get_fixed<Sequence>(bytes, 16), out);
  return out;
}

void seal_run(std::string& bytes, std::size_t at) {
  const auto run = std::string_view(bytes).substr(at);
  if (run.size() < kRunHeaderBytes) return;
  set_fixed(bytes, at + kSizeAt, static_cast<std::uint32_t>(run.size()));
  set_fixed(bytes, at + kRunCheckAt, checksum_around(run, kRunCheckAt, 8));
}

// `block` and `run` account for a segment of the kind.
template <class OfBlock, class OfRun>
Result<std::string> of_segments(std::string_view bytes, const OfBlock& of_block,
                                const OfRun& of_run) {
  static_cast<void>(container_needs_rewrite(bytes));
  CAVEAT_ASSIGN(const auto layout, parse_container(bytes));
  std::string out;
  append_container_header(layout.id, out);
  if (layout.block) {
    CAVEAT_ASSIGN(const auto block, of_block(*layout.block));
    out += block;
  }
  for (const auto run : layout.runs) {
    CAVEAT_ASSIGN(const auto rows, of_run(run));
    out += rows;
  }
  return out;
}

Result<std::string> read_container(std::string_view bytes) {
  static const Format block = block_format();
  CAVEAT_ASSIGN(const auto summary, summarise_container(bytes));
  CAVEAT_ASSIGN(auto out, of_segments(bytes, block.read, read_run));
  return std::to_string(summary.rows) + '+' + std::to_string(summary.run_rows) + '\n' + out;
}

Result<std::string> write_container(std::string_view bytes) {
  static const Format block = block_format();
  return of_segments(bytes, block.write_again, write_run);
}

// As far as it can be taken apart; what comes behind is left as it is.
void seal_container(std::string& bytes) {
  if (bytes.size() < kContainerHeaderBytes) return;
  set_fixed(bytes, 16, static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), 16)));
  const auto layout = parse_container(bytes);
  if (!layout) return;
  std::string out = bytes.substr(0, kContainerHeaderBytes);
  if (layout->block) {
    const auto at = out.size();
    out += *layout->block;
    seal_block(out, at);
  }
  for (const auto run : layout->runs) {
    const auto at = out.size();
    out += run;
    seal_run(out, at);
  }
  bytes = std::move(out);
}

std::vector<std::size_t> container_ends(std::string_view bytes) {
  std::vector<std::size_t> ends = {kContainerHeaderBytes};
  const auto layout = parse_container(bytes);
  must_hold(layout.has_value(), "a sample is refused");
  if (layout->block) ends.push_back(ends.back() + layout->block->size());
  for (const auto run : layout->runs) ends.push_back(ends.back() + run.size());
  return ends;
}

}  // namespace

Format run_format() {
  Format format;
  format.name = "run";
  format.samples = {cldr_run(1, 3), cldr_run(12, ~Sequence{0})};
  format.read = read_run;
  format.write_again = write_run;
  format.seal = [](std::string& bytes) { seal_run(bytes, 0); };
  return format;
}

Format container_format() {
  Format format;
  format.name = "container";
  for (const bool with_block : {true, false}) {
    std::string sample;
    append_container_header(with_block ? 9 : 0x0102030405060708, sample);
    if (with_block) sample += cldr_block(20, 2);
    sample += cldr_run(3, 1000);
    sample += cldr_run(5, 2000);
    format.samples.push_back(std::move(sample));
  }
  format.read = read_container;
  format.write_again = write_container;
  format.seal = seal_container;
  format.appendable = true;
  format.ends = container_ends;
  return format;
}

}  // namespace caveat::test
