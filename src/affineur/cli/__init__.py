"""The command line: one program, `affineur`. Commands parse and print; what they do lives below."""
