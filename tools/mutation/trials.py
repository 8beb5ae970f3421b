"""Runs the cases that could notice a change, and says which did."""
import collections
import concurrent.futures
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile

from build import BUILD, WORK

MEMORY_MAX = 6 << 30
FILE_MAX = 1 << 30
SHORT = 0.02  # seconds; what is shorter runs together, and first
TOGETHER = 1.0


class Order:
    """The short cases first; of the others, those that noticed most in their time so far."""

    def __init__(self):
        self.noticed = collections.Counter()
        self.seconds = collections.Counter()

    def told(self, some, seconds, noticed):
        if len(some) == 1:
            self.seconds[some[0]] += seconds
            self.noticed[some[0]] += noticed

    def worth(self, case):
        return (self.noticed[case] + 1) / (self.seconds[case] + case.seconds)

    def batches(self, cases):
        """(suite, cases of it, their seconds)"""
        by_suite = collections.defaultdict(list)
        for case in cases:
            if case.seconds < SHORT:
                by_suite[case.suite].append(case)
        for suite, short in sorted(by_suite.items()):
            some, seconds = [], 0.0
            for case in short:
                if some and seconds + case.seconds > TOGETHER:
                    yield suite, some, seconds
                    some, seconds = [], 0.0
                some.append(case)
                seconds += case.seconds
            yield suite, some, seconds
        for case in sorted((c for c in cases if c.seconds >= SHORT), key=self.worth, reverse=True):
            yield case.suite, [case], case.seconds


def is_waiting(session):
    """Does nothing of that session want the processor? Where others keep it busy, or measure and hold this
    program, nothing is said by how long it takes."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if stat.read_text().rsplit(")", 1)[1].split()[3] != str(session):
                continue
            states = [one.read_text().rsplit(")", 1)[1].split()[0] for one in stat.parent.glob("task/*/stat")]
        except OSError:  # it is gone
            continue
        if any(state in "RDTt" for state in states):
            return False
    return True


def ends_well(suite, cases, seconds, number, folder):
    """None if it does not end: the processor's time counts, and the clock only for who waits for ever."""
    limit = max(2, 10 * seconds)
    command = ["prlimit", f"--cpu={int(limit) + 1}", f"--as={MEMORY_MAX}", f"--fsize={FILE_MAX}", "--core=0",
               f"{BUILD}/test/test_{suite}", "--abort", ",".join(case.spec() for case in cases)]
    environment = {**os.environ, "CAVEAT_SEED": "1", "CAVEAT_MUTANT": str(number), "TMPDIR": folder}
    with subprocess.Popen(command, cwd=WORK, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True, env=environment) as child:
        code, waited = None, 0
        while code is None and waited < 20 + 2 * limit:
            try:
                code = child.wait(1)
            except subprocess.TimeoutExpired:
                waited += is_waiting(child.pid)
        # Its own children as well; a case that failed may have left some.
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for left in pathlib.Path(folder).iterdir():
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    return None if code in (None, -signal.SIGXCPU, -signal.SIGKILL) else code == 0


def fate(number, cases, folder, patience, order):
    asked, spent = 0, 0.0
    for suite, some, seconds in order.batches(cases):
        spent += seconds
        if asked and spent > patience:
            break
        asked += len(some)
        well = ends_well(suite, some, seconds, number, folder)
        order.told(some, seconds, not well)
        if not well:
            return f"does not end in {suite}" if well is None else f"noticed by {suite}"
    return f"SURVIVES {asked} of {len(cases)} cases"


def run_all(numbers, cases_of, workers, deadline, patience):
    """(number, fate) as they come, until the deadline."""
    memory = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory, prefix="caveat-mutate-") as top, \
            concurrent.futures.ThreadPoolExecutor(workers) as pool:
        folders = queue.SimpleQueue()
        order = Order()
        for worker in range(workers):
            folder = pathlib.Path(top) / str(worker)
            folder.mkdir()
            folders.put(str(folder))

        def one(number):
            if deadline.passed():
                return number, None
            folder = folders.get()
            try:
                return number, fate(number, cases_of.get(number, []), folder, patience, order)
            finally:
                folders.put(folder)

        try:
            for done in concurrent.futures.as_completed([pool.submit(one, n) for n in numbers]):
                if done.result()[1] is not None:
                    yield done.result()
        except BaseException:
            deadline.end()
            raise
