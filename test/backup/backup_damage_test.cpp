// Damaged backups are refused by name, and what is missing from one is found out.
#include "test/backup/backup_world.h"
#include "test/support/store_files.h"

namespace caveat::test {

TEST_CASE("a manifest that is damaged in any byte, or cut short, is refused by name", "[backup]") {
  World world;
  world.add(0, 50);
  value_of(create_backup(world.store, world.backups));
  world.add(50, 60);
  value_of(create_backup(world.store, world.backups));
  const fs::path path = manifest_of(world.backups, 2);
  const std::string sound = bytes_of(path);
  const auto refused = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    const auto listed = list_backups(world.backups);
    if (!listed || listed->size() != 2 || !(*listed)[0].info || (*listed)[1].info) return false;
    const auto& error = (*listed)[1].info.error();
    const bool code =
        error.code() == ErrorCode::corruption || error.code() == ErrorCode::unsupported_format;
    return code && error.message().find(path.string()) == 0;
  };
  CHECK(!refused(sound));
  for (std::size_t at = 0; at < sound.size(); ++at) {
    for (const char mask : {'\x01', '\x80', '\xFF'}) {
      std::string bytes = sound;
      bytes[at] = static_cast<char>(bytes[at] ^ mask);
      if (BackupManifest::decode(bytes)) FAIL("byte " << at << " changed by " << int{mask});
      if (at % 32 == 0 && !refused(bytes)) FAIL("file with byte " << at << " changed");
    }
    if (BackupManifest::decode(std::string_view(sound).substr(0, at))) FAIL("cut at " << at);
    if (at % 32 == 0 && !refused(sound.substr(0, at))) FAIL("file cut at " << at);
  }
  CHECK(refused(sound + '\0'));
  // A manifest under another's number.
  CHECK(refused(bytes_of(manifest_of(world.backups, 1))));

  // It stops neither the backup before it, nor a new one; only deleting by age, until it is gone.
  write_bytes(path, sound.substr(0, sound.size() - 1));
  CHECK(restore_backup(world.backups, std::nullopt, world.restored).error().code() ==
        ErrorCode::corruption);
  CHECK(!fs::exists(world.restored));
  value_of(restore_backup(world.backups, 1, world.restored));
  CHECK(value_of(create_backup(world.store, world.backups)).id == 3);
  CHECK(keep_newest_backups(world.backups, 1).error().code() == ErrorCode::corruption);
  CHECK(usable(world.backups) == 2);
  BackupOptions keep_three;
  keep_three.keep = 3;
  const auto kept = create_backup(world.store, world.backups, keep_three);
  REQUIRE_FALSE(kept);
  CHECK(kept.error().code() == ErrorCode::corruption);
  CHECK(kept.error().message().starts_with("backup 4 is made, but "));
  CHECK(usable(world.backups) == 3);
  value_of(delete_backup(world.backups, 2));
  CHECK(value_of(keep_newest_backups(world.backups, 1)) == 2);
  value_of(verify_backup(world.backups, 4, {true, nullptr}));
}

TEST_CASE("a manifest is what its page says, byte for byte", "[backup][golden]") {
  BackupManifest manifest;
  manifest.id = 7;
  manifest.created_ns = 0x1122334455667788;
  manifest.records = 3;
  manifest.new_bytes = 5;
  detail::BackupFile table{"000012.sst", 4096, {}, std::string("\x01\x02", 2)};
  for (std::size_t i = 0; i < table.hash.size(); ++i) {
    table.hash[i] = static_cast<std::uint8_t>(0xA0 + i);
  }
  manifest.files = {table, {"CURRENT", 16, {}, {}}};
  std::string hex;
  for (const char c : manifest.encode()) {
    char text[3];
    std::snprintf(text, sizeof text, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    hex += text;
  }
  CHECK(hex.substr(0, hex.size() - 16) ==
        "4356424b01000000"
        "0000000000000000"
        "0700000000000000"
        "8877665544332211"
        "0300000000000000"
        "0500000000000000"
        "0200000000000000"
        "0010000000000000"
        "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
        "0a3030303031322e737374"
        "020102"
        "1000000000000000"
        "00000000000000000000000000000000"
        "0743555252454e54"
        "00");
  CHECK(table.content_name() == "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf-4096");
  const auto read = value_of(BackupManifest::decode(manifest.encode()));
  CHECK(read.id == 7);
  CHECK(read.files.size() == 2);
  // A name that leads out of the directory is none.
  for (const char* name : {"", ".", "..", "../x", "a/b", ".hidden"}) {
    manifest.files = {{name, 1, {}, {}}};
    CHECK(BackupManifest::decode(manifest.encode()).error().code() == ErrorCode::corruption);
  }
}

TEST_CASE("contents that are damaged or gone are found by verify and by restore", "[backup]") {
  World world;
  world.add(0, 2000);
  value_of(create_backup(world.store, world.backups));
  value_of(world.store.close());
  for (const std::string& name : contents_of(world.backups)) {
    const fs::path path = world.backups / "files" / name;
    const std::string sound = bytes_of(path);
    INFO(name);
    for (const int kind : {0, 1, 2}) {
      if (kind == 0) flip_bit(path, sound.size() / 2);
      if (kind == 1) write_bytes(path, sound.substr(0, sound.size() - 1));
      if (kind == 2) fs::remove(path);
      const auto verified = verify_backup(world.backups, 1);
      REQUIRE(!verified);
      CHECK(verified.error().code() == ErrorCode::corruption);
      CHECK(verified.error().message().find(name) != std::string::npos);
      const auto restored = restore_backup(world.backups, 1, world.store_path, {true, nullptr});
      REQUIRE(!restored);
      CHECK(restored.error().code() == ErrorCode::corruption);
      write_bytes(path, sound);
    }
  }
  value_of(verify_backup(world.backups, 1));
  check_holds(world.store_path, 2000);
}

TEST_CASE("a backup that skips a file is found out", "[backup][planted]") {
  World world;
  world.add(0, 2000);
  const auto plain = value_of(create_backup(world.store, world.backups));
  const auto directory =
      value_of(BackupDirectory::open(world.backups, BackupDirectory::Use::change));
  const auto whole = value_of(directory.read(plain.id));
  std::size_t needed = 0;
  for (std::size_t skip = 0; skip < whole.files.size(); ++skip) {
    const std::string& name = whole.files[skip].name;
    // RocksDB's own tools alone need that one; and a log may have nothing in it.
    if (name.starts_with("OPTIONS") || name.ends_with(".log")) continue;
    BackupManifest planted = whole;
    planted.files.erase(planted.files.begin() + static_cast<std::ptrdiff_t>(skip));
    value_of(directory.write(planted));  // sealed like any other
    INFO(name);
    // As one that opens it would, and as one that only looks.
    const auto checked = detail::check_backup(directory, planted, nullptr);
    REQUIRE(!checked);
    CHECK(checked.error().code() == ErrorCode::corruption);
    ++needed;
  }
  CHECK(needed > 6);
}

TEST_CASE("damage that was backed up with the store is found by looking at records", "[backup]") {
  World world;
  world.add(0, 20'000);
  value_of(world.store.flush());
  value_of(world.store.close());
  const auto tables = tables_of(world.store_path, "primary");
  REQUIRE(!tables.empty());
  flip_bit(tables.front(), fs::file_size(tables.front()) / 3);
  world.store = value_of(StorageOptimizer::open(world.store_path, small_store()));
  value_of(create_backup(world.store, world.backups));
  value_of(verify_backup(world.backups, 1));
  const auto verified = verify_backup(world.backups, 1, {true, nullptr});
  REQUIRE(!verified);
  CHECK(verified.error().code() == ErrorCode::corruption);
}

TEST_CASE("contents that earlier backups share and that are damaged are copied anew", "[backup]") {
  World world;
  world.add(0, 20'000);
  value_of(create_backup(world.store, world.backups));
  flip_bit(world.backups / "files" / largest_of(world.backups), 1000);
  CHECK(!verify_backup(world.backups, 1));
  value_of(create_backup(world.store, world.backups));
  value_of(verify_backup(world.backups, 2, {true, nullptr}));
  value_of(verify_backup(world.backups, 1));
}

TEST_CASE("whatever contents of an earlier backup are damaged, the next one is sound", "[backup]") {
  const bool verify = GENERATE(true, false);
  CAPTURE(verify);
  World world;
  world.add(0, 1'000);
  value_of(create_backup(world.store, world.backups));
  const auto directory = value_of(BackupDirectory::open(world.backups, BackupDirectory::Use::look));
  for (const auto& file : value_of(directory.read(1)).files) {
    CAPTURE(file.name);
    // Tables that backups share are not copied, so that only reading them tells.
    if (file.size == 0 || (!verify && !file.identity.empty())) continue;
    const std::string sound = bytes_of(directory.content(file));
    flip_bit(directory.content(file), sound.size() / 2);
    BackupOptions options;
    options.verify = verify;
    const auto made = create_backup(world.store, world.backups, options);
    REQUIRE(made);
    value_of(verify_backup(world.backups, made->id, {true, nullptr}));
    write_bytes(directory.content(file), sound);
  }
}

// Nothing can be known of its tables, so they are copied, as what is there under the same names.
TEST_CASE("a backup is sound beside one whose manifest and contents are damaged", "[backup]") {
  World world;
  world.add(0, 1'000);
  value_of(create_backup(world.store, world.backups));
  flip_bit(manifest_of(world.backups, 1), 40);
  flip_bit(world.backups / "files" / largest_of(world.backups), 1000);
  CHECK(value_of(create_backup(world.store, world.backups)).id == 2);
  value_of(verify_backup(world.backups, 2, {true, nullptr}));
}

}  // namespace caveat::test
