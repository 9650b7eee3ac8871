# Common settings of every layer.
#
#   tandem_layer(NAME SOURCES file... [USES layer...] [LINKS library...])
#
# makes the static library tandem_NAME. Headers are included from the source root
# ("protocol/wire.h", "server/core/record/record.h"), so that an include names its layer.

find_library(LMDB_LIBRARY lmdb REQUIRED)

# A layer's own part of the warnings standard; -Werror is for CI, not for people's newer compilers.
add_library(tandem_flags INTERFACE)
target_compile_options(tandem_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -fno-strict-aliasing -fstack-protector-strong)
target_compile_definitions(tandem_flags INTERFACE _GNU_SOURCE
  $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
# Assertions stay on in release.
foreach(config RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()

option(TANDEM_WERROR "Treat warnings as errors" OFF)
if(TANDEM_WERROR)
  target_compile_options(tandem_flags INTERFACE -Werror)
endif()
if(TANDEM_SANITIZE)
  add_compile_options(-fsanitize=${TANDEM_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TANDEM_SANITIZE})
endif()

function(tandem_layer name)
  cmake_parse_arguments(L "" "" "SOURCES;USES;LINKS" ${ARGN})
  add_library(tandem_${name} STATIC ${L_SOURCES})
  set_target_properties(tandem_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(tandem_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(tandem_${name} PRIVATE tandem_flags)
  foreach(other ${L_USES})
    target_link_libraries(tandem_${name} PUBLIC tandem_${other})
  endforeach()
  target_link_libraries(tandem_${name} PUBLIC ${L_LINKS})
endfunction()
