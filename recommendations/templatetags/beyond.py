"""Whether there is something beyond the library, for navigation."""

from django import template

from recommendations.services.surfaces import beyond_library

register = template.Library()


@register.simple_tag
def has_beyond_index() -> bool:
    return beyond_library.has_index()
