from catalog.admin import analysis, files, imports, music, records, servers, sums

__all__ = ["analysis", "files", "imports", "music", "records", "servers", "sums"]
