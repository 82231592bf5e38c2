import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import page_tokens
from domain.errors import InvalidPageToken

text = st.text(st.characters(codec="utf-8"))


@given(position=text, list_key=st.lists(text, min_size=1, max_size=3))
def test_a_token_gives_its_position_back_to_its_own_list(position: str, list_key: list[str]) -> None:
    token = page_tokens.encode(position, *list_key)
    assert page_tokens.decode(token, *list_key) == position


@given(position=text, one=st.lists(text, max_size=3), other=st.lists(text, max_size=3))
def test_a_token_fits_no_other_list(position: str, one: list[str], other: list[str]) -> None:
    token = page_tokens.encode(position, *one)
    if one != other:
        with pytest.raises(InvalidPageToken):
            page_tokens.decode(token, *other)


@given(st.text())
def test_no_text_but_a_token_is_taken(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        page_tokens.decode(token, "Query.messages", "lobby")
