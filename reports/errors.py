"""Errors of a report.

ReportError
├── UnknownFilterError    a source, action or template that no task has
└── OutdatedError         the published warehouse was created by another version of avatar-tasks
"""

from __future__ import annotations


class ReportError(Exception):
    """Base of all errors of this package; the message says what to do."""


class UnknownFilterError(ReportError):
    """No task of the published warehouse has a source, action or template of that name."""


class OutdatedError(ReportError):
    """The published warehouse lacks a column that this version reads."""
