"""The pages: what people of one organisation do in a browser, each page with its JSON beside it.

A page reads a value and shows it; the same value is its JSON. An act is a form that works without a
script, and calls one function below; what a passkey signs needs a script, and there is a command
for it. Who can change sessions, staff or their passkeys in the store can sign in as anybody here;
an approval is signed with a person's own key, which is not here.
"""
