# Run by CPack between installing and packing, on what Debian wants otherwise than `cmake --install` puts
# it: manual pages and changelogs are compressed, without a time in them.
file(GLOB_RECURSE pages ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*/share/man/*.[1-8])
if(pages)
  execute_process(COMMAND gzip -9nf ${pages} COMMAND_ERROR_IS_FATAL ANY)
endif()
