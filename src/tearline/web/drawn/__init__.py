"""Drawing: from facts to marks with places, for pictures that the server writes as SVG. Pure.

What is drawn is also said in words beside it, so nothing here is the only way to learn something.
"""
