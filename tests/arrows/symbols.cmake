# The pure layers ask nothing of the world: what their archives leave undefined is another pure
# layer's, or one of the functions below. Memory comes from memory.c alone.
#
#   cmake -DNM=... -DARCHIVES=file;file -P symbols.cmake
#
# A build under sanitizers or with coverage has symbols of its own; those are not looked at.
cmake_minimum_required(VERSION 3.20)
set(pure
  memchr memcmp memcpy memmove memset strchr strcmp strcspn strlen strncmp strspn strstr
  strrchr strnlen qsort bsearch
  snprintf vsnprintf
  abort __assert_fail __errno_location
  __memcpy_chk __memmove_chk __memset_chk __snprintf_chk __vsnprintf_chk __stack_chk_fail
  _GLOBAL_OFFSET_TABLE_)
set(memory calloc malloc realloc free)
set(own "")

foreach(archive ${ARCHIVES})
  execute_process(COMMAND ${NM} --defined-only --format=posix ${archive}
    OUTPUT_VARIABLE defined RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${archive} cannot be read by ${NM}")
  endif()
  string(REGEX MATCHALL "[^\n]+ [A-Z] [^\n]*" lines "${defined}")
  foreach(line ${lines})
    string(REGEX REPLACE " .*" "" symbol "${line}")
    list(APPEND own ${symbol})
  endforeach()
endforeach()

set(breaches 0)
set(looked 0)
foreach(archive ${ARCHIVES})
  execute_process(COMMAND ${NM} --undefined-only --format=posix ${archive}
    OUTPUT_VARIABLE undefined)
  string(REPLACE "\n" ";" lines "${undefined}")
  foreach(line ${lines})
    if(line MATCHES "\\[(.*)\\]:$")
      set(object ${CMAKE_MATCH_1})
      continue()
    endif()
    string(REGEX REPLACE " .*" "" symbol "${line}")
    if(symbol STREQUAL "")
      continue()
    endif()
    math(EXPR looked "${looked} + 1")
    if(symbol IN_LIST own OR symbol IN_LIST pure OR symbol MATCHES "^__(asan|ubsan|tsan|gcov|llvm|sanitizer)_")
      continue()
    elseif(object MATCHES "^memory\\.c" AND symbol IN_LIST memory)
      continue()
    elseif(object MATCHES "^wire_write\\.c" AND symbol MATCHES "^msgpack_")
      continue()
    endif()
    message("${object} of a pure layer uses ${symbol}")
    math(EXPR breaches "${breaches} + 1")
  endforeach()
endforeach()

message("${looked} uses, ${breaches} breaches")
if(breaches GREATER 0 OR looked LESS 10)
  message(FATAL_ERROR "a pure layer reaches out")
endif()
