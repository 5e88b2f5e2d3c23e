def refused(response, status: int, code: str, field: str | None = None) -> dict:
    """The error of an answer that has to be one, in the one shape."""
    assert response.headers["Content-Type"] == "application/json", response.content
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code), error
    assert error.keys() - {"current"} == {"code", "type", "message", "details", "request_id", "timestamp"}
    if field is not None:
        assert field in [detail["field"] for detail in error["details"]], error["details"]
    return error
