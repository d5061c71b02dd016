"""Integrations with optional libraries, one module each, imported on first use."""
