"""How well its tests hold the core: a sample of its mutants, tried one by one.

A *mutant* is the core with one small mistake in it: a comparison turned round, an argument dropped, a name misspelt.
Where no test fails the mutant *survives*, and what it changes is held by nothing.

Theory of operation. The mistakes are those of mutmut's operators. Its own runner puts every mutant of a module into
one file, behind a function that chooses among them at each call. That triples the depth of the stack and the time of
each call, and both are promises of this core (as deep as the limits allow, in linear time), so its tests fail there
without any mistake. Here a mutant is the module with nothing else changed: :mod:`core_mutants.making` makes its text,
and :mod:`core_mutants.trying` forks a process in which that text is imported in place of the module's, which then
runs pytest. The tests that are named after the module come first, and where they see nothing, some others that use it
(:mod:`core_mutants.holding`). All that runs is a copy of the project, so that it may be edited meanwhile.

A mutant that cannot even be imported is not counted: any test at all would see it. Every module has its share of the
sample, by the number of its mutants, and at least :data:`core_mutants.sampling.FEWEST`; the score of the whole core
weighs the modules by all of their mutants, not by the sample's.

    python -m core_mutants [--sample N] [--seed S] [--modules GLOB ...] [--processes N] [--write]

``make core-mutants`` is the command for it. ``--write`` makes ``docs/mutation.md``. What survives stands, each with its
difference, in ``build/core-mutants/survivors.diff``.
"""
