import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts.rules import (
    DEFAULT_RULES,
    Button,
    Clause,
    Cluster,
    Lasting,
    NoSignal,
    RuleError,
    parse_rule,
    parse_rules,
    with_no_signal,
)
from detector.errors import ConfigError

UNLESS_UP, ANY_CONTEXT = Clause.UNLESS_UP, Clause.ANY_CONTEXT
words = st.sampled_from(["clonus", "spasm", "tonic"])
rules = st.one_of(
    st.builds(Lasting, words, st.integers(1, 3600), st.sampled_from([UNLESS_UP, ANY_CONTEXT])),
    st.builds(
        Cluster, st.integers(1, 100), words, st.integers(1, 12 * 3600), st.sampled_from(Clause)
    ),
    st.builds(NoSignal, st.integers(10, 3600)),
    st.just(Button()),
)


@given(rules)
def test_every_rule_reads_back_from_what_it_writes(rule):
    assert parse_rule(str(rule)) == rule
    assert parse_rule(format(rule)) == rule


@given(rules, st.text(" \t", max_size=3), st.booleans())
def test_white_space_and_capitals_do_not_matter(rule, space, capitals):
    text = str(rule).replace(" ", f" {space}").replace(">=", f"{space}>={space}")
    assert parse_rule(space + (text.upper() if capitals else text) + space) == rule


def test_the_rules_of_the_contract_read_as_meant():
    assert parse_rules(DEFAULT_RULES) == (
        Lasting("clonus", 60),
        Cluster(3, "spasm", 600),
        NoSignal(120),
        Button(),
    )
    assert [str(rule) for rule in parse_rules(DEFAULT_RULES)] == list(DEFAULT_RULES)
    assert parse_rule("spasm>=10 s") == Lasting("spasm", 10)
    assert parse_rule("2 clonus in 1h") == Cluster(2, "clonus", 3600)
    assert parse_rules(["clonus >= 60s", "clonus>=1min"]) == (Lasting("clonus", 60),)


def test_a_rule_asks_for_a_context_unless_it_says_none():
    assert parse_rule("clonus >= 60s unless up") == parse_rule("clonus >= 60s")
    assert parse_rule("clonus>=60s  IN any context") == Lasting("clonus", 60, ANY_CONTEXT)
    assert parse_rule("3 spasms in 10min from rest") == Cluster(3, "spasm", 600, Clause.FROM_REST)
    assert str(parse_rule("3 spasms in 10min unless up")) == "3 spasms in 10min"


@given(st.one_of(st.text(), st.text("0123456789 >=smincloupatbhdgr-", max_size=90)))
def test_any_other_text_is_one_clear_error(text):
    try:
        rule = parse_rule(text)
    except RuleError as caught:
        error = caught
    else:
        assert parse_rule(str(rule)) == rule
        return
    assert isinstance(error, ConfigError)
    assert isinstance(error, ValueError)
    assert repr(text[:80]) in str(error)
    assert "Examples:" in str(error)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("clonus > 60s", "expected '>=' at character 8, found '>'"),
        ("clonus >= 60", "expected a unit, one of s, min, h, at character 13, the rule ends"),
        ("3 twitches in 10min", "twitches are logged but never wake anybody"),
        ("tremor >= 10s", "expected one of clonus, spasm, tonic at character 1, found 'tremor'"),
        ("3 spasms in 10min please", "nothing more at character 19, found 'please'"),
        ("clonus >= 60s from rest", "nothing more at character 15, found 'from'"),
        ("clonus >= 60s in any case", "expected 'context' at character 22, found 'case'"),
        ("3 spasms in 10min from", "expected 'rest' at character 23, the rule ends there"),
        ("no-signal >= 2min in any context", "nothing more at character 19"),
        ("no-signal >= 5h", "a time from 10s to 1h at character 14"),
        ("no-signal >= 0s", "a time from 10s to 1h"),
        ("clonus >= 0s", "a time from 1s to 1h"),
        ("0 spasms in 10min", "a whole number from 1 to 100 at character 1"),
        ("3 spasms in 999h", "a time from 1s to 12h"),
        ("clonus >= 1.5min", "at character 12"),
        ("button >= 2s", "nothing more at character 8, found '>='"),
        ("9" * 4000, "too long"),
        ("", "the rule ends there"),
    ],
)
def test_the_error_names_the_place_and_the_remedy(text, says):
    with pytest.raises(RuleError) as caught:
        parse_rule(text)
    assert says in str(caught.value)


def test_whoever_chooses_rules_keeps_the_alarm_that_nobody_watches():
    assert with_no_signal(parse_rules(["clonus >= 60s"])) == (Lasting("clonus", 60), NoSignal(120))
    own = parse_rules(["no-signal >= 1min"])
    assert with_no_signal(own) == own
    assert with_no_signal(()) == (NoSignal(120),)
