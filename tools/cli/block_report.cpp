#include "tools/cli/block_report.h"

#include <fmt/format.h>

#include "tools/cli/json_writer.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

double ratio(const PartitionInfo& partition) {
  if (partition.bytes == 0) return 1.0;
  return static_cast<double>(partition.raw_bytes) / static_cast<double>(partition.bytes);
}

}  // namespace

std::string codec_name(CodecId id) {
  if (id >= kFirstCustomCodec) return fmt::format("custom {}", id);
  return std::string(to_string(static_cast<CompressionAlgorithm>(id)));
}

std::string partitions_text(std::span<const PartitionInfo> partitions, std::uint64_t waiting_rows) {
  Table table({"id", "from node", "property hash", "rows", "appended", "raw", "stored", "ratio",
               "codec", "dictionary"});
  for (const auto& one : partitions) {
    table.add({std::to_string(one.id), std::to_string(one.lower.node_id),
               fmt::format("{:016x}", one.lower.property_hash), grouped(one.rows),
               grouped(one.run_rows), grouped(one.raw_bytes), grouped(one.bytes),
               fmt::format("{:.2f}", ratio(one)), codec_name(one.codec),
               one.dictionary == 0 ? "-" : std::to_string(one.dictionary)});
  }
  auto text = table.text({2, 8});
  if (waiting_rows > 0) {
    text += fmt::format("{} recent writes are not in a partition yet\n", grouped(waiting_rows));
  }
  return text;
}

std::string partitions_json(std::span<const PartitionInfo> partitions, std::uint64_t waiting_rows) {
  JsonWriter json;
  json.begin_object().field("waiting_rows", waiting_rows).begin_list("partitions");
  for (const auto& one : partitions) {
    json.begin_object()
        .field("id", one.id)
        .field("lower_node", one.lower.node_id)
        .field("lower_property_hash", one.lower.property_hash)
        .field("rows", one.rows)
        .field("run_rows", one.run_rows)
        .field("raw_bytes", one.raw_bytes)
        .field("bytes", one.bytes)
        .field("codec", codec_name(one.codec))
        .field("dictionary", std::uint64_t{one.dictionary})
        .end_object();
  }
  json.end_list().end_object();
  return json.text();
}

bool ContainerReport::stopped() const noexcept {
  for (const auto& run : runs) {
    if (!run.error.empty()) return true;
  }
  return block && !block->stopped.empty();
}

ContainerReport describe_container(const ContainerLayout& layout, const BlockResolver& resolver) {
  ContainerReport report;
  report.id = layout.id;
  if (layout.block) report.block = describe_block(*layout.block, &resolver);
  for (const auto bytes : layout.runs) {
    ContainerReport::Run run;
    run.bytes = bytes.size();
    std::vector<RunRow> rows;
    const auto decoded = decode_run(bytes, rows);
    if (!decoded) run.error = decoded.error().message();
    run.rows = rows.size();
    if (!rows.empty()) run.as_of = rows.front().as_of;
    report.runs.push_back(std::move(run));
  }
  return report;
}

std::string container_text(const ContainerReport& report) {
  auto text = heading(fmt::format("Partition {}", report.id));
  text += report.block
              ? "  offset    size  field                  meaning\n" + report.block->to_text()
              : "  no block, appended runs alone\n";
  if (report.runs.empty()) return text;
  Table table({"run", "rows", "bytes", "as of", "state"});
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    const auto& run = report.runs[i];
    table.add({std::to_string(i), grouped(run.rows), grouped(run.bytes), std::to_string(run.as_of),
               run.error.empty() ? "sound" : run.error});
  }
  return text + "\n" + heading("Appended runs, oldest first") + table.text({4});
}

std::string container_json(const ContainerReport& report) {
  JsonWriter json;
  json.begin_object().field("id", report.id);
  if (report.block) {
    const auto& header = report.block->header;
    json.begin_object("block")
        .field("version", std::uint64_t{header.version})
        .field("codec", codec_name(header.codec_id))
        .field("rows", std::uint64_t{header.row_count})
        .field("dictionary", std::uint64_t{header.dictionary_id})
        .field("as_of", header.as_of)
        .field("raw_bytes", std::uint64_t{header.raw_bytes})
        .field("stored_bytes", std::uint64_t{header.stored_bytes})
        .field("stopped", report.block->stopped)
        .begin_list("fields");
    for (const auto& field : report.block->fields) {
      json.begin_object()
          .field("offset", std::uint64_t{field.offset})
          .field("size", std::uint64_t{field.size})
          .field("name", field.name)
          .field("meaning", field.meaning)
          .end_object();
    }
    json.end_list().end_object();
  }
  json.begin_list("runs");
  for (const auto& run : report.runs) {
    json.begin_object()
        .field("rows", run.rows)
        .field("bytes", run.bytes)
        .field("as_of", run.as_of)
        .field("error", run.error)
        .end_object();
  }
  json.end_list().end_object();
  return json.text();
}

}  // namespace caveat::cli
