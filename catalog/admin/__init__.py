from catalog.admin import imports, music, records

__all__ = ["imports", "music", "records"]
