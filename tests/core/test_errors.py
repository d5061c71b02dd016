"""The exceptions form one tree, and its picture in the module is true."""

import inspect

from ablate.core import errors


def test_every_exception_is_under_the_base_class_and_in_the_picture() -> None:
    classes = [each for _, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__]
    assert len(classes) == 6
    for each in classes:
        assert issubclass(each, errors.AblateError)
        assert each.__name__ in (errors.__doc__ or "")
    assert issubclass(errors.ClaimError, errors.UsageError)
