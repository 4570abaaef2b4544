"""The training that learns from what a listener brought, for pages that show it."""

from typing import Any

from django import template

from accounts.models import User
from recommendations.services.training import news

register = template.Library()


@register.inclusion_tag("recommendations/_training.html")
def show_training(listener: User) -> dict[str, Any]:
    """Show the training under way, if it concerns the listener; at most three queries."""
    return {"news": news.find_news(listener)}
