"""Sentences that jobs store in English, in the language that a request accepts."""

from typing import Any

from rest_framework import serializers

from common.stored_text import translate_log, translate_stored


class StoredTextField(serializers.CharField):
    """A sentence that a job stored."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Any) -> str:
        return translate_stored(str(value))


class StoredLogField(StoredTextField):
    """A log that a job stored, a time and a sentence a line."""

    def to_representation(self, value: Any) -> str:
        return translate_log(str(value))
