#!/usr/bin/env python3
"""Draws a result of the comparison: how many times better caveat is, on a log axis, as an SVG that
needs nothing else and follows the reader's light or dark.

    bench-picture.py RESULT.json PICTURE.svg
"""
import math
import sys
from xml.sax.saxutils import escape

from bench_rows import human, load, times, title

LEFT, RIGHT, WIDTH = 250, 150, 900  # room for labels, for figures, and in all
TOP, ROW, BAR = 96, 34, 11

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .small { font-size: 11.5px; fill: #59636e; }
  .paper { fill: #ffffff; }
  .grid { stroke: #d1d9e0; }
  .one { stroke: #59636e; stroke-width: 1.5; }
  .rocksdb { fill: #9a6700; }
  .best { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .paper { fill: #0d1117; }
    .grid { stroke: #3d444d; }
    .one { stroke: #9198a1; }
    .rocksdb { fill: #d29922; }
    .best { fill: #4493f8; }
  }
"""


def ticks(low, high):
    """1, 2, 5, 10, ... and their fractions; whole decades alone where that is plenty."""
    steps = (1,) if high - low > 2.5 else (1, 2, 5)
    for decade in range(math.floor(low), math.ceil(high) + 1):
        for step in steps:
            at = decade + math.log10(step)
            if low - 1e-9 <= at <= high + 1e-9:
                yield at


def draw(result, rows):
    factors = [f for row in rows for f in (row.factor(row.rocksdb), row.factor(row.best)) if f]
    low = math.floor(min([math.log10(f) for f in factors] + [-0.31]) * 3) / 3
    # Room for the figure at the end of the longest bar.
    high = math.ceil((max([math.log10(f) for f in factors] + [0.31]) + (0.1 - low) / 10) * 3) / 3
    scale = (WIDTH - LEFT - RIGHT) / (high - low)
    height = TOP + ROW * len(rows) + 50
    bottom = TOP + ROW * len(rows)
    out = []

    def x(log):
        return LEFT + (log - low) * scale

    def text(at_x, at_y, words, kind="", anchor="start"):
        out.append('<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>' % (
            at_x, at_y, kind, anchor, escape(words)))

    def bar(at_y, factor, kind):
        if not factor:
            return
        end = x(math.log10(factor))
        out.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="2" class="%s"/>' % (
            min(end, x(0)), at_y, max(1.5, abs(end - x(0))), BAR, kind))
        # The factor at the bar's end; inside of the plot where it would run out of it.
        text(max(end, x(0)) + 5, at_y + BAR - 1.5, times(factor), "small")

    text(16, 28, "caveat beside the stores a user would otherwise pick", "title")
    text(16, 48, "%s. Bars to the right of 1x: caveat is that many times better; log axis." %
         title(result), "small")
    for at_x, kind, words in ((16, "rocksdb", "against RocksDB used directly, five column families"),
                              (360, "best", "against the best peer in the row, named at the right")):
        out.append('<rect x="%d" y="60" width="12" height="12" rx="2" class="%s"/>' % (at_x, kind))
        text(at_x + 18, 70.5, words, "small")
    for at in ticks(low, high):
        out.append('<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" class="%s"/>' % (
            x(at), x(at), TOP - 8, bottom, "one" if abs(at) < 1e-9 else "grid"))
        text(x(at), bottom + 16, "%gx" % float("%.3g" % 10**at), "small", "middle")
    for i, row in enumerate(rows):
        y = TOP + i * ROW
        text(LEFT - 12, y + 10, row.label, "", "end")
        text(LEFT - 12, y + 24, "%s %s" % (human(row.caveat), row.unit), "small", "end")
        bar(y, row.factor(row.rocksdb), "rocksdb")
        bar(y + BAR + 2, row.factor(row.best), "best")
        if row.best_name:
            text(WIDTH - 12, y + 17, "%s %s" % (row.best_name, human(row.best)), "small", "end")
    text(16, height - 10, "Measured with tools/bench, %s, %s, %s cores; every answer checked: %s." % (
        result["host"]["date"][:10], result["host"].get("cpu", "unknown CPU"),
        result["host"]["cores"], "passed" if result.get("cross_check") else "FAILED"), "small")
    body = "\n".join(out)
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
            'role="img" aria-label="How many times better caveat is than other stores">\n'
            '<style>%s</style>\n<rect width="100%%" height="100%%" class="paper"/>\n%s\n</svg>\n'
            % (WIDTH, height, WIDTH, height, STYLE, body))


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    result, rows = load(arguments[0])
    with open(arguments[1], "w", encoding="utf-8") as picture:
        picture.write(draw(result, rows))


if __name__ == "__main__":
    main(sys.argv[1:])
