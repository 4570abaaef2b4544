"""The words of explanations in templates."""

from django import template

from recommendations.services.serving import explanation_text

register = template.Library()


@register.filter
def feature_word(name: str) -> str:
    return explanation_text.FEATURE_WORDS.get(name, name)
