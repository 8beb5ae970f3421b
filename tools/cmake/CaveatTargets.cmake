# caveat_flags: how our own code is compiled. caveat_module(name ...): one folder, one target.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_program(CCACHE ccache)
if(CCACHE AND CAVEAT_DEVELOPER_MODE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(caveat_flags INTERFACE)
target_compile_features(caveat_flags INTERFACE cxx_std_20)
target_include_directories(caveat_flags INTERFACE
  ${PROJECT_SOURCE_DIR}
  ${PROJECT_SOURCE_DIR}/engine/include
  ${PROJECT_SOURCE_DIR}/indexes/include
  ${PROJECT_SOURCE_DIR}/pool/include)
if(CAVEAT_DEVELOPER_MODE)
  target_compile_options(caveat_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
    -Wunused -Werror)
else()
  target_compile_options(caveat_flags INTERFACE -Werror=unused-result)
endif()
if(CAVEAT_DEVELOPER_MODE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 warns of "literal" + std::string&& where nothing overlaps (its bug 105651).
  target_compile_options(caveat_flags INTERFACE -Wno-restrict)
endif()
if(CAVEAT_INVARIANTS)
  target_compile_definitions(caveat_flags INTERFACE CAVEAT_INVARIANTS=1)
endif()
if(CAVEAT_SYNC_POINTS)
  target_compile_definitions(caveat_flags INTERFACE CAVEAT_SYNC_POINTS=1)
endif()
if(CAVEAT_SANITIZE)
  target_compile_options(caveat_flags INTERFACE
    -fsanitize=${CAVEAT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(caveat_flags INTERFACE -fsanitize=${CAVEAT_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Instrumented code hides from GCC 12 what is initialised; the plain builds warn.
    target_compile_options(caveat_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Clang links its operator new in whole; the tests that count allocations bring their own.
    target_link_options(caveat_flags INTERFACE -Wl,--allow-multiple-definition)
  endif()
endif()
target_link_libraries(caveat_flags INTERFACE fmt::fmt PkgConfig::XXHASH Threads::Threads)

set_property(GLOBAL PROPERTY CAVEAT_MODULES "")

# Most of the time a file takes goes into its headers: a module compiled as one takes a third of it.
# Only where no two files have a local name in common. For clean builds; a change costs more.
option(CAVEAT_UNITY_BUILD "Compile the files of a module together" OFF)
set(CAVEAT_UNITY_MODULES
  caveat_block caveat_c caveat_cache caveat_catalogue caveat_codec caveat_delta caveat_memory caveat_model
  caveat_indexes caveat_maintenance caveat_partition caveat_pool caveat_query caveat_rocksdb
  caveat_store)

# An object library of the .cpp files of the calling folder (not of folders below it).
#   caveat_module(caveat_block LINK PkgConfig::ZSTD)
function(caveat_module name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_library(${name} OBJECT ${sources})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${name} PRIVATE caveat_flags ${ARG_LINK})
  if(CAVEAT_UNITY_BUILD AND name IN_LIST CAVEAT_UNITY_MODULES)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON)
  endif()
  set_property(GLOBAL APPEND PROPERTY CAVEAT_MODULES ${name})
endfunction()
