"""What datacontract-cli says of each case of ``bench/agreement.py``. Types and presence are not asked."""

import json
import logging
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

from datacontract.data_contract import DataContract  # noqa: E402


def said(folder: Path) -> str:
    try:
        run = DataContract(data_contract_file=str(folder / "c.odcs.yaml")).test()
    except Exception as error:
        return f"error: {type(error).__name__}"
    asked = [each for each in run.checks if each.type != "field_type" and "present" not in (each.type or "")]
    results = {getattr(each.result, "value", str(each.result)) for each in asked}
    if not asked:
        return "nothing checked"
    if results <= {"passed"}:
        return "kept"
    return "broken" if results <= {"passed", "failed"} else ", ".join(sorted(results))


folder = Path(sys.argv[1])
cases = json.loads((folder / "cases.json").read_text())
print(json.dumps({case["name"]: said(folder / case["name"]) for case in cases}))
