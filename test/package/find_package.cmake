include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
build_and_run(find_package -DCMAKE_PREFIX_PATH=${WORK}/prefix)
