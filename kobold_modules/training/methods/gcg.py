"""Words polished by exchanges in all places at once, and held to what reads well and can be typed.

Greedy coordinate gradient (Zou, Wang, Carlini, Nasr, Kolter and Fredrikson, arXiv 2307.15043, algorithm 1), as a
search for a prompt that makes given text likely (Melamed et al., arXiv 2311.07064, section 3), with a term for
fluency. For words w_1 .. w_k, e_i = E[w_i], pages x and the frozen model p

    L(w) = mean over the tokens of x of  - ln p(x_t | w, x_<t)            nats per token behind the words
    F(w) = mean over i = 2 .. k of       - ln p(w_i | w_<i)               nats per token of the words themselves
    J(w) = L(w) + FLUENCY * F(w)

The gradient of J by the one-hot vector of place i, at word v, is to first order what writing v there does to J:

    S[i, v] = E[v] . dJ/de_i  -  FLUENCY / (k - 1) * ln p(v | w_<i)       (the last term for i >= 2)

A step draws TRIED exchanges: a place by chance, and a word by chance from the NAMED smallest of S in that place. An
exchange counts only if its words, written out and read again, are the same tokens: else what is measured is not what
is pasted. All that are left are measured on one batch, and the best stays if it is better than what stands.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
import torch.nn.functional as functional
from torch import Tensor

from ...backends.torch.load import TorchModel
from ...forward.prompt_loss import PromptLoss
from ...records import Progress
from .hard_prompt import HardPrompt, Probe, SearchTask, best_of_steps, first_ids, rows_at, text_of, typeable


TRIED = 32  # exchanges of a step
NAMED = 64  # words of a place that they are drawn from
FLUENCY = 0.1  # weight of how well the words read
TOGETHER = 8  # exchanges that are measured in one call
BEHIND = "\n\n"  # what the words are followed by where they are pasted
SETTLING = 4  # times that words are written out and read again before the search begins


def gcg(task: SearchTask) -> Generator[Progress, None, HardPrompt]:
    """Exchange words, one of many drawn a step; see the module.

    What begins is words that are the same tokens when they are read again, so that the answer may be a few tokens
    longer or shorter than it was asked for.
    """
    loss, frozen = task.loss, task.loss.frozen
    allowed = typeable(frozen)
    dice = torch.Generator().manual_seed(task.seed)
    first = settled(frozen, first_ids(task, allowed))
    probe = Probe(loss, task.rows)

    def moved(ids: Tensor, step: int, batch: Tensor) -> Tensor:
        value, scores = first_order(loss, ids, batch)
        tried = exchanges(ids, scores.masked_fill(~allowed, torch.inf), dice)
        tried = [other for other in tried if reads_back(frozen, other)]
        values = objective(loss, torch.stack(tried), batch) if tried else torch.empty(0)
        return tried[int(values.argmin())] if tried and float(values.min()) < value else ids

    def worth(ids: Tensor) -> float:
        return probe(ids) + FLUENCY * float(nats_of_words(loss, ids[None])[0])

    return (yield from best_of_steps(task, first, moved, worth))


def first_order(loss: PromptLoss, ids: Tensor, batch: Tensor) -> tuple[float, Tensor]:
    """Return J of ``ids`` and what each word in each place would do to it, to first order.

    Args:
        ids: int64 ``[tokens]``.
        batch: int64 ``[rows, 2, length]``, as a row source gives it.

    Returns:
        J in nats per token, and S as float32 ``[tokens, vocabulary]``, which is only to be compared within a place.
    """
    frozen = loss.frozen
    leaf = rows_at(frozen, ids).requires_grad_(True)
    value = loss(leaf, batch[:, 0], batch[:, 1])
    logs = _log_probabilities(frozen, leaf)  # of what comes behind each word
    own = -logs[:-1].gather(1, ids[1:, None]).mean() if len(ids) > 1 else leaf.new_zeros(())
    (slope,) = torch.autograd.grad(value + FLUENCY * own, leaf)
    scores = slope @ frozen.table.float().T  # E[v] . dJ/de_i
    if len(ids) > 1:
        scores[1:] -= FLUENCY / (len(ids) - 1) * logs[:-1].detach()
    return float((value + FLUENCY * own).detach()), scores


def exchanges(ids: Tensor, scores: Tensor, dice: torch.Generator) -> list[Tensor]:
    """Draw :data:`TRIED` exchanges of one word of ``ids`` ``[tokens]``; those that change nothing are left out.

    Args:
        scores: float32 ``[tokens, vocabulary]``, lower is better, infinite for words that may not stand there.
    """
    count = min(NAMED, scores.shape[1])
    named = scores.topk(count, largest=False)
    found = []
    for _ in range(TRIED):
        place, rank = (int(torch.randint(most, (1,), generator=dice)) for most in (len(ids), count))
        if torch.isfinite(named.values[place, rank]) and named.indices[place, rank] != ids[place]:
            other = ids.clone()
            other[place] = named.indices[place, rank]
            found.append(other)
    return found


@torch.no_grad()
def objective(loss: PromptLoss, prompts: Tensor, batch: Tensor) -> Tensor:
    """Return J of each of ``prompts`` (int64 ``[n, tokens]``) on ``batch``, float32 ``[n]``."""
    ids, documents = batch[:, 0], batch[:, 1]
    scored = (documents[:, 1:] == documents[:, :-1]).sum()
    found = []
    for part in prompts.split(TOGETHER):
        rows = loss.frozen.table[part].float()
        values = loss.per_token(rows, ids.repeat(len(part), 1), documents.repeat(len(part), 1))
        found.append(values.view(len(part), -1).sum(1) / scored)
    return torch.cat(found) + FLUENCY * nats_of_words(loss, prompts)


@torch.no_grad()
def nats_of_words(loss: PromptLoss, prompts: Tensor) -> Tensor:
    """Return F of each of ``prompts`` (int64 ``[n, tokens]``), float32 ``[n]``; 0 for a single word."""
    if prompts.shape[1] < 2:
        return torch.zeros(len(prompts), device=prompts.device)
    return torch.cat([loss.per_token(None, part).mean(1) for part in prompts.split(4 * TOGETHER)])


def reads_back(frozen: TorchModel, ids: Tensor) -> bool:
    """Whether ``ids``, written out as text and read again where they are pasted, are the same tokens."""
    words = ids.tolist()
    return frozen.encode(text_of(frozen, words) + BEHIND)[: len(words)] == words


def settled(frozen: TorchModel, ids: Tensor) -> Tensor:
    """Return ``ids`` as they are after they were written out and read again until that changes nothing."""
    for _ in range(SETTLING):
        words = frozen.encode(text_of(frozen, ids.tolist()))
        if not words or words == ids.tolist():
            break
        ids = torch.tensor(words, device=ids.device)
    return ids


def _log_probabilities(frozen: TorchModel, prompt: Tensor) -> Tensor:
    """Return ln p of what comes behind each row of ``prompt`` ``[tokens, width]``: float32 ``[tokens, vocabulary]``."""
    embeds = (prompt * frozen.scale).to(frozen.table.dtype)
    logits: Tensor = frozen.model(inputs_embeds=embeds[None], use_cache=False).logits[0]
    return functional.log_softmax(logits.float(), dim=-1)
