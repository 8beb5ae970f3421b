# Builds docs/examples/resolver as its reader would, and has it hold every fourth locale of Unicode CLDR
# against the locale files; then takes one exception out of the store, which it has to notice.
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)
set(data ${DATA}/cldr.ndjson)
set(nodes ${DATA}/nodes.tsv)
if(NOT EXISTS ${data} OR NOT EXISTS ${nodes})
  message("skipped: needs what data_cldr_is_the_reference leaves")
  return()
endif()

set(binary ${WORK}/resolver)
run(${CMAKE_COMMAND} -S ${TOP}/docs/examples/resolver -B ${binary} -G ${GENERATOR}
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
    "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wshadow -Werror"
    -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${binary})

set(caveat ${WORK}/prefix/bin/caveat)
set(store ${WORK}/resolver.store)
file(REMOVE_RECURSE ${store})
run(${caveat} import ${store} ${data})

# resolve(expected exit code, what it has to print, arguments...)
function(resolve code text)
  execute_process(COMMAND ${binary}/resolver ${store} ${nodes} ${ARGN}
                  RESULT_VARIABLE status OUTPUT_VARIABLE printed ERROR_VARIABLE printed)
  message("${printed}")
  string(FIND "${printed}" "${text}" at)
  if(NOT status EQUAL code OR at EQUAL -1)
    message(FATAL_ERROR "it ended with status ${status} instead of ${code}, or did not print: ${text}")
  endif()
endfunction()

set(format "dates/calendars/calendar[@type=\"chinese\"]/dateFormats/dateFormatLength[@type=\"full\"]")
resolve(0 "en_001      exception: \"EEEE, d MMMM r(U)\"" --ask en_NZ "${format}/dateFormat/pattern")
resolve(0 "wrong                                        0" --every 4)

# The first node is Afrikaans, and Afrikaans the first locale.
execute_process(COMMAND ${caveat} query ${store} --node 1 --limit 1 --json OUTPUT_VARIABLE first)
string(JSON property GET "${first}" property)
run(${caveat} remove ${store} 1 ${property})
resolve(1 "wrong answer: af ${property}" --every 803)
file(REMOVE_RECURSE ${store})
