"""The results as a Markdown table, as a picture, and as they are."""
import json
import math
import os
import pathlib
import platform
import re
import time
from xml.sax.saxutils import escape

HEADER = pathlib.Path(__file__).parents[2] / "include" / "mlce" / "status.h"


def machine(options):
    """What the figures depend on."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", info, re.MULTILINE)
    flags = set((re.search(r"^flags\s*: (.*)$", info, re.MULTILINE) or ["", ""])[1].split())
    vectors = [name for name in ("avx512f", "avx2", "sse2") if name in flags]
    found = {
        "cpu": model[1] if model else platform.machine(),
        "vectors": vectors[0] if vectors else "",
        "cores": os.cpu_count(),
        "threads": options.threads,
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "mlce": re.search(r'MLCE_VERSION "(.*)"', HEADER.read_text())[1],
        "date": time.strftime("%Y-%m-%d"),
        "load_before": os.getloadavg()[0],
    }
    if options.torch:
        import importlib.metadata
        found["torch"] = importlib.metadata.version("torch")
    return found


def table(head, rows):
    """Markdown; the first column to the left."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def ratio(value):
    return f"{value:.1f}" if value < 20 else f"{value:.0f}"


def speed(run):
    """Tokens a second to three figures."""
    digits = 2 - math.floor(math.log10(run["tokens_per_second"]))
    return f"{round(run['tokens_per_second'], digits):,.0f}"


def sizes(case):
    own = ", q and k per type" if case[0] == "global_pointer" else ""
    return " ".join(map(str, case[1:])) + own


def ratios(of_step):
    """Of mlce to each way of PyTorch."""
    ours = of_step["mlce"]["tokens_per_second"]
    return {way: ours / of_step[way]["tokens_per_second"]
            for way in ("eager", "compile") if way in of_step}


def steps_table(steps):
    ways = [way for way in ("eager", "compile") if any(way in s for s in steps.values())]
    head = ["B L D d T", "mlce, tokens/s", "step / floor"]
    for way in ways:
        head += [f"PyTorch {way}", "ratio"]
    head.append("peak MiB: " + ", ".join(["mlce", *ways]))
    rows = []
    for of_step in steps.values():
        row = [sizes(of_step["case"]), speed(of_step["mlce"]),
               f"{of_step['mlce']['over_floor']:.2f}"]
        for way in ways:
            there = way in of_step
            row += [speed(of_step[way]), ratio(ratios(of_step)[way])] if there else ["-", "-"]
        row.append(", ".join(f"{of_step[side]['peak_mib']:,.0f}" if side in of_step else "-"
                             for side in ["mlce", *ways]))
        rows.append(row)
    return table(head, rows)


def parts_table(steps):
    """Where a step's time goes."""
    parts = ("forward", "loss", "backward", "adam", "step", "floor")
    return table(["B L D d T, milliseconds", *parts],
                 [[sizes(s["case"])] + [f"{1e3 * s['mlce'][part]:.2f}" for part in parts]
                  for s in steps.values()])


def best_torch(runs):
    """The name and speed of the fastest way in PyTorch, or None."""
    ways = {name: run["tokens_per_second"] for name, run in runs.items() if name != "mlce"}
    return max(ways.items(), key=lambda way: way[1]) if ways else None


def epochs_table(recipes):
    rows = []
    for recipe, runs in recipes.items():
        row, best = [recipe, speed(runs["mlce"])], best_torch(runs)
        if best:
            row += [f"{speed(runs[best[0]])} ({best[0]})",
                    ratio(runs["mlce"]["tokens_per_second"] / best[1])]
        rows.append(row + [""] * (4 - len(row)))
    return table(["WNUT 2017, epochs in batches of 16", "mlce-train, tokens/s",
                  "PyTorch eager, its best way", "ratio"], rows)


def encoders_table(kinds):
    return table(["16 sequences of 4 to 40 tokens, D 384, size 128", "tokens/s",
                  "step / its products"],
                 [[kind, speed(run), f"{run['floors']:.2f}"] for kind, run in kinds.items()])


def pairs_table(runs):
    return table(["one sequence of L tokens, D 384, d 64, T 6", "ns a pair", "tokens/s",
                  "step / floor", "peak MiB"],
                 [[f"{r['length']:,}", f"{r['nanoseconds']:.2f}", speed(r),
                   f"{r['over_floor']:.2f}", f"{r['peak_mib']:,.0f}"] for r in runs])


def long_table(runs):
    return table(["one document of 16,384 tokens, D 384, d 64, T 6", "tokens/s", "step / floor",
                  "peak MiB"],
                 [[f"spans up to {r['max_width']} tokens" if r["max_width"] else "all spans",
                   speed(r), f"{r['over_floor']:.2f}", f"{r['peak_mib']:,.0f}"] for r in runs])


def neighbour_table(shares):
    names = {"mlce": "mlce", "eager": "PyTorch eager"}
    return table(["beside a process that keeps a core busy", "speed kept"],
                 [[names[name], f"{share:.2f}"] for name, share in shares.items()])


def header(m):
    torch = f", PyTorch {m['torch']}" if "torch" in m else ""
    busy = "" if m["load_before"] < 0.7 else (
        "**Other processes were running: all speeds are too low, and PyTorch's the most, since its\n"
        "threads spin while they wait. Measure again on an idle machine.**")
    return (f"mlce {m['mlce']}{torch}. {m['cpu']}, {m['cores']} cores, {m['vectors']}, "
            f"{m['threads']} threads; {m['system']}; {m['date']}; load "
            f"{m['load_before']:.1f} before, {m['load_after']:.1f} after.\n\n"
            "A step is forward, loss, backward and Adam; B sequences of L tokens with D features,\n"
            "head size d, T types. The floor is the projections' matrix products alone. Medians.\n"
            + (f"\n{busy}\n" if busy else ""))


def markdown(results):
    parts = ["# Speed\n", header(results["machine"])]
    if results["steps"]:
        parts += [steps_table(results["steps"]), parts_table(results["steps"])]
    tables = {"wnut17": epochs_table, "encoders": encoders_table, "pairs": pairs_table, "long": long_table,
              "neighbour": neighbour_table}
    parts += [make(results[name]) for name, make in tables.items() if results.get(name)]
    return "\n".join(parts)


# ---- The picture ----

COLOURS = {"eager": "#9db8d6", "compile": "#2c5f9e", "floor": "#2c5f9e"}
TITLES = {"eager": "PyTorch eager", "compile": "torch.compile"}
LEFT, WIDTH, RIGHT, BAR, GAP, TOP = 240, 520, 80, 16, 12, 74


def bars_of(results):
    """[(label, {side: value})]: ratios to PyTorch, or without it the share of the floor's speed."""
    bars = [(sizes(s["case"]), ratios(s)) for s in results["steps"].values()]
    for recipe, runs in (results.get("wnut17") or {}).items():
        best = best_torch(runs)
        if best:
            bars.append((f"WNUT 2017, {recipe}",
                         {"eager": runs["mlce"]["tokens_per_second"] / best[1]}))
    if any(values for _, values in bars):
        return [bar for bar in bars if bar[1]], True
    return [(sizes(s["case"]), {"floor": 100 / s["mlce"]["over_floor"]})
            for s in results["steps"].values()], False


def grid(ticks, x_of, bottom):
    for value, label in ticks:
        x = x_of(value)
        yield (f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>'
               f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" fill="#666">'
               f'{label}</text>')


def svg(results):
    bars, compared = bars_of(results)
    if not bars:
        return None
    values = [value for _, of in bars for value in of.values()]
    if compared:
        top = 10 ** math.ceil(math.log10(max(values)))
        ticks = [(10 ** n, f"{10 ** n:,}x") for n in range(round(math.log10(top)) + 1)]
        title = "Training steps a second: mlce as a multiple of PyTorch"

        def x_of(value):
            return LEFT + WIDTH * math.log10(max(value, 1)) / math.log10(top)
    else:
        ticks = [(n, f"{n} %") for n in range(0, 101, 20)]
        title = "Speed of training steps, in per cent of the projections alone"

        def x_of(value):
            return LEFT + WIDTH * min(value, 110) / 100

    drawn, y = [], TOP
    for label, of in bars:
        middle = y + len(of) * BAR / 2 + 4
        drawn.append(f'<text x="{LEFT - 10}" y="{middle:.1f}" text-anchor="end">'
                     f'{escape(label)}</text>')
        for side, value in of.items():
            text = ratio(value) if compared else f"{value:.0f} %"
            drawn.append(f'<rect x="{LEFT}" y="{y}" width="{max(x_of(value) - LEFT, 1):.1f}" '
                         f'height="{BAR - 2}" fill="{COLOURS[side]}"/>'
                         f'<text x="{x_of(value) + 5:.1f}" y="{y + 11}">{text}</text>')
            y += BAR
        y += GAP
    legend = [f'<rect x="{LEFT + 190 * n}" y="40" width="12" height="12" fill="{COLOURS[side]}"/>'
              f'<text x="{LEFT + 190 * n + 18}" y="50">against {TITLES[side]}</text>'
              for n, side in enumerate(s for s in TITLES if any(s in of for _, of in bars))]
    note = f"B L D d T; {results['machine']['cpu']}, {results['machine']['threads']} threads"
    if compared:
        note += "; logarithmic scale"
    width, height = LEFT + WIDTH + RIGHT, y + 46
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="26" font-size="15" font-weight="bold">{title}</text>',
        *legend, *grid(ticks, x_of, y - GAP + 4), *drawn,
        f'<text x="{LEFT}" y="{height - 8}" fill="#666">{escape(note)}</text>', "</svg>\n"])


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    text, picture = markdown(results), svg(results)
    (folder / "table.md").write_text(text)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    if picture:
        (folder / "ratios.svg").write_text(picture)
    print(text)
    print(f"in {folder}: table.md, results.json" + (", ratios.svg" if picture else ""))
