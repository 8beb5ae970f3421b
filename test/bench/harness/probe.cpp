#include "test/bench/harness/probe.h"

#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "test/bench/harness/numbers.h"

namespace fs = std::filesystem;

namespace peers {

void write_keys(const std::string& path, const std::vector<Key>& ks) {
  std::ofstream f(path, std::ios::binary);
  for (auto& k : ks) {
    uint32_t n = uint32_t(k.prop_name.size());
    f.write((const char*)&k.node, 8)
        .write((const char*)&k.prop, 8)
        .write((const char*)&n, 4)
        .write(k.prop_name.data(), n);
  }
}

int probe_main(const Command& command) {
  const Config& c = command.config;
  const std::string& dir = c.dir;
  std::deque<std::string> names;
  std::vector<Key> ks;
  {
    std::ifstream f(command.probe_keys, std::ios::binary);
    Key k;
    uint32_t n;
    while (f.read((char*)&k.node, 8) && f.read((char*)&k.prop, 8) && f.read((char*)&n, 4)) {
      names.emplace_back(n, '\0');
      f.read(names.back().data(), n);
      k.prop_name = names.back();
      ks.push_back(k);
    }
  }
  auto p = find_peer(c.peers.at(0)).make();
  std::vector<float> lat;
  lat.reserve(ks.size());
  Rss r0 = rss();
  double io0 = io_read_bytes(), t0 = now();
  p->open(dir, c.opt);
  double t1 = now(), io1 = io_read_bytes();
  Sink s;
  for (auto& k : ks) {
    double a = now();
    p->get(k, s);
    double b = now();
    lat.push_back(float(b - a));
    if (b - t1 > command.probe_budget) break;  // a peer that is too slow for this many
  }
  const size_t done = lat.size();
  double io2 = io_read_bytes();
  Rss r1 = rss();
  p->close();
  json j{{"open_ms", (t1 - t0) * 1e3},
         {"open_read_kib", (io1 - io0) / 1024},
         {"done", done},
         {"count", s.count},
         {"sum", hex(s.sum)},
         {"p50_us", percentile(lat, .5) * 1e6},
         {"p99_us", percentile(lat, .99) * 1e6},
         {"read_kib_per_get", (io2 - io1) / 1024 / double(std::max<size_t>(1, done))},
         {"anon_mib", r1.anon - r0.anon},
         {"file_mib", r1.file - r0.file}};
  std::cout << j.dump() << std::endl;
  return 0;
}

json spawn_probe(const std::string& peer, const std::string& dir, const std::string& keys,
                 const Config& c) {
  static const std::string exe = fs::read_symlink("/proc/self/exe");
  int fd[2];
  if (pipe(fd)) throw std::runtime_error("pipe");
  std::vector<std::string> args{exe,
                                "--probe",
                                "--peers",
                                peer,
                                "--dir",
                                dir,
                                "--probe-keys",
                                keys,
                                "--probe-budget",
                                std::to_string(c.quick ? 0.5 : 20.0)};
  for (auto& [k, v] : c.opt.kv) args.insert(args.end(), {"--opt", k + "=" + v});
  std::vector<char*> av;
  for (auto& a : args) av.push_back(a.data());
  av.push_back(nullptr);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(fd[1], 1);
    close(fd[0]), close(fd[1]);
    execv(exe.c_str(), av.data());
    _exit(127);
  }
  close(fd[1]);
  std::string out;
  char buf[4096];
  ssize_t n;
  while ((n = read(fd[0], buf, sizeof buf)) > 0) out.append(buf, size_t(n));
  close(fd[0]);
  int st;
  waitpid(pid, &st, 0);
  if (st != 0) throw std::runtime_error("probe failed: " + out);
  return json::parse(out);
}

}  // namespace peers
