// scalebench: a store of many millions of records, with a small memory budget.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "test/bench/scale/phases.h"

namespace {

using namespace caveat::bench;

int run(const Settings& settings) {
  peers::Dataset data;
  for (const auto& file : settings.data) peers::load_ndjson(data, file, UINT64_MAX);
  if (settings.data.empty()) peers::make_synthetic(data, 500000, settings.seed);
  peers::finish_dataset(data, 1, settings.seed);
  if (data.recs.empty()) throw std::runtime_error("no records");
  const Stream stream(data, settings.records, settings.shuffled, settings.seed);
  std::printf("%llu records out of %zu, %s; budget %zu MiB\n",
              static_cast<unsigned long long>(settings.records), data.recs.size(),
              settings.shuffled ? "shuffled over all" : "copy after copy, each shuffled",
              settings.budget_mib);
  Phases phases(settings, stream, data);
  phases.result["host"] = peers::host_info();
  phases.result["records"] = settings.records;
  phases.result["data_set_records"] = data.recs.size();
  phases.result["shuffled"] = settings.shuffled;
  phases.result["budget_mib"] = settings.budget_mib;
  phases.load();
  phases.reads("reads, as loaded");
  phases.upserts();
  phases.optimize();
  phases.reads("reads, optimized");
  phases.open();
  phases.finish();
  if (!settings.out.empty()) std::ofstream(settings.out) << phases.result.dump(1) << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // As a host whose memory counts does, and the command-line tool (docs/embedding.md, Memory). The
  // data set, 100 MiB of it freed once it is read, would else teach malloc to keep as much.
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 2 << 20);
  Settings settings;
  CLI::App app{
      "A store of many millions of records, streamed from a data set repeated with shifted "
      "nodes and times. With no --data: 500,000 generated records are repeated."};
  app.add_option("records", settings.records, "how many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--data", settings.data, "NDJSON file(s), .zst or plain")->delimiter(',');
  app.add_option("--dir", settings.directory, "where the store is put")->capture_default_str();
  app.add_option("--out", settings.out, "result JSON");
  app.add_option("--budget", settings.budget_mib, "the store's memory budget, MiB")
      ->capture_default_str();
  app.add_option("--upsert-seconds", settings.upsert_seconds, "how long to upsert")
      ->capture_default_str();
  app.add_option("--reads", settings.reads, "gets of each kind")->capture_default_str();
  app.add_option("--seed", settings.seed);
  app.add_flag("--shuffled", settings.shuffled, "in random order over all copies");
  app.add_flag("--keep", settings.keep, "keep the store");
  app.add_flag("!--no-cold", settings.cold, "leave the page cache alone");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(settings);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "scalebench: %s\n", e.what());
    return 1;
  }
}
