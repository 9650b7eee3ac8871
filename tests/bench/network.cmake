# The bare TLS loop that the rows of the network are compared with: a program of its own.
add_executable(tandem-bench-tls bare_tls.c)
target_include_directories(tandem-bench-tls PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(tandem-bench-tls PRIVATE tandem_flags PkgConfig::BENCH_OPENSSL)
set_source_files_properties(limit_tls.c PROPERTIES
  COMPILE_DEFINITIONS "LIMIT_TLS_PROGRAM=\"$<TARGET_FILE:tandem-bench-tls>\"")
add_dependencies(tandem-bench tandem-bench-tls)
