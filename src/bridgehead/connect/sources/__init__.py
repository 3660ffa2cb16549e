"""Drivers for data: SQL that the boundary has rewritten, and named queries."""
