"""`tearline demo`: the founding story's course between two real nodes, judged by a third process.

    data     what North holds: the galaxies, and generated objects that are marked so
    terms    the agreement that is announced, rejected, announced again and countersigned
    nodes    the processes of North and South, and their command lines (desk)
    stage    who is there and what is told; play is the course, step by step
    expect   what the signed text allows, worked out again from the words of the design
    below    what an object looks like below the tear line
    evidence what the judge reads: HTTP answers, copied logs, the signed text
    checks   what it checks at each moment; given, findings and known belong to it
    judge    the third process: moments and verdict

From `expect` on, nothing is shared with the product but its log verifier: neither release, topics,
store nor agreement code is imported, so that a mistake there cannot hide itself here.
"""
