// For tests of commands: a directory that lives as long as the test, and what a command wrote.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace bongsu::cli {

// All of a temporary file, which is closed.
inline std::string written(std::FILE* stream) {
  std::string all;
  std::rewind(stream);
  for (int c; (c = std::fgetc(stream)) != EOF;) all += static_cast<char>(c);
  std::fclose(stream);
  return all;
}

class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    std::string form = (std::filesystem::temp_directory_path() / "bongsu-command-XXXXXX").string();
    dir_ = mkdtemp(form.data());
  }
  ~CommandTest() override { std::filesystem::remove_all(dir_); }
  std::string file(const std::string& name, const std::string& content, bool append = false) {
    std::filesystem::create_directories((dir_ / name).parent_path());
    std::ofstream(dir_ / name, std::ios::binary | (append ? std::ios::app : std::ios::trunc)) << content;
    return (dir_ / name).string();
  }
  // The exit code; out_ and err_ hold what was written.
  template <class Options>
  int run(int (*command)(const Options&, std::FILE*, std::FILE*), const Options& options) {
    std::FILE* out = std::tmpfile();
    std::FILE* err = std::tmpfile();
    const int status = command(options, out, err);
    out_ = written(out);
    err_ = written(err);
    return status;
  }

  std::filesystem::path dir_;
  std::string out_, err_;
};

}  // namespace bongsu::cli
