#include "test/bench/harness/machine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

namespace peers {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
uint64_t disk_bytes(const std::string& dir) {
  uint64_t n = 0;
  for (auto& e : fs::recursive_directory_iterator(dir)) {
    struct stat st;
    if (e.is_regular_file() && stat(e.path().c_str(), &st) == 0) n += uint64_t(st.st_blocks) * 512;
  }
  return n;
}
Rss rss() {
  std::ifstream f("/proc/self/status");
  std::string l;
  Rss r;
  while (std::getline(f, l)) {
    if (l.rfind("RssAnon:", 0) == 0) r.anon = std::stod(l.substr(8)) / 1024;
    if (l.rfind("RssFile:", 0) == 0) r.file = std::stod(l.substr(8)) / 1024;
  }
  return r;
}
// CPU seconds of this process, all its threads: what is left of a timing on a busy machine
double cpu() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}
double io_read_bytes() {
  std::ifstream f("/proc/self/io");
  std::string k;
  double v = 0, x;
  while (f >> k >> x)
    if (k == "read_bytes:") v = x;
  return v;
}
bool drop_caches() {
  sync();
  int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
  if (fd < 0) return false;
  bool ok = write(fd, "3", 1) == 1;
  close(fd);
  return ok;
}

json host_info() {
  json h;
  utsname u;
  uname(&u);
  h["kernel"] = u.release;
  h["cores"] = sysconf(_SC_NPROCESSORS_ONLN);
  h["mem_gib"] = double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGESIZE)) / 1073741824.0;
  std::ifstream f("/proc/cpuinfo");
  std::string l;
  while (std::getline(f, l))
    if (l.rfind("model name", 0) == 0) {
      h["cpu"] = l.substr(l.find(':') + 2);
      break;
    }
  std::ifstream g("/proc/loadavg");
  std::getline(g, l);
  h["loadavg_at_start"] = l;
  h["march"] = PEERS_MARCH;
  h["compiler"] = __VERSION__;
  time_t t = time(nullptr);
  char b[32];
  strftime(b, sizeof b, "%FT%TZ", gmtime(&t));
  h["date"] = b;
  return h;
}

}  // namespace peers
