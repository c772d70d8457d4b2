"""Which words carry grammar and not content: ours for English, the most frequent words of a text for other languages.

Function words are used without thinking about them and whatever the subject is, which is why the share of each says who
wrote a text (Mosteller and Wallace, Inference and Disputed Authorship, 1964).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


_WORDS = """
    a an the this that these those such same other another others each every either neither both all any some no
    none many much more most few fewer fewest little less least several enough own only very quite rather too so

    i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her
    hers herself it its itself they them their theirs themselves one one's oneself thou thee thy thine thyself
    ye who whom whose which what whoever whomever whichever whatever someone somebody something anyone anybody
    anything everyone everybody everything nobody nothing naught nought aught

    am is are was were be been being have has had having do does did doing done will would shall should can
    could may might must ought need dare used let lets isn't aren't wasn't weren't haven't hasn't hadn't don't
    doesn't didn't won't wouldn't shan't shouldn't can't couldn't mayn't mightn't mustn't oughtn't needn't ain't
    cannot i'm i've i'd i'll you're you've you'd you'll he's he'd he'll she's she'd she'll it's it'd it'll we're
    we've we'd we'll they're they've they'd they'll that's that'd that'll there's here's what's who's who'd
    let's tis twas

    about above across after against along alongside amid amidst among amongst around as at athwart before
    behind below beneath beside besides between beyond by concerning considering despite down during except
    excepting excluding following for from in inside into like near of off on onto opposite out outside over
    past per regarding round save since than through throughout till to toward towards under underneath unlike
    until unto up upon upwards via with within without

    and but or nor yet if unless because though although albeit while whilst whereas when whenever where
    wherever whether why how however once lest provided therefore thus hence thence whence hither thither
    whither wherefore whereupon whereby wherein whereof thereby therein thereof thereupon thereafter hereafter
    herein moreover furthermore nevertheless nonetheless notwithstanding otherwise instead meanwhile else
    accordingly consequently

    not never ever always often sometimes seldom rarely usually generally frequently again already almost also
    altogether anyhow anyway anywhere apart aside away back even everywhere far forth forward further here
    indeed just lately merely nearly now nowhere perhaps maybe presently simply somehow somewhat somewhere soon
    still then there together well yes aye nay oh ah o

    first second last next two three former latter half
"""
ENGLISH = frozenset(_WORDS.split())
LEAST_SHARE = 0.25  # of running words: English prose has 0.45 to 0.6 of ENGLISH, other languages below 0.1
MOST = 300  # words that are chosen for another language


def choose_function_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the function words to measure a text with, sorted: English ones, or the text's own most frequent words.

    Args:
        words: the running words of the author and of those beside the author, in lower case.
    """
    known = sum(word in ENGLISH for word in words)
    if known >= LEAST_SHARE * len(words):
        return tuple(sorted(ENGLISH))
    return most_frequent(words, MOST)


def most_frequent(words: Iterable[str], most: int) -> tuple[str, ...]:
    """Return the ``most`` most frequent of ``words``, sorted; of equally frequent ones those first in the alphabet."""
    counts = Counter(words)
    return tuple(sorted(sorted(counts, key=lambda word: (-counts[word], word))[:most]))
