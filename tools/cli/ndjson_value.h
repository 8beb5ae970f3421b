// Values in lines of JSON, as the tool names them.
#pragma once

#include "adapters/json/json_value.h"

namespace caveat::cli {

using json::append_json_value;
using json::encode_json_value;
using json::json_bytes;

}  // namespace caveat::cli
