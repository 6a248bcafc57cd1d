"""Tearline: purpose-bound exchange of threat intelligence between parties without mutual trust."""

__version__ = "0.1.0"
