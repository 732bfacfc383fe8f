"""What commands print."""

import pytest

from service.cli import output


def test_a_plain_table_is_aligned_and_has_no_trailing_space() -> None:
    assert output.plain_table(["A", "LONG"], [["abc", "x"], ["d", ""]]) == "A    LONG\nabc  x\nd\n"


def test_a_table_that_is_not_for_a_terminal_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["A"], [["x" * 500], ["[red]text[/red]"]])

    assert capsys.readouterr().out == "A\n" + "x" * 500 + "\n[red]text[/red]\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (1.25, "1.2"),
        ({"a": "ü"}, '{"a": "ü"}'),
        ("a\nb", "a b"),
        ("\x1b[31mred", "\ufffd[31mred"),
    ],
)
def test_a_value_is_shown_on_one_line_and_commands_no_terminal(value: object, shown: str) -> None:
    assert output.text_of(value) == shown
