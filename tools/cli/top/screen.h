// The whole screen for a while: the terminal's second page, keys without Enter, and everything as
// it was however the command ends: by a key, an error, Ctrl-C, SIGTERM or SIGHUP.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "caveat/error.h"

namespace caveat::cli {

enum class Key {
  none,
  quit,
  refresh,
  slower,
  faster,
  up,
  down,
  page_up,
  page_down,
  home,
  end,
  suspend
};

// What a key sends, by xterm and its relatives: "q", " ", "\033[A".
[[nodiscard]] Key key_of(std::string_view sent) noexcept;
// The first key of what was sent, which it is taken off: keys that are typed faster than they are
// read come together.
[[nodiscard]] Key take_key(std::string& sent);

class Screen {
 public:
  // Standard output is a terminal; there is one Screen at a time. Keys are read where standard
  // input is a terminal as well.
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  struct Size {
    std::size_t rows = 24;
    std::size_t columns = 80;
  };
  [[nodiscard]] static Size size();

  // Draws over what is there and erases the rest, so that nothing flickers. `text` has as many
  // lines as the screen at most.
  [[nodiscard]] static Result<void> draw(std::string_view text);

  struct Event {
    enum class Kind { time, key, resized, stop } kind = Kind::time;
    Key key = Key::none;
  };
  // Until a key, another size of the window, a signal that ends the command, or so long.
  [[nodiscard]] Event wait(int milliseconds);

 private:
  [[nodiscard]] Event next_key();
  bool keys_;
  std::string typed_;  // and not handed out yet
};

}  // namespace caveat::cli
