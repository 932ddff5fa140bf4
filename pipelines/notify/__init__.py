"""News told to the user's own programs, chats and mailboxes: at least once each, also when a run dies in
between."""
