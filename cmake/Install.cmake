# cmake --install: the binary, the C++ library with its headers and CMake package, and the prebuilt
# libraries beside them, found by relative paths so that the tree can be moved.
#
#   find_package(Millrace) -> target Millrace::millrace, headers <millrace/...>
include(CMakePackageConfigHelpers)
set(MILLRACE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Millrace)

if(TARGET millrace_server)
  set_target_properties(millrace_server PROPERTIES
    INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS millrace_server RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

if(TARGET millrace)
  set_target_properties(millrace PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS millrace EXPORT MillraceTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/millrace
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
  install(EXPORT MillraceTargets NAMESPACE Millrace:: DESTINATION ${MILLRACE_PACKAGE_DIR})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/MillraceConfig.cmake.in
    ${PROJECT_BINARY_DIR}/MillraceConfig.cmake INSTALL_DESTINATION ${MILLRACE_PACKAGE_DIR})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/MillraceConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/MillraceConfig.cmake
    ${PROJECT_BINARY_DIR}/MillraceConfigVersion.cmake DESTINATION ${MILLRACE_PACKAGE_DIR})
endif()

if(TARGET millrace OR TARGET millrace_server)
  install(FILES ${DUCKDB_ROOT}/lib/libduckdb.so ${ARROW_ROOT}/lib/libarrow.so.2600
    ${ARROW_ROOT}/lib/libparquet.so.2600
    DESTINATION ${CMAKE_INSTALL_LIBDIR}
    PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
      WORLD_EXECUTE)
endif()
