"""A GGUF model in llama.cpp's memory: its facts, its vocabulary, and nothing of what it is computing."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import EngineFailed, NoModel, OutOfMemory
from ...generation.chat_template import MOST_TEMPLATE, ChatTemplate
from ...models.injection import Injection, injection_for
from .binding import library, listen, log, threads
from .features import ALL, Features
from .what_works import what_works


_KV_OVERRIDE_BOOL = 2  # llama.h: enum llama_model_kv_override_type
_FLOAT32 = 0  # ggml.h: GGML_TYPE_F32
_NO_FLASH_ATTENTION = 0  # llama.h: LLAMA_FLASH_ATTN_TYPE_DISABLED


class NativeVocabulary:
    """How a GGUF model splits text into tokens. Unless a model is to be made of it, no weights are read.

    Raises:
        NoModel: the file is missing, damaged, or of an architecture this llama.cpp does not know.
        OutOfMemory: it does not fit into memory.
        EngineFailed: the load was stopped, or llama.cpp broke.
    """

    def __init__(
        self,
        path: Path,
        progress: Callable[[float], bool] | None = None,
        *,
        weights: bool = False,
        features: Features = ALL,
    ) -> None:
        _check_file(path)
        self._lib: Any = library()
        self.path = path
        self.handle: Any = None
        parameters = self._lib.llama_model_default_params()
        parameters.vocab_only = not weights
        features.set_model(parameters)
        # KoboldAI puts no space before a text; sentencepiece vocabularies would.
        overrides = (self._lib.llama_model_kv_override * 2)()
        overrides[0].key = b"tokenizer.ggml.add_space_prefix"
        overrides[0].tag = _KV_OVERRIDE_BOOL
        overrides[0].value.val_bool = False
        parameters.kv_overrides = overrides
        stopped = False

        @self._lib.llama_progress_callback  # type: ignore[untyped-decorator]
        def hear(share: float, _data: object) -> bool:
            nonlocal stopped
            stopped = progress is not None and not progress(float(share))
            return not stopped

        if progress is not None:
            parameters.progress_callback = hear
        listen()
        self.handle = self._lib.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self.handle and not stopped and parameters.n_gpu_layers and self._lib.llama_supports_gpu_offload():
            parameters.n_gpu_layers = 0  # not enough memory on the card, perhaps; the CPU has more
            self.handle = self._lib.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self.handle:
            raise _why_not(path, stopped)
        self._vocab = self._lib.llama_model_get_vocab(self.handle)
        self.vocabulary = int(self._lib.llama_vocab_n_tokens(self._vocab))
        self._bos = int(self._lib.llama_vocab_bos(self._vocab))
        self._pieces: dict[int, bytes] = {}  # asked for with every token that is written
        self._buffer = ctypes.create_string_buffer(64)

    @property
    def lib(self) -> Any:
        """The binding of llama.cpp."""
        return self._lib

    def _meta(self, key: str) -> str:
        buffer = ctypes.create_string_buffer(256)
        length = self._lib.llama_model_meta_val_str(self.handle, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if length >= 0 else ""

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """Return the ids of ``text``: no BOS, no added space.

        Words that look like special tokens (``<|im_end|>``) stay words, unless they are to be read as ``special``.
        """
        data = text.encode("utf-8", "replace")
        if not data:
            return []
        room = len(data) // 2 + 16
        while True:
            ids = (self._lib.llama_token * room)()
            count = int(self._lib.llama_tokenize(self._vocab, data, len(data), ids, room, False, special))
            if count >= 0:
                return list(ids[:count])
            if -count <= room:
                raise EngineFailed("llama.cpp could not split the text into tokens.")
            room = -count

    def piece(self, token: int) -> bytes:
        """Return the bytes ``token`` stands for; none for a special token. They may end inside a letter."""
        if (known := self._pieces.get(token)) is not None:
            return known
        if not 0 <= token < self.vocabulary:  # llama.cpp would abort the process
            raise EngineFailed(f"The model wrote a token that is not in its vocabulary: {token}.")
        while True:
            size = len(self._buffer)
            length = int(self._lib.llama_token_to_piece(self._vocab, token, self._buffer, size, 0, False))
            if length >= 0:
                return self._pieces.setdefault(token, self._buffer.raw[:length])
            self._buffer = ctypes.create_string_buffer(-length)

    def ends(self, token: int) -> bool:
        """Return whether ``token`` ends a text: EOS, end of turn, or BOS, for then another text begins."""
        return bool(self._lib.llama_vocab_is_eog(self._vocab, token)) or token == self._bos

    def spelling(self, token: int) -> bytes:
        """Return how ``token`` is written in a text, special ones by their name (``<|im_end|>``)."""
        if (piece := self.piece(token)) or self._lib.llama_vocab_is_control(self._vocab, token) is False:
            return piece
        found = self._lib.llama_vocab_get_text(self._vocab, token)
        return bytes(found) if found else b""

    @property
    def bos(self) -> int:
        """The token that stands at the beginning of a text by its maker's convention; -1 where there is none."""
        return self._bos

    @property
    def eos(self) -> int:
        """The token that ends a text; -1 where there is none."""
        return int(self._lib.llama_vocab_eos(self._vocab))

    @property
    def chat_template(self) -> ChatTemplate | None:
        """How the model was taught to hold a conversation; None where its file has no such form."""
        source = self._lib.llama_model_chat_template(self.handle, None)
        if not source or len(source) > MOST_TEMPLATE:
            return None
        eos = int(self._lib.llama_vocab_eos(self._vocab))
        spelled = self._lib.llama_vocab_get_text(self._vocab, eos) if eos >= 0 else b""
        return ChatTemplate(source.decode("utf-8", "replace"), (spelled or b"").decode("utf-8", "replace"))

    @property
    def opening(self) -> int:
        """The token to begin an empty page with when nothing else stands there: BOS, or a newline, or the first."""
        for token in (self._bos, self._lib.llama_vocab_nl(self._vocab)):
            if token >= 0:
                return int(token)
        return 0

    def close(self) -> None:
        if self.handle:
            self._lib.llama_model_free(self.handle)
        self.handle = None


class NativeModel(NativeVocabulary):
    """A whole model. ``progress`` is called with shares from 0 to 1 and stops the load by returning False.

    ``features`` are those that work here (``what_works``) unless they are given.

    Attributes:
        context: tokens the model was trained for.
        width, vocabulary: of its embedding table.
        injection: how a module's rows enter it.
        features: what of llama.cpp is used with it; contexts made of it must heed them, too.
        threads: of contexts that are made of it, for writing and for reading a prompt (``thread_choice``).
        notice: what a person should read once about that, or empty.
        description: architecture, size and quantisation in llama.cpp's words (``llama 7B Q4_K - Medium``).
        bytes_per_token: keys and values of one token in all layers, as half floats; about, for odd architectures.
        long_rope: its positions are encoded in another way where the context is longer than it once was.

    Raises:
        NoModel, OutOfMemory, EngineFailed: as NativeVocabulary; NoModel also for a model that writes no text,
            EngineFailed where llama.cpp would end the process.
    """

    def __init__(
        self, path: Path, progress: Callable[[float], bool] | None = None, features: Features | None = None
    ) -> None:
        self.notice = ""
        if features is None:
            _check_file(path)
            outcome = what_works(path, lambda: progress is not None and not progress(0.0))
            outcome.refuse()
            features = outcome.features
            self.notice = outcome.sentence if outcome.fresh else ""
        self.features = features
        super().__init__(path, progress, weights=True, features=features)
        self.width = int(self._lib.llama_model_n_embd(self.handle))
        self.context = int(self._lib.llama_model_n_ctx_train(self.handle))
        self.architecture = self._meta("general.architecture")
        if self.vocabulary <= 0 or not self._lib.llama_model_has_decoder(self.handle):
            self.close()
            raise NoModel(
                f"{path.name} is no model that writes text.", "Give the GGUF file of a causal language model."
            )
        self.description = self._description()
        self.threads = threads()
        self.bytes_per_token = self._bytes_per_token()
        self.long_rope = self._meta(f"{self.architecture}.rope.scaling.type") == "longrope"
        self.injection: Injection = injection_for(
            self.architecture,
            self.width,
            int(self._lib.llama_model_n_embd_inp(self.handle)),
            int(self._lib.llama_model_rope_type(self.handle)),
            int(self._meta(f"{self.architecture}.embedding_length_per_layer_input") or 0),
            path.stem,
        )

    def new_context(self, *, cells: int, batch: int, outputs: int, sequences: int = 1, exact: bool = False) -> Any:
        """Return llama.cpp's handle of a new context; a null pointer where it makes none, and the log says why.

        Args:
            cells: tokens that it holds, of all sequences together.
            batch: tokens that one call may compute; ``outputs``: of them with logits.
            exact: keep keys and values as float32 and compute attention step by step.
        """
        parameters = self._lib.llama_context_default_params()
        parameters.n_ctx, parameters.n_seq_max = cells, sequences
        parameters.n_batch = parameters.n_ubatch = batch
        parameters.n_outputs_max = outputs
        parameters.kv_unified = True  # one pool of cells
        parameters.n_threads, parameters.n_threads_batch = self.threads
        self.features.set_context(parameters)
        if exact:
            parameters.type_k = parameters.type_v = _FLOAT32
            parameters.flash_attn_type = _NO_FLASH_ATTENTION
        log.clear()
        return self._lib.llama_init_from_model(self.handle, parameters)

    def _description(self) -> str:
        buffer = ctypes.create_string_buffer(256)
        self._lib.llama_model_desc(self.handle, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    def _bytes_per_token(self) -> int:
        heads = max(1, int(self._lib.llama_model_n_head(self.handle)))
        head = int(self._meta(f"{self.architecture}.attention.key_length") or self.width // heads)
        shared = int(self._lib.llama_model_n_head_kv(self.handle))
        return 2 * 2 * int(self._lib.llama_model_n_layer(self.handle)) * shared * head


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise NoModel(f"There is no model file at {path}.", "`kobold-modules models` lists those on this disk.")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise NoModel(f"{path} cannot be read: {error.strerror or error}.") from error
    if magic != b"GGUF":
        raise NoModel(f"{path} is not a GGUF model: it does not begin with GGUF.", "Give a .gguf file.")


def _why_not(path: Path, stopped: bool) -> Exception:
    if stopped:
        return EngineFailed(f"Loading {path.name} was stopped.")
    reason = log.reason()
    if any(
        sign in reason.lower() for sign in ("unable to allocate", "failed to allocate", "out of memory", "bad_alloc")
    ):
        return OutOfMemory(
            f"{path.name} does not fit into memory.", "Take a smaller model or a smaller quantisation of it."
        )
    if "unknown model architecture" in reason:
        return NoModel(f"{path.name}: {reason}.", "This version of llama.cpp does not know it yet.")
    return NoModel(
        f"{path.name} is damaged or unfinished{f': {reason}' if reason else ''}.", "Download or copy it again."
    )
