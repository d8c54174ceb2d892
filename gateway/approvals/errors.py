"""Why an approval, a vote or a review is refused."""

from __future__ import annotations

from gateway.problems import Conflict, Forbidden, Problem


class ApprovalRefused(Problem):
    """Something about an approval does not hold; `detail` says what."""

    slug, status, title = "approval-refused", 422, "The approval is not accepted"


class ApprovalMalformed(ApprovalRefused):
    slug, title = "approval-malformed", "The approval is not of the form that is signed"


class ApprovalSignatureInvalid(ApprovalRefused):
    slug, title = "approval-signature-invalid", "The approval is not signed by who issues it"


class IssuerNotAuthorised(ApprovalRefused):
    slug, status, title = "issuer-not-authorised", 403, "The issuer may not give approvals of this kind"


class VoteRefused(Problem):
    """A vote that is not what its reviewer may sign; `detail` says why."""

    slug, status, title = "vote-refused", 422, "The vote is not accepted"


class NotAReviewer(Forbidden):
    """A vote of somebody who asked, who voted already, or who does not belong to the committee."""

    slug, title = "not-a-reviewer", "You may not vote in this review"


class ReviewClosed(Conflict):
    slug, title = "review-closed", "The review is decided or lapsed"
