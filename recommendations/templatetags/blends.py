"""Invitations to blends, for the page that leads to them."""

from django import template

from accounts.models import User
from recommendations.services.surfaces import blends

register = template.Library()


@register.simple_tag
def count_invitations(listener: User) -> int:
    """Return how many invitations the listener has not answered; one query."""
    return blends.list_invitations(listener).count()
