"""tools/mutate.known: the survivors that were looked at, each with its reason."""
import fnmatch
import pathlib

FILE = pathlib.Path(__file__).resolve().parent.parent / "mutate.known"


class Known:
    def __init__(self, text):
        self.reasons = {}  # by "file: line as it became"; the line may have * in it
        self.used = set()
        reason = ""
        for line in text.splitlines():
            if line.startswith("["):
                reason = line.strip("[]")
            elif line and not line.startswith("#"):
                self.reasons[line] = reason

    def reason(self, change):
        for entry, reason in self.reasons.items():
            # Brackets are no pattern here: code is full of them.
            if fnmatch.fnmatchcase(change.name(), entry.replace("[", "[[]")):
                self.used.add(entry)
                return reason
        return None

    def unused(self):
        return [entry for entry in self.reasons if entry not in self.used]
