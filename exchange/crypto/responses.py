"""Sign what answers a signed request: status and body, bound to that request and no other.

The SDK refuses a response without this signature as an outage, never as an answer.
Source: RFC 9421, 2.4 (components of the request), protocol.md 2.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from msgspec import Struct

from exchange.crypto.messages import SignedRequest

RESPONSE_TAG = "cx-1-response"
RESPONSE_LABEL = "sig"


class ResponseSigner(Struct, frozen=True, kw_only=True, gc=False):
    """The key that signs responses."""

    keyid: str
    sign: Callable[[bytes], bytes]  # Ed25519, 64 bytes out


class ResponseParts(Struct, frozen=True, kw_only=True, gc=False):
    """What of a response is signed; a response without a body has neither header."""

    status: int
    content_digest: str | None
    content_type: str | None


def sign_response(
    response: ResponseParts, request: SignedRequest, signer: ResponseSigner, created: int
) -> dict[str, str]:
    """Sign a response over its status and body and the request that it answers.

    Returns:
        The headers Signature-Input and Signature.
    """
    lines = _lines(response, request)
    covered = " ".join(name for name, _ in lines)
    params = (
        f'({covered});created={created};keyid="{signer.keyid}";alg="ed25519";tag="{RESPONSE_TAG}"'
    )
    text = "".join(f"{name}: {value}\n" for name, value in lines)
    signature = signer.sign(f'{text}"@signature-params": {params}'.encode("ascii"))
    return {
        "Signature-Input": f"{RESPONSE_LABEL}={params}",
        "Signature": f"{RESPONSE_LABEL}=:{b64encode(signature).decode('ascii')}:",
    }


def _lines(response: ResponseParts, request: SignedRequest) -> list[tuple[str, str]]:
    lines = [('"@status"', str(response.status))]
    if response.content_digest is not None and response.content_type is not None:
        lines.append(('"content-digest"', response.content_digest))
        lines.append(('"content-type"', response.content_type))
    lines.append(('"@method";req', request.method))
    lines.append(('"@target-uri";req', request.target_uri))
    if request.content_digest is not None:
        lines.append(('"content-digest";req', request.content_digest))
    lines.append((f'"signature";req;key="{request.label}"', request.signature_text))
    return lines
