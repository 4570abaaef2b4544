"""The words of explanations in templates."""

from django import template

from common.generics import StrOrPromise
from recommendations.services.serving import feature_words

register = template.Library()


@register.filter
def feature_word(name: str) -> StrOrPromise:
    return feature_words.FEATURE_WORDS.get(name, name)
