"""The console: HTTP for the staff of a brand, each within their permissions and their part of the organisation."""
