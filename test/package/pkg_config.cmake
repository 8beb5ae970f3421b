include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
set(ENV{PKG_CONFIG_PATH} ${WORK}/prefix/${LIBDIR}/pkgconfig)
execute_process(COMMAND pkg-config --cflags --libs caveat OUTPUT_VARIABLE flags
                RESULT_VARIABLE status OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "pkg-config does not find caveat in ${WORK}/prefix")
endif()
separate_arguments(flags UNIX_COMMAND "${flags}")
run(${CXX} -std=c++20 ${WORK}/example.cpp -o ${WORK}/example_pkg_config ${flags}
    -Wl,-rpath,${WORK}/prefix/${LIBDIR})
run_example(${WORK}/example_pkg_config pkg_config)
