"""The commands: each module reads files, calls the library, and writes files.

`add_arguments` describes a command's options, and `run` runs it. A command imports only what it needs, at its
top: a rule's result depends on exactly what its command imports.
"""
