"""The picture of docs/performance.md: ratios to the yardsticks, and what size costs."""

import math
from html import escape

WIDTH = 860
LEFT = 290
RIGHT = 160
LINE = 22
STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600; font-size: 15px }
    .small { font-size: 11.5px; fill: #57606a }
    .grid { stroke: #d0d7de } .one { stroke: #57606a; stroke-width: 1.5 } .goal { stroke: #bf3989; stroke-width: 2.5 }
    .a { fill: #0969da; stroke: #0969da } .b { fill: #1a7f37; stroke: #1a7f37 } .c { fill: #bc4c00; stroke: #bc4c00 }
    .d { fill: #8250df; stroke: #8250df }
    path { stroke-width: 2.5 } path.a, path.b, path.c, path.d { fill: none }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3 } .small { fill: #9da7b1 } .grid { stroke: #3d444d } .one { stroke: #9da7b1 }
        .goal { stroke: #f778ba }
        .a { fill: #58a6ff; stroke: #58a6ff } .b { fill: #3fb950; stroke: #3fb950 }
        .c { fill: #f0883e; stroke: #f0883e } .d { fill: #a371f7; stroke: #a371f7 }
    }
"""
COLOURS = {"floor": "a", "FastAPI": "b", "plain DRF": "c", "bare nginx": "d"}


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


class Log:
    """Where a value stands on an axis from `start` to `end`, of a whole number of decades or halves of one."""

    def __init__(self, values, start, end, step=1.0):
        logs = [math.log10(value) for value in values]
        self.low = math.floor(min(logs) / step) * step
        self.high = max(math.ceil(max(logs) / step) * step, self.low + step)
        self.start, self.end = start, end

    def __call__(self, value):
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, parts=(1,)):
        for decade in range(math.floor(self.low), math.ceil(self.high) + 1):
            for part in parts:
                value = part * 10.0**decade
                if self.low - 1e-9 <= math.log10(value) <= self.high + 1e-9:
                    yield value


def ratios(rows, top):
    """thinkRing's requests a second by those of each yardstick; a line stands where the goal is."""
    lines = []
    for row in rows:
        ours = row["contenders"][row["of"]]["rate"][0]
        for name, figures in row["contenders"].items():
            if name != row["of"]:
                wanted = [goal["goal"] for goal in row["goals"] if f"× {name}" in goal["goal"]]
                goal = float(wanted[0].split()[1]) if wanted else None
                lines.append((row["name"], name, ours / figures["rate"][0], goal))
    scale = Log([value for *_, ratio, goal in lines for value in (ratio, goal or ratio, 1)], LEFT, WIDTH - RIGHT, 0.5)
    bottom = top + 34 + LINE * len(lines)
    parts = [text(16, top, "Requests a second: thinkRing by each yardstick (pink: the goal)", "title")]
    for tick in scale.ticks((1, 2, 5)):
        parts.append(line(scale(tick), top + 18, scale(tick), bottom, "one" if tick == 1 else "grid"))
        parts.append(text(scale(tick), bottom + 16, f"{tick:g} ×", "small", "middle"))
    shown = None
    for place, (row, name, ratio, goal) in enumerate(lines):
        y = top + 36 + LINE * place
        if row != shown:
            parts.append(text(16, y + 4, row))
            shown = row
        one, end = scale(1), scale(ratio)
        parts.append(
            f'<rect x="{min(one, end):.1f}" y="{y - 6:.1f}" width="{max(abs(end - one), 1):.1f}" height="12" '
            f'rx="2" class="{COLOURS[name]}"/>'
        )
        if goal:
            parts.append(line(scale(goal), y - 9, scale(goal), y + 9, "goal"))
        parts.append(text(WIDTH - 16, y + 4, f"{ratio:.2f} × {name}", "small", "end"))
    return parts, bottom + 34


def growth(sizes, top):
    """Milliseconds a request, by the number of projects or nodes; both axes logarithmic."""
    height, left, right = 260, 70, WIDTH - 250
    points = [{int(number): figures[0] for number, figures in size["points"].items()} for size in sizes]
    across = Log([number for one in points for number in one], left, right)
    up = Log([value for one in points for value in one.values()], top + 24 + height, top + 24)
    parts = [text(16, top, "Milliseconds a request, by the number of projects or nodes", "title")]
    for tick in across.ticks():
        parts.append(line(across(tick), up.end, across(tick), up.start, "grid"))
        parts.append(text(across(tick), up.start + 18, f"{tick:,.0f}", "small", "middle"))
    for tick in up.ticks():
        parts.append(line(left, up(tick), right, up(tick), "grid"))
        parts.append(text(left - 8, up(tick) + 4, f"{tick:g}", "small", "end"))
    ends = []
    for size, values, colour in zip(sizes, points, "abcd", strict=True):
        places = [(across(number), up(value)) for number, value in sorted(values.items())]
        path = " L ".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path d="M {path}" class="{colour}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{colour}"/>' for x, y in places]
        ends.append((places[-1][1], size["name"], colour))
    # In the order of their ends, no label on another.
    y = 0.0
    for end, name, colour in sorted(ends):
        y = max(end, y + 18)
        parts.append(f'<circle cx="{right + 16}" cy="{y:.1f}" r="4" class="{colour}"/>')
        parts.append(text(right + 26, y + 4, name))
    return parts, up.start + 40


def picture(report):
    first, middle = ratios(report["rows"], 28)
    second, bottom = growth(report["sizes"], middle + 16)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom:.0f}" width="{WIDTH}" role="img">',
            f"<style>{STYLE}</style>",
            *first,
            *second,
            "</svg>\n",
        ]
    )
