"""What happens to accounts. Upward news travels by signal, so that accounts imports nothing above it."""

from django.dispatch import Signal

# Sent with `user` in the transaction that stores a new password or closes the account: what lets somebody in must end.
access_ended = Signal()

# Sent with `user` in the transaction that deletes an account, before anything of it goes. An answer is the
# address of a receipt.
account_leaving = Signal()

# Sent with `user` in that transaction, for the apps to delete what is theirs. An error keeps the account.
account_closing = Signal()

# Sent with `listener_id` after an account is deleted for good.
account_deleted = Signal()
