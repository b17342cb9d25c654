"""Check the texts of many rows at once: by column, so that each check is one call for all of them.

In:  rows whose texts of four fields are of any form: a reader that matches a pattern for each of
     them costs more than the rest of its work.
Out: whether every one of them has its form. If not, who asks looks at each row alone.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Sequence

from exchange.domain.rows.forms import Row

_REF_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"
_REF_CHARACTERS_MAX = 64
_TOKEN_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_TOKEN_CHARACTERS, _TOKEN_LAST = 86, b"AQgw"  # 64 bytes leave 4 bits unused, and those are 0
_GRANT_PREFIX, _GRANT_CHARACTERS = b"gnt_", 36
_CURRENCY = re.compile(r"[A-Z]{3}")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_SLOT_BYTES = 66  # of a token that is padded to 88 characters


def texts_fit(rows: Sequence[Row]) -> bool:
    """Tell whether account_ref, tokens, currency and grant of these rows have their form."""
    return (
        _are_refs([row.account_ref for row in rows])
        and _are_tokens([token.value for row in rows for token in row.tokens])
        and all(map(_CURRENCY.fullmatch, {row.currency for row in rows}))
        and _are_grants([row.grant for row in rows if row.grant])
    )


def token_bytes(texts: Sequence[str]) -> list[bytes]:
    """Return the 64 bytes of each of these tokens, whose form was checked."""
    slots = "".join([text + "AA" for text in texts]).encode().translate(_STANDARD)
    content = a2b_base64(slots)
    return [content[at : at + 64] for at in range(0, len(content), _SLOT_BYTES)]


def _are_refs(refs: Sequence[str]) -> bool:
    lengths = set(map(len, refs))
    return (
        0 not in lengths
        and max(lengths, default=1) <= _REF_CHARACTERS_MAX
        and _only(refs, _REF_BYTES)
        and not any(map(str.isdigit, refs))
    )


def _are_tokens(tokens: Sequence[str]) -> bool:
    if set(map(len, tokens)) - {_TOKEN_CHARACTERS} or not _only(tokens, _TOKEN_BYTES):
        return False
    last = "".join(tokens).encode()[_TOKEN_CHARACTERS - 1 :: _TOKEN_CHARACTERS]
    return not last.translate(None, _TOKEN_LAST)


def _are_grants(grants: Sequence[str]) -> bool:
    text, each = "".join(grants), _GRANT_CHARACTERS
    if set(map(len, grants)) - {each} or not text.isascii():
        return False
    content = text.encode()
    # What is no hex digit is the prefix of each, and each stands where it begins.
    return (
        content.translate(None, b"0123456789abcdef") == _GRANT_PREFIX * len(grants)
        and all(content[at::each] == _GRANT_PREFIX[at : at + 1] * len(grants) for at in range(4))
        and content[16::each] == b"7" * len(grants)
        and not content[20::each].translate(None, b"89ab")
    )


def _only(texts: Sequence[str], characters: bytes) -> bool:
    text = "".join(texts)
    return text.isascii() and not text.encode().translate(None, characters)
