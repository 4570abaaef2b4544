"""Dates and times as the pages write them, where Django's own form could be read in two ways."""
