// What `evctl doctor` looks at besides the database: programs, files and schedules of this machine,
// and the channels, which it can be told to try.
#pragma once

#include <filesystem>

#include "cli/evctl/doctor_checks.hpp"

namespace evd::evctl {

// Whether what handlers and channels start can be executed.
Findings check_programs(const Config& config);

// What waits, was refused or was lost in [daemon] state_dir, as far as this user may look.
Findings check_state_dir(const Config& config);

// What starts evrecover on this machine, by files below `root`: "/etc/cron.d/evd",
// "evrecover.timer".
std::vector<std::string> recovery_schedules(const std::filesystem::path& root);
Findings check_schedules(const std::vector<std::string>& schedules);

// Owners whom no channel reaches; and with `sends`, one message on each channel.
Findings check_channels(const Config& config, bool sends);

}  // namespace evd::evctl
