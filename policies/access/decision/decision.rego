# METADATA
# description: |
#   The one answer: deny beats refer, refer beats permit, silence is deny.
#   Which rules must speak is written into `data.bundle` when the bundle is built: adding a rule is
#   adding its folder, and a rule that is lost, undefined or in error has not said ok.
#   A rule's verdict is "ok", or the set of its findings: it cannot be both.
package access.decision

import data.lib.finding

# Worked out once, and handed on as values: a reference into `data` would be worked out again each time.
decision := answer if {
	verdicts := data.access.rules.verdict
	owed := data.access.obligations.owed
	content := {rule | some rule, verdict in verdicts; verdict == "ok"}
	heard := {kind | some kind, demands in owed; is_set(demands)}
	quiet := ({rule | some rule in data.bundle.rules} - content) | ({kind | some kind in data.bundle.obligations} - heard)
	answer := concluded(verdicts, owed, quiet)
}

# Empty lists of what must speak would be content with everything.
concluded(verdicts, owed, quiet) := {
	"result": "permit",
	"bundle": data.bundle.digest,
	"reasons": [],
	"obligations": [entry[2] |
		some entry in sort([[demand.kind, object.get(demand, "column", ""), demand] |
			some demands in owed
			some demand in demands
		])
	],
	"limits": {"mode": cap},
} if {
	count(quiet) == 0
	count(data.bundle.rules) > 0
	count(data.bundle.obligations) > 0
} else := {
	"result": result(given),
	"bundle": data.bundle.digest,
	"reasons": [reason[4] | some reason in sort(given)],
	"obligations": [],
	"limits": {"mode": cap},
} if {
	given := reasons(verdicts, quiet)
}

# Deny unless every reason asks for a person, and there is one.
result(given) := "refer" if {
	count(given) > 0
	every reason in given { reason[0] == "refer" }
} else := "deny"

reasons(verdicts, quiet) := (found | silent) | unequipped if {
	found := {ordered(rule, statement) |
		some rule in quiet
		some statement in verdicts[rule]
	}
	silent := {ordered(name, silence("The rule or obligation did not answer.")) |
		some name in (quiet - {entry[1] | some entry in found})
	}
	unequipped := {ordered("bundle", silence("The bundle names no rules or no obligations.")) |
		count(quiet) == 0
	}
}

# Sorted as they are shown: effect (deny before refer), rule, code, text.
ordered(rule, found) := [found.effect, rule, found.code, found.text, object.union(found, {"rule": rule})]

silence(text) := finding.deny(
	"RULE-SILENT",
	text,
	[],
	"Ours: silence is a refusal",
	"Nothing that you can do: the operator must repair or replace the policy bundle.",
)

# The lowest cap wins; without one, nothing may be delivered.
cap := min(caps) if {
	caps := {mode | some mode in data.access.rules.cap}
	count(caps) > 0
} else := "M0"
