"""``resolve`` and ``fetch``: where bytes are by a commit's word, and what the stores say to it."""
