"""Read Signature-Input and Signature: structured fields, in their canonical spelling only.

Out: the member of our tag, as text that can be signed again byte for byte. Signatures of others
are stepped over, if they can be read at all. What has two readings is refused.
Source: RFC 8941 (structured fields), RFC 9421, 4.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from exchange.errors import DuplicateHeader, SignatureError

FIELD_BYTES_MAX = 4096  # of Signature-Input and of Signature
SIGNATURES_MAX = 4  # a proxy on the member's side may add its own

_KEY = r"[a-z*][a-z0-9_\-.*]{0,63}"
_STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_WORD = r"[A-Za-z*][!#$%&'*+\-.^_`|~:/0-9A-Za-z]*"
_BYTES = r":[A-Za-z0-9+/]*={0,2}:"
_VALUE = rf"(?:{_STRING}|-?[0-9]{{1,15}}|{_BYTES}|\?[01]|{_WORD})"
_PARAMETERS = rf"(?:;{_KEY}(?:={_VALUE})?)*"
_ITEM = rf"{_STRING}{_PARAMETERS}"
_INPUT = re.compile(rf"({_KEY})=(\(({_ITEM}(?: {_ITEM})*)?\)({_PARAMETERS}))")
_SIGNATURE = re.compile(rf"({_KEY})=({_BYTES})({_PARAMETERS})")
_PARAMETER = re.compile(rf";({_KEY})(?:=({_VALUE}))?")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_64_BYTES = re.compile(r":[A-Za-z0-9+/]{85}[AQgw]==:")  # in their one spelling


class SignatureInput(NamedTuple):
    """What one signature says that it covers."""

    label: str
    components: list[str]  # with their quotes, in order
    parameters: dict[str, str]  # values as they are spelled
    text: str  # the value of "@signature-params"


def input_of_tag(field: str | None, tag: str) -> SignatureInput:
    """Find the one member of Signature-Input that bears a tag.

    Raises:
        SignatureError: none or two bear it, or the field cannot be read.
        DuplicateHeader: a label stands twice, as when the header does.
    """
    found = None
    for match in _members(_INPUT, field):
        pairs = _PARAMETER.findall(match[4])
        if ("tag", f'"{tag}"') in pairs:
            if found is not None:
                raise SignatureError("more than one signature bears our tag")
            found = SignatureInput(match[1], (match[3] or "").split(" "), dict(pairs), match[2])
            if len(found.parameters) != len(pairs):
                raise SignatureError("a signature parameter stands twice")
    if found is None:
        raise SignatureError
    return found


def signature_of_label(field: str | None, label: str) -> str:
    """Return the 64 bytes of a labelled signature as they are spelled, `:…:`.

    Raises:
        SignatureError: there is none, or it is of another length or spelling.
        DuplicateHeader: a label stands twice, as when the header does.
    """
    for match in _members(_SIGNATURE, field):
        if match[1] == label:
            if match[3] or not _64_BYTES.fullmatch(match[2]):
                raise SignatureError("a signature is 64 bytes in canonical base64")
            return match[2]
    raise SignatureError("no signature has the label of the one that bears our tag")


def _members(pattern: re.Pattern[str], field: str | None) -> list[re.Match[str]]:
    if not field:
        raise SignatureError
    if len(field) > FIELD_BYTES_MAX:
        raise SignatureError(f"a signature field exceeds {FIELD_BYTES_MAX} bytes")
    found: dict[str, re.Match[str]] = {}
    position = 0
    while match := pattern.match(field, position):
        if match[1] in found:
            raise DuplicateHeader("a signature label stands twice")
        found[match[1]] = match
        if match.end() == len(field):
            return list(found.values())
        comma = _COMMA.match(field, match.end())
        if comma is None or len(found) == SIGNATURES_MAX:
            break
        position = comma.end()
    raise SignatureError("a signature field cannot be read")
