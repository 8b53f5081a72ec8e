#!/usr/bin/env python3
"""Gives the tokens of a dataset embeddings by a Hugging Face encoder.

    mlce-data convert train.conll -o words.h5
    scripts/embed_transformers.py words.h5 train.h5 --model sentence-transformers/all-MiniLM-L6-v2

IN is any mlce-spans file with tokens/text; OUT is the same with other embeddings. The tokens are
taken as they are: each is cut into the encoder's sub-words, whose hidden states are pooled. A
sequence longer than the encoder's window is read through several that overlap, and each token is
taken from the window in which it is farthest from where the text was cut. Nothing is left out but
the sub-words of a single token beyond a whole window, which are counted, as are tokens without any
sub-word (such as control characters): those get zeros.

An interrupted run goes on where it stopped when the same command is given again: until OUT is whole
the work is in OUT.part, and what is done in OUT.part.json.

Needs torch, transformers and h5py:  pip install torch transformers h5py
"""
import argparse
import fcntl
import hashlib
import itertools
import json
import os
import sys
import time

import h5py
import numpy

POOLINGS = ("first", "mean", "last")
# Encoders whose positions begin behind the padding's number.
SHIFTED = ("camembert", "longformer", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl")
NO_COUNTS = {"empty_words": 0, "cut_words": 0, "long_sequences": 0}


class Failure(Exception):
    pass


class Texts:
    """The tokens of a dataset, and where its sequences begin."""

    def __init__(self, path):
        try:
            with h5py.File(path, "r") as file:
                if file.attrs.get("format") in ("mlce-labels", b"mlce-labels"):
                    raise Failure(f"{path}: holds items with labels: it has no tokens to embed")
                if "sequences/offsets" not in file or "tokens/text" not in file:
                    raise Failure(f"{path}: has no tokens/text: make it with mlce-data convert")
                self.offsets = file["sequences/offsets"][:].astype(numpy.int64)
                self.tokens = file["tokens/text"].asstr()[:]
        except OSError as error:
            raise Failure(f"{path}: cannot read: {error}") from None
        if (len(self.offsets) < 1 or self.offsets[0] != 0 or (numpy.diff(self.offsets) < 0).any()
                or self.offsets[-1] != len(self.tokens)):
            raise Failure(f"{path}: sequences/offsets do not go from 0 to the number of tokens, "
                          f"{len(self.tokens)}")

    def __len__(self):
        return len(self.offsets) - 1

    def words(self, s):
        return self.tokens[self.offsets[s] : self.offsets[s + 1]].tolist()

    def fingerprint(self):
        digest = hashlib.blake2b(self.offsets.tobytes(), digest_size=16)
        for token in self.tokens:
            digest.update(token.encode() + b"\0")
        return digest.hexdigest()

    def chunks(self, first, tokens):
        """(first, last) of runs of sequences with about so many tokens, from sequence `first` on."""
        while first < len(self):
            goal = self.offsets[first] + tokens
            last = max(first + 1, int(numpy.searchsorted(self.offsets, goal, "right")) - 1)
            yield first, min(last, len(self))
            first = last


class Encoder:
    def __init__(self, name, layers, pooling, window, overlap, device):
        try:
            import torch
            import transformers
        except ImportError as error:
            raise Failure(f"{error}: pip install torch transformers") from None
        transformers.logging.set_verbosity_error()
        if not sys.stderr.isatty():
            transformers.utils.logging.disable_progress_bar()
        self.torch = torch
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(name)
            if getattr(self.tokenizer, "add_prefix_space", None) is False:  # words stand alone
                self.tokenizer = transformers.AutoTokenizer.from_pretrained(name, add_prefix_space=True)
            model = transformers.AutoModel.from_pretrained(name, dtype=torch.float32)
        except (OSError, ValueError) as error:
            raise Failure(f"{name}: cannot load: {error}") from None
        if not self.tokenizer.is_fast:
            raise Failure(f"{name}: its tokenizer is not a fast one, which know a sub-word's word")
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        self.device = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        self.model = model.to(self.device).eval()
        self.pooling = pooling
        self.width = model.config.hidden_size
        self.layers = self.choose_layers(layers, model.config.num_hidden_layers)
        self.before, self.after = self.find_marks()
        self.choose_window(window, overlap)
        local = os.path.isdir(name)
        self.name = f"{os.path.basename(os.path.realpath(name)) if local else name}@{self.digest()}"
        self.transformers_version = transformers.__version__

    @staticmethod
    def choose_layers(wanted, count):
        """0 is the input embeddings, `count` the last layer, -1 too. By default about two thirds up:
        further up, encoders are about whole sentences."""
        if wanted is None:
            return [max(1, round(2 * count / 3))]
        layers = [n + count + 1 if n < 0 else n for n in wanted]
        for n, given in zip(layers, wanted):
            if not 0 <= n <= count:
                raise Failure(f"--layers: there is no layer {given}: the encoder has {count}, and 0")
        return layers

    def find_marks(self):
        """What the tokenizer puts before and behind a text, as [CLS] and [SEP]."""
        bare = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        full = self.tokenizer("a")["input_ids"]
        for at in range(len(full) - len(bare) + 1):
            if full[at : at + len(bare)] == bare:
                return full[:at], full[at + len(bare) :]
        raise Failure("the tokenizer changes a text when it adds its marks")

    def choose_window(self, window, overlap):
        config, most = self.model.config, self.tokenizer.model_max_length
        positions = getattr(config, "max_position_embeddings", None) or 10**9
        if config.model_type in SHIFTED:
            positions -= (config.pad_token_id or 0) + 1
        most = min(most, positions)
        self.window = window or (most if most < 10**6 else 512)
        self.room = self.window - len(self.before) - len(self.after)
        self.overlap = self.room // 4 if overlap is None else overlap
        if self.window > most:
            raise Failure(f"--window {self.window}: the encoder takes {most} sub-words")
        if self.room < 1 or not 0 <= self.overlap < self.room:
            raise Failure(f"--window {self.window}, --overlap {self.overlap}: the overlap must be "
                          f"smaller than the window, of which {self.window - self.room} are marks")

    def digest(self):
        """Of the weights: under one name there may be several."""
        digest = hashlib.blake2b(digest_size=4)
        for name, values in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            values = values.detach().cpu().contiguous().reshape(-1)
            digest.update(values.view(self.torch.uint8).numpy())
        return digest.hexdigest()

    def description(self):
        layers = ",".join(map(str, self.layers))
        return f"{self.name} layers={layers} pooling={self.pooling}"

    def pieces(self, sequences):
        """For each list of words the sub-words of each word, as a list of lists of numbers."""
        made = [[[] for _ in words] for words in sequences]
        filled = [s for s, words in enumerate(sequences) if words]
        if not filled:
            return made
        encoded = self.tokenizer([sequences[s] for s in filled], is_split_into_words=True,
                                 add_special_tokens=False, truncation=False, verbose=False)
        for n, s in enumerate(filled):
            for piece, word in zip(encoded["input_ids"][n], encoded.word_ids(n)):
                if word is not None:
                    made[s][word].append(piece)
        return made

    def hidden(self, rows):
        """Lists of sub-words -> their hidden states, each [sub-words, layers, width], without marks."""
        torch = self.torch
        longest = max(map(len, rows)) + len(self.before) + len(self.after)
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id or 0)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for n, row in enumerate(rows):
            whole = [*self.before, *row, *self.after]
            ids[n, : len(whole)] = torch.tensor(whole)
            mask[n, : len(whole)] = 1
        with torch.inference_mode():
            states = self.model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device),
                                output_hidden_states=True).hidden_states
            chosen = torch.stack([states[n] for n in self.layers], 2).float().cpu().numpy()
        begin = len(self.before)
        return [chosen[n, begin : begin + len(row)] for n, row in enumerate(rows)]

    def pool(self, states, counts):
        """[sub-words, layers, width] of words with so many sub-words each -> [words, layers, width]"""
        ends = numpy.cumsum(counts)
        if self.pooling == "first":
            return states[ends - counts]
        if self.pooling == "last":
            return states[ends - 1]
        return numpy.add.reduceat(states, ends - counts, 0) / numpy.asarray(counts)[:, None, None]


# ---- Windows ----


def cut_windows(counts, room, overlap):
    """Words with so many sub-words each, 1 .. room -> (begin, end) of windows of whole words, each
    with at most `room` sub-words, and at most `overlap` of them also in the next."""
    ends = numpy.cumsum(counts)
    starts = ends - counts
    windows, begin = [], 0
    while True:
        end = int(numpy.searchsorted(ends, starts[begin] + room, "right"))
        windows.append((begin, end))
        if end == len(counts):
            return windows
        first = max(ends[end - 1] - overlap, ends[end] - room)  # the next word must fit, too
        begin = max(begin + 1, int(numpy.searchsorted(starts, first, "left")))


def choose_windows(counts, windows):
    """For each word the window in which it is farthest, in sub-words, from a place where the text was
    cut. The text's own ends are no cuts."""
    ends = numpy.cumsum(counts)
    starts = ends - counts
    best = numpy.full(len(counts), -1.0)
    chosen = numpy.zeros(len(counts), int)
    for n, (begin, end) in enumerate(windows):
        left = starts[begin:end] - starts[begin] if begin else numpy.inf
        right = ends[end - 1] - ends[begin:end] if end < len(counts) else numpy.inf
        distance = numpy.minimum(left, right) + numpy.zeros(end - begin)
        better = distance > best[begin:end]
        best[begin:end][better] = distance[better]
        chosen[begin:end][better] = n
    return chosen


def make_windows(encoder, texts, first, last, counts):
    """The windows of some sequences: (sub-words, sub-words of each word, places of the words in the
    result, which of them are taken from this window). Adds to the counts."""
    sequences = [texts.words(s) for s in range(first, last)]
    place, made = 0, []
    for s, words, of_words in zip(itertools.count(first), sequences, encoder.pieces(sequences)):
        kept = [(w, pieces) for w, pieces in enumerate(of_words) if pieces]
        counts["empty_words"] += len(words) - len(kept)
        for n, (w, pieces) in enumerate(kept):
            if len(pieces) > encoder.room:
                counts["cut_words"] += 1
                counts.setdefault("first_cut", f"sequence {s}, token {w} ('{words[w][:20]}...') has "
                                  f"{len(pieces)} sub-words, a window {encoder.room}")
                kept[n] = w, pieces[: encoder.room]
        places = place + numpy.array([w for w, _ in kept], int)
        place += len(words)
        if not kept:
            continue
        sizes = numpy.array([len(pieces) for _, pieces in kept])
        windows = cut_windows(sizes, encoder.room, encoder.overlap)
        counts["long_sequences"] += len(windows) > 1
        chosen = choose_windows(sizes, windows)
        for n, (begin, end) in enumerate(windows):
            row = list(itertools.chain.from_iterable(pieces for _, pieces in kept[begin:end]))
            made.append((row, sizes[begin:end], places[begin:end], chosen[begin:end] == n))
    return made, place


def embed(encoder, texts, first, last, batch, counts):
    """[tokens, layers, width] of some sequences. Windows of like length are computed together."""
    windows, tokens = make_windows(encoder, texts, first, last, counts)
    result = numpy.zeros((tokens, len(encoder.layers), encoder.width), numpy.float32)
    windows.sort(key=lambda window: -len(window[0]))
    at = 0
    while at < len(windows):
        size = max(1, batch // (len(windows[at][0]) + encoder.window - encoder.room))
        part = windows[at : at + size]
        for (_, sizes, places, mine), states in zip(part, encoder.hidden([row for row, *_ in part])):
            result[places[mine]] = encoder.pool(states, sizes)[mine]
        at += size
    return result


# ---- Work that can be interrupted ----


class Part:
    """OUT.part, the rows that are done, end to end, and OUT.part.json, how many sequences they are."""

    def __init__(self, out, settings, restart):
        self.path, self.record_path = f"{out}.part", f"{out}.part.json"
        self.settings = settings
        self.counts = dict(NO_COUNTS)
        self.sequences = self.bytes = 0
        self.file = open(self.path, "a+b")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure(f"{self.path}: another run is writing it") from None
        if os.path.exists(self.record_path) and not restart:
            with open(self.record_path, encoding="utf-8") as file:
                record = json.load(file)
            for key, value in settings.items():
                if record["settings"].get(key) != value:
                    raise Failure(f"{self.path}: was begun with another {key} "
                                  f"({record['settings'].get(key)}, now {value}): give --restart to "
                                  "begin anew")
            if os.path.getsize(self.path) >= record["bytes"]:
                self.sequences, self.bytes = record["sequences"], record["bytes"]
                self.counts = record["counts"]
        self.file.truncate(self.bytes)

    def add(self, rows, sequences):
        rows.tofile(self.file)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.bytes += rows.nbytes
        self.sequences = sequences
        record = {"settings": self.settings, "sequences": sequences, "bytes": self.bytes,
                  "counts": self.counts}
        with open(self.record_path + ".new", "w", encoding="utf-8") as file:
            json.dump(record, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.record_path + ".new", self.record_path)

    def remove(self):
        for path in (self.record_path, self.path):
            if os.path.exists(path):
                os.remove(path)


class Progress:
    """One line that is written over, on a terminal only."""

    def __init__(self, total, done):
        self.total, self.first, self.shown = total, done, 0
        self.begin, self.on = time.monotonic(), sys.stderr.isatty()

    def show(self, done):
        now = time.monotonic()
        if not self.on or (now - self.shown < 0.2 and done < self.total):
            return
        self.shown = now
        speed = (done - self.first) / max(now - self.begin, 1e-9)
        left = int((self.total - done) / speed) if speed else 0
        filled = 30 * done // max(self.total, 1)
        print(f"\r[{'=' * filled}{' ' * (30 - filled)}] {done}/{self.total} tokens, "
              f"{speed:.0f}/s, {left // 60}:{left % 60:02} left \x1b[K",
              end="\n" if done == self.total else "", file=sys.stderr, flush=True)


def narrow(rows, kind):
    with numpy.errstate(over="ignore"):
        stored = rows.astype(kind)
    if numpy.isfinite(stored).all():
        return stored
    raise Failure(f"a hidden state of {numpy.abs(rows).max():g} does not fit {kind}: give "
                  "--precision f32, or other layers")


def compute(encoder, texts, part, options, kind):
    progress = Progress(len(texts.tokens), int(texts.offsets[part.sequences]))
    for first, last in texts.chunks(part.sequences, options.save_every):
        rows = embed(encoder, texts, first, last, options.batch, part.counts)
        part.add(narrow(rows, kind), last)
        progress.show(int(texts.offsets[last]))


# ---- The output ----


def copy_all_but(source, target, left_out):
    """Groups, datasets and attributes, but for the one dataset."""
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if item.name == left_out:
            continue
        if isinstance(item, h5py.Group):
            copy_all_but(item, target.create_group(name), left_out)
        else:
            source.copy(name, target, name)


def write(options, encoder, part, tokens, kind):
    """Beside OUT, and put in its place when it is whole."""
    layers = len(encoder.layers)
    shape = (tokens, layers, encoder.width) if layers > 1 else (tokens, encoder.width)
    new = f"{options.output}.new"
    with h5py.File(options.input, "r") as source, h5py.File(new, "w") as target:
        copy_all_but(source, target, "/tokens/embeddings")
        for name in [name for name in target.attrs if name.startswith("embedding")]:
            del target.attrs[name]
        target.attrs.update({
            "embedding": encoder.description(),
            "embedding_model": encoder.name,
            "embedding_layers": encoder.layers,
            "embedding_pooling": encoder.pooling,
            "embedding_window": encoder.window,
            "embedding_overlap": encoder.overlap,
            "embedding_cut_words": part.counts["cut_words"],
            "embedding_empty_words": part.counts["empty_words"],
            "embedding_software": f"transformers {encoder.transformers_version}",
        })
        row = shape[1:]
        chunk = max(1, min(tokens, (1 << 18) // (numpy.dtype(kind).itemsize * int(numpy.prod(row)))))
        checked = {"chunks": (chunk, *row), "fletcher32": True} if tokens else {}
        to = target.create_dataset("tokens/embeddings", shape, kind, **checked)
        if tokens:
            rows = numpy.memmap(part.path, kind, "r", shape=shape)
            step = chunk * 64
            for begin in range(0, tokens, step):
                to[begin : begin + step] = rows[begin : begin + step]
    with open(new, "rb") as file:
        os.fsync(file.fileno())
    os.replace(new, options.output)
    part.remove()


def refuse_cut_words(encoder, texts, options):
    """Before anything is computed."""
    counts = dict(NO_COUNTS)
    for first, last in texts.chunks(0, options.save_every):
        make_windows(encoder, texts, first, last, counts)
        if counts["cut_words"]:
            raise Failure(f"{options.input}: {counts['first_cut']}: it would be cut")


def run(options):
    if os.path.exists(options.output) and os.path.samefile(options.input, options.output):
        raise Failure(f"{options.output}: is the input: write to another file")
    texts = Texts(options.input)
    encoder = Encoder(options.model, options.layers, options.pooling, options.window,
                      options.overlap, options.device)
    if options.on_truncation == "error":
        refuse_cut_words(encoder, texts, options)
    kind = {"f16": "float16", "f32": "float32"}[options.precision]
    settings = {"model": encoder.description(), "precision": options.precision,
                "window": encoder.window, "overlap": encoder.overlap, "input": texts.fingerprint()}
    part = Part(options.output, settings, options.restart)
    if part.sequences:
        print(f"{options.output}: goes on at sequence {part.sequences} of {len(texts)}")
    compute(encoder, texts, part, options, kind)
    counts = part.counts
    write(options, encoder, part, len(texts.tokens), kind)
    print(f"{options.output}: {len(texts)} sequences, {len(texts.tokens)} tokens by "
          f"{encoder.description()}\n{counts['long_sequences']} sequences in several windows; "
          f"{counts['cut_words']} tokens cut to a window; {counts['empty_words']} tokens without a "
          "sub-word, which got zeros")
    if counts["cut_words"]:
        print(f"embed_transformers: warning: cut: {counts['first_cut']}", file=sys.stderr)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)

    def layers(text):
        return [int(n) for n in text.split(",")]

    def positive(text):
        if int(text) < 1:
            raise ValueError(text)
        return int(text)

    add = parser.add_argument
    add("input", metavar="IN", help="an mlce-spans file with tokens/text")
    add("output", metavar="OUT", help="the file to write")
    add("--model", required=True, help="a folder, or a name on the Hugging Face hub")
    add("--layers", type=layers, help="hidden layers, as 4 or 4,6 (several are stored side by side, for "
        "encoder.1.type=mix to weigh); 0: the input embeddings; -1: the last. Default: two thirds "
        "up, which names need more than the last (the fourth of six)")
    add("--pooling", choices=POOLINGS, default="mean", help="of a token's sub-words (default mean)")
    add("--window", type=positive, help="sub-words that are read at once, with [CLS] and the like "
        "(default: as many as the encoder takes)")
    add("--overlap", type=int, help="sub-words that neighbouring windows share (default: a quarter)")
    add("--on-truncation", choices=("count", "error"), default="count",
        help="a token with more sub-words than a window: cut and count it (default), or stop "
        "before the work begins")
    add("--precision", choices=("f16", "f32"), default="f16", help="of what is stored (default f16)")
    add("--batch", type=positive, default=8192, help="sub-words computed at once (default 8192)")
    add("--save-every", type=positive, default=16384, help="tokens after which the work is safe (default "
        "16384)")
    add("--device", default="auto", help="as cpu or cuda:1 (default: cuda if there is one)")
    add("--restart", action="store_true", help="drop what an interrupted run has done")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    try:
        run(options)
    except Failure as failure:
        print(f"embed_transformers: error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nembed_transformers: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
