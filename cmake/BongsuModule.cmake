# bongsu_module(NAME DEPS <modules of lower floors> LIBS <public libraries> PRIVATE_LIBS <libraries hidden in .cpp files>
#              [LIGHT] [BUSY_TESTS])
#
# One folder under src/ is one module: the target bongsu_<name> from every *.cpp in it (folders below included), the test
# program <name>_test from every *_test.cpp, and one fuzz program per fuzz/*_fuzz.cpp. main.cpp and *_flags.cpp are left to
# the module's executable. A module sees the headers of its own folder and of the modules in DEPS, nothing else: each
# module's headers are reached through an include directory of its own that holds a single link, so that src/ as a whole
# is on nobody's include path.
#
# In sanitizer builds tests are compiled without optimisation, which halves their compile time, unless BUSY_TESTS says that
# they compute much themselves; with LIGHT the module, too: for modules that arrange what others compute.
add_custom_target(unit_tests)    # every test program
add_custom_target(fuzz_targets)  # every fuzz program
if(BONGSU_TESTS OR BONGSU_FUZZ)
  # The only file with a path of this machine in it (base/places_test_support.h).
  add_library(bongsu_places STATIC ${CMAKE_SOURCE_DIR}/tests/places/places.cpp)
  target_compile_definitions(bongsu_places PRIVATE BONGSU_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(bongsu_places PRIVATE bongsu_flags)
  target_include_directories(bongsu_places PRIVATE ${CMAKE_BINARY_DIR}/include/base)
endif()
function(bongsu_module name)
  cmake_parse_arguments(M "LIGHT;BUSY_TESTS" "" "DEPS;LIBS;PRIVATE_LIBS;TEST_LIBS;TEST_DEPS" ${ARGN})
  set(dir ${CMAKE_CURRENT_SOURCE_DIR})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER sources EXCLUDE REGEX "((_test|_fuzz|_test_support|_flags)|/main)\\.cpp$")
  list(FILTER tests INCLUDE REGEX "(_test|_test_support)\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")

  set(include_dir ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${include_dir})
  file(CREATE_LINK ${dir} ${include_dir}/${name} SYMBOLIC)

  list(TRANSFORM M_DEPS PREPEND bongsu_ OUTPUT_VARIABLE deps)
  list(TRANSFORM M_TEST_DEPS PREPEND bongsu_ OUTPUT_VARIABLE test_deps)
  if(sources)
    add_library(bongsu_${name} STATIC ${sources})
    target_include_directories(bongsu_${name} PUBLIC ${include_dir})
    target_link_libraries(bongsu_${name} PUBLIC bongsu_flags ${deps} ${M_LIBS} PRIVATE ${M_PRIVATE_LIBS})
    if(M_LIGHT)
      bongsu_light(bongsu_${name})
      bongsu_precompiled(bongsu_${name} light)
    else()
      bongsu_precompiled(bongsu_${name} common)
    endif()
  else()
    add_library(bongsu_${name} INTERFACE)
    target_include_directories(bongsu_${name} INTERFACE ${include_dir})
    target_link_libraries(bongsu_${name} INTERFACE bongsu_flags ${deps} ${M_LIBS})
  endif()

  if(BONGSU_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE bongsu_${name} ${test_deps} ${M_PRIVATE_LIBS} ${M_TEST_LIBS} bongsu_places GTest::gmock GTest::gtest_main)
    if(M_BUSY_TESTS)
      bongsu_precompiled(${name}_test common)
    else()
      bongsu_light(${name}_test)
      bongsu_precompiled(${name}_test tests)
    endif()
    add_dependencies(unit_tests ${name}_test)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS unit)
  endif()
  if(BONGSU_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(fuzz_name ${fuzzer} NAME_WE)
      add_executable(${fuzz_name} ${fuzzer})
      target_link_libraries(${fuzz_name} PRIVATE bongsu_${name} ${test_deps} ${M_PRIVATE_LIBS} -fsanitize=fuzzer)
      bongsu_precompiled(${fuzz_name} common)
      add_dependencies(fuzz_targets ${fuzz_name})
    endforeach()
  endif()
endfunction()
