"""History that others can check: leaves, tree, checkpoints, and a verifier that stands alone.

`tree`, `checkpoint` and `verify` are pure, and so are `receipt` (proof of one record), `entries`,
`sides` and `signers` (two logs of one agreement); `record`, `tiles` and `mirror` work on
the store.

What someone who can change this state could do, and what would show it:

- *Change, drop, move or add a leaf* that a checkpoint covers: the partner's copy of the log, any
  exported folder and any receipt no longer fit. `publish` itself recomputes the root that was
  signed last from the stored hashes and refuses to sign when it differs. A leaf altered together
  with its stored hash, after its tile was full, is passed by `publish` (which reads the derived
  tile) and shown by `verify_folder` and by the partner, who rebuild the root from the entries.
- *Change or drop a record or its salt*: it no longer opens its commitment. The log still stands,
  but the receipt for that record can no longer be made; those handed out before still hold.
- *Change leaves that no checkpoint covers yet* (usually less than a minute's worth): nothing in
  this folder shows it. What the partner received meanwhile, with its slip, does.
- *Put back an older database*: `publish` finds the guard file, which lies outside the database,
  ahead of the store and refuses. Putting back both: the partner, who holds a larger checkpoint,
  sees the rollback, and a fork as soon as anything is signed again.
- *Use the log key*: sign a second history. Whoever is shown both signatures holds the proof of
  it; a partner who keeps a copy finds out at the next checkpoint. A log that nobody else copies
  (the private one) can be rewritten whole by who holds key, database and guard; only checkpoints
  or receipts that left the node would show it.
- *Stop writing*: nothing here can show an act that was never logged. That is why acts and leaves
  commit in one transaction, and why both sides log the same exchange.
"""
