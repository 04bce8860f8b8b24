"""The mutations of `./dev mutate` fit the code as it is; trying them takes longer."""

from __future__ import annotations

import pytest

from tests.mutations.run import ROOT, Mutation, mutations


@pytest.mark.parametrize("mutation", mutations(), ids=lambda mutation: mutation.name)
def test_a_mutation_changes_one_place_and_names_tests_that_exist(mutation: Mutation) -> None:
    assert not mutation.is_stale()
    assert mutation.new != mutation.old
    assert mutation.tests
    for test in mutation.tests:
        file, _, name = test.partition("::")
        assert not name or f"def {name.split('::')[-1].split('[')[0]}(" in (ROOT / file).read_text()
