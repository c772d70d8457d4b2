"""What a module does, in a sentence for its card."""

from __future__ import annotations

from kobold_modules.soft_prompt.module import Card
from kobold_modules.tui.state.phrases import full_effect, training


BETTER = {"gain": 0.04, "gain_low": 0.03, "gain_high": 0.05, "held_out_stretches": 24, "learned": True}
OTHERS = {"others_gain": -0.01, "others_gain_low": -0.02, "others_gain_high": -0.005, "others_stretches": 24}


def test_a_style_is_told_beside_other_authors() -> None:
    said = full_effect(Card("noir", measured=BETTER | OTHERS))

    assert said == "Predicts held-out pages 4.0 % better (3.0 to 5.0); other authors' 1.0 % worse (0.5 to 2.0)."


def test_a_world_is_told_beside_other_text() -> None:
    recall = {"recall_asked": 24, "recall_before": 6, "recall_after": 15}
    said = full_effect(Card("saltmere", kind="world", measured=BETTER | OTHERS | recall))

    assert said.endswith(
        "It gets 15 of 24 of them right; without it 6 are. Other text is predicted 1.0 % worse (0.5 to 2.0)."
    )


def test_a_training_is_told_with_what_stood_beside_it() -> None:
    facts = {"steps": 400, "seconds": 200.0, "seed": 7}

    assert training(Card("noir", training=facts)) == "400 steps in 3 min 20 s, seed 7"
    assert training(Card("noir", training=facts | {"beside": ["rain", "farce"]})).endswith("seed 7, beside rain, farce")
