from catalog.admin import analysis, files, imports, music, records, servers

__all__ = ["analysis", "files", "imports", "music", "records", "servers"]
