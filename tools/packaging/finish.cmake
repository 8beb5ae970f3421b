# Run by CPack when it has made the packages, for what CMake 3.25 cannot say: a library is there for several
# architectures at once (Multi-Arch), and calls ldconfig by a trigger and not by scripts.
foreach(deb IN LISTS CPACK_PACKAGE_FILES)
  set(tree ${deb}.tree)
  file(REMOVE_RECURSE ${tree})
  execute_process(COMMAND dpkg-deb --raw-extract ${deb} ${tree} COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${tree}/DEBIAN/control control)
  # The link of caveat-sqlite is for dlopen: no library that ldconfig has to know.
  if(EXISTS ${tree}/DEBIAN/triggers OR control MATCHES "Package: caveat-sqlite")
    file(REMOVE ${tree}/DEBIAN/postinst ${tree}/DEBIAN/postrm)
  endif()
  if(control MATCHES "Package: libcaveat" AND NOT control MATCHES "Multi-Arch")
    string(REPLACE "\nPriority:" "\nMulti-Arch: same\nPriority:" control "${control}")
    file(WRITE ${tree}/DEBIAN/control "${control}")
  endif()
  execute_process(COMMAND dpkg-deb --root-owner-group -Zxz --build ${tree} ${deb}
                  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE_RECURSE ${tree})
endforeach()
