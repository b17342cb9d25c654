"""Take the words of operators: each signed under an enrolled key, two of them by two people.

In:  what is to be done, and words as operators signed them.
Out: nothing where they hold; the caller does it and writes the words into its leaf.
A name that was typed is no word. Whoever has the shell, the database's password and one key file
still lacks the second signature, and cannot make a leaf that shows one.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from uuid import UUID

from exchange.crypto.public_keys import registered_key_of, signature_holds
from exchange.domain.ids import parse
from exchange.domain.members import Algorithm
from exchange.domain.operators import OPERATORS_MIN, Operator, Word, change_digest, word_text
from exchange.errors import InvalidField, OperatorUnknown, SecondPerson
from exchange.services.ports import Ports, Work

FRESH_SECONDS = 900  # between the making of an act that is done at once, and its doing


def check_word(word: Word, of: str, digest: bytes, work: Work, ports: Ports) -> Operator:
    """Return whose word it is.

    Raises:
        OperatorUnknown: no live key of this name signed this change under this proposal.
    """
    signer = next((one for one in live(work) if one.keyid == word.keyid), None)
    text = word_text(ports.terms.issuer, word.keyid, of, digest)
    meant = word.of == of and hmac.compare_digest(word.digest, digest)
    if signer is None or not meant:
        raise OperatorUnknown("no live key of an operator signed this", field="by")
    key = registered_key_of(Algorithm.ED25519, signer.public_key)
    if not signature_holds(key, word.signature, text):
        raise OperatorUnknown("no live key of an operator signed this", field="by")
    return signer


def check_two(words: Sequence[Word], of: str, digest: bytes, work: Work, ports: Ports) -> None:
    """Refuse what one person alone wants.

    Raises:
        OperatorUnknown: as in `check_word`. SecondPerson: two words of one person, or under one
            key.
    """
    signers = [check_word(word, of, digest, work, ports) for word in words]
    names = {one.name.casefold() for one in signers}
    keys = {one.public_key for one in signers}
    if len(signers) < OPERATORS_MIN or len(names) < len(signers) or len(keys) < len(signers):
        raise SecondPerson("another operator must sign this as well", field="by")


def take_words(
    act: tuple[str, str, Mapping[str, object]], words: Sequence[Word], ports: Ports
) -> tuple[str, ...]:
    """Check two words for an act that is done at once; return them as its leaf keeps them.

    Args:
        act: its kind, whom it is about, and what else it says.
        words: under one fresh id, `prp_…`.
        ports: to the store.

    Raises:
        OperatorUnknown, SecondPerson: as in `check_two`.
        InvalidField: the words were signed too long ago.
    """
    if not words:
        raise SecondPerson("two operators must sign this", field="by")
    made_at = _made_at(parse("prp", words[0].of, field="by"))
    if abs(ports.now() - made_at) > FRESH_SECONDS:
        raise InvalidField("was signed too long ago; sign it now", field="by")
    with ports.begin() as work:
        check_two(words, words[0].of, change_digest(*act), work, ports)
    return tuple(word.line() for word in words)


def take_word(act: tuple[str, str, Mapping[str, object]], word: Word, ports: Ports) -> str:
    """Check one word about something that is bound to its bytes; return it as its leaf keeps it.

    Raises:
        OperatorUnknown: as in `check_word`.
    """
    with ports.begin() as work:
        check_word(word, act[0], change_digest(*act), work, ports)
    return word.line()


def live(work: Work) -> list[Operator]:
    """Return the operators whose keys count."""
    return [one for one in work.operators.all() if one.retired_at is None]


def _made_at(act_id: UUID) -> int:
    return (act_id.int >> 80) // 1_000  # UUIDv7: milliseconds in its first 48 bits
