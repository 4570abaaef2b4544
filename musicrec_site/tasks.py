"""What the schedule asks of the whole site."""

from common.jobs.messages import short_task
from musicrec_site.ops import retention


@short_task
def delete_expired() -> dict[str, int]:
    """Delete what is over; what is left when the time is up goes the next night."""
    return retention.delete_expired()
