# What `cmake --install` puts where: headers, library, CMake package and pkg-config file. The tool is
# installed by tools/CMakeLists.txt. All of it can be moved: no file holds an absolute path.
option(CAVEAT_INSTALL "Make install rules" ${PROJECT_IS_TOP_LEVEL})
if(NOT CAVEAT_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)

set(_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/caveat)
foreach(_folder engine indexes pool adapters/c)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${_folder}/include)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${_folder}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
            FILES_MATCHING PATTERN "*.h")
  endif()
endforeach()

# Components are packages (CaveatPackages.cmake): `runtime` is what a program needs that is built already,
# `dev` what building one needs, and the default here.
install(TARGETS caveat caveat_shared EXPORT caveat
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT caveat NAMESPACE caveat:: FILE caveatTargets.cmake DESTINATION ${_package_dir})

if(TARGET caveat_sqlite)
  install(TARGETS caveat_sqlite LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/caveat COMPONENT sqlite)
  # Where the loader looks, so that `.load caveat_sqlite` is enough. It is no library to link.
  set(_link ${PROJECT_BINARY_DIR}/link/caveat_sqlite.so)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/link)
  file(CREATE_LINK caveat/caveat_sqlite.so ${_link} SYMBOLIC)
  install(FILES ${_link} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sqlite)
endif()

# Where Debian's python3 looks, under the prefix /usr; elsewhere PYTHONPATH names it.
set(CAVEAT_PYTHON_DIR lib/python3/dist-packages CACHE STRING "Where the Python module goes")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/adapters/python/caveat DESTINATION ${CAVEAT_PYTHON_DIR}
        COMPONENT python
        FILES_MATCHING PATTERN "*.py" PATTERN py.typed PATTERN __pycache__ EXCLUDE)

# What find_package calls caveat::caveat, as in the build itself.
if(BUILD_SHARED_LIBS)
  set(CAVEAT_DEFAULT shared)
else()
  set(CAVEAT_DEFAULT static)
endif()
if(CAVEAT_ENCRYPTION)
  set(CAVEAT_CONFIG_SODIUM "SODIUM:libsodium")
  set(CAVEAT_PC_SODIUM " libsodium")
endif()
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/caveatConfig.cmake.in ${PROJECT_BINARY_DIR}/caveatConfig.cmake
  INSTALL_DESTINATION ${_package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the API.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/caveatConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/caveatConfig.cmake ${PROJECT_BINARY_DIR}/caveatConfigVersion.cmake
        DESTINATION ${_package_dir})

file(RELATIVE_PATH CAVEAT_PC_TO_PREFIX
     /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" CAVEAT_PC_TO_PREFIX "${CAVEAT_PC_TO_PREFIX}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/caveat.pc.in ${PROJECT_BINARY_DIR}/caveat.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/caveat.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
