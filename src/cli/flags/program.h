// The program as CLI11 sees it: what the *_flags.cpp files add their commands to.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "cli/node_commands.h"
#include "cli/terminal.h"

namespace bongsu::cli {

// Examples first, then the usual help.
class Help : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    std::string text = CLI::Formatter::make_help(app, name, mode);
    const std::string& footer = app->get_footer();
    if (footer.empty()) return text;
    // CLI11 prints the footer last; examples belong first.
    if (const auto at = text.rfind(footer); at != std::string::npos) text.erase(at);
    return footer + "\n" + text;
  }
};

struct Program {
  CLI::App app{"Bongsu: the cross-border cyber-defence exchange. One member runs one node.", "bongsu"};
  Common common;
  int exit = kExitOk;

  CLI::App* command(CLI::App* parent, const std::string& name, const std::string& about, const std::string& examples) {
    CLI::App* sub = parent->add_subcommand(name, about);
    sub->footer("Examples:\n" + examples);
    return sub;
  }
  CLI::App* group(const std::string& name, const std::string& about) {
    CLI::App* sub = app.add_subcommand(name, about);
    sub->require_subcommand(1);
    return sub;
  }
  // The flags that every command on a node has.
  void on_node(CLI::App* sub) {
    sub->add_option("--data", common.data, "Directory of the node (or BONGSU_DATA)")->envname("BONGSU_DATA")->capture_default_str();
    sub->add_flag("--json", common.json, "Machine-readable output");
  }
};

}  // namespace bongsu::cli
