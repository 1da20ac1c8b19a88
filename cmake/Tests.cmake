# Tests that belong to no room: the order of the house itself. Black-box tests of the binary are in
# tests/ and run by pytest (see the Makefile).
if(MILLRACE_BUILD_TESTS)
  find_program(MILLRACE_PYTHON NAMES python3 REQUIRED)
  add_test(NAME tidy COMMAND ${MILLRACE_PYTHON} ${PROJECT_SOURCE_DIR}/tools/tidy.py)
  add_test(NAME tidy_test COMMAND ${MILLRACE_PYTHON} tidy_test.py
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tools)
  set_tests_properties(tidy tidy_test PROPERTIES TIMEOUT 60 LABELS house)
endif()

# The list that `make fuzz` goes through.
get_property(fuzzers GLOBAL PROPERTY MILLRACE_FUZZERS)
if(fuzzers)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/fuzzers.txt CONTENT "${fuzzers}")
endif()
