"""The words of explanations in templates."""

from django import template

from recommendations.services.serving import feature_words

register = template.Library()


@register.filter
def feature_word(name: str) -> str:
    return feature_words.FEATURE_WORDS.get(name, name)
