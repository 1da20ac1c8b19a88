# millrace_room(<name> [PUBLIC rooms...] [PRIVATE rooms...]
#               [LIBS targets...] [PUBLIC_LIBS targets...])
#
# One call is a room's whole CMakeLists.txt. It builds src/<name>/**.cc into the static library
# millrace_<name>, *_test.cc into <name>_test (run by ctest), *_bench.cc into <name>_bench and each
# *_fuzz.cc into a fuzz target of its own.
#
# Order is law: a room may name only rooms that were declared before it, so that a cycle or an
# upward edge cannot be written. There is no shared include root: each room is exposed through a
# view that holds this room alone (build/.../view/<name>/<name> -> src/<name>), so an undeclared
# #include "storage/log.h" is "no such file".

set(MILLRACE_VIEW_DIR ${CMAKE_BINARY_DIR}/view)
add_custom_target(millrace_benches)
add_custom_target(millrace_fuzzers)

function(millrace_room_edges target scope)
  foreach(room IN LISTS ARGN)
    if(NOT TARGET millrace_${room})
      message(FATAL_ERROR "Room '${target}' names '${room}', which is not declared above it. "
        "Rooms may only depend on rooms of lower layers: see ARCHITECTURE.md.")
    endif()
    target_link_libraries(${target} ${scope} millrace_${room})
  endforeach()
endfunction()

function(millrace_room name)
  cmake_parse_arguments(ROOM "" "" "PUBLIC;PRIVATE;LIBS;PUBLIC_LIBS" ${ARGN})
  if(ROOM_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "millrace_room(${name}): unknown words: ${ROOM_UNPARSED_ARGUMENTS}")
  endif()
  set(source_dir ${PROJECT_SOURCE_DIR}/src/${name})
  set(view_dir ${MILLRACE_VIEW_DIR}/${name})
  file(MAKE_DIRECTORY ${view_dir})
  file(CREATE_LINK ${source_dir} ${view_dir}/${name} SYMBOLIC)

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${source_dir}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(benches ${sources})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  set(fuzzers ${sources})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$|/main\\.cc$")

  set(target millrace_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    set(private_scope PRIVATE)
    target_link_libraries(${target} PRIVATE millrace_flags)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    set(private_scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${view_dir})
  millrace_room_edges(${target} ${scope} ${ROOM_PUBLIC})
  millrace_room_edges(${target} ${private_scope} ${ROOM_PRIVATE})
  target_link_libraries(${target} ${scope} ${ROOM_PUBLIC_LIBS})
  target_link_libraries(${target} ${private_scope} ${ROOM_LIBS})
  target_compile_options(${target} ${private_scope} -ffile-prefix-map=${view_dir}/=src/)

  if(MILLRACE_VERIFY_HEADERS)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${source_dir} ${source_dir}/*.h)
    list(TRANSFORM headers PREPEND ${view_dir}/${name}/)
    if(headers)
      target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${view_dir} FILES ${headers})
      set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
    endif()
  endif()

  if(tests AND MILLRACE_BUILD_TESTS)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE millrace_flags ${target} GTest::gmock_main)
    millrace_room_edges(${name}_test PRIVATE ${ROOM_PRIVATE})
    target_link_libraries(${name}_test PRIVATE ${ROOM_LIBS})
    add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS unit
      ENVIRONMENT "MILLRACE_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
  endif()
  if(benches AND MILLRACE_BUILD_BENCH)
    add_executable(${name}_bench EXCLUDE_FROM_ALL ${benches})
    add_dependencies(millrace_benches ${name}_bench)
    target_link_libraries(${name}_bench PRIVATE millrace_flags ${target} benchmark::benchmark_main)
    millrace_room_edges(${name}_bench PRIVATE ${ROOM_PRIVATE})
    target_link_libraries(${name}_bench PRIVATE ${ROOM_LIBS})
  endif()
  if(fuzzers AND MILLRACE_BUILD_FUZZ)
    foreach(fuzzer IN LISTS fuzzers)
      get_filename_component(stem ${fuzzer} NAME_WE)
      add_executable(${stem} ${fuzzer})
      target_link_libraries(${stem} PRIVATE millrace_flags ${target})
      millrace_room_edges(${stem} PRIVATE ${ROOM_PRIVATE})
      target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
      add_dependencies(millrace_fuzzers ${stem})
      set_property(GLOBAL APPEND_STRING PROPERTY MILLRACE_FUZZERS "$<TARGET_FILE:${stem}>\n")
    endforeach()
  endif()
endfunction()

# millrace_program(<target> <file name>): a room's main.cc as an executable at the build's top.
function(millrace_program target name)
  get_filename_component(room ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  add_executable(${target} ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_compile_definitions(${target} PRIVATE MILLRACE_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${target} PRIVATE millrace_flags millrace_${room})
endfunction()
