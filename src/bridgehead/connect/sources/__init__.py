"""Drivers for data: named queries."""
