"""The module as its readers see it: types, classes of errors, and structs as the header has them."""
import inspect
import os
import shutil
import subprocess
import tempfile
import unittest
from xml.etree import ElementTree

import caveat
from caveat import _native


class Hints(unittest.TestCase):
    def test_all_that_is_public_says_its_types(self):
        bare = []
        for owner in [caveat] + [kind for kind in vars(caveat).values() if isinstance(kind, type)]:
            for name, member in vars(owner).items():
                member = getattr(member, "fget", member)
                if name.startswith("_") and name != "__iter__" or not inspect.isfunction(member):
                    continue
                hints = set(member.__annotations__)
                wanted = set(inspect.signature(member).parameters) - {"self"} | {"return"}
                if member.__module__.startswith("caveat") and not wanted <= hints:
                    bare.append("%s.%s: %s" % (owner.__name__, name, sorted(wanted - hints)))
        self.assertEqual(bare, [])
        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(caveat.__file__), "py.typed")))

    @unittest.skipUnless(shutil.which("mypy"), "there is no mypy")
    def test_they_are_right(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        program = os.path.join(folder, "host.py")
        sound = ("import caveat\nstore = caveat.open('x')\nfor record in store.query(limit=1):\n"
                 "    print(record.source.name, record.property_hash + 1)\n"
                 "try:\n    store.close()\nexcept caveat.Busy as busy:\n    print(busy.code)\n")
        for text, expected in ((sound, 0), (sound + "store.query(node='one')\n", 1)):
            with open(program, "w") as file:
                file.write(text)
            done = subprocess.run(["mypy", "--strict", "--cache-dir=" + folder, program], text=True,
                                  env=dict(os.environ, MYPYPATH=os.path.dirname(os.path.dirname(caveat.__file__))),
                                  capture_output=True)
            self.assertEqual(done.returncode, expected, done.stdout + done.stderr)

    def test_the_classes_of_errors_are_the_codes_of_the_library(self):
        name_of = _native.shared_object.caveat_code_name
        names = {code: name_of(code).decode() for code in list(range(1, 64)) + [255]}
        self.assertEqual({code: "".join(word.capitalize() for word in name.split("_"))
                          for code, name in names.items() if name != "unknown"},
                         {kind.code: kind.__name__ for kind in caveat.Error.__subclasses__()})


class Layout(unittest.TestCase):
    """The structs that ctypes makes are those of the header, as the golden file has them."""

    def test_structs_are_as_large_and_their_fields_where_the_library_has_them(self):
        golden = ElementTree.parse(os.environ["CAVEAT_LAYOUT"])
        names = {"caveat_string": "String", "caveat_value": "Value", "caveat_key": "Key",
                 "caveat_record": "Record", "caveat_codec": "Codec", "caveat_options": "Options",
                 "caveat_query": "Query", "caveat_optimization": "Optimization",
                 "caveat_compaction": "Compaction", "caveat_log_event": "LogEvent",
                 "caveat_log_field": "LogField", "caveat_backup": "Backup",
                 "caveat_key_provider": "KeyProvider", "caveat_key_use": "KeyUse"}
        for c_name, name in names.items():
            struct = getattr(_native, name)
            found = golden.find(".//class-decl[@name='%s'][@size-in-bits]" % c_name)
            members = {member.find("var-decl").get("name"): int(member.get("layout-offset-in-bits"))
                       for member in found.findall("data-member")}
            offsets = {field[0].rstrip("_"): getattr(struct, field[0]).offset * 8 for field in struct._fields_}
            self.assertEqual(offsets, members, c_name)
            self.assertEqual(int(found.get("size-in-bits")), _native.ctypes.sizeof(struct) * 8, c_name)


if __name__ == "__main__":
    unittest.main()
