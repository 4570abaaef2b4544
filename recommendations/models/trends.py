"""What is trending, counted anew between trainings."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from recommendations.models.model_version import ModelVersion


class Trends(models.Model):
    """The popularity counts of one version's songs as of `computed_at`; processes that serve it take them over.

    In the database and not beside the artifact, whose files are checked to be as they were trained.
    """

    version = models.OneToOneField(
        ModelVersion, primary_key=True, on_delete=models.CASCADE, related_name="trends"
    )
    computed_at = models.DateTimeField()
    counts = models.BinaryField(
        help_text=_("A .npz archive of plain arrays, one row a song of the version.")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("trends")

    def __str__(self) -> str:
        return f"{self.version} {self.computed_at}"
