"""How many connections are possible: each needs a file descriptor, of which a process has a limited number."""

import resource

RESERVED = 40
"""For everything else: files of the archive and the warehouse, pipes, libraries. A large run used 14."""


def most_in_flight(concurrency: int) -> int:
    """`concurrency`, or fewer if the limit allows fewer. The soft limit is raised first, up to the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = concurrency + RESERVED
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return concurrency
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if raised > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return max(1, min(concurrency, max(raised, soft) - RESERVED))
