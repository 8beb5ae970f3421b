#!/usr/bin/env python3
"""Shows a report in a real browser, light and dark, narrow and wide: no message on its console.

check_report.py CAVEAT [FOLDER]   FOLDER keeps report.html, phone.png, desktop.png and dark.png.
Ends with 77 where no Chromium is installed.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

WINDOWS = {"phone": (360, 2400, []), "tablet": (500, 1600, []), "desktop": (1280, 1600, []),
           "book": (768, 1600, []), "laptop": (900, 1600, []),
           "dark": (1280, 1600, ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]),
           "dark-phone": (360, 2400, ["--force-dark-mode",
                                      "--blink-settings=preferredColorScheme=0"]),
           "dark-book": (768, 1600, ["--force-dark-mode",
                                     "--blink-settings=preferredColorScheme=0"])}
# Up to where names have a line of their own. 720 to 900 once scrolled sideways, and broke names into
# four lines.
STACKED = 960

# Chromium's own windows are 500 pixels wide at least; a frame in one is as narrow as it is told. The
# script looks for what sticks out of the page, but for what scrolls in a box of its own.
FRAME = """<!DOCTYPE html><style>body { margin: 0 } iframe { border: 0; display: block }</style>
<iframe src="%s" width="%d" height="%d"></iframe><script>
onload = () => {
  const page = document.querySelector("iframe").contentDocument, width = %d, out = [];
  if (page.documentElement.scrollWidth > width) out.push("the page scrolls sideways");
  for (const e of page.querySelectorAll("body *")) {
    if (e.closest(".wide") && !e.matches(".wide")) continue;
    const box = e.getBoundingClientRect();
    if (box.right > width + 0.5 || box.left < -0.5) out.push(e.outerHTML.slice(0, 80));
    if (e.matches(".caption, figcaption, p, h1, h2") && e.scrollWidth > e.clientWidth + 1) {
      out.push("cut: " + e.textContent.slice(0, 80));
    }
  }
  // Long names have a line of their own where there is little room, and look different everywhere.
  const names = [...page.querySelectorAll("tbody th summary")];
  if (names.length < 20) out.push("the long names are gone");
  if (new Set(names.map(e => e.textContent)).size < names.length) out.push("names look alike");
  for (const e of names) {
    if (!e.title || e.title.length < e.textContent.length) out.push("no whole name: " + e.textContent);
  }
  for (const e of page.querySelectorAll("thead th")) {
    if (e.scrollWidth > e.clientWidth + 1) out.push("heading cut: " + e.textContent);
  }
  if (width < %d) {
    for (const e of page.querySelectorAll(".tall tbody th")) {
      if (e.clientWidth < e.closest("table").clientWidth * 0.9) out.push("narrow: " + e.textContent.slice(0, 80));
    }
  }
  for (const e of page.querySelectorAll(".wide")) {
    if (e.scrollWidth > e.clientWidth + 1) out.push("table cut: " + e.textContent.slice(0, 80));
  }
  document.body.append(Object.assign(document.createElement("pre"), {
    id: "found", textContent: out.length + " stick out\\n" + out.slice(0, 10).join("\\n") }));
};
</script>"""


def records():
    for node in range(1, 2001):
        for k in range(3):
            long = "/a/name/of/three/thousand/characters" * 84 if node % 40 == 0 and k == 0 else ""
            yield json.dumps({
                "node": node, "property": "/ldml/dates/calendars/calendar[@type='gregorian']/months/"
                f"monthContext[@type='format']/property_{(node * 7 + k) % 40}/{k}{long}",
                "inherited": k, "actual": f"value {node % 13}", "reason": f"because of {node}",
                "source": ["Explicit", "Detected", "Promoted"][k],
                "created_at": f"20{10 + node % 12:02}-0{1 + node % 9}-01T00:00:00Z",
                "confidence": round((node % 100) / 99, 3)}, separators=(",", ":"))


def show(browser, page, arguments, profile):
    """Text of the page as the browser has it, and what it said meanwhile."""
    run = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={profile}", *arguments, page.as_uri()],
        capture_output=True, text=True, timeout=120, check=False)
    said = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    return run.stdout, said


def main():
    tool = sys.argv[1]
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("skipped: no Chromium is installed (tools/setup browser)")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else scratch).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        store = pathlib.Path(scratch) / "store"
        page = folder / "report.html"
        if not page.exists():
            subprocess.run([tool, "import", store, "-"], input="\n".join(records()) + "\n",
                           text=True, check=True, stdout=subprocess.DEVNULL)
            subprocess.run([tool, "report", store, "-o", page], check=True)
        # The planted fault: a page with a script, which its own policy forbids, is told of.
        planted = pathlib.Path(scratch) / "planted.html"
        planted.write_text(page.read_text().replace("</body>", "<script>alert(1)</script></body>"))
        _, said = show(browser, planted, ["--dump-dom"], scratch)
        if not said:
            print("the planted fault was not noticed: the console is not seen")
            return 1
        dom, said = show(browser, page, ["--dump-dom"], scratch)
        if said or "What optimize would gain" not in dom:
            print("on the console:", *said, sep="\n")
            return 1
        frame = pathlib.Path(scratch) / "frame.html"
        for width in (360, 500, 720, 768, 900, 961, 1280):
            planted_styles = ["", "<style>h1 { width: 2000px }</style>"]
            if width > 700:
                planted_styles.append("<style>.tall table { min-width: 80rem }</style>")
            if width in (360, 768):
                planted_styles.append("<style>.tall tbody th { grid-column: 1 !important }</style>")
            for planted_style in planted_styles:
                seen = pathlib.Path(scratch) / "seen.html"
                seen.write_text(page.read_text().replace("</body>", planted_style + "</body>"))
                frame.write_text(FRAME % (seen.as_uri(), width, 3000, width, STACKED))
                dom, _ = show(browser, frame, ["--dump-dom", "--allow-file-access-from-files",
                                               "--virtual-time-budget=5000"], scratch)
                found = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
                if found is None or found[1].startswith("0 ") == bool(planted_style):
                    print(f"at {width} pixels:", found and found[1],
                          "(planted)" if planted_style else "")
                    return 1
            print(f"at {width} pixels nothing sticks out")
        for name, (width, height, more) in WINDOWS.items():
            shot = folder / f"{name}.png"
            target = page
            if width < 500:
                frame.write_text(FRAME % (page.as_uri(), width, height, width, STACKED))
                target = frame
            _, said = show(browser, target, ["--allow-file-access-from-files", f"--screenshot={shot}", "--hide-scrollbars",
                                           f"--window-size={width},{height}", *more], scratch)
            if said or not shot.exists() or shot.stat().st_size < 10_000:
                print(f"{name}: no picture", *said, sep="\n")
                return 1
            print(f"{name}: {width} x {height}, {shot.stat().st_size} bytes, console empty")
        size = len(page.read_bytes())
        links = re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page.read_text())
        print(f"report.html: {size} bytes, {len(links)} references to other files")
        return 1 if links or size > 2_000_000 else 0


sys.exit(main())
