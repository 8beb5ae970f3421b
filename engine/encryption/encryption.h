// Opening: a backend as Options::encryption wants it.
#pragma once

#include <memory>

#include "engine/encryption/encrypted_backend.h"

namespace caveat {

struct OpenedBackend {
  std::unique_ptr<KvBackend> backend;
  EncryptedBackend* encrypted = nullptr;  // the same, where it is encrypted
};

// Can these options be used at all? Before anything is made on disk.
[[nodiscard]] Result<void> check_encryption(const Encryption& encryption);

// Errors: key_missing (an encrypted store and no key, or not that one), wrong_key,
// invalid_argument (a plain store and a key), read_only, corruption, and the backend's.
[[nodiscard]] Result<OpenedBackend> open_encryption(std::unique_ptr<KvBackend> backend,
                                                    const Encryption& encryption);

}  // namespace caveat
