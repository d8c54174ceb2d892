"""What can go wrong with policy that is no decision."""

from __future__ import annotations

from gateway.problems import Problem, Unavailable


class PolicyUnavailable(Unavailable):
    """No decision that can be relied on could be had. Always a refusal: nothing was released."""

    slug, title = "policy-unavailable", "The policy cannot be asked now"


class BundleInvalid(Problem):
    """A folder of policies is not one that may decide; `detail` names the file and what is wrong with it."""

    slug, status, title = "bundle-invalid", 422, "The policy bundle is not valid"
