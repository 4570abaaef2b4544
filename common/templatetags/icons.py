"""Icons as inline SVG. They are constants, not templates: a page of cards shows hundreds."""

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_PATHS = {
    "like": "M12 20.5S3.5 15.4 3.5 9.3A4.6 4.6 0 0 1 12 6.9a4.6 4.6 0 0 1 8.5 2.4c0 6.1-8.5 11.2-8.5 11.2Z",
    "dislike": (
        "M7 4h9.2a2 2 0 0 1 1.950 1.550l1.3 5.9A2 2 0 0 "
        "1 17.5 14H14l.6 4.3A1.5 1.5 0 0 1 11.8 19.2L8.3 14H7Z M7 4v10H4.5V4Z"
    ),
    "why": (
        "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 "
        "0-17Z M9.7 9.4a2.4 2.4 0 1 1 3.5 2.2c-.8.5-1.2 1-1.2 1.9 M12 16.4v.1"
    ),
    "more": "M6 12h.01M12 12h.01M18 12h.01",
    "close": "M6 6l12 12M18 6L6 18",
    "home": "M4 11l8-7 8 7v8.5h-5.5V14h-5v5.5H4Z",
    "browse": "M10.8 4.5a6.3 6.3 0 1 0 0 12.6 6.3 6.3 0 0 0 0-12.6Z M15.5 15.5L20 20",
    "library": "M5 4.5v15M9.5 4.5v15M13.5 5l5 14.5",
    "playlists": "M4 7h11M4 12h11M4 17h6M18 7v9.5a2.2 2.2 0 1 1-1.5-2.1",
    "taste": "M5 4v6M5 14v6M12 4v2M12 10v10M19 4v9M19 17v3M3 12h4M10 8h4M17 15h4",
    "play": "M8 5.5v13l10.5-6.5Z",
    "next": "M6 5.5v13l9-6.5ZM18 5.5v13",
    "previous": "M18 5.5v13l-9-6.5ZM6 5.5v13",
    "up": "M6 14l6-6 6 6",
    "down": "M6 10l6 6 6-6",
    "left": "M14.5 6l-6 6 6 6",
    "right": "M9.5 6l6 6-6 6",
    "keep": "M4 7h11M4 12h8M4 17h6M17.5 11.5v7M14 15h7",
    "refresh": "M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4",
    "again": "M5 12a7 7 0 1 0 2.2-5.1M5 4v4h4M12 8.5V12l2.5 1.5",
    "remove": "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7",
    "account": "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z M4.5 20c.6-3.6 3.6-5.5 7.5-5.5s6.9 1.9 7.5 5.5",
    "note": "M9.5 17.5V6l9-2v11.5M9.5 17.5a2.7 2.7 0 1 1-2.7-2.7h2.7M18.5 15.5a2.7 2.7 0 1 1-2.7-2.7h2.7",
}
_ICONS = {
    name: mark_safe(  # noqa: S308  (our own constants)
        f'<svg class="icon i-{name}" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{path}"/></svg>'
    )
    for name, path in _PATHS.items()
}


@register.simple_tag(name="icon")
def render_icon(name: str) -> SafeString:
    return _ICONS[name]
