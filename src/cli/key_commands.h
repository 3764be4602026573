// How a node's private keys lie on disk: `bongsu keys protect | unprotect | show`. On a node that is not running.
#pragma once

#include "cli/node_commands.h"

namespace bongsu::cli {

struct KeysCommand {
  bool token = false;            // lock by the PKCS#11 token that the configuration names, not by a passphrase
  bool signing_as_file = false;  // leave the signing key a file although the token could sign
};
int run_keys_protect(const Common& common, const KeysCommand& command);
int run_keys_unprotect(const Common& common);
int run_keys_show(const Common& common);

}  // namespace bongsu::cli
