// Everything a host needs.
#pragma once

#include "caveat/codec.h"
#include "caveat/error.h"
#include "caveat/exception_view.h"
#include "caveat/kv_backend.h"
#include "caveat/options.h"
#include "caveat/ports.h"
#include "caveat/query.h"
#include "caveat/snapshot.h"
#include "caveat/statistics.h"
#include "caveat/storage_optimizer.h"
#include "caveat/types.h"
#include "caveat/version.h"
#include "caveat/write_batch.h"
