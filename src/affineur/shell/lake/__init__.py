"""The lake: download statistics in Parquet files, or in ClickHouse, behind one port.

``port`` has what an engine promises. What does not live here: what the tables are (`core.downloads.tables`), which
files there are and how far logs were read (`shell.store.lake`), and when all this is done (`projections.downloads`).
"""
