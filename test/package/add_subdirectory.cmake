# Unoptimised and modules in one piece, since this compiles the whole library; shared, since the
# other two are static.
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
build_and_run(add_subdirectory -DTOP=${TOP} -DBUILD_SHARED_LIBS=ON -DCAVEAT_UNITY_BUILD=ON
              -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS_RELEASE=-O0 -DNDEBUG"
              -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
