// What backup and restore print of a backup.
#pragma once

#include <string>

#include "caveat/backup.h"
#include "tools/cli/json_writer.h"

namespace caveat::cli {

[[nodiscard]] std::string backup_text(const BackupInfo& info);
[[nodiscard]] std::string backup_json(const BackupInfo& info);
// All but the id.
void add_backup_fields(const BackupInfo& info, JsonWriter& json);

}  // namespace caveat::cli
