# Installs the build into a prefix of its own, and takes the example out of README.md, so that what
# a newcomer copies is what is compiled here.
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

# The fenced block that follows a marker comment.
function(extract marker file)
  file(READ ${TOP}/README.md text)
  set(fence "```")
  foreach(stop "<!-- ${marker} -->" "${fence}" "\n")
    string(FIND "${text}" "${stop}" at)
    if(at EQUAL -1)
      message(FATAL_ERROR "README.md has no block marked <!-- ${marker} -->")
    endif()
    string(LENGTH "${stop}" length)
    math(EXPR at "${at} + ${length}")
    string(SUBSTRING "${text}" ${at} -1 text)
  endforeach()
  string(FIND "${text}" "${fence}" end)
  string(SUBSTRING "${text}" 0 ${end} text)
  file(WRITE ${file} "${text}")
endfunction()

extract("example" ${WORK}/example.cpp)
extract("example prints" ${WORK}/example.txt)
file(REMOVE_RECURSE ${WORK}/prefix)
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
