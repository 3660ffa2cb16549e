"""Drivers for systems that act: MCP servers."""
