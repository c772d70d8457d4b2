"""One training step's arithmetic: the loss of a soft prompt over a batch, through a frozen model.

In a causal model the prompt's own positions see nothing of the text, so their keys and values are the same for every
row: they are computed once a step and shared, and the rows' gradients add up. This is exact (tests compare it with the
plain concatenation in float64). No weight ever needs a gradient, and the head is applied in chunks.

There are three ways, best first; which one a model takes is tried on a few tokens, never assumed:

``fused``      layers by hand over one flat array of prompt and text (``fused_llama``): Llama and its like, on a CPU
``shared_kv``  transformers' own layers behind a cache that holds the prompt: nearly every architecture, any device
``concat``     the prompt concatenated to every row: always right

A deep prefix needs no pass of its own: its keys and values stand where a prompt's would (:meth:`PromptLoss.deep`).
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as functional
from torch import Tensor

from ..backends.torch.deep_prefix import rope_of
from ..backends.torch.load import TorchModel
from ..errors import WrongModel
from ..soft_prompt.rotation import Rope
from ..soft_prompt.stack import Stack
from .distillation_loss import TeacherTargets, losses_of_logits
from .fused_llama import FusedLlama
from .ops import compiled
from .output_head import CHUNK, OutputHead, wide
from .prefix_cache import PrefixShape, cache_of, keys_and_values, prefix_shape, table_of
from .prefix_stack import Held, table_around
from .row_threads import SERIAL, RowThreads


if TYPE_CHECKING:
    from transformers import DynamicCache

Way = Literal["fused", "shared_kv", "concat"]


class PromptLoss:
    """The mean loss, in nats per token, of text rows behind a soft prompt.

    ``way`` says how it is computed; ``row_threads`` may compute it for several parts of a batch at the same time.
    """

    prefix: PrefixShape | None = None  # of deep prefixes, where prompts are such

    def __init__(self, frozen: TorchModel) -> None:
        self.frozen = frozen
        self._rows: PromptLoss | None = None
        self.decoder = frozen.model.get_decoder()
        self.head = OutputHead(frozen)
        self._fused: FusedLlama | None = None
        self.way: Way = "concat"
        if self._agrees("shared_kv"):
            self.way = "shared_kv"
        if self.way == "shared_kv" and self.head.transform is None:
            try:
                self._fused = FusedLlama(frozen)
            except (AttributeError, ValueError, TypeError):  # not built like a Llama
                self._fused = None
            if self._fused is not None and self._agrees("fused"):
                self.way = "fused"
        self._row_threads = RowThreads.of_this_process()

    def deep(self) -> PromptLoss:
        """Return the loss behind deep prefixes: its prompts are tables as ``prefix_cache`` describes them.

        :attr:`rows` of it is the loss behind rows, from which a prefix starts.

        Raises WrongModel where the model takes no deep prefixes.
        """
        shape = prefix_shape(self.frozen)
        loss = copy.copy(self)
        loss.prefix, loss._rows = shape, self
        for way in ("fused", "shared_kv"):
            if self.way in (way, "fused") and loss._follows(self, way):
                loss.way = way
                return loss
        raise WrongModel(
            f"{self.frozen.name} does not read on behind keys and values, so it takes no deep prefixes.",
            "Train it with --method prompt.",
        )

    @property
    def rows(self) -> PromptLoss:
        """The loss behind embedding rows: this one, unless its prompts are deep prefixes."""
        return self if self._rows is None else self._rows

    def start(self, rows: Tensor) -> Tensor:
        """Return the prompt that ``rows``, float32 ``[tokens, width]``, are: themselves, or their keys and values."""
        return rows if self.prefix is None else keys_and_values(self.frozen, self.prefix, rows)

    def behind(self, stack: Stack) -> Tensor:
        """Return the prompt that is all of ``stack``, where prompts are deep prefixes (:meth:`deep`).

        Raises WrongModel where a module does not fit.
        """
        assert self.prefix is not None
        return table_of(self.frozen, self.prefix, stack)

    @cached_property
    def rope(self) -> Rope | None:
        """How the model turns keys, where prompts are deep prefixes; None where that is not known."""
        return None if self.prefix is None else rope_of(self.frozen, self.prefix.layers)

    def among(self, before: Sequence[Held], prompts: Tensor, behind: Sequence[Held]) -> Tensor:
        """Return ``prompts``, ``[prompts, tokens, width]``, as they stand in a stack with others; differentiable.

        Others are rows, or deep prefixes where prompts are such (``prefix_stack``). A deep prefix behind anything
        needs :attr:`rope`.
        """
        if self.prefix is not None:
            return table_around(self.frozen, self.prefix, self.rope, before, prompts, behind)
        front, back = ([part.numbers.to(prompts.dtype).expand(len(prompts), -1, -1) for part in side]
                       for side in (before, behind))  # fmt: skip
        return torch.cat([*front, prompts, *back], dim=1)

    @property
    def unit(self) -> float:
        """What a learning rate of 1 is, in units of the prompts."""
        return self.frozen.rms if self.prefix is None else 1.0

    def opening(self, prompt: Tensor, text: Tensor) -> tuple[Tensor, DynamicCache | None]:
        """Return what the model reads first, ``[1, length, width]``, where ``text`` stands behind ``prompt``.

        Args:
            prompt: as :meth:`per_token` takes one.
            text: what the embedding module returned for it, ``[length, width]``.

        Returns:
            the embeddings, and the cache they are read behind, if any.
        """
        if self.prefix is not None:
            return text[None], cache_of(self.frozen, self.prefix, prompt[None])
        return torch.cat([self._embeds(prompt), text])[None], None

    @property
    def row_threads(self) -> RowThreads:
        """The threads that may compute at the same time.

        The fused way keeps nothing between calls that a thread could disturb; transformers promises no such thing.
        """
        return self._row_threads if self.way == "fused" else SERIAL

    @property
    def shares(self) -> bool:
        """Whether the prompt is computed once a step."""
        return self.way != "concat"

    @shares.setter
    def shares(self, value: bool) -> None:
        if not value:
            self.way = "concat"

    def compile(self) -> bool:
        """Compile the fused way's small arithmetic; False where that is not to be had. Results change by rounding."""
        ops = compiled() if self.way == "fused" else None
        if self._fused is None or ops is None:
            return False
        self._fused.ops = ops
        return True

    def __call__(self, prompt: Tensor | None, rows: Tensor, documents: Tensor | None = None) -> Tensor:
        """Return the mean negative log-likelihood of ``rows[:, 1:]``; see :meth:`per_token`."""
        losses = self.per_token(prompt, rows, documents)
        if documents is None:
            return losses.mean()
        return losses.sum() / (documents[:, 1:] == documents[:, :-1]).sum()

    def per_token(self, prompt: Tensor | None, rows: Tensor, documents: Tensor | None = None) -> Tensor:
        """Return the negative log-likelihood of each of ``rows[:, 1:]``: float32 ``[batch, length - 1]``, nats.

        Args:
            prompt: float32 ``[tokens, width]`` in raw embedding rows, or ``[prompts, tokens, width]`` for as many equal
                groups of rows, or None for the bare model. Of deep prefixes the width is ``prefix.features``.
            rows: int64 ``[batch, length]`` ids, no padding.
            documents: int64 like ``rows``: which document a position belongs to, never falling along a row, or None for
                one document a row. A position sees its own document alone, at positions of its own, and the loss of a
                document's first token is 0.
        """
        prompts = prompt[None] if prompt is not None and prompt.dim() == 2 else prompt
        if documents is not None and bool((documents == documents[:, :1]).all()):
            documents = None
        losses = self._losses(self._outputs(prompts, rows, documents), rows[:, 1:])
        return losses if documents is None else losses * (documents[:, 1:] == documents[:, :-1])

    def against(
        self, prompt: Tensor | None, rows: Tensor, documents: Tensor | None, at: Tensor, targets: TeacherTargets
    ) -> Tensor:
        """Return the divergence from a teacher at each scored position: float32 ``[scored]``, nats.

        Args:
            prompt, rows, documents: as in :meth:`per_token`.
            at: bool ``[batch, length - 1]``: which of ``rows[:, 1:]`` are scored; never a document's first token.
            targets: what the teacher expects there, row after row, ``len(targets) == at.sum()``.
        """
        outputs = self._scored(prompt, rows, documents, at)
        if self.way == "concat":
            return losses_of_logits(wide(outputs), targets)
        return self.head.divergence(outputs, targets)

    def teacher(self, prompt: Tensor | None, rows: Tensor, documents: Tensor | None, at: Tensor) -> TeacherTargets:
        """Return what the model behind ``prompt`` expects at the positions that :meth:`against` scores."""
        with torch.no_grad():
            outputs = self._scored(prompt, rows, documents, at)
            parts = [TeacherTargets.of_logits(self._logits(part)) for part in outputs.split(CHUNK // 4)]
        return TeacherTargets.joined(parts)

    def _scored(self, prompt: Tensor | None, rows: Tensor, documents: Tensor | None, at: Tensor) -> Tensor:
        """Return the outputs at the scored positions, ``[scored, ...]``."""
        if documents is not None and bool((documents == documents[:, :1]).all()):
            documents = None
        prompts = prompt[None] if prompt is not None and prompt.dim() == 2 else prompt
        return self._outputs(prompts, rows, documents)[at]

    def _outputs(self, prompts: Tensor | None, rows: Tensor, documents: Tensor | None) -> Tensor:
        """Return what predicts ``rows[:, 1:]``, ``[batch, length - 1, ...]``: hidden states, or logits (``concat``)."""
        fused = self._fused if self.way == "fused" else None
        virtual = 0 if prompts is None else prompts.shape[1]
        if fused is not None and virtual + rows.shape[1] <= fused.longest:
            before = None if documents is None else documents[:, :-1]  # a row's last token is only ever a target
            if self.prefix is not None and prompts is not None:
                return fused.hidden_behind(self.prefix.split(prompts), rows[:, :-1], before)
            raw = self.frozen.table.new_zeros(1, 0, self.frozen.table.shape[1]) if prompts is None else prompts
            embeds = wide(raw) * self.frozen.scale  # the residual stream is float32, whatever the weights are
            return fused.hidden(embeds, rows[:, :-1], before)
        if documents is not None:
            return self._apart(prompts, rows, documents)
        if self.way == "concat":
            return self._model_logits(prompts, rows)
        return self._hidden(prompts, rows)[:, :-1]

    def _losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the losses of ``targets`` from the outputs before them, both ``[batch, length, ...]``."""
        if self.way == "concat":
            return functional.cross_entropy(wide(outputs).transpose(1, 2), targets, reduction="none")
        return self.head.losses(outputs.flatten(0, 1), targets.flatten()).view(targets.shape)

    def _logits(self, outputs: Tensor) -> Tensor:
        """Return the logits of ``outputs``, ``[positions, ...]``, in float32 at least."""
        return wide(outputs) if self.way == "concat" else self.head.logits(outputs)

    def _embeds(self, prompts: Tensor) -> Tensor:
        embeds: Tensor = (prompts * self.frozen.scale).to(self.frozen.table.dtype)
        return embeds

    def _hidden(self, prompts: Tensor | None, rows: Tensor) -> Tensor:
        """Return the last hidden states of the text positions, ``[batch, length, width]``."""
        hidden: Tensor
        if prompts is None:
            hidden = self.decoder(input_ids=rows, use_cache=False).last_hidden_state
            return hidden
        if self.prefix is not None:
            cache = cache_of(self.frozen, self.prefix, prompts, rows.shape[0] // prompts.shape[0])
            hidden = self.decoder(input_ids=rows, cache=cache, use_cache=True).last_hidden_state
            return hidden
        cache = self.frozen.new_cache()
        self.decoder(inputs_embeds=self._embeds(prompts), cache=cache, use_cache=True)
        cache.batch_repeat_interleave(rows.shape[0] // prompts.shape[0])
        hidden = self.decoder(input_ids=rows, cache=cache, use_cache=True).last_hidden_state
        return hidden

    def _concatenated(self, prompts: Tensor | None, rows: Tensor) -> Tensor:
        """Concatenate the prompt to every row and use the model's own logits: right for every architecture."""
        logits = self._model_logits(prompts[None] if prompts is not None and prompts.dim() == 2 else prompts, rows)
        return functional.cross_entropy(wide(logits).transpose(1, 2), rows[:, 1:], reduction="none")

    def _model_logits(self, prompts: Tensor | None, rows: Tensor) -> Tensor:
        """Return the model's own logits before each of ``rows[:, 1:]``, ``[batch, length - 1, vocabulary]``."""
        logits: Tensor
        if prompts is None:
            logits = self.frozen.model(input_ids=rows, use_cache=False).logits
            return logits[:, :-1]
        text = self.frozen.model.get_input_embeddings()(rows)
        virtual = self._embeds(prompts).repeat_interleave(rows.shape[0] // prompts.shape[0], dim=0)
        whole = torch.cat([virtual, text], dim=1)
        logits = self.frozen.model(inputs_embeds=whole, use_cache=False).logits
        return logits[:, prompts.shape[1] : -1]

    def _apart(self, prompts: Tensor | None, rows: Tensor, documents: Tensor) -> Tensor:
        """Give every document a row of its own, filled up on the right, which a causal model never sees."""
        group = rows.shape[0] // (1 if prompts is None else prompts.shape[0])
        lines = []
        for index, (ids, owner) in enumerate(zip(rows, documents, strict=True)):
            prompt = None if prompts is None else prompts[index // group][None]
            ends = [0, *((owner[1:] != owner[:-1]).nonzero()[:, 0] + 1).tolist(), len(ids)]
            pieces = [ids[a:b] for a, b in itertools.pairwise(ends)]
            longest = max(2, *(len(piece) for piece in pieces))
            filled = torch.stack([functional.pad(piece, (0, longest - len(piece))) for piece in pieces])
            outputs = self._outputs(prompt, filled, None)
            # what stands before a document's first token predicts nothing: zeros fill its place
            kept = [
                functional.pad(line[: len(piece) - 1], (0, 0, 1, 0))
                for line, piece in zip(outputs, pieces, strict=True)
            ]
            lines.append(torch.cat(kept)[1:])
        return torch.stack(lines)

    @torch.no_grad()
    def _follows(self, loss: PromptLoss, way: Way) -> bool:
        """Try on a few tokens whether the keys and values of rows give in ``way`` what the rows give in ``loss``."""
        ids, prompt = self._trial()
        self.way = way
        try:
            found = self.per_token(self.start(prompt), ids)
        except Exception:  # an architecture that cannot fails in its own way, and the sentence is the caller's
            return False
        return self._alike(found, loss.per_token(prompt, ids))

    def _trial(self) -> tuple[Tensor, Tensor]:
        """Return two rows of ids, and the rows of five tokens to stand before them."""
        table = self.frozen.table
        generator = torch.Generator().manual_seed(0)
        ids = torch.randint(table.shape[0], (2, 12), generator=generator).to(table.device)
        prompt = table[torch.randint(table.shape[0], (5,), generator=generator).to(table.device)].float()
        return ids, prompt

    @torch.no_grad()
    def _agrees(self, way: Way) -> bool:
        """Try on a few tokens whether ``way`` gives this architecture's own losses."""
        if self.head.module is None:
            return False
        ids, prompt = self._trial()
        before, self.way = self.way, way
        try:
            found = self.per_token(prompt, ids)
        except Exception:  # an architecture without a plain KV cache fails in its own way; concatenation serves it
            return False
        finally:
            self.way = before
        return self._alike(found, self._right)

    @cached_property
    def _right(self) -> Tensor:
        """The losses of the trial, computed in the way that is always right."""
        ids, prompt = self._trial()
        return self._concatenated(prompt, ids)

    def _alike(self, found: Tensor, right: Tensor) -> bool:
        difference = (found - right).abs()
        if self.frozen.table.dtype.itemsize >= 4:
            return bool(difference.max() < 1e-3)
        # Thirty layers of half precision differ by 0.1 nats here and there whichever way is taken; a layer computed
        # wrongly differs by nats, everywhere.
        return bool(difference.max() < 0.75 and difference.mean() < 0.15)
