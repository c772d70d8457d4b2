"""Phrases that language models write far more often than writers do, per 1,000 words.

The list is ours, gathered from what small and large models write when asked for a story; ``~`` stands for any one word.
Each phrase stands less than once in 200,000 words of the 32 authors of ../shared/corpora. What readers mark down in
machine-written prose is above all such phrases, and training on an author removes them (2510.13939). An author may use
one of them, too: compare with the author's own rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .tokens import words


PHRASES = tuple(
    line.strip()
    for line in """
    a testament to
    a tapestry of
    a symphony of
    a dance of
    a beacon of
    a sense of unease
    a sense of foreboding
    a sense of wonder
    a sense of purpose
    a sense of dread
    a mix of
    a mixture of fear and
    a glimmer of hope
    a flicker of
    a hint of
    a pang of
    a wave of
    a surge of
    a rush of adrenaline
    a shiver down
    a chill down
    a lump in ~ throat
    a knot in ~ stomach
    a single tear
    a deep breath
    a breath ~ didn't know
    breath ~ hadn't realized
    a mischievous glint
    a knowing smile
    a small smile
    a wry smile
    a faint smile
    a world of possibilities
    a new chapter
    a stark contrast
    a stark reminder
    a constant reminder
    a force to be reckoned with
    a shadow of ~ former self
    against all odds
    air was thick with
    air thick with
    air hung heavy with
    air was filled with
    at the edge of ~ mind
    barely above a whisper
    barely more than a whisper
    voice barely audible
    voice a low
    voice dripping with
    voice laced with
    voice trembling with
    bathed in the
    beacon of hope
    beckoned to ~
    blood ran cold
    bring ~ to ~ knees
    bustling city
    bustling streets
    bustling market
    came to life
    cast long shadows
    casting long shadows
    casting eerie shadows
    changed ~ life forever
    change ~ lives forever
    cheeks flushed
    chest tightened
    clenched ~ fists
    coursing through ~ veins
    cut through the silence
    deafening silence
    deep down
    delve into
    delved deeper
    despite the ~ ~ couldn't shake
    couldn't shake the feeling
    couldn't help but
    could not help but feel
    could only hope
    dust motes danced
    dancing in the
    echoed through the
    echoing through the
    electric with
    embark on a journey
    embarked on a journey
    ever-changing
    eyes gleamed with
    eyes gleaming with
    eyes glinting with
    eyes sparkled with
    eyes sparkling with
    eyes twinkling with
    eyes widened in
    eyes wide with
    eyes filled with
    eyes never leaving
    eyes locked
    faces ~ challenges
    filled ~ with a sense of
    filled with a mix
    found solace in
    from that day forward
    from that day on
    game of cat and mouse
    hair stand on end
    heart ached
    heart hammering
    heart pounded in
    heart pounding in
    heart racing
    heart sank
    heart skipped a beat
    heart swelled
    hearts and minds
    hung heavy in the air
    hung in the air
    in the depths of
    intricate dance
    intricate details
    it wasn't just
    not just a ~ but
    jaw clenched
    jaw set
    kaleidoscope of
    knew ~ had to
    knuckles white
    labyrinth of
    lay ahead
    lived happily ever after
    let out a breath
    let out a sigh
    little did ~ know
    long forgotten
    lost in thought
    maybe just maybe
    moment of clarity
    mind raced
    mind racing
    mind reeling
    moth to a flame
    neon lights
    nestled in
    never be the same
    no longer just
    not for the faint
    nothing short of
    once upon a time
    only time would tell
    palpable tension
    tension was palpable
    ozone and
    painted the sky
    paved the way
    power of friendship
    pools of light
    power of love
    predatory glint
    pulse quickened
    pushed the boundaries
    raised an eyebrow
    rich tapestry
    rippled through
    sacred dance
    seemed to dance
    seemed to pulse
    seemed to whisper
    sending shivers
    sent a shiver
    sent shivers
    set out on a journey
    sharp intake of breath
    shattered the silence
    shivers down ~ spine
    shiver down ~ spine
    shoulders slumped
    silence stretched
    silent understanding
    smell of ozone
    something shifted
    spread like wildfire
    steeled ~
    stomach churned
    stood the test of time
    sun dipped below the horizon
    sun was setting over
    swirling mist
    the ghost of a smile
    the intricate
    the world around ~
    thick with tension
    thick with the scent
    time seemed to
    took a deep breath
    taking a deep breath
    took on a life of
    unbeknownst to
    uncharted territory
    unshed tears
    unspoken
    unwavering
    vibrant colors
    voice trailed off
    washed over ~
    waiting to be discovered
    was just the beginning
    the adventure had just begun
    weaving through
    weight of the world
    whispered secrets
    whispers of
    white-knuckled
    with a newfound
    newfound
    with bated breath
    with each passing
    with every step
    wreaked havoc
    worked together to
    and so it was that
    learned a valuable lesson
    learned the importance of
    the importance of
    """.strip().splitlines()
)
ANY = "~"


def _compiled(phrases: Sequence[str]) -> dict[str, list[tuple[str, ...]]]:
    """Return the phrases as words, by their first one."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        parts = tuple(word for piece in phrase.split() for word in ([ANY] if piece == ANY else words(piece)))
        found.setdefault(parts[0], []).append(parts)
    return found


_BY_FIRST = _compiled(PHRASES)


@dataclass(frozen=True, slots=True)
class Cliches:
    """How often such phrases stand in a text.

    Attributes:
        per_1000: per 1,000 words.
        words: how many words were looked through.
        most: the phrases found most often, as they were written, with how often; at most ten.
    """

    per_1000: float
    words: int
    most: tuple[tuple[str, int], ...]


def cliches(texts: Sequence[str]) -> Cliches:
    """Return how often the phrases of :data:`PHRASES` stand in ``texts``; a place counts once."""
    found: Counter[str] = Counter()
    total = 0
    for text in texts:
        running = words(text)
        total += len(running)
        found.update(_phrases(running))
    return Cliches(1000 * found.total() / max(1, total), total, tuple(found.most_common(10)))


def _phrases(running: list[str]) -> Iterator[str]:
    place = 0
    while place < len(running):
        here = [phrase for phrase in _BY_FIRST.get(running[place], ()) if _matches(running, place, phrase)]
        if here:
            length = max(map(len, here))
            yield " ".join(running[place : place + length])
            place += length
        else:
            place += 1


def _matches(running: list[str], place: int, phrase: tuple[str, ...]) -> bool:
    there = running[place : place + len(phrase)]
    return len(there) == len(phrase) and all(a in (ANY, b) for a, b in zip(phrase, there, strict=True))
