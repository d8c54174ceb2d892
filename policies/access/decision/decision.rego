# METADATA
# description: |
#   The one answer: deny beats refer, refer beats permit, silence is deny.
#   Which rules must speak is written into `data.bundle` when the bundle is built: adding a rule is
#   adding its folder, and a rule that is lost, undefined or in error has not said ok.
#   A rule's verdict is "ok", or the set of its findings: it cannot be both.
#   Where a rule asks for a person, and the committee has decided on exactly that, it is content. That is said
#   here, once, for all of them: no rule can forget it, and none can let a committee lift a denial.
package access.decision

import data.lib.approval
import data.lib.finding

# METADATA
# entrypoint: true
# description: |
#   Worked out once, and handed on as values: every reference into `data` costs as much as ten comparisons.
decision := answer if {
	bundle := data.bundle
	verdicts := data.access.rules.verdict
	answer := concluded(bundle, verdicts, data.access.obligations.owed)
}

# The permit comes first and is the cheapest: what stands in its way is gathered only if there is something.
concluded(bundle, verdicts, owed) := permit(bundle, owed) if {
	equipped(bundle, owed)
	every rule in bundle.rules { verdicts[rule] == "ok" }
} else := permit(bundle, owed) if {
	equipped(bundle, owed)
	every rule in bundle.rules { settled(verdicts[rule]) }
} else := {
	"bundle": bundle.digest,
	"limits": {"mode": cap},
	"result": result(given),
	"reasons": [reason[4] | some reason in sort(given)],
	"obligations": [],
} if {
	given := reasons(verdicts, quiet(bundle, verdicts, owed))
}

permit(bundle, owed) := {
	"bundle": bundle.digest,
	"limits": {"mode": cap},
	"result": "permit",
	"reasons": [],
	"obligations": [entry[2] | some entry in sort(entries)],
} if {
	entries := [[demand.kind, object.get(demand, "column", ""), demand] |
		some demands in owed
		some demand in demands
	]
}

# Empty lists of what must speak would be content with everything.
equipped(bundle, owed) if {
	count(bundle.rules) > 0
	count(bundle.obligations) > 0
	every kind in bundle.obligations { is_set(owed[kind]) }
}

# Content, or asking for a person and nothing else, and the committee has decided on all of it.
settled(verdict) if {
	verdict == "ok"
} else if {
	is_set(verdict)
	count(verdict) > 0
	every found in verdict { approval.decided(input, found) }
}

quiet(bundle, verdicts, owed) := rules | kinds if {
	content := {rule | some rule, verdict in verdicts; verdict == "ok"}
	heard := {kind | some kind, demands in owed; is_set(demands)}
	rules := {rule | some rule in bundle.rules} - content
	kinds := {kind | some kind in bundle.obligations} - heard
}

# Deny unless every reason asks for a person, and there is one.
result(given) := "refer" if {
	count(given) > 0
	every reason in given { reason[0] == "refer" }
} else := "deny"

reasons(verdicts, unheard) := (undecided | silent) | unequipped if {
	found := {ordered(rule, statement) |
		some rule in unheard
		some statement in verdicts[rule]
	}
	undecided := {entry | some entry in found; not approval.decided(input, entry[4])}
	silent := {ordered(name, silence("The rule or obligation did not answer.")) |
		some name in unheard
		not told(object.get(verdicts, name, null), {entry | some entry in found; entry[1] == name})
	}
	unequipped := {ordered("bundle", silence("The bundle names no rules or no obligations.")) |
		count(unheard) == 0
	}
}

# Everything it had to say could be read: a finding that lacks a part must not leave milder ones to speak for it.
told(verdict, entries) if {
	is_set(verdict)
	count(verdict) > 0
	count(verdict) == count(entries)
}

# Sorted as they are shown: effect (deny before refer), rule, code, text.
ordered(rule, found) := [found.effect, rule, found.code, found.text, object.union(found, {"rule": rule})]

silence(text) := finding.made(object.union(data.access.decision.table.silence, {"text": text}))

# The lowest cap wins; without one, nothing may be delivered.
cap := lowest if {
	lowest := min([mode | some mode in data.access.rules.cap])
	# Else, as the engines differ in what a default stands in for.
	# regal ignore:default-over-else
} else := "M0"
