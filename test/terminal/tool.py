"""Runs the tool, with pipes or on a pseudo-terminal. Each test is started as: TEST.py TOOL TOP"""
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

TOOL, TOP = sys.argv[1], sys.argv[2]
SOURCES = ("Explicit", "Detected", "Promoted", "Conflict", "Imported")


def run(*arguments, stdin="", environment=None):
    """-> CompletedProcess, with text in which line ends are as they were written."""
    done = subprocess.run([TOOL, *arguments], input=stdin.encode(), capture_output=True, timeout=250,
                          env={**os.environ, **(environment or {})}, check=False)
    done.stdout = done.stdout.decode()
    done.stderr = done.stderr.decode()
    return done


def records(count, offset=0):
    """Lines of JSON like those of real data, the same each time."""
    lines = []
    for i in range(offset, offset + count):
        lines.append(json.dumps({
            "node": 1 + i // 7, "property": "group%d/item%d" % (i % 7, i // 7 % 5),
            "inherited": "value %d" % (i % 11), "actual": True if i % 3 == 0 else [i, "é%d" % i, 0.5],
            "reason": "node %d, \"overrides\" its parent\r\nand more" % (i // 7),
            "source": SOURCES[i % 5], "created_at": "2022-%02d-%02dT%02d:00:00Z"
            % (1 + i % 12, 1 + i % 28, i % 24), "confidence": (i % 100) / 128},
            ensure_ascii=False))
    return "\n".join(lines) + "\n"


class Terminal:
    """A command whose controlling terminal is ours. Its standard output may go elsewhere."""

    def __init__(self, command, environment=None, columns=100, stdout=None, rows=24):
        self.screen = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            if stdout is not None:
                os.dup2(stdout, 1)
            os.environ.pop("NO_COLOR", None)
            os.environ.update({"TERM": "xterm", **(environment or {})})
            os.execvp(command[0], command)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self):
        """Of the line: the flags of termios."""
        return termios.tcgetattr(self.master)[:4]

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, seconds=0.0):
        """What is there, waiting at most so long for some."""
        if select.select([self.master], [], [], seconds)[0]:
            try:
                got = os.read(self.master, 65536)
            except OSError:  # the other side is closed
                return False
            self.screen += got
            return bool(got)
        return True

    def wait_for(self, text, seconds=60.0):
        end = time.monotonic() + seconds
        while text.encode() not in self.screen:
            if time.monotonic() > end or not self.read(0.1):
                return False
        return True

    def finish(self, seconds=120.0):
        """-> the exit code; 128 and the number after a signal."""
        end = time.monotonic() + seconds
        while self.read(0.1):
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                break
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.master)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def text(self):
        return self.screen.decode(errors="replace").replace("\r\n", "\n")


class WithStore(unittest.TestCase):
    """A store of some records, in a folder of its own."""
    count = 500

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="caveat-terminal-")
        cls.store = os.path.join(cls.folder, "store")
        done = run("import", cls.store, "-", stdin=records(cls.count))
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)


def main():
    unittest.main(argv=sys.argv[:1], verbosity=1)
