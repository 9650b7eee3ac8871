# Every header compiles alone, twice included, as C11 without a warning; the public one also in
# strict C11 and, where there is a C++ compiler, in C++11.
#
#   cmake -DROOT=... -DCC=... [-DCXX=...] -P headers.cmake
cmake_minimum_required(VERSION 3.20)
set(failed 0)
set(checked 0)
file(GLOB_RECURSE headers RELATIVE ${ROOT} ${ROOT}/include/*.h ${ROOT}/protocol/*.h
  ${ROOT}/server/*.h ${ROOT}/client-lib/*.h ${ROOT}/cli/*.h ${ROOT}/demo/*.h)

# check(HEADER COMPILER OPTION...)
function(check header)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/header_alone.c
    "#include \"${header}\"\n#include \"${header}\"\nextern int header_alone;\n")
  execute_process(
    COMMAND ${ARGN} -Wall -Wextra -Werror -fsyntax-only -I${ROOT} -I${ROOT}/include
      ${CMAKE_CURRENT_BINARY_DIR}/header_alone.c
    RESULT_VARIABLE status ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message("${header} does not compile alone (${ARGN}):\n${output}")
    math(EXPR failed "${failed} + 1")
    set(failed ${failed} PARENT_SCOPE)
  endif()
  math(EXPR checked "${checked} + 1")
  set(checked ${checked} PARENT_SCOPE)
endfunction()

foreach(header ${headers})
  check(${header} ${CC} -std=c11 -D_GNU_SOURCE -x c)
endforeach()
check(include/tandem/tandem.h ${CC} -std=c11 -pedantic -x c)
if(CXX)
  check(include/tandem/tandem.h ${CXX} -std=c++11 -pedantic -x c++)
endif()

message("${checked} compiled, ${failed} failed")
if(failed GREATER 0 OR checked LESS 10)
  message(FATAL_ERROR "a header needs another one included before it")
endif()
