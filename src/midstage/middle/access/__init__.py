"""Who may do what: logins, sessions, phone codes, roles with data scope, API keys.

Always true:
- a token, code or key is stored only as its hash, and a password only as argon2;
- a session that is revoked or over opens nothing at once, in every process, and a change of roles is in force with
  the next call;
- a permission holds over the scope of the grant that gave it, never over that of another grant of the same person;
- nobody gives what they do not hold;
- five wrong guesses of a password in a quarter of an hour, or of a code, are all that anybody has, however many
  are made at once; a name that nobody has is answered as any other;
- a phone code works once.
"""
