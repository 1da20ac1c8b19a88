# Third-party libraries, one interface target each, named mr_<library>. Every one has a single home
# room (ARCHITECTURE.md), which is the only one that names it in LIBS; base alone is public.
#
# What Debian does not have lies in MILLRACE_DEPS, filled by tools/setup:
#   arrow/{include,lib}  duckdb/{include,lib}  connect/*.desc  venv/
# A user may bring their own by -DARROW_ROOT=, -DDUCKDB_ROOT= (the same layout).
set(MILLRACE_DEPS "$ENV{MILLRACE_DEPS}" CACHE PATH "Folder that tools/setup fills")
if(NOT MILLRACE_DEPS)
  if(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    set(MILLRACE_DEPS "$ENV{XDG_CACHE_HOME}/millrace/deps")
  else()
    set(MILLRACE_DEPS "$ENV{HOME}/.cache/millrace/deps")
  endif()
endif()
set(ARROW_ROOT ${MILLRACE_DEPS}/arrow CACHE PATH "Arrow C++: include/ and lib/")
set(DUCKDB_ROOT ${MILLRACE_DEPS}/duckdb CACHE PATH "DuckDB: include/ and lib/")

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(PkgConfig REQUIRED)
if(MILLRACE_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(MILLRACE_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()

# mr_<name> from pkg-config module <module>.
function(millrace_pkg name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  add_library(mr_${name} INTERFACE)
  target_link_libraries(mr_${name} INTERFACE PkgConfig::${name})
endfunction()

add_library(mr_fmt INTERFACE)
target_link_libraries(mr_fmt INTERFACE fmt::fmt)
add_library(mr_spdlog INTERFACE)
target_link_libraries(mr_spdlog INTERFACE spdlog::spdlog)
add_library(mr_threads INTERFACE)
target_link_libraries(mr_threads INTERFACE Threads::Threads)
millrace_pkg(zlib zlib)
millrace_pkg(zstd libzstd)
millrace_pkg(lz4 liblz4)
millrace_pkg(rdkafka rdkafka)
millrace_pkg(pcre2 libpcre2-8)
millrace_pkg(icu icu-i18n)
millrace_pkg(protobuf protobuf)
millrace_pkg(grpc grpc++)
# RE2 as an archive, and hidden: gRPC and Arrow's wheel bring others into the process (ADR 0010).
# Debian's archive is no position-independent code and cannot go into a shared library:
# libmillrace.so takes the shared one, which gRPC has brought along already, before all others.
find_library(RE2_ARCHIVE libre2.a REQUIRED)
find_library(RE2_SHARED libre2.so REQUIRED)
add_library(mr_re2 INTERFACE)
set(mr_into_shared "$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>")
target_link_libraries(mr_re2 INTERFACE
  "$<$<NOT:${mr_into_shared}>:${RE2_ARCHIVE}>" Threads::Threads)
target_link_options(mr_re2 INTERFACE -Wl,--exclude-libs,libre2.a
  "$<${mr_into_shared}:SHELL:-Wl,--no-as-needed ${RE2_SHARED} -Wl,--as-needed>")
add_library(mr_snappy INTERFACE)
target_link_libraries(mr_snappy INTERFACE snappy)
add_library(mr_simdjson INTERFACE)
target_link_libraries(mr_simdjson INTERFACE simdjson)
add_library(mr_cli11 INTERFACE)
add_library(mr_asio INTERFACE)  # Boost.Asio and Beast are headers only.
target_compile_definitions(mr_asio INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_USE_STD_STRING_VIEW)
target_link_libraries(mr_asio INTERFACE Threads::Threads)

find_library(CRYPTO_SHARED libcrypto.so REQUIRED)
add_library(mr_crypto INTERFACE)
target_link_libraries(mr_crypto INTERFACE ${CRYPTO_SHARED})

add_library(mr_arrow INTERFACE)
target_include_directories(mr_arrow SYSTEM INTERFACE ${ARROW_ROOT}/include)
# The wheel's libparquet exports an OpenSSL of its own. The system's must come before it, or TLS of
# librdkafka and gRPC runs half in one and half in the other, and dies.
find_library(SSL_SHARED libssl.so REQUIRED)
target_link_options(mr_arrow INTERFACE
  "SHELL:-Wl,--no-as-needed ${SSL_SHARED} ${CRYPTO_SHARED} -Wl,--as-needed")
target_link_libraries(mr_arrow INTERFACE
  ${ARROW_ROOT}/lib/libarrow.so.2600 ${ARROW_ROOT}/lib/libparquet.so.2600)
add_library(mr_duckdb INTERFACE)
target_include_directories(mr_duckdb SYSTEM INTERFACE ${DUCKDB_ROOT}/include)
target_link_libraries(mr_duckdb INTERFACE ${DUCKDB_ROOT}/lib/libduckdb.so)
set(CMAKE_BUILD_RPATH ${ARROW_ROOT}/lib ${DUCKDB_ROOT}/lib)
