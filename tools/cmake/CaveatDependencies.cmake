# Everything comes from Debian 12's packages; tools/setup installs them. What the library needs is
# repeated for its users in caveatConfig.cmake.in and caveat.pc.in.
find_package(Threads REQUIRED)
find_package(tl-expected REQUIRED)
find_package(fmt REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ROCKSDB REQUIRED IMPORTED_TARGET rocksdb)
if(CAVEAT_BUILD_TOOLS)
  find_package(simdjson REQUIRED)
  find_package(CLI11 REQUIRED)
endif()
