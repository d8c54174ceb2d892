"""The command line: thin, one file per room; tables and colour for people, `--json` for programs."""
