# Flags that hold for every target, on one interface target that each module links.
add_library(bongsu_flags INTERFACE)
target_compile_options(bongsu_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-designated-field-initializers -Wnon-virtual-dtor -Wimplicit-fallthrough
  -ffp-contract=off -fno-omit-frame-pointer -fstack-protector-strong
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
target_link_options(bongsu_flags INTERFACE -fuse-ld=lld)
if(DEFINED ENV{CI})
  target_compile_options(bongsu_flags INTERFACE -Werror)
endif()

# Debug keeps assertions and compiles fast; -O1 so that tests over real data stay short.
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -gline-tables-only")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -gline-tables-only -DNDEBUG -D_FORTIFY_SOURCE=2")
target_link_options(bongsu_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:LINKER:-z,relro,-z,now>)

if(BONGSU_SANITIZE)
  target_compile_options(bongsu_flags INTERFACE -fsanitize=${BONGSU_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(bongsu_flags INTERFACE -fsanitize=${BONGSU_SANITIZE})
  target_compile_definitions(bongsu_flags INTERFACE BONGSU_SANITIZED=1)
endif()
if(BONGSU_FUZZ)
  target_compile_options(bongsu_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
