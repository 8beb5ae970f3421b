// A build without libsodium: -DCAVEAT_ENCRYPTION=OFF.
#include "caveat/encryption.h"

namespace caveat {

std::shared_ptr<const Cipher> built_in_cipher() {
  return nullptr;
}

}  // namespace caveat
