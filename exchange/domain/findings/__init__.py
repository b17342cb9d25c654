"""Findings: what an asker may learn from the records of others, and the answer that says it."""

from exchange.domain.findings.answers import Answer, Finding, Outcome, VelocityBands, withheld
from exchange.domain.findings.banding import HeldRecord
from exchange.domain.findings.cutting import Question, Velocity, cut

__all__ = [
    "Answer",
    "Finding",
    "HeldRecord",
    "Outcome",
    "Question",
    "Velocity",
    "VelocityBands",
    "cut",
    "withheld",
]
