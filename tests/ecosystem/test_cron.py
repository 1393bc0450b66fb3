"""What is a cron pattern, and what is told about those that are none."""

from __future__ import annotations

import pytest

from pm2sd.ecosystem.cron import MACROS, BadCron, Cron, Once, parse_cron


def cron(text: str) -> Cron:
    parsed = parse_cron(text)
    assert isinstance(parsed, Cron)
    return parsed


def test_the_fields() -> None:
    one = cron(" 1,2  3-5 */6 7 1-12/5 SUN ")
    assert one.seconds == {1, 2}
    assert one.minutes == {3, 4, 5}
    assert one.hours == {0, 6, 12, 18}
    assert one.days.days == {7}
    assert one.months == {1, 6, 11}
    assert one.days.weekdays == {0}
    assert one.days.either


def test_five_fields_begin_at_second_0() -> None:
    assert cron("* * * * *").seconds == {0}
    assert cron("* * * * *") == cron("0 * * * * *")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0 0 * JAN,dec mon-Fri", "0 0 * 1,12 1-5"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * FRI-SUN", "0 0 * * 5,6,0"),
        ("0 0 * * 5/1", "0 0 * * 5,6,7"),
        ("0 0 ? * 1", "0 0 * * 1"),
        ("10/20 * * * *", "10,30,50 * * * *"),
        ("5-10,20 * * * *", "5,6,7,8,9,10,20 * * * *"),
        *((macro.upper(), fields) for macro, fields in MACROS.items()),
    ],
)
def test_two_ways_to_say_the_same(text: str, same: str) -> None:
    assert parse_cron(text) == parse_cron(same)


def test_days_from_the_end_and_of_a_week() -> None:
    days = cron("0 0 3,L * 1#2,5L,6").days
    assert days.days == {3}
    assert days.last
    assert days.weekdays == {6}
    assert days.nth == {(1, 2)}
    assert days.last_weekdays == {5}


@pytest.mark.parametrize(
    ("text", "either"),
    [("0 0 1 * 1", True), ("0 0 */2 * 1", False), ("0 0 1 * */2", False), ("0 0 ? * 1", False)],
)
def test_a_star_in_a_field_of_days_makes_both_count(text: str, either: bool) -> None:
    assert cron(text).days.either is either


def test_a_date() -> None:
    assert parse_cron("2027-01-02T03:04:05") == Once("2027-01-02", "03:04:05", utc=False)
    assert parse_cron("2027-01-02T03:04:05Z") == Once("2027-01-02", "03:04:05", utc=True)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "0 fields", "minute, hour"),
        ("* * *", "3 fields", "minute, hour"),
        ("0 0 1 1 * 2027 *", "7 fields", "minute, hour"),
        ("60 * * * *", "minute 60 is not within 0 to 59", None),
        ("* 24 * * *", "hour 24 is not within 0 to 23", None),
        ("* * 0 * *", "day of the month 0 is not within 1 to 31", None),
        ("* * * 13 *", "month 13 is not within 1 to 12", None),
        ("* * * * 8", "weekday 8 is not within 0 to 7", None),
        ("* 22-4 * * *", "'22-4' ends before", "22-23,0-4"),
        ("*/0 * * * *", "'0' is no step", "1 to 60"),
        ("*/90 * * * *", "'90' is no step", "1 to 60"),
        ("*/x * * * *", "'x' is no step", "1 to 60"),
        ("1, * * * *", "'' is no minute", None),
        ("-1 * * * *", "'-1' is no minute", None),
        ("٣ * * * *", "'٣' is no minute", None),
        ("1-2-3 * * * *", "'1-2-3' is no minute", None),
        ("monday * * * *", "'monday' is no minute", None),
        ("* * * * monday", "'monday' is no weekday", None),
        ("* * 15W * *", "'15W' is no day", "nearest"),
        ("* * LW * *", "'LW' is no day", "nearest"),
        ("* * * * 1#L", "'1#L' is no weekday", "1L"),
        ("* * * * 1#6", "'1#6' is no weekday", None),
        ("* * * * 9#1", "weekday 9", None),
        ("H * * * *", "'H' is no minute", "Jenkins"),
        ("? * * * *", "'?' is no minute", "moment"),
        ("@reboot", "@reboot is no time", "autostart"),
        ("@every 5m", "'@every 5m' is no macro", "@hourly"),
        ("0 0 31 4,6 *", "day 31 is in none", None),
        ("0 0 30 2 *", "day 30 is in none", None),
        ("0 0 */2 * 5L", "more than a timer", "*"),
        ("0 0 L * */2,1#1", "more than a timer", "*"),
        ("2027-02-29T00:00:00", "no such moment", None),
    ],
)
def test_what_is_refused(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(BadCron) as caught:
        parse_cron(text)
    assert message in str(caught.value)
    assert (hint or "") in (caught.value.hint or "")


def test_a_day_that_comes_in_leap_years_only_is_one() -> None:
    assert cron("0 0 29 2 *").days.days == {29}
