// Pieces of JSON text, as the tool names them.
#pragma once

#include "adapters/json/json_text.h"

namespace caveat::cli {

using json::append_base64;
using json::append_json_bytes;
using json::append_json_confidence;
using json::append_json_float;
using json::append_json_string;
using json::bytes_of_base64;
using json::is_utf8;
using json::special_float;

}  // namespace caveat::cli
