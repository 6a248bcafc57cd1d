"""What holds for all tests."""

from hypothesis import settings

# A property is about what is right; how fast is measured elsewhere, on a quiet machine.
settings.register_profile("tearline", deadline=None)
settings.load_profile("tearline")
