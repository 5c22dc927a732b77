"""What the simulated provider keeps."""

from midstage.adapters.sandbox_pay.store.book import Book, Refused
from midstage.adapters.sandbox_pay.store.file import Row

__all__ = ["Book", "Refused", "Row"]
