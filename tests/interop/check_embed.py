#!/usr/bin/env python3
"""check_embed.py FOLDER: scripts/embed_transformers.py with small encoders of random weights: BERT, and
of other tokens and positions XLM-RoBERTa and DeBERTa.

Leaves in FOLDER dataset files by two layers of it, for the programs to be tried on. scripts/ must
be in PYTHONPATH."""
import contextlib
import io
import json
import pathlib
import signal
import subprocess
import sys
import time

import h5py
import numpy
import torch
import transformers

import embed_transformers

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ("berlin", "street", "the", "man", "in", "new", "##er", "##ing", "##berg")


def make_encoder(folder):
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*marks, *LETTERS, *("##" + letter for letter in LETTERS), *WORDS]
    tokenizer = transformers.BertTokenizerFast(vocab={word: n for n, word in enumerate(vocabulary)})
    tokenizer.model_max_length = 48
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=6, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=48, initializer_range=0.2)
    transformers.BertModel(config).save_pretrained(folder)


def make_unigram_encoder(folder, kind):
    """XLM-RoBERTa, whose positions begin behind the padding's number, or DeBERTa, which has relative ones.
    Their tokens begin with U+2581 where a word does."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    words = ["\u2581", "\u2581the", "\u2581man", "\u2581street", "Ber", "lin", "ing", "s"]
    pieces = [(mark, 0.0) for mark in marks] + [(word, -2.0) for word in words]
    pieces += [(letter, -6.0) for letter in LETTERS + LETTERS.upper() if letter != "s"]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", eos_token="</s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)
    torch.manual_seed(2)
    sizes = {"vocab_size": len(pieces), "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
             "intermediate_size": 64, "initializer_range": 0.2, "pad_token_id": 1}
    if kind == "xlm-roberta":
        config = transformers.XLMRobertaConfig(max_position_embeddings=50, **sizes)
        transformers.XLMRobertaModel(config).save_pretrained(folder)
    else:
        config = transformers.DebertaV2Config(max_position_embeddings=48, relative_attention=True,
                                              pos_att_type=["p2c", "c2p"], **sizes)
        transformers.DebertaV2Model(config).save_pretrained(folder)


def make_sequences():
    """Short ones, some longer than a window, an empty one, words without sub-words."""
    random = numpy.random.default_rng(3)
    words = ["Berlin", "the", "man", "streets", "newberg", "in", "x", "sing", "zzz"]
    lengths = [1, 7, 12, 0, 90, 3, 15, 200, 9, 2, 33, 5] * 3
    sequences = [[str(random.choice(words)) for _ in range(n)] for n in lengths]
    sequences[1][2] = sequences[4][50] = "\u200b"  # nothing is left of a zero width space
    sequences[5] = ["\u200b"] * 3
    return sequences


def write(path, sequences):
    lengths = [len(words) for words in sequences]
    gold = [[(n, n + 1, 0) for n, word in enumerate(words) if word == "Berlin"] for words in sequences]
    with h5py.File(path, "w") as file:
        file.attrs["format"], file.attrs["version"], file.attrs["embedding"] = "mlce-spans", 1, "zeros"
        file.attrs["by"] = "a hand"
        file.create_dataset("types", data=["city"], dtype=h5py.string_dtype())
        file["tokens/embeddings"] = numpy.zeros((sum(lengths), 4), numpy.float16)
        file.create_dataset("tokens/text", data=sum(sequences, []), dtype=h5py.string_dtype())
        file["sequences/offsets"] = numpy.cumsum([0] + lengths)
        file["spans/offsets"] = numpy.cumsum([0] + [len(spans) for spans in gold])
        file["spans/items"] = numpy.array(sum(gold, []), numpy.int32).reshape(-1, 3)


def run(*arguments):
    """-> exit code, what it says."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = embed_transformers.main([str(argument) for argument in arguments])
    return code, said.getvalue()


def embedded(path, *arguments, text=""):
    code, said = run(*arguments[:1], path, *arguments[1:])
    assert code == 0, said
    assert text in said and "\r" not in said, said
    with h5py.File(path) as file:
        return file["tokens/embeddings"][:]


class Plain:
    """The embeddings of one sequence that fits a window, word by word with the plain API."""

    def __init__(self, folder):
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.model = transformers.AutoModel.from_pretrained(folder).eval()

    def embed(self, words, layer, pooling):
        """[words, 32]; None where they do not fit."""
        parts = [self.tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
        ids = [self.tokenizer.cls_token_id, *sum(parts, []), self.tokenizer.sep_token_id]
        if len(ids) > 48:
            return None
        with torch.no_grad():
            made = self.model(torch.tensor([ids]), output_hidden_states=True)
        states = made.hidden_states[layer][0].numpy()
        rows, at = [], 1
        for part in parts:
            mine = states[at : at + len(part)]
            at += len(part)
            pooled = {"first": mine[:1], "last": mine[-1:], "mean": mine}[pooling]
            rows.append(pooled.mean(0) if len(part) else numpy.zeros(32))
        return numpy.array(rows)


def check_against_plain(folder, source, sequences):
    plain = Plain(folder / "encoder")
    offsets = numpy.cumsum([0] + [len(words) for words in sequences])
    for layers, pooling in (((4,), "mean"), ((6,), "first"), ((0,), "last"), ((4, 6), "mean")):
        out = folder / f"{'-'.join(map(str, layers))}-{pooling}.h5"
        got = embedded(out, source, "--model", folder / "encoder", "--precision", "f32", "--pooling", pooling,
                       "--layers", ",".join(map(str, layers)), text="5 tokens without a sub-word")
        assert got.shape[1:] == ((32,) if len(layers) == 1 else (len(layers), 32)), got.shape
        got = got.reshape(len(got), len(layers), 32)
        compared = 0
        for s, words in enumerate(sequences):
            for k, layer in enumerate(layers):
                expected = plain.embed(words, layer, pooling) if words else None
                if expected is None:
                    continue
                numpy.testing.assert_allclose(got[offsets[s] : offsets[s + 1], k], expected, atol=2e-5)
                compared += 1
        assert compared >= 15 * len(layers), compared
        assert numpy.abs(got[offsets[4] : offsets[5]]).sum(-1).all(-1).sum() == 89, "of 90, one is zeros"
    # by default: the fourth of six, the mean, half precision; a window as long as the text is no window
    got = embedded(folder / "default.h5", source, "--model", folder / "encoder")
    assert got.dtype == numpy.float16
    with h5py.File(folder / "4-mean.h5") as file:
        exact = file["tokens/embeddings"][:]
    numpy.testing.assert_array_equal(got, exact.astype(numpy.float16))
    small = embedded(folder / "window.h5", source, "--model", folder / "encoder", "--window", 20,
                     "--precision", "f32")
    for s, words in enumerate(sequences):
        one = slice(offsets[s], offsets[s + 1])
        if len(words) <= 3:
            numpy.testing.assert_allclose(small[one], exact[one], atol=2e-5)
        if len(words) == 33:
            assert numpy.abs(small[one] - exact[one]).max() > 1e-3, "several windows see less"


def check_other_encoder(folder, source, sequences, kind):
    """Pooled as by the plain API, in one window and, word by word, in the window that is chosen for it."""
    encoder = folder / kind
    make_unigram_encoder(encoder, kind)
    plain = Plain(encoder)
    offsets = numpy.cumsum([0] + [len(words) for words in sequences])
    compared = windowed = 0
    for layer, pooling in ((1, "first"), (2, "mean"), (3, "last")):
        got = embedded(folder / f"{kind}.h5", source, "--model", encoder, "--precision", "f32",
                       "--pooling", pooling, "--layers", layer, "--overlap", 10)
        for s, words in enumerate(sequences):
            counts = [len(plain.tokenizer(word, add_special_tokens=False)["input_ids"]) for word in words]
            if not words or not all(counts):
                continue
            windows = embed_transformers.cut_windows(numpy.array(counts), 46, 10)
            chosen = embed_transformers.choose_windows(numpy.array(counts), windows)
            windowed += len(windows) > 1
            for n, (begin, end) in enumerate(windows):
                expected = plain.embed(words[begin:end], layer, pooling)
                mine = chosen[begin:end] == n
                rows = got[offsets[s] + begin : offsets[s] + end][mine]
                numpy.testing.assert_allclose(rows, expected[mine], atol=5e-5, err_msg=f"{kind}, sequence {s}")
                compared += len(rows)
    assert compared > 1000 and windowed >= 6, (compared, windowed)


def check_windows():
    random = numpy.random.default_rng(5)
    for _ in range(500):
        room = int(random.integers(1, 20))
        overlap = int(random.integers(0, room))
        counts = random.integers(1, room + 1, random.integers(1, 60))
        windows = embed_transformers.cut_windows(counts, room, overlap)
        chosen = embed_transformers.choose_windows(counts, windows)
        assert windows[0][0] == 0 and windows[-1][1] == len(counts)
        for n, (begin, end) in enumerate(windows):
            assert begin < end and counts[begin:end].sum() <= room
            if n:
                assert windows[n - 1][0] < begin <= windows[n - 1][1] < end
                assert counts[begin : windows[n - 1][1]].sum() <= overlap
        for w in range(len(counts)):
            distances = [
                min(counts[begin:w].sum() if begin else 10**6,
                    counts[w + 1 : end].sum() if end < len(counts) else 10**6) if begin <= w < end else -1
                for begin, end in windows]
            assert distances[chosen[w]] == max(distances) >= 0


def check_interruption(folder, source):
    arguments = ("--model", folder / "encoder", "--window", 20, "--save-every", 100)
    whole = embedded(folder / "whole.h5", source, *arguments)
    out, part = folder / "resumed.h5", folder / "resumed.h5.part"
    out.write_text("what stood there")
    hidden, calls = embed_transformers.Encoder.hidden, 0

    def interrupted(self, rows):
        nonlocal calls
        calls += 1
        if calls % 4 == 0:
            raise KeyboardInterrupt
        return hidden(self, rows)

    embed_transformers.Encoder.hidden = interrupted
    code, said = run(source, out, *arguments)
    assert code == 130 and "goes on from here" in said, said
    done = json.loads((folder / "resumed.h5.part.json").read_text())["sequences"]
    assert 0 < done < 36 and out.read_text() == "what stood there"
    with open(part, "ab") as file:
        file.write(b"half a row")  # killed while it wrote
    code, said = run(source, out, *arguments, "--layers", 3)
    assert code == 1 and "another model" in said and "--restart" in said, said
    stops = 0
    while (result := run(source, out, *arguments))[0] == 130:
        stops += 1
    assert stops >= 1 and result[0] == 0 and "goes on at sequence" in result[1], result
    embed_transformers.Encoder.hidden = hidden
    with h5py.File(out) as file:
        numpy.testing.assert_array_equal(file["tokens/embeddings"][:], whole)
        assert file["tokens/embeddings"].fletcher32
    with h5py.File(folder / "whole.h5") as one, h5py.File(out) as other:
        assert {n: str(v) for n, v in one.attrs.items()} == {n: str(v) for n, v in other.attrs.items()}
    assert not list(folder.glob("resumed.h5.*")), "it leaves something behind"


def check_kill(folder, source):
    """Killed while it writes: the same command goes on, to the same embeddings."""
    arguments = [source, folder / "killed.h5", "--model", folder / "encoder", "--window", 20, "--save-every", 100]
    command = [sys.executable, "-B", embed_transformers.__file__, *map(str, arguments)]
    record, kills, before = folder / "killed.h5.part.json", 0, -1
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                try:
                    done = json.loads(record.read_text())["sequences"]
                except FileNotFoundError:
                    done = -1
                if done > before:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    before, kills = done, kills + 1
                time.sleep(0.001)
    if not (folder / "killed.h5").exists():
        code, said = run(*arguments)
        assert code == 0 and "goes on at sequence" in said, said
    assert kills, "it was never killed"
    with h5py.File(folder / "killed.h5") as one, h5py.File(folder / "whole.h5") as other:
        numpy.testing.assert_array_equal(one["tokens/embeddings"][:], other["tokens/embeddings"][:])


def check_attributes(folder):
    with h5py.File(folder / "4-6-mean.h5") as file, h5py.File(folder / "words.h5") as source:
        attributes = dict(file.attrs)
        for name in ("tokens/text", "sequences/offsets", "spans/items", "spans/offsets", "types"):
            assert (file[name][:] == source[name][:]).all() and file[name].dtype == source[name].dtype, name
    name, layers, pooling = attributes["embedding"].split()
    assert name.startswith("encoder@") and (layers, pooling) == ("layers=4,6", "pooling=mean")
    assert attributes["embedding_layers"].tolist() == [4, 6] and attributes["embedding_empty_words"] == 5
    assert attributes["format"] == "mlce-spans" and attributes["by"] == "a hand"


def check_refusals(folder, source):
    model = ("--model", folder / "encoder")
    out = folder / "refused.h5"
    long = folder / "long.h5"
    write(long, [["man", "x" * 60, "berlin"], ["in"]])
    cut = embedded(folder / "cut.h5", long, *model, "--window", 20, text="1 tokens cut")
    assert numpy.abs(cut).sum(1).all()
    for text, arguments in (
        ("sequence 0, token 1", (long, out, *model, "--window", 20, "--on-truncation", "error")),
        ("takes 48", (source, out, *model, "--window", 100)),
        ("no layer 7", (source, out, *model, "--layers", "7")),
        ("is the input", (source, source, *model)),
        ("tokens/text", (folder / "bare.h5", out, *model)),
        ("cannot read", (folder / "none.h5", out, *model)),
        ("cannot load", (source, out, "--model", folder / "none")),
    ):
        with h5py.File(folder / "bare.h5", "w") as file:
            file["sequences/offsets"] = [0, 0]
        code, said = run(*arguments)
        assert code == 1 and text in said and not out.exists(), (text, said)
    assert not list(folder.glob("refused.h5*"))
    try:
        embed_transformers.narrow(numpy.full((1, 1), 7e4, numpy.float32), "float16")
    except embed_transformers.Failure as failure:
        assert "--precision f32" in str(failure)
    else:
        raise AssertionError("70000 is no half precision number")


def main(folder):
    transformers.utils.logging.disable_progress_bar()
    folder = pathlib.Path(folder)
    make_encoder(folder / "encoder")
    sequences = make_sequences()
    source = folder / "words.h5"
    write(source, sequences)
    check_windows()
    check_against_plain(folder, source, sequences)
    check_attributes(folder)
    check_interruption(folder, source)
    check_kill(folder, source)
    check_other_encoder(folder, source, sequences, "xlm-roberta")
    check_other_encoder(folder, source, sequences, "deberta")
    check_refusals(folder, source)
    print(f"{len(sequences)} sequences as by the plain API, in one window and in several")


if __name__ == "__main__":
    main(*sys.argv[1:])
