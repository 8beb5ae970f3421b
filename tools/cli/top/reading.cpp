#include "tools/cli/top/reading.h"

#include <chrono>
#include <fstream>
#include <iterator>

#include "tools/cli/dangling_link.h"

namespace caveat::cli {

namespace fs = std::filesystem;

fs::path metrics_file_of(const std::string& store_or_file) {
  std::error_code error;
  const fs::path path(store_or_file);
  if (!fs::is_directory(path, error)) return path;
  auto beside = path.has_filename() ? path : path.parent_path();
  beside += ".prom";
  return beside;
}

Result<Reading> read_metrics(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    if (auto dangling = dangling_link(path)) return fail(std::move(*dangling));
    return fail(ErrorCode::not_found,
                path.string() +
                    ": there is no such file of metrics; a process that has a store open "
                    "writes one where its Options::metrics_file says");
  }
  if (size > Metrics::kBytesMax) {
    return fail(ErrorCode::corruption, path.string() + ": too large for a file of metrics");
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto metrics = Metrics::parse(text);
  if (!metrics) return fail(metrics.error().within(path.string()));
  if (!metrics->find("caveat_store_open")) {
    return fail(ErrorCode::corruption, path.string() + ": these are not the metrics of a store");
  }
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  return Reading{std::move(*metrics), now.count()};
}

}  // namespace caveat::cli
