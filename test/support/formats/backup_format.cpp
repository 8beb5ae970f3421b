// What a backup is made of: its manifest.
#include "adapters/rocksdb/backup_manifest.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "test/support/formats/format.h"

namespace caveat::test {

namespace {

using detail::BackupFile;
using detail::BackupManifest;

std::string sample(std::size_t files) {
  BackupManifest manifest;
  manifest.id = 12 + files;
  manifest.created_ns = 1'641'401'338'000'000'000;
  manifest.records = files * 469'763;
  manifest.new_bytes = files * 4'096;
  for (std::size_t i = 0; i < files; ++i) {
    BackupFile file;
    const bool table = i % 3 == 0;
    file.name = table ? "00001" + std::to_string(i) + ".sst" : "MANIFEST-" + std::to_string(i);
    file.size = 4'096 * i;
    file.hash.fill(static_cast<std::uint8_t>(0x30 + i));
    if (table) file.identity.assign(24, static_cast<char>(0x80 + i));
    manifest.files.push_back(file);
  }
  return manifest.encode();
}

Result<std::string> read_manifest(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto manifest, BackupManifest::decode(bytes));
  std::string out;
  put_fixed(out, manifest.id);
  put_fixed(out, static_cast<std::uint64_t>(manifest.created_ns));
  put_fixed(out, manifest.records);
  put_fixed(out, manifest.new_bytes);
  std::uint64_t sum = 0;
  std::string_view last;
  for (const BackupFile& file : manifest.files) {
    must_hold(file.name.find('/') == std::string::npos && file.name.front() != '.',
              "a file would lie elsewhere");
    must_hold(last < file.name, "two files have one name, or an order of their own");
    last = file.name;
    sum += file.size;
    put_fixed(out, static_cast<std::uint64_t>(file.name.size()));
    put_fixed(out, static_cast<std::uint64_t>(file.identity.size()));
    out += file.name + file.content_name() + file.identity;
  }
  must_hold(manifest.info().bytes == sum && manifest.info().files == manifest.files.size(),
            "what is listed is not what is there");
  return out;
}

}  // namespace

Format backup_manifest_format() {
  Format format;
  format.name = "backup_manifest";
  format.samples = {sample(0), sample(1), sample(5)};
  format.read = read_manifest;
  format.write_again = [](std::string_view bytes) -> Result<std::string> {
    CAVEAT_ASSIGN(auto manifest, BackupManifest::decode(bytes));
    return manifest.encode();
  };
  format.seal = [](std::string& bytes) {
    if (bytes.size() < 8) return;
    const std::size_t end = bytes.size() - 8;
    set_fixed(bytes, end, std::uint64_t{XXH3_64bits(bytes.data(), end)});
  };
  format.canonical = true;
  return format;
}

}  // namespace caveat::test
