// Rows and what they are made of, and the log records that hold them.
#include "engine/delta/delta_record.h"
#include "engine/delta/generation.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/model/value_encoding.h"
#include "engine/query/resume_token.h"
#include "test/model/random_record.h"
#include "test/support/formats/format.h"
#include "test/support/formats/records.h"

namespace caveat::test {

namespace {

const DeltaRecordKey kDeltaKey{3, 70'001};

// As docs/format/delta.md has it.
std::uint64_t delta_seed() {
  std::uint64_t seed = kDeltaKey.generation * 0x9E3779B97F4A7C15ULL + kDeltaKey.first_sequence;
  seed = (seed ^ (seed >> 32)) * 0xD6E8FEB86659FD93ULL;
  return seed ^ (seed >> 32);
}

std::string cldr_delta(std::size_t count) {
  std::string rows;
  for (const auto& record : cldr_records(count)) {
    std::string row;
    encode_store_row(record.key, record.exception, row);
    put_fixed(rows, static_cast<std::uint32_t>(row.size()));
    rows += row;
  }
  for (const RowKind kind : {RowKind::remove, RowKind::clear_node, RowKind::clear_property}) {
    std::string row;
    encode_row({kind, {{85, 7}, {}, {}, {}, 0, 0, {}}}, row);
    put_fixed(rows, static_cast<std::uint32_t>(row.size()));
    rows += row;
  }
  std::string out;
  encode_delta_record(kDeltaKey, rows, count + 3, out);
  return out;
}

Result<std::string> read_delta(std::string_view bytes) {
  CAVEAT_ASSIGN(auto reader, DeltaRecordReader::open(kDeltaKey, bytes));
  std::string out = std::to_string(reader.count()) + '\n';
  DeltaLogRow row;
  Sequence sequence = kDeltaKey.first_sequence;
  for (bool more = true;;) {
    CAVEAT_ASSIGN(more, reader.next(row));
    if (!more) break;
    must_hold(row.sequence == sequence++, "a row of the log has another sequence");
    out += row.encoded;
  }
  // What recovery does with it, which trusts the rows that were checked.
  MemoryPool pool;
  Generation generation(kDeltaKey.generation, pool);
  const auto last = replay_delta_record(kDeltaKey, bytes, generation);
  must_hold(last.has_value() && *last == sequence - 1 && generation.rows() == reader.count(),
            "a record that reads well is replayed otherwise");
  return out;
}

Result<std::string> write_delta(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto reader, DeltaRecordReader::open(kDeltaKey, bytes));
  std::string out;
  encode_delta_record(kDeltaKey, reader.rows(), reader.count(), out);
  return out;
}

Result<std::string> row_again(std::string_view bytes) {
  auto rest = bytes;
  CAVEAT_ASSIGN(const auto row, decode_row(rest));
  if (!rest.empty()) return fail(ErrorCode::corruption, "bytes behind the row");
  std::string out, trusted;
  encode_row(row, out);
  encode_row(decode_trusted_row(bytes), trusted);
  must_hold(out == trusted, "a row read with trust says something else");
  must_hold(encoded_row_bytes(row) == out.size(), "a row has another size than is said");
  if (row.kind != RowKind::store) return out;
  must_hold(validate_view(row.record).has_value(), "a row that is read is not valid");
  std::string owned;
  encode_store_row(row.record.key, row.record.to_exception(), owned);
  must_hold(owned == out, "a record says something else as an exception");
  return out;
}

void walk(const ValueView& value) {
  if (value.kind() != ValueKind::List) return;
  auto rest = value.payload();
  while (const auto element = ValueView::next_element(rest)) walk(*element);
  must_hold(rest.empty(), "a list has bytes that no element holds");
}

Result<std::string> value_again(std::string_view bytes) {
  auto rest = bytes;
  CAVEAT_ASSIGN(const auto value, decode_value(rest));
  if (!rest.empty()) return fail(ErrorCode::corruption, "bytes behind the value");
  walk(value);
  std::string out, owned;
  encode_value(value, out);
  encode_value(value.to_value(), owned);
  must_hold(out == owned, "a value says something else when it is owned");
  must_hold(value_bytes(value) == out.size(), "a value has another size than is said");
  must_hold(checked_value(static_cast<std::uint8_t>(bytes[0]), value.payload()).has_value(),
            "a value is refused in two pieces");
  return out;
}

constexpr std::uint64_t kFingerprint = 0x0123456789ABCDEF;

Result<std::string> token_again(std::string_view token) {
  CAVEAT_ASSIGN(const auto after, detail::decode_resume_token(token, kFingerprint));
  return detail::encode_resume_token(kFingerprint, after);
}

// The last 16 digits are the checksum of the bytes that the first 80 spell.
void seal_token(std::string& token) {
  if (token.size() != 2 * detail::kTokenBytes) return;
  std::string bytes;
  for (std::size_t i = 0; i < token.size(); i += 2) {
    const auto digit = [&](std::size_t at) -> unsigned {
      const char c = token[at];
      return static_cast<unsigned>(c >= 'a' ? c - 'a' + 10 : c - '0') & 15;
    };
    bytes.push_back(static_cast<char>(digit(i) << 4 | digit(i + 1)));
  }
  const std::uint64_t sum = XXH3_64bits(bytes.data(), detail::kTokenBytes - 8);
  for (std::size_t i = 0; i < 8; ++i) {
    const auto byte = static_cast<unsigned>(sum >> (8 * i) & 0xFF);
    token[80 + 2 * i] = "0123456789abcdef"[byte >> 4];
    token[81 + 2 * i] = "0123456789abcdef"[byte & 15];
  }
}

}  // namespace

Format delta_record_format() {
  Format format;
  format.name = "delta_record";
  format.samples = {cldr_delta(0), cldr_delta(5), cldr_delta(60)};
  format.read = read_delta;
  format.write_again = write_delta;
  format.seal = [](std::string& bytes) {
    if (bytes.size() < 8) return;
    const auto end = bytes.size() - 8;
    set_fixed(bytes, end, std::uint64_t{XXH3_64bits_withSeed(bytes.data(), end, delta_seed())});
  };
  return format;
}

Format row_format() {
  Format format;
  format.name = "row";
  for (const auto& record : cldr_records(8)) {
    std::string row;
    encode_store_row(record.key, record.exception, row);
    format.samples.push_back(std::move(row));
  }
  for (const RowKind kind : {RowKind::remove, RowKind::clear_node, RowKind::clear_property}) {
    std::string row;
    encode_row({kind, {{85, 7}, {}, {}, {}, 0, 0, {}}}, row);
    format.samples.push_back(std::move(row));
  }
  format.read = row_again;
  format.write_again = row_again;
  format.canonical = true;
  return format;
}

Format value_format() {
  Format format;
  format.name = "value";
  RandomRecords random(5);
  while (format.samples.size() < 30) {
    std::string value;
    encode_value(random.value(), value);
    if (value.size() < 300) format.samples.push_back(std::move(value));
  }
  format.read = value_again;
  format.write_again = value_again;
  format.canonical = true;
  return format;
}

Format resume_token_format() {
  Format format;
  format.name = "resume_token";
  const detail::SortPosition after{0x3F4CCCCD, {85, hash_property("p")}};
  format.samples = {detail::encode_resume_token(kFingerprint, std::nullopt),
                    detail::encode_resume_token(kFingerprint, after)};
  format.read = token_again;
  format.write_again = token_again;
  format.seal = seal_token;
  format.canonical = true;
  return format;
}

}  // namespace caveat::test
