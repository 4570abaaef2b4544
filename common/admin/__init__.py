from common.admin.confirming import render_confirmation
from common.admin.forms import LabelledForm
from common.admin.large_tables import LargeTable, NewestValues
from common.admin.progress import answer_progress
from common.admin.records import RecordAdmin

__all__ = [
    "LabelledForm",
    "LargeTable",
    "NewestValues",
    "RecordAdmin",
    "answer_progress",
    "render_confirmation",
]
