"""What waits for people, who they are, and what they said: each verdict signed over exact bytes.

Who can change this state can enrol a person, end one, or lose a verdict. Nobody without a person's
key can make a verdict, and `release` counts none whose signature does not hold. The private log has
every enrolment and every verdict with its signature; a person whom nobody knows, and a release with
an approval that the log does not show, give it away.
"""
