"""F1 by epoch as an SVG: one panel a data set, one line a loss, a legend in the last place."""
import math
from html import escape

# The softmax family in black and greens, binary_ce in blues, focal in reds.
STYLES = {
    "multilabel_ce": ("#000000", ""),
    "threshold_ce": ("#1b9e4b", ""),
    "topk_ce": ("#1b9e4b", "2 3"),
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
    width = 2.6 if loss == "multilabel_ce" else 1.8
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"'
            f' stroke-linejoin="round"{dashed}/>')


def ticks(top):
    """Round values from 0 to just over top, four to six of them."""
    step = next(s for s in (0.02, 0.05, 0.1, 0.2) if top / s <= 5.5)
    return [i * step for i in range(math.ceil(top / step - 1e-9) + 1)]


class Panel:
    def __init__(self, rows):
        self.epochs = max(len(row["curve"]) for row in rows)
        self.values = ticks(max(0.05, max(mean for row in rows for mean, _ in row["curve"])))

    def x(self, epoch):
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / max(1, self.epochs - 1)

    def y(self, f1):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * f1 / self.values[-1]

    def axes(self):
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for value in self.values:
            colour = "#555" if value == 0 else "#ddd"
            yield (f'<line x1="{LEFT}" x2="{right}" y1="{self.y(value):.1f}" y2="{self.y(value):.1f}"'
                   f' stroke="{colour}"/>')
            yield text(LEFT - 6, self.y(value) + 4, f"{value:.2f}".removesuffix("0"), "end", 11)
        step = math.ceil(self.epochs / 8)
        shown = [e for e in range(1, self.epochs + 1) if e == 1 or e % max(step, 1) == 0]
        for epoch in shown:
            yield text(self.x(epoch), bottom + 16, str(epoch), "middle", 11)
        yield text((LEFT + right) / 2, bottom + 34, "epoch", "middle", 11)

    def draw(self, title, rows):
        yield text(LEFT, 20, title, size=14, more=' font-weight="bold"')
        yield from self.axes()
        for row in sorted(rows, key=lambda row: row["loss"] == "multilabel_ce"):  # it on top
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
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
             f' height="{height}" font-family="Helvetica, Arial, sans-serif" fill="#222">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for n, block in enumerate(blocks):
        lines.append(f'<g transform="translate({WIDTH * (n % columns)} {HEIGHT * (n // columns)})">')
        lines.extend(block)
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""])
