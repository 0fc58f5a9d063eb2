"""The eight pictures of Rule 110."""

from app.tasks.rule110.rule import patterns


def test_the_pictures_spell_the_number_110() -> None:
    threes = [three for three, _ in patterns()]
    assert len(set(threes)) == 8 and threes[0] == "111"
    assert sum(int(bit) << int(three, 2) for three, bit in patterns()) == 110
