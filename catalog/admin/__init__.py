from catalog.admin import imports, music, records, servers

__all__ = ["imports", "music", "records", "servers"]
