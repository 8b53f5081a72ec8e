"""A report is well-formed, needs nothing else, and has the figures of mlce-eval.

    check_report.py page FILE               well-formed, self-contained, no script
    check_report.py figures FILE EVAL_JSON  the table of types says what mlce-eval says
    check_report.py picture PNG BLANK_PNG   the picture shows much more than an empty page
"""
import json
import os
import re
import sys
import xml.etree.ElementTree as xml

HTML = "{http://www.w3.org/1999/xhtml}"
HANDLERS = re.compile(r"^on", re.I)


def read(path):
    return xml.parse(path).getroot()


def text_of(element):
    return "".join(element.itertext())


def check_page(path):
    root = read(path)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids)), "an id stands twice"
    for element in root.iter():
        tag = element.tag.split("}")[-1]
        assert tag not in ("script", "img", "iframe", "link", "object"), tag
        for name, value in element.attrib.items():
            assert not HANDLERS.match(name), name
            assert name not in ("src", "srcset"), name
            if name == "href":
                assert value[1:] in ids and value[0] == "#", value
    source = open(path, encoding="utf-8").read().replace("http://www.w3.org/", "")
    assert "http" not in source.replace("http-equiv", ""), "it names a network address"
    assert os.path.getsize(path) < 2_000_000


def rows_of(root):
    heading = next(e for e in root.iter(HTML + "h2") if e.get("id") == "types")
    parents = {child: parent for parent in root.iter() for child in parent}
    siblings = list(parents[heading])
    table = next(e for e in siblings[siblings.index(heading):] if e.tag == HTML + "div")
    for row in table.iter(HTML + "tr"):
        cells = [text_of(cell) for cell in row]
        if cells[1] != "gold":
            yield cells[0], cells[1:]


def check_figures(path, evaluation):
    expected = json.load(open(evaluation))
    scores = dict(expected["types"])
    scores["micro average"], scores["macro average"] = expected["micro"], expected["macro"]
    found = dict(rows_of(read(path)))
    assert len(found) > 2
    for name, cells in found.items():
        score = scores[name]
        wanted = ["%.4f" % score[key] for key in ("precision", "recall", "f1")]
        assert cells[2:] == wanted, (name, cells, wanted)
        assert int(cells[0].replace(",", "")) == score["support"], name
    for name, score in scores.items():
        assert name in found or score["support"] == 0, name


def check_picture(path, blank):
    assert os.path.getsize(path) > 4 * os.path.getsize(blank), "an empty picture"


if __name__ == "__main__":
    {"page": check_page, "figures": check_figures, "picture": check_picture}[sys.argv[1]](
        *sys.argv[2:])
