"""The process that holds a Python solution: `python host.py REQUESTS REPLIES FOLDER WORK`.

REQUESTS and REPLIES are inherited file descriptors; FOLDER is copied to WORK, where the solution runs. It
imports nothing of this package, so that the solution has an interpreter of its own. process.py describes
requests and replies. The right answers are never in this process.
"""

import importlib.util
import inspect
import os
import shutil
import sys
from collections import Counter

KINDS = {"f4": "float32", "f8": "float64", "b1": "bool"}
LONGEST_MESSAGE = 600
SHOWN_NAMES = 8  # number of names shown of a file without the assignment's functions
CELL = "# --- cell "  # the line at the start of a notebook's cell (notebooks.py)


class Requests:
    """The judge's requests: words and arrays."""

    def __init__(self, descriptor):
        self.file = os.fdopen(descriptor, "rb")

    def words(self):
        """The next line's words; [""] if the judge has ended."""
        return self.file.readline().decode("utf-8", "surrogateescape").rstrip("\n").split("\t")

    def next(self):
        """The next request: its words and its arrays."""
        words = self.words()
        return words, [self.array() for _ in range(int(self.words()[0] or 0))]

    def array(self):
        """The next array: its kind and shape in a line, then its bytes, row by row."""
        import numpy as np

        kind, *shape = self.words()
        shape = tuple(map(int, shape))
        dtype = np.dtype(KINDS[kind])
        size = int(np.prod(shape)) * dtype.itemsize
        return np.frombuffer(self.file.read(size), dtype).reshape(shape).copy()


class Replies:
    """The replies to the judge."""

    def __init__(self, descriptor):
        self.file = os.fdopen(descriptor, "wb")

    def send(self, words, arrays=()):
        """Send a line of words, a line with the number of arrays, and the arrays."""
        clean = [str(word).replace("\t", " ").replace("\n", " ")[:LONGEST_MESSAGE] for word in words]
        self.file.write("\t".join(clean).encode("utf-8", "replace") + b"\n%d\n" % len(arrays))
        for array in arrays:
            kind = "f4" if array.dtype == "float32" else "f8"
            self.file.write("\t".join([kind, *map(str, array.shape)]).encode() + b"\n")
            self.file.write(array.astype(KINDS[kind]).tobytes())
        self.file.flush()


class Framework:
    """The solution's kind of arrays: PyTorch's, JAX's, or NumPy's."""

    def __init__(self, name):
        self.name = name

    def give(self, array):
        """Convert to the solution's kind of array; a number becomes Python's."""
        if array.ndim == 0:
            number = float(array)
            return int(number) if number.is_integer() else number
        if self.name == "torch":
            return sys.modules["torch"].from_numpy(array)
        if self.name == "jax":
            return sys.modules["jax"].numpy.asarray(array)
        return array

    def tanh(self, x):
        """Elementwise tanh of any kind of array: a solution may use several."""
        import numpy as np

        if type(x).__module__.startswith("torch"):
            return x.tanh()
        if self.name == "jax":
            return sys.modules["jax"].numpy.tanh(x)
        return np.tanh(x)

    def like(self, x, array):
        """Convert an array to x's kind and precision."""
        import numpy as np

        if type(x).__module__.startswith("torch"):
            array = sys.modules["torch"].from_numpy(np.asarray(array))
            return array.to(x.dtype) if x.dtype.is_floating_point else array
        if self.name == "jax":
            return sys.modules["jax"].numpy.asarray(array)
        return array

    def callable(self, function):
        """Make a function fit to replace a network: attributes of a torch.nn.Module must stay modules."""
        if self.name != "torch":
            return function
        torch = sys.modules["torch"]

        class Known(torch.nn.Module):
            def forward(self, *arguments):
                return function(*arguments)

        return Known()


def found_framework():
    """The framework that the solution has imported."""
    return Framework(next((name for name in ("torch", "jax") if name in sys.modules), "numpy"))


def flat(value):
    """Convert a result to a list of NumPy arrays of float32 or float64."""
    import numpy as np

    if value is Ellipsis or value is NotImplemented:
        raise UnwrittenError
    if value is None:
        raise TypeError("it returned nothing: is a `return` missing?")
    if (
        hasattr(value, "__iter__")
        and not hasattr(value, "shape")
        and not isinstance(value, (tuple, list, str))
    ):
        value = list(value)
    if isinstance(value, (tuple, list)) and any(getattr(part, "ndim", 0) > 0 for part in value):
        return [array for part in value for array in flat(part)]
    if hasattr(value, "detach"):
        value = value.detach().cpu().resolve_conj().numpy()
    array = np.asarray(value)
    if array.dtype == object or array.dtype.kind not in "fiub":
        raise TypeError(f"it returned {type(value).__name__}, not numbers")
    return [array if array.dtype == "float32" else array.astype("float64")]


class UnwrittenError(Exception):
    """A function is not written yet."""


def is_stub(function):
    """Whether a function has nothing but `pass`, `...`, or a docstring."""

    def bare():
        pass

    def described():
        """Say what it does."""

    code = getattr(function, "__code__", None)
    return code is not None and code.co_code in (bare.__code__.co_code, described.__code__.co_code)


def is_unwritten(error, folder):
    """Whether an error means that a function is not written yet; PyTorch's own errors do not."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    raised_here = trace.tb_frame.f_code.co_filename.startswith(folder + os.sep)
    return isinstance(error, UnwrittenError) or (isinstance(error, NotImplementedError) and raised_here)


class Solution:
    """The solution's module, the functions that it defines, and what replaces them."""

    def __init__(self, path, names, holder, ask):
        self.ask = ask
        spec = importlib.util.spec_from_file_location("solution", path)
        self.module = importlib.util.module_from_spec(spec)
        sys.modules["solution"] = self.module
        sys.argv[:] = [path]  # the solution does not see the judge's arguments
        try:
            spec.loader.exec_module(self.module)
        except SystemExit as stop:
            if stop.code:
                raise
        self.holders = [self.reach(holder)] if holder else []
        self.holders.append(self.module)
        self.framework = found_framework()
        self.names = {}
        self.words = {name: words.split("|")[0] for name, words in names.items()}
        for name, words in names.items():
            # An object's `train` may set its mode, as in torch.nn.Module: take the module's function.
            places = [self.module] if name == "train_model_params" else self.holders
            found = [word for word in words.split("|") if callable(self.find(word, places))]
            if found:
                self.names[name] = found[0]
        self.own = {
            name: self.find(word, [self.module] if name == "train_model_params" else self.holders)
            for name, word in self.names.items()
        }
        self.own["known_loss"] = self.known_loss
        self.stand_ins = set()
        self.calls = Counter()
        self.draws_freely = False

    def description(self, names):
        """The framework, and which of the names the file defines.

        If it defines none: the objects that have such names, and some names that it does define.
        """
        if self.names or self.answers() is not None:
            return [self.framework.name, *self.names]
        words = {word for words in names.values() for word in words.split("|")}
        own = {
            name: value
            for name, value in vars(self.module).items()
            if not name.startswith("_") and not inspect.ismodule(value)
        }
        holders = [name for name, value in own.items() if words & set(dir(value))]
        holders.sort(key=lambda name: isinstance(own[name], type))  # an object before its class
        functions_first = sorted(own, key=lambda name: not callable(own[name]))
        return ["nothing", " ".join(holders[:SHOWN_NAMES]), " ".join(functions_first[:SHOWN_NAMES])]

    def reach(self, dotted):
        """The value of a dotted name."""
        value = self.module
        for part in dotted.split("."):
            value = getattr(value, part)
        return value

    def find(self, word, places=None):
        """The value of a name, in the holder or the module; None if there is none."""
        if "." in word:
            try:
                return self.reach(word)
            except AttributeError:
                return None
        for holder in places or self.holders:
            if hasattr(holder, word):
                return getattr(holder, word)
        return None

    def put(self, name, value):
        """Put a function in place of the solution's own, or of a missing one, wherever its name is read."""
        holder, _, word = self.names.get(name, self.words[name]).rpartition(".")
        if name not in self.names:
            if self.find(word) is None:
                setattr(self.module, word, value)
            return
        for parent in [self.reach(holder)] if holder else self.holders:
            if hasattr(parent, word):
                setattr(parent, word, value)

    def stand_in(self, name, count):
        """Let the judge answer for a function of `count` arguments, wherever its name is read."""
        self.stand_ins.add(name)
        if name == "sample_diag_gaussian":  # known_sampler replaces it
            return
        own = self.own.get(name)

        def asked(*arguments, **others):
            if others and own is not None:
                arguments = inspect.signature(own).bind(*arguments, **others).arguments.values()
            given = list(arguments)[:count]
            found = self.ask(name, [flat(argument)[0] for argument in given])
            like = max(given, key=lambda argument: hasattr(argument, "shape"))
            found = [self.framework.like(like, array) for array in found]
            return found if name == "batches" else found[0]

        self.put(name, asked)

    def know(self, layout, form, ends, decoder, encoder, noises):
        """Replace the solution's networks and sampler by known ones.

        `ends` is "sigmoid" if the decoder is to return probabilities.
        """
        features_first = layout == "features-first"

        def run(weights, x):
            hidden_weight, hidden_bias, output_weight, output_bias = (
                self.framework.like(x, weight) for weight in weights
            )
            if not features_first or x.ndim == 1:
                return self.framework.tanh(x @ hidden_weight.T + hidden_bias) @ output_weight.T + output_bias
            hidden = self.framework.tanh(hidden_weight @ x + hidden_bias[:, None])
            return output_weight @ hidden + output_bias[:, None]

        def known_decoder(z):
            self.calls["decoder"] += 1
            logits = run(decoder, z)
            return (1 + self.framework.tanh(logits / 2)) / 2 if ends == "sigmoid" else logits

        def known_encoder(x):
            self.calls["encoder"] += 1
            output = run(encoder, x)
            if form == "stacked":
                return output
            if features_first and output.ndim == 2:
                return output[:2], output[2:]
            return output[..., :2], output[..., 2:]

        def known_sampler(mean, log_std, *rest):
            import numpy as np

            shape = tuple(mean.shape)
            known = [] if rest or self.draws_freely else noises
            noise = next((noise for noise in known if noise.shape == shape), None)
            self.calls["unknown" if noise is None else "sampler"] += 1
            if noise is None and "sample_diag_gaussian" not in self.stand_ins:
                return self.own["sample_diag_gaussian"](mean, log_std, *rest)
            noise = np.random.standard_normal(shape) if noise is None else noise
            std = mean * 0 + np.e
            return mean + std**log_std * self.framework.like(mean, noise)

        self.put("decoder", self.framework.callable(known_decoder))
        self.put("encoder", self.framework.callable(known_encoder))
        self.put("sample_diag_gaussian", known_sampler)

    def call(self, name, repeats, arguments, way):
        """Call a function several times: its results, stacked, and how often it read each known function.

        `way` is "own" for the solution's own function even if it was replaced, "free" for its own noise in
        place of known noise, else "call".
        """
        import numpy as np

        function = self.own[name] if way == "own" else self.find(self.names[name])
        self.calls.clear()
        self.draws_freely = way == "free"
        if is_stub(function):
            raise UnwrittenError
        found = [flat(function(*(self.framework.give(a.copy()) for a in arguments))) for _ in range(repeats)]
        stacked = [np.stack(results) for results in zip(*found, strict=True)]
        return (found[0] if repeats == 1 else stacked), [
            f"{key}={count}" for key, count in self.calls.items()
        ]

    def known_loss(self, x):
        """A squared error through both networks, which training lowers; not the assignment's loss."""
        features_first = x.shape[0] == 784
        output = self.own["encoder"](x)
        stacked = not isinstance(output, (tuple, list))
        mean = (output[:2] if features_first else output[:, :2]) if stacked else output[0]
        probabilities = (1 + self.framework.tanh(self.own["decoder"](mean) / 2)) / 2
        return ((probabilities - x) ** 2).sum() / x.shape[1 if features_first else 0]

    def train(self, name, epochs, measure, train_images, test_images, marks):
        """Train; return marks of the images in each batch that the loss was given.

        `measure` is the loss: the solution's own ("loss"), or "known_loss".
        """
        import numpy as np

        train, give, loss = self.own[name], self.framework.give, self.own[measure]
        if is_stub(train):
            raise UnwrittenError
        features = 0 if train_images.shape[0] == 784 else 1
        batches = [part.copy() for part in np.array_split(train_images, 3, axis=1 - features)]
        seen = []

        def recorded(batch, *rest, **others):
            if hasattr(batch, "shape") and len(batch.shape) == 2:
                pixels = flat(batch)[0]
                pixels = pixels if pixels.shape[0] == 784 else pixels.T
                seen.append(marks @ pixels)
            return loss(batch, *rest, **others)

        known = {
            ("loss", "loss_function", "loss_fn", "criterion"): recorded,
            ("encoder",): self.own.get("encoder"),
            ("decoder",): self.own.get("decoder"),
            ("train_x", "x", "images", "train_images", "train_data", "data", "x_train"): give(train_images),
            ("test_x", "test_images", "test_data", "x_test"): give(test_images),
            ("batches", "train_batches", "loader", "train_loader"): [give(batch) for batch in batches],
            ("nepochs", "epochs", "n_epochs", "num_epochs"): epochs,
        }
        by_name = {word: value for words, value in known.items() for word in words}
        arguments = {}
        for parameter in inspect.signature(train).parameters.values():
            if parameter.name in by_name:
                arguments[parameter.name] = by_name[parameter.name]
            elif parameter.default is parameter.empty and parameter.kind not in (
                parameter.VAR_POSITIONAL,
                parameter.VAR_KEYWORD,
            ):
                raise TypeError(f"its parameter {parameter.name!r} is not one of {', '.join(by_name)}")
        self.put("loss", recorded)
        try:
            train(**arguments)
        finally:
            self.put("loss", self.own.get("loss"))
        return seen

    def answers(self):
        """The answers to the five questions, as words."""
        found = getattr(self.module, "answers", None)
        if found is None:
            return None
        values = found.values() if isinstance(found, dict) else found
        return [str(value) for value in values]


def describe(error, folder):
    """Say in one line how and where a solution failed."""
    trace = error.__traceback__
    path, line = None, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith(folder + os.sep):
            path, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        path, line = error.filename, error.lineno
    where = f" ({place(path, line)})" if line else ""
    try:
        said = str(error).strip()
    except Exception:
        said = "its message cannot be shown"
    return f"{type(error).__name__}: {said or 'no message'}{where}"


def place(path, line):
    """Name a line of a file; in a notebook, by its cell, which starts with a line that notebooks.py wrote."""
    try:
        with open(path, encoding="utf-8") as file:
            before = file.read().split("\n")[:line]
    except (OSError, UnicodeError):
        return f"line {line}"
    for number, text in reversed(list(enumerate(before, 1))):
        if text.startswith(CELL):
            return f"cell {text[len(CELL) :]}, line {line - number}"
    return f"line {line}"


def perform(words, arrays, held, ask):
    """Fulfil a request; return the reply's words and arrays. `ask` lets the judge answer for a function."""
    verb, *words = words
    if verb == "load":
        path, holder, *pairs = words
        names = dict(pair.split("=", 1) for pair in pairs)
        held["solution"] = Solution(path, names, holder, ask)
        return ["loaded", *held["solution"].description(names)], []
    solution = held["solution"]
    if verb == "know":
        solution.know(*words, arrays[:4], arrays[4:8], arrays[8:])
        return ["known"], []
    if verb == "stand_in":
        solution.stand_in(words[0], int(words[1]))
        return ["known"], []
    if verb in ("call", "own", "free"):
        name, repeats = words
        found, calls = solution.call(name, int(repeats), arrays, verb)
        return ["arrays", *calls], found
    if verb == "train":
        name, epochs, measure = words
        return ["arrays"], solution.train(name, int(epochs), measure, *arrays)
    found = solution.answers()
    return ["answers", *([] if found is None else ["found", *found])], []


def answer(requests, replies, folder):
    """Serve until the judge ends.

    Only the solution's errors are caught. If it has closed the pipes, the process ends; so does a process
    that it has forked, which would answer as well.
    """
    own, held = os.getpid(), {}

    def ask(name, arrays):
        replies.send(["ask", name], arrays)
        (outcome, *words), found = requests.next()
        if outcome == "error":
            raise ValueError(*words)
        return found

    while True:
        words, arrays = requests.next()
        if words == [""]:
            return
        try:
            reply = perform(words, arrays, held, ask)
        except BaseException as error:  # also the solution's SystemExit
            reply = ["unwritten"] if is_unwritten(error, folder) else ["error", describe(error, folder)], []
        if os.getpid() != own:
            os._exit(0)
        replies.send(*reply)


def main():
    """Serve in a copy of the solution's folder, which is writable."""
    requests, replies = Requests(int(sys.argv[1])), Replies(int(sys.argv[2]))
    source, work = sys.argv[3:]
    shutil.copytree(source, work, dirs_exist_ok=True)
    os.chdir(work)
    sys.path.insert(0, work)
    sys.modules["mnist_vae"] = None  # the right answers are not here
    answer(requests, replies, work)


if __name__ == "__main__":
    main()
