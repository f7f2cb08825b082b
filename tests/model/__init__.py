"""A model of the client's promises: whatever programs, networks and servers do, they hold.

A Hypothesis state machine (:mod:`model.machine`) drives the real client, blocking or async, with all of its flows,
against the embedded server of each generation, over a network that misbehaves (:mod:`model.network`), in memory and
virtual time. A failure shrinks to a short story, one step a line, and happens again whenever it is told.

=== ============================================================================================ =====================
no. the promise                                                                                  asked for in
=== ============================================================================================ =====================
1   Every job gets exactly one terminal event, and nothing after it.                             ``it_ends_once``
2   A value is the one that its function gave. An error has a reason and a kind; the phase it    ``its_end_is_right``
    names, and ``retryable``, are true: what says ``not_sent``, or may be repeated, has not run.
3   To cancel one job, or whoever waits for it, hurts no other: a call ends in an error only     ``its_end_is_right``
    if the network, the server or the function failed, and as cancelled if it was.
4   Nobody polls, and nobody goes round in circles.                                              ``nobody_polls``
5   A session has one stream, whatever the number of its jobs.                                   ``one_stream_for_...``
6   What is said of events that are over is dropped, and what is kept is bounded.                ``what_is_kept_...``
7   Credentials go to no other origin.                                                           ``nobody_else_...``
8   A join is sent once, and its function runs at most once.                                     ``it_is_sent_once``
9   What was cancelled is stopped at its server, where that harms nobody.                        the end of a story
10  When the network is well again, the next call works.                                         each time it gets well
11  ``close()`` ends every job, and leaves no flow and no connection.                            the end of a story
12  Silence ends within 60 s, where the generation has a sign of life.                           ``silence_ends``
=== ============================================================================================ =====================

They are those of the section "How it works" of the project's design (jobs and sessions: 1, 2, 6; the stream and its
readers: 4, 5; credentials: 7), of its rules for cancelled callers and cancelled jobs (3, 8, 9), and of what it says of
the life of a client (10, 11, 12).

``python -m model --examples N`` (with ``tests`` on the path) runs it for as long as one likes. That it would find
something is seen by planting defects (:mod:`model.defects`).
"""
