// libyara with faults, for sensor_crash_test: its functions under their own names, in front of the real ones. They do
// to the process what the names of rules say ("ends_by_signal") when rules look at an event that has kTrigger in it, or
// are compiled: what a fault of libyara would do, at the place where it would.
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>
#include <yara.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr std::string_view kTrigger = "TRIGGER";

[[gnu::noinline]] std::uint64_t deep(std::uint64_t n) {
  volatile char frame[4096];
  frame[n % sizeof frame] = static_cast<char>(n);
  return n == 0 ? 0 : deep(n + 1) + static_cast<std::uint64_t>(frame[0]);
}

[[noreturn]] void end_by_signal() {
  ::raise(SIGSEGV);
  std::abort();
}

}  // namespace

extern "C" int yr_scanner_scan_mem(YR_SCANNER* scanner, const std::uint8_t* buffer, std::size_t size) {
  static const auto real = reinterpret_cast<decltype(&yr_scanner_scan_mem)>(::dlsym(RTLD_NEXT, "yr_scanner_scan_mem"));
  if (std::string_view(reinterpret_cast<const char*>(buffer), size).find(kTrigger) != std::string_view::npos) {
    int together = 0;
    YR_RULE* rule = nullptr;
    yr_rules_foreach(scanner->rules, rule) {
      const std::string_view name = rule->identifier;
      if (name == "ends_by_signal") end_by_signal();
      if (name == "ends_by_stack") deep(1);
      if (name == "ends_by_silence")
        for (;;) ::pause();
      together += name.starts_with("ends_together") ? 1 : 0;
    }
    if (together > 1) end_by_signal();
  }
  return real(scanner, buffer, size);
}

extern "C" int yr_compiler_add_string(YR_COMPILER* compiler, const char* text, const char* name_space) {
  static const auto real =
      reinterpret_cast<decltype(&yr_compiler_add_string)>(::dlsym(RTLD_NEXT, "yr_compiler_add_string"));
  if (std::strstr(text, "ends_when_built") != nullptr) end_by_signal();
  return real(compiler, text, name_space);
}
