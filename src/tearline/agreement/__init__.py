"""What was agreed, between whom, and in which state it is.

Whoever can change the state kept here (the home folder and its store) could sign in this party's
name, pretend that an agreement is active, or let a stranger's key in. What would show it: every
statement is signed and names the one before it, and has a leaf in a log whose checkpoints the
partner holds; an agreement counts only with the partner's own signature and the partner's own
proof; two statements that follow on the same one are evidence against whoever signed them. What
would not show it: a signature made with stolen keys, before its owner says that they are stolen.

`document` and `terms` are the text, `state` the statements and what follows from them, `signing`
what people do, `receiving` what the partner does, `force` what the rest of Tearline asks.
"""
