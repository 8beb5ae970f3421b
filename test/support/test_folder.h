// The source folder of this test executable, where its golden files are. Told by one small
// generated file, and not by a definition: what all the others compile to then depends on no path,
// and ccache serves it to every checkout.
#pragma once

#include <filesystem>

namespace caveat::test {

[[nodiscard]] std::filesystem::path test_folder();

}  // namespace caveat::test
