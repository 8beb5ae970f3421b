# The Debian packages, one for each component that is installed: cpack -G DEB, or tools/packages, which
# builds for /usr, checks the result and can try it in a clean system.
#
#   runtime   libcaveat0       the shared library
#   dev       libcaveat-dev    headers, static library, CMake package, pkg-config file
#   tools     caveat-tools     the command, its manual pages and completions
#   sqlite    caveat-sqlite    the extension for SQLite
#   python    python3-caveat   the Python module
if(NOT PROJECT_IS_TOP_LEVEL OR NOT CAVEAT_INSTALL)
  return()
endif()
set(_debian ${PROJECT_SOURCE_DIR}/tools/packaging)
set(CAVEAT_MAINTAINER "The caveat maintainers <maintainers@caveat.invalid>" CACHE STRING
    "Who the packages say maintains them: Name <address>")

set(_components runtime dev python)
if(TARGET caveat_cli)
  list(APPEND _components tools)
endif()
if(TARGET caveat_sqlite)
  list(APPEND _components sqlite)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME caveat)
set(CPACK_PACKAGE_VENDOR caveat)
# CPack's own default, which it does not put in front of each description.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_NAME} built using CMake")
set(CPACK_PACKAGE_CONTACT "${CAVEAT_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_COMPONENTS_ALL ${_components})
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${_debian}/staging.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${_debian}/finish.cmake)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SOURCE caveat)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY >=)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(_version ${PROJECT_VERSION}-1)

# deb(component package section SHORT one-line DESCRIPTION long FIELDS name value...)
function(deb component package section)
  cmake_parse_arguments(ARG "" "SHORT;DESCRIPTION" "FIELDS" ${ARGN})
  string(TOUPPER ${component} upper)
  set(prefix CPACK_DEBIAN_${upper})
  set(${prefix}_PACKAGE_NAME ${package} PARENT_SCOPE)
  set(${prefix}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(${prefix}_DESCRIPTION "${ARG_SHORT}\n${ARG_DESCRIPTION}" PARENT_SCOPE)
  while(ARG_FIELDS)
    list(POP_FRONT ARG_FIELDS field value)
    set(${prefix}_${field} "${value}" PARENT_SCOPE)
  endwhile()
  if(component IN_LIST _components)
    install(FILES ${_debian}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
            COMPONENT ${component})
    install(FILES ${PROJECT_BINARY_DIR}/changelog.Debian.gz
            DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
  endif()
endfunction()

find_program(GZIP gzip)
if(NOT GZIP)
  return()
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_debian}/changelog)
execute_process(COMMAND ${GZIP} -9nc ${_debian}/changelog
                OUTPUT_FILE ${PROJECT_BINARY_DIR}/changelog.Debian.gz)

string(CONCAT _about
  "A node of a knowledge graph inherits the values of its properties. Where its\n"
  "actual value differs, the difference is an exception. caveat stores exceptions,\n"
  "embedded in a program or on the command line, and is fastest at what is asked\n"
  "most: whether there is one.\n\n")
deb(runtime libcaveat${PROJECT_VERSION_MAJOR} libs
  SHORT "store for exceptions to inherited values - shared library"
  DESCRIPTION "${_about}This package holds the library that programs run with."
  FIELDS PACKAGE_CONTROL_EXTRA ${_debian}/triggers)
# pkg-config resolves Requires.private whatever is linked, and the static library needs them all.
string(CONCAT _needs "libcaveat${PROJECT_VERSION_MAJOR} (= ${_version}), libexpected-dev, "
  "librocksdb-dev, libzstd-dev, liblz4-dev, libxxhash-dev, libfmt-dev")
if(CAVEAT_ENCRYPTION)
  string(APPEND _needs ", libsodium-dev")
endif()
deb(dev libcaveat-dev libdevel
  SHORT "store for exceptions to inherited values - development files"
  DESCRIPTION "${_about}This package holds headers for C++20 and C11, the static library, and what\nCMake and pkg-config need to find them."
  FIELDS PACKAGE_DEPENDS "${_needs}")
deb(tools caveat-tools database
  SHORT "store for exceptions to inherited values - command-line tool"
  DESCRIPTION "${_about}This package holds the tool caveat, which fills stores, queries them and\nlooks inside.")
deb(sqlite caveat-sqlite database
  SHORT "store for exceptions to inherited values - extension for SQLite"
  DESCRIPTION "${_about}This package holds an extension that shows a store to SQLite as a virtual\ntable. To load it: .load caveat_sqlite"
  FIELDS PACKAGE_SUGGESTS "sqlite3, caveat-tools")
deb(python python3-caveat python
  SHORT "store for exceptions to inherited values - Python module"
  DESCRIPTION "${_about}This package holds a Python module on top of the library."
  FIELDS PACKAGE_ARCHITECTURE all PACKAGE_SHLIBDEPS OFF
         PACKAGE_DEPENDS "python3, libcaveat${PROJECT_VERSION_MAJOR} (>= ${_version})")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${_debian}/python/postinst ${_debian}/python/prerm)
include(CPack)
