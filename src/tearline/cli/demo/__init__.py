"""`tearline demo`: the founding story's course between two real nodes, judged by a third process.

    data     what North holds: the galaxies, and generated objects that are marked so
    terms    the agreement that is announced, rejected, announced again and countersigned
    nodes    the processes of North and South, and their command lines
    play     the course, step by step
    expect   what the signed text allows, worked out again from the words of the design
    evidence what the judge reads: HTTP answers, copied logs, the signed text
    judge    the third process: moments, checks, the verdict

`judge`, `evidence` and `expect` share no rule with the product: they import neither its release,
topics, store nor agreement code, so that a mistake there cannot hide itself here.
"""
