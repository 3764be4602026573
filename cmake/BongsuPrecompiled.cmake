# bongsu_precompiled(TARGET common|light|tests): the headers of other people that most of our sources include, parsed once.
# bongsu_light(TARGET): in a sanitizer build, compile this target without optimisation.
#
# The first is for what scripts/test builds (presets asan, tsan and release), the second for its sanitizer builds, which
# compile nearly everything. Nothing of ours is precompiled, and dev and bench have neither: there a source that forgot an
# include fails. docs/decisions/0005-precompiled-headers.md has the figures.
function(bongsu_precompiled target which)
  if(BONGSU_PCH)
    target_precompile_headers(${target} REUSE_FROM bongsu_precompiled_${which})
  endif()
endfunction()

function(bongsu_light target)
  if(BONGSU_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

if(BONGSU_PCH)
  # clang takes a precompiled header only into a source compiled alike: one kind of position-independent code for
  # libraries and programs, one header for each level of optimisation. No time stamp inside, for ccache's sake.
  target_compile_options(bongsu_flags INTERFACE -fPIE -pthread "SHELL:-Xclang -fno-pch-timestamp")
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cpp CONTENT "")
  foreach(which common light tests)
    if(which STREQUAL "tests" AND NOT BONGSU_TESTS)
      continue()
    endif()
    add_library(bongsu_precompiled_${which} OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(bongsu_precompiled_${which} PRIVATE bongsu_flags fmt::fmt Boost::json Threads::Threads)
  endforeach()
  target_precompile_headers(bongsu_precompiled_common PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled/common.h)
  target_precompile_headers(bongsu_precompiled_light PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled/common.h)
  bongsu_light(bongsu_precompiled_light)
  if(BONGSU_TESTS)
    target_link_libraries(bongsu_precompiled_tests PRIVATE GTest::gmock)
    target_precompile_headers(bongsu_precompiled_tests PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled/tests.h)
    bongsu_light(bongsu_precompiled_tests)
  endif()
endif()
