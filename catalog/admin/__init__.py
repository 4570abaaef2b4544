from catalog.admin import imports, music, records
from catalog.admin.confirming import ask
from catalog.admin.forms import LabelledForm
from catalog.admin.records import RecordAdmin

__all__ = ["LabelledForm", "RecordAdmin", "ask", "imports", "music", "records"]
