"""Provisional."""

from prefect import flow


@flow(name="report", persist_result=False)
def report() -> None:
    """Render the report."""
