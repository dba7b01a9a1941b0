import pytest

from core.errors import InputError
from core.export.options import Option, complete
from core.export.registry import FORMATS, all_options

SIZE = Option("size", "number", 2, "Size", "How large", low=1, high=4)
LOUD = Option("loud", "flag", False, "Loud", "Whether")
KIND = Option("kind", "choice", "a", "Kind", "Which", choices=("a", "b"))
PARTS = Option("parts", "several", ("a",), "Parts", "Which ones", choices=("a", "b", "c"))


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        (SIZE, "3", 3),
        (LOUD, "true", True),
        (LOUD, "false", False),
        (KIND, "b", "b"),
        (PARTS, "a, c", ("a", "c")),
        (PARTS, "", ()),
    ],
)
def test_words_become_values_and_values_words(option, text, value):
    assert option.parse(text) == value
    assert option.parse(option.text(value)) == value


@pytest.mark.parametrize(
    ("option", "text", "wanted"),
    [
        (SIZE, "5", "a whole number from 1 to 4"),
        (SIZE, "x", "a whole number from 1 to 4"),
        (LOUD, "maybe", "true or false"),
        (KIND, "c", "one of: a, b"),
        (PARTS, "a,d", "some of: a, b, c"),
    ],
)
def test_what_does_not_fit_is_said_with_what_does(option, text, wanted):
    with pytest.raises(InputError, match=f"no value of {option.flag}. Give {wanted}"):
        option.parse(text)


def test_what_is_left_out_has_its_default_and_what_is_unknown_is_refused():
    assert complete((SIZE, LOUD), {"size": 4}, "It") == {"size": 4, "loud": False}
    with pytest.raises(InputError, match=r"It has no option --kind. .* its options are: --size, --loud"):
        complete((SIZE, LOUD), {"kind": "a"}, "It")


def test_every_default_is_a_value_and_options_of_one_name_are_the_same():
    for option, formats in all_options().values():
        assert option.parse(option.text(option.default)) == option.default
        same = [o for name in formats for o in FORMATS[name].options if o.name == option.name]
        assert set(same) == {option}
