"""Exit codes: the same for every command that talks to a service."""

OK = 0
DIFFERENT = 1
USAGE = 2
REFUSED = 3
UNREACHABLE = 4
INTERRUPTED = 128 + 2  # as a shell reports a program that SIGINT ended

LEGEND = (
    "exit codes: 0 done; 1 there are differences (diff), or a run awaited did not complete (trigger --wait); "
    "2 arguments, settings or a file that cannot be used, and nothing was sent; 3 the API refused; "
    "4 the service cannot be reached; 130 Ctrl-C"
)


class CommandError(Exception):
    """Ends a command; the message says why and `code` is its exit code."""

    code = USAGE


class FileFault(CommandError):
    """A file does not say what it should; the message has a line for each fault."""
