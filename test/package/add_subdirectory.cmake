# Unoptimised and modules in one piece, since this compiles the whole library. Static as README.md
# says, then shared: the same objects, linked once more.
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
set(settings -DTOP=${TOP} -DCAVEAT_UNITY_BUILD=ON -DCMAKE_BUILD_TYPE=Release
    "-DCMAKE_CXX_FLAGS_RELEASE=-O0 -DNDEBUG" -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
foreach(shared OFF ON)
  build_and_run(add_subdirectory ${settings} -DBUILD_SHARED_LIBS=${shared})
endforeach()
