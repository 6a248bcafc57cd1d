"""Claims as they are held: sorted in, written, put together, rated and shown.

Who can change the tables that are made from held objects shows another chain or another
proposition than the notes state; making the tables again from the notes shows it. What people
judged (ties, standings, confirmed grades) is in tables of its own, with who, when and why. A view
or a rating that was changed has a signature that no longer holds.
"""
