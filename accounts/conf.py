"""What can be tuned about accounts: how long what is over is kept."""

from common.tunables import Tunable, TunableGroup


class AccountTunables(TunableGroup):
    """The tunables of accounts."""

    expired_tokens_days = Tunable(
        30, "days", "Access tokens are deleted so long after they expired.", least=0
    )
    admin_log_days = Tunable(365, "days", "The admin's log of changes is kept so long.", least=1)


account_conf = AccountTunables()
