"""An evaluation with something in every field, for tests of what is made of it."""

from __future__ import annotations

from kobold_modules.evidence import (
    Answered,
    CoLoad,
    Estimate,
    Evaluated,
    FrontLoss,
    Measure,
    Neutral,
    Recalled,
    Recital,
    Stacked,
    StyleEvidence,
    WorldEvidence,
)


GOOD = Estimate(0.04, 0.03, 0.05)
NONE = Estimate(0.001, -0.004, 0.006)
BAD = Estimate(-0.03, -0.04, -0.02)


def style(
    gain: Estimate = GOOD, others: Estimate = NONE, specific: Estimate = GOOD, own: Estimate = GOOD
) -> StyleEvidence:
    return StyleEvidence(
        tokens=2000,
        losses=(
            FrontLoss("nothing", 3.0, 1.5, Estimate(0.0, 0.0, 0.0), 0),
            FrontLoss("module", 2.9, 1.44, gain, 100),
            FrontLoss("own words", 2.95, 1.48, Estimate(0.01, 0.005, 0.015), 100),
        ),
        others=others,
        specificity=specific,
        over_own_words=own,
        measures=(
            Measure(
                name="delta", label="function words", unit="cosine Delta", value=0.8, floor=1.2, ceiling=0.7,
                nearer="lower", base=1.1, place=Estimate(0.8, 0.6, 1.0),
            ),
        ),
        drift=(0.8, 0.82, 0.9),
        drift_label="function words",
        cliches=1.5,
        author_cliches=0.2,
        base_cliches=2.5,
        sample="It was <b>late</b> & raining.",
    )  # fmt: skip


def world(answers: tuple[Answered, ...] = (), gap: float = 0.6) -> WorldEvidence:
    def recalled(front: str, right: float, nats: float) -> Recalled:
        share = Estimate(right, right - 0.1, right + 0.1)
        return Recalled(front, share, share, Estimate(nats, nats - 0.3, nats + 0.3))

    return WorldEvidence(
        questions=96,
        form="plain",
        recall=(recalled("nothing", 0.25, 7.0), recalled("module", 0.5, 4.0), recalled("entry in context", 0.8, 3.5)),
        gap_right=Estimate(gap, gap - 0.2, gap + 0.2),
        gap_nats=Estimate(0.9, 0.8, 1.0),
        answered=Estimate(0.3, 0.2, 0.4),
        answered_without=Estimate(0.0, 0.0, 0.1),
        answers=answers or (Answered("Who won?", "Zorg did", "Orrub", False, ("Zorg",)),),
        invented=("Zorg",),
        wrong=("Who won?",),
    )


def evaluated(**parts: object) -> Evaluated:
    fields: dict[str, object] = {
        "module": "noir",
        "kind": "style",
        "model": "starter",
        "digest": "d" * 64,
        "date": "2026-11-26T19:00:00+00:00",
        "virtual_tokens": 100,
        "quick": False,
        "seconds": 95.0,
        "tokens": 20_000,
        "headline": "",
        **parts,
    }
    return Evaluated(**fields)  # type: ignore[arg-type]


def co_load(kept: float, stand_ins: bool = False) -> CoLoad:
    share = Estimate(kept, kept - 0.1, kept + 0.1)
    rows = (Stacked(("noir", "sea"), Estimate(0.1), share), Stacked(("sea", "noir"), Estimate(0.2), Estimate(0.98)))
    return CoLoad("nats per token", Estimate(0.2, 0.15, 0.25), rows, stand_ins)


def everything() -> Evaluated:
    return evaluated(
        style=style(),
        world=world(),
        neutral=Neutral(1.5, 1.53, Estimate(0.02, 0.01, 0.03), 1500),
        co_load=co_load(0.5),
        recital=Recital(0.3, 40, "it was a <dark> night", True, "It recites its training text: 30.0 % of the words."),
        repetition=0.08,
        repetition_without=0.01,
        notes=("There is <no> ceiling.",),
    )
