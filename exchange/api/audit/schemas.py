"""What the regulator's interface takes and answers, as it is documented."""

from __future__ import annotations

from marshmallow import fields, validate

from exchange.api.edge.fields import ByteText, StrictSchema, Text, WholeNumber

SECONDS_MAX = 2**40  # unix seconds: far beyond any embargo
TOKENS_MAX = 4  # of one person: identities and a contact


class AuditEventSchema(StrictSchema):
    """One leaf, with the field names of FHIR AuditEvent; `detail` holds its payloads verbatim."""

    index = fields.Integer(required=True)
    leaf = fields.String(required=True, metadata={"description": "leaf hash, base64url"})
    recorded = fields.Integer(metadata={"description": "unix seconds"})
    type = fields.String(metadata={"description": "kind of leaf"})
    action = fields.String(metadata={"description": "C, R, U, D or E"})
    outcome = fields.String()
    outcomeDesc = fields.String(metadata={"description": "reason"})
    purposeOfEvent = fields.String()
    agent = fields.List(fields.Dict())
    entity = fields.List(fields.Dict())
    detail = fields.Dict()
    proof = fields.String(metadata={"description": ".tlog-proof, where it was asked for"})


class AuditEntriesSchema(StrictSchema):
    """A page of a search."""

    total = fields.Integer(required=True, metadata={"description": "rows that match in all"})
    checkpoint = fields.String(
        required=True, metadata={"description": "the signed note that every page reflects"}
    )
    entries = fields.List(fields.Nested(AuditEventSchema), required=True)
    has_more = fields.Boolean(required=True)
    next = fields.String(required=True, allow_none=True)


class SubjectOpeningAskSchema(StrictSchema):
    """Who is to be opened, and in which case."""

    opening_id = Text(pattern=r"opn_[0-9a-f]{32}")
    epoch = Text(pattern=r"ep_[1-9][0-9]{0,5}")
    tokens = fields.List(
        ByteText(length=64), required=True, validate=validate.Length(min=1, max=TOKENS_MAX)
    )
    case = Text(pattern=r"[\x20-\x7e]{1,64}")
    embargo_until = WholeNumber(required=False, minimum=1, maximum=SECONDS_MAX)


class SubjectReleaseSchema(StrictSchema):
    """The case and the embargo, as the second person knows them."""

    case = Text(pattern=r"[\x20-\x7e]{1,64}")
    embargo_until = WholeNumber(required=False, minimum=1, maximum=SECONDS_MAX)


class SubjectOpeningSchema(StrictSchema):
    """An opening as it stands; the pseudonyms are told once it is released."""

    opening_id = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "ASKED or RELEASED"})
    case = fields.String(required=True)
    asked_by = fields.String(required=True)
    asked_at = fields.Integer(required=True)
    released_by = fields.String(allow_none=True)
    released_at = fields.Integer(allow_none=True)
    expires_at = fields.Integer(allow_none=True)
    embargo_until = fields.Integer(allow_none=True)
    subjects = fields.List(fields.String())


class AuditLogSchema(StrictSchema):
    """How a log stands."""

    origin = fields.String(required=True)
    size = fields.Integer(required=True)
    root = fields.String(required=True)
    checkpoint = fields.String(required=True)
    signed_at = fields.Integer(required=True)
    age_seconds = fields.Integer(required=True)
    witnesses = fields.List(
        fields.Dict(),
        required=True,
        metadata={"description": "name, cosigned_at: unix seconds, 0 where it did not yet"},
    )
    vkey = fields.String(required=True)
    statement_vkey = fields.String(required=True)
