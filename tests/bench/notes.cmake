# The rows that type recorded traces: where those are, and what the same is done with for comparison.
set(TANDEM_SHARED_DATA "${CMAKE_SOURCE_DIR}/../shared/data" CACHE PATH
  "Where the data of the real-input tests is")
set_source_files_properties(rows_notes_trace.c PROPERTIES COMPILE_DEFINITIONS
  "TRACES=\"${TANDEM_SHARED_DATA}/editing-traces\";YJS=\"${CMAKE_CURRENT_SOURCE_DIR}/yjs\"")
target_link_libraries(tandem-bench PRIVATE tandem_replay)
add_dependencies(tandem-bench tandem)
