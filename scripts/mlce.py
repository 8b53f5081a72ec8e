"""mlce.py - mlce from Python: NumPy arrays in, spans out; and the losses. One file over libmlce.so.

    import mlce
    model = mlce.Model.load("runs/ner")
    for span in model.predict(embeddings):          # [tokens, features] of one sequence
        print(span.start, span.end, span.type, span.score)
    for spans in model.predict([first, second]):    # any number of sequences
        ...

    result = mlce.loss(scores, [[1, 4], [0]])       # [2, classes] and each row's classes
    result.value, result.gradient                   # [2], [2, classes]

Needs NumPy, and libmlce.so: the file that MLCE_LIBRARY names, else that of the source tree this file
stands in (build/lib), else an installed one. Failures are mlce.Error, with the library's message;
its warnings go to logging.getLogger("mlce").

Threads: ctypes lets go of the interpreter's lock during each call, so threads run at the same time,
also with one model. Each thread has a team of OpenMP threads of its own, as large as the machine:
threads that work side by side call mlce.set_threads(1) first, each for itself.
"""
import ctypes
import ctypes.util
import logging
import os
import pathlib
import typing
import weakref

import numpy

VERSION = "0.1.0"

# ---- The library's structs, in its order ----

_floats = ctypes.POINTER(ctypes.c_float)
_ints = ctypes.POINTER(ctypes.c_int)


class _Span(ctypes.Structure):
    C_NAME = "mlce_span"
    _fields_ = [("start", ctypes.c_int32), ("end", ctypes.c_int32), ("type", ctypes.c_int32)]


class _ScoredSpan(ctypes.Structure):
    C_NAME = "mlce_scored_span"
    _fields_ = [("span", _Span), ("score", ctypes.c_float)]


class _Prediction(ctypes.Structure):
    C_NAME = "mlce_prediction"
    _fields_ = [
        ("sequence", ctypes.c_int64),
        ("spans", ctypes.POINTER(_ScoredSpan)),
        ("count", ctypes.c_size_t),
        ("scores", _floats),
    ]


class _LossOptions(ctypes.Structure):
    C_NAME = "mlce_loss_options"
    _fields_ = [
        ("kind", ctypes.c_int),
        ("positive_weight", ctypes.c_float),
        ("alpha", ctypes.c_float),
        ("gamma", ctypes.c_float),
    ]


class _LossTargets(ctypes.Structure):
    C_NAME = "mlce_loss_targets"
    _fields_ = [
        ("dense", _floats),
        ("offsets", _ints),
        ("indices", _ints),
        ("weights", _floats),
        ("mask", ctypes.POINTER(ctypes.c_ubyte)),
    ]


class _SpanScores(ctypes.Structure):
    C_NAME = "mlce_span_scores"
    _fields_ = [
        ("sequences", ctypes.c_int),
        ("offsets", _ints),
        ("types", ctypes.c_int),
        ("heads", ctypes.c_int),
        ("head_size", ctypes.c_int),
        ("scale", ctypes.c_float),
        ("max_width", ctypes.c_int),
        ("qk", _floats),
        ("type_terms", _floats),
        ("thresholds", _floats),
    ]


class _SpanGold(ctypes.Structure):
    C_NAME = "mlce_span_gold"
    _fields_ = [("spans", ctypes.POINTER(_Span)), ("offsets", _ints), ("weights", _floats)]


class _SpanGradients(ctypes.Structure):
    C_NAME = "mlce_span_gradients"
    _fields_ = [("qk", _floats), ("type_terms", _floats), ("thresholds", _floats)]


STRUCTS = (_Span, _ScoredSpan, _Prediction, _LossOptions, _LossTargets, _SpanScores, _SpanGold,
           _SpanGradients)
STATUSES = ("OK", "E_ARGUMENT", "E_MEMORY", "E_IO", "E_DATA", "E_CONFIG", "E_NUMERIC", "E_STOPPED")
TASKS = ("SPANS", "LABELS")
LOG_LEVELS = ("INFO", "WARNING")

# ---- The library ----


class Error(Exception):
    """A call that failed, with the library's message; `status` as "E_DATA" in mlce/status.h."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


_log_callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


@_log_callback
def _log(level, message, _):
    levels = {"INFO": logging.INFO, "WARNING": logging.WARNING}
    logging.getLogger("mlce").log(levels[LOG_LEVELS[level]], "%s", message.decode(errors="replace"))


def _open():
    named = os.environ.get("MLCE_LIBRARY")
    built = pathlib.Path(__file__).resolve().parent.parent / "build" / "lib" / "libmlce.so"
    if named:
        candidates = [named]
    else:
        candidates = [str(built)] if built.exists() else []
        candidates += ["libmlce.so.0", ctypes.util.find_library("mlce") or "libmlce.so"]
    failures = []
    for path in candidates:
        try:
            return ctypes.CDLL(path)
        except OSError as failure:
            failures.append(str(failure))
    raise ImportError("mlce: no libmlce.so: build it (cmake --preset release && cmake --build build), "
                      "or name it with MLCE_LIBRARY (" + "; ".join(failures) + ")")


def _declare(library):
    pointer, text, whole = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    to = ctypes.POINTER
    for name, result, *arguments in (
        ("mlce_version", text),
        ("mlce_last_error", text),
        ("mlce_set_log", None, _log_callback, pointer),
        ("mlce_threads_set", whole, whole),
        ("mlce_threads", whole),
        ("mlce_model_load", whole, text, to(pointer)),
        ("mlce_model_free", None, pointer),
        ("mlce_model_task", whole, pointer),
        ("mlce_model_width", whole, pointer),
        ("mlce_model_input_width", whole, pointer),
        ("mlce_model_types", whole, pointer),
        ("mlce_model_type_names", to(text), pointer),
        ("mlce_model_embedding", text, pointer),
        ("mlce_model_thresholds", _floats, pointer),
        ("mlce_model_has_thresholds", ctypes.c_bool, pointer),
        ("mlce_predictor_new", whole, pointer, to(pointer)),
        ("mlce_predictor_free", None, pointer),
        ("mlce_predictor_run", whole, pointer, whole, _ints, _floats, to(text), to(to(_Prediction))),
        ("mlce_loss_kind_of", whole, text, _ints),
        ("mlce_loss", whole, to(_LossOptions), whole, whole, _floats, _floats, to(_LossTargets),
         to(ctypes.c_double), _floats, _floats),
        ("mlce_span_loss", whole, to(_LossOptions), to(_SpanScores), to(_SpanGold),
         to(ctypes.c_double), to(_SpanGradients)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _check(status):
    if status:
        name = STATUSES[status] if status < len(STATUSES) else str(status)
        raise Error(_library.mlce_last_error().decode(errors="replace"), name)


def set_threads(threads):
    """OpenMP threads of what the calling thread does; 0: one a core."""
    _check(_library.mlce_threads_set(threads))


try:
    _library = _declare(_open())
except AttributeError as missing:
    raise ImportError(f"mlce: the library is of another version: {missing}") from None
if _library.mlce_version().decode().split(".")[:2] != VERSION.split(".")[:2]:
    raise ImportError(f"mlce: mlce.py is of version {VERSION}, the library of "
                      f"{_library.mlce_version().decode()}")
try:
    set_threads(0)
except Error as wrong:  # not the OpenMP build of OpenBLAS
    raise ImportError(f"mlce: {wrong}") from None
_library.mlce_set_log(_log, None)

# ---- Arrays ----


def _array(name, values, kind, shape):
    """`values` as C has them: contiguous, of this NumPy type and shape (None: any size)."""
    array = numpy.ascontiguousarray(values, kind)
    if array.ndim != len(shape) or any(s not in (None, n) for s, n in zip(shape, array.shape)):
        wanted = ", ".join("any" if s is None else str(s) for s in shape)
        raise ValueError(f"{name} has the shape {list(array.shape)}, not [{wanted}]")
    return array


def _in(array, kind=ctypes.c_float):
    return None if array is None else array.ctypes.data_as(ctypes.POINTER(kind))


def _offsets(lengths):
    total = numpy.concatenate([[0], numpy.cumsum(lengths, dtype=numpy.int64)])
    if total[-1] > numpy.iinfo(numpy.int32).max:
        raise ValueError(f"{total[-1]} rows are too many for one call")
    return total.astype(numpy.int32)


# ---- Models ----


class Span(typing.NamedTuple):
    """Tokens start .. end - 1 of a sequence."""

    start: int
    end: int
    type: str
    score: float


class Label(typing.NamedTuple):
    type: str
    score: float


def _free(model, idle):
    for predictor in idle:
        _library.mlce_predictor_free(predictor)
    _library.mlce_model_free(model)


class Model:
    """A trained model. Any number of threads may predict with it at once."""

    def __init__(self, handle):
        self._handle = handle
        self._idle = []  # predictors that no thread is using
        weakref.finalize(self, _free, handle, self._idle)
        count = _library.mlce_model_types(handle)
        names = _library.mlce_model_type_names(handle)
        self.types = [names[a].decode() for a in range(count)]
        self.width = _library.mlce_model_width(handle)  # features a token
        self.needs_tokens = _library.mlce_model_input_width(handle) > self.width  # features.shape
        self.task = TASKS[_library.mlce_model_task(handle)].lower()  # "spans" or "labels"
        # What made the embeddings it was trained on, where that is known; others give nonsense.
        self.embedding = _library.mlce_model_embedding(handle).decode(errors="replace")

    @staticmethod
    def load(path):
        """A run's folder, a checkpoint file, or weights exported as hdf5."""
        handle = ctypes.c_void_p()
        _check(_library.mlce_model_load(os.fsencode(path), ctypes.byref(handle)))
        return Model(handle)

    @property
    def thresholds(self):
        """[types]: what scores over these is predicted; a copy. None where the best scores are (with
        topk_ce and softmax_ce). Assign an array, or one number for all types; not while another
        thread predicts."""
        if not _library.mlce_model_has_thresholds(self._handle):
            return None
        values = _library.mlce_model_thresholds(self._handle)
        return numpy.ctypeslib.as_array(values, (len(self.types),)).copy()

    @thresholds.setter
    def thresholds(self, values):
        if not _library.mlce_model_has_thresholds(self._handle):
            raise ValueError("the model's loss predicts the best scores: it has no thresholds")
        memory = _library.mlce_model_thresholds(self._handle)
        numpy.ctypeslib.as_array(memory, (len(self.types),))[:] = values

    def predict(self, embeddings, tokens=None):
        """The predicted spans, sorted by start, end and type.

        [tokens, features] -> a list of Span; a list of such arrays -> a list of lists. A model of items
        with labels takes [items, features] -> for each item a list of Label. Embeddings of K layers
        are [tokens, K, features]. A model with features.shape (needs_tokens) is also given the
        tokens as written: a list of strings, or a list of such lists."""
        if self.task == "labels":
            rows = self._rows(embeddings)
            return self._run(rows, None, len(rows), None, self._labels)
        alone = not isinstance(embeddings, (list, tuple))
        parts = [self._rows(part) for part in ([embeddings] if alone else embeddings)]
        words = None if tokens is None else [tokens] if alone else list(tokens)
        if words is not None and [*map(len, words)] != [*map(len, parts)]:
            raise ValueError("tokens and embeddings differ in number")
        rows = numpy.concatenate(parts) if parts else numpy.zeros((0, self.width), numpy.float32)
        found = self._run(rows, _offsets([len(part) for part in parts]), len(parts), words, self._spans)
        return found[0] if alone else found

    def scores(self, features):
        """[items, types]: the scores of all labels, of a model of items with labels."""
        if self.task != "labels":
            raise ValueError("scores are of items with labels; the model is for spans: use predict")
        rows = self._rows(features)
        found = self._run(rows, None, len(rows), None, self._all_scores)
        return numpy.array(found, numpy.float32).reshape(len(rows), len(self.types))

    def _rows(self, embeddings):
        array = numpy.asarray(embeddings)
        if array.ndim == 3:
            array = array.reshape(len(array), -1)
        return _array("embeddings", array, numpy.float32, (None, self.width))

    def _run(self, rows, offsets, sequences, words, convert):
        text = None
        if words is not None and self.needs_tokens:
            text = (ctypes.c_char_p * max(1, len(rows)))(*(w.encode() for part in words for w in part))
        try:
            predictor = self._idle.pop()
        except IndexError:
            predictor = ctypes.c_void_p()
            _check(_library.mlce_predictor_new(self._handle, ctypes.byref(predictor)))
        try:
            found = ctypes.POINTER(_Prediction)()
            _check(_library.mlce_predictor_run(predictor, sequences, _in(offsets, ctypes.c_int),
                                               _in(rows), text, ctypes.byref(found)))
            return [convert(found[s]) for s in range(sequences)]
        finally:
            self._idle.append(predictor)

    def _spans(self, one):
        return [Span(item.span.start, item.span.end, self.types[item.span.type], item.score)
                for item in one.spans[:one.count]]

    def _labels(self, one):
        return [Label(self.types[item.span.type], item.score) for item in one.spans[:one.count]]

    def _all_scores(self, one):
        return one.scores[:len(self.types)]


# ---- Losses ----


class Loss(typing.NamedTuple):
    value: numpy.ndarray  # [rows] float64
    gradient: typing.Optional[numpy.ndarray]  # [rows, classes] d value[row] / d scores
    threshold_gradient: typing.Optional[numpy.ndarray]  # [rows], with thresholds


class SpanLoss(typing.NamedTuple):
    value: float
    qk: typing.Optional[numpy.ndarray]  # gradients, of the shapes of what was given
    type_terms: typing.Optional[numpy.ndarray]
    thresholds: typing.Optional[numpy.ndarray]


def _options(kind, positive_weight, alpha, gamma):
    number = ctypes.c_int()
    _check(_library.mlce_loss_kind_of(kind.encode(), ctypes.byref(number)))
    return _LossOptions(number, positive_weight, alpha, gamma)


def _gold_lists(targets, weights, rows):
    """Each row's classes in ascending order, with their weights."""
    if len(targets) != rows:
        raise ValueError(f"targets have {len(targets)} rows, scores {rows}")
    lists = [_array("a row of targets", row, numpy.int32, (None,)) if len(row) else
             numpy.zeros(0, numpy.int32) for row in targets]
    orders = [numpy.argsort(row, kind="stable") for row in lists]
    indices = numpy.concatenate([row[order] for row, order in zip(lists, orders)] or [[]])
    if weights is not None:
        weights = [_array("a row of weights", w, numpy.float32, row.shape)[order]
                   for w, row, order in zip(weights, lists, orders, strict=True)]
        weights = numpy.concatenate(weights or [[]]).astype(numpy.float32)
    return _offsets([len(row) for row in lists]), indices.astype(numpy.int32), weights


def loss(scores, targets, kind="multilabel_ce", *, weights=None, mask=None, thresholds=None,
         positive_weight=1.0, alpha=0.25, gamma=2.0, gradient=True):
    """A loss of each row of scores [rows, classes]; mlce/loss.h has the formulas.

    targets     an array [rows, classes] in [0, 1], or for each row a list of its classes, which
                costs less; then `weights` may be such lists of numbers in (0, 1]: soft targets
    kind        multilabel_ce, threshold_ce (with thresholds [rows]), topk_ce, binary_ce
                (positive_weight), focal (alpha, gamma) or softmax_ce
    mask        [rows, classes]: not 0 leaves the class out
    """
    options = _options(kind, positive_weight, alpha, gamma)
    scores = _array("scores", scores, numpy.float32, (None, None))
    rows, classes = scores.shape
    given = _LossTargets()
    if isinstance(targets, numpy.ndarray) and targets.ndim == 2:
        if weights is not None:
            raise ValueError("weights are for lists of classes: an array of targets is soft itself")
        kept = [_array("targets", targets, numpy.float32, scores.shape)]
        given.dense = _in(kept[0])
    else:
        kept = _gold_lists(targets, weights, rows)
        given.offsets, given.indices = _in(kept[0], ctypes.c_int), _in(kept[1], ctypes.c_int)
        given.weights = _in(kept[2])
    if mask is not None:
        mask = _array("mask", numpy.asarray(mask) != 0, numpy.uint8, scores.shape)
        given.mask = _in(mask, ctypes.c_ubyte)
    if kind == "threshold_ce" and thresholds is None:
        raise ValueError("threshold_ce needs thresholds, one a row")
    if thresholds is not None:
        thresholds = _array("thresholds", thresholds, numpy.float32, (rows,))
    value = numpy.empty(rows)
    grad = numpy.empty_like(scores) if gradient else None
    threshold_grad = numpy.empty(rows, numpy.float32) if gradient and thresholds is not None else None
    _check(_library.mlce_loss(ctypes.byref(options), rows, classes, _in(scores), _in(thresholds),
                              ctypes.byref(given), _in(value, ctypes.c_double), _in(grad),
                              _in(threshold_grad)))
    return Loss(value, grad, threshold_grad)


def _gold_spans(gold, weights, sequences):
    if len(gold) != sequences:
        raise ValueError(f"gold has {len(gold)} sequences, offsets {sequences}")
    parts = [_array("gold", list(part), numpy.int32, (None, 3)) for part in gold if len(part)]
    items = numpy.concatenate(parts) if parts else numpy.zeros((0, 3), numpy.int32)
    if weights is not None:
        if [*map(len, weights)] != [*map(len, gold)]:
            raise ValueError("weights and gold differ in number")
        weights = numpy.array([w for part in weights for w in part], numpy.float32)
    return items, _offsets([len(part) for part in gold]), weights


def span_loss(qk, offsets, gold, *, weights=None, type_terms=None, types=None, heads=1, scale=None,
              max_width=0, thresholds=None, kind="multilabel_ce", positive_weight=1.0, alpha=0.25,
              gamma=2.0, gradient=True):
    """The loss of a GlobalPointer head's scores of all spans, averaged over sequences and types;
    mlce/span.h has the formulas. Scores are never stored.

    qk          [tokens, heads * 2 * d]: for each head q, then k; heads is 1 or the number of types
    offsets     [sequences + 1]: sequence s is the rows offsets[s] .. offsets[s+1] - 1
    gold        for each sequence a list of (start, end, type), end not included; `weights`, where
                given, are such lists of numbers in (0, 1]: soft targets
    type_terms  [tokens, 2 * types]: u of all types, then v; types is needed without
    scale       1 / sqrt(d) unless given
    max_width   pairs further apart than this do not exist; 0: no limit
    thresholds  [types]: s_0, taken off the scores
    """
    options = _options(kind, positive_weight, alpha, gamma)
    qk = _array("qk", qk, numpy.float32, (None, None))
    tokens, columns = qk.shape
    if heads < 1 or columns < 1 or columns % (2 * heads):
        raise ValueError(f"qk has {columns} columns: not heads * 2 * d with {heads} heads")
    if types is None:
        types = numpy.shape(type_terms)[1] // 2 if type_terms is not None else heads
    size = columns // (2 * heads)
    offsets = _array("offsets", offsets, numpy.int32, (None,))
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != tokens:
        raise ValueError(f"offsets go from 0 to the number of tokens, {tokens}")
    if type_terms is not None:
        type_terms = _array("type_terms", type_terms, numpy.float32, (tokens, 2 * types))
    if thresholds is not None:
        thresholds = _array("thresholds", thresholds, numpy.float32, (types,))
    items, gold_offsets, weights = _gold_spans(gold, weights, len(offsets) - 1)
    scores = _SpanScores(len(offsets) - 1, _in(offsets, ctypes.c_int), types, heads, size,
                         size**-0.5 if scale is None else scale, max_width, _in(qk),
                         _in(type_terms), _in(thresholds))
    given = _SpanGold(_in(items, _Span), _in(gold_offsets, ctypes.c_int), _in(weights))
    made = [None if not gradient or array is None else numpy.empty_like(array)
            for array in (qk, type_terms, thresholds)]
    value = ctypes.c_double()
    _check(_library.mlce_span_loss(ctypes.byref(options), ctypes.byref(scores), ctypes.byref(given),
                                   ctypes.byref(value),
                                   ctypes.byref(_SpanGradients(*map(_in, made))) if gradient else None))
    return SpanLoss(value.value, *made)
