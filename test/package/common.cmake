# Shared by the packaging tests, which run as `cmake -P`. See CMakeLists.txt for the variables.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "failed (${status}): ${command}")
  endif()
endfunction()

# Configures and builds the host project in the folder `name`, and runs the example it makes.
function(build_and_run name)
  set(binary ${WORK}/${name})
  run(${CMAKE_COMMAND} -S ${SOURCE}/${name} -B ${binary} -G ${GENERATOR}
      -DCMAKE_CXX_COMPILER=${CXX} -DEXAMPLE=${WORK}/example.cpp ${ARGN})
  run(${CMAKE_COMMAND} --build ${binary})
  run_example(${binary}/example ${name})
endfunction()

# Runs the example in a fresh folder and compares what it prints with what README.md says.
function(run_example program name)
  set(folder ${WORK}/run_${name})
  file(REMOVE_RECURSE ${folder})
  file(MAKE_DIRECTORY ${folder})
  execute_process(COMMAND ${program} WORKING_DIRECTORY ${folder}
                  RESULT_VARIABLE status OUTPUT_VARIABLE printed ERROR_VARIABLE printed)
  file(READ ${WORK}/example.txt expected)
  if(NOT status EQUAL 0 OR NOT printed STREQUAL expected)
    message(FATAL_ERROR
            "the example ended with status ${status} and printed\n${printed}\ninstead of\n${expected}")
  endif()
endfunction()
