# The client whose memory is looked at: a program of its own, which holds nothing else.
add_executable(tandem-bench-client used_client.c)
target_link_libraries(tandem-bench-client PRIVATE tandem_flags tandem_bench tandem_client_lib)
set_source_files_properties(rows_replica_memory.c PROPERTIES
  COMPILE_DEFINITIONS "USED_CLIENT_PROGRAM=\"$<TARGET_FILE:tandem-bench-client>\"")
add_dependencies(tandem-bench tandem-bench-client)
