# The library, made of all modules: caveat::caveat. BUILD_SHARED_LIBS chooses its kind.
get_property(_modules GLOBAL PROPERTY CAVEAT_MODULES)
set(_objects "")
foreach(_module IN LISTS _modules)
  list(APPEND _objects $<TARGET_OBJECTS:${_module}>)
endforeach()
add_library(caveat ${_objects})
add_library(caveat::caveat ALIAS caveat)
target_compile_features(caveat PUBLIC cxx_std_20)
target_include_directories(caveat PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/engine/include>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/indexes/include>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/pool/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(caveat
  PUBLIC tl::expected  # in the public headers
  PRIVATE PkgConfig::ROCKSDB PkgConfig::ZSTD PkgConfig::LZ4 PkgConfig::XXHASH fmt::fmt
          Threads::Threads)
set_target_properties(caveat PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE CXX)
include(CaveatInstall)
