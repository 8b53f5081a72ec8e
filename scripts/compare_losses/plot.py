"""F1 by epoch as an SVG: one panel a data set, one line a loss, a legend in the last place."""
import math
from html import escape

# The softmax family in black and greens, binary_ce in blues, focal in reds.
STYLES = {
    "multilabel_ce": ("#000000", ""),
    "threshold_ce": ("#3ddc78", "3 3"),
    "topk_ce": ("#1b9e4b", ""),
    "binary_ce, weight 1": ("#08459e", ""),
    "binary_ce, weight 10": ("#2f8fe0", ""),
    "binary_ce, weight 100": ("#7fc4f5", ""),
    "binary_ce, weight n/k": ("#2f8fe0", "6 3"),
    "focal (0.25, 2)": ("#d1341f", ""),
    "focal, best of grid": ("#f0852d", "6 3"),
}
COLUMNS = 3
WIDTH, HEIGHT = 300, 250  # of a panel, with its margins
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 34, 42


def text(x, y, words, anchor="start", size=12, more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{more}>'
            f"{escape(words)}</text>")


def line(points, loss):
    colour, dashes = STYLES[loss]
    width = 3.2 if loss == "multilabel_ce" else 1.6
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"'
            f' stroke-linejoin="round"{dashed}/>')


def ticks(least, most):
    """Round values around both, two to seven of them."""
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if (most - least) / s <= 5.5)
    first = math.floor(least / step + 1e-9)
    last = max(first + 1, math.ceil(most / step - 1e-9))
    return [i * step for i in range(first, last + 1)]


class Panel:
    def __init__(self, rows):
        self.epochs = max(len(row["curve"]) for row in rows)
        f1 = [mean for row in rows for mean, _ in row["curve"]]
        self.values = ticks(min(f1), max(f1))

    def x(self, epoch):
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / max(1, self.epochs - 1)

    def y(self, f1):
        least, most = self.values[0], self.values[-1]
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (f1 - least) / (most - least)

    def axes(self):
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for value in self.values:
            colour = "#555" if value == self.values[0] else "#ddd"
            y = self.y(value)
            yield f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{colour}"/>'
            yield text(LEFT - 6, y + 4, f"{value:.2f}".removesuffix("0"), "end", 11)
        step = math.ceil(self.epochs / 8)
        for epoch in sorted({1, *range(step, self.epochs + 1, step)}):
            yield text(self.x(epoch), bottom + 16, str(epoch), "middle", 11)
        yield text((LEFT + right) / 2, bottom + 34, "epoch", "middle", 11)

    def draw(self, title, rows):
        yield text(LEFT, 20, title, size=14, more=' font-weight="bold"')
        yield from self.axes()
        for row in sorted(rows, key=lambda row: row["loss"] != "multilabel_ce"):  # it below
            points = [(self.x(n), self.y(mean)) for n, (mean, _) in enumerate(row["curve"], 1)]
            yield line(points, row["loss"])


def legend(losses):
    yield text(LEFT, 20, "dev micro F1, mean of the seeds,", size=12)
    yield text(LEFT, 36, "each loss with its own learning rate", size=12)
    for n, loss in enumerate(losses):
        y = 62 + 20 * n
        yield line([(LEFT, y - 4), (LEFT + 34, y - 4)], loss)
        yield text(LEFT + 44, y, loss)


def draw(panels):
    """panels: (title, rows of the table)"""
    used = {row["loss"] for _, rows in panels for row in rows}
    blocks = [Panel(rows).draw(title, rows) for title, rows in panels]
    blocks.append(legend([loss for loss in STYLES if loss in used]))
    columns = min(COLUMNS, len(blocks))
    width, height = WIDTH * columns, HEIGHT * math.ceil(len(blocks) / columns)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
             f' width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif"'
             ' fill="#222">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for n, block in enumerate(blocks):
        row, column = divmod(n, columns)
        lines += [f'<g transform="translate({WIDTH * column} {HEIGHT * row})">', *block, "</g>"]
    return "\n".join([*lines, "</svg>", ""])
