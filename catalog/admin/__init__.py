from catalog.admin import files, imports, music, records, servers

__all__ = ["files", "imports", "music", "records", "servers"]
