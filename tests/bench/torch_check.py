"""Whether the PyTorch side computes what mlce computes: the models in tests/fixtures/models.json,
which the unit tests hold mlce to, through torch_model.py. Prints the largest differences."""
import json
import pathlib
import sys

import torch
from torch.nn.utils.rnn import pad_sequence

from torch_model import HEADS, dense_labels, existing_pairs, span_loss

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures" / "models.json"
KNOWN = {"model.head", "model.head_size", "model.rope"}


def tensor(matrix):
    return torch.tensor(matrix["values"]).reshape(matrix["rows"], matrix["cols"])


def parameter_name(name):
    return name[len("head."):]


def outcome(case):
    """The loss of the case, and of each parameter its gradient."""
    config, types = case["config"], case["types"]
    rows = tensor(case["embeddings"])
    # A sequence without tokens has no scores; it counts in the mean all the same.
    all_rows = list(zip(case["offsets"], case["offsets"][1:]))
    all_gold = list(zip(case["gold_offsets"], case["gold_offsets"][1:]))
    kept = [s for s, (first, last) in enumerate(all_rows) if last > first]
    x = pad_sequence([rows[slice(*all_rows[s])] for s in kept], batch_first=True)
    model = HEADS[config["model.head"]](x.shape[2], int(config["model.head_size"]), types,
                                        x.shape[1], rope=config["model.rope"] == "yes")
    model.load_state_dict({parameter_name(name): tensor(p).reshape(own.shape)
                           for (name, p) in case["parameters"].items()
                           for own in [model.get_parameter(parameter_name(name))]}, strict=False)
    labels = dense_labels([case["gold"][slice(*all_gold[s])] for s in kept], types, x.shape[1])
    exists = existing_pairs([all_rows[s][1] - all_rows[s][0] for s in kept], x.shape[1])
    loss = span_loss(model, x, exists, labels) * len(kept) / len(all_rows)
    loss.backward()
    return loss.item(), {name: p.grad for name, p in model.named_parameters()}


def main():
    cases = json.loads(FIXTURES.read_text())["cases"]
    cases = [case for case in cases if KNOWN.issuperset(case["config"])]
    of_loss = of_gradients = 0.0
    for case in cases:
        loss, gradients = outcome(case)
        of_loss = max(of_loss, abs(loss - case["loss"]) / abs(case["loss"]))
        for name, p in case["parameters"].items():
            wanted, got = tensor(p["gradient"]), gradients[parameter_name(name)]
            difference = (got.reshape(wanted.shape) - wanted).abs().max() / wanted.abs().max()
            of_gradients = max(of_gradients, difference.item())
    print(f"same loss as mlce on {len(cases)} models: within {of_loss:.0e}, "
          f"gradients within {of_gradients:.0e}")
    return 0 if cases and of_loss < 1e-5 and of_gradients < 1e-4 else 1


sys.exit(main())
