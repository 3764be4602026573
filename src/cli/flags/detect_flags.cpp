// What needs no node: looking for indicators and rules in logs and files, and the languages that they are written in.
#include <cstdio>
#include <string>
#include <tuple>
#include <vector>

#include "cli/flags/flags.h"
#include "cli/flags/program.h"
#include "cli/hunt_command.h"
#include "cli/label_commands.h"
#include "cli/match_command.h"
#include "cli/pattern_commands.h"
#include "cli/sigma_commands.h"
#include "cli/stix_commands.h"
#include "cli/yara_commands.h"

namespace bongsu::cli {

void add_match(Program& p) {
  static MatchOptions m;
  auto* sub = p.command(&p.app, "match", "Look for indicators and rules in logs, without any server",
                        "  bongsu match --indicators feed.json --warninglists lists/ logs/*.json.zst\n"
                        "  bongsu match --sigma sigma/rules --yara yara/ --patterns patterns.txt events.ndjson\n"
                        "  zcat conn.log.gz | bongsu match --indicators bad-domains.txt -\n");
  sub->add_option("--indicators", m.indicators, "STIX bundles, plain lists, TSV or CSV (type, value); may be given again")->allow_extra_args(false);
  sub->add_option("--patterns", m.patterns, "STIX patterns, one a line, or STIX bundles; may be given again")->allow_extra_args(false);
  sub->add_option("--sigma", m.sigma, "Sigma rules: a file or a directory; may be given again")->allow_extra_args(false);
  sub->add_option("--pipeline", m.pipelines, "A pySigma processing pipeline for them; may be given again")->allow_extra_args(false);
  sub->add_option("--yara", m.yara,
                  "YARA rules, for command lines, scripts, payloads and messages: a file, a directory or an archive; "
                  "may be given again")
      ->allow_extra_args(false);
  sub->add_option("--map", m.maps, "What further fields of logs hold (TOML); may be given again")->allow_extra_args(false);
  sub->add_option("--warninglists", m.warning_lists, "MISP warning lists: a directory, a list.json or a tar archive; may be given again")->allow_extra_args(false);
  sub->add_option("logs", m.logs, "Files or directories; - for standard input");
  sub->add_option("--jobs", m.jobs, "Threads; 0 = as many as the machine has")->capture_default_str();
  sub->add_flag("--json", m.json, "One JSON alert a line, also on a terminal");
  sub->add_option("--min-confidence", m.min_confidence, "Leave out indicators below it (0 to 100)")->capture_default_str();
  sub->add_flag("--strict", m.strict, "A refused indicator or a bad line is trouble (exit 2)");
  sub->add_flag("--quiet", m.quiet, "No progress, no summary");
  sub->callback([&p] { p.exit = run_match(m, stdout, stderr); });
}

void add_hunt(Program& p) {
  static HuntOptions h;
  auto* hunt = p.command(&p.app, "hunt", "Look for indicators in telemetry that was stored before: a node's, or a directory of logs with an index",
                         "  bongsu hunt --indicators feed.json /var/log/zeek          (the index is made on the first pass)\n"
                         "  bongsu hunt --indicators feed.json --store bongsu-data/telemetry --since 2026-11-01T00:00:00Z\n"
                         "  bongsu hunt index /var/log/zeek\n");
  const auto places = [](CLI::App* sub) {
    sub->add_option("logs", h.logs, "Log files or directories");
    sub->add_option("--store", h.store, "Directory of a node's stored telemetry (DATA/telemetry)");
    sub->add_option("--cache", h.cache, "Where the index of the logs is; else .bongsu-hunt beside them");
    sub->add_flag("--json", h.json, "Machine-readable output on a terminal too");
    sub->add_flag("--quiet", h.quiet, "No progress, no summary");
    sub->add_option("--jobs", h.jobs, "Threads that index; 0 = as many as the machine has")->capture_default_str();
  };
  places(hunt);
  hunt->add_option("--indicators", h.indicators, "As for match; may be given again")->allow_extra_args(false);
  hunt->add_option("--warninglists", h.warning_lists, "As for match; may be given again")->allow_extra_args(false);
  hunt->add_option("--min-confidence", h.min_confidence, "Leave out indicators below it (0 to 100)")->capture_default_str();
  hunt->add_option("--since", h.since, "Leave out blocks of events that are all older");
  hunt->add_option("--until", h.until, "Leave out blocks of events that are all newer");
  hunt->require_subcommand(0, 1);
  hunt->callback([&p, hunt] {
    if (hunt->get_subcommands().empty()) p.exit = run_hunt(h, stdout, stderr);
  });
  const std::tuple<const char*, const char*, int (*)(const HuntOptions&, std::FILE*, std::FILE*)> kinds[] = {
      {"index", "Bring the index of logs up to date", run_hunt_index},
      {"verify", "Read everything that is stored and check it", run_hunt_verify},
      {"status", "What is stored", run_hunt_status}};
  for (const auto& [name, about, run] : kinds) {
    auto* sub = p.command(hunt, name, about, std::string("  bongsu hunt ") + name + " /var/log/zeek\n");
    places(sub);
    sub->callback([&p, run] { p.exit = run(h, stdout, stderr); });
  }
}

void add_stix(Program& p) {
  auto* stix = p.group("stix", "STIX 2.1 files, without any node");
  static StixValidateOptions v;
  auto* validate = p.command(stix, "validate", "Name every rule that an object breaks", "  bongsu stix validate bundle.json\n  zstdcat history.json.zst | bongsu stix validate - --json\n");
  validate->add_option("files", v.files, "Bundles, envelopes, arrays, NDJSON, also .gz and .zst; - for standard input")->required();
  validate->add_flag("--json", v.json, "One JSON object a finding, and a summary");
  validate->add_flag("--warnings", v.warnings, "What the standard only advises, too");
  validate->callback([&p] { p.exit = run_stix_validate(v, stdout, stderr); });
  static StixIdOptions i;
  auto* id = p.command(stix, "id", "Deterministic identifiers of observables", "  bongsu stix id observables.json\n");
  id->add_option("files", i.files, "As for validate")->required();
  id->add_flag("--json", i.json, "One JSON object a line");
  id->callback([&p] { p.exit = run_stix_id(i, stdout, stderr); });
}

void add_label(Program& p) {
  auto* label = p.group("label", "Labels of STIX and STANAG 4774, without any node");
  static LabelReadOptions r;
  auto* read = p.command(label, "read", "What a label means here. 0 understood, 1 not, or against the policy, 2 trouble",
                         "  bongsu label read report-label.xml --spif nato.xml\n  bongsu label read bundle.json --json\n");
  read->add_option("files", r.files, "Labels (STANAG 4774), bindings (STANAG 4778), or STIX with its marking definitions; - for standard input");
  read->add_option("--authority", r.authority, "Who marked it: civil, military or operator")->capture_default_str();
  read->add_option("--fallback", r.fallback, "TLP of what has none")->capture_default_str();
  read->add_option("--spif", r.spif, "A security policy (Open XML SPIF 2.1) that the labels have to keep to");
  read->add_flag("--json", r.json, "One JSON object a label");
  read->callback([&p] { p.exit = run_label_read(r, stdout, stderr); });
  static LabelWriteOptions w;
  auto* write = p.command(label, "write", "A label as STANAG 4774 says it, bound by 4778 if wanted, or as a STIX marking definition",
                          "  bongsu label write \"amber marked to:cert-lt,cert-ua class:secret\" --bind report.json=application/json > report.label.xml\n"
                          "  bongsu label write \"clear class:restricted\" --as stix --originator cert-lt\n");
  write->add_option("label", w.label, "As label read shows it")->required();
  write->add_option("--as", w.as, "stanag or stix")->capture_default_str();
  write->add_option("--created", w.created, "Instead of now");
  write->add_option("--review", w.review, "When to look at it again; five years after, if not said");
  write->add_option("--originator", w.originator, "A mail address; with stix the member who issues it");
  write->add_option("--bind", w.bind, "URI[=type/subtype] of what it is bound to; may be given again")
      ->expected(1)
      ->allow_extra_args(false);
  write->callback([&p] { p.exit = run_label_write(w, stdout, stderr); });
}

void add_pattern(Program& p) {
  auto* pattern = p.group("pattern", "STIX patterns, without any node");
  static PatternCheckOptions c;
  auto* check = p.command(pattern, "check", "Is it a good pattern? Shows the place where it is not",
                          "  bongsu pattern check \"[file:name = 'a.exe'] REPEATS 5 TIMES\"\n  bongsu pattern check @pattern.txt --json\n");
  check->add_option("pattern", c.pattern, "The pattern; - for standard input, @FILE for a file")->required();
  check->add_flag("--json", c.json, "Machine-readable output");
  check->callback([&p] { p.exit = run_pattern_check(c, stdout, stderr); });
  static PatternEvalOptions e;
  auto* eval = p.command(pattern, "eval", "Does it match observed data? 0 yes, 1 no, 2 trouble",
                         "  bongsu pattern eval \"[file:name = 'a.exe']\" observed.json\n  zstdcat observed.ndjson.zst | bongsu pattern eval @pattern.txt -\n");
  eval->add_option("pattern", e.pattern, "The pattern; @FILE for a file")->required();
  eval->add_option("observed", e.files, "Bundles, arrays or NDJSON of observed data, also .gz and .zst; - for standard input");
  eval->add_flag("--json", e.json, "One JSON object");
  eval->add_flag("--quiet,-q", e.quiet, "The exit status alone");
  eval->callback([&p] { p.exit = run_pattern_eval(e, stdout, stderr); });
}

void add_yara(Program& p) {
  auto* yara = p.group("yara", "YARA rules, without any node");
  static YaraCheckOptions c;
  auto* check = p.command(yara, "check", "Name every rule that cannot be used", "  bongsu yara check rules/\n  bongsu yara check signature-base.tar.zst --json\n");
  check->add_option("rules", c.rules, "Rule files, directories, tar archives")->required();
  check->add_flag("--json", c.json, "One JSON object a finding, and a summary");
  check->callback([&p] { p.exit = run_yara_check(c, stdout, stderr); });
  static YaraScanOptions s;
  auto* scan = p.command(yara, "scan", "Scan files", "  bongsu yara scan --rules rules/ /srv/upload\n  bongsu yara scan --rules rules/ --timeout 10 suspicious.exe\n");
  scan->add_option("--rules", s.rules, "Rule files, directories, tar archives; may be given again")->allow_extra_args(false)->required();
  scan->add_option("paths", s.paths, "Files and directories")->required();
  scan->add_option("--define", s.defines, "NAME=VALUE of an external variable; may be given again")->allow_extra_args(false);
  scan->add_option("--max-bytes", s.max_file_bytes, "Larger files are left out")->capture_default_str();
  scan->add_option("--timeout", s.timeout_seconds, "Seconds a file may take")->capture_default_str();
  scan->add_option("--jobs", s.jobs, "Threads; 0 = as many as the machine has")->capture_default_str();
  scan->add_flag("--json", s.json, "One JSON hit a line, also on a terminal");
  scan->add_flag("--quiet", s.quiet, "No progress, no summary");
  scan->callback([&p] { p.exit = run_yara_scan(s, stdout, stderr); });
}

void add_sigma(Program& p) {
  auto* sigma = p.group("sigma", "Sigma rules, without any server");
  static SigmaOptions c;
  const auto common = [](CLI::App* sub) {
    sub->add_option("--pipeline", c.pipelines, "Processing pipeline (pySigma's YAML); may be given again")->allow_extra_args(false);
    sub->add_option("--map", c.maps, "Map of fields and log sources (TOML); may be given again")->allow_extra_args(false);
    sub->add_flag("--json", c.json, "One JSON object a line, also on a terminal");
    sub->add_flag("--quiet", c.quiet, "No summary");
  };
  auto* check = p.command(sigma, "check", "Name every rule that cannot be used, with place and reason", "  bongsu sigma check sigma/rules\n  bongsu sigma check --pipeline ours.yml rules/ --json\n");
  check->add_option("rules", c.rules, "Files or directories")->required();
  common(check);
  check->callback([&p] { p.exit = run_sigma_check(c, stdout, stderr); });
  auto* eval = p.command(sigma, "eval", "Which events does a rule match?",
                         "  bongsu sigma eval rule.yml events.json\n  zcat log.gz | bongsu sigma eval rules/ -\n");
  static std::vector<std::string> paths;
  eval->add_option("paths", paths, "Files or directories of rules, and at last one of events; - for standard input")->required()->expected(2, -1);
  common(eval);
  eval->callback([&p] {
    c.events = {paths.back()};
    c.rules.assign(paths.begin(), paths.end() - 1);
    p.exit = run_sigma_eval(c, stdout, stderr);
  });
}

}  // namespace bongsu::cli
