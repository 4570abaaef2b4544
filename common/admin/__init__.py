from common.admin.confirming import ask
from common.admin.forms import LabelledForm
from common.admin.records import RecordAdmin

__all__ = ["LabelledForm", "RecordAdmin", "ask"]
