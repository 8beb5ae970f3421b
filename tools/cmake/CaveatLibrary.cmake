# The library, made of all modules, in two shapes out of the same objects:
#
#   caveat          libcaveat.a: everything, the insides too; what the tool and the tests link
#   caveat_shared   libcaveat.so: the C interface and the public C++ one, all else hidden
#                   (adapters/c/libcaveat.map)
#
# caveat::caveat is the one that BUILD_SHARED_LIBS asks for. As a folder of another project only what
# that one links is built.
get_property(_modules GLOBAL PROPERTY CAVEAT_MODULES)
set(_objects "")
foreach(_module IN LISTS _modules)
  list(APPEND _objects $<TARGET_OBJECTS:${_module}>)
endforeach()
add_library(caveat STATIC ${_objects})
add_library(caveat_shared SHARED ${_objects})
foreach(_library caveat caveat_shared)
  target_compile_features(${_library} PUBLIC cxx_std_20)
  target_include_directories(${_library} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/engine/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/indexes/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/pool/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/adapters/c/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${_library}
    PUBLIC tl::expected  # in the public headers
    PRIVATE PkgConfig::ROCKSDB PkgConfig::ZSTD PkgConfig::LZ4 PkgConfig::XXHASH fmt::fmt
            Threads::Threads)
  if(CAVEAT_ENCRYPTION)
    target_link_libraries(${_library} PRIVATE PkgConfig::SODIUM)
  endif()
  set_target_properties(${_library} PROPERTIES LINKER_LANGUAGE CXX)
  if(NOT PROJECT_IS_TOP_LEVEL)
    set_target_properties(${_library} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endforeach()

set(_map ${PROJECT_SOURCE_DIR}/adapters/c/libcaveat.map)
target_link_options(caveat_shared PRIVATE -Wl,--version-script=${_map})
if(CAVEAT_SANITIZE)
  target_link_options(caveat_shared PRIVATE -fsanitize=${CAVEAT_SANITIZE})
else()
  target_link_options(caveat_shared PRIVATE -Wl,--no-undefined)
endif()
set_target_properties(caveat_shared PROPERTIES
  OUTPUT_NAME caveat EXPORT_NAME shared LINK_DEPENDS ${_map}
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
set_target_properties(caveat PROPERTIES EXPORT_NAME static)

if(BUILD_SHARED_LIBS)
  add_library(caveat::caveat ALIAS caveat_shared)
else()
  add_library(caveat::caveat ALIAS caveat)
endif()
add_library(caveat::shared ALIAS caveat_shared)
add_library(caveat::static ALIAS caveat)
include(CaveatInstall)
