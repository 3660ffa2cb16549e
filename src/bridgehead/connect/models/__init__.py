"""Drivers for models: OpenAI-compatible endpoints and labelled stand-ins."""
