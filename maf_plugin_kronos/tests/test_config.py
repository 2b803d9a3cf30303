"""The settings of the refresher."""

from __future__ import annotations

import pytest

from maf_core.errors import ConfigError
from maf_core.settings import Settings
from maf_plugin_kronos.config import KronosSettings


def section(**values) -> KronosSettings:
    return Settings(plugins={"kronos": values}).section("kronos", KronosSettings)


def test_the_environment_wins_over_the_file(monkeypatch):
    monkeypatch.setenv("MAF_KRONOS_URL", "http://elsewhere:1")
    monkeypatch.setenv("MAF_KRONOS_TIMEFRAMES", '["1h"]')
    found = section(url="http://file:1", horizon=7)
    assert (found.url, found.timeframes, found.horizon) == ("http://elsewhere:1", ("1h",), 7)


def test_the_cadence_follows_the_timeframe_unless_it_is_set():
    found = section(timeframes=["1d", "5min", "1h"], cadence_s={"1h": 30})
    assert [found.cadence_of(timeframe) for timeframe in found.timeframes] == [300, 60, 30]
    assert found.min_cadence_s == 30


@pytest.mark.parametrize("wrong", [{"timeframes": ["soon"]}, {"timeframes": []}, {"horizon": 0}, {"sampels": 3}])
def test_a_wrong_setting_is_named(wrong):
    with pytest.raises(ConfigError, match=rf"plugins\.kronos\.{next(iter(wrong))}"):
        section(**wrong)
