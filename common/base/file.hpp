// Whole files. Errors are evd::Error with the path and the system's reason.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace evd {

std::string read_file(const std::string& path);

// Readers see the old text or the new one, also after a power cut: temporary file in the same
// directory, fsync, rename, fsync of the directory.
void write_file_atomically(const std::string& path, std::string_view text, mode_t mode = 0644);

}  // namespace evd
