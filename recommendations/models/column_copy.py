"""What keeps the columnar copy of the interactions up with the table."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChangedListener(models.Model):
    """A listener whose interactions were changed or deleted since the columnar copy was last brought up to date.

    Triggers of the database write these rows in the same transaction as the change, by any writer. There is no
    foreign key: deleting an account deletes its interactions, and that is such a change.
    """

    listener_id = models.BigIntegerField()

    class Meta:
        verbose_name = _("changed listener")
        verbose_name_plural = _("changed listeners")
        indexes = [models.Index(fields=["listener_id"], name="changed_listener")]

    def __str__(self) -> str:
        return str(self.listener_id)


class ColumnCopyState(models.Model):
    """The one row that says which state of the columnar copy belongs to this database.

    A database that was restored has the token of another state, and the copy is built anew.
    """

    token = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("state of the columnar copy")
        verbose_name_plural = _("states of the columnar copy")

    def __str__(self) -> str:
        return self.token
