from __future__ import annotations

import json as stdlib_json

from otel_voiceload.reports.render import json
from tests.reports.samples import demo_report


def test_the_report_comes_out_exactly() -> None:
    assert stdlib_json.loads(json.render(demo_report())) == demo_report()
