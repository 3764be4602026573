// The commands with their flags, by subject. Without CLI11: only program.h and the *_flags.cpp files see it.
#pragma once

namespace bongsu::cli {

struct Program;  // program.h

// node_flags.cpp
void add_init(Program& p);
void add_serve(Program& p);
void add_collections_and_accounts(Program& p);
void add_exchange(Program& p);
void add_taxii(Program& p);
void add_alerts(Program& p);
void add_keys(Program& p);
void add_upkeep(Program& p);

// trust_flags.cpp
void add_policy(Program& p);
void add_members(Program& p);
void add_charter(Program& p);
void add_quarantine(Program& p);
void add_approvals(Program& p);
void add_crisis(Program& p);
void add_sealing(Program& p);
void add_ledger(Program& p);

// detect_flags.cpp
void add_match(Program& p);
void add_hunt(Program& p);
void add_stix(Program& p);
void add_label(Program& p);
void add_pattern(Program& p);
void add_yara(Program& p);
void add_sigma(Program& p);

// range_flags.cpp
void add_range(Program& p);

// exercise_flags.cpp
void add_exercise(Program& p);

// drill_flags.cpp; after add_exercise
void add_drill(Program& p);

// course_flags.cpp
void add_course(Program& p);

}  // namespace bongsu::cli
