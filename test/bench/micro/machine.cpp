// What the machine can do at most: what docs/performance.md derives its limits from.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <numeric>
#include <stdexcept>

#include "test/bench/contract/sink.h"
#include "test/bench/micro/cost.h"
#include "test/bench/micro/sample.h"

namespace caveat::bench {
namespace {

constexpr std::size_t kLines = std::size_t{1} << 21;  // of 64 bytes: far more than the caches hold

struct alignas(64) Line {
  std::uint64_t next = 0;
};

// One dependent cache miss.
void memory_latency(benchmark::State& state) {
  std::vector<std::uint64_t> order(kLines);
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(4));
  std::vector<Line> lines(kLines);
  for (std::size_t i = 0; i < kLines; ++i) lines[order[i]].next = order[(i + 1) % kLines];
  std::uint64_t at = 0;
  constexpr int kSteps = 1 << 14;
  Cost cost(state);
  for (auto _ : state) {
    for (int i = 0; i < kSteps; ++i) at = lines[at].next;
    benchmark::DoNotOptimize(at);
  }
  cost.finish(kSteps, 0, "miss");
}
BENCHMARK(memory_latency)->Name("machine/memory_latency");

void memory_bandwidth(benchmark::State& state) {
  const std::vector<Line> lines(kLines);
  Cost cost(state);
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (const auto& line : lines) sum += line.next;
    benchmark::DoNotOptimize(sum);
  }
  cost.finish(kLines, static_cast<double>(kLines) * 64, "line");
}
BENCHMARK(memory_bandwidth)->Name("machine/memory_bandwidth");

void checksum(benchmark::State& state) {
  const std::string bytes(std::size_t{8} << 10, 'x');
  Cost cost(state);
  for (auto _ : state) benchmark::DoNotOptimize(XXH3_64bits(bytes.data(), bytes.size()));
  cost.finish(1, static_cast<double>(bytes.size()), "block");
}
BENCHMARK(checksum)->Name("machine/checksum");

// What the comparison adds to every record that it reads, for all peers alike.
void record_hash(benchmark::State& state) {
  const auto records = sample_records();
  Cost cost(state);
  for (auto _ : state) {
    for (const auto& record : records) benchmark::DoNotOptimize(peers::record_hash(record));
  }
  cost.finish(static_cast<double>(records.size()), 0, "record");
}
BENCHMARK(record_hash)->Name("machine/record_hash");

// A file that is gone when it is closed.
class ScratchFile {
 public:
  ScratchFile()
      : file_(::open(std::filesystem::temp_directory_path().c_str(), O_TMPFILE | O_RDWR, 0600)) {
    if (file_ < 0) throw std::runtime_error("no file can be made in the temporary directory");
  }
  ~ScratchFile() { ::close(file_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  void append(std::string_view bytes) const {
    if (::write(file_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("the temporary directory is full");
    }
  }
  void read(std::span<char> bytes, std::size_t offset) const {
    if (::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) < 0) {
      throw std::runtime_error("the temporary file cannot be read");
    }
  }
  void sync() const { ::fdatasync(file_); }

 private:
  int file_;
};

// A write-ahead log that is handed to the system and no more. range(0): bytes a write.
void append(benchmark::State& state) {
  const ScratchFile file;
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  Cost cost(state);
  for (auto _ : state) file.append(bytes);
  cost.finish(1, static_cast<double>(bytes.size()), "write");
}
BENCHMARK(append)->Name("machine/append")->Arg(150)->Arg(128 << 10)->Iterations(4000);

void append_and_sync(benchmark::State& state) {
  const ScratchFile file;
  Cost cost(state);
  for (auto _ : state) {
    file.append(std::string(150, 'x'));
    file.sync();
  }
  cost.finish(1, 0, "write");
}
BENCHMARK(append_and_sync)->Name("machine/append_and_sync")->Iterations(100);

// A block out of the system's cache: a cold get with a warm machine.
void read_cached(benchmark::State& state) {
  const ScratchFile file;
  constexpr std::size_t kBlock = 4096, kBlocks = 4096;
  for (std::size_t i = 0; i < kBlocks; ++i) file.append(std::string(kBlock, 'x'));
  const auto order = random_numbers(1024, kBlocks);
  std::vector<char> block(kBlock);
  Cost cost(state);
  for (auto _ : state) {
    for (const auto i : order) file.read(block, i * kBlock);
  }
  cost.finish(static_cast<double>(order.size()), static_cast<double>(order.size() * kBlock),
              "read");
}
BENCHMARK(read_cached)->Name("machine/read_cached");

}  // namespace
}  // namespace caveat::bench
