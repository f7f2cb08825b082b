"""Fuzzers of the core: whatever a server says, what comes out is an event or a documented error, soon and in bounds.

A target feeds one part of the core (:mod:`.table` has them all). Its *input* is a JSON object that says everything:
the bytes and where they are cut, or the steps of a conversation, and the limits. So an input can be kept in a file,
read by a person and run again by any version of Hypothesis, of a strategy and of Python. Three hands make inputs:

* seeds: what real servers were recorded to say, and the vectors of the specification (:mod:`.seeds`);
* Hypothesis strategies, which change seeds or build inputs of their own (:mod:`.mutations`, and each target);
* atheris, which gives Hypothesis the bytes that it draws from (``fuzz_one_input``), guided by the branches of the core
  that they reach, or gives a target of bytes its bytes themselves (:mod:`.driving`).

What is promised for every input is in one place, :mod:`.promises`. The corpus, one file of JSON lines for a target,
holds inputs and not atheris' bytes: those mean something to one version of Hypothesis and one form of the strategies
only, and are kept outside the repository, in ``build/fuzz``.
"""
