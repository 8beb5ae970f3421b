#include "tools/cli/top/screen.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <utility>

#include "tools/cli/output.h"
#include "tools/cli/signals.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

// The second page, the cursor hidden; and back.
constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[H\033[2J";
constexpr std::string_view kLeave = "\033[?25h\033[?1049l";

// Where the thread of signals finds it as well.
termios before{};
std::atomic<bool> raw{false};
std::atomic<bool> entered{false};
std::array<int, 2> resized = {-1, -1};

void write_out(std::string_view text) {
  static_cast<void>(::write(STDOUT_FILENO, text.data(), text.size()) > 0);
}

void enter(bool keys) {
  if (keys && ::tcgetattr(STDIN_FILENO, &before) == 0) {
    termios now = before;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    now.c_cc[VSUSP] = _POSIX_VDISABLE;  // Ctrl-Z is a key, so that the screen can be left before
    raw = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) == 0;
  }
  entered = true;
  write_out(kEnter);
}

// Once, by whoever is first; whoever is second may end the process, so that waits.
std::mutex leaving;
void leave() {
  const std::lock_guard lock(leaving);
  if (entered.exchange(false)) write_out(kLeave);
  if (raw.exchange(false)) ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void on_resize(int /*signal*/) {
  const int error = errno;
  static_cast<void>(::write(resized[1], "", 1) > 0);
  errno = error;
}

}  // namespace

Key key_of(std::string_view sent) noexcept {
  constexpr std::array<std::pair<std::string_view, Key>, 25> kKeys = {{
      {"q", Key::quit},
      {"Q", Key::quit},
      {" ", Key::refresh},
      {"\f", Key::refresh},
      {"\r", Key::refresh},
      {"\n", Key::refresh},
      {"-", Key::faster},
      {"+", Key::slower},
      {"=", Key::slower},
      {"k", Key::up},
      {"\033[A", Key::up},
      {"\033OA", Key::up},
      {"j", Key::down},
      {"\033[B", Key::down},
      {"\033OB", Key::down},
      {"\033[5~", Key::page_up},
      {"\033[6~", Key::page_down},
      {"b", Key::page_up},
      {"f", Key::page_down},
      {"\033[H", Key::home},
      {"\033[F", Key::end},
      {"g", Key::home},
      {"G", Key::end},
      {"\033[1~", Key::home},
      {"\x1a", Key::suspend},  // Ctrl-Z
  }};
  for (const auto& [text, key] : kKeys) {
    if (sent == text) return key;
  }
  return Key::none;
}

Key take_key(std::string& sent) {
  std::size_t size = std::min<std::size_t>(1, sent.size());
  if (sent.starts_with("\033[")) {
    // Digits and semicolons, up to the byte that says which key it is.
    size = 2;
    while (size < sent.size() && (sent[size] < '@' || sent[size] > '~')) ++size;
    size = std::min(size + 1, sent.size());
  } else if (sent.starts_with('\033')) {
    size = std::min<std::size_t>(sent.starts_with("\033O") ? 3 : 2, sent.size());
  }
  const Key key = key_of(std::string_view(sent).substr(0, size));
  sent.erase(0, size);
  return key;
}

Screen::Screen() : keys_(is_terminal(stdin)) {
  if (::pipe(resized.data()) == 0) {
    struct sigaction action {};
    action.sa_handler = on_resize;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGWINCH, &action, nullptr);
  }
  call_on_signal(leave);
  enter(keys_);
}

Screen::~Screen() {
  leave();
  call_on_signal(nullptr);
  ::signal(SIGWINCH, SIG_DFL);
  for (int& descriptor : resized) ::close(std::exchange(descriptor, -1));
}

Screen::Size Screen::size() {
  struct winsize window {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_row == 0) return {};
  return {window.ws_row, window.ws_col == 0 ? std::size_t{80} : window.ws_col};
}

Result<void> Screen::draw(std::string_view text) {
  std::string out = "\033[H";
  if (text.ends_with('\n')) text.remove_suffix(1);  // behind the last row, it would scroll
  for (const char c : text) {
    if (c == '\n') out += "\033[K";
    out += c;
  }
  return print(out + "\033[K\033[J");
}

Screen::Event Screen::wait(int milliseconds) {
  if (!typed_.empty() && !stop_requested()) return next_key();
  std::array<pollfd, 3> watched = {{{stop_descriptor(), POLLIN, 0},
                                    {resized[0], POLLIN, 0},
                                    {keys_ ? STDIN_FILENO : -1, POLLIN, 0}}};
  const int ready = ::poll(watched.data(), watched.size(), milliseconds);
  if (stop_requested()) return {Event::Kind::stop};
  if (ready < 0) return {errno == EINTR ? Event::Kind::resized : Event::Kind::stop};
  if (watched[1].revents != 0) {
    std::array<char, 64> bytes{};
    static_cast<void>(::read(resized[0], bytes.data(), bytes.size()) > 0);
    return {Event::Kind::resized};
  }
  if (watched[2].revents == 0) return {};
  std::array<char, 64> bytes{};
  const auto count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count <= 0) return {Event::Kind::stop};  // the terminal is gone
  typed_.append(bytes.data(), static_cast<std::size_t>(count));
  return next_key();
}

Screen::Event Screen::next_key() {
  const Key key = take_key(typed_);
  if (key != Key::suspend) return {Event::Kind::key, key};
  leave();
  ::kill(0, SIGTSTP);
  enter(keys_);
  return {Event::Kind::resized};
}

}  // namespace caveat::cli
