"""Rows of short pieces: nothing padded, each pool in time with its share, the same for a seed and a step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.training.world.mixture import Mixture, Pool
from kobold_modules.training.world.piece import Piece, pieces_of


def pool(name: str, lengths: list[int], share: float, first: int) -> Pool:
    """Return pieces whose ids say which they are; the first half of each is not learned."""
    pieces, target = [], 1000 * first
    for number, length in enumerate(lengths):
        scored = max(1, length // 2)
        pieces.append(Piece(tuple([first + number] * length), scored, (), target))
        target += length - scored
    return Pool(name, tuple(pieces), share)


LENGTHS = st.lists(st.integers(2, 12), min_size=1, max_size=6)


@given(LENGTHS, LENGTHS, st.integers(12, 40))
def test_a_row_is_whole_pieces_and_the_beginning_of_one(some: list[int], more: list[int], length: int) -> None:
    mixture = Mixture((pool("a", some, 0.7, 10), pool("b", more, 0.3, 50)), length)
    whole = {piece.ids[0]: piece for pool in mixture.pools for piece in pool.pieces}

    for ids, documents, targets in mixture.batch(1, 0, 12):
        assert len(ids) == length
        for number in range(int(documents.max()) + 1):
            here = documents == number
            piece = whole[int(ids[here][0])]
            assert ids[here].tolist() == list(piece.ids[: int(here.sum())])
            learned = targets[here].tolist()
            begin = min(piece.scored, len(learned))
            assert learned[:begin] == [-1] * begin
            assert learned[begin:] == list(range(piece.target, piece.target + len(learned) - begin))
            assert number == int(documents.max()) or int(here.sum()) == len(piece.ids)


def test_every_pool_has_its_share_of_the_tokens() -> None:
    shares = {"examples": 0.85, "recitation": 0.1, "neutral": 0.05}
    pools = [pool(name, [6 + 3 * i, 20], share, 100 * i + 1) for i, (name, share) in enumerate(shares.items())]
    mixture = Mixture(tuple(pools), 64)

    batch = mixture.batch(1, 0, 200)

    read = batch[:, 0] // 100
    for number, share in enumerate(shares.values()):
        assert abs(float((read == number).float().mean()) - share) < 0.02


def test_a_pass_gives_every_piece_once() -> None:
    mixture = Mixture((pool("a", [8] * 6, 1.0, 10),), 24)

    first = mixture.batch(1, 0, 2)[:, 0]

    assert sorted(first.flatten().tolist()) == sorted(i for i in range(10, 16) for _ in range(8))


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    def made() -> Mixture:
        return Mixture((pool("a", [5, 7, 9], 0.9, 10), pool("b", [6, 6], 0.1, 50)), 32)

    one, other = made(), made()
    one.batch(1, 0, 4)
    late = one.batch(1, 7, 3)

    assert (other.batch(1, 7, 3) == late).all()
    assert (one.batch(1, 7, 3) == late).all()
    assert (one.batch(2, 7, 3) != late).any()


def test_a_piece_as_long_as_a_row_fills_one() -> None:
    mixture = Mixture((pool("a", [16, 5], 1.0, 10),), 16)

    for ids in mixture.batch(1, 0, 20)[:, 0]:
        assert len(ids) == 16


def test_a_pool_without_a_share_gives_nothing() -> None:
    mixture = Mixture((pool("a", [8], 1.0, 10), pool("b", [8], 0.0, 50)), 16)

    assert set(mixture.batch(1, 0, 10)[:, 0].flatten().tolist()) == {10}


@given(st.integers(2, 200), st.integers(0, 60), st.integers(8, 64))
def test_a_long_text_is_cut_into_pieces_that_learn_each_token_once(length: int, scored: int, most: int) -> None:
    pieces = pieces_of(list(range(length)), scored, most)

    learned = [token for piece in pieces for token in piece.ids[piece.scored :]]
    assert learned == list(range(max(1, scored), length))
    assert all(len(piece.ids) <= most and piece.scored >= 1 for piece in pieces)
