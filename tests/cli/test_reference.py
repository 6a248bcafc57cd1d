from tools.cli_reference import PAGE, page


def test_the_reference_is_in_step_with_the_verbs() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python tools/cli_reference.py"
