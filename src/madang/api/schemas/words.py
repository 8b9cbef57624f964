"""What all requests and answers have in common."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=160)]
Title = Annotated[str, StringConstraints(max_length=400)]
Password = Annotated[str, StringConstraints(min_length=8, max_length=256)]
ChannelState = Literal["live", "reconnecting", "offline"]
Next = Annotated[str | None, Field(description="`cursor` of the page behind this one; null at the end.")]


class Body(BaseModel):
    """A request body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """An answer, read from the records of the control plane by attribute."""

    model_config = ConfigDict(from_attributes=True)


class FieldProblem(Answer):
    """What is wrong with one field of a request."""

    field: str = Field(
        description="Where in the body or the query, dots between levels; empty for names we do not know."
    )
    code: str = Field(description="A word for programs, such as `string_too_short`.")
    message: str = Field(description="A sentence for people.")


class Problem(Answer):
    """RFC 9457: every error of the API, as `application/problem+json`."""

    type: str = Field(description="A word for programs, such as `not_found` or `wrong_password`.")
    title: str = Field(description="The HTTP status in words.")
    status: int = Field(description="The HTTP status, again.")
    detail: str = Field(description="A sentence for people.")
    errors: list[FieldProblem] = Field(
        default=[], description="What is wrong with which field, where any is."
    )
