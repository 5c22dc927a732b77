"""Receipts: one layout of rows, and three ways to print it: as text, as ESC/POS bytes, as a PDF. Pure."""
